/**
 * Every code that a file or a row can get, and its texts. `paydrop explain` and docs/error-codes.md are made from this.
 */

import { lookAlike, visible } from './characters.ts';
import { DOCUMENTED_CODES } from './codes/documented.ts';
import type { Wording } from './codes/entry.ts';
import { FILE_CODES } from './codes/files.ts';
import { HOLD_ENTRIES } from './codes/holds.ts';
import { OUR_ROW_CODES } from './codes/ours.ts';
import { sixDigits } from './file-number.ts';
import { rowPlace } from './instruction.ts';
import { withdrawnAfter } from './iso.ts';
import type { RowStatus } from './status.ts';

/** FILE_HAS_ROW_ERRORS is the only code that both a whole file and each of its otherwise valid rows can get. */
export type RowCode =
  | (typeof DOCUMENTED_CODES)[number]['code']
  | (typeof OUR_ROW_CODES)[number]['code']
  | 'FILE_HAS_ROW_ERRORS';
export type FileCode = (typeof FILE_CODES)[number]['code'];
/** Why a payout is held back. */
export type HoldCode = (typeof HOLD_ENTRIES)[number]['code'];

/**
 * One error of one row. `column` is our name (`amount`), and is empty when the error concerns the whole line. `value`
 * is what was found.
 */
export interface RowError {
  readonly column: string;
  readonly value: string;
  readonly code: RowCode;
  /** The row that already has the reference. */
  readonly holder?: Holder;
  /** The number of characters found, where `value` is only the beginning. */
  readonly characters?: number;
}

interface Holder {
  readonly row: number;
  /** Whether the row is in the same file. */
  readonly here: boolean;
  /**
   * Where that row differs: `amount 100.00, here 900.00`. Empty where both say the same, or where it isn't the row in
   * force.
   */
  readonly differs: string;
  /** The status of that row. Known only when the error is shown. */
  readonly status?: RowStatus;
}

/** How many characters of a found value are kept and shown with each error. The row itself is kept whole. */
const KEPT_CHARACTERS = 200;

/** The error, with only the beginning of a very long value or heading: reports must stay in proportion to the file. */
export function inProportion(error: RowError): RowError {
  const { column, value } = error;
  if (column.length <= KEPT_CHARACTERS && value.length <= KEPT_CHARACTERS) return error;
  const found = [...value];
  const kept = { ...error, column: beginning([...column]), value: beginning(found) };
  return found.length > KEPT_CHARACTERS ? { ...kept, characters: found.length } : kept;
}

function beginning(characters: readonly string[]): string {
  return characters.length > KEPT_CHARACTERS
    ? `${characters.slice(0, KEPT_CHARACTERS).join('')}…`
    : characters.join('');
}

/** The found value, as text for a cell of its own. */
export function foundText({ value, characters }: RowError): string {
  return characters === undefined ? value : `${value} (${characters} characters)`;
}

/** Why a whole file was not taken in. `value` is what was found. `message` says the problem in a sentence. */
export interface FileProblem {
  readonly code: FileCode;
  readonly column: string;
  readonly value: string;
  readonly message: string;
}

export interface CodeDescription extends Wording {
  readonly code: RowCode | FileCode | HoldCode;
  /** Whether the code rejects one row or the whole file, or holds back a payout. */
  readonly scope: 'row' | 'file' | 'payout';
  /** `documented`: published by the provider for orders and instructions. `ours`: paydrop's own, in the same style. */
  readonly origin: 'documented' | 'ours';
}

/** All codes, in the order of docs/error-codes.md. */
export const CODES: readonly CodeDescription[] = [
  ...DOCUMENTED_CODES.map((entry) => ({ ...entry, scope: 'row', origin: 'documented' }) as const),
  ...OUR_ROW_CODES.map((entry) => ({ ...entry, scope: 'row', origin: 'ours' }) as const),
  ...HOLD_ENTRIES.map((entry) => ({ ...entry, scope: 'payout', origin: 'ours' }) as const),
  ...FILE_CODES.map((entry) => ({ ...entry, scope: 'file', origin: 'ours' }) as const),
];

/** In the order in which they are shown. */
export const HOLD_CODES: readonly HoldCode[] = HOLD_ENTRIES.map(({ code }) => code);

const HOLDS_FOR_A_DAY: ReadonlySet<string> = new Set<HoldCode>(['DAY_LIMIT_EXCEEDED', 'PAYEE_LIMIT_EXCEEDED']);

