/**
 * The file in which people decide: `STEM.N.to-approve.json`. It says what is held of one file, with a yes for each row. An
 * approver reads it, writes why, says no where need be, signs it and drops it. What comes back is read strictly: as a
 * whole or not at all.
 */
import * as z from 'zod/mini';
import { showsAnything, unwantedControl, visible } from '../domain/characters.ts';
import { MOST_DECISION_BYTES } from '../domain/decision.ts';
import { hasMoreValues, isDeeper, repeatedNames } from '../platform/json-text.ts';

const FORMAT = 'paydrop decision';
const VERSION = 1;
/** The file, its rows, one row, its reasons. */
const LEVELS = 4;
/** More than the largest decision has. The smallest values, in their millions, would take all memory. */
const MOST_VALUES = 1_000_000;
const LONGEST_REASON = 1_000;
const LONGEST_TEXT = 10_000;

const text = z.string(expected('text')).check(z.maxLength(LONGEST_TEXT, `expected at most ${LONGEST_TEXT} characters`));
const day = z
  .string(expected('a date such as "2026-03-02"'))
  .check(z.regex(/^\d{4}-\d\d-\d\d$/, 'expected a date such as "2026-03-02"'));
const wholeNumber = z.int(expected('a whole number')).check(z.minimum(1, 'expected a whole number from 1 on'));

const row = z.strictObject(
  {
    line: wholeNumber,
    customerRef: text,
    orderRef: text,
    instructionRef: text,
    amount: text,
    currency: text,
    payee: text,
    openDate: text,
    dueDate: text,
    reasons: z.custom<string[]>(isListOfTexts, expected('a list of codes')),
    seen: text,
    decision: z.enum(['yes', 'no'], expected('"yes" or "no"')),
  },
  expected('a row'),
);

function isListOfTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((one) => typeof one === 'string' && one.length <= LONGEST_TEXT);
}

const rows = z.array(z.unknown(), expected('a list of rows')).check(z.minLength(1, 'expected at least one row'));

/** Its rows are read one by one: a list of the problems of all of them would be far larger than the file. */
const head = z.strictObject(
  {
    format: z.literal(FORMAT, `expected "${FORMAT}", which such a file begins with`),
    version: z.literal(VERSION, `expected ${VERSION}: another version of paydrop wrote the file`),
    workspace: text,
    file: wholeNumber,
    name: text,
    sha256: text,
    written: day,
    expires: day,
    reason: z.string(expected('text')).check(({ value, issues }) => {
      const message = reasonProblem(value);
      if (message !== undefined) issues.push({ code: 'custom', message, input: value });
    }),
    rows,
  },
  expected('a decision, as paydrop writes it'),
);

/** What a person decides about one file. */
export interface DecisionFile extends Omit<z.infer<typeof head>, 'rows'> {
  readonly rows: readonly DecisionRow[];
}
export type DecisionRow = z.infer<typeof row>;

export type DecisionRead =
  | { readonly ok: true; readonly decision: DecisionFile }
  /** A sentence without its full stop. */
  | { readonly ok: false; readonly reason: string };

/** The text of a decision as paydrop writes it: a yes for each row, and a reason to be filled in. */
export function decisionText(
  decision: Omit<DecisionFile, 'format' | 'version' | 'reason' | 'rows'> & {
    readonly rows: readonly Omit<DecisionRow, 'decision'>[];
  },
): string {
  const { workspace, file, name, sha256, written, expires } = decision;
  const decided = decision.rows.map((held) => {
    const { line, customerRef, orderRef, instructionRef, amount, currency, payee, openDate, dueDate } = held;
    const shown = { line, customerRef, orderRef, instructionRef, amount, currency, payee, openDate, dueDate };
    return { ...shown, reasons: held.reasons, seen: held.seen, decision: 'yes' };
  });
  const about = { format: FORMAT, version: VERSION, workspace, file, name, sha256, written, expires, reason: '' };
  return `${JSON.stringify({ ...about, rows: decided }, null, 2)}\n`;
}

