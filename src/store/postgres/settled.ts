/** Finds what settles rows of a result after intake. */
import { rowId } from '../../domain/instruction.ts';
import type { ResultRow } from '../port.ts';
import { mayNeedRepair, repairedRow, settledBy, withClosings } from '../settled.ts';
import type { Session } from './connection.ts';
import { repairsKnown, repairsOf } from './repairs.ts';
import { arrays, column } from './statement.ts';

const REJECTED_SINCE = column<[ids: number[]], number>(
  'SELECT "row" FROM rejected_since WHERE "row" = ANY ($1::bigint[])',
);
const CLOSING_OF_FILE = column<[file: number], string>(`
  SELECT body FROM closings JOIN audit ON audit.seq = closings.seq
  WHERE file = $1 ORDER BY closings.seq DESC LIMIT 1`);

/**
 * Adds to rejected rows the later file that has taken in their references or that repairs their file, or the decision
 * that closed their file. Other rows stay as they are.
 */
export async function withRepairs(session: Session, file: number, rows: ResultRow[]): Promise<ResultRow[]> {
  const { repaired, settled, settledWith, kind } = await repairsKnown(session, file);
  const rejected = repaired === 0 ? [] : rows.filter(mayNeedRepair);
  if (rejected.length === 0) return rows;
  const asked = rejected.map((row) => ({ ...row, id: rowId(file, row.line) }));
  const found = await repairsOf(session, asked, kind);
  const takenIn = new Map(rejected.map((row, at) => [row, found[at]]));
  if (!settled) return rows.map((row) => repairedRow(row, takenIn.get(row), undefined));
  const ids = asked.map(({ id }) => id);
  const since = new Set(await REJECTED_SINCE.all(session, ids));
  const by = settledBy(file, settledWith, settledWith === null ? await CLOSING_OF_FILE.get(session, file) : undefined);
  return rows.map((row) => {
    if (!takenIn.has(row)) return row;
    return repairedRow(row, takenIn.get(row), since.has(rowId(file, row.line)) ? undefined : by);
  });
}

const CLOSINGS = arrays<[first: number, last: number], [row: number, body: string]>(`
  SELECT i.content_row, audit.body
  FROM closings JOIN audit ON audit.seq = closings.seq
  JOIN instructions i ON i.id = closings.instruction AND i.version = closings.version
  WHERE closings.instruction BETWEEN $1 AND $2 AND i.content_row = i.id
  UNION ALL
  SELECT changed.id, audit.body
  FROM rows changed JOIN closings ON closings.instruction = changed.target
  JOIN audit ON audit.seq = closings.seq
  JOIN instructions i ON i.id = closings.instruction AND i.version = closings.version
  WHERE changed.id BETWEEN $1 AND $2 AND changed.kind = 'updated' AND i.content_row = changed.id`);
const ANY_PAYOUT = column<[], 1>('SELECT 1 FROM closings WHERE instruction IS NOT NULL LIMIT 1');

/** Adds to payouts the decision that has closed them. Other rows stay as they are. */
export async function withClosedPayouts(session: Session, file: number, rows: ResultRow[]): Promise<ResultRow[]> {
  const [first, last] = [rows[0], rows.at(-1)];
  if (!first || !last || (await ANY_PAYOUT.get(session)) === undefined) return rows;
  const closed = await CLOSINGS.all(session, rowId(file, first.line), rowId(file, last.line));
  return withClosings(file, rows, new Map(closed));
}
