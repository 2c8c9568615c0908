/**
 * `paydrop.json` is checked strictly. An unknown or ill-typed key is a problem that names the key, what was expected
 * and the nearest known key.
 */
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import * as z from 'zod/mini';
import { API, type Api } from '../domain/api.ts';
import { machineTimeZone } from '../platform/clock.ts';
import { repeatedNames } from '../platform/json-text.ts';
import type { EndpointName } from '../provider/provider.ts';
import { type Calendar, readCalendar } from './calendar.ts';
import { type ControlSettings, controlFrom } from './control.ts';
import { type HttpSettings, httpFrom, httpProblem } from './http.ts';
import { type NotifySettings, notifyFrom } from './notify.ts';
import { type Person, peopleFrom } from './people.ts';
import { problemsOf, sentence } from './problems.ts';
import { droppedNames, headingProblems } from './repeated.ts';
import { looseName, schema } from './schema.ts';
import { type Loaded, SETTINGS_FILE, settingsText } from './text.ts';
import { durationMs, sizeBytes } from './units.ts';

export type { Calendar } from './calendar.ts';
export type { ControlSettings } from './control.ts';
export type { HttpSettings } from './http.ts';
export { type Receiver, receiverText } from './notify.ts';
export type { Person } from './people.ts';
export { nightlyDue, nightlyNext, nightsFrom, ringNightly } from './schedule.ts';
export { looseName, settingsJsonSchema } from './schema.ts';
export { isSecretSet, loadSecrets, SECRET_VARIABLES, SECRETS } from './secrets.ts';
export { shownSettings } from './shown.ts';
export { type Loaded, SETTINGS_FILE } from './text.ts';
export { isLoopback } from './values.ts';

/** All settings that a pass needs, with units in the names and folders as absolute paths. */
export interface Settings extends NotifySettings {
  readonly workspace: string;
  readonly inbox: string;
  readonly outbox: string;
  readonly data: string;
  /** Where the records are: in a file of `data`, or on a server that several machines share. */
  readonly records: 'sqlite' | 'postgres';
  /** The name of this machine among those that share the records. */
  readonly machine: string;
  readonly provider: {
    readonly api: Api;
    readonly baseUrl: URL | 'sandbox';
    readonly concurrency: number;
    readonly requestsPerMinute: number | undefined;
    readonly timeoutMs: number;
    readonly quarantineMs: number;
    /** A payout becomes a person's business when look-ups were answered for this long without settling it. */
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
  /** When money may leave. */
  readonly calendar: Calendar;
  readonly intake: {
    readonly settleMs: number;
    readonly maxFileBytes: number;
    readonly maxRows: number;
    readonly onRowErrors: 'accept-valid' | 'reject-file';
    readonly waitForOrderMs: number;
    /** Globs of names to leave alone. */
    readonly ignore: readonly string[];
  };
  readonly reports: {
    /** Whether each CSV begins with a byte order mark. */
    readonly bom: boolean;
  };
  /** What `watch` serves; undefined where it serves nothing. */
  readonly http: HttpSettings | undefined;
  readonly control: ControlSettings;
  /** Those whose signed decisions count. While there are none, a person who may run the program decides. */
  readonly people: readonly Person[];
  readonly columns: Readonly<Record<string, string>>;
}

const NO_ZONE =
  'schedule.timeZone: the time zone of this machine has no name that can be used (see the variable TZ): name one, such as "Asia/Kolkata"';

/**
 * Reads the workspace's paydrop.json. A missing file means all defaults. Throws UnavailableError where the file can't
 * be read now but may be later.
 */
export function loadSettings(workspace: string): Loaded<Settings> {
  const path = join(workspace, SETTINGS_FILE);
  const read = settingsText(path);
  if (!read.ok) return read;
  return settingsFrom(read.value, path, workspace);
}

/** The settings that a text of paydrop.json has for the workspace. `path` names the file in problems. */
export function settingsFrom(text: string, path: string, workspace: string): Loaded<Settings> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    return { ok: false, problems: [`${path} is not JSON: ${(error as Error).message}`] };
  }
  const repeated = repeatedNames(text).map((at) => `${at}: is given twice; leave one of the two out`);
  return repeated.length > 0 ? { ok: false, problems: repeated } : parseSettings(json, workspace);
}

export function parseSettings(json: unknown, workspace: string): Loaded<Settings> {
  // Without jitless, zod compiles the schema first, which costs more than the one reading.
  const read = z.safeParse(schema, json, { error: sentence, jitless: true });
  const problems = read.success ? [] : problemsOf(read.error.issues, schema, SETTINGS_FILE);
  problems.push(...headingProblems((json as { columns?: unknown } | null)?.columns, looseName));
  for (const at of droppedNames(json))
    if (!problems.some((problem) => problem.startsWith(`${at}: `)))
      problems.push(`${at}: "__proto__" is no name that can be used here`);
  if (!read.success || problems.length > 0) return { ok: false, problems };
  const { provider, payout, schedule, intake, ...rest } = read.data;
  const sandbox = provider.baseUrl === 'sandbox';
  if (!sandbox && !provider.currencies && !API[provider.api].tellsCurrency)
    return {
      ok: false,
      problems: [
        'provider.currencies: must be set with a provider of your own: the API carries no currency, so say which ones your account pays, such as ["INR"]',
      ],
    };
  const wrong = balanceProblem(rest.control.balance, provider) ?? httpProblem(rest.http);
  if (wrong !== undefined) return { ok: false, problems: [wrong] };
  const notifying = notifyFrom(rest);
  if (!notifying.ok) return notifying;
  const root = resolve(workspace);
  const calendar = readCalendar(rest.calendar, root, { submit: rest.submit, nightly: schedule.nightly });
  if (!calendar.ok) return calendar;
  const timeZone = schedule.timeZone ?? machineTimeZone();
  if (timeZone === undefined) return { ok: false, problems: [NO_ZONE] };
  return {
    ok: true,
    value: {
      workspace: root,
      inbox: resolve(root, rest.inbox),
      outbox: resolve(root, rest.outbox),
      data: resolve(root, rest.data),
      records: rest.records,
      machine: rest.machine ?? hostname(),
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
      schedule: { nightly: schedule.nightly, timeZone },
      calendar: calendar.value,
      intake: {
        settleMs: durationMs(intake.settle),
        maxFileBytes: sizeBytes(intake.maxFileSize),
        maxRows: intake.maxRows,
        onRowErrors: intake.onRowErrors,
        waitForOrderMs: durationMs(intake.waitForOrder),
        ignore: intake.ignore,
      },
      reports: { bom: rest.reports.bom },
      http: httpFrom(rest.http),
      control: controlFrom(rest.control),
      people: peopleFrom(rest.people),
      ...notifying.value,
      columns: rest.columns,
    },
  };
}

/** The balance has no currency, and only one API tells it. */
function balanceProblem(
  balance: 'off' | 'check',
  { api, currencies }: { readonly api: Api; readonly currencies?: readonly string[] | undefined },
): string | undefined {
  if (balance === 'off') return undefined;
  if (!API[api].tellsBalance) return `control.balance: the ${api} API does not say what an account has; leave it "off"`;
  if (currencies?.length === 1) return undefined;
  return 'control.balance: the API states a balance without its currency, so name the one in provider.currencies, such as ["INR"]';
}

function withoutUndefined<T extends object>(members: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
