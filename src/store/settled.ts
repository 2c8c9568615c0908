/** What settles rows of a result after intake: a later file, or a person. */
import { isOfTotalsRow, rowId, rowPlace } from '../domain/instruction.ts';
import type { Decision, ResultRow } from './port.ts';

/** A row that may need a repair. A totals row is no payment and needs none. */
export function mayNeedRepair({ status, errors }: ResultRow): boolean {
  return status === 'rejected' && !isOfTotalsRow(errors);
}

/** What has settled the rejected rows of a file that say nothing else. */
export type SettledBy = Required<Pick<ResultRow, 'repairedWith'>> | Required<Pick<ResultRow, 'closed'>>;

/** `closing` is the entry of the decision that closed the file, if no later file settled it. */
export function settledBy(file: number, settledWith: number | null, closing: string | undefined): SettledBy {
  return closing === undefined ? { repairedWith: settledWith ?? file } : { closed: decisionIn(closing) };
}

/** A rejected row with the row of a later file that has taken it in, or else with what settled its file. */
export function repairedRow(row: ResultRow, takenIn: number | undefined, by: SettledBy | undefined): ResultRow {
  if (takenIn !== undefined) return { ...row, takenInWith: rowPlace(takenIn).file };
  return by ? { ...row, ...by } : row;
}

/** Adds to payouts the decision that has closed them. `closed` has its entry by the row. */
export function withClosings(file: number, rows: ResultRow[], closed: ReadonlyMap<number, string>): ResultRow[] {
  if (closed.size === 0) return rows;
  return rows.map((row) => {
    const body = closed.get(rowId(file, row.line));
    return body === undefined ? row : { ...row, closed: decisionIn(body) };
  });
}

function decisionIn(body: string): Decision {
  const { by, reason, ticket } = JSON.parse(body) as Decision;
  return { by, reason, ...(ticket !== undefined && { ticket }) };
}
