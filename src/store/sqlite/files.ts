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
import type { Moment, NewFile, Store } from '../port.ts';
import type { Connection } from './connection.ts';
import { nextNumber } from './numbers.ts';
import { repairMarker, TO_REPAIR } from './repairs.ts';
import type { Trail } from './trail.ts';

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

/** A forgotten file gets no reports any more. */
const IS_REMEMBERED = 'number NOT IN (SELECT file FROM forgotten_files)';

/**
 * SQL: the published reports of a file are older than its rows. A file that repeats another waits for it: until the
 * other is done, its report would miss rows.
 */
export const IS_STALE = `revision > reported
      AND done = 1
      AND ${IS_REMEMBERED}
      AND (duplicate_of IS NULL OR (SELECT first.done FROM files first WHERE first.number = files.duplicate_of) = 1)`;

export function fileVerbs(db: Connection, trail: Trail): FileVerbs {
  const byNumber = db.prepare<[number], FileRow>(`${SELECT_FILES} WHERE number = ?`);
  const all = db.prepare<[], FileRow>(`${SELECT_FILES} ORDER BY number`);
  const before = db.prepare<[number, number], FileRow>(
    `${SELECT_FILES} WHERE number < ? ORDER BY number DESC LIMIT +?`,
  );
  const ofRun = db.prepare<[number], number>('SELECT number FROM files WHERE run = ? ORDER BY number').pluck();
  const unfinished = db.prepare<[], FileRow>(
    "SELECT * FROM files WHERE done = 0 ORDER BY kind = 'orders' DESC, number",
  );
  const unarchived = db.prepare<[], FileRow>('SELECT * FROM files WHERE archived = 0 ORDER BY number');
  const archive = db.prepare<[number]>('UPDATE files SET archived = 1 WHERE number = ?');
  const stale = db.prepare<[], { file: number; token: number }>(`
    SELECT number AS file, revision AS token
    FROM files
    WHERE ${IS_STALE}
    ORDER BY number`);
  const mark = db
    .prepare<[number], number>(
      `UPDATE files SET revision = revision + 1 WHERE number = ? AND done = 1 AND ${IS_REMEMBERED} RETURNING revision`,
    )
    .pluck();
  const reported = db.prepare<[number, number]>('UPDATE files SET reported = max(reported, ?) WHERE number = ?');
  const publish = publisher(db, 'file');
  const register = registration(db, trail);
  const finish = finishing(db, trail);
  const account = accountant(db);

  return {
    async digestOf(file, later) {
      const row = byNumber.get(file);
      return row ? account(file, fileRecord(row).progress.line, later).digest : '';
    },
    registerFile: async (file, run, lost = []) => fileRecord(register(file, run, lost)),
    unfinishedFiles: async () => unfinished.all().map(fileRecord),
    unarchivedFiles: async () => unarchived.all().map(fileRecord),
    async finishFile(file, problem, moment) {
      finish(file, problem, moment);
    },
    async markArchived(file) {
      archive.run(file);
    },
    async file(number) {
      const row = byNumber.get(number);
      return row && fileRecord(row);
    },
    files: async () => all.all().map(fileRecord),
    filesBefore: async (number, limit) => before.all(number, limit).map(fileRecord),
    filesOfRun: async (run) => ofRun.all(run),
    staleReports: async () => stale.all(),
    async markStale(file) {
      const token = mark.get(file);
      if (token === undefined) throw new Error(`File ${file} has no reports yet`);
      return token;
    },
    async reportsWritten(file, token, published) {
      db.transaction(() => {
        publish(file, published);
        reported.run(token, file);
      }).immediate();
    },
  };
}

type Register = (file: NewFile, run: number | undefined, lost: readonly string[]) => FileRow;

