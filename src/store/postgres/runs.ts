/** Runs: at most one nightly run for each business date, and what each run changed. */
import { FINAL_FAILURES } from '../../domain/status.ts';
import { listed } from '../conditions.ts';
import { AT_END, type AtEndRow, readAtEnd, writeAtEnd } from '../counts.ts';
import { runNotice } from '../notifications.ts';
import { requireNumber } from '../numbers.ts';
import type { RunMoved, RunRecord, Store } from '../port.ts';
import {
  type ChangeRow,
  type DecisionRow,
  END_OF_TIME,
  LAST_ENDED,
  RUN,
  runChange,
  runDecision,
  runEvent,
} from '../runs.ts';
import { comeBack } from './coming-back.ts';
import { hasLongBeenAway } from './conditions.ts';
import type { Connection } from './connection.ts';
import { type Me, requireStanding, takeForGone } from './me.ts';
import { nextNumber } from './numbers.ts';
import { publish } from './published.ts';
import { column, statement } from './statement.ts';
import { inTurn, type Writing } from './trail.ts';

type RunVerbs = Pick<
  Store,
  | 'startRun'
  | 'endRun'
  | 'atEnd'
  | 'runReported'
  | 'dropRun'
  | 'runUnderWay'
  | 'unreportedRuns'
  | 'lastNightly'
  | 'lastRun'
  | 'lastEnded'
  | 'latestRuns'
  | 'runChanges'
  | 'runMoved'
  | 'runDecisions'
  | 'decisionsIn'
>;

const SELECT_RUN = `SELECT ${RUN} FROM runs`;

/** SQL: another machine than $1 is alive and in the run. */
const IS_OTHERS = `EXISTS (
  SELECT 1 FROM run_machines r JOIN living_machines l ON l.id = r.machine
  WHERE r.run = runs.number AND l.id <> $1)`;
/** SQL: the machine $1 is in the run, or no other one is. */
const IS_OWN = `(EXISTS (SELECT 1 FROM run_machines r WHERE r.run = runs.number AND r.machine = $1) OR NOT ${IS_OTHERS})`;
/** SQL: the same; any run where no machine asks. */
const IS_ASKERS = `($1 = 0 OR ${IS_OWN})`;
const JOIN = statement<[run: number, machine: number]>(
  'INSERT INTO run_machines (run, machine) VALUES ($1, $2) ON CONFLICT DO NOTHING',
);
const LEAVE = statement<[run: number, machine: number]>('DELETE FROM run_machines WHERE run = $1 AND machine = $2');
/** Where two machines have left a night unfinished, each would wait for the other to end it. */
const LEAVE_OTHER_NIGHTS = statement<[machine: number, businessDate: string]>(`
  DELETE FROM run_machines WHERE machine = $1 AND run IN (
    SELECT number FROM runs WHERE kind = 'nightly' AND finished_at IS NULL AND business_date <> $2)`);
const LEFT_BY_ALL = statement<[run: number]>('DELETE FROM run_machines WHERE run = $1');
const GOES_ON = column<[machine: number, run: number], boolean>(
  `SELECT ${IS_OTHERS} FROM runs WHERE number = $2 AND finished_at IS NULL`,
);
/** SQL: the report of the ended run is another machine's than that of the name $2. */
const IS_OTHERS_TO_REPORT = '(finished_at IS NOT NULL AND runs.machine <> $2)';
const UNREPORTED = statement<[machine: number, name: string], RunRecord>(
  `${SELECT_RUN} WHERE NOT reported AND NOT ${IS_OTHERS} AND ${IS_OTHERS_TO_REPORT} IS NOT TRUE ORDER BY number`,
);
/** What a machine that stays away has not reported falls to the one that asks first. */
const LEFT_UNREPORTED = `NOT reported AND ${IS_OTHERS_TO_REPORT} AND ${hasLongBeenAway('runs.machine')} AND $1 > 0`;
const IS_LEFT = column<[machine: number, name: string], boolean>(
  `SELECT true FROM runs WHERE ${LEFT_UNREPORTED} LIMIT 1`,
);
const ADOPT = statement<[machine: number, name: string]>(`UPDATE runs SET machine = $2 WHERE ${LEFT_UNREPORTED}`);
const LAST_NIGHTLY = statement<[upTo: string], RunRecord>(`
  ${SELECT_RUN} WHERE kind = 'nightly' AND finished_at IS NOT NULL AND business_date <= $1
  ORDER BY business_date DESC LIMIT 1`);
