/**
 * `/healthz`: the process lives, and its loop turns. `/readyz`: it can do its work. Neither names a record, a file or
 * a machine, because monitoring needs none of them.
 */
import { lookUpOnly, otherProvider } from '../store/store.ts';
import type { Answer, Route } from './http.ts';
import type { Site } from './site.ts';

/** Work that gets on tells so at least this often, or as often as a request to the provider may take. */
const LONGEST_STILL_MS = 900_000;

/** The service may be restarted when this is not well; never because of something outside that it waits for. */
export function healthRoute(site: Site): Route {
  return async ({ method, url }) => {
    if (url.pathname !== '/healthz' && url.pathname !== '/readyz') return undefined;
    if (method !== 'GET') return { status: 405, headers: { allow: 'GET, HEAD' }, body: 'GET only\n' };
    return url.pathname === '/healthz' ? health(site) : readiness(site);
  };
}

function health({ settings, stalledMs }: Site): Answer {
  const longestMs = LONGEST_STILL_MS + settings.provider.timeoutMs;
  const seconds = Math.floor(stalledMs() / 1_000);
  if (stalledMs() <= longestMs) return { status: 200, body: 'ok\n' };
  return { status: 503, body: `the service has not got on for ${seconds} seconds\n` };
}

async function readiness(site: Site): Promise<Answer> {
  const why = await whyNotReady(site);
  return why === undefined ? { status: 200, body: 'ready\n' } : { status: 503, body: `${why}\n` };
}

/** Undefined where it can take in files and send payouts. A pause, or a day that is closed, is no fault of it. */
async function whyNotReady({ tools }: Pick<Site, 'tools'>): Promise<string | undefined> {
  const open = tools();
  const away = 'the records are out of reach';
  if (!open) return away;
  try {
    const { store } = open;
    if ((await store.hindrance()) !== undefined) return away;
    if ((await lookUpOnly(store)) !== undefined) return 'the records are in doubt: payouts are only looked up';
    if ((await otherProvider(store)) !== undefined)
      return 'the settings name another provider than the records: payouts are only looked up';
    if (await store.fact('inbox-trouble')) return 'the inbox can not be read';
    return undefined;
  } catch {
    return away;
  }
}
