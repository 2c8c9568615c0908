/** Originals that were filed away under their numbers, and how they are removed in the end. */

import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { sixDigits } from '../domain/file-number.ts';
import { isErrno, syncFolder } from '../platform/durable.ts';

/** The name of an original in the archive or the quarantine. */
export function filedName(number: number, name: string): string {
  const safe = name.replace(/[^A-Za-z0-9._-]/g, '_').slice(-100);
  return `${sixDigits(number)}.${safe}`;
}

/** A file that the records say is archived. */
export interface Filed {
  readonly claim: string;
  readonly number: number;
  readonly name: string;
  readonly businessDate: string;
}

/** Removes a file's original, and what a crash may have left of its copies. Safe to repeat. */
export async function removeFiled(data: string, { claim, number, name, businessDate }: Filed): Promise<void> {
  const filed = filedName(number, name);
  const places = [
    join(data, 'archive', businessDate, filed),
    // The signature of a decision.
    join(data, 'archive', businessDate, `${filed}.sig`),
    join(data, 'quarantine', filed),
    join(data, 'spool', claim),
    join(data, 'spool', `${claim}.part`),
    join(data, 'work', claim),
  ];
  for (const path of places) {
    await rm(path, { recursive: true, force: true });
    await syncFolder(dirname(path)).catch(unlessMissing);
  }
}

function unlessMissing(error: unknown): void {
  if (!isErrno(error, 'ENOENT')) throw error;
}
