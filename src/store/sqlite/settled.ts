/** Finds what settles rows of a result after intake. */
import { rowId } from '../../domain/instruction.ts';
import type { ResultRow } from '../port.ts';
import { mayNeedRepair, repairedRow, settledBy, withClosings } from '../settled.ts';
import type { Connection } from './connection.ts';
import { repairFinder, repairsKnown } from './repairs.ts';

/**
 * Adds to rejected rows the later file that has taken in their references or that repairs their file, or the decision
 * that closed their file. Other rows stay as they are.
 */
export function repairedRows(db: Connection): (file: number, rows: ResultRow[]) => ResultRow[] {
  const known = repairsKnown(db);
  const find = repairFinder(db);
  const since = db.prepare<[number], 1>('SELECT 1 FROM rejected_since WHERE row = ?').pluck();
  const closedBy = db
    .prepare<[number], string>(
      'SELECT body FROM closings JOIN audit ON audit.seq = closings.seq WHERE file = ? ORDER BY closings.seq DESC LIMIT 1',
    )
    .pluck();
  return (file, rows) => {
    const repairs = known(file);
    if (repairs.repaired === 0) return rows;
    const { settled, settledWith } = repairs;
    const closing = settled === 1 && settledWith === null ? closedBy.get(file) : undefined;
    const by = settledBy(file, settledWith, closing);
    return rows.map((row) => {
      if (!mayNeedRepair(row)) return row;
      const { customerRef, orderRef, instructionRef, line } = row;
      const id = rowId(file, line);
      const takenIn = find({ id, customerRef, orderRef, instructionRef }, repairs.kind);
      return repairedRow(row, takenIn, settled === 1 && since.get(id) === undefined ? by : undefined);
    });
  };
}

/** Adds to payouts the decision that has closed them. Other rows stay as they are. */
export function closedRows(db: Connection): (file: number, rows: ResultRow[]) => ResultRow[] {
  const inFile = db
    .prepare<{ first: number; last: number }, [row: number, body: string]>(`
      SELECT i.content_row, audit.body
      FROM closings JOIN audit ON audit.seq = closings.seq
      JOIN instructions i ON i.id = closings.instruction AND i.version = closings.version
      WHERE closings.instruction BETWEEN :first AND :last AND i.content_row = i.id
      UNION ALL
      SELECT changed.id, audit.body
      FROM rows changed CROSS JOIN closings ON closings.instruction = changed.target JOIN audit ON audit.seq = closings.seq
      JOIN instructions i ON i.id = closings.instruction AND i.version = closings.version
      WHERE changed.id BETWEEN :first AND :last AND changed.kind = 'updated' AND i.content_row = changed.id`)
    .raw();
  const any = db.prepare<[], 1>('SELECT 1 FROM closings WHERE instruction IS NOT NULL LIMIT 1').pluck();
  return (file, rows) => {
    const [first, last] = [rows[0], rows.at(-1)];
    if (!first || !last || any.get() === undefined) return rows;
    return withClosings(
      file,
      rows,
      new Map(inFile.all({ first: rowId(file, first.line), last: rowId(file, last.line) })),
    );
  };
}