/** Whether what is held back for these codes, separated by blanks, goes on another day by itself. */
export function isHeldForADay(codes: string): boolean {
  return codes.split(' ').every((code) => HOLDS_FOR_A_DAY.has(code));
}

const byCode = new Map<string, CodeDescription>(CODES.map((entry) => [entry.code, entry]));

/** The errors of lines that could not be split into cells: nothing of such a row can be read. */
export const OF_WHOLE_LINE: ReadonlySet<string> = new Set<RowCode>([
  'COLUMN_COUNT_MISMATCH',
  'QUOTE_NOT_CLOSED',
  'LINE_LENGTH_OUT_OF_RANGE',
]);

export function describeCode(code: string): CodeDescription | undefined {
  return byCode.get(code);
}

/** A found value is shown whole up to this length. A longer one shows its beginning. */
const SHOWN_CHARACTERS = 60;

/** The same for a heading, which may have a long beginning (`customerDefault.metadata.`). */
const SHOWN_OF_A_HEADING = 100;

/** Codes whose value is a description (`7 instead of 6`), not the text of a cell. */
const VALUE_IS_WORDS: ReadonlySet<RowCode> = new Set<RowCode>([
  'DUE_DATE_BEFORE_OPEN_DATE',
  'METADATA_COUNT_OUT_OF_RANGE',
  'CONTROL_CHARACTER_NOT_ALLOWED',
  'COLUMN_COUNT_MISMATCH',
  'QUOTE_NOT_CLOSED',
  'TOTALS_ROW_NOT_ALLOWED',
  'CHANGE_NEEDS_APPROVAL',
  'LINE_LENGTH_OUT_OF_RANGE',
]);

/**
 * The one sentence that a report shows for an error: what is wrong, where it is if that isn't clear, and what was
 * found.
 */
export function rowMessage(error: RowError): string {
  const { code, column, value, holder } = error;
  const entry = byCode.get(code);
  if (!entry) return code;
  if (holder) return `${entry.title}: "${visible(value)}" is in ${heldBy(holder)}.`;
  const where =
    column !== '' && !entry.columns.includes(column) ? ` (column ${shownText(column, SHOWN_OF_A_HEADING)})` : '';
  return `${entry.title}${where}${found(error)}.`;
}

function heldBy({ row, here, differs, status }: Holder): string {
  const { file, line } = rowPlace(row);
  const where = here ? 'this file' : `file ${sixDigits(file)}`;
  return `line ${line} of ${where}${status ? ` (${status})` : ''}${differs && `: ${differs}`}`;
}

function found(error: RowError): string {
  const { code, value } = error;
  if (value === '') return '';
  if (VALUE_IS_WORDS.has(code)) return `: ${value}`;
  const twin = MAY_BE_ANY_TEXT.test(code) ? undefined : lookAlike(value);
  return shown(error) + (twin === undefined ? '' : `, ${twin}`);
}

/**
 * Codes of values that may have letters of any script. All other values are ASCII, and a letter of another script in
 * them may look like ASCII.
 */
const MAY_BE_ANY_TEXT = /^METADATA_/;

function shown({ code, value, characters }: RowError): string {
  const isAboutLength = code.endsWith('_LENGTH_OUT_OF_RANGE');
  // A value never has more characters than code units, so nearly all values need no count.
  if (!isAboutLength && value.length <= SHOWN_CHARACTERS) return `: found "${visible(value)}"${whyNoMore(code, value)}`;
  const count = characters ?? [...value].length;
  const text = `"${shownText(value)}"`;
  return isAboutLength || count > SHOWN_CHARACTERS ? `: found ${count} characters (${text})` : `: found ${text}`;
}

/** For a withdrawn currency: the last day on which it was legal tender. */
function whyNoMore(code: RowCode, value: string): string {
  const lastDay = code === 'CURRENCY_NOT_RECOGNISED' ? withdrawnAfter(value) : undefined;
  return lastDay === undefined ? '' : `, which was withdrawn: it was legal tender until ${lastDay}`;
}

function shownText(text: string, most = SHOWN_CHARACTERS): string {
  if (text.length <= most) return visible(text);
  const characters = [...text];
  return visible(characters.length > most ? `${characters.slice(0, most).join('')}…` : text);
}
