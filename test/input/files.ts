/** Valid files of either kind, spelled in every way a file may be, with what must come of each of their lines. */
import fc from 'fast-check';
import type { InstructionContent } from '../../src/domain/instruction.ts';
import type { Order } from '../../src/domain/order.ts';
import { BUSINESS_DATE } from './taking.ts';

/** A row of result.csv that was taken in, and the content that must be in the store. */
export interface Accepted {
  readonly status: 'accepted' | 'ready' | 'scheduled' | 'waiting';
  readonly customerRef: string;
  readonly orderRef: string;
  readonly instructionRef: string;
  readonly amount: string;
  readonly currency: string;
  readonly openDate: string;
  readonly dueDate: string;
  readonly content: Pick<Order, 'country' | 'scheme' | 'metadata'> | InstructionContent;
}

/** What must come of a line: its row is taken in, it is rejected with these codes, or it has no row. */
export type Fate =
  | { readonly kind: 'accepted'; readonly row: Accepted }
  | { readonly kind: 'rejected'; readonly codes: readonly string[] }
  | { readonly kind: 'duplicate' }
  | { readonly kind: 'none' }
  /** It has a row, and whatever it says, the others are not touched by it. */
  | { readonly kind: 'any' };

export interface Line {
  readonly text: string;
  readonly end: '\n' | '\r\n' | '';
  readonly fate: Fate;
}

interface SheetRow {
  /** By column; as they stand in the file, without quotes and padding. */
  readonly cells: Readonly<Record<string, string>>;
  readonly row: Accepted;
}

export interface Sheet {
  readonly kind: 'orders' | 'instructions';
  readonly columns: readonly string[];
  readonly rows: readonly SheetRow[];
  readonly style: Style;
}

/** How a file is spelled; what it says is the same. The numbers are drawn from, again and again. */
interface Style {
  readonly bom: boolean;
  readonly finalNewline: boolean;
  readonly draws: readonly number[];
}

/** Orders that must be there for the instructions: one for each number of decimals a currency can have. */
export const CURRENCIES: Readonly<Record<string, { readonly currency: string; readonly exponent: number }>> = {
  'O-JPY': { currency: 'JPY', exponent: 0 },
  'O-INR': { currency: 'INR', exponent: 2 },
  'O-BHD': { currency: 'BHD', exponent: 3 },
  'O-CLF': { currency: 'CLF', exponent: 4 },
};

const SCHEME = '0b9f8a52-5d0c-4a57-9f0e-3a4f6c1d2e70';

export const STANDING_ORDERS = [
  'customerRef,orderRef,currency,country,scheme',
  ...Object.entries(CURRENCIES).map(([orderRef, { currency }]) => `C1,${orderRef},${currency},IN,${SCHEME}`),
  '',
].join('\n');

/** What a cell without rules of its own may hold. */
const freeText = fc.oneof(
  fc.constant(''),
  fc.string({ minLength: 1, maxLength: 12 }).map((text) => text.trim()),
  fc.constantFrom(
    ...['Rent, November', '"12" pipes', '=1+1', '@SUM(A1)', '-5', "'quoted", '__proto__', 'constructor', 'José 😀'],
    ...['<b>paid</b>', "'; DROP TABLE rows;--", '`whoami`', '{"a":"b"}', '../../etc/passwd', '""', ',', '"'],
  ),
);

const referencePart = fc.oneof(
  // Not a part of a path that leads elsewhere.
  fc.stringMatching(/^[A-Za-z0-9._-]{1,20}$/).filter((text) => text !== '.' && text !== '..'),
  fc.constantFrom('__proto__', 'constructor', '-1', '...', '007', '1e5', 'x'.repeat(36)),
);

const day = fc
  .integer({ min: Date.UTC(1999, 0, 1), max: Date.UTC(2100, 0, 1) })
  .map((time) => new Date(time).toISOString().slice(0, 10));
const dates = fc
  .oneof(fc.tuple(day, day), fc.constantFrom(['2024-02-29', '2024-02-29'], ['2000-02-29', '9999-12-31']))
  .map((pair) => pair.toSorted());

