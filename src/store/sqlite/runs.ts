/** Runs: at most one nightly run for each business date, and what each run changed. */
import { FINAL_FAILURES, type InstructionStatus } from '../../domain/status.ts';
import { listed } from '../conditions.ts';
import { AT_END, type AtEndRow, readAtEnd, writeAtEnd } from '../counts.ts';
import { runNotice } from '../notifications.ts';
import { requireNumber } from '../numbers.ts';
import type { AtEnd, Moment, RunKind, RunRecord, Store } from '../port.ts';
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
import { comingBack } from './coming-back.ts';
import type { Connection } from './connection.ts';
import { publisher } from './files.ts';
import { nextNumber } from './numbers.ts';
import type { Trail } from './trail.ts';

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

export function runVerbs(db: Connection, trail: Trail): RunVerbs {
  const unreported = db.prepare<[], RunRecord>(`${SELECT_RUN} WHERE reported = 0 ORDER BY number`);
  const lastNightly = db.prepare<[string], RunRecord>(
    `${SELECT_RUN} WHERE kind = 'nightly' AND finished_at IS NOT NULL AND business_date <= ? ORDER BY business_date DESC LIMIT 1`,
  );
  const lastRun = db.prepare<[], RunRecord>(`${SELECT_RUN} WHERE kind <> 'arrival' ORDER BY number DESC LIMIT 1`);
  const lastEnded = {
    finished: db.prepare<[], RunRecord>(LAST_ENDED("at_end ->> 'undone' IS NULL")),
    unfinished: db.prepare<[], RunRecord>(LAST_ENDED("at_end ->> 'undone' IS NOT NULL")),
  };
  const latest = db.prepare<[number, number], RunRecord>(
    `${SELECT_RUN} WHERE number < ? ORDER BY number DESC LIMIT +?`,
  );
  const underWay = db
    .prepare<[], number>(
      'SELECT number FROM runs WHERE reported = 0 AND finished_at IS NULL ORDER BY number DESC LIMIT 1',
    )
    .pluck();
  const start = starting(db, trail);
  const end = ending(db, trail);
  const reported = reporting(db);
  const atEnd = db.prepare<[number], AtEndRow>(`SELECT ${AT_END} FROM runs WHERE number = ?`);
  const drop = db.prepare<[run: number, changedIn: number, afterId: number, fileOf: number]>(`
    DELETE FROM runs WHERE number = ? AND kind = 'arrival' AND finished_at IS NULL
      AND NOT EXISTS (${NET}) AND NOT EXISTS (SELECT 1 FROM files WHERE run = ?)`);
  const isThere = db.prepare<[number], number>('SELECT 1 FROM runs WHERE number = ?').pluck();
  return {
    startRun: async (kind, businessDate, moment) => start(kind, businessDate, moment),
    endRun: async (run, moment, atEnd) => end(run, moment, atEnd),
    async runReported(run, published) {
      reported(run, published);
    },
    dropRun: async (run) => drop.run(run, run, 0, run).changes === 1 || !isThere.get(run),
    atEnd: async (run) => readAtEnd(atEnd.get(run)),
    runUnderWay: async () => underWay.get(),
    unreportedRuns: async () => unreported.all(),
    lastNightly: async (upTo = END_OF_TIME) => lastNightly.get(upTo),
    lastRun: async () => lastRun.get(),
    lastEnded: async (result) => lastEnded[result].get(),
    latestRuns: async (limit, before = Number.MAX_SAFE_INTEGER) => latest.all(before, limit),
    runChanges: changeReader(db),
    runMoved: movedReader(db),
    ...decisionVerbs(db),
  };
}

