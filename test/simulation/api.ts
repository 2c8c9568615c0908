/** A provider's API as it can be simulated: our adapter on one end of the wire, the sandbox's API on the other. */

import type { PayoutRef } from '../../src/domain/instruction.ts';
import type { Clock } from '../../src/platform/clock.ts';
import type { HttpClient, HttpRequest } from '../../src/provider/http.ts';
import type { Provider } from '../../src/provider/port.ts';
import type { Answer, Dialect, Received, TokenLife } from '../../src/sandbox/call.ts';
import type { FateRule, On } from '../../src/sandbox/faults.ts';
import type { LedgerEntry } from '../../src/sandbox/ledger.ts';

/** What the simulated provider is asked. */
export interface Asked {
  readonly on: On;
  /** Of the payout or order that it is about; empty for a token. */
  readonly reference: string;
  /** The payouts that it makes if it is taken: its own, or those that ride along with an order. */
  readonly creates: readonly string[];
  /** The API's words for what a fault answers to it. */
  readonly dialect: Dialect;
}

/** A payout as the provider has it; `reversed` is one that was paid and came back. */
export interface TheirPayout {
  readonly status: 'open' | 'paid' | 'failed' | 'reversed';
  readonly amount: string;
}

export interface SimulatedServer {
  asked(request: HttpRequest): Asked;
  /** Acts, and answers as the API does. `tokenLife` limits the token that is given out. */
  handle(request: HttpRequest, tokenLife?: TokenLife): Answer;
  /** How a payout stands, without asking. */
  find(reference: string): TheirPayout | undefined;
  /** Moves a payout one step, as the provider does on its own when no look-up does. */
  step(reference: string): void;
  readonly ledger: readonly LedgerEntry[];
}

export interface SimulatedApi {
  /** Goes into paydrop.json as provider.api. */
  readonly name: 'payout-orders' | 'collect' | 'order-management';
  readonly env: NodeJS.ProcessEnv;
  /** What else goes into paydrop.json's provider. */
  readonly settings: object;
  /** Whether orders are registered, and payouts changed where they are. */
  readonly knowsOrders: boolean;
  /** Whether money that was paid and came back has the same status as a failure. */
  readonly callsReturnsFailures: boolean;
  adapter(http: HttpClient, timeoutMs: number, clock: Clock): Provider;
  /** `fates` may lose rules while it runs. */
  server(seed: string, fates: readonly FateRule[], clock: Clock): SimulatedServer;
  /** Under what a payout is known at the provider. */
  referenceOf(ref: PayoutRef): string;
  /** The same, for a rule about its fate. */
  subjectOf(ref: PayoutRef): Omit<FateRule, 'fate'>;
  /** The bodies of webhooks that tell of payouts. */
  webhooks(payouts: readonly PayoutRef[]): string[];
  /** Documented refusals. */
  readonly declines: readonly { readonly code?: string; readonly status?: number }[];
  /** The statuses with which "not found" comes. */
  readonly notFoundStatuses: readonly number[];
  /** The same answer with another amount. */
  misstated(answer: Answer): Answer;
  /** The same answer with a status that its documentation doesn't have. */
  unreadable(answer: Answer): Answer;
}

export function received({ method, path, headers, body = '' }: HttpRequest): Received {
  return { method, path, query: new URLSearchParams(), headers, body: Buffer.from(body) };
}
