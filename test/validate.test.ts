import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { CODES, describeCode, type RowCode, type RowError } from '../src/domain/codes.ts';
import { formatDecimal, parseDecimal } from '../src/domain/money.ts';
import {
  beside,
  checkAgainstOrder,
  checkInstruction,
  checkOrder,
  fieldsOf,
  type Header,
  headerWatch,
  matchHeader,
  misplacedHeaderProblem,
  originalCells,
  otherHeaderProblem,
  unnamedValueProblem,
} from '../src/intake/validate.ts';
import { escapeFormula } from '../src/platform/formula.ts';

const ORDER_HEADER = 'customerRef,orderRef,currency,country,scheme';
const INSTRUCTION_HEADER = 'customerRef,orderRef,instructionRef,amount,openDate,dueDate';
const ALL_INSTRUCTION_COLUMNS = `${INSTRUCTION_HEADER},action,contactId,purpose,mode,narration,remark,direction`;
const GUID = '654EB81F-3A21-4A1E-9C0B-3B5C8F2D7E10';
const INR_ONLY = { currencies: new Set(['INR', 'JPY']) };

type Cells = Record<string, string>;

const GOOD_ORDER: Cells = { customerRef: 'C01', orderRef: 'REF1', currency: 'INR', country: 'IN', scheme: GUID };
const GOOD_INSTRUCTION: Cells = {
  customerRef: 'C01',
  orderRef: 'REF1',
  instructionRef: 'PI01',
  amount: '210.00',
  openDate: '2026-11-21',
  dueDate: '2026-11-30',
};

function headerOf(line: string, settings: Record<string, string> = {}): Header {
  const matched = matchHeader(line.split(','), settings);
  if ('problem' in matched) throw new Error(matched.problem.message);
  return matched.header;
}

function problemOf(cells: string | string[], settings: Record<string, string> = {}) {
  const matched = matchHeader(typeof cells === 'string' ? cells.split(',') : cells, settings);
  return 'problem' in matched ? matched.problem : undefined;
}

/** Checks a row given by its cells' columns; all columns that are named are in the file, in this order. */
function order(cells: Cells, rules = INR_ONLY as Parameters<typeof checkOrder>[2]) {
  return checkOrder(headerOf(Object.keys(cells).join(',')), Object.values(cells), rules);
}

function instruction(cells: Cells) {
  return checkInstruction(headerOf(Object.keys(cells).join(',')), Object.values(cells));
}

function codesOf(check: { ok: boolean; errors?: readonly RowError[] }): string[] {
  return (check.errors ?? []).map(({ column, code }) => `${column}: ${code}`);
}

const long = (characters: number) => '😀'.repeat(characters);

