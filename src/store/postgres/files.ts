/** Files: how they are numbered, taken in and finished, and which of them have reports that are out of date. */
import type { FileProblem } from '../../domain/codes.ts';
import { rowId } from '../../domain/instruction.ts';
import { openSha256 } from '../../platform/digest.ts';
import {
  adoptedEvent,
  alreadyProcessed,
  type FileRow,
  fileRange,
  fileRecord,
  finishedEvent,
  registeredEvent,
} from '../file-record.ts';
import { fileNotice } from '../notifications.ts';
import { requireNumber } from '../numbers.ts';
import type { FileRecord, NewFile, Store } from '../port.ts';
import { hasLongBeenAway } from './conditions.ts';
import type { Connection, Session } from './connection.ts';
import { type Me, requireStanding, takeForGone } from './me.ts';
import { nextNumber } from './numbers.ts';
import { publish } from './published.ts';
import { markRepaired, TO_REPAIR } from './repairs.ts';
import { IS_REMEMBERED, IS_STALE, IS_STALE_AT_HOME } from './stale.ts';
import { column, statement } from './statement.ts';
import type { Writing } from './trail.ts';

type FileVerbs = Pick<
  Store,
  | 'registerFile'
  | 'unfinishedFiles'
  | 'unarchivedFiles'
  | 'finishFile'
  | 'markArchived'
  | 'file'
  | 'files'
  | 'filesBefore'
  | 'filesOfRun'
  | 'staleReports'
  | 'markStale'
  | 'reportsWritten'
  | 'digestOf'
>;

/** With the persons who closed the file or had it forgotten, if any has. */
const SELECT_FILES = `
  SELECT files.*, (
    SELECT body FROM closings JOIN audit ON audit.seq = closings.seq
    WHERE closings.file = files.number ORDER BY closings.seq DESC LIMIT 1
  ) AS closing, (
    SELECT body FROM forgotten_files JOIN audit ON audit.seq = forgotten_files.seq WHERE file = files.number
  ) AS forgetting,
    (SELECT removed FROM forgotten_files WHERE file = files.number) AS removed
  FROM files`;

const BY_NUMBER = statement<[number: number], FileRow>(`${SELECT_FILES} WHERE number = $1`);
const ALL = statement<[], FileRow>(`${SELECT_FILES} ORDER BY number`);
const BEFORE = statement<[number: number, limit: number], FileRow>(
  `${SELECT_FILES} WHERE number < $1 ORDER BY number DESC LIMIT $2`,
);
const OF_RUN = column<[run: number], number>('SELECT number FROM files WHERE run = $1 ORDER BY number');
/** SQL: a file whose original is on the machine $1, or on any. */
const IS_OWN = '(machine = $1 OR machine IS NULL)';
const UNFINISHED = statement<[machine: string], FileRow>(
  `SELECT * FROM files WHERE NOT done AND ${IS_OWN} ORDER BY kind IS NOT DISTINCT FROM 'orders' DESC, number`,
);
const UNARCHIVED = statement<[machine: string], FileRow>(
  `SELECT * FROM files WHERE NOT archived AND ${IS_OWN} ORDER BY number`,
);
const ARCHIVE = statement<[number: number]>('UPDATE files SET archived = true WHERE number = $1');

const STALE = statement<[machine: string], { file: number; token: number }>(`
  SELECT number AS file, revision AS token
  FROM files
  WHERE ${IS_STALE_AT_HOME} AND (${IS_OWN} OR ${IS_STALE} AND ${hasLongBeenAway('files.machine')})
  ORDER BY number`);
const MARK_STALE = column<[number: number], number>(`
  UPDATE files SET revision = revision + 1 WHERE number = $1 AND done AND ${IS_REMEMBERED} RETURNING revision`);
const REPORTED = statement<[token: number, number: number, machine: string]>(`
  UPDATE files SET reported = greatest(reported, $1), elsewhere = coalesce(machine <> $3, false) WHERE number = $2`);

