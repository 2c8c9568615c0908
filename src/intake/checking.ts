/**
 * A file's rows, read and checked, batch by batch: all that can be said of a row without the store. A large file's are
 * checked in a thread of their own, ahead of the decisions; the batches are the same.
 */
import { closeSync, constants, existsSync, openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Settings } from '../config.ts';
import type { Decimal } from '../money.ts';
import { type Row, type RowBatch, readRows } from '../rows.ts';
import {
  checkInstruction,
  checkOrder,
  type Header,
  type InstructionCheck,
  type OrderCheck,
  originalCells,
} from '../validate.ts';
import { damaged, type Rejected, rejected } from './rejected.ts';

export type Passed = Extract<OrderCheck | InstructionCheck, { ok: true }>;

/** A row that may be taken in, or what it is recorded as whatever else is known. */
export type CheckedRow =
  | { readonly row: Row; readonly check: Passed }
  | {
      readonly rejected: Rejected;
      /** As far as it could be read: it counts in the control total. */
      readonly amount: Decimal | undefined;
    };

export interface CheckedBatch extends Omit<RowBatch, 'rows'> {
  readonly rows: readonly CheckedRow[];
}

/** What is read, from where on, and against what it is checked. Can be handed to a thread. */
export interface Source {
  readonly path: string;
  readonly from: { readonly offset: number; readonly line: number };
  readonly size: number;
  readonly header: Header;
  readonly accepted: Pick<Settings['provider'], 'currencies'>;
}

/** A smaller file is checked before a thread has started. */
const WORTH_A_THREAD_BYTES = 4_000_000;

/** Threads run what was built, and lies in one folder: from the sources there is none, and all is done in this one. */
const THREAD = fileURLToPath(new URL('./checking-thread.js', import.meta.url));

export async function* checkedRows(source: Source): AsyncGenerator<CheckedBatch> {
  const { size, from, header } = source;
  if (header.kind === 'instructions' && size - from.offset > WORTH_A_THREAD_BYTES && existsSync(THREAD))
    yield* (await import('./ahead.ts')).checkedAhead(source, THREAD);
  else yield* checkedHere(source);
}

export function* checkedHere({ path, from, header, accepted }: Source): Generator<CheckedBatch> {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  const checkCells = header.kind === 'orders' ? checkOrder : checkInstruction;
  try {
    for (const batch of readRows(fd, from, header.columns.length)) {
      const rows = batch.rows.map((found): CheckedRow => {
        if (found.kind === 'damaged') return { rejected: damaged(found), amount: undefined };
        const row = header.escaped ? unprotected(header, found) : found;
        const check = checkCells(header, found.cells, accepted);
        if (check.ok) return { row, check };
        return { rejected: rejected(row, check.fields, check.errors), amount: check.amount };
      });
      yield { ...batch, rows };
    }
  } finally {
    closeSync(fd);
  }
}

/** The row as it first came: a rejected.csv that is dropped back has cells that we protected against formulas. */
function unprotected(header: Header, row: Row): Row {
  const raw = originalCells(header, row.raw);
  return { kind: 'row', line: row.line, text: row.text, cells: row.cells, raw };
}
