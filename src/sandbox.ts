/**
 * The bundled provider: a real HTTP server on loopback that answers as the signed payout-order API does, keeps a ledger
 * of what it took, and fails on request. What a fault script looks like stands in sandbox/faults.ts.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Clock, systemClock, timestamp } from './clock.ts';
import type { PayoutKeys } from './provider/signature.ts';
import { type Book, openBook } from './sandbox/book.ts';
import { deliver } from './sandbox/delivery.ts';
import {
  type CheckedScript,
  checkScript,
  chooseFault,
  type Fault,
  type FaultScript,
  type Subject,
} from './sandbox/faults.ts';
import { type Ledger, type LedgerEntry, openLedger, readLedger } from './sandbox/ledger.ts';
import { type OrderCall, orderCall, payoutOrdersApi, type Received } from './sandbox/payout-orders.ts';

export { checkScript, type FaultScript } from './sandbox/faults.ts';
export { type LedgerEntry, readLedger } from './sandbox/ledger.ts';

/** The sandbox's credentials. Public: they open nothing but a sandbox. */
export const SANDBOX_KEYS: PayoutKeys = {
  clientKey: 'sandbox-client-key',
  clientSecret: 'sandbox-client-secret',
  saltKey: 'sandbox-salt-key',
};

const HOST = '127.0.0.1';
const MAX_BODY_BYTES = 64 * 1024;

export interface SandboxOptions {
  /** Any free one when left out. */
  readonly port?: number;
  /** Fates, references and drawn faults are functions of it. */
  readonly seed: string | number;
  /** Throws for a script that checkScript refuses. */
  readonly faults?: FaultScript;
  /** Made if need be; what it says already is taken up again. */
  readonly ledgerPath: string;
  readonly clock?: Clock;
}

export interface Sandbox {
  readonly baseUrl: URL;
  readonly keys: PayoutKeys;
  /** Breaks off what is under way and closes the ledger. */
  close(): Promise<void>;
}

/** Rejects when the port is taken or the ledger can't be read or written. */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const { port = 0, ledgerPath, clock = systemClock } = options;
  const seed = String(options.seed);
  const script = scriptOf(options.faults);
  const ledger = openLedger(ledgerPath);
  const book = openBook({ seed, fates: script?.fates ?? [], ledger, clock, history: readLedger(ledgerPath) });
  const api = payoutOrdersApi(book, SANDBOX_KEYS, seed);
  const nextFault = script && faultSource({ script, seed, book, ledger, clock, history: readLedger(ledgerPath) });
  const closing = new AbortController();

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const received = await read(request);
    if (!received) return void response.destroy();
    const fault = nextFault?.(orderCall(received));
    if (fault?.kind === 'delay') await clock.sleep(fault.ms, closing.signal);
    if (closing.signal.aborted) return;
    await deliver(response, () => api(received), fault, clock, closing.signal);
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

interface FaultSourceOptions {
  readonly script: CheckedScript;
  readonly seed: string;
  readonly book: Book;
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly history: Iterable<LedgerEntry>;
}

/** Says which fault each request meets, counting a reference's requests over restarts by the ledger. */
function faultSource(options: FaultSourceOptions): (call: OrderCall) => Fault | undefined {
  const { script, seed, book, ledger, clock, history } = options;
  const counts = new Map<string, number>();
  const posted = new Map<string, Subject>();

  function record(on: 'post' | 'get', subject: Subject): number {
    const key = `${on} ${subject.clientRefId}`;
    const n = (counts.get(key) ?? 0) + 1;
    counts.set(key, n);
    if (on === 'post') posted.set(subject.clientRefId, subject);
    return n;
  }

  /** A look-up is about what was posted under its reference, even where that never took effect. */
  function subjectOf(call: OrderCall): Subject | undefined {
    if (call.on === 'other') return undefined;
    if (call.on === 'post') return call.fields;
    const nobody = { clientRefId: call.id, narration: '', remark: '', contactId: '' };
    return book.find(call.id)?.fields ?? posted.get(call.id) ?? nobody;
  }

  for (const entry of history) if (entry.kind === 'request') record(entry.on, entry);

  return (call) => {
    const subject = subjectOf(call);
    if (!subject || call.on === 'other') return undefined;
    const { clientRefId, narration, remark, contactId } = subject;
    const about = { clientRefId, narration, remark, contactId };
    const n = record(call.on, about);
    const fault = chooseFault(script, seed, call.on, about, n);
    ledger.append({
      kind: 'request',
      at: timestamp(clock.now()),
      on: call.on,
      ...about,
      n,
      fault: fault?.kind ?? '',
    });
    return fault;
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