describe('an orders row', () => {
  /** Each row repairs the fault of the one before, and shows that it alone is gone. */
  const repairs: [repair: Cells, ...errors: string[]][] = [
    [
      { customerRef: '', orderRef: 'x y', currency: '', country: 'IND', scheme: 'bank', 'metadata.Branch': long(501) },
      'customerRef: CUSTOMER_REF_IS_REQUIRED',
      'orderRef: ORDER_REF_CONTAINS_INVALID_CHARACTERS',
      'currency: CURRENCY_IS_REQUIRED',
      'country: COUNTRY_LENGTH_OUT_OF_RANGE',
      'scheme: SCHEME_FORMAT_NOT_RECOGNISED',
      'metadata.Branch: METADATA_VALUE_LENGTH_OUT_OF_RANGE',
    ],
    [
      { customerRef: `é${'C'.repeat(50)}` },
      'customerRef: CUSTOMER_REF_LENGTH_OUT_OF_RANGE',
      'customerRef: CUSTOMER_REF_CONTAINS_INVALID_CHARACTERS',
      'orderRef: ORDER_REF_CONTAINS_INVALID_CHARACTERS',
      'currency: CURRENCY_IS_REQUIRED',
      'country: COUNTRY_LENGTH_OUT_OF_RANGE',
      'scheme: SCHEME_FORMAT_NOT_RECOGNISED',
      'metadata.Branch: METADATA_VALUE_LENGTH_OUT_OF_RANGE',
    ],
    [
      { customerRef: 'C'.repeat(50), orderRef: '' },
      'orderRef: ORDER_REF_IS_REQUIRED',
      'currency: CURRENCY_IS_REQUIRED',
      'country: COUNTRY_LENGTH_OUT_OF_RANGE',
      'scheme: SCHEME_FORMAT_NOT_RECOGNISED',
      'metadata.Branch: METADATA_VALUE_LENGTH_OUT_OF_RANGE',
    ],
    [
      { orderRef: 'O'.repeat(51), currency: 'Rupees' },
      'orderRef: ORDER_REF_LENGTH_OUT_OF_RANGE',
      'currency: CURRENCY_LENGTH_OUT_OF_RANGE',
      'country: COUNTRY_LENGTH_OUT_OF_RANGE',
      'scheme: SCHEME_FORMAT_NOT_RECOGNISED',
      'metadata.Branch: METADATA_VALUE_LENGTH_OUT_OF_RANGE',
    ],
    [
      { orderRef: 'A-z_0.9', currency: 'inr', country: '' },
      'currency: CURRENCY_NOT_RECOGNISED',
      'country: COUNTRY_IS_REQUIRED',
      'scheme: SCHEME_FORMAT_NOT_RECOGNISED',
      'metadata.Branch: METADATA_VALUE_LENGTH_OUT_OF_RANGE',
    ],
    [
      { currency: 'USD', country: 'UK', scheme: '' },
      'currency: CURRENCY_NOT_SUPPORTED',
      'country: COUNTRY_NOT_RECOGNISED',
      'scheme: SCHEME_IS_REQUIRED',
      'metadata.Branch: METADATA_VALUE_LENGTH_OUT_OF_RANGE',
    ],
    [
      { currency: 'INR', country: 'IN', scheme: `{${GUID}` },
      'scheme: SCHEME_FORMAT_NOT_RECOGNISED',
      'metadata.Branch: METADATA_VALUE_LENGTH_OUT_OF_RANGE',
    ],
    [
      { scheme: `{${GUID.toLowerCase()}}`, 'metadata.Branch': 'Rent\u202E' },
      'metadata.Branch: CONTROL_CHARACTER_NOT_ALLOWED',
    ],
    [{ 'metadata.Branch': long(500) }],
  ];
  test.each(repairs.map(([, ...errors], at) => [at + 1, errors] as const))(
    'has these errors left after %i of its repairs',
    (count, errors) => {
      const row = Object.assign({}, ...repairs.slice(0, count).map(([repair]) => repair));
      expect(codesOf(order(row))).toEqual(errors);
    },
  );

  it('becomes an order, with the metadata that is there in the order of the file', () => {
    const row = {
      'metadata.Z': '1',
      ...GOOD_ORDER,
      'metadata.__proto__': 'x',
      'metadata.none': '',
      'Meta-Data.A b': 'é',
    };
    expect(checkOrder(headerOf(Object.keys(row).join(',')), Object.values(row), INR_ONLY)).toEqual({
      ok: true,
      order: {
        ...GOOD_ORDER,
        metadata: [
          ['Z', '1'],
          ['__proto__', 'x'],
          ['A b', 'é'],
        ],
      },
    });
  });

  it('says what was found', () => {
    const check = order({ ...GOOD_ORDER, currency: 'inr', 'metadata.Branch': 'a😀\0' });
    expect(check).toMatchObject({
      errors: [
        { column: 'currency', value: 'inr', code: 'CURRENCY_NOT_RECOGNISED' },
        { column: 'metadata.Branch', value: 'U+0000 at character 3', code: 'CONTROL_CHARACTER_NOT_ALLOWED' },
      ],
    });
  });

  it('may have any currency where no list is set', () => {
    expect(order({ ...GOOD_ORDER, currency: 'USD' }, { currencies: 'all' }).ok).toBe(true);
    expect(codesOf(order({ ...GOOD_ORDER, currency: 'XXX' }, { currencies: 'all' }))).toEqual([
      'currency: CURRENCY_NOT_RECOGNISED',
    ]);
  });

  it('may have 50 metadata values, names of 40 and values of 500 characters; empty ones do not count', () => {
    const metadata = (count: number, value = 'x') =>
      Object.fromEntries(Array.from({ length: count }, (_, at) => [`metadata.M${at}`, value]));
    const empty = { [`metadata.${'e'.repeat(41)}`]: '' };
    expect(order({ ...GOOD_ORDER, ...metadata(50), ...empty }).ok).toBe(true);
    expect(order({ ...GOOD_ORDER, [`metadata.${long(40)}`]: 'x' }).ok).toBe(true);
    expect(order({ ...GOOD_ORDER, ...metadata(51) })).toMatchObject({
      errors: [{ column: 'metadata', value: 'found 51', code: 'METADATA_COUNT_OUT_OF_RANGE' }],
    });
    const name = long(41);
    expect(order({ ...GOOD_ORDER, [`metadata.${name}`]: 'x' })).toMatchObject({
      errors: [{ column: `metadata.${name}`, value: name, code: 'METADATA_NAME_LENGTH_OUT_OF_RANGE' }],
    });
    expect(
      codesOf(order({ 'metadata.B': long(501), ...GOOD_ORDER, ...metadata(51), scheme: '', 'metadata.A': '\0' })),
    ).toEqual([
      'scheme: SCHEME_IS_REQUIRED',
      'metadata: METADATA_COUNT_OUT_OF_RANGE',
      'metadata.B: METADATA_VALUE_LENGTH_OUT_OF_RANGE',
      'metadata.A: CONTROL_CHARACTER_NOT_ALLOWED',
    ]);
  });
});

