/** The catalogue of bad inputs: what may be wrong with a file, and the code that says so. */
import type { RowCode } from '../../src/domain/codes.ts';
import type { InstructionContent } from '../../src/domain/instruction.ts';
import { type Accepted, bytesOf, type Line, plainLine } from './files.ts';
import { cells, changeLine, header, headerOf, line, lines, type Mistake, raw, rejected, whole } from './mistakes.ts';

/** Rows that are there before, with references that a row can collide with. */
export const STANDING_INSTRUCTIONS = [
  'customerRef,orderRef,instructionRef,amount,openDate,dueDate,action',
  'C1,O-INR,STANDING,5,2026-03-05,2026-03-06,',
  'C1,O-INR,DELETED,5,2026-03-05,2026-03-06,',
  'C1,O-INR,DELETED,,,,DELETE',
  '',
].join('\n');

/** A valid file is within them, whatever is strewn into it: at most 8 rows, 9 blank lines, two lines before each. */
export const LIMITS = { maxFileSize: '150KB', maxRows: 60 };
const LINE_LIMIT_BYTES = 65_536;

const INVALID_REF: RowCode[] = ['INSTRUCTION_REF_CONTAINS_INVALID_CHARACTERS'];
const CONTROL: RowCode[] = ['CONTROL_CHARACTER_NOT_ALLOWED'];
const same = (row: Accepted) => row;

/** A detail that is data, whatever it looks like. */
function asData(item: number, label: string, column: 'contactId' | 'narration' | 'remark', text: string): Mistake {
  return cells(item, label, { [column]: text }, (row) => {
    const content = row.content as InstructionContent;
    return { ...row, content: { ...content, details: { ...content.details, [column]: text } } };
  });
}

/** Amounts of an order in rupees. */
function amount(label: string, text: string, ...codes: RowCode[]): Mistake {
  return cells(17, `the amount ${label}`, { orderRef: 'O-INR', amount: text }, codes);
}

function amountTaken(label: string, text: string, inRupees: string, canonical: string): Mistake {
  return cells(17, `the amount ${label}, which is one`, { orderRef: 'O-INR', amount: text }, (row) => ({
    ...row,
    orderRef: 'O-INR',
    currency: 'INR',
    amount: inRupees,
    status: row.openDate > '2026-03-02' ? 'scheduled' : 'ready',
    content: { ...(row.content as InstructionContent), amount: canonical },
  }));
}

const reference = (item: number, label: string, text: string, ...more: RowCode[]) =>
  cells(item, label, { instructionRef: text }, [...INVALID_REF, ...more]);

const headerLine = (columns: readonly string[]) =>
  plainLine(columns, Object.fromEntries(columns.map((column) => [column, column])));

