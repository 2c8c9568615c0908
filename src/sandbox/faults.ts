/**
 * What goes wrong at the sandbox, and when: a script, which is JSON of this form.
 *
 *     {
 *       "faults": [
 *         { "on": "post", "narration": "PI-007", "attempts": [1], "fault": { "kind": "reset" } },
 *         { "on": "get", "remark": "ORDER-*", "attempts": [1, 2], "fault": { "kind": "not-found" } },
 *         { "on": "post", "rate": 0.02, "fault": { "kind": "error", "status": 503, "accept": true } },
 *         { "on": "order", "customerRef": "C1", "fault": { "kind": "silence" } },
 *         { "on": "token", "attempts": [1], "fault": { "kind": "short-token", "requests": 2 } }
 *       ],
 *       "fates": [{ "narration": "PI-009", "fate": "failed", "message": "Beneficiary account is closed" }],
 *       "habits": [{ "habit": "firewall-page", "narration": "PI-010" }]
 *     }
 *
 * A rule applies to the requests whose `clientRefId`, `narration`, `remark`, `contactId`, `customerRef`, `orderRef` and
 * `instructionRef` equal what it names (`*` stands for any characters; what the rule doesn't name may be anything). The
 * first four are empty at the Imburse APIs, the last three at the payout-order API. A look-up, update or deletion is
 * matched by what was posted under its reference. The first rule that strikes decides.
 *
 * `on`        `post` sends a payout or an instruction, `get` looks one up, `update` and `delete` change an instruction;
 *             `order` creates an order, its instructions included, `order-get` looks one up; `token` asks for a token.
 * `attempts`  Which of the reference's requests of that kind, counted from 1; all when left out.
 * `rate`      How many of those it strikes, 0 to 1; all when left out. Drawn from seed and reference: anew for each
 *             request, but once for the reference where `attempts` are given (a lag of two look-ups is both or none).
 *
 * Faults, with the defaults of their settings. `accept` says whether the request takes effect before the fault shows. A
 * fault that is an answer has the form of the API:
 *
 *     refuse                          the connection is reset, the request has no effect
 *     delay        ms                 the request takes effect, and is answered, only after this time
 *     reset                           it takes effect, then the connection is reset
 *     silence      accept true        no answer, the connection stays open
 *     truncated                       it takes effect, the answer breaks off in the middle
 *     garbage      accept true        the answer is not HTTP
 *     html         accept true, status 200    the answer is a page
 *     error        accept false, status 500   the server fails
 *     drip         ms 100             it takes effect, the answer comes one byte at a time, `ms` apart
 *     wrong-echo                      it takes effect, the answer is about something else: it names another reference,
 *                                     or (an instruction of order management, which names none) another amount
 *     redirect     accept false, status 307, location "/elsewhere"
 *     rate-limit   retryAfter "1"     429 with Retry-After, as given
 *     unauthorized accept false, status 401   the credentials are refused (401 or 403)
 *     bad-signature                   the signature is refused
 *     decline      message "Insufficient balance"; code "0x0202" and status 200 at the payout-order API; else status
 *                                     400 and a documented code (AMOUNT_OUT_OF_RANGE; for an order,
 *                                     SCHEME_FORMAT_NOT_RECOGNISED)
 *     service-off                     503
 *     not-found    status 404         there is no such payout, instruction or order: a look-up that lags behind, or a
 *                                     provider that has forgotten it. `message` is the payout-order API's text for it
 *     states       status, amount, customerRef    it takes effect, and the answer states that status, amount or
 *                                     customer instead: unknown words ("on_hold"), other letters ("PROCESSED"), groups
 *                                     ("1,25,000.00"), a part returned; with a customerRef of null it names no customer
 *     short-token  ms 3600000, requests    the token is valid for only this time and this number of requests
 *
 * `fates` replace the seed in deciding how payouts and instructions end: processed (SETTLED), failed, reversed
 * (SETTLED, then FAILED), recovered (FAILED, then SETTLED), cancelled (VOID), processing (for ever), or ready:
 * processing never begins, so the instruction can be changed for ever.
 *
 * `webhooks` has the APIs tell each end that a payout comes to, which then goes on by itself, a step each `ms` (1000):
 * `{"to": "http://127.0.0.1:8480/webhooks/payout-orders", "secret": "…", "rules": [{"narration": "PI-011", "deliver":
 * "twice"}]}`. `deliver` is once, twice, late (three times `ms`), out-of-order (a failure is told before it, which is not
 * true), forged (signed with another secret) or never. All are signed as the payout-order API does it, in the header
 * `Signature`. The Imburse APIs tell in batches: `"batch": {"most": 100, "ms": 500}` is the most events of one, and how
 * long its first one waits for others.
 *
 * `habits` are faults and fates that belong together, by name (habits.ts): what providers have been seen to do. They
 * come after the other rules. Like them, they may name the payouts that they apply to, and with `rate` how many of
 * them.
 */
