/**
 * The last file of a dry run. A plain row of this file creates an instruction that no other row of the file is about.
 * No file comes after it, so no later step asks for that instruction. Such rows are decided like all others, and are
 * then added up instead of recorded.
 */
import { ADVISED_LENGTHS, PAYOUT_FIELDS, type PayoutDetails } from '../domain/instruction.ts';
import { currencyExponent } from '../domain/iso.ts';
import { formatMinor } from '../domain/money.ts';
import { openTally, type Part, type Tally } from '../reports/reports.ts';
import type { FileRecord, ResultRow, RowRecord, Store } from '../store/store.ts';

type PlainRow = Extract<RowRecord, { kind: 'instruction' }>;

/** The store to take files in with, and the totals of the rows of a file that this store did not record. */
export function addingUpLast(store: Store): { store: Store; addedUp(file: number): Part | undefined } {
  let last: { file: FileRecord; tally: Tally } | undefined;
  return {
    store: {
      ...store,
      async unfinishedFiles() {
        const files = await store.unfinishedFiles();
        const file = files.at(-1);
        last = file && { file, tally: openTally(file) };
        return files;
      },
      async recordRows(file, rows, upTo, moment) {
        if (file !== last?.file.number) return store.recordRows(file, rows, upTo, moment);
        const recorded = await store.recordRows(
          file,
          rows.filter((row) => !isPlain(row)),
          upTo,
          moment,
        );
        if (recorded === 'recorded') for (const row of rows) if (isPlain(row)) last.tally.add(resultOf(row, moment.at));
        return recorded;
      },
    },
    addedUp: (file) => (file === last?.file.number ? last.tally.part() : undefined),
  };
}

function isPlain(row: RowRecord): row is PlainRow {
  return row.kind === 'instruction' && row.unrepeated === true;
}

const NOTHING: never[] = [];

/** The row as the store would return it. */
function resultOf({ line, ref, content, payout, status, amountMinor, currency }: PlainRow, at: string): ResultRow {
  const exponent = currencyExponent(currency ?? '');
  const known = amountMinor !== undefined && exponent !== undefined;
  return {
    line,
    customerRef: ref.customerRef,
    orderRef: ref.orderRef,
    instructionRef: ref.instructionRef,
    amount: known ? formatMinor(amountMinor, exponent) : content.amount,
    currency: currency ?? '',
    openDate: content.openDate,
    dueDate: content.dueDate,
    status,
    code: '',
    message: '',
    errors: NOTHING,
    raw: NOTHING,
    other: undefined,
    clientRefId: '',
    orderRefId: '',
    bankReference: '',
    attempts: 0,
    submittedAt: '',
    updatedAt: at,
    late: false,
    overLong: PAYOUT_FIELDS.some((name) => isOverLong(payout, name))
      ? PAYOUT_FIELDS.filter((name) => isOverLong(payout, name))
      : NOTHING,
  };
}

/** Counts characters as people do: code points, not code units. */
function isOverLong(payout: PayoutDetails, name: keyof PayoutDetails): boolean {
  const text = payout[name];
  return text.length > ADVISED_LENGTHS[name] && [...text].length > ADVISED_LENGTHS[name];
}