const FILE_LEVEL: readonly Mistake[] = [
  whole(1, 'no bytes', 'FILE_IS_EMPTY', () => ''),
  whole(1, 'a byte order mark alone', 'FILE_IS_EMPTY', () => '\uFEFF'),
  whole(1, 'blank lines alone', 'FILE_IS_EMPTY', () => ' \r\n\t\n\n'),
  lines(2, 'a header without rows', 'instructions', [], (all) => [headerOf(all)]),
  header(3, 'a required column missing', 'FILE_HEADER_NOT_RECOGNISED', (columns) =>
    columns.map((column) => (column === 'amount' ? 'mode' : column)).join(','),
  ),
  header(3, 'an unknown column', 'FILE_HEADER_NOT_RECOGNISED', (columns) => `${columns},beneficiary`),
  header(3, 'a column called __proto__', 'FILE_HEADER_NOT_RECOGNISED', (columns) => `__proto__,${columns}`),
  header(3, 'a column called constructor', 'FILE_HEADER_NOT_RECOGNISED', (columns) => `${columns},constructor`),
  lines(3, 'columns with neither heading nor value', 'instructions', [], (all) =>
    all.map((each) => ({ ...each, text: `${each.text},,` })),
  ),
  whole(3, 'a column without a heading and with one value', 'FILE_HEADER_NOT_RECOGNISED', (_, all, { style }) => {
    const wider = all.map((each) => ({ ...each, text: `${each.text},` }));
    return bytesOf(
      changeLine(wider, 1, (line) => [{ ...line, text: `${line.text}see Anna` }]),
      style,
    );
  }),
  whole(3, 'a title above the header', 'FILE_HEADER_NOT_RECOGNISED', (bytes) =>
    Buffer.concat([Buffer.from('November payouts,,,\n,,,\n'), bytes]),
  ),
  header(3, 'a column twice', 'FILE_HEADER_COLUMN_DUPLICATED', (columns) => `${columns},amount`),
  header(3, 'a column twice in two spellings', 'FILE_HEADER_COLUMN_DUPLICATED', (columns) => `${columns},Due_Date`),
  header(3, "another API's column", 'FILE_HEADER_NOT_RECOGNISED', (columns) => `${columns},financialInstrumentId`),
  header(3, 'a bad quote in the header', 'FILE_HEADER_NOT_RECOGNISED', (columns) => `"${columns}`),
  header(3, 'no header', 'FILE_HEADER_NOT_RECOGNISED', () => 'C1,O-INR,P1,210.00,2026-03-02,2026-03-06'),
  whole(4, 'UTF-16', 'FILE_ENCODING_NOT_RECOGNISED', (bytes) => Buffer.from(`\uFEFF${bytes}`, 'utf16le')),
  whole(4, 'UTF-16 without a mark', 'FILE_ENCODING_NOT_RECOGNISED', () =>
    Buffer.from('customerRef,orderRef', 'utf16le'),
  ),
  whole(4, 'UTF-16 the other way round', 'FILE_ENCODING_NOT_RECOGNISED', (bytes) =>
    Buffer.from(`\uFEFF${bytes}`, 'utf16le').swap16(),
  ),
  ...[
    ['latin-1', [0x4a, 0x6f, 0x73, 0xe9]],
    ['an overlong form', [0xc0, 0xaf]],
    ['half a surrogate pair', [0xed, 0xa0, 0x80]],
    ['the beginning of a character at the end', [0xf0, 0x9f, 0x98]],
  ].map(([label, bad]) =>
    whole(4, String(label), 'FILE_ENCODING_NOT_RECOGNISED', (bytes) =>
      Buffer.concat([bytes, Buffer.from(bad as number[])]),
    ),
  ),
  header(4, 'UTF-7', 'FILE_HEADER_NOT_RECOGNISED', (columns) => `+/v8-${columns}`),
  ...[
    ['a workbook', Buffer.from('PK\x03\x04', 'latin1')],
    ['a gzip archive', Buffer.from([0x1f, 0x8b, 8, 0])],
    ['a PDF', Buffer.from('%PDF-1.7\n')],
    ['an old workbook', Buffer.from([0xd0, 0xcf, 0x11, 0xe0])],
    ['a web page', Buffer.from('<!DOCTYPE html>\n')],
  ].map(([label, magic]) =>
    whole(5, `${label} in disguise`, 'FILE_TYPE_NOT_RECOGNISED', (bytes) => Buffer.concat([magic as Buffer, bytes])),
  ),
  ...[';', '\t', '|'].map((separator) =>
    whole(6, `${JSON.stringify(separator)} for a separator`, 'FILE_HEADER_NOT_RECOGNISED', (_, __, sheet) =>
      [sheet.columns, ['C1', 'O1']].map((texts) => texts.join(separator)).join('\n'),
    ),
  ),
  lines(6, 'a line that names the comma as separator', 'instructions', [], (all) => [
    { text: 'sep=,', end: '\r\n', fate: { kind: 'none' } },
    ...all,
  ]),
  whole(6, 'a line that names another separator', 'FILE_HEADER_NOT_RECOGNISED', (bytes) =>
    Buffer.concat([Buffer.from('sep=;\n'), bytes]),
  ),
  raw(6, 'a decimal comma', 'amount', '1,00', ['COLUMN_COUNT_MISMATCH']),
  whole(7, 'CR alone for a line end', 'FILE_HEADER_NOT_RECOGNISED', (_, all) => all.map(({ text }) => text).join('\r')),
  lines(7, 'LF after the header and CR LF after rows', 'instructions', [], (all) =>
    all.map((each) => ({ ...each, end: each === headerOf(all) ? '\n' : '\r\n' })),
  ),
  raw(7, 'CR alone in a cell', 'narration', 'a\rb', CONTROL),
  raw(7, 'CR at the end of a cell', 'narration', 'a\r ', CONTROL),
  lines(8, 'no line end at the end', 'instructions', [], (all) =>
    all.map((each, at) => (at === all.length - 1 ? { ...each, end: '' } : each)),
  ),
  lines(9, 'a trailer, which there is not', 'instructions', ['COLUMN_COUNT_MISMATCH'], (all) => [
    ...all,
    rejected('TRAILER,3,630.00', 'COLUMN_COUNT_MISMATCH'),
  ]),
  lines(9, 'two trailers and rows between them', 'orders', ['COLUMN_COUNT_MISMATCH'], (all, row) => [
    ...changeLine(all, row, (line) => [rejected('T;1', 'COLUMN_COUNT_MISMATCH'), line]),
    rejected('T;3', 'COLUMN_COUNT_MISMATCH'),
  ]),
  lines(9, 'a totals row', 'instructions', ['TOTALS_ROW_NOT_ALLOWED'], (all, _, { columns }) => [
    ...all.map((each) => ({ ...each, end: each.end || ('\n' as const) })),
    rejected(plainLine(columns, { customerRef: 'Total', amount: '630.00' }), 'TOTALS_ROW_NOT_ALLOWED'),
  ]),
  lines(9, 'a totals row of orders', 'orders', ['TOTALS_ROW_NOT_ALLOWED'], (all, row, { columns }) =>
    changeLine(all, row, (line) => [
      line,
      rejected(plainLine(columns, { orderRef: 'Total', customerRef: '3' }), 'TOTALS_ROW_NOT_ALLOWED'),
    ]),
  ),
  ...(['orders', 'instructions'] as const).flatMap((kind) =>
    ['', '\uFEFF'].map((mark) =>
      lines(10, `the header of ${kind} again${mark && ', with its mark'}`, kind, [], (all, row, { columns }) =>
        changeLine(all, row, (line) => [
          line,
          { text: mark + headerLine(columns), end: '\r\n', fate: { kind: 'none' } },
        ]),
      ),
    ),
  ),
  whole(10, 'a header in another order in the middle', 'FILE_HEADER_NOT_RECOGNISED', (_, all, sheet) =>
    bytesOf(
      changeLine(all, 1, (line) => [line, { ...line, text: headerLine(sheet.columns.toReversed()) }]),
      sheet.style,
    ),
  ),
  whole(10, 'a header with a column more in the middle', 'FILE_HEADER_NOT_RECOGNISED', (_, all, sheet) =>
    bytesOf(
      changeLine(all, 0, (line) => [line, { ...line, text: headerLine([...sheet.columns, 'metadata.more']) }]),
      sheet.style,
    ),
  ),
  lines(11, 'blank lines in the middle and at the end', 'instructions', [], (all, row) => [
    ...changeLine(all, row, (line) => [{ text: '\t ', end: '\r\n', fate: { kind: 'none' } }, line]),
    { text: '', end: '\n', fate: { kind: 'none' } },
    { text: '  ', end: '\n', fate: { kind: 'none' } },
  ]),
  ...[',', ',,,,,,,,,,,,,,,,', '"",""', ' ,\t," "'].map((text) =>
    lines(11, `a line of nothing but empty cells (${text.slice(0, 9)})`, 'instructions', [], (all, row) =>
      changeLine(all, row, (line) => [line, { text, end: '\n', fate: { kind: 'none' } }]),
    ),
  ),
  cells(12, 'Ctrl-Z in a value', { narration: 'a\x1ab' }, CONTROL),
  cells(12, 'an escape sequence in a value', { remark: '\x1b[31mred' }, CONTROL),
  lines(12, 'Ctrl-Z at the end', 'instructions', ['COLUMN_COUNT_MISMATCH'], (all) => [
    ...all,
    rejected('\x1a', 'COLUMN_COUNT_MISMATCH'),
  ]),
  whole(12, 'NUL near the beginning', 'FILE_TYPE_NOT_RECOGNISED', (bytes) =>
    Buffer.concat([bytes.subarray(0, 40), Buffer.alloc(3), bytes.subarray(40)]),
  ),
  whole(12, 'NUL far from the beginning', 'FILE_TYPE_NOT_RECOGNISED', (bytes) =>
    Buffer.concat([bytes, Buffer.from(`${'.'.repeat(5_000)}\0b`)]),
  ),
  line(13, 'a line of more than 64 KB', (text) => text + 'x'.repeat(LINE_LIMIT_BYTES), ['LINE_LENGTH_OUT_OF_RANGE']),
  line(13, 'blanks of more than 64 KB', () => ' '.repeat(LINE_LIMIT_BYTES + 1), ['LINE_LENGTH_OUT_OF_RANGE']),
  header(
    13,
    'a header of more than 64 KB',
    'FILE_HEADER_NOT_RECOGNISED',
    (columns) => `${columns},${'x'.repeat(LINE_LIMIT_BYTES)}`,
  ),
  header(13, 'ten thousand columns', 'FILE_HEADER_NOT_RECOGNISED', (columns) => `${columns}${',x'.repeat(10_000)}`),
  line(13, 'a row of ten thousand columns', (text) => `${text}${','.repeat(10_000)}x`, ['COLUMN_COUNT_MISMATCH']),
  whole(13, 'more bytes than allowed', 'FILE_SIZE_OUT_OF_RANGE', (bytes) =>
    Buffer.concat([bytes, Buffer.alloc(150_000, '\n')]),
  ),
  whole(
    13,
    'more rows than allowed',
    'FILE_ROWS_OUT_OF_RANGE',
    (bytes) => `${bytes}${'\nx'.repeat(LIMITS.maxRows + 1)}`,
  ),
  whole(14, 'the same bytes again', 'FILE_ALREADY_PROCESSED', (bytes) => ({ bytes, earlier: bytes })),
  whole(8, 'a checksum of another file', 'FILE_CHECKSUM_MISMATCH', (bytes) => ({
    bytes,
    sha256: `${'0'.repeat(64)}\n`,
  })),
];