/** Every number of decimals up to the currency's, zeros in front and behind, and both ends of the range. */
function amountOf(exponent: number): fc.Arbitrary<{ text: string; minor: bigint }> {
  const largest = (99_999_999_999_999n * 10n ** BigInt(exponent)) / 100n;
  return fc
    .record({
      minor: fc.oneof(fc.bigInt({ min: 1n, max: largest }), fc.constantFrom(1n, largest, 10n ** BigInt(exponent))),
      front: fc.integer({ min: 0, max: 3 }),
      behind: fc.integer({ min: 0, max: 3 }),
      short: fc.boolean(),
    })
    .map(({ minor, front, behind, short }) => {
      const plain = withDecimals(minor, exponent);
      const fraction = short ? canonical(plain) : plain;
      const zeros = '0'.repeat(behind);
      const tail = zeros === '' ? '' : fraction.includes('.') ? zeros : `.${zeros}`;
      return { text: '0'.repeat(front) + fraction + tail, minor };
    });
}

function withDecimals(minor: bigint, exponent: number): string {
  const digits = minor.toString().padStart(exponent + 1, '0');
  return exponent === 0 ? digits : `${digits.slice(0, -exponent)}.${digits.slice(-exponent)}`;
}

/** Without zeros, and without a point, at the end. */
function canonical(amount: string): string {
  return amount.includes('.') ? amount.replace(/0+$/, '').replace(/\.$/, '') : amount;
}

const DETAILS = ['contactId', 'purpose', 'mode', 'narration', 'remark'] as const;

const payout = fc.constantFrom(...Object.keys(CURRENCIES), 'O-NONE').chain((orderRef) => {
  const { currency, exponent } = CURRENCIES[orderRef] ?? { currency: '', exponent: 4 };
  return fc
    .record({
      ref: referencePart,
      amount: amountOf(exponent),
      dates,
      action: fc.constantFrom('', 'CREATE', 'create', 'Create'),
      direction: fc.constantFrom('', 'CREDIT'),
      contactId: freeText,
      purpose: fc.constantFrom('', 'reimbursement', 'salary_disbursement', 'bonus', 'incentive', 'others', 'refund'),
      mode: fc.constantFrom('', 'IMPS', 'NEFT', 'RTGS', 'UPI', 'imps', 'upi'),
      narration: freeText,
      remark: freeText,
    })
    .map(({ ref, amount, dates: [openDate = '', dueDate = ''], action, direction, ...details }) => ({
      orderRef,
      currency,
      exponent,
      ref,
      amount,
      openDate,
      dueDate,
      cells: { action, direction, ...details },
    }));
});

const style: fc.Arbitrary<Style> = fc.record({
  bom: fc.boolean(),
  finalNewline: fc.boolean(),
  draws: fc.array(fc.nat({ max: 999 }), { minLength: 1, maxLength: 60 }),
});

const INSTRUCTION_COLUMNS = ['customerRef', 'orderRef', 'instructionRef', 'amount', 'openDate', 'dueDate'];
const OPTIONAL_COLUMNS = ['action', 'direction', 'line', ...DETAILS];

/** `tag` begins every reference of the file's own, so that no other file has it. At least `fewest` rows. */
export function instructionsSheet(fewest: number): fc.Arbitrary<(tag: string) => Sheet> {
  return fc
    .record({
      payouts: fc.array(payout, { minLength: fewest, maxLength: 8 }),
      optional: fc.subarray(OPTIONAL_COLUMNS),
      order: fc.infiniteStream(fc.nat()),
      style,
    })
    .map(({ payouts, optional, order, style }) => {
      const columns = shuffled([...INSTRUCTION_COLUMNS, ...optional], order);
      return (tag: string) => ({
        kind: 'instructions',
        columns,
        style,
        rows: payouts.map((payout, at) => instructionRow(payout, `${tag}.${at}.${payout.ref}`.slice(0, 50), optional)),
      });
    });
}

type Payout = typeof payout extends fc.Arbitrary<infer T> ? T : never;

function instructionRow(payout: Payout, instructionRef: string, optional: readonly string[]): SheetRow {
  const { orderRef, currency, exponent, amount, openDate, dueDate } = payout;
  const cells: Record<string, string> = {
    customerRef: 'C1',
    orderRef,
    instructionRef,
    amount: amount.text,
    openDate,
    dueDate,
    line: '7',
    ...payout.cells,
  };
  const said = (column: (typeof DETAILS)[number]) => (optional.includes(column) ? (cells[column] ?? '') : '');
  const exact = withDecimals(amount.minor, exponent);
  return {
    cells,
    row: {
      status: currency === '' ? 'waiting' : openDate > BUSINESS_DATE ? 'scheduled' : 'ready',
      customerRef: 'C1',
      orderRef,
      instructionRef,
      amount: currency === '' ? canonical(exact) : exact,
      currency,
      openDate,
      dueDate,
      content: {
        amount: canonical(exact),
        openDate,
        dueDate,
        details: {
          contactId: said('contactId'),
          purpose: said('purpose'),
          mode: said('mode').toUpperCase(),
          narration: said('narration'),
          remark: said('remark'),
        },
      },
    },
  };
}

