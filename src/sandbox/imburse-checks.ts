/**
 * The documented validation of the Imburse APIs, with one check for each field. Each check returns all codes that
 * apply, in the documented order. Codes marked [I] are our guess: nothing is published for these rules.
 */
import { currencyExponent } from '../domain/iso.ts';
import { isPayable, parseAmount } from '../domain/money.ts';

const LONGEST_REF = 50;
const LONGEST_CURRENCY = 3;
const LONGEST_COUNTRY = 2;
const MOST_METADATA = 50;
const LONGEST_METADATA_KEY = 40;
const LONGEST_METADATA_VALUE = 500;

const REF = /^[A-Za-z0-9_.-]*$/;
const GUID = /^(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\{[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\})$/i;
const DATE = /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/;

export type Codes = readonly string[];

/** A text member as sent; empty when it is absent or no text. */
export function textOf(sent: Record<string, unknown>, name: string): string {
  const value = sent[name];
  return typeof value === 'string' ? value : '';
}

export function refCodes(name: 'CUSTOMER' | 'ORDER' | 'INSTRUCTION', ref: string): Codes {
  if (ref === '') return [`${name}_REF_IS_REQUIRED`];
  return [
    ...when(ref.length > LONGEST_REF, `${name}_REF_LENGTH_OUT_OF_RANGE`),
    ...when(!REF.test(ref), `${name}_REF_CONTAINS_INVALID_CHARACTERS`),
  ];
}

export function currencyCodes(currency: string): Codes {
  if (currency === '') return ['CURRENCY_IS_REQUIRED'];
  return when(currency.length > LONGEST_CURRENCY, 'CURRENCY_LENGTH_OUT_OF_RANGE');
}

export function countryCodes(country: string): Codes {
  if (country === '') return ['COUNTRY_IS_REQUIRED'];
  return when(country.length > LONGEST_COUNTRY, 'COUNTRY_LENGTH_OUT_OF_RANGE');
}

export function schemeCodes(scheme: string): Codes {
  if (scheme === '') return ['SCHEME_IS_REQUIRED'];
  return when(!GUID.test(scheme), 'SCHEME_FORMAT_NOT_RECOGNISED');
}

/**
 * `sent` is the value in the JSON; it must be a text. An amount with more decimals than its currency has is refused.
 */
export function amountCodes(sent: unknown, currency: string): Codes {
  if (sent === undefined || sent === null || sent === '') return ['AMOUNT_IS_REQUIRED'];
  const amount = typeof sent === 'string' ? parseAmount(sent) : undefined;
  if (!amount || amount.scale > (currencyExponent(currency) ?? amount.scale)) return ['AMOUNT_FORMAT_NOT_RECOGNISED'];
  return when(!isPayable(amount), 'AMOUNT_OUT_OF_RANGE');
}

export function dateCodes(name: 'OPEN' | 'DUE', date: string): Codes {
  if (date === '') return [`${name}_DATE_IS_REQUIRED`];
  return when(!isDate(date), `${name}_DATE_FORMAT_NOT_RECOGNISED`);
}

/** [I] No code is published for this rule. */
export function periodCodes(openDate: string, dueDate: string): Codes {
  return when(isDate(openDate) && isDate(dueDate) && dueDate < openDate, 'DUE_DATE_BEFORE_OPEN_DATE');
}

/** [I] No code is published for the date to settle by; the codes for the due date are used. */
export function settledByCodes(settledByDate: string): Codes {
  return settledByDate === '' ? [] : dateCodes('DUE', settledByDate);
}

/** [I] */
export function directionCodes(direction: string): Codes {
  if (direction === '') return ['DIRECTION_IS_REQUIRED'];
  return when(direction !== 'CREDIT' && direction !== 'DEBIT', 'DIRECTION_FORMAT_NOT_RECOGNISED');
}

/** [I] `sent` is the value in the JSON: an object of texts, or nothing. */
export function metadataCodes(sent: unknown): Codes {
  if (sent === undefined || sent === null) return [];
  const pairs = typeof sent === 'object' && !Array.isArray(sent) ? Object.entries(sent) : undefined;
  if (!pairs?.every(([, value]) => typeof value === 'string')) return ['METADATA_FORMAT_NOT_RECOGNISED'];
  const fits = pairs.every(
    ([key, value]) => [...key].length <= LONGEST_METADATA_KEY && [...value].length <= LONGEST_METADATA_VALUE,
  );
  return when(pairs.length > MOST_METADATA || !fits, 'METADATA_LENGTH_OUT_OF_RANGE');
}

/** `sent` must have been checked. */
export function metadataOf(sent: unknown): Record<string, string> {
  return typeof sent === 'object' && sent !== null ? { ...(sent as Record<string, string>) } : {};
}

function when(applies: boolean, code: string): Codes {
  return applies ? [code] : [];
}

/** Whether a text is a day of the calendar. */
function isDate(text: string): boolean {
  const ms = DATE.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text);
}
