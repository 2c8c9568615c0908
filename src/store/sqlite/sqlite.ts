/**
 * The store port on one SQLite file. Writes are immediate transactions that are on the disk when a verb resolves. On a
 * full disk or a failed fsync a verb rejects, and nothing of it is done.
 */
import type { Subscription } from '../../domain/notification.ts';
import { explaining } from '../explaining.ts';
import type { Changes, Store } from '../port.ts';
import { amendmentVerbs } from './amendments.ts';
import { answerVerbs } from './answers.ts';
import { changer } from './changes.ts';
import { closingVerbs } from './closings.ts';
import { type Connection, makePrivate, openDatabase, type Purpose, type Upgraded } from './connection.ts';
import { controlVerbs } from './control.ts';
import { fileVerbs } from './files.ts';
import { forgettingVerbs } from './forgetting.ts';
import { intakeVerbs } from './intake.ts';
import { listingOf } from './listing.ts';
import { machineVerbs } from './machine.ts';
import { notificationVerbs, notifierOn } from './notifications.ts';
import { numberSkipper } from './numbers.ts';
import { findingVerbs, listingVerbs, lookUpVerbs, replayVerbs } from './reading.ts';
import { runVerbs } from './runs.ts';
import { searchVerbs } from './searching.ts';
import { signInVerbs } from './sign-ins.ts';
import { auditTrail, auditVerbs } from './trail.ts';
import { damaged, explained } from './trouble.ts';
import { webhookVerbs } from './webhooks.ts';

export interface SqliteOptions {
  readonly path: string;
  /** `kept` where the caller says nothing. */
  readonly purpose?: Purpose;
  readonly upgraded?: Upgraded | undefined;
  /** Who is told of what is written; nobody where the caller says nothing. */
  readonly subscriptions?: readonly Subscription[];
}

/** Throws when the file can't be opened as it must be: see {@link openDatabase}. */
export function openStore(options: SqliteOptions): Store {
  const { path, purpose = 'kept', upgraded } = options;
  const db = openDatabase(path, purpose, upgraded);
  try {
    const store = explaining(storeOn(db, options), (error) => explained(path, error));
    // What fails in the work has its own explanation.
    return { ...store, judging: (_, work) => work(), spending: (work) => work(), mayStillSend: () => true };
  } catch (error) {
    db.close();
    throw explained(path, error);
  }
}

const NOTHING: Changes = { changes: [] };

function storeOn(
  db: Connection,
  { path, subscriptions = [] }: SqliteOptions,
): Omit<Store, 'judging' | 'spending' | 'mayStillSend'> {
  const notifier = notifierOn(db, subscriptions);
  const trail = auditTrail(db, notifier);
  const { apply, claim, settle } = changer(db, trail);
  const fact = db.prepare<[string], string>('SELECT value FROM facts WHERE name = ?').pluck();
  const setFact = db.prepare<[string, string]>('INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)');
  const replaceFact = db.prepare<{ name: string; from: string; to: string }>(`
    INSERT OR REPLACE INTO facts (name, value)
    SELECT @name, @to WHERE coalesce((SELECT value FROM facts WHERE name = @name), '') = @from`);
  return {
    ...fileVerbs(db, trail),
    ...intakeVerbs(db, trail),
    apply: async (changes, moment, orders = []) => apply(changes, moment, orders),
    claim: async (groups, moment, ended = NOTHING) => claim(groups, moment, ended),
    settle: async (ended, moment) => settle(ended, moment),
    ...machineVerbs(db),
    ...controlVerbs(db, trail, apply),
    ...amendmentVerbs(db, trail),
    ...answerVerbs(db, trail),
    ...closingVerbs(db, trail),
    ...forgettingVerbs(db, trail),
    ...findingVerbs(db),
    ...listingVerbs(db),
    ...lookUpVerbs(db),
    ...listingOf(db),
    ...searchVerbs(db),
    ...notificationVerbs(db, notifier),
    ...replayVerbs(db),
    ...runVerbs(db, trail),
    ...auditVerbs(db, trail),
    ...webhookVerbs(db),
    ...signInVerbs(db),
    fact: async (name) => fact.get(name),
    async setFact(name, value) {
      setFact.run(name, value);
    },
    replaceFact: async (name, from, to) => replaceFact.run({ name, from, to }).changes === 1,
    async rejectedWhole(file) {
      const decided = fact.get(rejectedWhole(file));
      return decided === undefined ? undefined : decided === 'yes';
    },
    async decideRejectedWhole(file, rejected) {
      setFact.run(rejectedWhole(file), rejected ? 'yes' : 'no');
    },
    skipNumbers: numberSkipper(db),
    async backupTo(path) {
      makePrivate(path);
      await db.backup(path);
    },
    async damage() {
      const found = db.pragma('quick_check', { simple: true });
      return found === 'ok' ? undefined : damaged(path, String(found).replace(/\s+/g, ' '));
    },
    async close() {
      db.close();
    },
  };
}

/** Name of the noted fact: whether every row of a file is rejected. */
function rejectedWhole(file: number): string {
  return `file ${file} is rejected whole`;
}
