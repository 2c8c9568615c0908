/** Rows as the order-management API takes them, and the columns that each API has for itself. */
import { describe, expect, it } from 'vitest';
import type { Api } from '../src/domain/api.ts';
import { describeCode } from '../src/domain/codes.ts';
import { checkInstruction, checkOrder, matchHeader } from '../src/intake/validate.ts';

const INSTRUCTION = {
  customerRef: 'C1',
  orderRef: 'O1',
  instructionRef: 'P1',
  amount: '210.00',
  openDate: '2026-03-02',
  dueDate: '2026-03-06',
  direction: 'DEBIT',
  financialInstrumentId: 'FI-1',
  currency: 'USD',
  country: 'US',
  scheme: '{0B9F8A52-5D0C-4A57-9F0E-3A4F6C1D2E70}',
  settledByDate: '2026-03-05',
  'metadata.Branch': 'North',
};

const ORDER = {
  customerRef: 'C1',
  orderRef: 'O1',
  currency: 'INR',
  country: 'IN',
  scheme: '0b9f8a52-5d0c-4a57-9f0e-3a4f6c1d2e70',
  'metadata.Branch': 'North',
  'customerDefault.financialInstrumentId': 'FI-9',
  'customerDefault.schemeId': '0b9f8a52-5d0c-4a57-9f0e-3a4f6c1d2e71',
  'customerDefault.metadata.Desk': '7',
};

type Cells = Readonly<Record<string, string>>;

function headerOf(cells: Cells, api: Api) {
  return matchHeader(Object.keys(cells), {}, api);
}

function checked(kind: 'order' | 'instruction', cells: Cells, currencies: 'all' | ReadonlySet<string> = 'all') {
  const matched = headerOf(cells, 'order-management');
  if ('problem' in matched) throw new Error(matched.problem.message);
  const check = kind === 'order' ? checkOrder : checkInstruction;
  return check(matched.header, Object.values(cells), { currencies });
}

const codesOf = (result: ReturnType<typeof checked>) =>
  result.ok ? [] : result.errors.map(({ column, code }) => `${column}: ${code}`);

const metadata = (count: number, value = 'x') =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`metadata.M${at}`, value]));