describe('an instructions row', () => {
  /** Each row repairs the fault of the one before, and shows that it alone is gone. */
  const repairs: [repair: Cells, ...errors: string[]][] = [
    [
      {
        direction: 'DEBIT',
        mode: 'Imps',
        purpose: 'salary',
        action: 'CANCEL',
        dueDate: '',
        openDate: '',
        amount: '',
        instructionRef: '',
        orderRef: '',
        customerRef: '',
        narration: 'a\0',
      },
      'action: ACTION_NOT_RECOGNISED',
      'customerRef: CUSTOMER_REF_IS_REQUIRED',
      'orderRef: ORDER_REF_IS_REQUIRED',
      'instructionRef: INSTRUCTION_REF_IS_REQUIRED',
      'amount: AMOUNT_IS_REQUIRED',
      'openDate: OPEN_DATE_IS_REQUIRED',
      'dueDate: DUE_DATE_IS_REQUIRED',
      'purpose: PURPOSE_NOT_RECOGNISED',
      'mode: MODE_NOT_RECOGNISED',
      'narration: CONTROL_CHARACTER_NOT_ALLOWED',
      'direction: DIRECTION_NOT_RECOGNISED',
    ],
    [
      { customerRef: 'C01', orderRef: 'REF1', instructionRef: `PI/${'1'.repeat(48)}`, narration: 'a' },
      'action: ACTION_NOT_RECOGNISED',
      'instructionRef: INSTRUCTION_REF_LENGTH_OUT_OF_RANGE',
      'instructionRef: INSTRUCTION_REF_CONTAINS_INVALID_CHARACTERS',
      'amount: AMOUNT_IS_REQUIRED',
      'openDate: OPEN_DATE_IS_REQUIRED',
      'dueDate: DUE_DATE_IS_REQUIRED',
      'purpose: PURPOSE_NOT_RECOGNISED',
      'mode: MODE_NOT_RECOGNISED',
      'direction: DIRECTION_NOT_RECOGNISED',
    ],
    [
      { instructionRef: 'PI01', amount: '1,000\0', openDate: '21/11/2026', dueDate: '2026-02-29', action: 'update' },
      'amount: AMOUNT_FORMAT_NOT_RECOGNISED',
      'amount: CONTROL_CHARACTER_NOT_ALLOWED',
      'openDate: OPEN_DATE_FORMAT_NOT_RECOGNISED',
      'dueDate: DUE_DATE_FORMAT_NOT_RECOGNISED',
      'purpose: PURPOSE_NOT_RECOGNISED',
      'mode: MODE_NOT_RECOGNISED',
      'direction: DIRECTION_NOT_RECOGNISED',
    ],
    [
      { amount: '-5', openDate: '2026-11-21', purpose: 'others', mode: 'imps', direction: 'CREDIT' },
      'amount: AMOUNT_OUT_OF_RANGE',
      'dueDate: DUE_DATE_FORMAT_NOT_RECOGNISED',
    ],
    [{ amount: '999999999999.99', dueDate: '2026-11-20' }, 'dueDate: DUE_DATE_BEFORE_OPEN_DATE'],
    [{ dueDate: '2026-11-21' }],
  ];
  test.each(repairs.map(([, ...errors], at) => [at + 1, errors] as const))(
    'has these errors left after %i of its repairs',
    (count, errors) => {
      const row = Object.assign({}, ...repairs.slice(0, count).map(([repair]) => repair));
      expect(codesOf(instruction(row))).toEqual(errors);
    },
  );

  it('becomes an instruction with a canonical amount, and details as the row states them', () => {
    const row = {
      ...GOOD_INSTRUCTION,
      amount: '00210.50',
      action: 'Update',
      contactId: 'K1',
      purpose: 'bonus',
      mode: 'neft',
      narration: 'é 😀',
      remark: '',
      direction: 'CREDIT',
    };
    expect(instruction(row)).toEqual({
      ok: true,
      action: 'UPDATE',
      ref: { customerRef: 'C01', orderRef: 'REF1', instructionRef: 'PI01' },
      content: {
        amount: '210.5',
        openDate: '2026-11-21',
        dueDate: '2026-11-30',
        details: { contactId: 'K1', purpose: 'bonus', mode: 'NEFT', narration: 'é 😀', remark: '' },
      },
      amount: { units: 2105n, scale: 1 },
    });
  });

  it('is a CREATE without details where the file has no such columns', () => {
    const details = { contactId: '', purpose: '', mode: '', narration: '', remark: '' };
    expect(instruction(GOOD_INSTRUCTION)).toMatchObject({ ok: true, action: 'CREATE', content: { details } });
  });

  test.each([
    ['amount', '1e3', 'AMOUNT_FORMAT_NOT_RECOGNISED'],
    ['amount', '+5.00', 'AMOUNT_FORMAT_NOT_RECOGNISED'],
    ['amount', '５.００', 'AMOUNT_FORMAT_NOT_RECOGNISED'],
    ['amount', '5.00\u00A0', 'AMOUNT_FORMAT_NOT_RECOGNISED'],
    ['amount', '0.00', 'AMOUNT_OUT_OF_RANGE'],
    ['amount', '1000000000000', 'AMOUNT_OUT_OF_RANGE'],
    ['amount', '9'.repeat(60_000), 'AMOUNT_OUT_OF_RANGE'],
    ['amount', `0.${'0'.repeat(60_000)}1`, 'AMOUNT_OUT_OF_RANGE'],
    ['amount', 'x'.repeat(60_000), 'AMOUNT_FORMAT_NOT_RECOGNISED'],
    ['openDate', '2026-00-10', 'OPEN_DATE_FORMAT_NOT_RECOGNISED'],
    ['openDate', '2026-13-01', 'OPEN_DATE_FORMAT_NOT_RECOGNISED'],
    ['openDate', '2026-04-31', 'OPEN_DATE_FORMAT_NOT_RECOGNISED'],
    ['openDate', '1900-02-29', 'OPEN_DATE_FORMAT_NOT_RECOGNISED'],
    ['openDate', '0000-01-01', 'OPEN_DATE_FORMAT_NOT_RECOGNISED'],
    ['openDate', '2026-1-1', 'OPEN_DATE_FORMAT_NOT_RECOGNISED'],
    ['openDate', '2026-11-21T00:00:00Z', 'OPEN_DATE_FORMAT_NOT_RECOGNISED'],
    ['dueDate', '46000', 'DUE_DATE_FORMAT_NOT_RECOGNISED'],
    ['purpose', 'Others', 'PURPOSE_NOT_RECOGNISED'],
    ['purpose', 'constructor', 'PURPOSE_NOT_RECOGNISED'],
    ['mode', 'WIRE', 'MODE_NOT_RECOGNISED'],
    ['direction', 'credit', 'DIRECTION_NOT_RECOGNISED'],
    ['contactId', 'a\u0085', 'CONTROL_CHARACTER_NOT_ALLOWED'],
    ['remark', 'a\u2066b', 'CONTROL_CHARACTER_NOT_ALLOWED'],
    ['remark', 'a\uFEFFb', 'CONTROL_CHARACTER_NOT_ALLOWED'],
    ['remark', 'a\u2028b', 'CONTROL_CHARACTER_NOT_ALLOWED'],
    ['remark', 'a\uD83Db', 'CONTROL_CHARACTER_NOT_ALLOWED'],
    ['remark', 'a\tb', 'CONTROL_CHARACTER_NOT_ALLOWED'],
    ['contactId', '\u00A0', 'CONTROL_CHARACTER_NOT_ALLOWED'],
    ['contactId', 'K1\u2003', 'CONTROL_CHARACTER_NOT_ALLOWED'],
    ['narration', '\u3000 Rent', 'CONTROL_CHARACTER_NOT_ALLOWED'],
    ['narration', 'Rent\u200B', 'CONTROL_CHARACTER_NOT_ALLOWED'],
    ['remark', '\u3164', 'CONTROL_CHARACTER_NOT_ALLOWED'],
    ['remark', '\u200D\uFE0F', 'CONTROL_CHARACTER_NOT_ALLOWED'],
    ['customerRef', 'C01\u00A0', 'CUSTOMER_REF_CONTAINS_INVALID_CHARACTERS'],
    ['dueDate', '2026-11-30\u202F', 'DUE_DATE_FORMAT_NOT_RECOGNISED'],
  ])('refuses %s %j', (column, value, code) => {
    expect(codesOf(instruction({ ...GOOD_INSTRUCTION, [column]: value }))).toEqual([`${column}: ${code}`]);
  });

  test.each([
    ['openDate', '2024-02-29'],
    ['openDate', '2000-02-29'],
    ['dueDate', '9999-12-31'],
    ['mode', 'UPI'],
    ['mode', 'rtgs'],
    ['purpose', 'salary_disbursement'],
    ['action', 'create'],
    ['narration', '=1+1'],
    ['narration', 'नवंबर का किराया 👩‍👩‍👧'],
    ['narration', '山田\u3000太郎'],
    ['narration', '12\u00A0kg'],
    ['narration', '\u200Fשלום!\u200F'],
    ['narration', 'ന\u0D4D\u200D'],
  ])('takes %s %j', (column, value) => {
    expect(instruction({ ...GOOD_INSTRUCTION, [column]: value }).ok).toBe(true);
  });

  it('says by number and place which blank is none', () => {
    expect(instruction({ ...GOOD_INSTRUCTION, contactId: 'K1 \u2003' })).toMatchObject({
      errors: [{ column: 'contactId', value: 'U+2003 (em space) at character 4' }],
    });
  });

  it('shows both dates when the due date is before the open date', () => {
    expect(instruction({ ...GOOD_INSTRUCTION, dueDate: '2026-11-20' })).toMatchObject({
      errors: [{ column: 'dueDate', value: 'found 2026-11-20, the open date is 2026-11-21' }],
    });
  });

  it('says nothing about the order of dates of which one is no date', () => {
    expect(codesOf(instruction({ ...GOOD_INSTRUCTION, openDate: '2026-99-99' }))).toEqual([
      'openDate: OPEN_DATE_FORMAT_NOT_RECOGNISED',
    ]);
  });

  it('counts in the control total if its amount can be read, though it is bad', () => {
    expect(instruction({ ...GOOD_INSTRUCTION, customerRef: '' }).amount).toEqual({ units: 210n, scale: 0 });
    expect(instruction({ ...GOOD_INSTRUCTION, amount: '-5' }).amount).toEqual({ units: -5n, scale: 0 });
    expect(instruction({ ...GOOD_INSTRUCTION, amount: '5,00' }).amount).toBeUndefined();
    expect(instruction({ ...GOOD_INSTRUCTION, amount: '9'.repeat(60_000) }).amount).toBeUndefined();
  });

  it('shows a canonical amount where it could be read, else what was there', () => {
    const fields = (amount: string) => fieldsOf(headerOf(INSTRUCTION_HEADER), ['C01', '', 'PI01', amount, '', 'x']);
    const shown = {
      customerRef: 'C01',
      orderRef: '',
      instructionRef: 'PI01',
      currency: '',
      openDate: '',
      dueDate: 'x',
    };
    expect(fields('0210.00')).toEqual({ ...shown, amount: '210' });
    expect(fields('2,10')).toEqual({ ...shown, amount: '2,10' });
    expect(fieldsOf(headerOf(ORDER_HEADER), ['C01', 'R1', 'INR'])).toMatchObject({ currency: 'INR', amount: '' });
  });
});

