/**
 * `/metrics`, and the same as `data/metrics.prom` after each pass. No label names a payout, a file or a person. What the
 * records say is cheap to ask, but for counts of files that have moved: so an answer serves for a while, and the longer
 * it took to get, the longer.
 */
import { join } from 'node:path';
import { currencyExponent } from '../domain/iso.ts';
import { formatMinor } from '../domain/money.ts';
import type { Tools } from '../pipeline/pipeline.ts';
import type { Clock } from '../platform/clock.ts';
import { publishDurably } from '../platform/durable.ts';
import { installedVersion } from '../platform/installed.ts';
import { lookUpOnly, type Store } from '../store/store.ts';
import type { Route } from './http.ts';
import { BUCKETS, type Measures } from './measures.ts';
import { type Family, metricsText, type Sample } from './metrics/text.ts';
import type { Site } from './site.ts';

export const METRICS_FILE = 'metrics.prom';
/** As all under `data`. */
const MODE = 0o600;

const TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** An answer serves for at least so long, and for so many times as long as it took. */
const SERVES_MS = 5_000;
const SERVES_TIMES = 20;

export function metricsRoute({ tools, clock, measures }: Site): Route {
  const answer = servingAgain(clock, () => metricsOf(tools(), measures, clock));
  return async ({ method, url }) => {
    if (url.pathname !== '/metrics') return undefined;
    if (method !== 'GET') return { status: 405, headers: { allow: 'GET, HEAD' }, body: 'GET only\n' };
    return { status: 200, headers: { 'content-type': TYPE }, body: await answer() };
  };
}

/** Writes the file whole or not at all. */
export async function writeMetrics(tools: Tools, measures: Measures): Promise<void> {
  const text = await metricsOf(tools, measures, tools.clock);
  await publishDurably(join(tools.settings.data, METRICS_FILE), MODE, false, (file) => file.writeFile(text));
}

function servingAgain(clock: Clock, ask: () => Promise<string>): () => Promise<string> {
  let underWay: Promise<string> | undefined;
  let last: { readonly text: string; readonly untilMs: number } | undefined;
  const fresh = async () => {
    const begunMs = clock.monotonic();
    const text = await ask();
    const endMs = clock.monotonic();
    last = { text, untilMs: endMs + Math.max(SERVES_MS, SERVES_TIMES * (endMs - begunMs)) };
    return text;
  };
  return () => {
    if (last && clock.monotonic() < last.untilMs) return Promise.resolve(last.text);
    underWay ??= fresh().finally(() => {
      underWay = undefined;
    });
    return underWay;
  };
}

/** What this process has counted is told also while the records are out of reach. */
async function metricsOf(tools: Tools | undefined, measures: Measures, clock: Clock): Promise<string> {
  const stored = tools && (await storedFamilies(tools, clock.now()).catch(() => undefined));
  return metricsText([
    gauge('paydrop_build_info', 'The version that runs.', [{ labels: { version: installedVersion() }, value: 1 }]),
    gauge('paydrop_records_reachable', 'Whether the records can be read.', [{ value: stored ? 1 : 0 }]),
    ...(stored ?? []),
    ...countedFamilies(measures),
  ]);
}

function gauge(name: string, help: string, samples: readonly Sample[]): Family {
  return { name, help, type: 'gauge', samples };
}

