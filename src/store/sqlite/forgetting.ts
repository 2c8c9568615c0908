/**
 * Removes the texts of files that are final for long: of their payouts, of the requests that were sent, and of rejected
 * rows. What says who was owed how much, and what came of it, stays.
 */
import { PAYOUT_FIELDS, statementOf } from '../../domain/instruction.ts';
import { FINAL_FAILURES, type InstructionStatus } from '../../domain/status.ts';
import { columnOf, listed } from '../conditions.ts';
import { fileRange } from '../file-record.ts';
import {
  anotherReads,
  errorsWithoutTexts,
  FORGETTING_PAGE,
  fileForgottenEvent,
  openSums,
  payoutForgottenEvent,
  problemWithoutTexts,
  somethingIsOpen,
  touchedIn,
  withoutForeign,
} from '../forgetting.ts';
import type { Decision, Forgettable, Forgetting, Moment, RowFields, StatusCount, StoredInstruction } from '../port.ts';
import { amendmentDiffers, instructionDiffers } from '../replay.ts';
import { storedInstruction } from '../stored.ts';
import { isClosed } from './closings.ts';
import { hasNotArrived } from './conditions.ts';
import type { Connection } from './connection.ts';
import { payeeRemover } from './payees.ts';
import { prepareStored } from './stored.ts';
import type { Trail } from './trail.ts';
import { statementWriter } from './writers.ts';

type Range = { readonly first: number; readonly last: number };

const TOUCHED = touchedIn(':first AND :last');

export function forgettingVerbs(db: Connection, trail: Trail): Forgetting {
  const forgettable = forgettableReader(db);
  const forget = fileForgetter(db, trail);
  const touchedBy = touchedCounter(db);
  const remove = db.prepare<[number]>('UPDATE forgotten_files SET removed = 1 WHERE file = ?');
  const removed = db.transaction((files: readonly number[]) => {
    for (const file of files) remove.run(file);
  });
  return {
    forgettable: async (file) => forgettable(file),
    touchedBy: async (files) => touchedBy(files),
    forgetFile: async (file, revision, decision, moment) => forget(file, revision, decision, moment),
    async wipeForgotten(files) {
      db.exec('VACUUM');
      const [checkpoint] = db.pragma('wal_checkpoint(TRUNCATE)') as { busy: number }[];
      if (checkpoint?.busy !== 0) throw anotherReads();
      removed.immediate(files);
    },
  };
}

function touchedReader(db: Connection): (range: Range) => Generator<StoredInstruction> {
  const page = prepareStored<[Range & { after: number }]>(
    db,
    `i.id IN (SELECT id FROM (${TOUCHED}) WHERE id > :after ORDER BY id LIMIT ${FORGETTING_PAGE}) ORDER BY i.id`,
  );
  return function* (range) {
    for (let after = 0; ; ) {
      const rows = page.all({ ...range, after }).map(storedInstruction);
      const last = rows.at(-1);
      if (!last) return;
      yield* rows;
      after = last.id;
    }
  };
}