describe('a totals row', () => {
  const totals = (line: string) => checkInstruction(headerOf(INSTRUCTION_HEADER), line.split(','));

  test.each([
    'Total,,,150.00,,',
    ',,Grand total:,150.00,,',
    'Summe,,2,150.00,,',
    'Total,,,"₹ 1,250",,'.replace('"₹ 1,250"', '₹1250'),
    'Összesen,,,150.00,,',
    ',,,150.00,,',
    'Sub-total,,,,,',
    'Total INR,,,,,150.00',
    'TOTAL:,,,150.00,2026-03-02,2026-03-31',
    'Total,,,150.00,2026-03-02,',
    ',Totals (3),,₹150,2026-03-02,2026-03-31',
    'sum total,#,,,150.00,3',
    ',,Grand total of 3 payments in inr,,,INR 150.00',
    'Subtotal,n/a,,150.00,2026-03-02,2026-03-02',
  ])('is %j: one error, and in no control sum', (line) => {
    const check = totals(line);
    expect(codesOf(check as never)).toEqual([': TOTALS_ROW_NOT_ALLOWED']);
    expect(check).toMatchObject({ fields: { amount: '', customerRef: '' } });
    expect(check.amount).toBeUndefined();
  });

  test.each([
    'C01,,,150.00,,',
    'C01,R1,,150.00,,',
    'TOTAL-GAS,R1,P1,150.00,,',
    'Total,R1,P1,150.00,2026-03-02,2026-03-31',
    'Total,Sum,Total,150.00,2026-03-02,2026-03-31',
    'Total,12,7,150.00,2026-03-02,2026-03-31',
    'Total,R1,,150.00,2026-03-02,2026-03-31',
    'Total,,P1,150.00,2026-03-02,2026-03-31',
    'Total refunds to Anna,,,150.00,2026-03-02,2026-03-31',
    'C01,,Total,150.00,2026-03-02,2026-03-31',
    'Total,,,,2026-03-02,2026-03-31',
    'Totalis,,,5,,',
  ])('is not %j', (line) => {
    expect(codesOf(totals(line) as never)).not.toContain(': TOTALS_ROW_NOT_ALLOWED');
  });

  it('of an orders file is one error, too', () => {
    const check = checkOrder(headerOf(ORDER_HEADER), ['Total', '3', '', '', ''], INR_ONLY);
    expect(codesOf(check as never)).toEqual([': TOTALS_ROW_NOT_ALLOWED']);
  });

  test.each([
    ['150.00', '150.0', '150.00, which is the sum of the amounts above; remove the line, nothing is paid for it'],
    ['160.00', '150', '160.00; the amounts above add up to 150.00; remove the line, nothing is paid for it'],
    ['1.60.00', '150', '1.60.00; the amounts above add up to 150.00; remove the line, nothing is paid for it'],
  ])('of %s beside %s says whether it is their sum', (amount, sum, told) => {
    const check = totals(`Total,,,${amount},,`);
    const above = () => parseDecimal(sum) ?? { units: 0n, scale: 0 };
    expect(check.ok ? [] : beside(check.errors, above)).toMatchObject([{ value: told }]);
  });

  it('says what to do where it has no amount of its own, or more than one number', () => {
    const above = () => ({ units: 150n, scale: 0 });
    for (const line of ['Sub-total,,,,,', 'Total,,,,150.00,3']) {
      const check = totals(line);
      expect(check.ok ? [] : beside(check.errors, above)).toMatchObject([
        { value: 'remove the line, nothing is paid for it' },
      ]);
    }
  });
});

