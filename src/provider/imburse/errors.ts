/** Error answers of the two Imburse APIs: which codes they state, what the codes mean, and their text in a report. */
import * as z from 'zod/mini';
import { CODES, describeCode } from '../../domain/codes.ts';
import { oneLine } from '../one-line.ts';
import { saysReferenceIsUsed } from '../words.ts';

export interface ProviderError {
  readonly code: string;
  /** The provider's own words; empty where it has none. */
  readonly text: string;
}

/** The errors that an answer states in one API's documented form, at least one; undefined for anything else. */
export type ErrorReader = (value: unknown) => readonly ProviderError[] | undefined;

/** Unpublished codes are allowed too: they are shown as they come. */
const code = z.string().check(z.regex(/^[A-Za-z0-9_.:-]{1,100}$/));

const collectErrors = z.object({ errorCodes: z.array(code).check(z.minLength(1)) });

const orderManagementErrors = z.object({
  errors: z.array(z.object({ errorCode: code, message: z.nullish(z.string()) })).check(z.minLength(1)),
});

/** [D] `{errorCodes: [CODE, …]}` */
export const readCollectErrors: ErrorReader = (value) =>
  collectErrors.safeParse(value).data?.errorCodes.map((code) => ({ code, text: '' }));

/** [D] `{timestamp, correlationId, errors: [{errorCode, message, messageTemplate, metadata}]}` */
export const readOrderManagementErrors: ErrorReader = (value) =>
  orderManagementErrors
    .safeParse(value)
    .data?.errors.map(({ errorCode, message }) => ({ code: errorCode, text: message ?? '' }));

/** Our column that a published code is about, for reports: neither API names a field. */
export const CODE_COLUMNS: ReadonlyMap<string, string> = new Map(
  CODES.filter(({ origin }) => origin === 'documented').map(({ code, columns }) => [code, columns[0] ?? '']),
);

/** [I] Words in a code for something that was there before: evidence that an earlier request arrived. */
const EARLIER = /EXISTS|EXISTING|DUPLICATE|ALREADY|CONFLICT|UNIQUE|IN_USE|ALREADYUSED|REUSED/i;

/** [I] Words for what we sent: such a code is about it, whatever else the code names. */
const OURS = /ORDER|INSTRUCTION|REF/i;

/** [I] Words for other things: a code about them says nothing about an earlier request. */
const SOMETHING_ELSE = /ACCOUNT|BANK|LIMIT|BALANCE|INSTRUMENT|CUSTOMER|SCHEME|QUOTA|FUNDS/i;

/** [I] A published code never says that an earlier request arrived. */
export function saysEarlierArrival(errors: readonly ProviderError[]): boolean {
  return errors.some(
    ({ code, text }) =>
      (EARLIER.test(code) && (OURS.test(code) || !SOMETHING_ELSE.test(code))) || saysReferenceIsUsed(text),
  );
}

/** [I] Nothing exists under a reference. A missing route has another code, and says nothing about a payout. */
const NOT_FOUND = /^(?:(?:CUSTOMER|ORDER|INSTRUCTION)_(?:REF_)?)?NOT_FOUND$/;

export function saysNotFound(errors: readonly ProviderError[]): boolean {
  return errors.every(({ code }) => NOT_FOUND.test(code));
}

export function saysSomethingMissing(errors: readonly ProviderError[]): boolean {
  return errors.some(({ code }) => code.includes('NOT_FOUND'));
}

export function arePublished(errors: readonly ProviderError[]): boolean {
  return errors.every(({ code }) => CODE_COLUMNS.has(code));
}

/**
 * All errors in one line: `CODE: words (column amount); CODE: words`. If the provider has no words for a code that we
 * know, our words are used.
 */
export function messageOf(errors: readonly ProviderError[]): string {
  const parts = errors.map(({ code, text }) => {
    const words = text.trim() || describeCode(code)?.title;
    const column = CODE_COLUMNS.get(code);
    return (
      (words === undefined ? code : `${code}: ${words.replace(/[\s.]+$/, '')}`) + (column ? ` (column ${column})` : '')
    );
  });
  return oneLine([...new Set(parts)].join('; '));
}
