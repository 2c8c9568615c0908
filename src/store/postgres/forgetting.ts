/**
 * Removes the texts of files that are final for long: of their payouts, of the requests that were sent, and of rejected
 * rows. What says who was owed how much, and what came of it, stays.
 */
import { PAYOUT_FIELDS, statementOf } from '../../domain/instruction.ts';
import { FINAL_FAILURES, type InstructionStatus } from '../../domain/status.ts';
import type { Clock } from '../../platform/clock.ts';
import { columnOf, listed } from '../conditions.ts';
import { fileRange } from '../file-record.ts';
import {
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
import type { AuditEntry, Forgettable, Forgetting, RowFields, StatusCount, StoredInstruction } from '../port.ts';
import { amendmentDiffers, instructionDiffers } from '../replay.ts';
import { storedInstruction } from '../stored.ts';
import { hasNotArrived, isClosed } from './conditions.ts';
import type { Connection, Session } from './connection.ts';
import { payeeOf } from './payees.ts';
import { arrays, column, statement } from './statement.ts';
import { storedStatement } from './stored.ts';
import type { Append, Writing } from './trail.ts';
import { wipeForgotten } from './wiping.ts';
import { keepStatements } from './writers.ts';

type Range = [first: number, last: number];

const RANGE = '$1 AND $2';
const TOUCHED = touchedIn(RANGE);

export function forgettingVerbs(db: Connection, writing: Writing, wait: Clock['sleep']): Forgetting {
  return {
    forgettable: (file) => db.reading((session) => lookingUp(session, () => forgettable(session, file))),
    touchedBy: async (files) =>
      (await TOUCHED_BY.all(db, [...files])).map(
        ([status, currency, oldest, count, amountMinor]): StatusCount => ({
          ...{ status, currency, oldest, count, amountMinor },
        }),
      ),
    forgetFile: (file, revision, decision, moment) =>
      writing(moment, (session, append) =>
        lookingUp(session, () => forgetFile(session, append, [file, revision, decision, moment])),
      ),
    wipeForgotten: (files) => wipeForgotten(db, wait, files),
  };
}

/**
 * One file is little beside all records, so everything of it is found by an index. Before new tables are analyzed, the
 * server would walk through a whole table for each page.
 */
async function lookingUp<T>(session: Session, work: () => Promise<T>): Promise<T> {
  await session.query({ text: 'SET LOCAL enable_seqscan TO off' });
  const result = await work();
  await session.query({ text: 'SET LOCAL enable_seqscan TO DEFAULT' });
  return result;
}

const OWN = storedStatement<[...Range, after: number]>(
  `i.id BETWEEN ${RANGE} AND i.id > $3 ORDER BY i.id LIMIT ${FORGETTING_PAGE}`,
);
const OTHERS = column<Range, number>(`
  SELECT DISTINCT target FROM rows
  WHERE id BETWEEN ${RANGE} AND kind IN ('updated', 'deleted') AND target NOT BETWEEN ${RANGE} ORDER BY target`);
const BY_IDS = storedStatement<[ids: number[]]>('i.id = ANY ($1::bigint[]) ORDER BY i.id');

/** The payouts that rows of a file created, changed or deleted, by id. Each page is found without a look at the others. */
async function* touchedPages(session: Session, [first, last]: Range): AsyncGenerator<StoredInstruction[]> {
  const others = await OTHERS.all(session, first, last);
  yield* pagesOf(
    session,
    others.filter((id) => id < first),
  );
  for (let after = 0; ; ) {
    const page = (await OWN.all(session, first, last, after)).map(storedInstruction);
    const end = page.at(-1);
    if (!end) break;
    yield page;
    after = end.id;
  }
  yield* pagesOf(
    session,
    others.filter((id) => id > last),
  );
}

async function* pagesOf(session: Session, ids: readonly number[]): AsyncGenerator<StoredInstruction[]> {
  for (let at = 0; at < ids.length; at += FORGETTING_PAGE)
    yield (await BY_IDS.all(session, ids.slice(at, at + FORGETTING_PAGE))).map(storedInstruction);
}

const STATE = statement<[file: number], { revision: number; reported: number; receivedAt: string }>(
  'SELECT revision, reported, received_at AS "receivedAt" FROM files WHERE number = $1',
);
const COUNTS = statement<Range, Pick<Forgettable, 'amendments' | 'orders' | 'unclosed'>>(`
  SELECT (SELECT count(*) FROM amendments WHERE id BETWEEN ${RANGE}) AS amendments,
    (SELECT count(*) FROM orders WHERE id BETWEEN ${RANGE}) AS orders,
    (SELECT count(*) FROM instructions i
     WHERE i.id IN (${TOUCHED}) AND i.status IN (${listed(FINAL_FAILURES)}) AND NOT ${isClosed('i')}) AS unclosed`);
const LAST_CLOSING = column<[...Range, file: number], string | null>(`
  SELECT max(audit.body::json ->> 'at' COLLATE "C") FROM closings JOIN audit ON audit.seq = closings.seq
  WHERE closings.file = $3 OR closings.instruction IN (${TOUCHED})`);
const HELD_BY = column<Range, number>(`
  WITH held (row) AS (
    SELECT "row" FROM conflicts WHERE holder BETWEEN ${RANGE}
    UNION ALL
    SELECT id FROM rows WHERE kind = 'updated' AND target IN (${TOUCHED})
  )
  SELECT DISTINCT held.row >> 32 FROM held
  WHERE held.row NOT BETWEEN ${RANGE} AND held.row >> 32 NOT IN (SELECT file FROM forgotten_files)
  ORDER BY 1`);
const HISTORIES = arrays<[ids: number[]], [instruction: number, body: string]>(
  'SELECT instruction, body FROM audit WHERE instruction = ANY ($1::bigint[]) ORDER BY instruction, seq',
);

async function forgettable(session: Session, file: number): Promise<Forgettable> {
  const { first, last } = fileRange(file);
  const state = await STATE.get(session, file);
  const counts = await COUNTS.get(session, first, last);
  if (!state || !counts) throw new Error(`there is no file ${file}`);
  const sums = openSums();
  const closed = (await LAST_CLOSING.get(session, first, last, file)) ?? '';
  let lastChange = closed > state.receivedAt ? closed : state.receivedAt;
  let altered: string | undefined;
  for await (const page of touchedPages(session, [first, last])) {
    const histories = altered === undefined ? await historiesOf(session, page) : undefined;
    for (const payout of page) {
      sums.add(payout);
      if (payout.updatedAt > lastChange) lastChange = payout.updatedAt;
      const told = histories?.get(payout.id) ?? [];
      if (histories) altered ??= instructionDiffers(payout, told) ?? amendmentDiffers(payout, told);
    }
  }
  return {
    revision: state.revision,
    reported: state.reported >= state.revision,
    payouts: sums.all(),
    ...counts,
    lastChange,
    heldBy: await HELD_BY.all(session, first, last),
    altered,
  };
}

async function historiesOf(session: Session, page: readonly StoredInstruction[]) {
  const histories = new Map(page.map(({ id }): [number, Pick<AuditEntry, 'body'>[]] => [id, []]));
  for (const [instruction, body] of await HISTORIES.all(session, [...histories.keys()]))
    histories.get(instruction)?.push({ body });
  return histories;
}

type CountRow = [status: InstructionStatus, currency: string, oldest: string, count: number, amountMinor: bigint];

const OF_FILES = (table: string) =>
  `${table} ON ${table}.id BETWEEN file.number << 32 AND (file.number << 32) + 4294967295`;
const TOUCHED_BY = arrays<[files: number[]], CountRow>(`
  WITH touched (id) AS (
    SELECT instructions.id FROM unnest($1::bigint[]) AS file (number) JOIN ${OF_FILES('instructions')}
    UNION
    SELECT rows.target FROM unnest($1::bigint[]) AS file (number) JOIN ${OF_FILES('rows')}
    WHERE rows.kind IN ('updated', 'deleted')
  )
  SELECT i.status, coalesce(i.currency, ''), min(files.received_at), count(*), coalesce(sum(i.amount_minor), 0)
  FROM touched JOIN instructions i ON i.id = touched.id JOIN files ON files.number = i.id >> 32
  GROUP BY 1, 2 ORDER BY 1, 2`);

const FIT = statement<[file: number], { revision: number; sha256: string; rows: number; problem: string | null }>(`
  SELECT revision, sha256, (progress::json ->> 'rows')::bigint AS rows, problem FROM files
  WHERE number = $1 AND done AND archived AND number NOT IN (SELECT file FROM forgotten_files)`);
const IS_OPEN = column<Range, number>(`
  SELECT 1 FROM instructions i WHERE i.id IN (${TOUCHED}) AND ${hasNotArrived('i.status')} AND NOT ${isClosed('i')}
  UNION ALL SELECT 1 FROM amendments WHERE id BETWEEN ${RANGE} OR instruction IN (${TOUCHED})
  LIMIT 1`);
const PUBLISHED = statement<[file: number], { name: string; sha256: string }>(
  "SELECT name, sha256 FROM published WHERE about = 'file' AND number = $1 ORDER BY name",
);
const BLANK_FILE = statement<[problem: string, file: number]>(
  "UPDATE files SET header = '[]', problem = CASE WHEN problem IS NOT NULL THEN $1 END WHERE number = $2",
);
const BLANK_DECISIONS = statement<[file: number]>("UPDATE decision_files SET answer = '' WHERE file = $1");
const KEEP = statement<[file: number, seq: number]>('INSERT INTO forgotten_files (file, seq) VALUES ($1, $2)');

async function forgetFile(
  session: Session,
  append: Append,
  [file, revision, decision]: Parameters<Forgetting['forgetFile']>,
): Promise<'forgotten' | 'stale'> {
  const found = await FIT.get(session, file);
  if (found?.revision !== revision) return 'stale';
  const { first, last } = fileRange(file);
  if ((await IS_OPEN.get(session, first, last)) !== undefined) throw somethingIsOpen(file);
  const sums = openSums();
  for await (const page of touchedPages(session, [first, last])) {
    for (const payout of page) sums.add(payout);
    const payouts = page.filter(({ forgotten }) => !forgotten);
    await blankPayouts(session, payouts);
    for (const payout of payouts) append(payoutForgottenEvent(payout, file), payout.id);
    await append.written();
  }
  await blankRows(session, [first, last]);
  await BLANK_DECISIONS.run(session, file);
  await BLANK_FILE.run(session, problemWithoutTexts(found.problem), file);
  const { sha256, rows } = found;
  const whole = { file, rows, sha256, sums: sums.all(), reports: await PUBLISHED.all(session, file) };
  await KEEP.run(session, file, append(fileForgottenEvent(whole, decision)));
  return 'forgotten';
}

const REMOVE_PAYEES = statement<[ids: number[]]>(`
  DELETE FROM payees USING instructions i
  WHERE i.id = ANY ($1::bigint[]) AND payees.instruction = i.id
    AND payees.payee = ${payeeOf('i')} AND payees.currency = i.currency AND payees.amount_minor = i.amount_minor`);
const ERRORS = statement<[ids: number[]], { id: number; errors: string }>(
  'SELECT id, errors FROM instructions WHERE id = ANY ($1::bigint[]) AND errors IS NOT NULL',
);
const TEXTS = PAYOUT_FIELDS.flatMap((name) => [columnOf(name), `payout_${columnOf(name)}`]);
const EMPTY = [...TEXTS, 'message', 'answer', 'answer_since', 'refused_message'].map((name) => `${name} = ''`);
const BLANK_PAYOUTS = statement<[ids: number[]]>(`
  UPDATE instructions SET forgotten = true, managed = NULL, raw = CASE WHEN raw IS NOT NULL THEN '[]' END, ${EMPTY.join()}
  WHERE id = ANY ($1::bigint[])`);
const SET_ERRORS = statement<[ids: number[], errors: string[]]>(`
  UPDATE instructions SET errors = bare.errors FROM unnest($1::bigint[], $2::text[]) AS bare (id, errors)
  WHERE instructions.id = bare.id`);
const BLANK_BODIES = statement<[ids: number[]]>("UPDATE attempts SET body = '' WHERE instruction = ANY ($1::bigint[])");

const REMOVE_QUEUED = statement<[ids: number[]]>('DELETE FROM webhooks WHERE instruction = ANY ($1::bigint[])');
/** It neither waits nor counts as given up: no receiver is to get it any more. */
const BLANK_NOTIFICATIONS = statement<[ids: number[]]>(`
  UPDATE notifications SET details = '', trouble = '', next_try_at = NULL, given_up_at = NULL
  WHERE instruction = ANY ($1::bigint[])`);

/** Empties the texts of payouts. The statements of their contents stay, so that the same rows are still known. */
async function blankPayouts(session: Session, payouts: readonly StoredInstruction[]): Promise<void> {
  if (payouts.length === 0) return;
  const ids = payouts.map(({ id }) => id);
  await REMOVE_PAYEES.run(session, ids);
  await keepStatements(
    session,
    payouts.map(({ id, content, contentRow }) => [
      id,
      statementOf(contentRow === id ? 'CREATE' : 'UPDATE', content),
      contentRow,
    ]),
  );
  const errors = await ERRORS.all(session, ids);
  await BLANK_PAYOUTS.run(session, ids);
  if (errors.length > 0)
    await SET_ERRORS.run(
      session,
      errors.map(({ id }) => id),
      errors.map((one) => errorsWithoutTexts(one.errors)),
    );
  await BLANK_BODIES.run(session, ids);
  await REMOVE_QUEUED.run(session, ids);
  await BLANK_NOTIFICATIONS.run(session, ids);
}

type Rejected = { id: number; errors: string } & RowFields;

const REJECTED = statement<[...Range, after: number], Rejected>(`
  SELECT id, errors, customer_ref AS "customerRef", order_ref AS "orderRef", instruction_ref AS "instructionRef",
    amount, currency, open_date AS "openDate", due_date AS "dueDate"
  FROM rows WHERE id BETWEEN ${RANGE} AND id > $3 AND kind = 'rejected' ORDER BY id LIMIT ${FORGETTING_PAGE}`);
const ROW_FIELDS = [
  ...(['customerRef', 'orderRef', 'instructionRef', 'amount', 'currency', 'openDate', 'dueDate'] as const),
];
const BLANK_ROWS = statement<[ids: number[], errors: string[], ...fields: string[][]]>(`
  UPDATE rows SET raw = '[]', errors = bare.errors,
    ${ROW_FIELDS.map((name) => `${columnOf(name)} = bare.${columnOf(name)}`).join(', ')}
  FROM unnest($1::bigint[], $2::text[], ${ROW_FIELDS.map((_, at) => `$${at + 3}::text[]`).join(', ')})
    AS bare (id, errors, ${ROW_FIELDS.map(columnOf).join(', ')})
  WHERE rows.id = bare.id`);

/** Empties the cells of rejected rows, and what was found in them. */
async function blankRows(session: Session, range: Range): Promise<void> {
  for (let after = 0; ; ) {
    const page = await REJECTED.all(session, ...range, after);
    const last = page.at(-1);
    if (!last) return;
    const bare = page.map(withoutForeign);
    await BLANK_ROWS.run(
      session,
      page.map(({ id }) => id),
      page.map(({ errors }) => errorsWithoutTexts(errors)),
      ...ROW_FIELDS.map((name) => bare.map((row) => row[name])),
    );
    after = last.id;
  }
}