export function fileVerbs(db: Connection, writing: Writing, me: Me): FileVerbs {
  const machine = me.name;
  return {
    digestOf: (file, later) =>
      db.reading(async (session) => {
        const row = await BY_NUMBER.get(session, file);
        return row ? await digestOfRows(session, file, fileRecord(row).progress.line, later) : '';
      }),
    registerFile: (file, run, lost = []) =>
      writing({ at: file.receivedAt, run }, async (session, append) => {
        const { record, isNew, adoptedFrom } = await register(session, file, run, machine, lost);
        if (isNew) append(registeredEvent(record));
        if (isNew && record.done) append.notify(...fileNotice(record));
        if (adoptedFrom !== undefined) append(adoptedEvent(record, machine, adoptedFrom));
        return record;
      }),
    unfinishedFiles: async () => (await UNFINISHED.all(db, machine ?? '')).map(fileRecord),
    unarchivedFiles: async () => (await UNARCHIVED.all(db, machine ?? '')).map(fileRecord),
    async finishFile(file, problem, moment) {
      const rows = await writing(moment, async (session, append) => {
        // Another machine may have adopted the files of one that was taken for gone.
        await requireStanding(session, me);
        const { event, record, outcomes } = await finish(session, file, problem);
        append(event);
        append.notify(...fileNotice(record, outcomes));
        return record.progress.rows;
      });
      if (rows >= MANY_ROWS) await db.query({ text: `ANALYZE ${GROWN}` });
    },
    markArchived: (file) =>
      db.writing(async (session) => {
        await ARCHIVE.run(session, file);
      }),
    async file(number) {
      const row = await BY_NUMBER.get(db, number);
      return row && fileRecord(row);
    },
    files: async () => (await ALL.all(db)).map(fileRecord),
    filesBefore: async (number, limit) => (await BEFORE.all(db, number, limit)).map(fileRecord),
    filesOfRun: (run) => OF_RUN.all(db, run),
    staleReports: () => STALE.all(db, machine ?? ''),
    async markStale(file) {
      const token = await db.writing((session) => MARK_STALE.get(session, file));
      if (token === undefined) throw new Error(`File ${file} has no reports yet`);
      return token;
    },
    reportsWritten: (file, token, published) =>
      db.writing(async (session) => {
        await publish(session, 'file', file, published);
        await REPORTED.run(session, token, file, machine ?? '');
      }),
  };
}

const BY_CLAIM = statement<[claim: string], FileRow>('SELECT * FROM files WHERE claim = $1');
const SAME_BYTES = statement<[sha256: string], FileRow & { machine: string | null }>(
  'SELECT * FROM files WHERE sha256 = $1 AND problem IS NULL',
);
/** After {@link takeForGone}: a machine that is gone records no more rows. */
const ADOPT = statement<[claim: string, machine: string | null, number: number, lost: readonly string[]], FileRow>(`
  UPDATE files SET claim = $1, machine = $2
  WHERE number = $3 AND NOT done AND (
    claim = ANY ($4::text[])
    OR machine <> $2 AND NOT EXISTS (SELECT 1 FROM machines m WHERE m.name = files.machine AND m.ended_at IS NULL))
  RETURNING *`);
const INSERT = statement<unknown[], FileRow>(`
  INSERT INTO files (
    number, claim, name, kind, sha256, size, received_at, run, business_date, header, proven, said_done, maker,
    final_newline, start, progress, problem, duplicate_of, done, repairs, machine)
  VALUES (
    ${nextNumber('files')}, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,
    $13, $14, $14, $15, $16, $15::text IS NOT NULL, $17, $18)
  RETURNING *`);

async function register(
  session: Session,
  file: NewFile,
  run: number | undefined,
  machine: string | undefined,
  lost: readonly string[],
): Promise<{ record: FileRecord; isNew: boolean; adoptedFrom?: string }> {
  const known = await BY_CLAIM.get(session, file.claim);
  if (known) return { record: fileRecord(known), isNew: false };
  const first = file.problem ? undefined : await SAME_BYTES.get(session, file.sha256);
  if (first && !first.done) {
    await takeForGone(session);
    const adopted = await ADOPT.get(session, file.claim, machine ?? null, first.number, lost);
    if (adopted) return { record: fileRecord(adopted), isNew: false, adoptedFrom: first.machine ?? '' };
  }
  const problem = first ? alreadyProcessed(file, first) : file.problem;
  const row = await INSERT.get(
    session,
    file.claim,
    file.name,
    file.kind ?? null,
    file.sha256,
    file.size,
    file.receivedAt,
    run ?? null,
    file.businessDate,
    JSON.stringify(file.header),
    file.proven,
    file.saidDone,
    file.maker ? JSON.stringify(file.maker) : null,
    file.finalNewline,
    JSON.stringify(file.start),
    problem ? JSON.stringify(problem) : null,
    first?.number ?? null,
    problem ? null : (file.repairs ?? null),
    machine ?? null,
  );
  if (!row) throw new Error(`Registering ${file.claim} gave no row`);
  requireNumber(row.number);
  return { record: fileRecord(row), isNew: true };
}

