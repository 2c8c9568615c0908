/** What `watch` serves over HTTP, from its first look at the workspace to its last. */
import type { HttpSettings } from '../settings/settings.ts';
import { consoleRoute } from './console.ts';
import { healthRoute } from './health.ts';
import { openHttp } from './http.ts';
import { metricsRoute } from './metrics.ts';
import type { Site } from './site.ts';
import { webhookRoute, webhookSignature } from './webhooks.ts';

/** Throws as {@link openHttp} and {@link webhookSignature}. */
export async function serveSite(
  site: Site,
  settings: HttpSettings,
  env: NodeJS.ProcessEnv,
): Promise<{ close(): Promise<void> }> {
  const server = await openHttp(
    settings,
    [
      healthRoute(site),
      metricsRoute(site),
      webhookRoute(site, webhookSignature(site.settings, env)),
      consoleRoute(site),
    ],
    site,
  );
  site.log.info({ url: server.url.origin, publicUrl: settings.publicUrl?.origin }, 'serving over HTTP');
  return server;
}
