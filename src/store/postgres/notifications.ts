/** Notifications: claimed and settled by those who deliver them. notifier.ts writes them. */
import { claimedNotification, NOTHING, UNDELIVERED } from '../notifications.ts';
import { FACTS, type Notification, type Notifications, type ReceiverBacklog, type Undelivered } from '../port.ts';
import type { Connection } from './connection.ts';
import { factIn, setFactIn } from './facts.ts';
import type { Me } from './me.ts';
import { column, statement } from './statement.ts';
import type { Writing } from './trail.ts';

type Claimed = Omit<Notification, 'details'> & { details: string };

const DUE = `receiver = $1 AND next_try_at IS NOT NULL
  AND (next_try_at <= $2 OR next_try_at > $3 OR gathering AND $4)`;
const IS_DUE = column<[receiver: string, at: string, horizon: string, gathered: boolean], true>(
  `SELECT true FROM notifications WHERE ${DUE} LIMIT 1`,
);
const CLAIM = statement<
  [receiver: string, at: string, horizon: string, gathered: boolean, limit: number, until: string],
  Claimed
>(`
  WITH due AS (
    SELECT number FROM notifications
    WHERE ${DUE}
    ORDER BY number LIMIT $5 FOR UPDATE SKIP LOCKED)
  UPDATE notifications n SET gathering = false, next_try_at = $6 FROM due WHERE n.number = due.number
  RETURNING n.number, n.receiver, n.event, n.at, n.tries, n.details`);
const DELIVER = statement<[at: string, numbers: number[]]>(`
  UPDATE notifications SET tries = tries + 1, delivered_at = $1, given_up_at = NULL, next_try_at = NULL, trouble = ''
  WHERE number = ANY ($2::bigint[]) AND delivered_at IS NULL`);
// What is given up or forgotten meanwhile is not tried again.
const FAIL = statement<[at: string, numbers: number[], troubles: string[], next: (string | null)[]]>(`
  UPDATE notifications n SET tries = n.tries + 1, trouble = f.trouble, next_try_at = f.next_try_at,
    given_up_at = CASE WHEN f.next_try_at IS NULL THEN $1 END
  FROM unnest($2::bigint[], $3::text[], $4::text[]) AS f (number, trouble, next_try_at)
  WHERE n.number = f.number AND n.next_try_at IS NOT NULL`);
const GIVE_UP = statement<[trouble: string, at: string, receiver: string, before: string]>(`
  UPDATE notifications SET trouble = $1, next_try_at = NULL, gathering = false, given_up_at = $2
  WHERE receiver = $3 AND next_try_at IS NOT NULL AND at < $4`);
const WAIT = statement<[until: string, receiver: string, at: string]>(`
  UPDATE notifications SET next_try_at = $1 WHERE receiver = $2 AND next_try_at <= $3 AND NOT gathering`);
const GIVE_UP_OTHERS = statement<[at: string, before: string, receivers: readonly string[]]>(`
  UPDATE notifications SET next_try_at = NULL, gathering = false, given_up_at = $1,
    trouble = CASE WHEN trouble = '' THEN 'no receiver in the settings is this one any more' ELSE trouble END
  WHERE next_try_at IS NOT NULL AND at < $2 AND receiver <> ALL ($3::text[])`);
const REMOVE = statement<[before: string]>('DELETE FROM notifications WHERE next_try_at IS NULL AND at < $1');
const BACKLOG = statement<[], ReceiverBacklog>(`
  SELECT receiver, count(next_try_at) AS waiting,
    coalesce(min(CASE WHEN next_try_at IS NOT NULL THEN at END), '') AS oldest, count(given_up_at) AS "givenUp",
    coalesce((
      SELECT trouble FROM notifications t WHERE t.receiver = n.receiver AND t.delivered_at IS NULL AND t.trouble <> ''
      ORDER BY number DESC LIMIT 1), '') AS trouble
  FROM notifications n WHERE delivered_at IS NULL AND (next_try_at IS NOT NULL OR given_up_at IS NOT NULL)
  GROUP BY receiver ORDER BY receiver`);
const ALL_UNDELIVERED = statement<[], Undelivered>(UNDELIVERED);

export function notificationVerbs(db: Connection, writing: Writing, { name: machine = '' }: Me): Notifications {
  return {
    notifyOnce: (event, details, { fact, value }, at) =>
      writing({ at }, async (session, append) => {
        const owner = FACTS[fact] === 'own' ? machine : undefined;
        if (((await factIn(session, fact, owner)) ?? '') === value) return false;
        await setFactIn(session, fact, value, owner);
        if (value !== '') append.notify(event, details);
        return value !== '';
      }),
    async claimNotifications(receiver, { at, horizon, until, limit, gathered }) {
      // It is often asked, and seldom is anything due.
      if ((await IS_DUE.get(db, receiver, at, horizon, gathered)) === undefined) return [];
      const claimed = await db.writing((session) => CLAIM.all(session, receiver, at, horizon, gathered, limit, until));
      return claimed.sort((one, other) => one.number - other.number).map(claimedNotification);
    },
    recordDeliveries: (receiver, { at, delivered, failed, rest }) =>
      db.writing(async (session) => {
        await DELIVER.run(session, at, [...delivered]);
        await FAIL.run(
          session,
          at,
          failed.map(({ number }) => number),
          failed.map(({ trouble }) => trouble),
          failed.map(({ nextTryAt = null }) => nextTryAt),
        );
        if (rest?.givenUpBefore !== undefined)
          await GIVE_UP.run(session, rest.trouble, at, receiver, rest.givenUpBefore);
        if (rest) await WAIT.run(session, rest.until, receiver, at);
      }),
    sweepNotifications: (receivers, { at, givenUpBefore, keptSince }) =>
      db.writing(async (session) => {
        await GIVE_UP_OTHERS.run(session, at, givenUpBefore, receivers);
        await REMOVE.run(session, keptSince);
      }),
    backlog: () => BACKLOG.all(db),
    undelivered: async () => (await ALL_UNDELIVERED.get(db)) ?? NOTHING,
  };
}