const ROW_STRUCTURE: readonly Mistake[] = [
  line(15, 'a quote that is not closed, in front', (text) => `"${text}`, ['QUOTE_NOT_CLOSED']),
  line(15, 'a stray quote at the end', (text) => `${text}"`, ['QUOTE_NOT_CLOSED']),
  raw(15, 'a stray quote in a value', 'narration', '12" pipes', ['QUOTE_NOT_CLOSED']),
  raw(15, 'a quote after a space', 'narration', ' "x"', ['QUOTE_NOT_CLOSED']),
  raw(15, 'something behind the closing quote', 'narration', '"x" y', ['QUOTE_NOT_CLOSED']),
  raw(15, 'doubled quotes, which are right', 'customerRef', '"C1"', same),
  lines(15, 'two stray quotes that balance over two lines', 'instructions', ['QUOTE_NOT_CLOSED'], (all, row) =>
    changeLine(
      changeLine(all, row + 1, (next) => [rejected(`${next.text}"`, 'QUOTE_NOT_CLOSED')]),
      row,
      (line) => [rejected(`"${line.text}`, 'QUOTE_NOT_CLOSED')],
    ),
  ),
  raw(15, 'a value with line breaks', 'narration', '"Rent\r\n\n""November"""', ['QUOTE_NOT_CLOSED']),
  lines(15, 'a value with a line break in a column too many', 'instructions', ['QUOTE_NOT_CLOSED'], (all, row) =>
    changeLine(all, row, ({ text }) => [
      rejected(`${text},"Rent`, 'QUOTE_NOT_CLOSED'),
      rejected('November"', 'QUOTE_NOT_CLOSED'),
    ]),
  ),
  lines(16, 'too few columns', 'orders', ['COLUMN_COUNT_MISMATCH'], (all, row) =>
    changeLine(all, row, () => [rejected('C1,O1,INR', 'COLUMN_COUNT_MISMATCH')]),
  ),
  line(16, 'too many columns', (text) => `${text},x`, ['COLUMN_COUNT_MISMATCH']),
  raw(16, 'a thousands separator without quotes', 'amount', '1,000.00', ['COLUMN_COUNT_MISMATCH']),
];