describe('a line among the rows', () => {
  const watch = (line: string, settings: Record<string, string> = {}) =>
    headerWatch(settings, 'payout-orders')(INSTRUCTION_HEADER.split(','), line.split(','));

  test.each([
    [INSTRUCTION_HEADER, 'same'],
    ['Customer Ref,order_ref,INSTRUCTION-REF,amount,openDate,dueDate', 'same'],
    [`${INSTRUCTION_HEADER},,`, 'same'],
    ['orderRef,customerRef,instructionRef,amount,openDate,dueDate', 'other'],
    [`${INSTRUCTION_HEADER},remark`, 'other'],
    ['customerRef,orderRef,instructionRef,amount,openDate,when', 'other'],
    [ORDER_HEADER, 'none'],
    ['customerRef,orderRef,P1,5,2026-03-02,2026-03-06', 'none'],
    ['C01,R1,P1,5,2026-03-02,2026-03-06', 'none'],
  ])('%s is a header: %s', (line, found) => {
    expect(watch(line)).toBe(found === 'none' && line === ORDER_HEADER ? 'other' : found);
  });

  it('may be a header with the headings of the settings', () => {
    const settings = { Kunde: 'customerRef', Betrag: 'amount' };
    expect(watch('Kunde,orderRef,instructionRef,Betrag,openDate,dueDate', settings)).toBe('same');
  });

  it('with another header is named together with the first', () => {
    const problem = otherHeaderProblem(1, { line: 3, cells: ['orderRef', 'customerRef'] });
    expect(problem.message).toMatch(/^Line 3 is another header.* than in line 1: .*Split the file before line 3/);
  });
});

