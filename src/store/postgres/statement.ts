/** SQL statements. The server prepares each once for a connection, when it first runs there. */
import type { Session, WriteSession } from './connection.ts';

export interface Statement<Values extends unknown[], Row> {
  all(on: Session, ...values: Values): Promise<Row[]>;
  /** The first row. */
  get(on: Session, ...values: Values): Promise<Row | undefined>;
  /** How many rows it changed. */
  run(on: Session, ...values: Values): Promise<number>;
}

/** Rows are objects with the names of the columns. */
export function statement<Values extends unknown[] = [], Row = never>(text: string): Statement<Values, Row> {
  return prepared(text, (rows) => rows as Row[]);
}

/** Rows are arrays of values: many and wide ones are read sooner so. */
export function arrays<Values extends unknown[], Row extends unknown[]>(text: string): Statement<Values, Row> {
  return prepared(text, (rows) => rows as Row[], 'array');
}

/** Of each row its only column. */
export function column<Values extends unknown[], Value>(text: string): Statement<Values, Value> {
  return prepared(text, (rows) => (rows as [Value][]).map(([value]) => value), 'array');
}

/** A name is only for this process: connections belong to one. */
let statements = 0;

function prepared<Values extends unknown[], Row>(
  text: string,
  read: (rows: unknown[]) => Row[],
  rowMode?: 'array',
): Statement<Values, Row> {
  const name = `paydrop_${++statements}`;
  const query = (on: Session, values: Values) => on.query({ name, text, values, ...(rowMode && { rowMode }) });
  return {
    all: async (on, ...values) => read((await query(on, values)).rows),
    get: async (on, ...values) => read((await query(on, values)).rows)[0],
    run: async (on, ...values) => (await query(on, values)).rowCount ?? 0,
  };
}

/** Inserts many rows at once. `columns` has each column with its type; `after` is what follows the rows. */
export function insertion<Row extends unknown[]>(
  table: string,
  columns: Readonly<Record<string, 'bigint' | 'boolean' | 'numeric' | 'text'>>,
  after = '',
): (session: Session, rows: readonly Row[]) => Promise<number> {
  const names = Object.keys(columns).join(', ');
  const values = Object.values(columns).map((type, at) => `$${at + 1}::${type}[]`);
  const insert = statement<unknown[][]>(`
    INSERT INTO ${table} (${names})
    SELECT * FROM unnest(${values.join(', ')}) AS given (${names}) ${after}`);
  return async (session, rows) => {
    if (rows.length === 0) return 0;
    return insert.run(session, ...values.map((_, at) => rows.map((row) => row[at])));
  };
}

/** A value of a row to be copied. */
export type Cell = string | number | bigint | null | undefined;

/** How many rows go to the server at once. It enters them while the next ones are made. */
const ROWS_AT_ONCE = 200;

/** Enters many rows at once, sooner than `insertion` does. A conflict with a row that is there fails. */
export function loading<Row>(
  table: string,
  columns: readonly string[],
  cellsOf: (row: Row) => readonly Cell[],
): (session: WriteSession, rows: readonly Row[]) => Promise<void> {
  const command = `COPY ${table} (${columns.join(', ')}) FROM STDIN`;
  return async (session, rows) => {
    if (rows.length > 0) await session.copy(command, copiedRows(rows, cellsOf));
  };
}

function* copiedRows<Row>(rows: readonly Row[], cellsOf: (row: Row) => readonly Cell[]): Generator<string, void> {
  for (let at = 0; at < rows.length; at += ROWS_AT_ONCE)
    yield rows
      .slice(at, at + ROWS_AT_ONCE)
      .map((row) => copiedRow(cellsOf(row)))
      .join('');
}

function copiedRow(cells: readonly Cell[]): string {
  return `${cells.map(copiedCell).join('\t')}\n`;
}

const SPECIAL = /[\\\t\n\r]/;
const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' };

function copiedCell(cell: Cell): string {
  if (cell === null || cell === undefined) return '\\N';
  if (typeof cell !== 'string') return String(cell);
  // Nearly no text has any, and this runs for every cell.
  return SPECIAL.test(cell) ? cell.replace(/[\\\t\n\r]/g, (special) => ESCAPES[special] as string) : cell;
}
