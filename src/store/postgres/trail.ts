/** The audit log as a table. Entries are appended in the transaction of the changes that they record. */

import { type Details, type NotifyEvent, PAUSED_BY_COMMAND, type Subscription } from '../../domain/notification.ts';
import { timestamp } from '../../platform/clock.ts';
import { CHAIN_START, type ChainHead, nextEntry } from '../audit.ts';
import type { TrailEvent } from '../change-rules.ts';
import { statusChangeIn } from '../notifications.ts';
import type { AuditEntry, Moment, Store } from '../port.ts';
import { serverTime } from './conditions.ts';
import type { Connection, Session, WriteSession } from './connection.ts';
import { type LaterRun, laterRun } from './later-run.ts';
import { type Notifier, notifierAt } from './notifier.ts';
import type { ServerClock } from './server-clock.ts';
import { statement } from './statement.ts';

export interface Append {
  /** `instruction` is the instruction or order whose history the event belongs to. Returns the entry's number. */
  (event: TrailEvent, instruction?: number): number;
  /** Those who subscribe to the event get a notification. */
  notify(event: NotifyEvent, details: Details): void;
  /** Writes what was appended and notified until now. It is done at the end in any case. */
  written(): Promise<void>;
}

/** When something happens: as the caller has it, and on the clock that all machines go by. */
export interface Times extends Moment {
  /** A timestamp. See `commonTime` of the port. */
  readonly now: string;
}

/**
 * A write transaction that may append to the audit log. The chain's head is locked first, so these transactions come
 * one after another, as with SQLite, and each of their statements sees all that was written before.
 */
export type Writing = <T>(
  moment: Moment,
  work: (session: WriteSession, append: Append, times: Times) => Promise<T>,
) => Promise<T>;

/** With the server's time once the lock is there. */
export const LOCK_HEAD = `
  SELECT seq, hash, ${serverTime()} AS now FROM (SELECT seq, encode(hash, 'hex') AS hash FROM audit_head FOR UPDATE) h`;

/**
 * SQL: the same, with the business date of the run if it has ended. It can't end any more until the transaction does. One
 * that was dropped counts as ended once a later run has begun: its number is not given again.
 */
const lockHeadIn = (run: number) => `${LOCK_HEAD};
  SELECT seq, encode(hash, 'hex') AS hash, ${serverTime()} AS now,
    (SELECT CASE WHEN number > ${run} OR finished_at IS NOT NULL THEN business_date END
     FROM runs WHERE number >= ${run} ORDER BY number LIMIT 1) AS "endedFor"
  FROM audit_head`;

// The decision is in no run's report yet, whichever run is under way. The run that ends next takes it over (runs.ts).
const INSERT = statement<
  [seqs: number[], runs: (number | null)[], about: (number | null)[], bodies: string[], hashes: string[], by: boolean[]]
>(`
  WITH entries AS (
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::boolean[])
      AS e (seq, run, instruction, body, hash, is_decision)),
  kept AS (
    INSERT INTO audit (seq, run, instruction, body, hash)
    SELECT seq, run, instruction, body, decode(hash, 'hex') FROM entries),
  decided AS (INSERT INTO decisions (seq) SELECT seq FROM entries WHERE is_decision)
  UPDATE audit_head SET (seq, hash) = (SELECT seq, decode(hash, 'hex') FROM entries ORDER BY seq DESC LIMIT 1)`);

interface Appended extends AuditEntry {
  readonly run: number | null;
  readonly instruction: number | null;
  readonly isDecision: boolean;
}

export interface WritingOptions {
  readonly serverClock?: ServerClock | undefined;
  /** Who is notified of what is written. */
  readonly subscriptions: readonly Subscription[];
  /** Statements that come before the chain's head is locked. */
  readonly first?: string;
}