function starting(db: Connection, trail: Trail) {
  const nightlyOf = db.prepare<[string], RunRecord>(`${SELECT_RUN} WHERE kind = 'nightly' AND business_date = ?`);
  const insert = db.prepare<[string, string, string], RunRecord>(`
    INSERT INTO runs (number, kind, business_date, started_at)
    VALUES (${nextNumber('runs')}, ?, ?, ?)
    RETURNING ${RUN}`);

  const comeBack = comingBack(db);

  const start = db.transaction((kind: RunKind, businessDate: string, moment: Moment): RunRecord | undefined => {
    const { at } = moment;
    const ahead = comeBack(at);
    if (ahead > 0) trail.append(moment, { type: 'clock-came-back', ahead });
    const known = kind === 'nightly' ? nightlyOf.get(businessDate) : undefined;
    if (known?.finishedAt) return undefined;
    const run = known ?? insert.get(kind, businessDate, at);
    if (!run) throw new Error(`Starting a run of ${businessDate} gave no row`);
    requireNumber(run.number);
    // A run on arrival may turn out to have nothing to do, and is then dropped.
    if (kind !== 'arrival') trail.append(moment, runEvent(known ? 'run-resumed' : 'run-started', run));
    return run;
  });
  return start.immediate;
}

function ending(db: Connection, trail: Trail): (run: number, moment: Moment, atEnd: AtEnd) => RunRecord {
  const close = db.prepare<[string, string, string, number], RunRecord>(`
    UPDATE runs SET finished_at = ?, open = ?, at_end = ? WHERE number = ? AND finished_at IS NULL
    RETURNING ${RUN}`);
  const takeOver = db.prepare<[number]>('UPDATE decisions SET run = ? WHERE run IS NULL');

  const end = db.transaction((run: number, moment: Moment, atEnd: AtEnd): RunRecord => {
    const written = writeAtEnd(atEnd);
    const ended = close.get(moment.at, written.open, written.atEnd, run);
    if (!ended) throw new Error(`Run ${run} can't be ended: it is not under way`);
    takeOver.run(run);
    trail.append(moment, runEvent('run-ended', ended));
    trail.notify(moment, ...runNotice(ended, atEnd));
    return ended;
  });
  return end.immediate;
}

function reporting(db: Connection): (run: number, published: readonly { name: string; sha256: string }[]) => void {
  const mark = db.prepare<[number]>('UPDATE runs SET reported = 1 WHERE number = ? AND finished_at IS NOT NULL');
  const publish = publisher(db, 'run');

  const report = db.transaction((run: number, published: readonly { name: string; sha256: string }[]) => {
    if (mark.run(run).changes !== 1) throw new Error(`Run ${run} can't have been reported: it has not ended`);
    publish(run, published);
  });
  return report.immediate;
}

/** SQL for the client reference that an instruction `i` had when an audit entry was made. What was never sent had none. */
const clientRefAt = (instruction: string, seq: string) => `
  iif(i.sends = 0, '', coalesce((
    SELECT iif(told.body ->> 'to' = 'ready', '', told.body ->> 'clientRefId') FROM audit told
    WHERE told.instruction = ${instruction} AND told.seq <= ${seq}
      AND (told.body ->> 'to' = 'sending' OR told.body ->> 'to' = 'ready' AND told.body ->> 'from' IN (${listed(FINAL_FAILURES)}))
    ORDER BY told.seq DESC LIMIT 1
  ), ''))`;

/** SQL for the bank reference that an instruction had when an audit entry was made: that of its attempt at that time. */
const bankReferenceAt = (instruction: string, seq: string) => `
  coalesce((
    SELECT iif(told.body ->> 'to' = 'ready', '', told.body ->> 'bankReference') FROM audit told
    WHERE told.instruction = ${instruction} AND told.seq <= ${seq}
      AND (told.body ->> 'bankReference' IS NOT NULL OR told.body ->> 'to' = 'ready' AND told.body ->> 'from' IN (${listed(FINAL_FAILURES)}))
    ORDER BY told.seq DESC LIMIT 1
  ), '')`;

/**
 * SQL: what a run changed of each instruction. An entry may be an order's. `+` keeps SQLite from asking of each
 * instruction there is whether the run changed it, which costs a look at all of them for each page.
 */
export const NET = `
  SELECT instruction, min(seq) AS first, max(seq) AS last, min(body ->> 'type' = 'answer') AS only_answer
  FROM audit
  WHERE run = ? AND instruction > ? AND +instruction IN (SELECT id FROM instructions)
    AND NOT EXISTS (SELECT 1 FROM decisions WHERE decisions.seq = audit.seq)
  GROUP BY instruction`;

