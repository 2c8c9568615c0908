/** The reports of the outbox, as the console serves them: by their names alone, and as they lie there. */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { isErrno } from '../../platform/durable.ts';
import type { Answer } from '../http.ts';

/** A name of a report, which is never a path. */
const NAME = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,200}\.(html|csv|json)$/;

/** Larger reports are read where they lie. */
const MOST_BYTES = 20_000_000;

const TYPES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  // A report page has its style in itself. It has no form, and needs nothing else.
  html: {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy':
      "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'",
    'x-frame-options': 'DENY',
  },
  csv: { 'content-type': 'text/csv; charset=utf-8' },
  json: { 'content-type': 'application/json' },
};

/** Undefined where there is no such report. */
export async function reportOf(outbox: string, name: string): Promise<Answer | 'too-large' | undefined> {
  const [, kind = ''] = NAME.exec(name) ?? [];
  const type = TYPES[kind];
  if (!type) return undefined;
  try {
    const file = await open(join(outbox, name), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const { size, isFile } = await file.stat().then((found) => ({ size: found.size, isFile: found.isFile() }));
      if (!isFile) return undefined;
      if (size > MOST_BYTES) return 'too-large';
      const saved = kind === 'csv' ? { 'content-disposition': `attachment; filename="${name}"` } : {};
      return { status: 200, headers: { ...type, ...saved }, body: await file.readFile() };
    } finally {
      await file.close();
    }
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ELOOP', 'EACCES', 'ENXIO')) return undefined;
    throw error;
  }
}
