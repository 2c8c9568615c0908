/** One request at the sandbox, whichever of its APIs is asked: what it is about, what it does, how that API says no. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Fault, On, Subject } from './faults.ts';
import type { Generation } from './ledger.ts';

export interface Received {
  readonly method: string;
  /** As in the request line, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** How long a token lives, and for how many requests it is good. */
export type TokenLife = Extract<Fault, { kind: 'short-token' }>;

export interface Call {
  readonly api: 'payout-orders' | 'identity' | Generation;
  /** Faults strike all but `other`. */
  readonly on: On | 'other';
  readonly about: Subject;
  /** Whether the books say what it is about; else it may be about something that was sent but never took effect. */
  readonly isKnown: boolean;
  /** Echoed; empty for none. */
  readonly correlationId: string;
  /** Lets it take effect; what the API says to that. */
  act(tokenLife?: TokenLife): Answer;
  readonly dialect: Dialect;
}

/** An API's own words for what a fault answers. */
export interface Dialect {
  error(status: number): Answer;
  rateLimited(): Answer;
  unauthorized(status: number): Answer;
  badSignature(): Answer;
  decline(fault: Extract<Fault, { kind: 'decline' }>): Answer;
  serviceOff(): Answer;
  notFound(fault?: Partial<Pick<Extract<Fault, { kind: 'not-found' }>, 'status' | 'message'>>): Answer;
  /** The same answer about something that nobody asked for. */
  misdirected(answer: Answer): Answer;
}

export const JSON_TYPE = { 'content-type': 'application/json' };

/** The JSON object in a body; an empty one when there is none. */
export function parseObject(body: Buffer): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body.toString());
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

/**
 * Under what a request's payout, instruction or order is counted and drawn for. Order management knows its orders without
 * their customers.
 */
export function referenceOf(api: Call['api'], { clientRefId, customerRef, orderRef, instructionRef }: Subject): string {
  switch (api) {
    case 'payout-orders':
      return clientRefId;
    case 'identity':
      return api;
    case 'collect':
      return [api, customerRef, orderRef, instructionRef].join(' ');
    case 'order-management':
      return [api, orderRef, instructionRef].join(' ');
  }
}
