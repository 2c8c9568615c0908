/** Receivers of notifications, and the address that is asked when a nightly run starts and ends. */
import * as z from 'zod/mini';
import { NOTIFY_EVENTS, type NotifyEvent, type Subscription } from '../domain/notification.ts';
import { sha256 } from '../platform/digest.ts';
import type { Loaded } from './text.ts';
import { described, forEditors, isSafeUrl, list, part, rule, someText, text, textThat } from './values.ts';

/** One address, without anything that a header or another address could hide in. */
const MAILBOX = /^[A-Za-z0-9.!#$&'*+/=^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,253}[A-Za-z0-9])?$/;
const MAILTO = 'mailto:';

export type Receiver = Subscription &
  (
    | { readonly kind: 'http'; readonly url: URL }
    | { readonly kind: 'mail'; readonly address: string }
    | { readonly kind: 'command'; readonly command: readonly string[] }
  );

const EXPECTED =
  'expected an https URL (http only for this machine), "mailto:NAME@HOST" or {"command": ["PROGRAM", …]}';

const address = forEditors(
  text.check(rule((value) => (isMailto(value) || isHttpUrl(value) ? undefined : EXPECTED), { continue: true })),
  { description: 'an https URL, or mailto:NAME@HOST' },
);
const command = z.strictObject({
  command: described(list(someText, 'expected the program and its arguments'), 'the program and its arguments'),
});
const events = Object.keys(NOTIFY_EVENTS) as [NotifyEvent, ...NotifyEvent[]];

const receiver = z.strictObject(
  {
    to: z.union([address, command], EXPECTED),
    on: list(z.enum(events, `expected one of ${events.join(', ')}`), 'expected at least one event'),
    payouts: z._default(z.enum(['totals', 'each'], 'expected "totals" or "each"'), 'totals'),
  },
  'expected {"to": …, "on": […]}',
);

type Accepted = z.infer<typeof receiver>;

export const notifySchema = z._default(
  z.array(receiver).check(({ value, issues }) => {
    for (const [at, { to }] of value.entries()) {
      const first = value.findIndex((other) => JSON.stringify(other.to) === JSON.stringify(to));
      if (first < at)
        issues.push({
          code: 'custom',
          message: `is the receiver of notify.${first} already: name all its events there`,
          input: to,
          path: [at, 'to'],
        });
    }
  }),
  [],
);

export const pingSchema = described(
  z.optional(textThat(isPingUrl, 'expected an https URL without a query (http only for this machine)')),
  'asked when a nightly run starts (/start), ends, or fails (/fail)',
);

export const mailSchema = part({
  from: described(
    z.optional(textThat((value) => MAILBOX.test(value), 'expected an address such as "paydrop@example.com"')),
    'the sender of mail to the receivers in notify',
  ),
});

/** The receivers of notifications, and how they are reached. */
export interface NotifySettings {
  readonly notify: readonly Receiver[];
  /** Asked when a nightly run starts, ends or fails. */
  readonly ping: URL | undefined;
  readonly mail: {
    /** The sender; set where a receiver gets mail. */
    readonly from: string | undefined;
  };
}

/** From settings that the schemas of this module have accepted. */
export function notifyFrom(accepted: {
  readonly notify: readonly Accepted[];
  readonly ping?: string | undefined;
  readonly mail: { readonly from?: string | undefined };
}): Loaded<NotifySettings> {
  const notify = receiversFrom(accepted.notify);
  const { from } = accepted.mail;
  if (from === undefined && notify.some(({ kind }) => kind === 'mail')) return { ok: false, problems: [NO_SENDER] };
  const ping = accepted.ping === undefined ? undefined : new URL(accepted.ping);
  return { ok: true, value: { notify, ping, mail: { from } } };
}

const NO_SENDER =
  'mail.from: must be set, because notify names a mailto: receiver: the sender, such as "paydrop@example.com"';

function receiversFrom(accepted: readonly Accepted[]): Receiver[] {
  return accepted.map(({ to, on, payouts }) => {
    const subscription = { receiver: keyOf(to), on: new Set(on), payouts };
    if (typeof to !== 'string') return { ...subscription, kind: 'command', command: to.command };
    if (isMailto(to)) return { ...subscription, kind: 'mail', address: to.slice(MAILTO.length) };
    return { ...subscription, kind: 'http', url: new URL(to) };
  });
}

/** How a receiver is named where people read. The path of a URL may be a secret. */
export function receiverText(receiver: Receiver): string {
  if (receiver.kind === 'mail') return `${MAILTO}${receiver.address}`;
  return receiver.kind === 'http' ? receiver.url.origin : `command ${receiver.command[0]}`;
}

function keyOf(to: Accepted['to']): string {
  return sha256(JSON.stringify(to)).slice(0, 16);
}

function isMailto(value: string): boolean {
  return value.startsWith(MAILTO) && MAILBOX.test(value.slice(MAILTO.length));
}

function isHttpUrl(value: string): boolean {
  const url = URL.parse(value);
  return url !== null && isSafeUrl(url);
}

function isPingUrl(value: string): boolean {
  return isHttpUrl(value) && URL.parse(value)?.search === '';
}
