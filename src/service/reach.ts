/** Whether what `watch` serves is served now, and whether it could be. */
import { get } from 'node:http';
import type { Clock } from '../platform/clock.ts';
import type { HttpSettings } from '../settings/settings.ts';
import { openHttp } from './http.ts';

const ANSWER_MS = 2_000;
const SILENT = { info: () => undefined, warn: () => undefined, error: () => undefined };

export type Reach = { readonly kind: 'free' | 'served' } | { readonly kind: 'problem'; readonly why: string };

export async function reachOf(http: HttpSettings, clock: Clock): Promise<Reach> {
  if (http.listen.port !== 0 && (await isServed(http))) return { kind: 'served' };
  try {
    await (await openHttp(http, [], { clock, log: SILENT })).close();
    return { kind: 'free' };
  } catch (error) {
    return { kind: 'problem', why: (error as Error).message };
  }
}

/** Whether a service of paydrop answers there. */
function isServed({ listen: { host, port } }: HttpSettings): Promise<boolean> {
  const name = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return new Promise((resolve) => {
    const request = get({ host: name, port, path: '/healthz', timeout: ANSWER_MS, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode === 200 || response.statusCode === 503);
    });
    request.on('error', () => resolve(false));
    request.on('timeout', () => void request.destroy());
  });
}
