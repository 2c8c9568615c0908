/** What a row of an orders file must look like. */
import { z } from 'zod';
import type { RowCode } from '../codes.ts';
import { currencyExponent, isCountry } from '../iso.ts';
import { decisive, isPresent, reference, rule, upTo } from './cells.ts';

/** 8-4-4-4-12 hexadecimal digits, in braces or not. */
const GUID = /^(?:[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}|\{[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}\})$/i;

/** A cell that says nothing passes: whether one may is the kind of file's business. */
const orNothing = (test: (text: string) => boolean) => (text: string) => text === '' || test(text);

export const CURRENCY = [
  decisive(upTo(3), 'CURRENCY_LENGTH_OUT_OF_RANGE'),
  rule(
    orNothing((text) => currencyExponent(text) !== undefined),
    'CURRENCY_NOT_RECOGNISED',
  ),
] as const;
export const COUNTRY = [
  decisive(upTo(2), 'COUNTRY_LENGTH_OUT_OF_RANGE'),
  rule(orNothing(isCountry), 'COUNTRY_NOT_RECOGNISED'),
] as const;
export const SCHEME = rule(
  orNothing((text) => GUID.test(text)),
  'SCHEME_FORMAT_NOT_RECOGNISED',
);

// Limits of the provider's metadata (api documentation, order management). Empty cells are not handed in. No max(): it
// would keep zod from looking at the entries of a too long list.
export const metadataSchema = z
  .array(
    z.object({
      name: z.string().check(rule(upTo(40), 'METADATA_NAME_LENGTH_OUT_OF_RANGE')),
      value: z.string().check(rule(upTo(500), 'METADATA_VALUE_LENGTH_OUT_OF_RANGE')),
    }),
  )
  .refine((entries) => entries.length <= 50, 'METADATA_COUNT_OUT_OF_RANGE' satisfies RowCode);

export const orderSchema = z.object({
  customerRef: reference('CUSTOMER_REF'),
  orderRef: reference('ORDER_REF'),
  currency: z.string().check(decisive(isPresent, 'CURRENCY_IS_REQUIRED'), ...CURRENCY),
  country: z.string().check(decisive(isPresent, 'COUNTRY_IS_REQUIRED'), ...COUNTRY),
  scheme: z.string().check(decisive(isPresent, 'SCHEME_IS_REQUIRED'), SCHEME),
  metadata: metadataSchema,
  'customerDefault.schemeId': z.string().check(SCHEME),
  'customerDefault.metadata': metadataSchema,
});
