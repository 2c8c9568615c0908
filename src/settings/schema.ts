/** What paydrop.json may contain, and the descriptions that an editor shows. */
import * as z from 'zod/mini';
import { APIS } from '../domain/api.ts';
import { isBlank, trimBlanks, unwanted, unwantedControl } from '../domain/characters.ts';
import { ENDPOINT_NAMES, type EndpointName, endpointProblem } from '../provider/provider.ts';
import { isNightlySchedule } from './schedule.ts';
import { durationMs } from './units.ts';

const LOOPBACK = new Set(['127.0.0.1', 'localhost', '[::1]']);

/** The longest duration. A far longer one leads to dates that can't be represented. */
const LONGEST_WAIT = '3650d';
/** The system's timers fire at once when they are set to more than 24.8 days. */
const LONGEST_TIMEOUT = '1d';
/** The limit for any text in the settings, and for any name. */
const MOST_CHARACTERS = 1_000;
/** The limit for one name in a path, in bytes. */
const LONGEST_NAME = 255;

/** Any text. It holds no character that the system could take for its end, or could not accept at all. */
const text = z.string().check(
  z.maxLength(MOST_CHARACTERS, { abort: true }),
  rule((value) => {
    const character = unwantedControl(value);
    return character === undefined ? undefined : `expected text without control characters, found ${character}`;
  }),
);
const EMPTY = 'Too small: expected string to have >=1 characters';
// The rule's message for an empty text comes first. The minimum length is for editors.
const someText = text.check(
  rule((value) => (isBlank(value) ? EMPTY : undefined)),
  z.minLength(1),
);
/** A text with the characters that a cell of a file may have. */
const sentText = text.check(
  rule((value) => {
    const character = unwanted(trimBlanks(value));
    if (character !== undefined) return `expected text without characters that don't show, found ${character}`;
    return isBlank(value) ? 'expected some text' : undefined;
  }),
  z.minLength(1),
);
const folder = text.check(
  rule((value) => {
    if (isBlank(value)) return 'expected the name of a folder';
    const isLong = value.split('/').some((name) => Buffer.byteLength(name) > LONGEST_NAME);
    return isLong ? `expected names of at most ${LONGEST_NAME} bytes, which is the most a folder can have` : undefined;
  }),
  z.minLength(1),
);
/** A text that is sent in an HTTP header. */
const account = text.check(z.regex(/^[!-~]+$/, 'expected ASCII characters that show, without blanks'));
const duration = durationUpTo(LONGEST_WAIT);
const size = text.check(
  z.regex(/^\d{1,9}(B|KB|MB|GB)$/, 'expected a size such as "500MB" or "2GB"'),
  z.describe('a whole number and B, KB, MB or GB (powers of 1000)'),
);
const heading = text.check(
  rule((name) => {
    return looseName(name) === '' ? `"${name}" is no name: it has no letter, digit or sign to be told by` : undefined;
  }),
  z.minLength(1),
);
const endpoints = Object.fromEntries(ENDPOINT_NAMES.map((name) => [name, z.optional(endpoint(name))])) as Record<
  EndpointName,
  z.ZodMiniOptional<typeof text>
>;