function registration(db: Connection, trail: Trail): Register {
  const byClaim = db.prepare<[string], FileRow>('SELECT * FROM files WHERE claim = ?');
  const sameBytes = db.prepare<[string], { number: number; name: string; claim: string; done: 0 | 1 }>(
    'SELECT number, name, claim, done FROM files WHERE sha256 = ? AND problem IS NULL',
  );
  const adopt = db.prepare<[claim: string, number], FileRow>('UPDATE files SET claim = ? WHERE number = ? RETURNING *');
  const insert = db.prepare<unknown[], FileRow>(`
    INSERT INTO files (
      number, claim, name, kind, sha256, size, received_at, run, business_date, header, proven, said_done, maker, final_newline, start,
      progress, problem, duplicate_of, done, repairs)
    VALUES (
      ${nextNumber('files')}, :claim, :name, :kind, :sha256, :size, :receivedAt,
      :run, :businessDate, :header, :proven, :saidDone, :maker, :finalNewline, :start, :start, :problem, :duplicateOf, :problem IS NOT NULL, :repairs)
    RETURNING *`);

  const register = db.transaction((file: NewFile, run: number | undefined, lost: readonly string[]) => {
    const known = byClaim.get(file.claim);
    if (known) return known;
    const first = file.problem ? undefined : sameBytes.get(file.sha256);
    const adopted = first?.done === 0 && lost.includes(first.claim) && adopt.get(file.claim, first.number);
    if (adopted) {
      trail.append({ at: file.receivedAt, run }, adoptedEvent(fileRecord(adopted)));
      return adopted;
    }
    const problem = first ? alreadyProcessed(file, first) : file.problem;
    const row = insert.get({
      claim: file.claim,
      name: file.name,
      kind: file.kind ?? null,
      sha256: file.sha256,
      size: file.size,
      receivedAt: file.receivedAt,
      run: run ?? null,
      businessDate: file.businessDate,
      header: JSON.stringify(file.header),
      proven: Number(file.proven),
      saidDone: Number(file.saidDone),
      maker: file.maker ? JSON.stringify(file.maker) : null,
      finalNewline: Number(file.finalNewline),
      start: JSON.stringify(file.start),
      problem: problem ? JSON.stringify(problem) : null,
      duplicateOf: first?.number ?? null,
      repairs: problem ? null : (file.repairs ?? null),
    });
    if (!row) throw new Error(`Registering ${file.claim} gave no row`);
    requireNumber(row.number);
    const record = fileRecord(row);
    trail.append({ at: file.receivedAt, run }, registeredEvent(record));
    if (record.done) trail.notify({ at: file.receivedAt }, ...fileNotice(record));
    return row;
  });
  return register.immediate;
}

/**
 * Closes a file's intake: the references of its unrepeated rows are entered, and one audit entry accounts for each of
 * its rows. They are entered in their order: with each entered together with its row, an import of 200,000 rows takes
 * 1.3 times as long.
 */
function finishing(db: Connection, trail: Trail) {
  // References of rows that are not known to be unrepeated are entered already. References that another instruction holds become null,
  // which the table refuses.
  const enter = db.prepare<{ first: number; last: number }>(`
    INSERT INTO instruction_refs (customer_ref, order_ref, instruction_ref, instruction)
    SELECT customer_ref, order_ref, instruction_ref, id FROM instructions
    WHERE id BETWEEN :first AND :last AND holds_refs = 1
    ORDER BY customer_ref, order_ref, instruction_ref
    ON CONFLICT DO UPDATE SET instruction = iif(instruction = excluded.instruction, instruction, NULL)`);
  const close = db.prepare<[string | null, number], FileRow>(`
    UPDATE files SET done = 1, problem = ?, revision = revision + 1,
      rejected = (SELECT count(*) FROM rows WHERE id BETWEEN number << 32 AND (number + 1 << 32) - 1 AND ${TO_REPAIR})
    WHERE number = ? AND done = 0 RETURNING *`);
  const account = accountant(db);
  const markRepaired = repairMarker(db);

  const finish = db.transaction((file: number, problem: FileProblem | undefined, moment: Moment) => {
    const row = close.get(problem ? JSON.stringify(problem) : null, file);
    if (!row) throw new Error(`File ${file} can't be finished: it is not being taken in`);
    enter.run(fileRange(file));
    const record = fileRecord(row);
    if (record.kind)
      markRepaired(
        { number: file, kind: record.kind, rows: record.progress.rows, repairs: row.repairs },
        fileRange(file),
      );
    const accounted = account(file, record.progress.line, NOTHING);
    trail.append(moment, finishedEvent(record, accounted));
    trail.notify(moment, ...fileNotice(record, accounted.outcomes));
  });
  return finish.immediate;
}