import * as z from 'zod/mini';
import en from 'zod/v4/locales/en.js';
import { drawFraction } from './draw.ts';
import { HABIT_NAMES, HABITS } from './habits.ts';

const kind = <K extends string>(name: K) => z.literal(name);
const accept = (byDefault: boolean) => z._default(z.boolean(), byDefault);
const whole = (least: number, most: number) => z.int().check(z.gte(least), z.lte(most));
const wholeFrom = (least: number) => z.int().check(z.gte(least));
const httpStatus = whole(200, 599);
const status = (byDefault: number) => z._default(httpStatus, byDefault);
const ms = whole(0, 600_000);

/** An hour. */
export const TOKEN_LIFE_MS = 3_600_000;

const fault = z.discriminatedUnion('kind', [
  z.strictObject({ kind: kind('refuse') }),
  z.strictObject({ kind: kind('delay'), ms }),
  z.strictObject({ kind: kind('reset') }),
  z.strictObject({ kind: kind('silence'), accept: accept(true) }),
  z.strictObject({ kind: kind('truncated') }),
  z.strictObject({ kind: kind('garbage'), accept: accept(true) }),
  z.strictObject({ kind: kind('html'), accept: accept(true), status: status(200) }),
  z.strictObject({ kind: kind('error'), accept: accept(false), status: status(500) }),
  z.strictObject({ kind: kind('drip'), ms: z._default(ms, 100) }),
  z.strictObject({ kind: kind('wrong-echo') }),
  z.strictObject({
    kind: kind('redirect'),
    accept: accept(false),
    status: status(307),
    location: z._default(z.string(), '/elsewhere'),
  }),
  z.strictObject({ kind: kind('rate-limit'), retryAfter: z._default(z.string(), '1') }),
  z.strictObject({ kind: kind('unauthorized'), accept: accept(false), status: status(401) }),
  z.strictObject({ kind: kind('bad-signature') }),
  z.strictObject({
    kind: kind('decline'),
    code: z.optional(z.string()),
    message: z._default(z.union([z.string(), z.record(z.string(), z.array(z.string()))]), 'Insufficient balance'),
    status: z.optional(httpStatus),
  }),
  z.strictObject({ kind: kind('service-off') }),
  z.strictObject({ kind: kind('not-found'), status: status(404), message: z._default(z.string(), 'Order Not Found') }),
  z.strictObject({
    kind: kind('states'),
    status: z.optional(z.string()),
    amount: z.optional(z.string()),
    customerRef: z.optional(z.nullable(z.string())),
  }),
  z.strictObject({
    kind: kind('short-token'),
    ms: z._default(whole(0, TOKEN_LIFE_MS), TOKEN_LIFE_MS),
    requests: z.optional(wholeFrom(0)),
  }),
]);

/** The kinds of requests that a fault can strike. */
export const ON = ['post', 'get', 'update', 'delete', 'order', 'order-get', 'token'] as const;

export type On = (typeof ON)[number];

const pattern = z.optional(z.string());
const subject = {
  clientRefId: pattern,
  narration: pattern,
  remark: pattern,
  contactId: pattern,
  customerRef: pattern,
  orderRef: pattern,
  instructionRef: pattern,
};

const fraction = z.number().check(z.gte(0), z.lte(1));

const faultRule = z.strictObject({
  ...subject,
  on: z.enum(ON),
  attempts: z.optional(z.array(wholeFrom(1)).check(z.minLength(1))),
  rate: z._default(fraction, 1),
  fault,
});

const fateRule = z.strictObject({
  ...subject,
  fate: z.enum(['processed', 'failed', 'reversed', 'recovered', 'cancelled', 'processing', 'ready']),
  message: z.optional(z.string()),
});

