/** Reads and checks a file's rows, batch by batch: every check that needs no store. */
import { closeSync, constants, openSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Decimal, openSum, parseDecimal } from '../domain/money.ts';
import type { Settings } from '../settings/settings.ts';
import type { IntakeProgress } from '../store/store.ts';
import { damaged, type Rejected, rejected } from './rejected.ts';
import { cellsOf, type Row, type RowBatch, readRows } from './rows.ts';
import {
  beside,
  checkInstruction,
  checkOrder,
  type Header,
  headerWatch,
  type InstructionCheck,
  type OrderCheck,
  originalCells,
} from './validate.ts';

export type Passed = Extract<OrderCheck | InstructionCheck, { ok: true }>;

/** A row that may be taken in, or a row that is rejected whatever the store holds. */
export type CheckedRow =
  | { readonly row: Row; readonly check: Passed }
  | {
      readonly rejected: Rejected;
      /** The amount, if it can be read: it counts in the control total. */
      readonly amount: Decimal | undefined;
    };

export interface CheckedBatch extends Omit<RowBatch, 'rows'> {
  readonly rows: readonly CheckedRow[];
}

/** The file to read, the place to begin, and what its rows are checked against. */
export interface Source {
  readonly path: string;
  readonly from: Pick<IntakeProgress, 'offset' | 'line' | 'controlSum'>;
  readonly size: number;
  readonly header: Header;
  readonly accepted: Pick<Settings['provider'], 'currencies'>;
  /** How much of the file is read at once; undefined for the usual amount. */
  readonly batchBytes: number | undefined;
  /** If the file repeats its header: the header's cells, and the `columns` setting. */
  readonly headerAgain: { readonly cells: readonly string[]; readonly columns: Settings['columns'] } | undefined;
}

const ZERO: Decimal = { units: 0n, scale: 0 };

/** So many rows are checked before signals, timers and the answers of a server get their turn. */
const ROWS_A_TURN = 100;

export async function* checkedRows(source: Source): AsyncGenerator<CheckedBatch, void> {
  const { path, from, header, accepted } = source;
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  const checkCells = header.kind === 'orders' ? checkOrder : checkInstruction;
  const above = openSum();
  above.include(parseDecimal(from.controlSum) ?? ZERO);
  const checked = (found: RowBatch['rows'][number]): CheckedRow => {
    if (found.kind === 'damaged')
      return { rejected: damaged({ ...found, raw: originalCells(header, found.raw) }), amount: undefined };
    const row = header.escaped ? unprotected(header, found) : found;
    const check = checkCells(header, found.cells, accepted);
    const amount = 'amount' in check ? check.amount : undefined;
    // Nearly every amount is a short text, and a text is added up without an object for each amount.
    if (check.ok && 'content' in check) above.add(check.content.amount);
    else if (amount) above.include(amount);
    if (check.ok) return { row, check };
    return { rejected: rejected(row, check.fields, beside(check.errors, above.total)), amount };
  };
  try {
    for (const batch of readRows(fd, from, header.width, headerFinder(source), source.batchBytes)) {
      const rows: CheckedRow[] = [];
      for (const found of batch.rows) {
        rows.push(checked(found));
        if (rows.length % ROWS_A_TURN === 0) await nextTurn();
      }
      yield { ...batch, rows };
    }
  } finally {
    closeSync(fd);
  }
}

function headerFinder({ header, headerAgain }: Source): (line: string) => boolean {
  if (!headerAgain) return () => false;
  const watch = headerWatch(headerAgain.columns, header.api);
  return (line) => {
    const cells = cellsOf(line);
    return cells !== undefined && watch(headerAgain.cells, cells) === 'same';
  };
}

/** The row as it first came: a rejected.csv that is dropped again has cells that we protected against formulas. */
function unprotected(header: Header, row: Row): Row {
  const raw = originalCells(header, row.raw);
  return { ...row, raw };
}