describe('an instruction for order management', () => {
  it('says what only this API is told', () => {
    const {
      customerRef: _,
      orderRef: __,
      instructionRef: ___,
      amount: ____,
      openDate,
      dueDate,
      ...managed
    } = INSTRUCTION;
    const { 'metadata.Branch': branch, ...cells } = managed;
    expect(checked('instruction', INSTRUCTION)).toMatchObject({
      ok: true,
      content: { amount: '210', openDate, dueDate, managed: { ...cells, metadata: [['Branch', branch]] } },
    });
  });

  it('may leave all of that out', () => {
    const silent = { ...INSTRUCTION, direction: '', financialInstrumentId: '', currency: '', country: '', scheme: '' };
    const result = checked('instruction', { ...silent, settledByDate: '', 'metadata.Branch': '' });
    expect(result.ok && 'content' in result && result.content).not.toHaveProperty('managed');
  });

  it.each([
    [{ direction: 'OUT' }, 'direction: DIRECTION_NOT_RECOGNISED'],
    [{ currency: 'USDX' }, 'currency: CURRENCY_LENGTH_OUT_OF_RANGE'],
    [{ currency: 'usd' }, 'currency: CURRENCY_NOT_RECOGNISED'],
    [{ country: 'USA' }, 'country: COUNTRY_LENGTH_OUT_OF_RANGE'],
    [{ country: 'XY' }, 'country: COUNTRY_NOT_RECOGNISED'],
    [{ scheme: '{0B9F8A52-5D0C-4A57-9F0E-3A4F6C1D2E70' }, 'scheme: SCHEME_FORMAT_NOT_RECOGNISED'],
    [{ settledByDate: '2026-02-30' }, 'settledByDate: SETTLED_BY_DATE_FORMAT_NOT_RECOGNISED'],
    [{ 'metadata.Branch': 'x'.repeat(501) }, 'metadata.Branch: METADATA_VALUE_LENGTH_OUT_OF_RANGE'],
    [{ [`metadata.${'N'.repeat(41)}`]: 'x' }, `metadata.${'N'.repeat(41)}: METADATA_NAME_LENGTH_OUT_OF_RANGE`],
    [metadata(50), 'metadata: METADATA_COUNT_OUT_OF_RANGE'],
  ] as [Cells, string][])('%j gives %s', (cells, error) => {
    expect(codesOf(checked('instruction', { ...INSTRUCTION, ...cells }))).toEqual([error]);
  });

  it('may have 50 metadata values, names of 40 and values of 500 characters', () => {
    const most = { ...metadata(48), [`metadata.${'N'.repeat(40)}`]: 'x'.repeat(500) };
    expect(codesOf(checked('instruction', { ...INSTRUCTION, ...most }))).toEqual([]);
  });

  it('is refused in a currency that is not taken', () => {
    expect(codesOf(checked('instruction', INSTRUCTION, new Set(['INR'])))).toEqual([
      'currency: CURRENCY_NOT_SUPPORTED',
    ]);
  });

  it('has all its errors at once', () => {
    const wrong = { ...INSTRUCTION, amount: '-1', currency: 'usd', country: 'XY', direction: 'x', settledByDate: 'x' };
    expect(codesOf(checked('instruction', wrong))).toHaveLength(5);
  });

  it('is refused for the wrong example of a date to settle by, and taken with the right one', () => {
    const { example } = describeCode('SETTLED_BY_DATE_FORMAT_NOT_RECOGNISED') ?? { example: { wrong: '', right: '' } };
    expect(codesOf(checked('instruction', { ...INSTRUCTION, settledByDate: example.wrong }))).toHaveLength(1);
    expect(codesOf(checked('instruction', { ...INSTRUCTION, settledByDate: example.right }))).toEqual([]);
  });
});

describe('an order for order management', () => {
  it('says what stands in for an instruction that says nothing', () => {
    expect(checked('order', ORDER)).toMatchObject({
      ok: true,
      order: {
        metadata: [['Branch', 'North']],
        customerDefaults: {
          financialInstrumentId: 'FI-9',
          schemeId: '0b9f8a52-5d0c-4a57-9f0e-3a4f6c1d2e71',
          metadata: [['Desk', '7']],
        },
      },
    });
  });

  it.each([
    [{ 'customerDefault.schemeId': 'x' }, 'customerDefault.schemeId: SCHEME_FORMAT_NOT_RECOGNISED'],
    [
      { 'customerDefault.metadata.Desk': 'x'.repeat(501) },
      'customerDefault.metadata.Desk: METADATA_VALUE_LENGTH_OUT_OF_RANGE',
    ],
  ] as [Cells, string][])('%j gives %s', (cells, error) => {
    expect(codesOf(checked('order', { ...ORDER, ...cells }))).toEqual([error]);
  });
});

describe('columns of another API', () => {
  it.each([
    ['payout-orders', INSTRUCTION, 'order-management'],
    ['collect', INSTRUCTION, 'order-management'],
    ['collect', ORDER, 'order-management'],
    ['collect', { ...bare(), contactId: 'x' }, 'payout-orders'],
    ['order-management', { ...bare(), narration: 'x' }, 'payout-orders'],
  ] as [Api, Cells, Api][])('reject a file for %s, and the message says whose they are (%#)', (api, cells, owner) => {
    const matched = headerOf(cells, api);
    expect('problem' in matched && matched.problem).toMatchObject({
      code: 'FILE_HEADER_NOT_RECOGNISED',
      message: expect.stringContaining(`Only the ${owner} API has these columns; remove them`),
    });
  });
});

function bare(): Cells {
  const { customerRef, orderRef, instructionRef, amount, openDate, dueDate } = INSTRUCTION;
  return { customerRef, orderRef, instructionRef, amount, openDate, dueDate };
}