const habitRule = z.strictObject({ ...subject, habit: z.enum(HABIT_NAMES), rate: z.optional(fraction) });

const webhookRule = z.strictObject({
  ...subject,
  deliver: z.enum(['once', 'twice', 'late', 'out-of-order', 'forged', 'never']),
});

const webhooks = z.strictObject({
  to: z.string().check(z.regex(/^http:\/\/(?:127\.0\.0\.1|localhost|\[::1\])(?::\d{1,5})?\/[!-~]*$/)),
  secret: z.string().check(z.minLength(1)),
  ms: z._default(ms, 1_000),
  batch: z._default(z.strictObject({ most: whole(1, 1_000), ms }), { most: 100, ms: 500 }),
  rules: z._default(z.array(webhookRule), []),
});

const script = z.pipe(
  z.strictObject({
    faults: z._default(z.array(faultRule), []),
    fates: z._default(z.array(fateRule), []),
    habits: z._default(z.array(habitRule), []),
    webhooks: z.optional(webhooks),
    /** What the account has for payouts when the sandbox begins; it never runs out where this is left out. */
    balance: z.optional(z.string().check(z.regex(/^[0-9]{1,15}(?:\.[0-9]{1,2})?$/))),
  }),
  z.transform(({ faults, fates, habits, balance, webhooks }) => {
    const played = habits.map(({ habit, rate, ...about }) => ({ ...HABITS[habit], rate, about }));
    return {
      faults: [
        ...faults,
        ...played.flatMap(({ faults: rules = [], rate = 1, about }) =>
          rules.map((rule) => faultRule.parse({ ...about, rate, ...rule })),
        ),
      ],
      fates: [
        ...fates,
        ...played.flatMap(({ fates: rules = [], about }) => rules.map((rule) => fateRule.parse({ ...about, ...rule }))),
      ],
      balance,
      webhooks,
    };
  }),
);

/** A script as it is written. */
export type FaultScript = z.input<typeof script>;
/** A script with its defaults filled in. */
export type CheckedScript = z.output<typeof script>;
export type Fault = z.output<typeof fault>;
export type FateRule = z.output<typeof fateRule>;
export type Fate = FateRule['fate'];

/** What rules are matched against; a member is empty where an API or a request doesn't state it. */
export interface Subject {
  readonly clientRefId: string;
  readonly narration: string;
  readonly remark: string;
  readonly contactId: string;
  readonly customerRef: string;
  readonly orderRef: string;
  readonly instructionRef: string;
}

/** A subject in which every member is empty. */
export const NO_SUBJECT: Subject = {
  clientRefId: '',
  narration: '',
  remark: '',
  contactId: '',
  customerRef: '',
  orderRef: '',
  instructionRef: '',
};

/** zod/mini has no messages of its own. */
const { localeError: IN_WORDS } = en();

/** Checks a value from outside: the script, or the problem in words. */
export function checkScript(value: unknown): { readonly script: CheckedScript } | { readonly problem: string } {
  const parsed = script.safeParse(value, { error: IN_WORDS });
  return parsed.success ? { script: parsed.data } : { problem: z.prettifyError(parsed.error) };
}

/** The fault that strikes the `n`-th request of a kind about `reference`, which is the reference of `about`. */
export function chooseFault(
  { faults }: CheckedScript,
  seed: string,
  { on, reference, about, n }: { on: On; reference: string; about: Subject; n: number },
): Fault | undefined {
  return faults.find((rule, index) => {
    if (rule.on !== on || !matches(rule, about) || !(rule.attempts?.includes(n) ?? true)) return false;
    return drawFraction(seed, 'fault', index, reference, rule.attempts ? 0 : n) < rule.rate;
  })?.fault;
}

/** Whether the subject fits everything that a rule names. */
export function matches(rule: { readonly [K in keyof Subject]?: string | undefined }, about: Subject): boolean {
  return (Object.keys(NO_SUBJECT) as (keyof Subject)[]).every((name) => fits(rule[name], about[name]));
}

function fits(pattern: string | undefined, value: string): boolean {
  if (pattern === undefined || pattern === value) return true;
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop();
  if (last === undefined || !value.startsWith(first) || !value.endsWith(last)) return false;
  let at = first.length;
  for (const part of rest) {
    const found = value.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return at <= value.length - last.length;
}
