/**
 * `paydrop.json` is checked strictly: an unknown or ill-typed key is a problem that names the key, what was expected and the
 * nearest known key.
 */
import { join, resolve } from 'node:path';
import { APIS, type Api } from '../domain/api.ts';
import { isBlank, trimBlanks, unwanted } from '../domain/characters.ts';
import { ENDPOINT_NAMES, type EndpointName, endpointProblem } from '../provider/provider.ts';
import { repeatedKeys } from './repeated.ts';
import { isNightlySchedule } from './schedule.ts';
import {
  count,
  described,
  dictionary,
  group,
  list,
  oneOf,
  optional,
  part,
  someText,
  text,
  textLike,
  textThat,
  withDefault,
} from './shapes.ts';
import { type Loaded, settingsText } from './text.ts';

export { nightlyDue, ringNightly } from './schedule.ts';
export { loadImburseSecrets, loadSecrets } from './secrets.ts';
export type { Loaded } from './text.ts';

const DURATION_UNITS_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const SIZE_UNITS = { B: 1, KB: 1e3, MB: 1e6, GB: 1e9 } as const;
const LOOPBACK = new Set(['127.0.0.1', 'localhost', '[::1]']);

const DURATION = /^\d{1,9}(ms|s|m|h|d)$/;
/** Behind a span that is longer no date could be told. */
const LONGEST_WAIT = '3650d';
/** A timer of the system rings at once when it is set to more than 24.8 days. */
const LONGEST_TIMEOUT = '1d';

const durationUpTo = (longest: string) =>
  described(
    text(
      (value) => {
        if (!DURATION.test(value)) return 'expected a duration such as "30s", "15m" or "24h"';
        return durationMs(value) > durationMs(longest) ? `expected at most ${longest}` : undefined;
      },
      { pattern: DURATION.source },
    ),
    'a whole number and ms, s, m, h or d',
  );
const duration = durationUpTo(LONGEST_WAIT);
const size = described(
  textLike(/^\d{1,9}(B|KB|MB|GB)$/, 'expected a size such as "500MB" or "2GB"'),
  'a whole number and B, KB, MB or GB (powers of 1000)',
);
/** A name in a path, in bytes. */
const LONGEST_NAME = 255;
const folder = text(
  (value) => {
    if (isBlank(value)) return 'expected the name of a folder';
    const isLong = value.split('/').some((name) => Buffer.byteLength(name) > LONGEST_NAME);
    return isLong ? `expected names of at most ${LONGEST_NAME} bytes, which is the most a folder can have` : undefined;
  },
  { minLength: 1 },
);
/** What is sent in a header. */
const account = textLike(/^[!-~]+$/, 'expected ASCII characters that show, without blanks');
/** What a cell of a file may say. */
const sentText = text(
  (value) => {
    const character = unwanted(trimBlanks(value));
    if (character !== undefined) return `expected text without characters that don't show, found ${character}`;
    return isBlank(value) ? 'expected some text' : undefined;
  },
  { minLength: 1 },
);

const endpoint = (name: EndpointName) =>
  described(
    optional(text((value) => endpointProblem(value, name))),
    'a verb and a path; the default is in docs/providers.md',
  );

const endpoints = Object.fromEntries(ENDPOINT_NAMES.map((name) => [name, endpoint(name)])) as Record<
  EndpointName,
  ReturnType<typeof endpoint>
>;