const FORMAT: RowCode = 'AMOUNT_FORMAT_NOT_RECOGNISED';
const RANGE: RowCode = 'AMOUNT_OUT_OF_RANGE';

const AMOUNTS: readonly Mistake[] = [
  ...['1e3', '1E3', '0x10', '1,000.00', '1.000,00', "1'000", '1_000', '1 000', '.5', '5.', '+5.00', '--5', '5-'].map(
    (text) => amount(text, text, FORMAT),
  ),
  ...['(5.00)', '5%', '₹5', '5 INR', 'Infinity', 'NaN', 'null', 'five', '5.0.0', '.', '-', "'5.00"].map((text) =>
    amount(text, text, FORMAT),
  ),
  amount('with a no-break space', '\u00a05.00', FORMAT),
  amount('with a zero-width space', '5\u200b.00', FORMAT),
  amount('in full-width digits', '５.００', FORMAT),
  amount('in Arabic digits', '٥.٠٠', FORMAT),
  amount('with a byte order mark', '\uFEFF5.00', FORMAT, 'CONTROL_CHARACTER_NOT_ALLOWED'),
  amount('left out', '', 'AMOUNT_IS_REQUIRED'),
  ...['0', '0.00', '-0.00', '-5.00', '1000000000000'].map((text) => amount(text, text, RANGE)),
  amount('999999999999.991', '999999999999.991', RANGE, 'AMOUNT_PRECISION_OUT_OF_RANGE'),
  amount('of 40 digits', '9'.repeat(40), RANGE),
  amount('of 41 digits', `${'0'.repeat(40)}5`, RANGE),
  amount('of 60,000 digits', '7'.repeat(60_000), RANGE),
  amount('with a decimal too many', '1.005', 'AMOUNT_PRECISION_OUT_OF_RANGE'),
  ...[
    ['O-JPY', '1.5'],
    ['O-BHD', '1.0005'],
    ['O-CLF', '0.00001'],
  ].map(([orderRef = '', text = '']) =>
    cells(17, `${text} of ${orderRef}`, { orderRef, amount: text }, ['AMOUNT_PRECISION_OUT_OF_RANGE']),
  ),
  amountTaken('1.5', '1.5', '1.50', '1.5'),
  amountTaken('00012.00', '00012.00', '12.00', '12'),
  amountTaken('with blanks around it', ' \t5.00 ', '5.00', '5'),
  amountTaken('999999999999.99', '999999999999.99', '999999999999.99', '999999999999.99'),
  amountTaken('0.01', '0.01', '0.01', '0.01'),
];