const LAST_RUN = statement<[], RunRecord>(`${SELECT_RUN} WHERE kind <> 'arrival' ORDER BY number DESC LIMIT 1`);
const ENDED = {
  finished: statement<[], RunRecord>(LAST_ENDED("at_end::jsonb ->> 'undone' IS NULL")),
  unfinished: statement<[], RunRecord>(LAST_ENDED("at_end::jsonb ->> 'undone' IS NOT NULL")),
};
const LATEST = statement<[limit: number, before: number], RunRecord>(
  `${SELECT_RUN} WHERE number < $2 ORDER BY number DESC LIMIT $1`,
);
const IS_THERE = column<[run: number], boolean>('SELECT true FROM runs WHERE number = $1');
const UNDER_WAY = column<[machine: number], number>(
  `SELECT number FROM runs WHERE NOT reported AND finished_at IS NULL AND ${IS_ASKERS} ORDER BY number DESC LIMIT 1`,
);
const ENDED_WITH = statement<[run: number], AtEndRow>(`SELECT ${AT_END} FROM runs WHERE number = $1`);
const REPORTED = statement<[run: number]>(
  'UPDATE runs SET reported = true WHERE number = $1 AND finished_at IS NOT NULL',
);

/** No machine has this number. */
const NO_MACHINE = 0;

export function runVerbs(db: Connection, writing: Writing, me: Me): RunVerbs {
  const { name = '' } = me;
  const machine = me.session?.id ?? NO_MACHINE;
  return {
    startRun: starter(writing, me, machine),
    endRun: ender(writing, me, machine),
    runReported: (run, published) =>
      db.writing(async (session) => {
        await requireStanding(session, me);
        const marked = await REPORTED.run(session, run);
        if (marked !== 1) throw new Error(`Run ${run} can't have been reported: it has not ended`);
        await LEFT_BY_ALL.run(session, run);
        await publish(session, 'run', run, published);
      }),
    dropRun: (run) =>
      inTurn(db, async (session) => {
        // Its number may be another run's since.
        await requireStanding(session, me);
        return (await DROP.run(session, run, 0, machine)) === 1 || (await IS_THERE.get(session, run)) !== true;
      }),
    atEnd: async (run) => readAtEnd(await ENDED_WITH.get(db, run)),
    runUnderWay: () => UNDER_WAY.get(db, machine),
    async unreportedRuns() {
      // Who goes on with the runs of others has them first know that they are gone.
      if (machine !== NO_MACHINE) await db.writing(takeForGone);
      if (await IS_LEFT.get(db, machine, name))
        await db.writing(async (session) => {
          await ADOPT.run(session, machine, name);
        });
      return UNREPORTED.all(db, machine, name);
    },
    lastNightly: (upTo = END_OF_TIME) => LAST_NIGHTLY.get(db, upTo),
    lastRun: () => LAST_RUN.get(db),
    lastEnded: (result) => ENDED[result].get(db),
    latestRuns: (limit, before = Number.MAX_SAFE_INTEGER) => LATEST.all(db, limit, before),
    runChanges: async (run, afterId, limit) => (await CHANGES.all(db, run, afterId, limit)).map(runChange),
    runMoved: (run) => MOVED.all(db, run, 0),
    async runDecisions(run, afterSeq, limit) {
      const found =
        run === undefined
          ? await DECISIONS_OF_NO_RUN.all(db, afterSeq, limit)
          : await DECISIONS_OF_RUN.all(db, afterSeq, limit, run);
      return found.map(runDecision);
    },
    decisionsIn: async ({ from, until }, afterSeq, limit) =>
      (await DECISIONS_IN.all(db, afterSeq, limit, from, until)).map(runDecision),
  };
}

const NIGHTLY_OF = statement<[businessDate: string], RunRecord>(
  `${SELECT_RUN} WHERE kind = 'nightly' AND business_date = $1`,
);
const INSERT = statement<[kind: string, businessDate: string, startedAt: string], RunRecord>(`
  INSERT INTO runs (number, kind, business_date, started_at) VALUES (${nextNumber('runs')}, $1, $2, $3)
  RETURNING ${RUN}`);

