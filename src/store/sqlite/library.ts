/** SQLite itself, in the version that this line of Node can load. */
import { createRequire } from 'node:module';
import type Database from 'better-sqlite3';

export const load = createRequire(import.meta.url);

/**
 * Version 13 ships its binaries, which need Node-API 10: on Node 20 they end the process. Version 12, compiled, ends
 * the process of newer lines of Node at random. So Node 20 has version 12, under a package name of its own, and all
 * other lines have version 13.
 */
export const SQLITE_PACKAGE = process.versions.node.startsWith('20.') ? 'better-sqlite3-12' : 'better-sqlite3';

// The library is CommonJS: an import would read all of it once more to find its exports.
export const Sqlite = load(SQLITE_PACKAGE) as typeof Database;

export function isSqliteError(error: unknown): error is InstanceType<typeof Database.SqliteError> {
  return error instanceof Sqlite.SqliteError;
}
