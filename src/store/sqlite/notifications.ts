/** Notifications: written with what they report, claimed and settled by those who deliver them. */
import type { Details, NotifyEvent, Subscription } from '../../domain/notification.ts';
import type { TrailEvent } from '../change-rules.ts';
import {
  claimedNotification,
  gatheredWith,
  gatheringRow,
  type NewNotification,
  NOTHING,
  PAYOUT_FACTS,
  type PayoutFacts,
  payoutDetails,
  rowsFor,
  statusChangeIn,
  subscribers,
  UNDELIVERED,
} from '../notifications.ts';
import type {
  DeliveryResults,
  Notification,
  NotificationClaim,
  Notifications,
  ReceiverBacklog,
  Undelivered,
} from '../port.ts';
import type { Connection } from './connection.ts';

/** Call both inside a write transaction. */
export interface Notifier {
  /** Notifies of the payout whose entry this is, where a receiver subscribes to it. Its change is written already. */
  entry(event: TrailEvent, instruction: number | undefined, at: string): void;
  notify(event: NotifyEvent, details: Details, at: string): void;
}

export function notifierOn(db: Connection, subscriptions: readonly Subscription[]): Notifier {
  const to = subscribers(subscriptions);
  const payoutOf = db.prepare<[number], PayoutFacts>(`SELECT ${PAYOUT_FACTS} FROM instructions i WHERE i.id = ?`);
  const gathering = db.prepare<[string, string], { number: number; details: string }>(
    'SELECT number, details FROM notifications WHERE receiver = ? AND event = ? AND gathering = 1',
  );
  const gather = db.prepare<[string, number]>('UPDATE notifications SET details = ? WHERE number = ?');
  const insert = db.prepare<[Omit<NewNotification, 'gathering'> & { gathering: number }]>(`
    INSERT INTO notifications (receiver, event, instruction, at, details, gathering, next_try_at)
    VALUES (:receiver, :event, :instruction, :at, :details, :gathering, :nextTryAt)`);
  const add = (row: NewNotification) => void insert.run({ ...row, gathering: row.gathering ? 1 : 0 });
  return {
    entry(event, instruction, at) {
      const change = statusChangeIn(event, instruction);
      const subscribed = change ? to(change.event) : [];
      const payout = change && subscribed.length > 0 ? payoutOf.get(change.id) : undefined;
      if (!change || !payout) return;
      const each = subscribed.filter(({ payouts }) => payouts === 'each');
      if (each.length > 0) rowsFor(each, change.event, at, payoutDetails(change, payout), change.id).forEach(add);
      for (const { receiver, payouts } of subscribed) {
        if (payouts !== 'totals') continue;
        const open = gathering.get(receiver, change.event);
        const details = gatheredWith(open?.details, [{ change, payout }]);
        if (open) gather.run(details, open.number);
        else add(gatheringRow(receiver, change.event, at, details));
      }
    },
    notify: (event, details, at) => rowsFor(to(event), event, at, details).forEach(add),
  };
}

export function notificationVerbs(db: Connection, notifier: Notifier): Notifications {
  const fact = db.prepare<[string], string>('SELECT value FROM facts WHERE name = ?').pluck();
  const setFact = db.prepare<[string, string]>('INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)');
  const notifyOnce = db.transaction((event: NotifyEvent, details: Details, name: string, value: string, at: string) => {
    if ((fact.get(name) ?? '') === value) return false;
    setFact.run(name, value);
    if (value !== '') notifier.notify(event, details, at);
    return value !== '';
  });
  const claim = claimer(db);
  const record = settler(db);
  const sweep = sweeper(db);
  const backlog = db.prepare<[], ReceiverBacklog>(`
    SELECT receiver, sum(next_try_at IS NOT NULL) AS waiting,
      coalesce(min(iif(next_try_at IS NULL, NULL, at)), '') AS oldest,
      sum(given_up_at IS NOT NULL) AS givenUp,
      coalesce((
        SELECT trouble FROM notifications t WHERE t.receiver = n.receiver AND t.delivered_at IS NULL AND t.trouble <> ''
        ORDER BY number DESC LIMIT 1), '') AS trouble
    FROM notifications n WHERE delivered_at IS NULL AND (next_try_at IS NOT NULL OR given_up_at IS NOT NULL)
    GROUP BY receiver ORDER BY receiver`);
  const undelivered = db.prepare<[], Undelivered>(UNDELIVERED);
  return {
    notifyOnce: async (event, details, { fact, value }, at) => notifyOnce.immediate(event, details, fact, value, at),
    claimNotifications: async (receiver, asked) => claim(receiver, asked),
    async recordDeliveries(receiver, results) {
      record(receiver, results);
    },
    async sweepNotifications(receivers, bounds) {
      sweep(receivers, bounds);
    },
    backlog: async () => backlog.all(),
    undelivered: async () => undelivered.get() ?? NOTHING,
  };
}