export function writingWith(db: Connection, { serverClock, subscriptions, first = '' }: WritingOptions): Writing {
  return (moment, work) => {
    const { at, run } = moment;
    const opening = first + (run === undefined ? LOCK_HEAD : lockHeadIn(run));
    return db.writing(async (session, [head]) => {
      if (!head) throw new Error('The audit chain has no head');
      const { now, endedFor, ...last } = head as ChainHead & { now: string; endedFor?: string | null };
      const later = typeof endedFor === 'string' ? await laterRun(session, endedFor, at) : undefined;
      const append = appender(session, last, { ...moment, later }, notifierAt(subscriptions, at));
      const result = await work(session, append, { ...moment, now: serverClock ? timestamp(serverClock.now()) : now });
      await append.written();
      return result;
    }, opening);
  };
}

/** A write that appends nothing, and waits its turn as those that append do: it writes what they write as well. */
export function inTurn<T>(db: Connection, work: (session: Session) => Promise<T>): Promise<T> {
  return db.writing((session) => work(session), LOCK_HEAD);
}

interface AppendMoment extends Moment {
  /** Undefined where the moment's run has not ended. */
  readonly later: LaterRun | undefined;
}

function appender(session: Session, head: ChainHead, moment: AppendMoment, notifier: Notifier): Append {
  const { at, later } = moment;
  let last = head;
  let entries: Appended[] = [];
  const append = (event: TrailEvent, instruction?: number): number => {
    const isDecision = event['by'] !== undefined;
    const run = instruction === undefined || isDecision ? moment.run : (later?.number ?? moment.run);
    // An event that has these names already keeps the order of its names.
    const entry = nextEntry(last, { ...event, at, run, instruction });
    entries.push({ ...entry, run: run ?? null, instruction: instruction ?? null, isDecision });
    last = entry;
    const change = statusChangeIn(event, instruction);
    if (change) notifier.statusChanged(change);
    return entry.seq;
  };
  const writeEntries = async (): Promise<void> => {
    if (entries.length === 0) return;
    const all = entries;
    entries = [];
    if (later && all.some(({ run }) => run === later.number)) await later.begin();
    await INSERT.run(
      session,
      all.map(({ seq }) => seq),
      all.map((entry) => entry.run),
      all.map((entry) => entry.instruction),
      all.map(({ body }) => body),
      all.map(({ hash }) => hash),
      all.map(({ isDecision }) => isDecision),
    );
  };
  const written = async (): Promise<void> => {
    await writeEntries();
    await notifier.written(session);
  };
  return Object.assign(append, { notify: notifier.notify, written });
}

const HISTORY = statement<[instruction: number], AuditEntry>(
  "SELECT seq, body, encode(hash, 'hex') AS hash FROM audit WHERE instruction = $1 ORDER BY seq",
);
const ENTRIES = statement<[afterSeq: number, limit: number], AuditEntry>(
  "SELECT seq, body, encode(hash, 'hex') AS hash FROM audit WHERE seq > $1 ORDER BY seq LIMIT $2",
);
const HISTORIES = statement<[instructions: readonly number[]], AuditEntry & { instruction: number }>(`
  SELECT instruction, seq, body, encode(hash, 'hex') AS hash FROM audit WHERE instruction = ANY ($1::bigint[])
  ORDER BY instruction, seq`);
/** Of the entries themselves: what the log ends with, not what a transaction goes on from. */
const HEAD = statement<[], ChainHead>("SELECT seq, encode(hash, 'hex') AS hash FROM audit ORDER BY seq DESC LIMIT 1");

export function auditVerbs(
  db: Connection,
  writing: Writing,
): Pick<Store, 'historyOf' | 'historiesOf' | 'auditEntries' | 'auditHead' | 'noteDecision'> {
  return {
    historyOf: (instruction) => HISTORY.all(db, instruction),
    async historiesOf(instructions) {
      const histories = new Map(instructions.map((id): [number, AuditEntry[]] => [id, []]));
      for (const { instruction, ...entry } of await HISTORIES.all(db, instructions))
        histories.get(instruction)?.push(entry);
      return [...histories.values()];
    },
    auditEntries: (afterSeq, limit) => ENTRIES.all(db, afterSeq, limit),
    auditHead: async () => (await HEAD.get(db)) ?? CHAIN_START,
    async noteDecision(what, decision, moment, about = {}) {
      await writing(moment, async (_, append) => {
        append({ ...about, type: what, ...decision });
        if (what === 'paused') append.notify('paused', PAUSED_BY_COMMAND);
      });
    },
  };
}
