/**
 * The bundled provider: a real HTTP server on loopback. It answers as the signed payout-order API and both Imburse
 * generations do, keeps a ledger of what it took, and fails on request. sandbox/faults.ts describes fault scripts.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Clock, systemClock, timestamp } from '../platform/clock.ts';
import type { HmacKeys, PayoutKeys } from '../provider/provider.ts';
import { openBook } from './book.ts';
import { type Call, type Received, referenceOf } from './call.ts';
import { COLLECT } from './collect.ts';
import { deliver } from './delivery.ts';
import { type CheckedScript, checkScript, chooseFault, type Fault, type FaultScript, type Subject } from './faults.ts';
import { type ImburseAccount, openIdentity } from './identity.ts';
import { imburseApi } from './imburse.ts';
import { openImburseBook } from './imburse-book.ts';
import { tellingOfInstructions } from './imburse-webhooks.ts';
import { type Generation, type Ledger, type LedgerEntry, openLedger, readLedger } from './ledger.ts';
import { orderManagement } from './order-management.ts';
import { payoutOrdersApi } from './payout-orders.ts';
import { tellingOf } from './webhooks.ts';

export { checkScript, type FaultScript } from './faults.ts';
export { type LedgerEntry, readLedger } from './ledger.ts';

/** The sandbox's credentials. Public: they open nothing but a sandbox. */
export const SANDBOX_KEYS: PayoutKeys = {
  clientKey: 'sandbox-client-key',
  clientSecret: 'sandbox-client-secret',
  saltKey: 'sandbox-salt-key',
};

/** The same for the Imburse APIs. */
export const SANDBOX_IMBURSE_KEYS: HmacKeys = {
  publicKey: 'sandbox-public-key',
  privateKey: Buffer.from('sandbox-private-key-of-32-bytes!').toString('base64'),
};

/** The account and tenant that all calls to the Imburse APIs must name, except the call for a token. */
export const SANDBOX_IMBURSE_ACCOUNT: ImburseAccount = { accountId: 'sandbox-account', tenantId: 'sandbox-tenant' };

const HOST = '127.0.0.1';
/** An order may come with its instructions, each with metadata of its own. */
const MAX_BODY_BYTES = 16 * 1024 * 1024;

export interface SandboxOptions {
  /** Any free port when left out. */
  readonly port?: number;
  /** Fates, references and drawn faults are functions of the seed. */
  readonly seed: string | number;
  /** Throws for a script that checkScript refuses. */
  readonly faults?: FaultScript;
  /** The file is created if it doesn't exist; entries that it has already are applied again. */
  readonly ledgerPath: string;
  readonly clock?: Clock;
}

export interface Sandbox {
  readonly baseUrl: URL;
  readonly keys: PayoutKeys;
  readonly imburseKeys: HmacKeys;
  readonly imburseAccount: ImburseAccount;
  /** Breaks off the requests under way and closes the ledger. */
  close(): Promise<void>;
}

/** Rejects when the port is taken or the ledger can't be read or written. */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const { port = 0, ledgerPath, clock = systemClock } = options;
  const seed = String(options.seed);
  const script = scriptOf(options.faults);
  const ledger = openLedger(ledgerPath);
  const closing = new AbortController();
  const { answerer, recall } = openApis({ seed, script, ledger, clock, closing: closing.signal });
  const faults = script && faultSource({ script, seed, ledger, clock });
  for (const entry of readLedger(ledgerPath)) {
    recall(entry);
    faults?.recall(entry);
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const received = await read(request);
    if (!received) return void response.destroy();
    const call = answerer(received);
    if (call.correlationId) response.setHeader('x-correlation-id', call.correlationId);
    const fault = faults?.next(call);
    if (fault?.kind === 'delay') await clock.sleep(fault.ms, closing.signal);
    if (closing.signal.aborted) return;
    await deliver(response, call, fault, clock, closing.signal);
  }

  const underWay = new Set<Promise<void>>();
  const server = createServer((request, response) => {
    const served = serve(request, response)
      .catch(() => void response.destroy())
      .finally(() => underWay.delete(served));
    underWay.add(served);
  });
  server.listen(port, HOST);
  await once(server, 'listening').catch((error: unknown) => {
    ledger.close();
    throw error;
  });

  async function shutDown(): Promise<void> {
    closing.abort();
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await Promise.all([closed, ...underWay]);
    ledger.close();
  }

  let closed: Promise<void> | undefined;
  return {
    baseUrl: new URL(`http://${HOST}:${(server.address() as AddressInfo).port}`),
    keys: SANDBOX_KEYS,
    imburseKeys: SANDBOX_IMBURSE_KEYS,
    imburseAccount: SANDBOX_IMBURSE_ACCOUNT,
    close: () => {
      closed ??= shutDown();
      return closed;
    },
  };
}

