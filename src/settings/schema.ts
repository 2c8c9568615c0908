/** What paydrop.json may say, and with what words an editor tells it. */
import * as z from 'zod/mini';
import { APIS } from '../domain/api.ts';
import { isBlank, trimBlanks, unwanted } from '../domain/characters.ts';
import { ENDPOINT_NAMES, type EndpointName, endpointProblem } from '../provider/provider.ts';
import { calendarSchema } from './calendar.ts';
import { controlSchema } from './control.ts';
import { httpSchema } from './http.ts';
import { mailSchema, notifySchema, pingSchema } from './notify.ts';
import { people } from './people.ts';
import { isNightlySchedule } from './schedule.ts';
import { durationMs } from './units.ts';
import {
  described,
  FOR_EDITORS,
  forEditors,
  isSafeUrl,
  list,
  originOf,
  part,
  rule,
  someText,
  text,
  textLike,
  textThat,
} from './values.ts';

const DURATION = /^\d{1,9}(ms|s|m|h|d)$/;
/** The longest duration. A far longer one leads to dates that can't be represented. */
const LONGEST_WAIT = '3650d';
/** A timer of the system rings at once when it is set to more than 24.8 days. */
const LONGEST_TIMEOUT = '1d';
/** A name in a path, in bytes. */
const LONGEST_NAME = 255;

/** A text with the characters that a cell of a file may have. */
const sentText = forEditors(
  text.check(
    rule((value) => {
      const character = unwanted(trimBlanks(value));
      if (character !== undefined) return `expected text without characters that don't show, found ${character}`;
      return isBlank(value) ? 'expected some text' : undefined;
    }),
  ),
  { minLength: 1 },
);
const folder = forEditors(
  text.check(
    rule((value) => {
      if (isBlank(value)) return 'expected the name of a folder';
      const isLong = value.split('/').some((name) => Buffer.byteLength(name) > LONGEST_NAME);
      return isLong
        ? `expected names of at most ${LONGEST_NAME} bytes, which is the most a folder can have`
        : undefined;
    }),
  ),
  { minLength: 1 },
);
/** A text that is sent in an HTTP header. */
const account = textLike(/^[!-~]+$/, 'expected ASCII characters that show, without blanks');
const duration = durationUpTo(LONGEST_WAIT);
const size = described(
  textLike(/^\d{1,9}(B|KB|MB|GB)$/, 'expected a size such as "500MB" or "2GB"'),
  'a whole number and B, KB, MB or GB (powers of 1000)',
);
const heading = forEditors(
  text.check(
    rule((name) => {
      return looseName(name) === '' ? `"${name}" is no name: it has no letter, digit or sign to be told by` : undefined;
    }),
  ),
  { minLength: 1 },
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
  records: z._default(z.enum(['sqlite', 'postgres'], 'expected "sqlite" or "postgres"'), 'sqlite'),
  machine: described(
    z.optional(textLike(/^[A-Za-z0-9._-]{1,63}$/, 'expected a name of up to 63 letters, digits, ".", "_" and "-"')),
    "with records on PostgreSQL: this machine's name; default: the host's",
  ),
  provider: part({
    api: z._default(z.enum(APIS, 'expected "payout-orders", "order-management" or "collect"'), 'payout-orders'),
    baseUrl: z._default(
      textThat(isBaseUrl, 'expected "sandbox" or an https URL without a path (http only for this machine)'),
      'sandbox',
    ),
    concurrency: z._default(count(256), 16),
    requestsPerMinute: z.optional(count(1_000_000)),
    timeout: z._default(durationUpTo(LONGEST_TIMEOUT), '30s'),
    quarantine: described(z.optional(duration), 'default 15m; 2s with the sandbox'),
    giveUpAfter: z._default(duration, '3d'),
    currencies: z.optional(
      list(textLike(/^[A-Z]{3}$/, 'expected ISO 4217 codes such as "INR"'), 'expected at least one currency'),
    ),
    duplicateClientRef: z._default(z.enum(['rejected', 'undefined'], 'expected "rejected" or "undefined"'), 'rejected'),
    accountId: described(z.optional(account), 'x-account-id; order-management and collect'),
    tenantId: described(z.optional(account), 'x-tenant-id; order-management and collect'),
    endpoints: described(part(endpoints), 'verbs and paths that were never published; order-management and collect'),
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
    narration: described(z.optional(sentText), 'default: the instruction reference'),
    remark: described(z.optional(sentText), 'default: the order reference'),
  }),
  submit: z._default(z.enum(['nightly', 'on-arrival'], 'expected "nightly" or "on-arrival"'), 'nightly'),
  schedule: part({
    nightly: z._default(
      textThat(isNightlySchedule, 'expected a cron expression of five fields such as "0 2 * * *"'),
      '0 2 * * *',
    ),
    timeZone: described(
      z.optional(textThat(isTimeZone, 'expected an IANA time zone such as "Asia/Kolkata"')),
      "default: the system's",
    ),
  }),
  calendar: calendarSchema,
  intake: part({
    settle: z._default(duration, '2s'),
    maxFileSize: z._default(size, '2GB'),
    maxRows: z._default(count(20_000_000), 20_000_000),
    onRowErrors: z._default(
      z.enum(['accept-valid', 'reject-file'], 'expected "accept-valid" or "reject-file"'),
      'accept-valid',
    ),
    waitForOrder: z._default(duration, '24h'),
    ignore: described(
      z._default(list(someText, 'expected at least one name, such as ["*.bak"]'), []),
      'more names in the inbox to leave alone, as globs',
    ),
  }),
  reports: part({
    bom: described(
      z._default(z.boolean('expected true or false'), false),
      'a byte order mark at the start of each CSV',
    ),
  }),
  http: httpSchema,
  control: controlSchema,
  people: z._default(people, {}),
  notify: notifySchema,
  ping: pingSchema,
  mail: mailSchema,
  columns: z._default(z.record(heading, someText), {}),
});

/** The JSON Schema of paydrop.json, for editors; paydrop.schema.json is this. */
export function settingsJsonSchema(): object {
  const said = z.toJSONSchema(schema, {
    io: 'input',
    override: ({ zodSchema, jsonSchema }) => Object.assign(jsonSchema, FOR_EDITORS.get(zodSchema)),
  });
  return { title: 'paydrop.json', ...said };
}

/** Names of columns are compared in this form. */
export function looseName(name: string): string {
  return name.toLowerCase().replace(/[\s_-]/g, '');
}

function durationUpTo(longest: string) {
  const problemOf = (value: string) => {
    if (!DURATION.test(value)) return 'expected a duration such as "30s", "15m" or "24h"';
    return durationMs(value) > durationMs(longest) ? `expected at most ${longest}` : undefined;
  };
  return forEditors(text.check(rule(problemOf)), {
    pattern: DURATION.source,
    description: 'a whole number and ms, s, m, h or d',
  });
}

/** A whole number from 1 on. */
function count(most: number) {
  return z.int(`expected a whole number from 1 to ${most}`).check(z.minimum(1), z.maximum(most));
}

function endpoint(name: EndpointName) {
  return described(
    text.check(rule((value) => endpointProblem(value, name))),
    'a verb and a path; the default is in docs/providers.md',
  );
}

function isBaseUrl(text: string): boolean {
  if (text === 'sandbox') return true;
  const url = originOf(text);
  return url !== undefined && isSafeUrl(url);
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
