/** What receivers are to be notified of, by the records and by what they were sent. */
import { expect } from 'vitest';
import { eventOfStatusChange, NOTIFY_EVENTS } from '../../src/domain/notification.ts';
import { failed, type Message } from '../../src/service/notify/message.ts';
import type { Sender } from '../../src/service/notify/senders.ts';
import type { Receiver } from '../../src/settings/settings.ts';
import type { Store } from '../../src/store/port.ts';
import { Sqlite } from '../../src/store/sqlite/library.ts';

const ENTRIES = 1_000;

/** These are written by what a pass does anyway. The others would ask the records for more. */
export const NOTIFIED_EVENTS = Object.keys(NOTIFY_EVENTS).filter(
  (event) => event.startsWith('payout') || event.startsWith('file') || event === 'run.finished',
);

/** What a message reports: the same text as {@link happenings} has for it. Payouts are notified one by one. */
export function whatOf({ event, at, details }: Pick<Message, 'event' | 'at' | 'details'>): string {
  if (event === 'run.finished') return `${event} ${details['run']} ${details['finishedAt']}`;
  if (event.startsWith('file')) return `file ${details['file']} ${details['name']}`;
  return payoutText(event, at, `${details['customerRef']}/${details['orderRef']}/${details['instructionRef']}`);
}

function payoutText(event: string, at: string, reference: string): string {
  return `${event} ${reference} ${at}`;
}

/** What an entry of the audit log reports of a payout; nothing of most. */
function payoutTexts(body: string, reference: string): string[] {
  const { type, from, to, at } = JSON.parse(body);
  const event = type === 'status' ? eventOfStatusChange(from, to) : undefined;
  return event === undefined ? [] : [payoutText(event, at, reference)];
}

/** All that receivers are to know, by the records as they are. */
export async function happenings(store: Store): Promise<string[]> {
  const all: string[] = [];
  for (const { number, name, done } of await store.files()) if (done) all.push(`file ${number} ${name}`);
  const runs = await store.latestRuns(ENTRIES);
  for (const { number, finishedAt } of runs) if (finishedAt !== '') all.push(`run.finished ${number} ${finishedAt}`);
  for (let id = 0; ; ) {
    const page = await store.instructionsWithHistory(id, ENTRIES);
    for (const { record, history } of page) {
      const reference = `${record.customerRef}/${record.orderRef}/${record.instructionRef}`;
      all.push(...history.flatMap(({ body }) => payoutTexts(body, reference)));
    }
    const last = page.at(-1);
    if (!last) return all;
    id = last.record.id;
  }
}

/** What a receiver is notified of, delivered or not, and what has happened. */
interface Notified {
  readonly notified: string[];
  readonly happened: string[];
}

/**
 * Reads the file of the records as another process does, both at one moment. `look` gives nothing where nobody has written
 * since the last look.
 */
export function openNotifications(path: string, receiver: string): { look(): Notified | undefined; close(): void } {
  const records = new Sqlite(path, { readonly: true });
  const texts = (query: string) => records.prepare<[], string>(query).pluck().all();
  let seen: unknown;
  const look = () => {
    const version: unknown = records.pragma('data_version', { simple: true });
    if (version === seen) return undefined;
    seen = version;
    // The program may have been killed before it made its tables.
    if (texts("SELECT name FROM sqlite_master WHERE name = 'notifications'").length === 0) return undefined;
    const rows = records
      .prepare<[string], Pick<Message, 'event' | 'at'> & { details: string }>(
        'SELECT event, at, details FROM notifications WHERE receiver = ?',
      )
      .all(receiver);
    const entries = records
      .prepare<[], { body: string; reference: string }>(`
        SELECT body, customer_ref || '/' || order_ref || '/' || instruction_ref AS reference
        FROM audit JOIN instructions i ON i.id = audit.instruction`)
      .all();
    const happened = [
      ...texts("SELECT 'file ' || number || ' ' || name FROM files WHERE done = 1"),
      ...texts("SELECT 'run.finished ' || number || ' ' || finished_at FROM runs WHERE finished_at <> ''"),
      ...entries.flatMap(({ body, reference }) => payoutTexts(body, reference)),
    ];
    const notified = rows.map(({ details, ...row }) => whatOf({ ...row, details: JSON.parse(details) }));
    return { notified: notified.sort(), happened: happened.sort() };
  };
  return { look, close: () => void records.close() };
}

/** For paydrop.json: one takes all, one answers only the second time, one gets sums, and one is gone. */
export const RECEIVERS = (['well', 'second', 'sums', 'gone'] as const).map((name) => ({
  ...{ to: `https://${name}.example.com/hook`, on: NOTIFIED_EVENTS },
  payouts: name === 'sums' ? 'totals' : 'each',
}));

/** What those receivers were sent, in all lives of a program. */
export interface Ears {
  readonly senderTo: (receiver: Receiver) => Promise<Sender>;
  /** What a receiver was sent, each message once. Throws where one came again with other words. */
  received(name: string): Message[];
}

export function openEars(): Ears {
  const heard = new Map<string, Message[]>();
  const isNew = ({ id }: Message, at: number, all: readonly Message[]) => all.findIndex((one) => one.id === id) === at;
  const received = (name: string) => {
    const all = heard.get(name) ?? [];
    for (const message of all) expect(message).toEqual(all.find(({ id }) => id === message.id));
    return all.filter(isNew);
  };
  const send = (name: string) => async (message: Message) => {
    const before = heard.get(name) ?? [];
    heard.set(name, [...before, message]);
    const isTaken = name !== 'gone' && (name !== 'second' || before.some(({ id }) => id === message.id));
    return isTaken ? ({ kind: 'taken' } as const) : failed('no complete answer within 15 s', 'message');
  };
  return {
    received,
    senderTo: async (receiver) => {
      const [name = ''] = receiver.kind === 'http' ? receiver.url.hostname.split('.') : [];
      return { send: send(name), close: async () => undefined };
    },
  };
}

/** Each of them but the one that is gone was sent all that happened, under one id, and nothing else. */
export async function expectDelivered(store: Store, ears: Ears, point: string): Promise<void> {
  const happened = (await happenings(store)).sort();
  for (const name of ['well', 'second'])
    expect(ears.received(name).map(whatOf).sort(), `${name}, ${point}`).toEqual(happened);
  const isOne = (what: string) => !what.startsWith('payout');
  const sums = ears.received('sums');
  const ones = sums.filter(({ event }) => isOne(event)).map(whatOf);
  expect(ones.sort(), `sums, ${point}`).toEqual(happened.filter(isOne));
  const counts = sums.flatMap(({ event, details }) =>
    isOne(event) ? [] : (details['payouts'] as { count: number }[]).map(({ count }) => count),
  );
  const all = counts.reduce((sum, count) => sum + count, 0);
  expect(all, `sums, ${point}`).toBe(happened.length - happened.filter(isOne).length);
}