function scriptOf(faults: FaultScript | undefined): CheckedScript | undefined {
  if (!faults) return undefined;
  const checked = checkScript(faults);
  if ('problem' in checked) throw new Error(`the fault script is not one: ${checked.problem}`);
  return checked.script;
}

interface Setting {
  readonly script: CheckedScript | undefined;
  readonly seed: string;
  readonly ledger: Ledger;
  readonly clock: Clock;
}

interface Apis {
  /** The call that a request makes, at any API. A request that no other API knows goes to the payout-order API. */
  answerer(received: Received): Call;
  recall(entry: LedgerEntry): void;
}

function openApis({ script, seed, ledger, clock, closing }: Setting & { readonly closing: AbortSignal }): Apis {
  const common = { seed, fates: script?.fates ?? [], ledger, clock };
  const telling = script?.webhooks && { script: script.webhooks, clock, closing };
  const silent = openBook(common);
  const payouts = telling ? tellingOf(silent, telling) : silent;
  const imburseBook = (api: Generation) => {
    const book = openImburseBook({ ...common, api });
    return telling ? tellingOfInstructions(api, book, telling) : book;
  };
  const collect = imburseBook('collect');
  const managed = imburseBook('order-management');
  const identity = openIdentity({ keys: SANDBOX_IMBURSE_KEYS, account: SANDBOX_IMBURSE_ACCOUNT, seed, clock });
  const payoutOrders = payoutOrdersApi({ book: payouts, keys: SANDBOX_KEYS, seed, balance: script?.balance });
  const others = [
    identity.tokenCall,
    imburseApi(COLLECT, collect, identity),
    imburseApi(orderManagement(clock), managed, identity),
  ];
  return {
    answerer: (received) => {
      for (const api of others) {
        const call = api(received);
        if (call) return call;
      }
      return payoutOrders(received);
    },
    recall: (entry) => {
      for (const book of [payouts, collect, managed]) book.recall(entry);
    },
  };
}

interface FaultSource {
  /** The fault that a request meets. */
  next(call: Call): Fault | undefined;
  /** Counts a request of an earlier sandbox, so that counting goes on where it stopped. */
  recall(entry: LedgerEntry): void;
}

function faultSource({ script, seed, ledger, clock }: Setting & { readonly script: CheckedScript }): FaultSource {
  const counts = new Map<string, number>();
  const sent = new Map<string, Subject>();

  function record({ api, on }: Pick<Call, 'api' | 'on'>, subject: Subject): number {
    const reference = referenceOf(api, subject);
    const key = `${on} ${reference}`;
    const n = (counts.get(key) ?? 0) + 1;
    counts.set(key, n);
    if (on === 'post' || on === 'order') sent.set(reference, subject);
    return n;
  }

  /** A look-up is about what was sent under its reference, even if what was sent never took effect. */
  function subjectOf({ api, on, about, isKnown }: Call): Subject {
    const creates = on === 'post' || on === 'order';
    return creates || isKnown ? about : (sent.get(referenceOf(api, about)) ?? about);
  }

  return {
    next: (call) => {
      const { api, on } = call;
      if (on === 'other') return undefined;
      const about = subjectOf(call);
      const n = record(call, about);
      const fault = chooseFault(script, seed, { on, reference: referenceOf(api, about), about, n });
      const at = timestamp(clock.now());
      ledger.append({ kind: 'request', at, on, api, ...about, n, fault: fault?.kind ?? '' });
      return fault;
    },
    recall: (entry) => {
      if (entry.kind !== 'request') return;
      const { clientRefId, narration, remark, contactId, customerRef, orderRef, instructionRef } = entry;
      record(entry, { clientRefId, narration, remark, contactId, customerRef, orderRef, instructionRef });
    },
  };
}

/** The whole request; undefined when its body is too large. */
async function read(request: IncomingMessage): Promise<Received | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) return undefined;
    chunks.push(chunk);
  }
  const { method = '', url = '', headers } = request;
  const [path = '', query] = url.split('?', 2);
  return { method, path, query: new URLSearchParams(query), headers, body: Buffer.concat(chunks) };
}