function starter(writing: Writing, me: Me, machine: number): Store['startRun'] {
  return (kind, businessDate, moment) =>
    writing(moment, async (session, append, { now }) => {
      await requireStanding(session, me);
      const ahead = await comeBack(session, now);
      if (ahead > 0) append({ type: 'clock-came-back', ahead });
      if (machine !== NO_MACHINE && kind === 'nightly') await LEAVE_OTHER_NIGHTS.run(session, machine, businessDate);
      const known = kind === 'nightly' ? await NIGHTLY_OF.get(session, businessDate) : undefined;
      if (known?.finishedAt) return undefined;
      const run = known ?? (await INSERT.get(session, kind, businessDate, moment.at));
      if (!run) throw new Error(`Starting a run of ${businessDate} gave no row`);
      requireNumber(run.number);
      if (machine !== NO_MACHINE) await JOIN.run(session, run.number, machine);
      // A run on arrival may turn out to have nothing to do, and is then dropped.
      if (kind !== 'arrival') append(runEvent(known ? 'run-resumed' : 'run-started', run));
      return run;
    });
}

/** Its report is that of the machine which ends it: no other one publishes it. */
const CLOSE = statement<
  [finishedAt: string, open: string, atEnd: string, machine: string | null, run: number],
  RunRecord
>(`
  UPDATE runs SET finished_at = $1, open = $2, at_end = $3, machine = $4
  WHERE number = $5 AND finished_at IS NULL RETURNING ${RUN}`);
const WAS_ENDED_BY_ANOTHER = column<[run: number, machine: string], boolean>(
  'SELECT finished_at IS NOT NULL AND machine <> $2 FROM runs WHERE number = $1',
);
const TAKE_OVER = statement<[run: number]>('UPDATE decisions SET run = $1 WHERE run IS NULL');

function ender(writing: Writing, me: Me, machine: number): Store['endRun'] {
  const { name = '' } = me;
  return (run, moment, atEnd) =>
    writing(moment, async (session, append) => {
      await requireStanding(session, me);
      if (await GOES_ON.get(session, machine, run)) {
        await LEAVE.run(session, run, machine);
        return undefined;
      }
      const written = writeAtEnd(atEnd);
      const ended = await CLOSE.get(session, moment.at, written.open, written.atEnd, name || null, run);
      // A run that all machines have left is ended, or dropped, by the first that finds it.
      if (!ended && (await WAS_ENDED_BY_ANOTHER.get(session, run, name)) !== false) return undefined;
      if (!ended) throw new Error(`Run ${run} can't be ended: it is not under way`);
      await TAKE_OVER.run(session, run);
      append(runEvent('run-ended', ended));
      append.notify(...runNotice(ended, atEnd));
      return ended;
    });
}

/** SQL: an entry that begins another attempt. */
const IS_RETRY = `told.body::json ->> 'to' = 'ready' AND told.body::json ->> 'from' IN (${listed(FINAL_FAILURES)})`;

/**
 * SQL: what the last entry of an instruction `i`, up to an entry, said of its attempt at that time; empty where a retry
 * came after that.
 */
const saidUpTo = (seq: string, name: string, condition: string) => `
  coalesce((
    SELECT CASE WHEN told.body::json ->> 'to' = 'ready' THEN '' ELSE told.body::json ->> '${name}' END FROM audit told
    WHERE told.instruction = i.id AND told.seq <= ${seq} AND (${condition} OR ${IS_RETRY})
    ORDER BY told.seq DESC LIMIT 1
  ), '')`;

/** SQL: the client reference that an instruction `i` had when an entry was made. What was never sent had none. */
const clientRefAt = (seq: string) =>
  `CASE WHEN i.sends = 0 THEN '' ELSE ${saidUpTo(seq, 'clientRefId', "told.body::json ->> 'to' = 'sending'")} END`;

/** SQL: the bank reference that an instruction `i` had when an entry was made. */
const bankReferenceAt = (seq: string) =>
  saidUpTo(seq, 'bankReference', "told.body::json ->> 'bankReference' IS NOT NULL");

const PAYOUT = `
  i.id, i.content_row, i.customer_ref, i.order_ref, i.instruction_ref, i.amount, i.amount_minor::text, i.currency`;