function claimer(db: Connection): (receiver: string, asked: NotificationClaim) => Notification[] {
  type Claimed = Omit<Notification, 'details'> & { details: string };
  const due = db.prepare<
    [Omit<NotificationClaim, 'until' | 'gathered'> & { receiver: string; gathered: number }],
    Claimed
  >(`
    SELECT number, receiver, event, at, tries, details FROM notifications
    WHERE receiver = :receiver AND next_try_at IS NOT NULL
      AND (next_try_at <= :at OR next_try_at > :horizon OR gathering = 1 AND :gathered)
    ORDER BY number LIMIT +:limit`);
  const take = db.prepare<[string, number]>('UPDATE notifications SET gathering = 0, next_try_at = ? WHERE number = ?');
  const claim = db.transaction((receiver: string, { until, gathered, ...asked }: NotificationClaim) => {
    const found = due.all({ ...asked, receiver, gathered: gathered ? 1 : 0 });
    for (const { number } of found) take.run(until, number);
    return found.map(claimedNotification);
  });
  return claim.immediate;
}

function settler(db: Connection): (receiver: string, results: DeliveryResults) => void {
  const deliver = db.prepare<[string, number]>(`
    UPDATE notifications SET tries = tries + 1, delivered_at = ?, given_up_at = NULL, next_try_at = NULL, trouble = ''
    WHERE number = ? AND delivered_at IS NULL`);
  // What is given up or forgotten meanwhile is not tried again.
  const fail = db.prepare<[{ number: number; trouble: string; next: string | null; at: string }]>(`
    UPDATE notifications
    SET tries = tries + 1, trouble = :trouble, next_try_at = :next, given_up_at = iif(:next IS NULL, :at, NULL)
    WHERE number = :number AND next_try_at IS NOT NULL`);
  const giveUp = db.prepare<[string, string, string, string]>(`
    UPDATE notifications SET trouble = ?, next_try_at = NULL, gathering = 0, given_up_at = ?
    WHERE receiver = ? AND next_try_at IS NOT NULL AND at < ?`);
  const wait = db.prepare<[string, string, string]>(`
    UPDATE notifications SET next_try_at = ? WHERE receiver = ? AND next_try_at <= ? AND gathering = 0`);
  const settle = db.transaction((receiver: string, { at, delivered, failed, rest }: DeliveryResults) => {
    for (const number of delivered) deliver.run(at, number);
    for (const { number, trouble, nextTryAt = null } of failed) fail.run({ number, trouble, next: nextTryAt, at });
    if (rest?.givenUpBefore !== undefined) giveUp.run(rest.trouble, at, receiver, rest.givenUpBefore);
    if (rest) wait.run(rest.until, receiver, at);
  });
  return settle.immediate;
}

function sweeper(db: Connection): (...args: Parameters<Notifications['sweepNotifications']>) => void {
  const giveUp = db.prepare<[string, string, string]>(`
    UPDATE notifications SET next_try_at = NULL, gathering = 0, given_up_at = ?,
      trouble = iif(trouble = '', 'no receiver in the settings is this one any more', trouble)
    WHERE next_try_at IS NOT NULL AND at < ? AND receiver NOT IN (SELECT value FROM json_each(?))`);
  const remove = db.prepare<[string]>('DELETE FROM notifications WHERE next_try_at IS NULL AND at < ?');
  const sweep = db.transaction(
    (receivers: readonly string[], bounds: { at: string; givenUpBefore: string; keptSince: string }) => {
      giveUp.run(bounds.at, bounds.givenUpBefore, JSON.stringify(receivers));
      remove.run(bounds.keptSince);
    },
  );
  return sweep.immediate;
}
