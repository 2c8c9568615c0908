/** Writes what receivers are told of, in the transaction of what it tells of. */
import type { Details, NotifyEvent, Subscription } from '../../domain/notification.ts';
import {
  gatheredWith,
  gatheringRow,
  type Move,
  type NewNotification,
  payoutDetails,
  rowsFor,
  subscribers,
  TOLD_PAYOUT,
  type ToldPayout,
} from '../notifications.ts';
import type { Session } from './connection.ts';
import { column, insertion, statement } from './statement.ts';

/** What a transaction tells of, gathered until its changes are written. */
export interface Teller {
  move(move: Move): void;
  tell(event: NotifyEvent, details: Details): void;
  /** Writes what was told until now. */
  written(session: Session): Promise<void>;
}

const PAYOUTS = statement<[ids: number[]], ToldPayout>(
  `SELECT ${TOLD_PAYOUT} FROM instructions i WHERE i.id = ANY ($1::bigint[])`,
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
export function tellerAt(subscriptions: readonly Subscription[], at: string): Teller {
  const to = subscribers(subscriptions);
  let moves: Move[] = [];
  let rows: NewNotification[] = [];
  return {
    move(move) {
      if (to(move.event).length > 0) moves.push(move);
    },
    tell(event, details) {
      rows.push(...rowsFor(to(event), event, at, details));
    },
    async written(session) {
      const [told, others] = [moves, rows];
      [moves, rows] = [[], []];
      if (told.length > 0) others.push(...(await payoutRows(session, told, to, at)));
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
  moves: readonly Move[],
  to: ReturnType<typeof subscribers>,
  at: string,
): Promise<NewNotification[]> {
  const found = await PAYOUTS.all(
    session,
    moves.map(({ id }) => id),
  );
  const payouts = new Map(found.map((payout) => [payout.id, payout]));
  const told = moves.flatMap((move) => {
    const payout = payouts.get(move.id);
    return payout ? [{ move, payout }] : [];
  });
  const rows = told.flatMap(({ move, payout }) =>
    rowsFor(to(move.event, 'each'), move.event, at, payoutDetails(move, payout), move.id),
  );
  for (const event of new Set(told.map(({ move }) => move.event)))
    for (const { receiver } of to(event, 'totals')) {
      const open = await GATHERING.get(session, receiver, event);
      const more = told.filter(({ move }) => move.event === event);
      const details = gatheredWith(open?.details, more);
      if (open) await GATHER.run(session, details, open.number);
      else rows.push(gatheringRow(receiver, event, at, details));
    }
  return rows;
}