const schema = group({
  $schema: optional(text()),
  inbox: withDefault(folder, 'inbox'),
  outbox: withDefault(folder, 'outbox'),
  data: withDefault(folder, 'data'),
  provider: part({
    api: withDefault(oneOf(APIS, 'expected "payout-orders", "order-management" or "collect"'), 'payout-orders'),
    baseUrl: withDefault(
      textThat(isBaseUrl, 'expected "sandbox" or an https URL without a path (http only for this machine)'),
      'sandbox',
    ),
    concurrency: withDefault(count(256), 16),
    requestsPerMinute: optional(count(1_000_000)),
    timeout: withDefault(durationUpTo(LONGEST_TIMEOUT), '30s'),
    quarantine: described(optional(duration), 'default 15m; 2s with the sandbox'),
    giveUpAfter: withDefault(duration, '3d'),
    currencies: optional(
      list(textLike(/^[A-Z]{3}$/, 'expected ISO 4217 codes such as "INR"'), 'expected at least one currency'),
    ),
    duplicateClientRef: withDefault(oneOf(['rejected', 'undefined'], 'expected "rejected" or "undefined"'), 'rejected'),
    accountId: described(optional(account), 'x-account-id; order-management and collect'),
    tenantId: described(optional(account), 'x-tenant-id; order-management and collect'),
    endpoints: described(part(endpoints), 'verbs and paths that were never published; order-management and collect'),
  }),
  payout: part({
    purpose: withDefault(
      oneOf(
        ['reimbursement', 'salary_disbursement', 'bonus', 'incentive', 'others', 'refund'],
        'expected reimbursement, salary_disbursement, bonus, incentive, others or refund',
      ),
      'others',
    ),
    mode: withDefault(oneOf(['IMPS', 'NEFT', 'RTGS', 'UPI'], 'expected IMPS, NEFT, RTGS or UPI'), 'IMPS'),
    narration: described(optional(sentText), 'default: the instruction reference'),
    remark: described(optional(sentText), 'default: the order reference'),
  }),
  submit: withDefault(oneOf(['nightly', 'on-arrival'], 'expected "nightly" or "on-arrival"'), 'nightly'),
  schedule: part({
    nightly: withDefault(
      textThat(isNightlySchedule, 'expected a cron expression of five fields such as "0 2 * * *"'),
      '0 2 * * *',
    ),
    timeZone: described(
      optional(textThat(isTimeZone, 'expected an IANA time zone such as "Asia/Kolkata"')),
      "default: the system's",
    ),
  }),
  intake: part({
    settle: withDefault(duration, '2s'),
    maxFileSize: withDefault(size, '2GB'),
    maxRows: withDefault(count(20_000_000), 20_000_000),
    onRowErrors: withDefault(
      oneOf(['accept-valid', 'reject-file'], 'expected "accept-valid" or "reject-file"'),
      'accept-valid',
    ),
    waitForOrder: withDefault(duration, '24h'),
    ignore: described(
      withDefault(list(someText(), 'expected at least one name, such as ["*.bak"]'), []),
      'more names in the inbox to leave alone, as globs',
    ),
  }),
  columns: withDefault(dictionary(looseName), {}),
});

/** Names of columns are compared in this form. */
export function looseName(name: string): string {
  return name.toLowerCase().replace(/[\s_-]/g, '');
}

/** Everything a pass needs to know, with units in the names and folders as absolute paths. */
export interface Settings {
  readonly workspace: string;
  readonly inbox: string;
  readonly outbox: string;
  readonly data: string;
  readonly provider: {
    readonly api: Api;
    readonly baseUrl: URL | 'sandbox';
    readonly concurrency: number;
    readonly requestsPerMinute: number | undefined;
    readonly timeoutMs: number;
    readonly quarantineMs: number;
    /** What look-ups that answered could not clear for so long is a person's. */
    readonly giveUpAfterMs: number;
    readonly currencies: 'all' | ReadonlySet<string>;
    readonly duplicateClientRef: 'rejected' | 'undefined';
    readonly accountId: string | undefined;
    readonly tenantId: string | undefined;
    readonly endpoints: Readonly<Partial<Record<EndpointName, string>>>;
  };
  readonly payout: {
    readonly purpose: string;
    readonly mode: string;
    readonly narration: string | undefined;
    readonly remark: string | undefined;
  };
  readonly submit: 'nightly' | 'on-arrival';
  readonly schedule: { readonly nightly: string; readonly timeZone: string };
  readonly intake: {
    readonly settleMs: number;
    readonly maxFileBytes: number;
    readonly maxRows: number;
    readonly onRowErrors: 'accept-valid' | 'reject-file';
    readonly waitForOrderMs: number;
    /** Globs of names to leave alone. */
    readonly ignore: readonly string[];
  };
  readonly columns: Readonly<Record<string, string>>;
}

export const SETTINGS_FILE = 'paydrop.json';

