/** Which files' published reports are out of date. */
import type { Session } from './connection.ts';
import { statement } from './statement.ts';

/**
 * The files that show one of these instructions: the instruction's own file, and files with rows that amend it, repeat
 * it, repeat a row that amended it, or were rejected because of it.
 */
const MARK = statement<[instructions: number[]]>(`
  WITH changed (id) AS (SELECT unnest($1::bigint[])),
  about (id) AS (
    SELECT id FROM changed
    UNION ALL
    SELECT rows.id FROM changed JOIN rows ON rows.target = changed.id AND rows.kind = 'updated'
  )
  UPDATE files SET revision = revision + 1 WHERE number IN (
    SELECT id >> 32 FROM changed
    UNION
    SELECT rows.id >> 32 FROM about JOIN rows ON rows.target = about.id
    UNION
    SELECT conflicts."row" >> 32 FROM about JOIN conflicts ON conflicts.holder = about.id)`);

/** Marks the reports of every file that shows one of these instructions as out of date. */
export async function markStale(session: Session, instructions: Iterable<number>): Promise<void> {
  const ids = [...instructions];
  if (ids.length > 0) await MARK.run(session, ids);
}

/** SQL: a forgotten file gets no reports any more. */
export const IS_REMEMBERED = 'number NOT IN (SELECT file FROM forgotten_files)';

// A file that repeats another waits for it. Until the other is done, its report would miss rows.
const isOld = (condition: string) => `
  ${condition} AND done AND ${IS_REMEMBERED}
  AND (duplicate_of IS NULL OR (SELECT first.done FROM files first WHERE first.number = files.duplicate_of))`;

/** SQL: the reports that were published last are out of date. */
export const IS_STALE = isOld('revision > reported');

/** SQL: those on the file's own machine are, because another one published the last. */
export const IS_STALE_AT_HOME = isOld('(revision > reported OR elsewhere)');