function movedReader(db: Connection): Store['runMoved'] {
  type MovedRow = [to: InstructionStatus, onlyAnswer: 0 | 1, count: number];
  const moved = db
    .prepare<[number, number], MovedRow>(`
      WITH net AS (${NET})
      SELECT audit.body ->> 'to', only_answer, count(*) FROM net JOIN audit ON audit.seq = net.last
      GROUP BY 1, 2 ORDER BY 1, 2`)
    .raw();
  return async (run) => moved.all(run, 0).map(([to, only, count]) => ({ to, onlyAnswer: only === 1, count }));
}

/**
 * Status, code, message and references are those of the audit entries, so that a run's report is the same
 * whenever it is written. A retry after the run's end has begun another attempt.
 */
function changeReader(db: Connection): Store['runChanges'] {
  const changes = db.prepare<[number, number, number], ChangeRow>(`
    WITH net AS (${NET} ORDER BY instruction LIMIT +?)
    SELECT
      i.id, i.content_row, files.name AS file_name, i.customer_ref, i.order_ref, i.instruction_ref,
      i.amount, CAST(i.amount_minor AS TEXT) AS amount_minor, i.currency,
      ${clientRefAt('net.instruction', 'net.last')} AS client_ref_id,
      ${bankReferenceAt('net.instruction', 'net.last')} AS bank_reference,
      first.body ->> 'from' AS "from",
      last.body ->> 'to' AS "to",
      coalesce(last.body ->> 'code', '') AS code,
      coalesce(last.body ->> 'message', '') AS message,
      last.body ->> 'at' AS at,
      net.only_answer
    FROM net
    JOIN audit first ON first.seq = net.first
    JOIN audit last ON last.seq = net.last
    JOIN instructions i ON i.id = net.instruction
    JOIN files ON files.number = i.content_row >> 32
    ORDER BY i.id`);

  return async (run, afterId, limit) => changes.all(run, afterId, limit).map(runChange);
}

/** Reads decisions. A decision about the workspace itself has no instruction. */
function decisionVerbs(db: Connection): Pick<Store, 'runDecisions' | 'decisionsIn'> {
  const select = (where: string) => `
    SELECT
      d.seq, a.body ->> 'type' AS type, a.body ->> 'by' AS "by", a.body ->> 'reason' AS reason,
      a.body ->> 'ticket' AS ticket, a.body ->> 'at' AS at,
      a.body ->> 'file' AS file, a.body ->> 'rows' AS rows, i.id, i.content_row, i.customer_ref, i.order_ref, i.instruction_ref,
      i.amount, CAST(i.amount_minor AS TEXT) AS amount_minor, i.currency,
      ${clientRefAt('a.instruction', 'd.seq')} AS client_ref_id,
      ${bankReferenceAt('a.instruction', 'd.seq')} AS bank_reference,
      a.body ->> 'from' AS "from", a.body ->> 'to' AS "to",
      coalesce(a.body ->> 'code', '') AS code, coalesce(a.body ->> 'message', '') AS message
    FROM decisions d JOIN audit a ON a.seq = d.seq LEFT JOIN instructions i ON i.id = a.instruction
    WHERE ${where} AND d.seq > ? ORDER BY d.seq LIMIT +?`;
  const ofRun = db.prepare<[number, number, number], DecisionRow>(select('d.run = ?'));
  const ofNoRun = db.prepare<[number, number], DecisionRow>(select('d.run IS NULL'));
  const ofPeriod = db.prepare<[string, string, number, number], DecisionRow>(
    select("a.body ->> 'at' >= ? AND a.body ->> 'at' < ?"),
  );
  return {
    runDecisions: async (run, afterSeq, limit) =>
      (run === undefined ? ofNoRun.all(afterSeq, limit) : ofRun.all(run, afterSeq, limit)).map(runDecision),
    decisionsIn: async ({ from, until }, afterSeq, limit) =>
      ofPeriod.all(from, until, afterSeq, limit).map(runDecision),
  };
}