/** A row, and once more below it. */
function twice(all: readonly Line[], row: number): Line[] {
  const fate = { kind: 'rejected', codes: ['REFERENCE_REPEATED_IN_FILE'] } as const;
  return changeLine(all, row, (line) => [line, { ...line, fate }]);
}

function orderCells(
  item: number,
  label: string,
  changed: Readonly<Record<string, string>>,
  outcome: RowCode[],
): Mistake {
  return cells(item, label, changed, outcome, 'orders');
}

const ORDER_CELLS: readonly Mistake[] = [
  ...['inr', 'ZZZ', 'XXX', 'XAU', '356'].map((currency) =>
    orderCells(18, `the currency ${currency}`, { currency }, ['CURRENCY_NOT_RECOGNISED']),
  ),
  orderCells(18, 'the currency USD, which is not paid', { currency: 'USD' }, ['CURRENCY_NOT_SUPPORTED']),
  orderCells(18, 'the currency Rupees', { currency: 'Rupees' }, ['CURRENCY_LENGTH_OUT_OF_RANGE']),
  orderCells(18, 'no currency', { currency: '' }, ['CURRENCY_IS_REQUIRED']),
  orderCells(22, 'the country UK', { country: 'UK' }, ['COUNTRY_NOT_RECOGNISED']),
  orderCells(22, 'the country India', { country: 'India' }, ['COUNTRY_LENGTH_OUT_OF_RANGE']),
  orderCells(22, 'no country', { country: '' }, ['COUNTRY_IS_REQUIRED']),
  orderCells(22, 'no scheme', { scheme: '' }, ['SCHEME_IS_REQUIRED']),
  ...['0b9f8a52-5dOc-4a57-9f0e-3a4f6c1d2e70', '0b9f8a525d0c4a579f0e3a4f6c1d2e70', 'bank-transfer'].map((scheme) =>
    orderCells(22, `the scheme ${scheme}`, { scheme }, ['SCHEME_FORMAT_NOT_RECOGNISED']),
  ),
  orderCells(22, 'a scheme with one brace', { scheme: '{0b9f8a52-5d0c-4a57-9f0e-3a4f6c1d2e70' }, [
    'SCHEME_FORMAT_NOT_RECOGNISED',
  ]),
  orderCells(20, 'an order reference of 51 characters', { orderRef: 'x'.repeat(51) }, [
    'ORDER_REF_LENGTH_OUT_OF_RANGE',
  ]),
  orderCells(23, 'a metadata value of 501 characters', { 'metadata.long': 'x'.repeat(501) }, [
    'METADATA_VALUE_LENGTH_OUT_OF_RANGE',
  ]),
  orderCells(3, 'a metadata name of 41 characters', { [`metadata.${'n'.repeat(41)}`]: 'v' }, [
    'METADATA_NAME_LENGTH_OUT_OF_RANGE',
  ]),
  orderCells(
    13,
    '51 metadata values',
    Object.fromEntries(Array.from({ length: 51 }, (_, at) => [`metadata.m${at}x`, 'v'])),
    ['METADATA_COUNT_OUT_OF_RANGE'],
  ),
  orderCells(19, 'the reference of another order', { customerRef: 'C1', orderRef: 'O-INR', country: 'DE' }, [
    'ORDER_REF_ALREADY_EXISTS',
  ]),
  lines(19, 'an order twice', 'orders', ['REFERENCE_REPEATED_IN_FILE'], twice),
];

