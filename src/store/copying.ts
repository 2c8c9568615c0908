/**
 * Copies records from one adapter to another, row by row and page by page, so that any number of them fits into memory.
 * A row's values are texts, so that both sides can be compared.
 */
import type { Progress } from '../platform/progress.ts';
import type { Store } from './port.ts';
import { differenceText, verify } from './verify.ts';

/** A row's values in the order of the columns. Truth is 1 or 0, and bytes are hexadecimal. */
export type Row = readonly (string | null)[];

export interface Column {
  readonly name: string;
  /** As the server names it. */
  readonly type: string;
}

export interface Table {
  readonly name: string;
  readonly columns: readonly Column[];
  /** By which its rows are sorted. */
  readonly key: readonly string[];
}

/** The tables that both adapters have, each after those that it refers to. */
export const COPIED: readonly Pick<Table, 'name' | 'key'>[] = [
  { name: 'files', key: ['number'] },
  { name: 'runs', key: ['number'] },
  { name: 'audit', key: ['seq'] },
  { name: 'orders', key: ['id'] },
  { name: 'instructions', key: ['id'] },
  { name: 'instruction_refs', key: ['customer_ref', 'order_ref', 'instruction_ref'] },
  { name: 'rows', key: ['id'] },
  { name: 'conflicts', key: ['row'] },
  { name: 'rejected_since', key: ['row'] },
  { name: 'statements', key: ['instruction', 'statement'] },
  { name: 'amendments', key: ['id'] },
  { name: 'attempts', key: ['instruction', 'attempt'] },
  { name: 'sends', key: ['instruction', 'send'] },
  { name: 'published', key: ['about', 'number', 'name'] },
  { name: 'facts', key: ['name'] },
  { name: 'decisions', key: ['seq'] },
  { name: 'closings', key: ['seq'] },
  { name: 'forgotten_files', key: ['file'] },
  { name: 'payees', key: ['payee', 'currency', 'amount_minor', 'instruction'] },
  { name: 'resemblances', key: ['instruction'] },
  { name: 'approvals', key: ['seq'] },
  { name: 'decision_files', key: ['number'] },
  { name: 'webhooks', key: ['instruction'] },
  { name: 'sign_ins', key: ['link'] },
];

export const PAGE_ROWS = 2_000;

/** Records that are read, at one moment. */
export interface Source {
  pages(table: Table): AsyncIterable<readonly Row[]> | Iterable<readonly Row[]>;
}

/** Records that are written, in one transaction. */
export interface Target extends Source {
  readonly tables: readonly Table[];
  write(table: Table, rows: readonly Row[]): Promise<void>;
}

/** Returns how many rows were copied. */
export async function copyRows(source: Source, target: Target, progress: Progress): Promise<number> {
  let copied = 0;
  for (const table of target.tables)
    for await (const rows of source.pages(table)) {
      await target.write(table, rows);
      copied += rows.length;
      progress.report('copying the records', copied);
    }
  return copied;
}

/** Compares every value of every row. Returns where the first difference is, or undefined. */
export async function firstDifference(source: Source, target: Target, progress: Progress): Promise<string | undefined> {
  let compared = 0;
  for (const table of target.tables) {
    const copies = target.pages(table) as AsyncIterable<readonly Row[]>;
    const copied = copies[Symbol.asyncIterator]();
    for await (const rows of source.pages(table)) {
      const { value } = (await copied.next()) as { value: readonly Row[] | undefined };
      const at = rows.findIndex((row, index) => JSON.stringify(row) !== JSON.stringify(value?.[index]));
      if (at >= 0 || value?.length !== rows.length)
        return `${table.name}, row ${compared + Math.max(at, 0) + 1} of all`;
      compared += rows.length;
      progress.report('comparing the copy with the records', compared);
    }
    const { done } = await copied.next();
    if (!done) return `${table.name}: it has rows of its own`;
  }
  return undefined;
}

/** What is wrong with the audit chain of a copy, or with its records by the chain; undefined where all is well. */
export async function unsound(store: Store, progress: Progress): Promise<string | undefined> {
  const { broken, difference } = await verify(store, progress);
  if (broken !== undefined) return `entry ${broken} of the audit log does not follow from the one before it`;
  return difference && differenceText(difference);
}