/** Reads a decision, as an editor on any system may have left it. */
export function readDecision(bytes: Buffer): DecisionRead {
  if (bytes.length > MOST_DECISION_BYTES)
    return refused(`the file is larger than ${MOST_DECISION_BYTES / 1e6} MB, and no decision is`);
  const json = textOf(bytes);
  if (json === undefined) return refused('the file is not UTF-8: save it as UTF-8');
  if (isDeeper(json, LEVELS)) return refused('the file is no decision: it has lists or objects within its rows');
  if (hasMoreValues(json, MOST_VALUES)) return refused('the file has more values than any decision');
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    return refused(
      `the file is no JSON${lineOf(error as Error, json)}: change no more than "decision" and "reason" in it`,
    );
  }
  const read = z.safeParse(head, value, { jitless: true });
  const [twice] = repeatedNames(json);
  if (twice !== undefined) return refused(`${placed(twice.split('.'))} is given twice`);
  if (!read.success) return refused(problemOf(read.error.issues[0]));
  const found = rowsOf(read.data.rows);
  if (typeof found === 'string') return refused(found);
  const again = repeatedRow(found);
  return again === undefined ? { ok: true, decision: { ...read.data, rows: found } } : refused(again);
}

/** The rows, or what is wrong with the first one that is none. */
function rowsOf(values: readonly unknown[]): DecisionRow[] | string {
  const found: DecisionRow[] = [];
  for (const [at, value] of values.entries()) {
    const read = z.safeParse(row, value, { jitless: true });
    if (!read.success) return problemOf(read.error.issues[0], ['rows', at]);
    found.push(read.data);
  }
  return found;
}

function refused(reason: string): DecisionRead {
  return { ok: false, reason };
}

/** Undefined for bytes that are not UTF-8. JSON begins with ASCII, so a zero there is UTF-16. A byte order mark is dropped. */
function textOf(bytes: Buffer): string | undefined {
  try {
    return bytes.subarray(0, 4).includes(0) ? undefined : new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Where the runtime says where the JSON ends being JSON. */
function lineOf({ message }: Error, json: string): string {
  const [, position] = /at position (\d+)/.exec(message) ?? [];
  if (position === undefined) return '';
  return ` in line ${json.slice(0, Number(position)).split('\n').length}`;
}

function reasonProblem(reason: string): string | undefined {
  if (!showsAnything(reason)) return 'expected why you decide so: write it between the quotes';
  if (reason.length > LONGEST_REASON) return `expected at most ${LONGEST_REASON} characters`;
  const character = unwantedControl(reason);
  return character === undefined ? undefined : `expected text without control characters, found ${character}`;
}

/** A row that is there twice, by its line or by its references. */
function repeatedRow(rows: readonly DecisionRow[]): string | undefined {
  const lines = new Set<number>();
  const references = new Set<string>();
  for (const { line, customerRef, orderRef, instructionRef } of rows) {
    if (lines.has(line)) return `line ${line} is there twice`;
    lines.add(line);
    const reference = JSON.stringify([customerRef, orderRef, instructionRef]);
    if (references.has(reference))
      return `${[customerRef, orderRef, instructionRef].map(shown).join(' / ')} is there twice`;
    references.add(reference);
  }
  return undefined;
}

function problemOf(issue: z.core.$ZodIssue | undefined, within: readonly PropertyKey[] = []): string {
  if (issue?.code === 'unrecognized_keys')
    return `${placed([...within, ...issue.path, issue.keys[0] ?? ''])} is no part of a decision`;
  const place = placed([...within, ...(issue?.path ?? [])]);
  return `${place === '' ? 'the file' : place}: ${issue?.message}`;
}

const MOST_SHOWN = 100;

/** `"amount" of row 4`: a person counts rows from 1 on. */
function placed(path: readonly PropertyKey[]): string {
  const [first, at, ...rest] = path.map(String);
  if (first === undefined) return '';
  if (at === undefined) return quoted(first);
  const place = `row ${Number(at) + 1}`;
  return rest.length === 0 ? place : `${quoted(rest.join('.'))} of ${place}`;
}

function quoted(text: string): string {
  return `"${shown(text)}"`;
}

/** A text of a decision, within a sentence: not so long that it hides the rest, and without unseen characters. */
export function shown(text: string): string {
  return visible(text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)}…` : text);
}

/** The sentence for a value of another kind, or none at all. */
function expected(what: string): { readonly error: (issue: { readonly input?: unknown }) => string } {
  return { error: ({ input }) => (input === undefined ? `it is missing, ${what} is expected` : `expected ${what}`) };
}
