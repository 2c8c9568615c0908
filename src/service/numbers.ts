/** The numbers in the names of the outbox and the archive: traces of earlier runs and files. */
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { isErrno } from '../platform/durable.ts';
import type { Settings } from '../settings/settings.ts';

const RUN_REPORT = /^run\.(\d{6})\.(?:summary\.html|changes\.csv)$/;
const FILE_REPORT = /\.(\d{6})\.(?:receipt\.json|(?:errors|rejected|result)\.csv|report\.html)$/;
const ARCHIVED = /^(\d{6})\./;

/** Each number, with the path that contains it. */
export interface NumbersInUse {
  readonly files: ReadonlyMap<number, string>;
  readonly runs: ReadonlyMap<number, string>;
}

export async function numbersInUse({ outbox, data }: Pick<Settings, 'outbox' | 'data'>): Promise<NumbersInUse> {
  const published = await pathsIn(outbox, false);
  const archived = await pathsIn(join(data, 'archive'), true);
  return {
    files: new Map([...numbered(archived, ARCHIVED), ...numbered(published, FILE_REPORT)]),
    runs: new Map(numbered(published, RUN_REPORT)),
  };
}

function numbered(paths: readonly string[], name: RegExp): [number: number, path: string][] {
  return paths.flatMap((path) => {
    const digits = name.exec(basename(path))?.[1];
    return digits === undefined ? [] : [[Number(digits), path]];
  });
}

async function pathsIn(folder: string, recursive: boolean): Promise<string[]> {
  try {
    return (await readdir(folder, { recursive })).map((name) => join(folder, name));
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return [];
    throw error;
  }
}