export const schema = z.strictObject({
  $schema: z.optional(text),
  inbox: z._default(folder, 'inbox'),
  outbox: z._default(folder, 'outbox'),
  data: z._default(folder, 'data'),
  provider: part({
    api: z._default(z.enum(APIS, 'expected "payout-orders", "order-management" or "collect"'), 'payout-orders'),
    baseUrl: z._default(
      textThat(isBaseUrl, 'expected "sandbox" or an https URL without a path (http only for this machine)'),
      'sandbox',
    ),
    concurrency: z._default(count(256), 16),
    requestsPerMinute: z.optional(count(1_000_000)),
    timeout: z._default(durationUpTo(LONGEST_TIMEOUT), '30s'),
    quarantine: z.optional(duration.check(z.describe('default 15m; 2s with the sandbox'))),
    giveUpAfter: z._default(duration, '3d'),
    currencies: z.optional(
      list(
        text.check(z.regex(/^[A-Z]{3}$/, 'expected ISO 4217 codes such as "INR"')),
        'expected at least one currency',
      ),
    ),
    duplicateClientRef: z._default(z.enum(['rejected', 'undefined'], 'expected "rejected" or "undefined"'), 'rejected'),
    accountId: z.optional(account.check(z.describe('x-account-id; order-management and collect'))),
    tenantId: z.optional(account.check(z.describe('x-tenant-id; order-management and collect'))),
    endpoints: part(endpoints).check(
      z.describe('verbs and paths that were never published; order-management and collect'),
    ),
  }),
  payout: part({
    purpose: z._default(
      z.enum(
        ['reimbursement', 'salary_disbursement', 'bonus', 'incentive', 'others', 'refund'],
        'expected reimbursement, salary_disbursement, bonus, incentive, others or refund',
      ),
      'others',
    ),
    mode: z._default(z.enum(['IMPS', 'NEFT', 'RTGS', 'UPI'], 'expected IMPS, NEFT, RTGS or UPI'), 'IMPS'),
    narration: z.optional(sentText.check(z.describe('default: the instruction reference'))),
    remark: z.optional(sentText.check(z.describe('default: the order reference'))),
  }),
  submit: z._default(z.enum(['nightly', 'on-arrival'], 'expected "nightly" or "on-arrival"'), 'nightly'),
  schedule: part({
    nightly: z._default(
      textThat(isNightlySchedule, 'expected a cron expression of five fields such as "0 2 * * *"'),
      '0 2 * * *',
    ),
    timeZone: z.optional(
      textThat(isTimeZone, 'expected an IANA time zone such as "Asia/Kolkata"').check(
        z.describe("default: the system's"),
      ),
    ),
  }),
  intake: part({
    settle: z._default(duration, '2s'),
    maxFileSize: z._default(size, '2GB'),
    maxRows: z._default(count(20_000_000), 20_000_000),
    onRowErrors: z._default(
      z.enum(['accept-valid', 'reject-file'], 'expected "accept-valid" or "reject-file"'),
      'accept-valid',
    ),
    waitForOrder: z._default(duration, '24h'),
    ignore: z._default(
      list(someText, 'expected at least one name, such as ["*.bak"]').check(
        z.describe('more names in the inbox to leave alone, as globs'),
      ),
      [],
    ),
  }),
  columns: z._default(z.record(heading, someText), {}),
});

/** The JSON Schema of paydrop.json, for editors. The file paydrop.schema.json holds it. */
export function settingsJsonSchema(): object {
  return { title: 'paydrop.json', ...z.toJSONSchema(schema, { io: 'input' }) };
}

/** The form in which names of columns are compared. */
export function looseName(name: string): string {
  return name.toLowerCase().replace(/[\s_-]/g, '');
}

/** A group of settings. Each of them may be left out, and so may the whole group. */
function part<Of extends z.core.$ZodShape>(members: Of) {
  return z.prefault(z.strictObject(members), {} as never);
}

/** A check. `problemOf` returns what is wrong with a text; undefined when nothing is. */
function rule(problemOf: (text: string) => string | undefined): z.core.$ZodCheck<string> {
  return z.check(({ value, issues }) => {
    const message = problemOf(value);
    if (message !== undefined) issues.push({ code: 'custom', message, input: value });
  });
}

/** A text with a rule that a JSON Schema can't describe. */
function textThat(accepts: (text: string) => boolean, expected: string) {
  return text.check(z.refine(accepts, expected));
}

function durationUpTo(longest: string) {
  return text.check(
    z.regex(/^\d{1,9}(ms|s|m|h|d)$/, { error: 'expected a duration such as "30s", "15m" or "24h"', abort: true }),
    z.refine((value) => durationMs(value) <= durationMs(longest), `expected at most ${longest}`),
    z.describe('a whole number and ms, s, m, h or d'),
  );
}

/** A whole number of at least 1. */
function count(most: number) {
  return z.int(`expected a whole number from 1 to ${most}`).check(z.minimum(1), z.maximum(most));
}

/** A list of at least one item. */
function list<Item extends z.core.$ZodType>(item: Item, expected: string) {
  return z.array(item).check(z.minLength(1, expected));
}

function endpoint(name: EndpointName) {
  return text.check(
    rule((value) => endpointProblem(value, name)),
    z.describe('a verb and a path; the default is in docs/providers.md'),
  );
}

function isBaseUrl(text: string): boolean {
  if (text === 'sandbox') return true;
  const url = URL.parse(text);
  if (!url || url.username || url.password || url.pathname !== '/' || url.search || url.hash) return false;
  return url.protocol === 'https:' || (url.protocol === 'http:' && LOOPBACK.has(url.hostname));
}

/** The runtime's list is fast, but it leaves out UTC and other names for a zone, such as Asia/Kolkata. */
function isTimeZone(name: string): boolean {
  if (name === 'UTC' || Intl.supportedValuesOf('timeZone').includes(name)) return true;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