const metadataName = fc.oneof(
  fc.stringMatching(/^[a-z]{1,40}$/),
  fc.constantFrom('__proto__', 'constructor', 'Project, phase', '"x"', 'größe', 'a.b', '10', '2', '1', '007'),
);

const order = fc.record({
  customerRef: referencePart,
  ref: referencePart,
  currency: fc.constantFrom('JPY', 'INR', 'BHD', 'CLF'),
  country: fc.constantFrom('IN', 'JP', 'GB', 'DE', 'NA'),
  scheme: fc
    .tuple(fc.uuid(), fc.boolean(), fc.boolean())
    .map(([uuid, upper, braces]) => [upper ? uuid.toUpperCase() : uuid, braces] as const)
    .map(([uuid, braces]) => (braces ? `{${uuid}}` : uuid)),
  values: fc.array(fc.oneof(freeText, fc.constant('y'.repeat(500))), { minLength: 3, maxLength: 3 }),
});

export function ordersSheet(fewest: number): fc.Arbitrary<(tag: string) => Sheet> {
  return fc
    .record({
      orders: fc.array(order, { minLength: fewest, maxLength: 8 }),
      names: fc.uniqueArray(metadataName, { maxLength: 3, selector: (name) => name.replace(/[\s_-]/g, '') }),
      order: fc.infiniteStream(fc.nat()),
      style,
    })
    .map(({ orders, names, order, style }) => {
      const required = ['customerRef', 'orderRef', 'currency', 'country', 'scheme'];
      const columns = shuffled([...required, ...names.map((name) => `metadata.${name}`)], order);
      const inOrder = columns.flatMap((column) => (column.startsWith('metadata.') ? [column.slice(9)] : []));
      return (tag: string) => ({
        kind: 'orders',
        columns,
        style,
        rows: orders.map(({ customerRef, ref, currency, country, scheme, values }, at) => {
          const orderRef = `${tag}.${at}.${ref}`.slice(0, 50);
          const metadata = inOrder.map((name, n) => [name, values[n] ?? ''] as const);
          const cells = { customerRef, orderRef, currency, country, scheme };
          const nothing = { instructionRef: '', amount: '', openDate: '', dueDate: '' };
          const content = { country, scheme, metadata: metadata.filter(([, value]) => value !== '') };
          return {
            cells: { ...cells, ...Object.fromEntries(metadata.map(([name, value]) => [`metadata.${name}`, value])) },
            row: { status: 'accepted', customerRef, orderRef, currency, ...nothing, content },
          };
        }),
      });
    });
}

function shuffled<T>(items: readonly T[], draws: fc.Stream<number>): T[] {
  const keys = [...draws.take(items.length)];
  return items
    .map((item, at) => [item, keys[at] ?? 0] as const)
    .toSorted(([, a], [, b]) => a - b)
    .map(([item]) => item);
}

/** The file's lines; blank ones are strewn in between. */
export function linesOf(sheet: Sheet): Line[] {
  const { columns, rows, style } = sheet;
  let at = 0;
  const draw = (of: number) => (style.draws[at++ % style.draws.length] ?? 0) % of;
  const blankLines = (): Line[] =>
    draw(6) === 0 ? [{ text: ['', ' ', '\t \t'][draw(3)] ?? '', end: lineEnd(draw), fate: { kind: 'none' } }] : [];
  const header = columns.map((column) => spelled(heading(column, draw), draw)).join(',');
  const lines: Line[] = [...blankLines(), { text: header, end: lineEnd(draw), fate: { kind: 'none' } }];
  for (const { cells, row } of rows) {
    const text = columns.map((column) => spelled(cells[column] ?? '', draw)).join(',');
    lines.push(...blankLines(), { text, end: lineEnd(draw), fate: { kind: 'accepted', row } });
  }
  return [...lines, ...blankLines()];
}

