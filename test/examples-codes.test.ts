/** docs/error-codes.md: what it calls wrong gets the code when it is dropped, and what it calls right does not. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from './support/mutation.ts';
import { testWorkspace } from './support/workspace.ts';

interface CodeExample {
  readonly code: string;
  /** The column that the code is about, or empty. */
  readonly column: string;
  readonly wrong: string;
  readonly right: string;
}

const EXAMPLES: readonly CodeExample[] = readFileSync(join(ROOT, 'docs', 'error-codes.md'), 'utf8')
  .split(/^### /m)
  .slice(1)
  .flatMap((section) => {
    const [, code = ''] = /^(\S+)\n/.exec(section) ?? [];
    const [, column = ''] = /Columns?: `(\w+)`/.exec(section) ?? [];
    const [, wrong] = /^- wrong: (.*)$/m.exec(section) ?? [];
    const [, right] = /^- right: (.*)$/m.exec(section) ?? [];
    return wrong === undefined || right === undefined ? [] : [{ code, column, wrong: cell(wrong), right: cell(right) }];
  });

/** What the page shows as code, or as an empty cell. */
function cell(shown: string): string {
  const [, text = ''] = /^`+ ?(.*?) ?`+$/.exec(shown) ?? [];
  return text.replaceAll(/<U\+([0-9A-F]{4})>/g, (_, number: string) =>
    String.fromCodePoint(Number.parseInt(number, 16)),
  );
}

/** Told in words: a case of fixtures/cases, whose report has the code, does what they say. */
const IN_WORDS: Readonly<Record<string, string>> = {
  SETTLED_BY_DATE_FORMAT_NOT_RECOGNISED: 'settled-by-date-that-does-not-exist',
  ORDER_NOT_FOUND: 'order-never-comes',
  ORDER_REF_ALREADY_EXISTS: 'order-reference-used-again',
  ORDER_REF_USED_BY_ANOTHER_CUSTOMER: 'order-reference-of-another-customer',
  INSTRUCTION_REF_ALREADY_EXISTS: 'same-reference-two-amounts',
  INSTRUCTION_NOT_FOUND: 'change-of-an-unknown-payout',
  INSTRUCTION_ALREADY_PROCESSED: 'payout-deleted-after-it-was-sent',
  CHANGE_NEEDS_APPROVAL: 'change-that-needs-an-approval',
  APPROVAL_REQUIRED: 'amount-that-needs-an-approval',
  PAYOUT_LIMIT_EXCEEDED: 'payout-over-its-limit',
  FILE_LIMIT_EXCEEDED: 'file-over-its-limit',
  DAY_LIMIT_EXCEEDED: 'day-over-its-limit',
  PAYEE_LIMIT_EXCEEDED: 'payee-over-the-limit-of-a-day',
  PAYEE_NOT_KNOWN: 'payee-never-paid-before',
  POSSIBLE_DUPLICATE: 'same-payee-and-amount-twice',
  REFERENCE_NEARLY_TAKEN: 'reference-that-lost-its-zeros',
  LAST_LINE_NOT_ENDED: 'last-line-not-ended',
  DATE_NOT_PLAUSIBLE: 'date-a-year-off',
  FILE_ENCODING_NOT_RECOGNISED: 'saved-as-unicode-text',
  FILE_TYPE_NOT_RECOGNISED: 'workbook-renamed-to-csv',
  FILE_SIZE_OUT_OF_RANGE: 'file-larger-than-allowed',
  FILE_ROWS_OUT_OF_RANGE: 'more-rows-than-allowed',
  FILE_CHECKSUM_MISMATCH: 'checksum-that-does-not-match',
  FILE_ALREADY_PROCESSED: 'same-file-twice',
  FILE_NOT_REGULAR: 'link-instead-of-a-file',
  FILE_HAS_ROW_ERRORS: 'one-bad-row-rejects-the-file',
};

type Row = Readonly<Record<string, string>>;

/** A row that is right, with references of its own. */
interface Rows {
  readonly instruction: Row;
  readonly order: Row;
}

function rowsOf(at: number): Rows {
  const refs = { customerRef: `C${at}`, orderRef: `ORDER${at}` };
  return {
    instruction: {
      ...{ ...refs, instructionRef: 'PI01' },
      ...{ amount: '210.00', openDate: '2026-11-21', dueDate: '2026-11-30' },
    },
    order: { ...refs, currency: 'INR', country: 'IN', scheme: '654EB81F-3A21-4A1E-9C0B-3B5C8F2D7E10' },
  };
}

const quoted = (value: string) => `"${value.replaceAll('"', '""')}"`;
const line = (row: Row) => Object.values(row).join();
const header = (row: Row) => Object.keys(row).join();

/** A file of one row. */
function file(row: Row): string {
  return `${Object.keys(row).map(quoted).join()}\n${Object.values(row).map(quoted).join()}\n`;
}

/** The number that an example names. */
function count(text: string): number {
  return Number(/\d[\d,]*/.exec(text)?.[0].replaceAll(',', '') ?? Number.NaN);
}

/** The file that an example stands for, where it is not the cell of one column. */
const FILES: Readonly<Record<string, (text: string, rows: Rows) => string>> = {
  // `openDate 2026-11-21, dueDate 2026-11-20`
  DUE_DATE_BEFORE_OPEN_DATE: (text, { instruction }) =>
    file({ ...instruction, ...Object.fromEntries(text.split(', ').map((part) => part.split(' '))) }),
  METADATA_COUNT_OUT_OF_RANGE: (text, { order }) => {
    const names = Array.from({ length: count(text) }, (_, at) => [`metadata.name ${at}`, 'x']);
    return file({ ...order, ...Object.fromEntries(names) });
  },
  METADATA_NAME_LENGTH_OUT_OF_RANGE: (text, { order }) => file({ ...order, [text]: 'x' }),
  METADATA_VALUE_LENGTH_OUT_OF_RANGE: (text, { order }) => file({ ...order, 'metadata.text': 'x'.repeat(count(text)) }),
  CONTROL_CHARACTER_NOT_ALLOWED: (text, { instruction }) => file({ ...instruction, narration: text }),
  TOTALS_ROW_NOT_ALLOWED: (text, { instruction }) => `${file(instruction)}${text.startsWith('Total') ? text : ''}\n`,
  // `PI01 in lines 2 and 3`
  REFERENCE_REPEATED_IN_FILE: (text, { instruction }) => {
    const rows = text.split(', ').flatMap((part) => {
      const [instructionRef = '', ...lines] = part.match(/PI\d+|\b\d+\b/g) ?? [];
      return lines.map(() => line({ ...instruction, instructionRef }));
    });
    return [header(instruction), ...rows, ''].join('\n');
  },
  COLUMN_COUNT_MISMATCH: (text, { instruction }) => `${header(instruction)}\n${text}\n`,
  QUOTE_NOT_CLOSED: (text, { instruction }) => `${header(instruction)},narration\n${line(instruction)},${text}\n`,
  LINE_LENGTH_OUT_OF_RANGE: (text, { instruction }) =>
    `${header(instruction)},narration\n${`${line(instruction)},`.padEnd(count(text), 'x')}\n`,
  FILE_IS_EMPTY: (text, { instruction }) => (count(text) === 0 ? '' : file(instruction)),
  FILE_HEADER_NOT_RECOGNISED: (text, { instruction }) =>
    `${text}\n${line(instruction).replaceAll(',', text.includes(';') ? ';' : ',')}\n`,
  FILE_HEADER_COLUMN_DUPLICATED: (text, { instruction: { amount = '', ...others } }) =>
    file({ ...others, ...Object.fromEntries(text.split(' and ').map((heading) => [heading, amount])) }),
};

/** What the records have already. */
const BEFORE: Readonly<Record<string, (rows: Rows) => string>> = {
  AMOUNT_PRECISION_OUT_OF_RANGE: ({ order }) => file(order),
  ACTION_NOT_RECOGNISED: ({ instruction }) => file(instruction),
};

/** The codes in the receipt of each example, all dropped at once. */
async function codesOf(which: 'wrong' | 'right'): Promise<Record<string, string[]>> {
  const workspace = testWorkspace({ provider: { currencies: ['INR', 'GBP'] } });
  for (const [at, { code, column, [which]: text }] of SHOWN.entries()) {
    const rows = rowsOf(at);
    const before = BEFORE[code]?.(rows);
    if (before !== undefined) workspace.drop(`0-before.${code}.csv`, before);
    const row = column in rows.order && !(column in rows.instruction) ? rows.order : rows.instruction;
    workspace.drop(`example.${code}.csv`, FILES[code]?.(text, rows) ?? file({ ...row, [column]: text }));
  }
  await workspace.pass({ send: false, lookUp: false });
  const receipts = workspace.outbox().filter((name) => /^example\..*\.receipt\.json$/.test(name));
  return Object.fromEntries(
    receipts.map((name) => {
      const receipt = JSON.parse(workspace.read(name)) as { errors: object; problem: { code: string } | null };
      return [name.split('.')[1], receipt.problem ? [receipt.problem.code] : Object.keys(receipt.errors)];
    }),
  );
}

const SHOWN = EXAMPLES.filter(({ code }) => !(code in IN_WORDS));

describe('an example of docs/error-codes.md', () => {
  it('that is called wrong gets that code, and no other', async () => {
    expect(SHOWN.length).toBeGreaterThan(40);
    expect(await codesOf('wrong')).toEqual(Object.fromEntries(SHOWN.map(({ code }) => [code, [code]])));
  });

  it('that is called right gets none', async () => {
    expect(await codesOf('right')).toEqual(Object.fromEntries(SHOWN.map(({ code }) => [code, []])));
  });

  it.each(Object.entries(IN_WORDS))('of %s, told in words, is the case %s', (code, name) => {
    expect(EXAMPLES.map((example) => example.code)).toContain(code);
    const folder = join(ROOT, 'fixtures', 'cases', name, 'expected');
    const reports = readdirSync(folder).map((report) => readFileSync(join(folder, report), 'utf8'));
    expect(reports.some((report) => report.includes(code))).toBe(true);
  });
});