function forgettableReader(db: Connection): (file: number) => Forgettable {
  type State = { revision: number; reported: number; received_at: string };
  const stateOf = db.prepare<[number], State>('SELECT revision, reported, received_at FROM files WHERE number = ?');
  const count = (from: string) => db.prepare<Range, number>(`SELECT count(*) FROM ${from}`).pluck();
  const amendments = count('amendments WHERE id BETWEEN :first AND :last');
  const orders = count('orders WHERE id BETWEEN :first AND :last');
  const unclosed = count(
    `instructions i WHERE i.id IN (${TOUCHED}) AND i.status IN (${listed(FINAL_FAILURES)}) AND NOT ${isClosed('i')}`,
  );
  const lastClosing = db
    .prepare<Range & { file: number }, string | null>(`
      SELECT max(audit.body ->> 'at') FROM closings JOIN audit ON audit.seq = closings.seq
      WHERE closings.file = :file OR closings.instruction IN (${TOUCHED})`)
    .pluck();
  const heldBy = db
    .prepare<Range, number>(`
      WITH held (row) AS (
        SELECT row FROM conflicts WHERE holder BETWEEN :first AND :last
        UNION ALL
        SELECT id FROM rows WHERE kind = 'updated' AND target IN (${TOUCHED})
      )
      SELECT DISTINCT row >> 32 FROM held
      WHERE row NOT BETWEEN :first AND :last AND row >> 32 NOT IN (SELECT file FROM forgotten_files)
      ORDER BY 1`)
    .pluck();
  const history = db.prepare<[number], { body: string }>('SELECT body FROM audit WHERE instruction = ? ORDER BY seq');
  const touched = touchedReader(db);

  return db.transaction((file: number): Forgettable => {
    const range = fileRange(file);
    const state = stateOf.get(file);
    if (!state) throw new Error(`there is no file ${file}`);
    const sums = openSums();
    let lastChange = [state.received_at, lastClosing.get({ ...range, file }) ?? ''].sort().at(-1) ?? '';
    let altered: string | undefined;
    for (const payout of touched(range)) {
      sums.add(payout);
      if (payout.updatedAt > lastChange) lastChange = payout.updatedAt;
      const told = history.all(payout.id);
      altered ??= instructionDiffers(payout, told) ?? amendmentDiffers(payout, told);
    }
    return {
      revision: state.revision,
      reported: state.reported >= state.revision,
      payouts: sums.all(),
      unclosed: unclosed.get(range) ?? 0,
      amendments: amendments.get(range) ?? 0,
      orders: orders.get(range) ?? 0,
      lastChange,
      heldBy: heldBy.all(range),
      altered,
    };
  });
}

function touchedCounter(db: Connection): (files: readonly number[]) => StatusCount[] {
  type CountRow = [
    status: InstructionStatus,
    currency: string,
    oldest: string,
    count: bigint,
    high: bigint,
    low: bigint,
  ];
  const isOfFile = 'id BETWEEN file.value << 32 AND (file.value << 32) + 0xFFFFFFFF';
  // CROSS JOIN keeps the order of the tables: without it SQLite reads every instruction. The halves of the amounts are
  // summed apart, because their sum may not fit into 64 bits.
  const counts = db
    .prepare<[{ files: string }], CountRow>(`
      WITH touched (id) AS (
        SELECT instructions.id FROM json_each(:files) file CROSS JOIN instructions ON instructions.${isOfFile}
        UNION
        SELECT rows.target FROM json_each(:files) file CROSS JOIN rows ON rows.${isOfFile}
        WHERE rows.kind IN ('updated', 'deleted')
      )
      SELECT i.status, coalesce(i.currency, ''), min(files.received_at), count(*),
        coalesce(sum(i.amount_minor >> 32), 0), coalesce(sum(i.amount_minor & 0xFFFFFFFF), 0)
      FROM touched CROSS JOIN instructions i ON i.id = touched.id JOIN files ON files.number = i.id >> 32
      GROUP BY 1, 2 ORDER BY 1, 2`)
    .raw()
    .safeIntegers();
  return (files) =>
    counts.all({ files: JSON.stringify(files) }).map(([status, currency, oldest, count, high, low]) => ({
      ...{ status, currency, oldest },
      count: Number(count),
      amountMinor: (high << 32n) + low,
    }));
}

function fileForgetter(
  db: Connection,
  trail: Trail,
): (...args: Parameters<Forgetting['forgetFile']>) => 'forgotten' | 'stale' {
  type Fit = { revision: number; sha256: string; rows: number; problem: string | null };
  const fit = db.prepare<[number], Fit>(`
    SELECT revision, sha256, progress ->> 'rows' AS rows, problem FROM files
    WHERE number = ? AND done = 1 AND archived = 1 AND number NOT IN (SELECT file FROM forgotten_files)`);
  const isOpen = db
    .prepare<Range, 1>(`
      SELECT 1 FROM instructions i WHERE i.id IN (${TOUCHED}) AND ${hasNotArrived('i.status')} AND NOT ${isClosed('i')}
      UNION ALL SELECT 1 FROM amendments WHERE id BETWEEN :first AND :last OR instruction IN (${TOUCHED})
      LIMIT 1`)
    .pluck();
  const published = db.prepare<[number], { name: string; sha256: string }>(
    "SELECT name, sha256 FROM published WHERE about = 'file' AND number = ? ORDER BY name",
  );
  const blank = db.prepare<[string, number]>(
    "UPDATE files SET header = '[]', problem = iif(problem IS NULL, NULL, ?) WHERE number = ?",
  );
  const blankDecisions = db.prepare<[number]>("UPDATE decision_files SET answer = '' WHERE file = ?");
  const keep = db.prepare<[number, number]>('INSERT INTO forgotten_files (file, seq) VALUES (?, ?)');
  const touched = touchedReader(db);
  const blankPayout = payoutForgetter(db, trail);
  const blankRows = rowForgetter(db);

  const forget = db.transaction((file: number, revision: number, decision: Decision, moment: Moment) => {
    const found = fit.get(file);
    if (found?.revision !== revision) return 'stale';
    const range = fileRange(file);
    if (isOpen.get(range)) throw somethingIsOpen(file);
    const sums = openSums();
    for (const payout of touched(range)) {
      sums.add(payout);
      blankPayout(payout, file, moment);
    }
    blankRows(range);
    blankDecisions.run(file);
    blank.run(problemWithoutTexts(found.problem), file);
    const { sha256, rows } = found;
    const whole = { file, rows, sha256, sums: sums.all(), reports: published.all(file) };
    trail.append(moment, fileForgottenEvent(whole, decision));
    keep.run(file, trail.head().seq);
    return 'forgotten';
  });
  return forget.immediate;
}

