/**
 * Asks an address when a nightly run starts (`/start`), ends (nothing), fails (`/fail`). Silence is for the receiver to notice,
 * so what becomes of it here is of no interest: no answer is waited for, and none fails the run.
 */
import { openHttp } from '../../provider/provider.ts';

const DEADLINE_MS = 5_000;

export interface Ping {
  started(): void;
  ended(): void;
  failed(): void;
  /** Resolves when nothing is on its way any more. */
  settled(): Promise<void>;
}

/** Each is asked after the one before it, so that they come in their order. */
export function openPing(url: URL | undefined): Ping {
  let last = Promise.resolve();
  const ask = (suffix: string) => {
    if (url) last = last.then(() => asked(url, suffix));
  };
  return {
    started: () => ask('/start'),
    ended: () => ask(''),
    failed: () => ask('/fail'),
    settled: () => last,
  };
}

async function asked(url: URL, suffix: string): Promise<void> {
  const client = await openHttp({ origin: url, concurrency: 1, timeoutMs: DEADLINE_MS });
  const path = suffix === '' ? url.pathname : url.pathname.replace(/\/+$/, '') + suffix;
  await client.send({ method: 'GET', path, headers: { 'user-agent': 'paydrop' } });
  await client.close();
}
