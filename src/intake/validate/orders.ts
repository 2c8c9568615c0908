/** The rules for the rows of an orders file. */
import { isCountry, isCurrency } from '../../domain/iso.ts';
import { decisive, isPresent, type Rule, type Rules, reference, rule, upTo } from './cells.ts';

/** 8-4-4-4-12 hexadecimal digits, in braces or not. */
const GUID = /^(?:[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}|\{[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}\})$/i;

/** An empty cell passes. The rules of each kind of file say whether a cell may be empty. */
const orNothing = (test: (text: string) => boolean) => (text: string) => text === '' || test(text);

export const CURRENCY: readonly Rule[] = [
  decisive(upTo(3), 'CURRENCY_LENGTH_OUT_OF_RANGE'),
  rule(orNothing(isCurrency), 'CURRENCY_NOT_RECOGNISED'),
];
export const COUNTRY: readonly Rule[] = [
  decisive(upTo(2), 'COUNTRY_LENGTH_OUT_OF_RANGE'),
  rule(orNothing(isCountry), 'COUNTRY_NOT_RECOGNISED'),
];
export const SCHEME = rule(
  orNothing((text) => GUID.test(text)),
  'SCHEME_FORMAT_NOT_RECOGNISED',
);

/** Limits of the provider's metadata (api documentation, order management): for each entry, and for their number. */
export const METADATA = {
  name: [rule(upTo(40), 'METADATA_NAME_LENGTH_OUT_OF_RANGE')],
  value: [rule(upTo(500), 'METADATA_VALUE_LENGTH_OUT_OF_RANGE')],
  mostEntries: 50,
} as const;

export const ORDER: Rules = [
  ['customerRef', reference('CUSTOMER_REF')],
  ['orderRef', reference('ORDER_REF')],
  ['currency', [decisive(isPresent, 'CURRENCY_IS_REQUIRED'), ...CURRENCY]],
  ['country', [decisive(isPresent, 'COUNTRY_IS_REQUIRED'), ...COUNTRY]],
  ['scheme', [decisive(isPresent, 'SCHEME_IS_REQUIRED'), SCHEME]],
  ['customerDefault.schemeId', [SCHEME]],
];