/** Reads the workspace's paydrop.json; a missing one means all defaults. Throws UnavailableError where it can't be read just now. */
export function loadSettings(workspace: string): Loaded<Settings> {
  const path = join(workspace, SETTINGS_FILE);
  const read = settingsText(path);
  if (!read.ok) return read;
  const text = read.value;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    return { ok: false, problems: [`${path} is not JSON: ${(error as Error).message}`] };
  }
  const repeated = repeatedKeys(text).map((at) => `${at}: is given twice; leave one of the two out`);
  return repeated.length > 0 ? { ok: false, problems: repeated } : parseSettings(json, workspace);
}

export function parseSettings(json: unknown, workspace: string): Loaded<Settings> {
  const problems: string[] = [];
  const { provider, payout, schedule, intake, ...rest } = schema.read(json, [], (at, problem) => {
    problems.push(`${at.length > 0 ? at.join('.') : SETTINGS_FILE}: ${problem}`);
  });
  if (problems.length > 0) return { ok: false, problems };
  const sandbox = provider.baseUrl === 'sandbox';
  if (!sandbox && !provider.currencies && provider.api === 'payout-orders')
    return {
      ok: false,
      problems: [
        'provider.currencies: must be set with a provider of your own: the API carries no currency, so say which ones your account pays, such as ["INR"]',
      ],
    };
  const root = resolve(workspace);
  let zone = schedule.timeZone;
  return {
    ok: true,
    value: {
      workspace: root,
      inbox: resolve(root, rest.inbox),
      outbox: resolve(root, rest.outbox),
      data: resolve(root, rest.data),
      provider: {
        api: provider.api,
        baseUrl: sandbox ? 'sandbox' : new URL(provider.baseUrl),
        concurrency: provider.concurrency,
        requestsPerMinute: provider.requestsPerMinute,
        timeoutMs: durationMs(provider.timeout),
        quarantineMs: durationMs(provider.quarantine ?? (sandbox ? '2s' : '15m')),
        giveUpAfterMs: durationMs(provider.giveUpAfter),
        currencies: provider.currencies ? new Set(provider.currencies) : 'all',
        duplicateClientRef: provider.duplicateClientRef,
        accountId: provider.accountId,
        tenantId: provider.tenantId,
        endpoints: withoutUndefined(provider.endpoints),
      },
      payout: { purpose: payout.purpose, mode: payout.mode, narration: payout.narration, remark: payout.remark },
      submit: rest.submit,
      schedule: {
        nightly: schedule.nightly,
        // Asked when somebody wants to know: the first such question of a process is one of the slowest things in it.
        get timeZone() {
          zone ??= systemTimeZone();
          return zone;
        },
      },
      intake: {
        settleMs: durationMs(intake.settle),
        maxFileBytes: sizeBytes(intake.maxFileSize),
        maxRows: intake.maxRows,
        onRowErrors: intake.onRowErrors,
        waitForOrderMs: durationMs(intake.waitForOrder),
        ignore: intake.ignore,
      },
      columns: rest.columns,
    },
  };
}

/** The JSON Schema of paydrop.json, for editors; paydrop.schema.json is this. */
export function settingsJsonSchema(): object {
  return { title: SETTINGS_FILE, $schema: 'https://json-schema.org/draft/2020-12/schema', ...schema.schema };
}

function isBaseUrl(text: string): boolean {
  if (text === 'sandbox') return true;
  const url = URL.parse(text);
  if (!url || url.username || url.password || url.pathname !== '/' || url.search || url.hash) return false;
  return url.protocol === 'https:' || (url.protocol === 'http:' && LOOPBACK.has(url.hostname));
}

/** The runtime's list is quickly looked at, but it leaves out UTC and other names for a zone, such as Asia/Kolkata. */
function isTimeZone(name: string): boolean {
  if (name === 'UTC' || Intl.supportedValuesOf('timeZone').includes(name)) return true;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

function systemTimeZone(): string {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone;
}

function withoutUndefined<T extends object>(members: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

function durationMs(text: string): number {
  const [, digits, unit] = /^(\d+)(\D+)$/.exec(text) ?? [];
  return Number(digits) * DURATION_UNITS_MS[unit as keyof typeof DURATION_UNITS_MS];
}

function sizeBytes(text: string): number {
  const [, digits, unit] = /^(\d+)(\D+)$/.exec(text) ?? [];
  return Number(digits) * SIZE_UNITS[unit as keyof typeof SIZE_UNITS];
}