describe('a file whose first line is no header', () => {
  const title = (...lines: string[]) =>
    misplacedHeaderProblem(
      { line: 1, cells: (lines[0] ?? '').split(',') },
      lines.slice(1).map((line, at) => ({ line: at + 2, cells: line.split(',') })),
      {},
    )?.message;

  it('says on which line it is', () => {
    expect(title('November payouts,,', 'of Brimlow', INSTRUCTION_HEADER)).toBe(
      'The header is on line 3; remove what is above it: line 1 has "November payouts".',
    );
  });

  it('says nothing of a line below where the first is a header with a mistake', () => {
    expect(title('customerRef,orderRef,amout', INSTRUCTION_HEADER)).toBeUndefined();
    expect(title('C01,R1', 'C02,R2')).toBeUndefined();
  });

  test.each([
    [';', 'semicolons'],
    ['|', 'vertical bars'],
    ['#', '"#"'],
  ])('says what sep=%s means', (separator, called) => {
    expect(title(`sep=${separator}`, 'x')).toContain(
      `Line 1 (sep=${separator}) says that the columns are separated by ${called}`,
    );
  });
});

it('a column without a heading is only one to skip while it holds nothing', () => {
  const header = ['customerRef', ' ', ''];
  expect(unnamedValueProblem(header, { line: 5, cells: ['C1', ' ', ''] })).toBeUndefined();
  expect(unnamedValueProblem(header, { line: 6, cells: ['C1', '', 'see\u202e Anna'] })?.message).toBe(
    'Column 3 has no heading, yet line 6 has "see<U+202E> Anna" in it: give it a heading or remove the column.',
  );
});

describe('a DELETE', () => {
  it('needs only the references and looks at nothing else', () => {
    const row = { ...GOOD_INSTRUCTION, amount: 'x\0', openDate: '', dueDate: 'y', action: 'delete', mode: 'z' };
    expect(instruction(row)).toEqual({
      ok: true,
      action: 'DELETE',
      ref: { customerRef: 'C01', orderRef: 'REF1', instructionRef: 'PI01' },
      amount: undefined,
    });
  });

  it('has all errors of its references', () => {
    const row = { ...GOOD_INSTRUCTION, customerRef: '', orderRef: 'a\0', amount: 'x', action: 'DELETE' };
    const check = instruction(row);
    expect(codesOf(check)).toEqual([
      'customerRef: CUSTOMER_REF_IS_REQUIRED',
      'orderRef: ORDER_REF_CONTAINS_INVALID_CHARACTERS',
      'orderRef: CONTROL_CHARACTER_NOT_ALLOWED',
    ]);
    expect(check).toMatchObject({ fields: { instructionRef: 'PI01', amount: '', dueDate: '' }, amount: undefined });
  });
});

describe("an amount in its order's currency", () => {
  test.each([
    ['210.01', 'INR', true],
    ['210.010', 'INR', true],
    ['210.005', 'INR', false],
    ['500', 'JPY', true],
    ['500.5', 'JPY', false],
    ['1.005', 'BHD', true],
  ])('%s %s: %s', (text, currency, fits) => {
    const check = instruction({ ...GOOD_INSTRUCTION, amount: text });
    if (!check.ok || !check.amount) throw new Error('the amount itself is good');
    const error = { column: 'amount', value: formatDecimal(check.amount), code: 'AMOUNT_PRECISION_OUT_OF_RANGE' };
    expect(checkAgainstOrder(check.amount, currency)).toEqual(fits ? [] : [error]);
  });

  it('is shown as the row states it, where the row is at hand', () => {
    const row = { header: headerOf(INSTRUCTION_HEADER), cells: ['C01', 'REF1', 'PI01', '5200.50', '', ''] };
    const error = { column: 'amount', value: '5200.50', code: 'AMOUNT_PRECISION_OUT_OF_RANGE' };
    expect(checkAgainstOrder({ units: 52005n, scale: 1 }, 'JPY', row)).toEqual([error]);
  });
});

describe('the examples of the codes', () => {
  const cellCodes = CODES.filter(({ scope, columns, code }) => {
    return scope === 'row' && columns[0] !== undefined && !code.endsWith('_EXISTS') && !code.endsWith('_FOUND');
  }).filter(
    ({ code }) =>
      !/^(INSTRUCTION_ALREADY|METADATA|DUE_DATE_BEFORE|AMOUNT_PRECISION|SETTLED_BY|REFERENCE_REPEATED|ORDER_REF_USED)/.test(
        code,
      ),
  );

  test.each(cellCodes.map(({ code }) => code))('%s: the wrong one is refused for it, the right one taken', (code) => {
    const { columns, example } = describeCode(code) ?? { columns: [], example: { wrong: '', right: '' } };
    const column = columns[0] ?? '';
    const check = (value: string) =>
      column in GOOD_ORDER
        ? codesOf(order({ ...GOOD_ORDER, [column]: value }, { currencies: new Set(['INR']) }))
        : codesOf(instruction({ ...GOOD_INSTRUCTION, [column]: value }));
    expect(check(example.wrong)).toEqual([`${column}: ${code}`]);
    expect(check(example.right)).toEqual([]);
  });
});

