/**
 * Webhooks of the provider. What they name is kept, then they are answered, and then the service looks those payouts up.
 * Nothing else follows from a webhook, whatever it says.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { PayoutName } from '../domain/instruction.ts';
import { commitQueue } from '../pipeline/pipeline.ts';
import { timestamp } from '../platform/clock.ts';
import { UnavailableError, UsageError } from '../platform/failures.ts';
import { isSigned, PAYOUT_ORDERS_SIGNATURE, payoutsNamed, type WebhookSignature } from '../provider/provider.ts';
import { isSecretSet, loadSecrets, SECRETS, type Settings } from '../settings/settings.ts';
import type { Answer, Route } from './http.ts';
import type { Site } from './site.ts';

/** Webhooks that come within this time are looked up together. */
const GATHER_MS = 1_000;

/** Names that are written in one transaction: everything else waits for its end. */
const MOST_AT_ONCE = 200;

/** Names that wait to be written. */
const MOST_WAITING = 50_000;

/** How the webhooks of the settings' API are verified: `unset` where nobody could, `open` where it is not known how. */
type Verified = WebhookSignature | 'unset' | 'open';

const PATHS = { 'payout-orders': '/webhooks/payout-orders', imburse: '/webhooks/imburse' } as const;

function webhookPath({ provider }: Settings): string {
  return provider.api === 'payout-orders' ? PATHS['payout-orders'] : PATHS.imburse;
}

/**
 * Throws UsageError where the secret can't be read, or is not there though a header of the settings has the signature.
 */
export function webhookSignature({ provider, http }: Settings, env: NodeJS.ProcessEnv): Verified {
  const imburse = provider.api === 'payout-orders' ? undefined : http?.webhooks;
  if (imburse && imburse.header === undefined) return 'open';
  if (!isSecretSet(env, SECRETS.webhooks) && !imburse) return 'unset';
  const loaded = loadSecrets(env, { secret: SECRETS.webhooks });
  if (!loaded.ok) throw new UsageError(...loaded.problems);
  const secret = loaded.value.secret.reveal();
  if (imburse?.header === undefined) return { ...PAYOUT_ORDERS_SIGNATURE, secret };
  const { header, algorithm, encoding } = imburse;
  return { header, algorithm, encoding, secret };
}

/** How webhooks are taken, in words. */
export function webhookStanding(
  settings: Settings,
  env: NodeJS.ProcessEnv,
): { readonly ok: boolean; readonly finding: string; readonly note?: true } {
  const path = webhookPath(settings);
  const note = (finding: string) => ({ ok: true, note: true, finding }) as const;
  try {
    const verified = webhookSignature(settings, env);
    if (verified === 'unset') return note(`${path} takes no webhooks, because ${SECRETS.webhooks} is not set`);
    if (verified === 'open')
      return note(`${path} takes webhooks of anyone as hints, because http.webhooks.header is not set`);
    const { algorithm, header } = verified;
    return { ok: true, finding: `${path} takes webhooks with the HMAC-${algorithm} of their bytes in "${header}"` };
  } catch (error) {
    if (error instanceof UsageError) return { ok: false, finding: error.message };
    throw error;
  }
}

export function webhookRoute(site: Site, verified: Verified): Route {
  const path = webhookPath(site.settings);
  const { webhook } = site.measures;
  const keep = openKeeper(site);
  return async ({ method, url, headers, body }) => {
    if (url.pathname !== path) return undefined;
    if (method !== 'POST') return { status: 405, headers: { allow: 'POST' }, body: 'POST only\n' };
    if (verified === 'unset') return { status: 404, body: `webhooks need the secret ${SECRETS.webhooks}\n` };
    const bytes = await body();
    if (verified !== 'open' && !isSigned(bytes, headers[verified.header], verified)) {
      webhook('refused');
      return { status: 401, body: 'the signature does not fit the body\n' };
    }
    const names = payoutsNamed(bytes);
    if (names === undefined) {
      webhook('refused');
      return { status: 400, body: 'not JSON\n' };
    }
    return keep(names);
  };
}

const KEPT: Answer = { status: 200, body: 'kept\n' };
const LATER: Answer = { status: 503, headers: { 'retry-after': '30' }, body: 'it can not be kept now\n' };

/** The records are out of reach. */
function orUndefined(error: unknown): undefined {
  if (!(error instanceof UnavailableError)) throw error;
}

/** Writes names together that come in together, and wakes the service once for those of a moment. */
function openKeeper({
  tools,
  clock,
  wake,
  measures: { webhook },
}: Site): (names: readonly PayoutName[]) => Promise<Answer> {
  let waiting = 0;
  let waking = false;
  const queue = commitQueue(async (groups: (readonly PayoutName[])[]) => {
    const names = groups.flat();
    let kept: number | undefined = 0;
    for (let at = 0; at < names.length && kept !== undefined; at += MOST_AT_ONCE) {
      if (at > 0) await nextTurn();
      const some = names.slice(at, at + MOST_AT_ONCE);
      const more = await tools()?.store.queueLookUps(some, timestamp(clock.now())).catch(orUndefined);
      kept = more === undefined ? undefined : kept + more;
    }
    return kept;
  });
  const wakeSoon = async () => {
    if (waking) return;
    waking = true;
    await clock.sleep(GATHER_MS);
    waking = false;
    wake();
  };
  return async (names) => {
    if (names.length === 0) {
      webhook('other');
      return KEPT;
    }
    const open = tools();
    if (!open || waiting + names.length > MOST_WAITING) {
      webhook('later');
      return LATER;
    }
    waiting += names.length;
    try {
      const kept = await queue.add(names);
      if (kept === undefined) {
        webhook('later');
        return LATER;
      }
      webhook('kept');
      if (kept > 0) void wakeSoon();
      return KEPT;
    } finally {
      waiting -= names.length;
    }
  };
}