/** SQL: of the file's instructions, those that another machine has rejected while the file was taken in. */
const REJECTED_MEANWHILE = `CASE WHEN rejected = 0 THEN 0 ELSE (
  SELECT count(*) FROM instructions
  WHERE NOT holds_refs AND content_row BETWEEN number << 32 AND (number + 1 << 32) - 1) END`;
const CLOSE = statement<[problem: string | null, number: number], FileRow>(`
  UPDATE files SET done = true, problem = $1, revision = revision + 1,
    rejected = ${REJECTED_MEANWHILE}
      + (SELECT count(*) FROM rows WHERE id BETWEEN number << 32 AND (number + 1 << 32) - 1 AND ${TO_REPAIR})
  WHERE number = $2 AND NOT done RETURNING *`);

/** Closes a file's intake: one audit entry accounts for each of its rows. */
async function finish(session: Session, file: number, problem: FileProblem | undefined) {
  const row = await CLOSE.get(session, problem ? JSON.stringify(problem) : null, file);
  if (!row) throw new Error(`File ${file} can't be finished: it is not being taken in`);
  const range = fileRange(file);
  const record = fileRecord(row);
  const { kind, progress } = record;
  if (kind) await markRepaired(session, { number: file, kind, rows: progress.rows, repairs: row.repairs }, range);
  const outcomes = Object.fromEntries(
    (await OUTCOMES.all(session, range.first, range.last)).map(({ outcome, count }) => [outcome, count]),
  );
  const event = finishedEvent(record, { outcomes, digest: await digestOfRows(session, file, progress.line, NOTHING) });
  return { event, record, outcomes };
}

/**
 * After a file with as many rows the server looks at the tables anew, so that it knows how large they are: at the columns
 * that rows are found by, because all would take three times as long.
 */
const MANY_ROWS = 10_000;
const GROWN = `
  orders (id, customer_ref, order_ref, registration), instruction_refs,
  instructions (id, content_row, status, customer_ref, order_ref, instruction_ref, currency, amount_minor, open_date),
  rows (id, kind, target, customer_ref, order_ref, instruction_ref)`;

/** How many lines are put into one text. */
const ACCOUNTED_LINES = 16_384;

/** Rows that are left out of the digest: their outcome was settled later. */
const NOTHING: ReadonlySet<number> = new Set();

const ROWS = `
  SELECT id, 'order' AS outcome, content_digest FROM orders WHERE id BETWEEN $1 AND $2
  UNION ALL
  SELECT id, 'instruction', content_digest FROM instructions WHERE id BETWEEN $1 AND $2
  UNION ALL
  SELECT id, kind, NULL FROM rows WHERE id BETWEEN $1 AND $2`;
const OUTCOMES = statement<[first: number, last: number], { outcome: string; count: number }>(
  `SELECT outcome, count(*) AS count FROM (${ROWS}) AS r GROUP BY outcome`,
);
const LINES = column<[first: number, last: number, later: number[]], string | null>(`
  SELECT string_agg(id || ' ' || outcome || coalesce(' ' || content_digest, '') || chr(10), '' ORDER BY id)
  FROM (${ROWS}) AS r WHERE id <> ALL ($3::bigint[])`);

/**
 * The SHA-256 over a line `ID OUTCOME` for each row of a file, in id order. Where a row made an order or an
 * instruction, the digest of what it stated follows in the line. `lines` is the number of lines in the file.
 */
async function digestOfRows(
  session: Session,
  file: number,
  lines: number,
  later: ReadonlySet<number>,
): Promise<string> {
  const digest = openSha256();
  for (let line = 0; line <= lines; line += ACCOUNTED_LINES) {
    const first = rowId(file, line);
    const last = rowId(file, line + ACCOUNTED_LINES) - 1;
    const among = [...later].filter((id) => id >= first && id <= last);
    digest.update((await LINES.get(session, first, last, among)) ?? '');
  }
  return digest.digest('hex');
}