describe('a header', () => {
  it('has no metadata column whose name begins or ends in a blank that is no space', () => {
    expect(problemOf(`${ORDER_HEADER},metadata.Branch\u00A0`)?.message).toContain(
      'Not known: "metadata.Branch<U+00A0>".',
    );
  });

  it('is that of an orders file, with metadata as it is spelt', () => {
    expect(headerOf(`Scheme,metadata.Cost Centre,ORDER_REF,customer-ref, Country ,currency,METADATA.x`)).toEqual({
      kind: 'orders',
      api: 'payout-orders',
      defaultMetadata: [],
      columns: ['scheme', 'metadata.Cost Centre', 'orderRef', 'customerRef', 'country', 'currency', 'metadata.x'],
      at: new Map([
        ['scheme', 0],
        ['metadata.Cost Centre', 1],
        ['orderRef', 2],
        ['customerRef', 3],
        ['country', 4],
        ['currency', 5],
        ['metadata.x', 6],
      ]),
      metadata: [
        { name: 'Cost Centre', at: 1 },
        { name: 'x', at: 6 },
      ],
      escaped: false,
      unnamed: false,
      width: { count: 7, named: 7, endsRequired: false },
    });
  });

  it('may have columns without a heading', () => {
    const header = headerOf(`,${INSTRUCTION_HEADER},, `);
    expect(header.columns).toEqual(['', ...INSTRUCTION_HEADER.split(','), '', '']);
    expect(header.unnamed).toBe(true);
    expect(header.width).toEqual({ count: 9, named: 7, endsRequired: true });
    expect(headerOf(`${INSTRUCTION_HEADER},narration,`).width).toMatchObject({ named: 7, endsRequired: false });
  });

  it('is that of an instructions file; line and errors are ignored', () => {
    const header = headerOf(`line,${ALL_INSTRUCTION_COLUMNS},Errors,errors`);
    expect(header.kind).toBe('instructions');
    expect(header.columns).toEqual(['', ...ALL_INSTRUCTION_COLUMNS.split(','), '', '']);
    expect(header.escaped).toBe(true);
  });

  it('may use other headings that the settings name', () => {
    const settings = { 'Payout Amount (in Rupees)': 'amount', Kunde: 'Customer Ref', constructor: 'remark' };
    const header = headerOf(
      'KUNDE,orderRef,instructionRef,payout amount (in rupees),openDate,dueDate,constructor',
      settings,
    );
    expect(header.columns).toEqual([
      'customerRef',
      'orderRef',
      'instructionRef',
      'amount',
      'openDate',
      'dueDate',
      'remark',
    ]);
  });

  const problems: [why: string, cells: string | string[], code: string, ...says: string[]][] = [
    [
      'with a column missing and one misspelt',
      'customerRef,orderRef,instructionRef,amout,openDate,dueDate',
      'FILE_HEADER_NOT_RECOGNISED',
      'an instructions file',
      'Missing: amount.',
      '"amout" (did you mean amount?)',
      'Found: "customerRef"',
      `Expected: ${INSTRUCTION_HEADER.replaceAll(',', ', ')}; optional: action,`,
    ],
    [
      'with a longer name for a column',
      'customerRef,orderRef,instructionRef,Payout amount,openDate,dueDate',
      'FILE_HEADER_NOT_RECOGNISED',
      '"Payout amount" (did you mean amount?)',
    ],
    [
      'of an orders file with columns of no file',
      `${ORDER_HEADER},__proto__,constructor,,metadata.`,
      'FILE_HEADER_NOT_RECOGNISED',
      'an orders file',
      'Not known: "__proto__", "constructor", "metadata.".',
      'Column 8 has no heading: give it one or remove the column.',
      'optional: metadata.NAME.',
    ],
    ['that is data', 'C01,REF1,PI01,5,2026-11-21', 'FILE_HEADER_NOT_RECOGNISED', 'neither', 'Found: "C01"'],
    [
      'with semicolons',
      INSTRUCTION_HEADER.replaceAll(',', ';'),
      'FILE_HEADER_NOT_RECOGNISED',
      'separated by semicolons',
    ],
    ['with tabs', ORDER_HEADER.replaceAll(',', '\t'), 'FILE_HEADER_NOT_RECOGNISED', 'separated by tabs'],
    ['with bars', ORDER_HEADER.replaceAll(',', '|'), 'FILE_HEADER_NOT_RECOGNISED', 'separated by vertical bars'],
    [
      'with a semicolon in a name',
      `${ORDER_HEADER},note;amount`,
      'FILE_HEADER_NOT_RECOGNISED',
      'Not known: "note;amount"',
    ],
    [
      'with columns of the order-management API',
      `${INSTRUCTION_HEADER},financialInstrumentId,currency,country,scheme,settledByDate,metadata.Branch`,
      'FILE_HEADER_NOT_RECOGNISED',
      'Only the order-management API has these columns; remove them: ' +
        '"financialInstrumentId", "currency", "country", "scheme", "settledByDate", "metadata.Branch"',
    ],
    [
      'with customer defaults of the order-management API',
      `${ORDER_HEADER},customerDefault.schemeId`,
      'FILE_HEADER_NOT_RECOGNISED',
      'Only the order-management API has these columns; remove them: "customerDefault.schemeId".',
    ],
    [
      'with a column given twice',
      `${INSTRUCTION_HEADER},Amount`,
      'FILE_HEADER_COLUMN_DUPLICATED',
      'amount ("amount", "Amount")',
    ],
    [
      'with metadata given twice',
      `${ORDER_HEADER},metadata.Branch,metadata.branch`,
      'FILE_HEADER_COLUMN_DUPLICATED',
      'metadata.branch ("metadata.Branch", "metadata.branch")',
    ],
    [
      'with an invisible character',
      `${ORDER_HEADER},metadata.Br\u202Eanch`,
      'FILE_HEADER_NOT_RECOGNISED',
      '"metadata.Br<U+202E>anch"',
    ],
    [
      'with very many unknown columns',
      [...ORDER_HEADER.split(','), ...Array.from({ length: 10_000 }, (_, at) => `x${at}`)],
      'FILE_HEADER_NOT_RECOGNISED',
      '"x19" and 9980 more',
    ],
  ];
  test.each(problems)('%s rejects the file', (_, cells, code, ...says) => {
    const problem = problemOf(cells);
    expect(problem?.code).toBe(code);
    for (const words of says) expect(problem?.message).toContain(words);
    expect(problem?.message.length).toBeLessThan(4_000);
  });

  it('tells of a setting that names no column', () => {
    const problem = problemOf(`${ORDER_HEADER},Kunde`, { kunde: 'klant' });
    expect(problem?.message).toContain('"Kunde" ("columns" in paydrop.json makes it "klant"');
  });

  it('names the first missing column', () => {
    expect(problemOf('customerRef,orderRef,instructionRef,amount')?.column).toBe('openDate');
  });
});

