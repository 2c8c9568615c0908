import { describe, expect, it, test } from 'vitest';
import { CODES, describeCode, foundText, inProportion, type RowError, rowMessage } from '../src/domain/codes.ts';

const codesOf = (scope: string, origin: string) =>
  CODES.filter((entry) => entry.scope === scope && entry.origin === origin).map(({ code }) => code);

describe('the table of codes', () => {
  it('holds the 22 codes that are published for orders and instructions', () => {
    expect(codesOf('row', 'documented')).toEqual([
      'CUSTOMER_REF_IS_REQUIRED',
      'CUSTOMER_REF_LENGTH_OUT_OF_RANGE',
      'CUSTOMER_REF_CONTAINS_INVALID_CHARACTERS',
      'ORDER_REF_IS_REQUIRED',
      'ORDER_REF_LENGTH_OUT_OF_RANGE',
      'ORDER_REF_CONTAINS_INVALID_CHARACTERS',
      'INSTRUCTION_REF_IS_REQUIRED',
      'INSTRUCTION_REF_LENGTH_OUT_OF_RANGE',
      'INSTRUCTION_REF_CONTAINS_INVALID_CHARACTERS',
      'CURRENCY_IS_REQUIRED',
      'CURRENCY_LENGTH_OUT_OF_RANGE',
      'COUNTRY_IS_REQUIRED',
      'COUNTRY_LENGTH_OUT_OF_RANGE',
      'SCHEME_IS_REQUIRED',
      'SCHEME_FORMAT_NOT_RECOGNISED',
      'AMOUNT_IS_REQUIRED',
      'AMOUNT_FORMAT_NOT_RECOGNISED',
      'AMOUNT_OUT_OF_RANGE',
      'OPEN_DATE_IS_REQUIRED',
      'OPEN_DATE_FORMAT_NOT_RECOGNISED',
      'DUE_DATE_IS_REQUIRED',
      'DUE_DATE_FORMAT_NOT_RECOGNISED',
    ]);
  });

  it("holds paydrop's own codes, marked as such", () => {
    expect(codesOf('row', 'ours')).toEqual([
      'DUE_DATE_BEFORE_OPEN_DATE',
      'CURRENCY_NOT_RECOGNISED',
      'CURRENCY_NOT_SUPPORTED',
      'COUNTRY_NOT_RECOGNISED',
      'AMOUNT_PRECISION_OUT_OF_RANGE',
      'METADATA_COUNT_OUT_OF_RANGE',
      'METADATA_NAME_LENGTH_OUT_OF_RANGE',
      'METADATA_VALUE_LENGTH_OUT_OF_RANGE',
      'ACTION_NOT_RECOGNISED',
      'DIRECTION_NOT_RECOGNISED',
      'SETTLED_BY_DATE_FORMAT_NOT_RECOGNISED',
      'CHANGE_NEEDS_APPROVAL',
      'PURPOSE_NOT_RECOGNISED',
      'MODE_NOT_RECOGNISED',
      'CONTROL_CHARACTER_NOT_ALLOWED',
      'TOTALS_ROW_NOT_ALLOWED',
      'ORDER_NOT_FOUND',
      'ORDER_REF_ALREADY_EXISTS',
      'ORDER_REF_USED_BY_ANOTHER_CUSTOMER',
      'INSTRUCTION_REF_ALREADY_EXISTS',
      'REFERENCE_REPEATED_IN_FILE',
      'INSTRUCTION_NOT_FOUND',
      'INSTRUCTION_ALREADY_PROCESSED',
      'COLUMN_COUNT_MISMATCH',
      'QUOTE_NOT_CLOSED',
      'LINE_LENGTH_OUT_OF_RANGE',
    ]);
    expect(codesOf('file', 'ours')).toEqual([
      'FILE_IS_EMPTY',
      'FILE_ENCODING_NOT_RECOGNISED',
      'FILE_TYPE_NOT_RECOGNISED',
      'FILE_HEADER_NOT_RECOGNISED',
      'FILE_HEADER_COLUMN_DUPLICATED',
      'FILE_SIZE_OUT_OF_RANGE',
      'FILE_ROWS_OUT_OF_RANGE',
      'FILE_CHECKSUM_MISMATCH',
      'FILE_ALREADY_PROCESSED',
      'FILE_NOT_REGULAR',
      'FILE_HAS_ROW_ERRORS',
    ]);
  });

  test.each(CODES.map((entry) => [entry.code, entry] as const))('%s is put into words', (code, entry) => {
    expect(describeCode(code)).toEqual(entry);
    expect(entry.title).toMatch(/^[A-Z].*[^.]$/);
    expect(entry.cause).toMatch(/^[A-Z].*\.$/);
    expect(entry.remedy).toMatch(/^[A-Z].*\.$/);
    expect(entry.example.wrong).not.toBe(entry.example.right);
  });

  it('knows nothing of a text that is no code', () => {
    for (const text of ['', 'AMOUNT', 'amount_is_required', '__proto__', 'constructor'])
      expect(describeCode(text)).toBeUndefined();
  });
});

