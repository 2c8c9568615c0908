/** The codes published for orders and instructions (api documentation, "Validation codes"); complete. */
import type { Entry } from './entry.ts';

export const DOCUMENTED_CODES = [
  ...reference('CUSTOMER_REF', 'customerRef', 'customer reference', 'C01'),
  ...reference('ORDER_REF', 'orderRef', 'order reference', 'REF1'),
  ...reference('INSTRUCTION_REF', 'instructionRef', 'instruction reference', 'PI01'),
  {
    code: 'CURRENCY_IS_REQUIRED',
    columns: ['currency'],
    title: 'The currency is missing',
    cause: 'The cell is empty.',
    remedy: 'Write the three-letter currency code of the order.',
    example: { wrong: '', right: 'INR' },
  },
  {
    code: 'CURRENCY_LENGTH_OUT_OF_RANGE',
    columns: ['currency'],
    title: 'The currency is longer than 3 characters',
    cause: "The currency's name was written instead of its code.",
    remedy: 'Write the three-letter code of ISO 4217.',
    example: { wrong: 'Rupees', right: 'INR' },
  },
  {
    code: 'COUNTRY_IS_REQUIRED',
    columns: ['country'],
    title: 'The country is missing',
    cause: 'The cell is empty.',
    remedy: 'Write the two-letter country code of the order.',
    example: { wrong: '', right: 'IN' },
  },
  {
    code: 'COUNTRY_LENGTH_OUT_OF_RANGE',
    columns: ['country'],
    title: 'The country is longer than 2 characters',
    cause: "The country's name or its three-letter code was written.",
    remedy: 'Write the two-letter code of ISO 3166.',
    example: { wrong: 'India', right: 'IN' },
  },
  {
    code: 'SCHEME_IS_REQUIRED',
    columns: ['scheme'],
    title: 'The scheme is missing',
    cause: 'The cell is empty.',
    remedy: 'Copy the identifier of the scheme from the provider.',
    example: { wrong: '', right: '654EB81F-3A21-4A1E-9C0B-3B5C8F2D7E10' },
  },
  {
    code: 'SCHEME_FORMAT_NOT_RECOGNISED',
    columns: ['scheme'],
    title: 'The scheme is not a GUID',
    cause: "The scheme's name was written, or the identifier was cut short while copying.",
    remedy:
      'Copy the whole identifier: 8, 4, 4, 4 and 12 hexadecimal digits joined by hyphens; braces around it are allowed.',
    example: { wrong: 'bank-transfer', right: '654EB81F-3A21-4A1E-9C0B-3B5C8F2D7E10' },
  },
  {
    code: 'AMOUNT_IS_REQUIRED',
    columns: ['amount'],
    title: 'The amount is missing',
    cause: 'The cell is empty.',
    remedy: 'Write the amount to pay.',
    example: { wrong: '', right: '210.00' },
  },
  {
    code: 'AMOUNT_FORMAT_NOT_RECOGNISED',
    columns: ['amount'],
    title: 'The amount is not a plain decimal number',
    cause:
      'It holds a currency sign, a thousands separator, a decimal comma or an exponent that a spreadsheet put there.',
    remedy: 'Write digits only, with a point before the decimals if there are any.',
    example: { wrong: '₹1,000.00', right: '1000.00' },
  },
  {
    code: 'AMOUNT_OUT_OF_RANGE',
    columns: ['amount'],
    title: 'The amount must be greater than zero and at most 999,999,999,999.99',
    cause: 'Zero, a negative amount such as a correction or refund, or too many digits.',
    remedy: 'Only amounts to pay out can be sent: correct the amount or remove the row.',
    example: { wrong: '-210.00', right: '210.00' },
  },
  {
    code: 'OPEN_DATE_IS_REQUIRED',
    columns: ['openDate'],
    title: 'The open date is missing',
    cause: 'The cell is empty.',
    remedy: 'Write the first day on which the payout may be sent.',
    example: { wrong: '', right: '2026-11-21' },
  },
  {
    code: 'OPEN_DATE_FORMAT_NOT_RECOGNISED',
    columns: ['openDate'],
    title: 'The open date is not a day written as YYYY-MM-DD',
    cause: 'A spreadsheet rewrote the date in its own style, or the day does not exist.',
    remedy: 'Write year, month and day as YYYY-MM-DD; format the column as text so that it stays so.',
    example: { wrong: '21/11/2026', right: '2026-11-21' },
  },
  {
    code: 'DUE_DATE_IS_REQUIRED',
    columns: ['dueDate'],
    title: 'The due date is missing',
    cause: 'The cell is empty.',
    remedy: 'Write the day on which the payout is due.',
    example: { wrong: '', right: '2026-11-30' },
  },
  {
    code: 'DUE_DATE_FORMAT_NOT_RECOGNISED',
    columns: ['dueDate'],
    title: 'The due date is not a day written as YYYY-MM-DD',
    cause: 'A spreadsheet rewrote the date in its own style, or the day does not exist.',
    remedy: 'Write year, month and day as YYYY-MM-DD; format the column as text so that it stays so.',
    example: { wrong: '2026-11-31', right: '2026-11-30' },
  },
] as const satisfies readonly Entry[];

/** The three codes every kind of reference has. */
function reference<Prefix extends string>(prefix: Prefix, column: string, name: string, right: string) {
  return [
    {
      code: `${prefix}_IS_REQUIRED`,
      columns: [column],
      title: `The ${name} is missing`,
      cause: 'The cell is empty.',
      remedy: `Write the ${name} of this row.`,
      example: { wrong: '', right },
    },
    {
      code: `${prefix}_LENGTH_OUT_OF_RANGE`,
      columns: [column],
      title: `The ${name} is longer than 50 characters`,
      cause: 'Several identifiers or a description were put into one cell.',
      remedy: 'Use a reference of at most 50 characters.',
      example: { wrong: `${right}-for-the-November-payments-of-the-eastern-branches`, right },
    },
    {
      code: `${prefix}_CONTAINS_INVALID_CHARACTERS`,
      columns: [column],
      title: `The ${name} contains a character that is not allowed`,
      cause: 'A space, slash, accent or typographic dash, often copied from a document.',
      remedy: 'Use only the letters A to Z and a to z, the digits 0 to 9, hyphen, underscore and full stop.',
      example: { wrong: `${right}/2026`, right: `${right}-2026` },
    },
  ] as const;
}