/**
 * What spreadsheets and people leave in a file, strewn between its lines: no row says anything else for it. A title is not among
 * it, for that refuses the file.
 */
export function withDebris(lines: readonly Line[], { columns, kind }: Sheet, draws: readonly number[]): Line[] {
  let at = 0;
  const draw = (of: number) => (draws[at++ % draws.length] ?? 0) % of;
  const header = lines.findIndex(({ text }) => text.trim() !== '');
  const none = (text: string): Line => ({ text, end: lineEnd(draw), fate: { kind: 'none' } });
  const refused = (text: string, code: string): Line => ({
    text,
    end: lineEnd(draw),
    fate: { kind: 'rejected', codes: [code] },
  });
  const headings = columns.map((column) => spelled(column, draw)).join(',');
  const debris: readonly (() => Line[])[] = [
    () => [none(','.repeat(draw(20) + 1))],
    () => [none('"",  ,"\t"')],
    () => [none((draw(2) === 0 ? '\uFEFF' : '') + headings)],
    () => [refused(totalsLine(columns, kind, draw), 'TOTALS_ROW_NOT_ALLOWED')],
    () => [refused('C1,"Rent,', 'QUOTE_NOT_CLOSED'), refused('November"', 'QUOTE_NOT_CLOSED')],
  ];
  const strewn = lines.flatMap((line, place) =>
    place > header && draw(3) === 0 ? [...(debris[draw(debris.length)]?.() ?? []), line] : [line],
  );
  const commas = ','.repeat(draw(4));
  const wide = strewn.map((line) =>
    line.fate.kind === 'rejected' && line.fate.codes.includes('QUOTE_NOT_CLOSED')
      ? line
      : { ...line, text: line.text + commas },
  );
  return draw(2) === 0 ? [none('sep=,'), ...wide] : wide;
}

const TOTALS = ['Total', 'TOTALS', 'total:', 'Grand Total', 'Sum', 'Subtotal', 'Summe', 'Total INR', 'Total (3 rows)'];

/** Its name in one column, its number in any other, its dates filled in or not. */
function totalsLine(columns: readonly string[], kind: Sheet['kind'], draw: Draw): string {
  const word = TOTALS[draw(TOTALS.length)] ?? 'Total';
  if (kind === 'orders') return plainLine(columns, { customerRef: word, orderRef: draw(2) === 0 ? '3' : '' });
  const name = ['customerRef', 'orderRef', 'instructionRef'][draw(3)] ?? '';
  const number = ['amount', 'openDate', 'dueDate'][draw(3)] ?? '';
  const dates = draw(2) === 0 ? { openDate: '2026-03-02', dueDate: '2026-03-09' } : {};
  return plainLine(columns, { ...dates, [number]: '630.00', [name]: word });
}

export function bytesOf(lines: readonly Line[], { bom, finalNewline }: Style): Buffer {
  const text = lines.map(({ text, end }, at) => text + (at < lines.length - 1 || finalNewline ? end : '')).join('');
  return Buffer.from((bom ? '\uFEFF' : '') + text);
}

type Draw = (of: number) => number;

function lineEnd(draw: Draw): '\n' | '\r\n' {
  return draw(2) === 0 ? '\n' : '\r\n';
}

/** Metadata names are the file's own; every other heading may be written in many ways. */
function heading(column: string, draw: Draw): string {
  if (column.startsWith('metadata.')) return column;
  return [...column]
    .map((letter, at) => {
      const between = at > 0 && draw(8) === 0 ? (['_', '-', ' '][draw(3)] ?? '') : '';
      return between + (draw(2) === 0 ? letter.toUpperCase() : letter.toLowerCase());
    })
    .join('');
}

/** Padded, and in quotes where it must be or may be. */
function spelled(value: string, draw: Draw): string {
  const padded = (['', '', ' ', '\t'][draw(4)] ?? '') + value + (['', '', '  ', ' \t'][draw(4)] ?? '');
  const mustQuote = /[",]/.test(value);
  return mustQuote || draw(3) === 0 ? `"${padded.replaceAll('"', '""')}"` : padded;
}

/** One line with all cells as they are, for a row that is to be mistaken in one of them. */
export function plainLine(columns: readonly string[], cells: Readonly<Record<string, string>>): string {
  return columns
    .map((column) => cells[column] ?? '')
    .map((value) => (/[",]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value))
    .join(',');
}