describe('the sentence a report shows', () => {
  const sentences: [why: string, error: RowError, sentence: string][] = [
    [
      'says what is wrong and what was found',
      { column: 'amount', value: '1,000', code: 'AMOUNT_FORMAT_NOT_RECOGNISED' },
      'The amount is not a plain decimal number: found "1,000".',
    ],
    [
      'says nothing more when nothing was found',
      { column: 'currency', value: '', code: 'CURRENCY_IS_REQUIRED' },
      'The currency is missing.',
    ],
    [
      'counts the characters of what is too long',
      { column: 'currency', value: 'Rupees', code: 'CURRENCY_LENGTH_OUT_OF_RANGE' },
      'The currency is longer than 3 characters: found 6 characters ("Rupees").',
    ],
    [
      'shows the beginning of a long value, and how long it is',
      { column: 'amount', value: '😀'.repeat(61), code: 'AMOUNT_FORMAT_NOT_RECOGNISED' },
      `The amount is not a plain decimal number: found 61 characters ("${'😀'.repeat(60)}…").`,
    ],
    [
      'names both dates where one is before the other',
      {
        column: 'dueDate',
        value: 'found 2026-11-20, the open date is 2026-11-21',
        code: 'DUE_DATE_BEFORE_OPEN_DATE',
      },
      'The due date is before the open date: found 2026-11-20, the open date is 2026-11-21.',
    ],
    [
      'names the column where the code does not',
      { column: 'narration', value: 'U+0000 at character 3', code: 'CONTROL_CHARACTER_NOT_ALLOWED' },
      'The value contains an invisible character that does not belong there (column narration): U+0000 at character 3.',
    ],
    [
      'names no column for a whole line',
      { column: '', value: 'found 7, expected 6', code: 'COLUMN_COUNT_MISMATCH' },
      'The line has more or fewer values than the header has columns: found 7, expected 6.',
    ],
    [
      'shows characters that would turn the line around',
      { column: 'purpose', value: 'a\u202Eb\n', code: 'PURPOSE_NOT_RECOGNISED' },
      'The purpose is not one the provider knows: found "a<U+202E>b<U+000A>".',
    ],
  ];
  test.each(sentences)('%s', (_, error, sentence) => {
    expect(rowMessage(error)).toBe(sentence);
  });
});

describe('the message of a value that looks right', () => {
  test.each<[RowError, string]>([
    [
      { column: 'amount', value: '100.00\u00a0', code: 'AMOUNT_FORMAT_NOT_RECOGNISED' },
      'found "100.00<U+00A0>", U+00A0 (no-break space) at character 7.',
    ],
    [
      { column: 'customerRef', value: 'С01', code: 'CUSTOMER_REF_CONTAINS_INVALID_CHARACTERS' },
      'found "С01", U+0421 (Cyrillic) at character 1.',
    ],
    [
      { column: 'currency', value: 'INR\u200b', code: 'CURRENCY_LENGTH_OUT_OF_RANGE' },
      'found 4 characters ("INR<U+200B>"), U+200B (zero-width space) at character 4.',
    ],
    [{ column: 'mode', value: 'ІMPS', code: 'MODE_NOT_RECOGNISED' }, 'found "ІMPS", U+0406 (Cyrillic) at character 1.'],
  ])('of $column names the character by number and place', (error, told) => {
    expect(rowMessage(error)).toContain(told);
  });

  it('names none where any letter may be', () => {
    const value = 'é'.repeat(501);
    expect(rowMessage({ column: 'metadata.x', value, code: 'METADATA_VALUE_LENGTH_OUT_OF_RANGE' })).not.toContain('U+');
  });
});

describe('a very long value', () => {
  const long = { column: 'amount', value: '😀'.repeat(60_000), code: 'AMOUNT_FORMAT_NOT_RECOGNISED' } as const;

  it('is kept and told by its beginning and its length, under the beginning of its heading', () => {
    const kept = inProportion({ ...long, column: `metadata.${'n'.repeat(60_000)}` });
    expect(kept).toMatchObject({ value: `${'😀'.repeat(200)}…`, characters: 60_000 });
    expect(kept.column).toBe(`metadata.${'n'.repeat(191)}…`);
    expect(foundText(kept)).toBe(`${'😀'.repeat(200)}… (60000 characters)`);
    expect(rowMessage(kept).length).toBeLessThan(400);
  });

  it('gives the same message, kept whole or not', () => {
    expect(rowMessage(inProportion(long))).toBe(rowMessage(long));
    expect(rowMessage(long)).toContain('found 60000 characters');
  });

  it('of 200 characters is kept whole', () => {
    const error = { ...long, value: 'x'.repeat(200) };
    expect(inProportion(error)).toBe(error);
    expect(foundText(error)).toBe(error.value);
  });
});