describe('a rejected.csv dropped back', () => {
  const header = headerOf(`${INSTRUCTION_HEADER},narration,errors`);

  it('loses exactly the protection that the report put on', () => {
    for (const narration of ['=1+1', "'=1+1", '-5', "O'Neill", '@a', '']) {
      const check = checkInstruction(header, [...Object.values(GOOD_INSTRUCTION), escapeFormula(narration), "'=x"]);
      expect(check).toMatchObject({ ok: true, content: { details: { narration } } });
    }
    const cells = [...Object.values(GOOD_INSTRUCTION), escapeFormula('\t =1+1'), ''];
    expect(checkInstruction(header, cells)).toMatchObject({ content: { details: { narration: '=1+1' } } });
    expect(originalCells(header, ["'=1", "''=1", 'x'])).toEqual(['=1', "'=1", 'x']);
  });

  it('is the only file that does', () => {
    const plain = headerOf(`${INSTRUCTION_HEADER},narration`);
    const check = checkInstruction(plain, [...Object.values(GOOD_INSTRUCTION), "'=1+1"]);
    expect(check).toMatchObject({ content: { details: { narration: "'=1+1" } } });
    expect(originalCells(plain, ["'=1"])).toEqual(["'=1"]);
  });

  it('reads an amount that the report had to protect', () => {
    const cells = ['C01', 'REF1', 'PI01', "'-5.00", '2026-11-21', '2026-11-30', '', 'errors'];
    expect(codesOf(checkInstruction(header, cells))).toEqual(['amount: AMOUNT_OUT_OF_RANGE']);
  });
});

describe('any text', () => {
  const anyText = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }), fc.string());

  it('in any cell gives a row or errors, never an exception, and every error a known code', () => {
    const orders = headerOf(`${ORDER_HEADER},metadata.A,metadata.__proto__`);
    const instructions = headerOf(`${ALL_INSTRUCTION_COLUMNS},errors`);
    const known = new Set<RowCode>(CODES.filter(({ scope }) => scope === 'row').map(({ code }) => code as RowCode));
    const anyCells = (count: number) => fc.array(anyText, { minLength: count, maxLength: count });
    fc.assert(
      fc.property(anyCells(orders.columns.length), anyCells(instructions.columns.length), (a, b) => {
        for (const check of [checkOrder(orders, a, INR_ONLY), checkInstruction(instructions, b)]) {
          if (check.ok) continue;
          expect(check.errors.length).toBeGreaterThan(0);
          for (const { code } of check.errors) expect(known).toContain(code);
        }
      }),
    );
  });

  it('may stand in a header', () => {
    fc.assert(
      fc.property(fc.array(anyText), fc.dictionary(anyText, anyText), (cells, settings) => {
        const matched = matchHeader(cells, settings);
        if ('header' in matched) expect(matched.header.columns).toHaveLength(cells.length);
        else expect(matched.problem.message).toMatch(/\.$/);
      }),
    );
  });
});
