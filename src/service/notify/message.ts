/** What is sent to a receiver, and what comes of it. */
import { type Need, needed } from '../../domain/attention.ts';
import { type Details, NOTIFY_EVENTS, type NotifyEvent } from '../../domain/notification.ts';
import { secondIn } from '../../platform/clock.ts';
import { sha256 } from '../../platform/digest.ts';
import { printable } from '../../platform/terminal.ts';

/** What a receiver is sent: a notification, or a test of the way to it. */
export interface Message {
  /** The same at every try, and no other message's. */
  readonly id: string;
  readonly event: NotifyEvent | 'test';
  /** When it happened. */
  readonly at: string;
  readonly details: Details;
  /** With the bundled sandbox no money moves. */
  readonly sandbox: boolean;
}

export type Outcome =
  | { readonly kind: 'taken' }
  | {
      readonly kind: 'failed';
      /** In a few words, without an address, a secret or anything that the receiver said. */
      readonly trouble: string;
      /** Whether it is about this message alone, or any other would fail as well. */
      readonly of: 'message' | 'receiver';
      readonly retryAfterMs?: number | undefined;
      /** The receiver wants nothing any more. */
      readonly gone?: true;
    };

/** Sends to one receiver. Never rejects, and ends within a deadline of its own. */
export type Send = (message: Message) => Promise<Outcome>;

export function failed(trouble: string, of: 'message' | 'receiver' = 'receiver'): Outcome {
  return { kind: 'failed', trouble, of };
}

/**
 * The number alone would come again after a backup was restored, and in other records. What was claimed once has the same
 * details at every try.
 */
export function messageId({
  number,
  receiver,
  ...message
}: Pick<Message, 'event' | 'at' | 'details'> & { readonly number: number; readonly receiver: string }): string {
  const { event, at, details } = message;
  return `msg_${sha256(JSON.stringify([number, receiver, event, at, details])).slice(0, 32)}`;
}

/** The body: the shape that Standard Webhooks recommends. Every try sends the same bytes. */
export function bodyOf({ event, at, details, sandbox }: Message): string {
  return JSON.stringify({ type: event, timestamp: at, sandbox, data: details });
}

/** In words: nothing of the details. */
export function subjectOf({ event, sandbox }: Message): string {
  const what = event === 'test' ? 'A test message' : NOTIFY_EVENTS[event];
  return `paydrop: ${what}${sandbox ? ' (sandbox, no money moves)' : ''}`;
}

/** For a reader: a line a fact. Times are those of a clock in that zone, as on the pages. */
export function textOf(message: Message, timeZone: string): string {
  const { event, at, details, id } = message;
  const time = (timestamp: string) => `${secondIn(timeZone, timestamp)} ${timeZone}`;
  const facts = Object.entries(details).flatMap(([name, value]) =>
    MOMENTS.has(name)
      ? [`${name}: ${time(String(value))}`]
      : name === 'needs'
        ? tasksIn(value as readonly TaskTold[])
        : linesOf(value, name),
  );
  const lines = [`${subjectOf(message)}.`, '', `When: ${time(at)}`, ...facts, '', `Event ${event}, ${id}`];
  return `${lines.map(printable).join('\n')}\n`;
}

/** The details that are timestamps. */
const MOMENTS: ReadonlySet<string> = new Set(['startedAt', 'finishedAt']);

/** What `person.needed` has: who needs to do what, each apart from the next. */
function tasksIn(needs: readonly TaskTold[]): string[] {
  return needs.flatMap((need) => ['', `${need.who}: ${needed(need)}`, need.task]);
}

type TaskTold = Pick<Need, 'concern' | 'count' | 'who' | 'task'>;

function linesOf(value: unknown, name: string): string[] {
  if (value === null || value === '') return [];
  if (Array.isArray(value)) return value.map((item) => `${name}: ${inOneLine(item)}`);
  if (typeof value !== 'object') return [`${name}: ${value}`];
  return Object.entries(value).flatMap(([key, item]) => linesOf(item, `${name} ${key}`));
}

/** `paid, INR, 3, 630.00` */
function inOneLine(item: unknown): string {
  return typeof item === 'object' && item !== null ? Object.values(item).join(', ') : String(item);
}
