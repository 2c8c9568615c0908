/** What `paydrop doctor` says of what `watch` serves over HTTP. */
import type { Clock } from '../../platform/clock.ts';
import { reachOf, webhookStanding } from '../../service/service.ts';
import type { Settings } from '../../settings/settings.ts';
import type { Check } from './server.ts';

const what = 'http';

/** Nothing where nothing is served. */
export async function checkHttp(settings: Settings, env: NodeJS.ProcessEnv, clock: Clock): Promise<Check[]> {
  const { http } = settings;
  if (!http) return [];
  const { host, port } = http.listen;
  const at = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const before = http.publicUrl ? `, behind ${http.publicUrl.origin}` : '';
  const reach = await reachOf(http, clock);
  const found = { free: `paydrop watch will serve at ${at}${before}`, served: `served at ${at}${before}` };
  const check =
    reach.kind === 'problem' ? { what, ok: false, finding: reach.why } : { what, ok: true, finding: found[reach.kind] };
  const webhooks = await webhookStanding(settings, env);
  const alone = 'http.publicUrl is not set, so only this machine can reach it, and the provider can not';
  return [
    check,
    { what, ...webhooks },
    ...(http.publicUrl ? [] : [{ what, ok: true, note: true, finding: alone } as const]),
  ];
}
