/** Writes notifications, in the transaction of what they report. */
import type { Details, NotifyEvent, Subscription } from '../../domain/notification.ts';
import {
  gatheredWith,
  gatheringRow,
  type NewNotification,
  PAYOUT_FACTS,
  type PayoutFacts,
  payoutDetails,
  rowsFor,
  type StatusChange,
  subscribers,
} from '../notifications.ts';
import type { Session } from './connection.ts';
import { column, insertion, statement } from './statement.ts';

/** The notifications of a transaction, gathered until its changes are written. */
export interface Notifier {
  statusChanged(change: StatusChange): void;
  notify(event: NotifyEvent, details: Details): void;
  /** Writes what was notified until now. */
  written(session: Session): Promise<void>;
}

const PAYOUTS = statement<[ids: number[]], PayoutFacts>(
  `SELECT ${PAYOUT_FACTS} FROM instructions i WHERE i.id = ANY ($1::bigint[])`,
);
const GATHERING = statement<[receiver: string, event: string], { number: number; details: string }>(
  'SELECT number, details FROM notifications WHERE receiver = $1 AND event = $2 AND gathering FOR UPDATE',
);
const GATHER = statement<[details: string, number: number]>('UPDATE notifications SET details = $1 WHERE number = $2');
const LAST = column<[], number>('SELECT coalesce(max(number), 0) FROM notifications');
const insert = insertion<unknown[]>('notifications', {
  number: 'bigint',
  receiver: 'text',
  event: 'text',
  instruction: 'bigint',
  at: 'text',
  details: 'text',
  gathering: 'boolean',
  next_try_at: 'text',
});

/** Call it where the chain's head is locked. */
export function notifierAt(subscriptions: readonly Subscription[], at: string): Notifier {
  const to = subscribers(subscriptions);
  let changes: StatusChange[] = [];
  let rows: NewNotification[] = [];
  return {
    statusChanged(change) {
      if (to(change.event).length > 0) changes.push(change);
    },
    notify(event, details) {
      rows.push(...rowsFor(to(event), event, at, details));
    },
    async written(session) {
      const [changed, others] = [changes, rows];
      [changes, rows] = [[], []];
      if (changed.length > 0) others.push(...(await payoutRows(session, changed, to, at)));
      if (others.length === 0) return;
      const last = (await LAST.get(session)) ?? 0;
      await insert(
        session,
        others.map(({ receiver, event, instruction, at: when, details, gathering, nextTryAt }, index) => [
          last + 1 + index,
          receiver,
          event,
          instruction,
          when,
          details,
          gathering,
          nextTryAt,
        ]),
      );
    },
  };
}

/** The rows for payouts, less what is added to a row that gathers already. */
async function payoutRows(
  session: Session,
  changes: readonly StatusChange[],
  to: ReturnType<typeof subscribers>,
  at: string,
): Promise<NewNotification[]> {
  const found = await PAYOUTS.all(
    session,
    changes.map(({ id }) => id),
  );
  const payouts = new Map(found.map((payout) => [payout.id, payout]));
  const changed = changes.flatMap((change) => {
    const payout = payouts.get(change.id);
    return payout ? [{ change, payout }] : [];
  });
  const rows = changed.flatMap(({ change, payout }) =>
    rowsFor(to(change.event, 'each'), change.event, at, payoutDetails(change, payout), change.id),
  );
  for (const event of new Set(changed.map(({ change }) => change.event)))
    for (const { receiver } of to(event, 'totals')) {
      const open = await GATHERING.get(session, receiver, event);
      const more = changed.filter(({ change }) => change.event === event);
      const details = gatheredWith(open?.details, more);
      if (open) await GATHER.run(session, details, open.number);
      else rows.push(gatheringRow(receiver, event, at, details));
    }
  return rows;
}
