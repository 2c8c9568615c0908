/** Files taken in as a pass takes them in, through inbox, intake and store; their reports stay in memory. */
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { takeIn } from '../../src/intake/intake.ts';
import { openWorkspace } from '../../src/service/workspace.ts';
import type { FileRecord, ResultRow, Store } from '../../src/store/port.ts';
import { fileReports } from '../report-samples.ts';
import { testClock } from '../support/clock.ts';

export const BUSINESS_DATE = '2026-03-02';

export interface Dropped {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** What stands in NAME.sha256. */
  readonly sha256?: string;
}

/** What one receipt says, as far as it is looked at. */
interface Receipt {
  readonly verdict: string;
  readonly sha256: string;
  readonly size: number;
  readonly problem: { readonly code: string } | null;
  readonly integrity: { readonly sha256File: string; readonly lastLineEnded: boolean };
  readonly rows: {
    readonly read: number;
    readonly reported: number;
    readonly blankLines: number;
    readonly separatorLines?: number;
    readonly headersAgain?: { readonly lines: number; readonly first: number };
  };
  readonly controlSum: { readonly in: string; readonly out: string };
}

export interface Taken {
  readonly file: FileRecord;
  readonly receipt: Receipt;
  /** The rows of result.csv, by heading; none when there is no such report. */
  readonly rows: readonly Record<string, string>[];
}

export interface Taking {
  readonly store: Store;
  /** In the order in which they were dropped. */
  take(...files: readonly Dropped[]): Promise<Taken[]>;
  close(): Promise<void>;
}

/** A workspace of its own, for as many files as one likes. */
export async function openTaking(settings: object = {}): Promise<Taking> {
  const root = mkdtempSync(join(tmpdir(), 'paydrop-input-'));
  const inbox = join(root, 'inbox');
  mkdirSync(inbox);
  const intake = { settle: '0s', ...('intake' in settings ? (settings.intake as object) : {}) };
  writeFileSync(join(root, 'paydrop.json'), JSON.stringify({ schedule: { timeZone: 'UTC' }, ...settings, intake }));
  const tools = await openWorkspace({ workspace: root, env: {}, clock: testClock() });

  return {
    store: tools.store,
    async take(...files) {
      for (const { name, bytes, sha256 } of files) {
        if (sha256 !== undefined) writeFileSync(join(inbox, `${name}.sha256`), sha256);
        writeFileSync(join(inbox, name), bytes);
      }
      const { ready } = await tools.inbox.scan(0);
      for (const name of ready) await tools.inbox.claim(name);
      const registered = new Map((await takeIn(tools, BUSINESS_DATE)).map((file) => [file.name, file.number]));
      const taken: Taken[] = [];
      for (const { name } of files) {
        const file = await tools.store.file(registered.get(name) ?? -1);
        if (!file) throw new Error(`${name} was not registered`);
        const reports = await fileReports(
          file,
          () => pagesOf(tools.store, file.number),
          file.duplicateOf === undefined ? undefined : await tools.store.file(file.duplicateOf),
          tools.report,
        );
        const texts = new Map([...reports].map(([name, text]) => [name.split('.').slice(-2).join('.'), text]));
        taken.push({
          file,
          receipt: JSON.parse(texts.get('receipt.json') ?? 'null'),
          rows: parse(texts.get('result.csv') ?? '', { columns: true }),
        });
      }
      return taken;
    },
    async close() {
      await tools.close();
      rmSync(root, { recursive: true, force: true });
    },
  };
}

export function checksumOf(bytes: Uint8Array, name: string): string {
  return `${createHash('sha256').update(bytes).digest('hex')}  ${name}\n`;
}

async function* pagesOf(store: Store, file: number): AsyncGenerator<readonly ResultRow[]> {
  yield await store.resultRows(file, 0, Number.MAX_SAFE_INTEGER);
}
