/** The benchmark's inputs: files as a finance department would export them, the same bytes for the same seed. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { type Random, seededRandom } from '../../fixtures/generate/random.ts';

/** Everything is taken in on this business date; what is due later is not sent. */
export const BUSINESS_DATE = '2026-03-02';
/** Every instruction is open on this one. */
export const OPEN_BY = '2026-03-31';

export const CURRENCIES = ['INR', 'EUR', 'USD', 'GBP'];
/** What one instruction is told apart by. */
export const KEY = ['customerRef', 'orderRef', 'instructionRef'];
export const COLUMNS = [...KEY, 'amount', 'openDate', 'dueDate', 'contactId', 'purpose', 'mode', 'narration', 'remark'];

const COUNTRIES = ['IN', 'DE', 'US', 'GB'];
const PURPOSES = ['others', 'refund', 'incentive', 'bonus', ''];
const MODES = ['IMPS', 'IMPS', 'NEFT', 'UPI', ''];
const NARRATIONS = ['Refund', 'Cashback', 'Q1 bonus', 'Straße 12', '"Set A, blue"', ''];
const SEED = 20260302;
const LINES_A_WRITE = 5_000;

export function writeOrders(path: string, orders: number): void {
  const random = seededRandom(SEED);
  write(path, 'customerRef,orderRef,currency,country,scheme,metadata.project', orders, (number) => {
    const country = random.below(CURRENCIES.length);
    return `${orderOf(number)},${CURRENCIES[country]},${COUNTRIES[country]},0b9f8a52-5d0c-4a57-9f0e-3a4f6c1d2e70,P-${number}`;
  });
}

export interface InstructionsAsked {
  readonly rows: number;
  /** Each row is for one of so many orders, in no order. */
  readonly orders: number;
  /** The references go on from here, so that two files have none in common. */
  readonly from?: number;
  /** Four errors in every row. */
  readonly wrong?: boolean;
}

export function writeInstructions(path: string, { rows, orders, from = 0, wrong = false }: InstructionsAsked): void {
  const random = seededRandom(SEED + from);
  write(path, COLUMNS.join(','), rows, (number) => {
    const reference = `${orderOf(random.below(orders))},PI-${String(from + number).padStart(9, '0')}`;
    const rest = `,ct-${random.below(1_000_000)},${purposeOf(random, wrong)},${random.pick(MODES)},${random.pick(NARRATIONS)},Inv ${number}`;
    return `${reference},${random.below(90_000) + 1}.${wrong ? 'xx' : 10 + random.below(90)},${datesOf(random, wrong)}${rest}`;
  });
}

function orderOf(number: number): string {
  return `WYNDORE-${String(number % 5_000).padStart(4, '0')},SO-20260302-${String(number).padStart(6, '0')}`;
}

function purposeOf(random: Random, wrong: boolean): string {
  const purpose = random.pick(PURPOSES);
  return wrong ? `${purpose}?` : purpose;
}

function datesOf(random: Random, wrong: boolean): string {
  const [day, due] = [10 + random.below(20), 10 + random.below(20)];
  return wrong ? `2026-02-3${day % 10},2026-04-${due}Z` : `2026-03-${day},2026-04-${due}`;
}

function write(path: string, header: string, rows: number, rowAt: (number: number) => string): void {
  const fd = openSync(path, 'w');
  let lines = [header];
  for (let number = 0; number < rows; number++) {
    lines.push(rowAt(number));
    if (lines.length < LINES_A_WRITE && number < rows - 1) continue;
    writeSync(fd, `${lines.join('\n')}\n`);
    lines = [];
  }
  closeSync(fd);
}