const INSTRUCTION_CELLS: readonly Mistake[] = [
  lines(19, 'an instruction twice', 'instructions', ['REFERENCE_REPEATED_IN_FILE'], twice),
  cells(19, 'the references of another instruction', { orderRef: 'O-INR', instructionRef: 'STANDING', amount: '6' }, [
    'INSTRUCTION_REF_ALREADY_EXISTS',
  ]),
  cells(19, 'an order in small letters, which is another one', { orderRef: 'o-inr' }, (row) => ({
    ...row,
    orderRef: 'o-inr',
    status: 'waiting',
    currency: '',
    amount: (row.content as InstructionContent).amount,
  })),
  cells(17, 'a decimal too many and no due date', { orderRef: 'O-INR', amount: '1.005', dueDate: '' }, [
    'AMOUNT_PRECISION_OUT_OF_RANGE',
    'DUE_DATE_IS_REQUIRED',
  ]),
  cells(19, 'a change of what is not there', { action: 'UPDATE' }, ['INSTRUCTION_NOT_FOUND']),
  cells(
    19,
    'a change of what was deleted',
    { action: 'UPDATE', orderRef: 'O-INR', instructionRef: 'DELETED', amount: '6' },
    ['INSTRUCTION_ALREADY_PROCESSED'],
  ),
  reference(19, 'a reference in full width', 'Ｐ１'),
  reference(19, 'a reference with a Cyrillic letter', 'P\u0410'),
  reference(19, 'a reference with a combining accent', 'Pe\u0301'),
  reference(19, 'a reference with a zero-width space', 'P\u200b1'),
  reference(19, 'a reference with a blank', 'P 1'),
  cells(20, 'a reference of 51 characters', { instructionRef: 'x'.repeat(51) }, [
    'INSTRUCTION_REF_LENGTH_OUT_OF_RANGE',
  ]),
  cells(20, 'a customer of 51 characters', { customerRef: 'x'.repeat(51) }, ['CUSTOMER_REF_LENGTH_OUT_OF_RANGE']),
  cells(20, 'a reference too long and with a slash', { instructionRef: '/'.repeat(51) }, [
    'INSTRUCTION_REF_LENGTH_OUT_OF_RANGE',
    ...INVALID_REF,
  ]),
  cells(19, 'no customer', { customerRef: '' }, ['CUSTOMER_REF_IS_REQUIRED']),
  cells(19, 'no order', { orderRef: '' }, ['ORDER_REF_IS_REQUIRED']),
  cells(19, 'no reference', { instructionRef: '' }, ['INSTRUCTION_REF_IS_REQUIRED']),
  cells(19, 'a customer with a slash', { customerRef: 'C/1' }, ['CUSTOMER_REF_CONTAINS_INVALID_CHARACTERS']),
  cells(19, 'an order with a comma', { orderRef: 'O,1' }, ['ORDER_REF_CONTAINS_INVALID_CHARACTERS']),
  reference(21, 'a number that a spreadsheet rewrote', '1.23457E+15'),
  reference(21, 'an apostrophe in front', "'0012"),
  asData(21, 'an account number that a spreadsheet rewrote', 'contactId', '1.23457E+15'),
  asData(21, 'an account number with zeros in front', 'contactId', '000123456789'),
  cells(22, 'a mode that is none', { mode: 'WIRE' }, ['MODE_NOT_RECOGNISED']),
  cells(22, 'a mode half in capitals', { mode: 'Imps' }, ['MODE_NOT_RECOGNISED']),
  cells(22, 'a purpose that is none', { purpose: 'Salary' }, ['PURPOSE_NOT_RECOGNISED']),
  cells(22, 'an action that is none', { action: 'CANCEL' }, ['ACTION_NOT_RECOGNISED']),
  cells(22, 'a collection', { direction: 'DEBIT' }, ['DIRECTION_NOT_RECOGNISED']),
  ...[0x85, 0x9b, 0x2028, 0x2029, 0x202e, 0x2066, 0x2069, 0xfeff].map((code) =>
    cells(23, `U+${code.toString(16)} in a value`, { narration: `Rent${String.fromCodePoint(code)}November` }, CONTROL),
  ),
  cells(23, 'the other way round in a reference', { instructionRef: 'P\u202e1' }, [...INVALID_REF, ...CONTROL]),
  asData(23, 'a zero-width joiner', 'narration', '👩\u200d🌾 José'),
  asData(23, 'a storm of accents', 'narration', `Z${'\u0301'.repeat(200)}`),
  asData(23, 'ten kilobytes', 'narration', 'Rent '.repeat(2_000).trim()),
  ...['\u00a0\u00a0', 'K1\u2003', '\u3000K1', '\u200bK1', 'K1 \u00a0', '\u3164', '\u200d'].flatMap((contactId) => [
    cells(23, `the payee ${escape(contactId)}`, { contactId }, CONTROL),
    cells(23, `the narration ${escape(contactId)}`, { narration: contactId }, CONTROL),
  ]),
  orderCells(23, 'metadata of no-break spaces', { 'metadata.blank': '\u00a0' }, CONTROL),
  asData(23, 'an ideographic space between two names', 'narration', '山田\u3000太郎'),
  asData(23, 'a no-break space between number and unit', 'contactId', '12\u00a0kg'),
  reference(19, 'a reference with a no-break space behind it', 'P1\u00a0'),
  cells(25, 'a due date with a narrow no-break space', { dueDate: '2026-03-06\u202f' }, [
    'DUE_DATE_FORMAT_NOT_RECOGNISED',
  ]),
  ...["=cmd|' /C calc'!A0", '+1', '@SUM(A1)', '＝1+1'].map((text) => reference(24, `${text} as a reference`, text)),
  ...["=cmd|' /C calc'!A0", '+1', '-1', '@SUM(A1)', '＝1+1', "'=1"].map((text) =>
    asData(24, `${text} as a narration`, 'narration', text),
  ),
  cells(24, 'CR in front of a formula', { narration: '\r=1+1' }, CONTROL),
  ...['31/02/2026', '02/03/2026', '2026-02-30', '2026-13-01', '2026-00-10', '1900-02-29', '0000-01-01'].map(
    (openDate) => cells(25, `the open date ${openDate}`, { openDate }, ['OPEN_DATE_FORMAT_NOT_RECOGNISED']),
  ),
  ...['2026-03-02Z', '2026-03-02T00:00:00+05:30', '45321', '2026-3-2', '２０２６-03-02', '-2026-03-02'].map((dueDate) =>
    cells(25, `the due date ${dueDate}`, { dueDate }, ['DUE_DATE_FORMAT_NOT_RECOGNISED']),
  ),
  cells(25, 'no open date', { openDate: '' }, ['OPEN_DATE_IS_REQUIRED']),
  cells(25, 'no due date', { dueDate: '' }, ['DUE_DATE_IS_REQUIRED']),
  cells(25, 'a due date before the open date', { dueDate: '1998-12-31' }, ['DUE_DATE_BEFORE_OPEN_DATE']),
  lines(26, 'a line end and a log entry in a value', 'instructions', ['QUOTE_NOT_CLOSED'], (all, row) =>
    changeLine(all, row, ({ text }) => [
      rejected(`${text},"x`, 'QUOTE_NOT_CLOSED'),
      rejected('2026-03-02 INFO paid"', 'QUOTE_NOT_CLOSED'),
    ]),
  ),
  ...['<script>alert(1)</script>', "'; DROP TABLE rows;--", '`whoami`', '"}],"paid":true', '../../x'].map((text) =>
    asData(26, `${text} in a value`, 'remark', text),
  ),
];

export const MISTAKES: readonly Mistake[] = [
  ...FILE_LEVEL,
  ...ROW_STRUCTURE,
  ...AMOUNTS,
  ...ORDER_CELLS,
  ...INSTRUCTION_CELLS,
];