async function storedFamilies(tools: Tools, nowMs: number): Promise<Family[]> {
  const { store } = tools;
  const counts = await store.statusCounts();
  const labels = (one: (typeof counts)[number]) => ({ status: one.status, currency: one.currency });
  const oldest = await store.oldestIn(['unknown', 'held', 'waiting']);
  const verdicts = await store.verdictCounts();
  const paused = (await tools.paused()) !== undefined;
  const lookUps = (await lookUpOnly(store)) !== undefined;
  return [
    gauge(
      'paydrop_payouts',
      'Payouts by status and currency.',
      counts.map((one) => ({ labels: labels(one), value: one.count })),
    ),
    gauge(
      'paydrop_payouts_amount',
      'The sum of their amounts, in units of the currency.',
      counts
        .filter(({ currency }) => currency !== '')
        .map((one) => ({
          labels: labels(one),
          value: formatMinor(one.amountMinor, currencyExponent(one.currency) ?? 0),
        })),
    ),
    gauge(
      'paydrop_oldest_age_seconds',
      'How long the payout has been in this status that has been in it longest; 0 where there is none.',
      oldest.map(({ status, since }) => ({ labels: { status }, value: secondsSince(since, nowMs) })),
    ),
    gauge(
      'paydrop_files',
      'Files by the verdict on them when they were taken in.',
      verdicts.map(({ verdict, count }) => ({ labels: { verdict }, value: count })),
    ),
    ...(await runFamilies(store)),
    ...(await notificationFamilies(store, nowMs)),
    gauge('paydrop_paused', 'Whether a person has paused the sending.', [{ value: paused ? 1 : 0 }]),
    gauge('paydrop_look_up_only', 'Whether nothing is sent because the records are in doubt.', [
      { value: lookUps ? 1 : 0 },
    ]),
    gauge('paydrop_audit_entries', 'The number of the last audit entry.', [{ value: (await store.auditHead()).seq }]),
    gauge('paydrop_free_bytes', 'Free space where the records of this machine are.', await freeSpace(tools)),
    gauge('paydrop_observed_timestamp_seconds', 'When all this was so.', [{ value: nowMs / 1_000 }]),
  ];
}

/** Nothing where it can't be told: the records can be read all the same. */
async function freeSpace({ freeBytes }: Tools): Promise<Sample[]> {
  return freeBytes().then(
    (value) => [{ value }],
    () => [],
  );
}

function secondsSince(since: string | undefined, nowMs: number): number {
  return since === undefined ? 0 : Math.max(0, Math.round((nowMs - Date.parse(since)) / 1_000));
}

/** When the last run ended that a schedule or a person began, by how it ended. */
async function runFamilies(store: Store): Promise<Family[]> {
  const samples: Sample[] = [];
  for (const result of ['finished', 'unfinished'] as const) {
    const run = await store.lastEnded(result);
    if (run) samples.push({ labels: { result }, value: Date.parse(run.finishedAt) / 1_000 });
  }
  return [gauge('paydrop_last_run_timestamp_seconds', 'When the last run ended, by how it ended.', samples)];
}

/** Of all receivers together: the address of one may be a secret. */
async function notificationFamilies(store: Store, nowMs: number): Promise<Family[]> {
  const { waiting, oldest, givenUp } = await store.undelivered();
  const since = oldest === '' ? undefined : oldest;
  return [
    gauge('paydrop_notifications', 'Notifications that no receiver has taken: they wait, or were given up.', [
      { labels: { status: 'waiting' }, value: waiting },
      { labels: { status: 'given_up' }, value: givenUp },
    ]),
    gauge(
      'paydrop_oldest_notification_age_seconds',
      'How long ago the oldest that waits happened; 0 where none waits.',
      [{ value: secondsSince(since, nowMs) }],
    ),
  ];
}

function countedFamilies({ requests, times, webhooks }: Measures): Family[] {
  const outcomes = [...requests].flatMap(([kind, counts]) =>
    [...counts].map(([outcome, value]) => ({ labels: { kind, outcome }, value })),
  );
  const histograms = [...times].flatMap(([kind, { upTo, seconds, count }]): Sample[] => [
    ...BUCKETS.map((le, at) => ({ suffix: '_bucket', labels: { kind, le: String(le) }, value: upTo[at] ?? 0 })),
    { suffix: '_bucket', labels: { kind, le: '+Inf' }, value: count },
    { suffix: '_sum', labels: { kind }, value: seconds },
    { suffix: '_count', labels: { kind }, value: count },
  ]);
  const counter = (name: string, help: string, samples: readonly Sample[]): Family => {
    return { name, help, type: 'counter', samples };
  };
  return [
    counter(
      'paydrop_requests_total',
      'Requests to the provider by kind and outcome, since the process began.',
      outcomes,
    ),
    {
      name: 'paydrop_request_duration_seconds',
      help: 'How long requests to the provider took.',
      type: 'histogram',
      samples: histograms,
    },
    counter(
      'paydrop_webhooks_total',
      'Webhooks by outcome, since the process began.',
      [...webhooks].map(([outcome, value]) => ({ labels: { outcome }, value })),
    ),
  ];
}