/**
 * SQL: what a run changed of each instruction. An entry may be an order's: each group asks by itself whether its
 * instruction is there. With a join the server walks through all instructions for each page.
 */
const NET = `
  SELECT instruction, min(seq) AS first, max(seq) AS last, bool_and(body::json ->> 'type' = 'answer') AS only_answer
  FROM audit
  WHERE run = $1 AND instruction > $2 AND NOT EXISTS (SELECT 1 FROM decisions WHERE decisions.seq = audit.seq)
  GROUP BY instruction
  HAVING (SELECT true FROM instructions WHERE instructions.id = audit.instruction)`;

/** Another machine may have recorded something in it meanwhile, or have begun it under the number of a dropped one. */
const DROP = statement<[run: number, afterId: number, machine: number]>(`
  DELETE FROM runs WHERE number = $1 AND kind = 'arrival' AND finished_at IS NULL
    AND NOT EXISTS (
      SELECT 1 FROM run_machines r JOIN living_machines l ON l.id = r.machine WHERE r.run = $1 AND l.id <> $3)
    AND NOT EXISTS (SELECT 1 FROM files WHERE run = $1) AND NOT EXISTS (${NET})`);

const MOVED = statement<[run: number, afterId: number], RunMoved>(`
  WITH net AS (${NET}),
  moved AS (
    SELECT (audit.body::json ->> 'to') COLLATE "C" AS moved_to, only_answer
    FROM net JOIN audit ON audit.seq = net.last)
  SELECT moved_to AS to, only_answer AS "onlyAnswer", count(*) AS count FROM moved
  GROUP BY moved_to, only_answer ORDER BY moved_to, only_answer`);

/**
 * Status, code, message and references are those of the audit entries, so that a run's report is the same
 * whenever it is written. A retry after the run's end has begun another attempt.
 */
const CHANGES = statement<[run: number, afterId: number, limit: number], ChangeRow>(`
  WITH net AS (${NET} ORDER BY instruction LIMIT $3)
  SELECT
    ${PAYOUT}, files.name AS file_name,
    ${clientRefAt('net.last')} AS client_ref_id,
    ${bankReferenceAt('net.last')} AS bank_reference,
    first.body::json ->> 'from' AS "from",
    last.body::json ->> 'to' AS "to",
    coalesce(last.body::json ->> 'code', '') AS code,
    coalesce(last.body::json ->> 'message', '') AS message,
    last.body::json ->> 'at' AS at,
    net.only_answer
  FROM net
  JOIN audit first ON first.seq = net.first
  JOIN audit last ON last.seq = net.last
  JOIN instructions i ON i.id = net.instruction
  JOIN files ON files.number = i.content_row >> 32
  ORDER BY i.id`);

/** A decision about the workspace itself has no instruction. */
const decisions = (where: string) => `
  SELECT
    d.seq, a.body::json ->> 'type' AS type, a.body::json ->> 'by' AS "by", a.body::json ->> 'reason' AS reason,
    a.body::json ->> 'ticket' AS ticket, a.body::json ->> 'at' AS at,
    (a.body::json ->> 'file')::bigint AS file, (a.body::json ->> 'rows')::bigint AS rows, ${PAYOUT},
    ${clientRefAt('d.seq')} AS client_ref_id,
    ${bankReferenceAt('d.seq')} AS bank_reference,
    a.body::json ->> 'from' AS "from", a.body::json ->> 'to' AS "to",
    coalesce(a.body::json ->> 'code', '') AS code, coalesce(a.body::json ->> 'message', '') AS message
  FROM decisions d JOIN audit a ON a.seq = d.seq LEFT JOIN instructions i ON i.id = a.instruction
  WHERE ${where} AND d.seq > $1 ORDER BY d.seq LIMIT $2`;

type Page = [afterSeq: number, limit: number];
const DECISIONS_OF_RUN = statement<[...Page, run: number], DecisionRow>(decisions('d.run = $3'));
const DECISIONS_OF_NO_RUN = statement<Page, DecisionRow>(decisions('d.run IS NULL'));
const DECISIONS_IN = statement<[...Page, from: string, until: string], DecisionRow>(
  decisions(`(a.body::json ->> 'at') COLLATE "C" >= $3 AND (a.body::json ->> 'at') COLLATE "C" < $4`),
);