/** Empties the texts of one payout. The statement of its content stays, so that the same row is still known. */
function payoutForgetter(
  db: Connection,
  trail: Trail,
): (payout: StoredInstruction, file: number, moment: Moment) => void {
  const texts = PAYOUT_FIELDS.flatMap((name) => [columnOf(name), `payout_${columnOf(name)}`]);
  const empty = [...texts, 'message', 'answer', 'answer_since', 'refused_message'].map((column) => `${column} = ''`);
  const errorsOf = db.prepare<[number], string | null>('SELECT errors FROM instructions WHERE id = ?').pluck();
  const blank = db.prepare<[string | null, number]>(`
    UPDATE instructions SET forgotten = 1, managed = NULL, raw = iif(raw IS NULL, NULL, '[]'), errors = ?, ${empty.join()}
    WHERE id = ?`);
  // It neither waits nor counts as given up: no receiver is to get it any more.
  const blankNotifications = db.prepare<[number]>(`
    UPDATE notifications SET details = '', trouble = '', next_try_at = NULL, given_up_at = NULL WHERE instruction = ?`);
  const blankBodies = db.prepare<[number]>("UPDATE attempts SET body = '' WHERE instruction = ?");
  const removeQueued = db.prepare<[number]>('DELETE FROM webhooks WHERE instruction = ?');
  const keep = statementWriter(db);
  const removePayee = payeeRemover(db);
  return (payout, file, moment) => {
    const { id, content, contentRow } = payout;
    if (payout.forgotten) return;
    removePayee(id);
    keep(id, statementOf(contentRow === id ? 'CREATE' : 'UPDATE', content), contentRow);
    const errors = errorsOf.get(id) ?? null;
    blank.run(errors === null ? null : errorsWithoutTexts(errors), id);
    blankBodies.run(id);
    removeQueued.run(id);
    blankNotifications.run(id);
    trail.append(moment, payoutForgottenEvent(payout, file), id);
  };
}

/** Empties the cells of rejected rows, and what was found in them. */
function rowForgetter(db: Connection): (range: Range) => void {
  type Rejected = { id: number; errors: string } & RowFields;
  const rejected = db.prepare<Range & { after: number }, Rejected>(`
    SELECT id, errors, customer_ref AS customerRef, order_ref AS orderRef, instruction_ref AS instructionRef, amount, currency,
      open_date AS openDate, due_date AS dueDate
    FROM rows WHERE id BETWEEN :first AND :last AND id > :after AND kind = 'rejected' ORDER BY id LIMIT ${FORGETTING_PAGE}`);
  const blank = db.prepare<Rejected>(`
    UPDATE rows SET raw = '[]', errors = :errors, customer_ref = :customerRef, order_ref = :orderRef,
      instruction_ref = :instructionRef, amount = :amount, currency = :currency, open_date = :openDate, due_date = :dueDate
    WHERE id = :id`);
  return (range) => {
    for (let after = 0; ; ) {
      const page = rejected.all({ ...range, after });
      const last = page.at(-1);
      if (!last) return;
      for (const row of page) blank.run({ ...withoutForeign(row), id: row.id, errors: errorsWithoutTexts(row.errors) });
      after = last.id;
    }
  };
}
