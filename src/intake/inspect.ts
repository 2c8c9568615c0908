/** Inspects a whole file before its first row is read: its kind, where its rows begin, or why no row is taken in. */
import { closeSync, constants, openSync } from 'node:fs';
import type { FileProblem } from '../domain/codes.ts';
import { hashFile } from '../inbox/inbox.ts';
import type { Settings } from '../settings/settings.ts';
import type { IntakeProgress, NewFile } from '../store/store.ts';
import { type Columns, createInspector, type Inspection, readRows } from './rows.ts';
import {
  type Header,
  headerWatch,
  matchHeader,
  misplacedHeaderProblem,
  otherHeaderProblem,
  unnamedValueProblem,
} from './validate.ts';

export const NOTHING_READ: IntakeProgress = { offset: 0, line: 1, rows: 0, blankLines: 0, controlSum: '0' };

interface Spooled {
  readonly path: string;
  readonly size: number;
  readonly expectedSha256: string | undefined;
  readonly saidDone: boolean;
}

export async function inspect(settings: Settings, spooled: Spooled): Promise<Partial<NewFile>> {
  const watch = headerWatch(settings.columns, settings.provider.api);
  const inspector = createInspector({ maxRows: settings.intake.maxRows }, watch);
  const sha256 = await hashFile(spooled.path, (chunk) => inspector.push(chunk));
  const found = inspector.end();
  const facts = { sha256, size: spooled.size, finalNewline: found.finalNewline };
  const expected = spooled.expectedSha256;
  if (expected !== undefined && expected !== sha256) return { ...facts, problem: checksumProblem(expected, sha256) };
  const { header, separatorLines, headersAgain } = found;
  if (found.problem || !header) return { ...facts, problem: found.problem };
  const understood = understand(settings, spooled, found, header);
  if ('problem' in understood) return { ...facts, header: header.cells, problem: understood.problem };
  const { same, firstSame } = headersAgain;
  return {
    ...facts,
    kind: understood.header.kind,
    header: header.cells,
    proven: expected !== undefined,
    saidDone: spooled.saidDone,
    start: {
      ...NOTHING_READ,
      offset: header.nextOffset,
      line: header.nextLine,
      blankLines: header.line - 1 - separatorLines,
      ...(separatorLines > 0 ? { separatorLines } : {}),
      ...(same > 0 ? { headersAgain: { lines: same, first: firstSame } } : {}),
    },
  };
}

function understand(
  { columns, provider }: Settings,
  { path }: Spooled,
  { below, headersAgain }: Inspection,
  header: NonNullable<Inspection['header']>,
): { header: Header } | { problem: FileProblem } {
  const matched = matchHeader(header.cells, columns, provider.api);
  if ('problem' in matched) return { problem: misplacedHeaderProblem(header, below, columns) ?? matched.problem };
  if (headersAgain.other) return { problem: otherHeaderProblem(header.line, headersAgain.other) };
  const problem = matched.header.unnamed ? unnamedValue(path, header, matched.header.width) : undefined;
  return problem ? { problem } : matched;
}

/** Reads the whole file once more. Only called for a file that has columns without a heading. */
function unnamedValue(
  path: string,
  { cells, nextOffset, nextLine }: NonNullable<Inspection['header']>,
  width: Columns,
): FileProblem | undefined {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    for (const { rows } of readRows(fd, { offset: nextOffset, line: nextLine }, width)) {
      for (const row of rows) {
        const problem = row.kind === 'row' ? unnamedValueProblem(cells, row) : undefined;
        if (problem) return problem;
      }
    }
    return undefined;
  } finally {
    closeSync(fd);
  }
}

function checksumProblem(expected: string, found: string): FileProblem {
  const message =
    expected === ''
      ? 'The .sha256 file beside it has no checksum for this file.'
      : `The .sha256 file beside it says ${expected}, but the file has ${found}: it was changed or not copied whole.`;
  return fileProblem('FILE_CHECKSUM_MISMATCH', found, message);
}

export function fileProblem(code: FileProblem['code'], value: string, message: string): FileProblem {
  return { code, column: '', value, message };
}