/** How many lines are put into one text. */
const ACCOUNTED_LINES = 4_096;

/** Rows that are left out of the digest: their outcome was settled later. */
type Later = ReadonlySet<number>;
const NOTHING: Later = new Set();

/**
 * How many rows of a file had which outcome, and the SHA-256 over a line `ID OUTCOME` for each row, in id order. Where
 * a row made an order or an instruction, the digest of what it stated follows in the line. `lines` is the number of
 * lines in the file.
 */
function accountant(
  db: Connection,
): (file: number, lines: number, later: Later) => { outcomes: Record<string, number>; digest: string } {
  type Range = { first: number; last: number };
  const rows = `
    SELECT id, 'order' AS outcome, content_digest FROM orders WHERE id BETWEEN :first AND :last
    UNION ALL
    SELECT id, 'instruction', content_digest FROM instructions WHERE id BETWEEN :first AND :last
    UNION ALL
    SELECT id, kind, NULL FROM rows WHERE id BETWEEN :first AND :last`;
  const counts = db
    .prepare<Range, [outcome: string, count: number]>(`SELECT outcome, count(*) FROM (${rows}) GROUP BY outcome`)
    .raw();
  const text = db
    .prepare<Range & { later: string }, string | null>(`
      SELECT group_concat(id || ' ' || outcome || coalesce(' ' || content_digest, '') || char(10), '')
      FROM (SELECT * FROM (${rows}) WHERE :later = '[]' OR id NOT IN (SELECT value FROM json_each(:later)) ORDER BY id)`)
    .pluck();
  return (file, lines, later) => {
    const digest = openSha256();
    for (let line = 0; line <= lines; line += ACCOUNTED_LINES) {
      const range = { first: rowId(file, line), last: rowId(file, line + ACCOUNTED_LINES) - 1 };
      const among = [...later].filter((id) => id >= range.first && id <= range.last);
      digest.update(text.get({ ...range, later: JSON.stringify(among) }) ?? '');
    }
    return { outcomes: Object.fromEntries(counts.iterate(fileRange(file))), digest: digest.digest('hex') };
  };
}

/**
 * Marks the reports of every file that shows one of these instructions as out of date: the instruction's own file, and
 * files with rows that amend it, repeat it, repeat a row that amended it, or were rejected because of it.
 */
export function staleMarker(db: Connection): (instructions: Iterable<number>) => void {
  const filesAbout = db
    .prepare<[string], number>(`
      WITH changed (id) AS (SELECT value FROM json_each(?)),
      about (id) AS (
        SELECT id FROM changed
        UNION ALL
        SELECT rows.id FROM changed JOIN rows ON rows.target = changed.id AND rows.kind = 'updated'
      )
      SELECT id >> 32 FROM changed
      UNION
      SELECT rows.id >> 32 FROM about JOIN rows ON rows.target = about.id
      UNION
      SELECT conflicts.row >> 32 FROM about JOIN conflicts ON conflicts.holder = about.id`)
    .pluck();
  const mark = db.prepare<[number]>('UPDATE files SET revision = revision + 1 WHERE number = ?');

  return (instructions) => {
    const ids = [...instructions];
    if (ids.length === 0) return;
    for (const file of filesAbout.all(JSON.stringify(ids))) mark.run(file);
  };
}

/** Records which reports are in the outbox; a report of the same name is replaced. */
export function publisher(db: Connection, about: 'file' | 'run') {
  const insert = db.prepare<[string, number, string, string]>(
    'INSERT OR REPLACE INTO published (about, number, name, sha256) VALUES (?, ?, ?, ?)',
  );
  return (number: number, reports: readonly { name: string; sha256: string }[]) => {
    for (const { name, sha256 } of reports) insert.run(about, number, name, sha256);
  };
}
