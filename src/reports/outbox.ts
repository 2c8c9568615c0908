/** Publishes reports: each is complete or absent, and a report that may not be rewritten never is. */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, readdir, rm, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { type Draft, isErrno, openDraft, publishDurably, syncFolder, TEMPORARY_PREFIX } from '../platform/durable.ts';
import { INDEX_NAME, isIndexPage } from './index-page.ts';
import type { Report, RowReports } from './report.ts';

const REPORT_MODE = 0o640;

/** Far more than the page over all files ever has. */
const LONGEST_INDEX = 10_000_000;

export interface Published {
  readonly name: string;
  /** Hex, of the bytes in the outbox. */
  readonly sha256: string;
}

/** Writes the reports in their order. Throws when a report that is never rewritten exists with other bytes. */
export async function publish(outbox: string, reports: readonly Report[]): Promise<Published[]> {
  const published: Published[] = [];
  for (const report of reports) published.push(await publishOne(outbox, report));
  return published;
}

/** Writes reports side by side. Once all are complete, they get their names, one after another. */
export async function publishTogether(
  outbox: string,
  { names, pieces }: Pick<RowReports, 'names' | 'pieces'>,
): Promise<Published[]> {
  const sheets = (Object.keys(names) as (keyof typeof names)[]).map((key) => ({ key, name: names[key] }));
  const begun = new Map<string, ReportFile>();
  try {
    for await (const piece of pieces)
      for (const { key, name } of sheets) {
        if (piece[key].length === 0) continue;
        const file = begun.get(name) ?? (await openReportFile(join(outbox, name)));
        begun.set(name, file);
        await file.writer.add(piece[key]);
      }
    const published: Published[] = [];
    for (const { name } of sheets) {
      const file = begun.get(name);
      if (!file) continue;
      published.push({ name, sha256: await file.writer.end() });
      await file.draft.seal();
    }
    for (const { name } of sheets) await begun.get(name)?.draft.publish();
    return published;
  } catch (error) {
    for (const { draft } of begun.values()) await draft.discard();
    throw error;
  }
}

/**
 * Writes the page over all files, unless it is there with the same bytes. What has its name and is not a page that
 * paydrop wrote is left alone: then the result says what is in the way.
 */
export async function publishIndex(outbox: string, text: string): Promise<string | undefined> {
  const path = join(outbox, INDEX_NAME);
  const there = await textOf(path);
  if (there === text) return undefined;
  if (there !== undefined && !isIndexPage(there)) return `${path} is there and is not paydrop's`;
  await publish(outbox, [{ name: INDEX_NAME, content: text, kind: 'replace' }]);
  return undefined;
}

/** Undefined where nothing has the name; empty for a link, a folder and other things that are no file of ours. */
async function textOf(path: string): Promise<string | undefined> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const { size } = await file.stat();
      return size > LONGEST_INDEX ? '' : (await file.readFile()).toString();
    } finally {
      await file.close();
    }
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    if (isErrno(error, 'ELOOP', 'EISDIR', 'EACCES', 'ENXIO')) return '';
    throw error;
  }
}

interface ReportFile {
  readonly draft: Draft;
  readonly writer: Writer;
}

async function openReportFile(path: string): Promise<ReportFile> {
  const draft = await openDraft(path, REPORT_MODE, false);
  return { draft, writer: openWriter(draft.handle) };
}

/** Removes what a crashed writer left incomplete. Call it only while no other instance can be writing. */
export async function sweepOutbox(outbox: string): Promise<void> {
  for (const name of await readdir(outbox)) {
    if (name.startsWith(TEMPORARY_PREFIX)) await unlink(join(outbox, name));
  }
}

/** Removes reports, whichever of them are there. */
export async function removeReports(outbox: string, names: readonly string[]): Promise<void> {
  for (const name of names) await rm(join(outbox, name), { force: true });
  await syncFolder(outbox);
}

async function publishOne(outbox: string, report: Report): Promise<Published> {
  const path = join(outbox, report.name);
  let sha256 = '';
  const fresh = await publishDurably(path, REPORT_MODE, report.kind !== 'replace', async (handle) => {
    const writer = openWriter(handle);
    const pieces = typeof report.content === 'string' ? [report.content] : report.content;
    for await (const piece of pieces) await writer.add(piece);
    sha256 = await writer.end();
  });
  if (fresh) return { name: report.name, sha256 };
  const there = await sha256Of(path);
  if (there === undefined || (report.kind === 'once' && there !== sha256))
    throw new Error(`${path} is there and is not what we would write, and it is never rewritten: move it away`);
  return { name: report.name, sha256: there };
}

interface Writer {
  /** Takes text or UTF-8. Resolves while the content is still being written; only one piece is written at a time. */
  add(content: string | Uint8Array): Promise<void>;
  /** Hex SHA-256 of all that was written. */
  end(): Promise<string>;
}

function openWriter(handle: FileHandle): Writer {
  const hash = createHash('sha256');
  let writing = Promise.resolve();
  return {
    async add(content) {
      const bytes = typeof content === 'string' ? Buffer.from(content) : content;
      hash.update(bytes);
      await writing;
      writing = handle.writeFile(bytes);
      // The next `add` or `end` gets the error. Until then the rejection must not count as unhandled.
      writing.catch(() => undefined);
    },
    async end() {
      await writing;
      return hash.digest('hex');
    },
  };
}

/** Undefined for what is not a file of ours: a link that a person put there, or a folder. A pipe is not waited for. */
async function sha256Of(path: string): Promise<string | undefined> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      if (!(await file.stat()).isFile()) return undefined;
      const hash = createHash('sha256');
      for await (const chunk of file.createReadStream({ autoClose: false })) hash.update(chunk as Buffer);
      return hash.digest('hex');
    } finally {
      await file.close();
    }
  } catch (error) {
    if (isErrno(error, 'ELOOP', 'EISDIR')) return undefined;
    throw error;
  }
}
