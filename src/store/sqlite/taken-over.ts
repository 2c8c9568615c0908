/**
 * The mark of a database whose records a server has now. Its schema number is out of every program's reach, so that an
 * older program refuses the file, too.
 */
import type Database from 'better-sqlite3';
import { UsageError } from '../../platform/failures.ts';
import { type Mark, TAKEN_OVER } from '../mark.ts';
import { Sqlite } from './library.ts';

/** Added to the schema number. */
const OUT_OF_REACH = 1_000_000;

/** In SQLite the mark also says whether the copy was seen to be committed. */
export interface SqliteMark extends Mark {
  readonly done: boolean;
}

const VERSION = { simple: true } as const;

/** The mark of a database that is open; undefined without one. */
function markIn(db: Database.Database): SqliteMark | undefined {
  if (Number(db.pragma('user_version', VERSION)) < OUT_OF_REACH) return undefined;
  const value = db.prepare<[string], string>('SELECT value FROM facts WHERE name = ?').pluck().get(TAKEN_OVER);
  return JSON.parse(value ?? '{}') as SqliteMark;
}

export function refuseTakenOver(db: Database.Database, path: string): void {
  const mark = markIn(db);
  if (mark === undefined) return;
  const { at, to, done } = mark;
  throw new UsageError(
    done
      ? `${path} is used no more: ${to} has its records since ${at}; put "records": "postgres" into paydrop.json, and the address into PAYDROP_DATABASE_URL`
      : `${path} is being taken over by ${to}, and that was interrupted: run paydrop records copy --to postgres again`,
  );
}

/** A person's decision that waits while the records are copied comes too late, and must not be lost in the old file. */
const REFUSING = `
  CREATE TRIGGER IF NOT EXISTS audit_taken_over BEFORE INSERT ON audit
  BEGIN
    SELECT RAISE(ABORT, 'a server has these records now: decide again there');
  END`;

/** Call it inside a write transaction. */
export function setMark(db: Pick<Database.Database, 'exec' | 'pragma' | 'prepare'>, mark: SqliteMark): void {
  db.exec(REFUSING);
  const version = Number(db.pragma('user_version', VERSION)) % OUT_OF_REACH;
  db.prepare('INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)').run(TAKEN_OVER, JSON.stringify(mark));
  db.pragma(`user_version = ${OUT_OF_REACH + version}`);
}

/** The mark of a database file. */
export function markOf(path: string): SqliteMark | undefined {
  return onFile(path, markIn);
}

/** The copy was committed: from here on it is the only one that counts. */
export function completeMark(path: string): void {
  onFile(path, (db) => {
    const mark = markIn(db);
    if (mark) setMark(db, { ...mark, done: true });
  });
}

/** The copy was not committed, and never will be. */
export function removeMark(path: string): void {
  onFile(path, (db) => {
    db.exec('DROP TRIGGER IF EXISTS audit_taken_over');
    db.prepare('DELETE FROM facts WHERE name = ?').run(TAKEN_OVER);
    db.pragma(`user_version = ${Number(db.pragma('user_version', VERSION)) % OUT_OF_REACH}`);
  });
}

function onFile<T>(path: string, work: (db: Database.Database) => T): T {
  const db = new Sqlite(path, { fileMustExist: true });
  try {
    db.pragma('synchronous = EXTRA');
    return db.transaction(() => work(db)).immediate();
  } finally {
    db.close();
  }
}
