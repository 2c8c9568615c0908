/** The records of a SQLite file as rows to copy, and a file that is filled with rows. */
import { PAGE_ROWS, type Row, type Source, type Table } from '../copying.ts';
import { type Mark, TAKEN_OVER } from '../mark.ts';
import { type Connection, openDatabase } from './connection.ts';
import { completeMark, markOf, removeMark, type SqliteMark, setMark } from './taken-over.ts';
import { explained } from './trouble.ts';

export interface SqliteSource extends Source {
  /** Marks the records as taken over, durably, and lets others write to the file again. */
  mark(mark: Mark): void;
  close(): void;
}

/** Nothing else writes to the file until it is closed. */
export function openSource(path: string): SqliteSource {
  const db = openDatabase(path, 'kept');
  try {
    db.exec('BEGIN IMMEDIATE');
  } catch (error) {
    db.close();
    throw explained(path, error);
  }
  return {
    pages: (table) => pagesOf(db, table),
    mark(mark) {
      setMark(db as unknown as Parameters<typeof setMark>[0], { ...mark, done: false });
      db.exec('COMMIT');
    },
    close: () => void db.close(),
  };
}

export interface Marks {
  /** Undefined where the records were never taken over. */
  current(): SqliteMark | undefined;
  complete(): void;
  remove(): void;
}

export function marksOf(path: string): Marks {
  const explaining =
    <T>(work: (file: string) => T) =>
    () => {
      try {
        return work(path);
      } catch (error) {
        throw explained(path, error);
      }
    };
  return { current: explaining(markOf), complete: explaining(completeMark), remove: explaining(removeMark) };
}

function* pagesOf(db: Connection, table: Table): Iterable<readonly Row[]> {
  const names = table.columns.map(({ name }) => `"${name}"`).join(', ');
  const key = table.key.map((name) => `"${name}"`).join(', ');
  const rows = db
    .prepare<[], unknown[]>(
      `SELECT ${names} FROM (${ROWS_OF[table.name] ?? `SELECT * FROM ${table.name}`}) ORDER BY ${key}`,
    )
    .raw()
    .safeIntegers();
  let page: Row[] = [];
  for (const row of rows.iterate()) {
    page.push(row.map(textOf));
    if (page.length < PAGE_ROWS) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
}

/** What is kept in another way here. A file's references are entered when it is finished, and elsewhere with its rows. */
const ROWS_OF: Readonly<Record<string, string>> = {
  facts: `SELECT * FROM facts WHERE name <> '${TAKEN_OVER}'`,
  instruction_refs: `
    SELECT * FROM instruction_refs UNION
    SELECT customer_ref, order_ref, instruction_ref, i.id AS instruction
    FROM files JOIN instructions i ON i.id BETWEEN files.number << 32 AND (files.number + 1 << 32) - 1
    WHERE files.done = 0 AND i.holds_refs = 1`,
};

function textOf(value: unknown): string | null {
  if (value === null) return null;
  return Buffer.isBuffer(value) ? value.toString('hex') : String(value);
}

/** Fills a new scratch file. `elsewhere` are files that another machine has in hand: nothing is done about them here. */
export async function fillScratch(
  path: string,
  source: Source & { readonly tables: readonly Table[] },
  elsewhere: readonly number[],
): Promise<void> {
  const db = openDatabase(path, 'scratch');
  try {
    db.exec('BEGIN IMMEDIATE; DELETE FROM facts');
    for (const table of source.tables) {
      const insert = db.prepare<unknown[]>(
        `INSERT INTO ${table.name} (${table.columns.map(({ name }) => `"${name}"`).join(', ')})
         VALUES (${table.columns.map(() => '?').join(', ')})`,
      );
      const isBytes = table.columns.map(({ type }) => type === 'bytea');
      for await (const rows of source.pages(table))
        for (const row of rows)
          insert.run(...row.map((value, at) => (isBytes[at] && value !== null ? Buffer.from(value, 'hex') : value)));
    }
    const leave = db.prepare<[number]>('UPDATE files SET done = 1, archived = 1 WHERE number = ?');
    for (const number of elsewhere) leave.run(number);
    db.exec('COMMIT');
  } catch (error) {
    throw explained(path, error);
  } finally {
    db.close();
  }
}
