/**
 * The parts of which the rules for both kinds of file are made. No rule changes a value. No rule is skipped because
 * another rule failed, unless the first error already says it all (an empty cell is only reported as missing).
 */
import { allShow, unwanted, unwantedControl } from '../../domain/characters.ts';
import { CODES, type RowCode, type RowError } from '../../domain/codes.ts';

type Test = (text: string) => boolean;

/** A test that a cell must pass, and the code of the error if it doesn't. */
export interface Rule {
  readonly passes: Test;
  readonly code: RowCode;
  /** If this rule fails, the cell's later rules are not applied: they would report the same mistake again. */
  readonly decisive: boolean;
}

/** The rules of each column. */
export type Rules = readonly (readonly [column: string, rules: readonly Rule[]])[];

export function rule(passes: Test, code: RowCode): Rule {
  return { passes, code, decisive: false };
}

export function decisive(passes: Test, code: RowCode): Rule {
  return { passes, code, decisive: true };
}

/** Adds an error for each rule that a cell fails. */
export function addFailed(errors: RowError[], rules: readonly Rule[], column: string, value: string): void {
  for (const { passes, code, decisive } of rules) {
    if (passes(value)) continue;
    errors.push({ column, value, code });
    if (decisive) return;
  }
}

export function isPresent(text: string): boolean {
  return text !== '';
}

/** A text has at most `limit` characters, as people count them (code points). */
export function upTo(limit: number): Test {
  return (text) => text.length <= limit || (text.length <= limit * 2 && [...text].length <= limit);
}

/** A text is empty or one of these words. */
export function emptyOr(words: readonly string[]): Test {
  const allowed = new Set(['', ...words]);
  return (text) => allowed.has(text);
}

const REFERENCE_CHARACTERS = 50;

/**
 * The rules for references (api documentation, "Validation codes"): at most 50 characters of `A-Za-z0-9-_.`. Not `.` or
 * `..` alone: references are parts of the provider's paths, and such a path would lead elsewhere.
 */
export function reference(prefix: 'CUSTOMER_REF' | 'ORDER_REF' | 'INSTRUCTION_REF'): readonly Rule[] {
  return [
    decisive(isPresent, `${prefix}_IS_REQUIRED`),
    rule(upTo(REFERENCE_CHARACTERS), `${prefix}_LENGTH_OUT_OF_RANGE`),
    rule(hasReferenceCharacters, `${prefix}_CONTAINS_INVALID_CHARACTERS`),
  ];
}

/** The ASCII characters of references. */
const IN_REFERENCES = Array.from({ length: 128 }, (_, code) => /[A-Za-z0-9._-]/.test(String.fromCharCode(code)));

/** A loop: it runs six times for every row, and takes a quarter of the time of a regular expression. */
function hasReferenceCharacters(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (IN_REFERENCES[text.charCodeAt(at)] !== true) return false;
  return text !== '' && text !== '.' && text !== '..';
}

/** Whether a cell passes all rules of {@link reference}. */
export function isReference(text: string): boolean {
  return text.length <= REFERENCE_CHARACTERS && hasReferenceCharacters(text);
}

/** The number that a piece of a text is in ASCII digits; NaN where it is none. */
function digitsOf(text: string, from: number, to: number): number {
  let number = 0;
  for (let at = from; at < to; at++) {
    const digit = text.charCodeAt(at) - 48;
    if (!(digit >= 0 && digit <= 9)) return Number.NaN;
    number = number * 10 + digit;
  }
  return number;
}

const DAYS_IN_MONTH = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** `YYYY-MM-DD`, a day that exists in the Gregorian calendar, from year 1. */
export function isDate(text: string): boolean {
  if (text.length !== 10 || text[4] !== '-' || text[7] !== '-') return false;
  const year = digitsOf(text, 0, 4);
  const month = digitsOf(text, 5, 7);
  const day = digitsOf(text, 8, 10);
  const leapDay = month === 2 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 1 : 0;
  return year >= 1 && day >= 1 && day <= (DAYS_IN_MONTH[month - 1] ?? 0) + leapDay;
}

/**
 * Adds an error for each cell with a character that no value may have. `columns` names each cell's column; empty for a
 * cell to ignore. A column with rules of its own is only checked for control characters: its rules cover the rest.
 */
export function addUnwanted(
  errors: RowError[],
  columns: readonly string[],
  cells: readonly string[],
  rules: Rules,
): void {
  if (cells.every(allShow)) return;
  cells.forEach((cell, at) => {
    const column = columns[at] ?? '';
    if (column === '') return;
    const value = rules.some(([ruled]) => ruled === column) ? unwantedControl(cell) : unwanted(cell);
    if (value !== undefined) errors.push({ column, value, code: 'CONTROL_CHARACTER_NOT_ALLOWED' });
  });
}

const codePosition = new Map<string, number>(CODES.map(({ code }, at) => [code, at]));

/** The errors in the order of our documentation: by column, then by code. Metadata comes last, in the file's order. */
export function inOrder(
  errors: readonly RowError[],
  documented: readonly string[],
  columns: readonly string[],
): RowError[] {
  const place = ({ column }: RowError): number => {
    const known = documented.indexOf(column);
    return known < 0 ? documented.length + columns.indexOf(column) : known;
  };
  const byCode = (a: RowError, b: RowError) => (codePosition.get(a.code) ?? 0) - (codePosition.get(b.code) ?? 0);
  return errors.toSorted((a, b) => place(a) - place(b) || byCode(a, b));
}
