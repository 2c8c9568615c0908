/** Reads a header: which kind of file it is, and which of our columns each cell names. */
import { API, APIS, type Api } from '../../domain/api.ts';
import { trimBlanks, unwanted, visible } from '../../domain/characters.ts';
import type { FileCode, FileProblem } from '../../domain/codes.ts';
import { unescapeFormula } from '../../platform/formula.ts';
import { nearest } from '../../platform/nearest.ts';
import { looseName as loose } from '../../settings/settings.ts';
import type { FileKind } from '../../store/store.ts';

/** A valid header. */
export interface Header {
  readonly kind: FileKind;
  /** The provider's API: it decides which columns exist. */
  readonly api: Api;
  /** Our name of each cell's column, `metadata.NAME` with NAME as the file spells it; empty for a column to ignore. */
  readonly columns: readonly string[];
  /** The place of each of our columns among the cells. */
  readonly at: ReadonlyMap<string, number>;
  readonly metadata: readonly MetadataColumn[];
  readonly defaultMetadata: readonly MetadataColumn[];
  /** The cells have the formula protection of our own reports: the file is a rejected.csv that is dropped again. */
  readonly escaped: boolean;
  /** Some columns have no heading. They are skipped if they hold no value. */
  readonly unnamed: boolean;
  readonly width: Width;
}

/** The number of cells that a row has. */
interface Width {
  readonly count: number;
  /** The columns without those at the end that have no heading. */
  readonly named: number;
  /** The last column with a heading is required. */
  readonly endsRequired: boolean;
}

export interface MetadataColumn {
  readonly name: string;
  readonly at: number;
}

interface KindOfFile {
  readonly kind: FileKind;
  readonly article: string;
  readonly required: readonly string[];
  readonly optional: readonly string[];
  /** `metadata.` and the like: the beginnings of column names whose rest is free. */
  readonly prefixes: readonly string[];
}

const SHARED = ['customerRef', 'orderRef'];

const METADATA = 'metadata.';
const DEFAULT_METADATA = 'customerDefault.metadata.';

const ORDERS = {
  kind: 'orders',
  article: 'an orders file',
  required: [...SHARED, 'currency', 'country', 'scheme'],
} as const;

const INSTRUCTIONS = {
  kind: 'instructions',
  article: 'an instructions file',
  required: [...SHARED, 'instructionRef', 'amount', 'openDate', 'dueDate'],
} as const;

type Kinds = Readonly<Record<FileKind, KindOfFile>>;

/** The columns of each API's files. */
export const KINDS = Object.fromEntries(
  APIS.map((api) => {
    const { orders, instructions } = API[api].columns;
    return [
      api,
      {
        orders: { ...ORDERS, ...columnsOf(orders) },
        instructions: { ...INSTRUCTIONS, ...columnsOf(['action', ...instructions]) },
      },
    ];
  }),
) as unknown as Readonly<Record<Api, Kinds>>;

function columnsOf(columns: readonly string[]): Pick<KindOfFile, 'optional' | 'prefixes'> {
  const hasAnyName = (column: string) => column.endsWith('.NAME');
  return {
    optional: columns.filter((column) => !hasAnyName(column)),
    prefixes: columns.filter(hasAnyName).map((column) => column.slice(0, -'NAME'.length)),
  };
}

const IGNORED = ['line', 'errors', 'sandbox'];
/** Only reports have this column. */
const REPORT_COLUMN = 'errors';

/** The `columns` setting: other headings for our columns. */
export type Names = Readonly<Record<string, string>>;

/** A cell of the header, before it is matched to a column. */
export interface Heading {
  /** The number of its column in the file, from 1. */
  readonly number: number;
  /** The heading as the file spells it, without blanks around it. */
  readonly text: string;
  /** The column that the `columns` setting maps it to; otherwise the text itself. */
  readonly meant: string;
}

/** The result of matching the headings to one kind of file. */
interface Match {
  readonly columns: readonly (string | undefined)[];
  readonly missing: readonly string[];
  readonly unknown: readonly Heading[];
  readonly empty: readonly Heading[];
  /** Columns that the same kind of file has for another API. */
  readonly ofOtherApi: readonly Heading[];
  /** Each column that several headings name, with those headings. */
  readonly duplicated: readonly (readonly [column: string, headings: readonly Heading[]])[];
}

/**
 * Matches header cells to our columns, in any order; case, spaces, `_` and `-` are ignored (docs/files.md). `settings`
 * is the `columns` setting: other headings for our columns. `api` is the provider's API. For a header that fits neither
 * kind of file it returns a problem that names everything that is wrong.
 */
export function matchHeader(
  cells: readonly string[],
  settings: Names,
  api: Api = 'payout-orders',
): { header: Header } | { problem: FileProblem } {
  const escaped = cells.some((cell) => loose(cell) === REPORT_COLUMN);
  const headings = headingsOf(cells, settings, escaped);
  const kind = bestKind(KINDS[api], headings);
  if (!kind) return { problem: separatorProblem(headings) ?? neitherProblem(headings) };
  const match = matchAs(kind, headings);
  if (match.missing.length + match.unknown.length + match.ofOtherApi.length > 0)
    return { problem: separatorProblem(headings) ?? misfitProblem(kind, headings, match) };
  if (match.duplicated.length > 0) return { problem: duplicateProblem(match) };
  const columns = match.columns.map((column) => column ?? '');
  return {
    header: {
      kind: kind.kind,
      api,
      columns,
      at: new Map(columns.flatMap((column, at): [string, number][] => (column === '' ? [] : [[column, at]]))),
      metadata: withPrefix(columns, METADATA),
      defaultMetadata: withPrefix(columns, DEFAULT_METADATA),
      escaped,
      unnamed: match.empty.length > 0,
      width: widthOf(kind, headings, columns),
    },
  };
}

function widthOf({ required }: KindOfFile, headings: readonly Heading[], columns: readonly string[]): Width {
  const named = headings.findLastIndex(({ text }) => text !== '') + 1;
  return { count: columns.length, named, endsRequired: required.includes(columns[named - 1] ?? '') };
}

export function headingsOf(cells: readonly string[], settings: Names, escaped: boolean): Heading[] {
  const meanings = new Map(Object.entries(settings).map(([heading, column]) => [loose(heading), column]));
  return cells.map((cell, at): Heading => {
    const text = trimBlanks(escaped ? unescapeFormula(cell) : cell);
    return { number: at + 1, text, meant: meanings.get(loose(text)) ?? text };
  });
}

function withPrefix(columns: readonly string[], prefix: string): MetadataColumn[] {
  return columns.flatMap((column, at) =>
    column.startsWith(prefix) ? [{ name: column.slice(prefix.length), at }] : [],
  );
}

/** The kind of file of whose own required columns the larger share is there; undefined if neither has any. */
function bestKind(kinds: Kinds, headings: readonly Heading[]): KindOfFile | undefined {
  const names = new Set(headings.map(({ meant }) => loose(meant)));
  const share = ({ required }: KindOfFile) => {
    const own = required.filter((column) => !SHARED.includes(column));
    return own.filter((column) => names.has(loose(column))).length / own.length;
  };
  const orders = share(kinds.orders);
  const instructions = share(kinds.instructions);
  if (orders === 0 && instructions === 0) return undefined;
  return orders > instructions ? kinds.orders : kinds.instructions;
}

function matchAs(kind: KindOfFile, headings: readonly Heading[]): Match {
  const known = new Map([...kind.required, ...kind.optional, ...IGNORED].map((column) => [loose(column), column]));
  const columns = headings.map(({ meant }) => known.get(loose(meant)) ?? prefixedColumn(kind, meant));
  const claims = new Map<string, Heading[]>();
  const unclaimed: Heading[] = [];
  headings.forEach((heading, at) => {
    const column = columns[at];
    if (column === undefined) unclaimed.push(heading);
    if (column === undefined || IGNORED.includes(column)) return;
    const claimants = claims.get(loose(column)) ?? [];
    claimants.push(heading);
    claims.set(loose(column), claimants);
  });
  const isOfOtherApi = (heading: Heading) => apiWith(kind, heading) !== undefined;
  return {
    columns: columns.map((column) => (column !== undefined && IGNORED.includes(column) ? '' : column)),
    missing: kind.required.filter((column) => !claims.has(loose(column))),
    unknown: unclaimed.filter((heading) => heading.text !== '' && !isOfOtherApi(heading)),
    empty: unclaimed.filter(({ text }) => text === ''),
    ofOtherApi: unclaimed.filter(isOfOtherApi),
    duplicated: [...claims]
      .filter(([, claimants]) => claimants.length > 1)
      .map(([name, claimants]) => [known.get(name) ?? name, claimants] as const),
  };
}

/** An API for which this kind of file has such a column. */
function apiWith({ kind }: KindOfFile, { meant }: Heading): Api | undefined {
  return APIS.find((api) => {
    const { required, optional } = KINDS[api][kind];
    const isNamed = [...required, ...optional].some((column) => loose(column) === loose(meant));
    return isNamed || prefixedColumn(KINDS[api][kind], meant) !== undefined;
  });
}

function byOtherApi(kind: KindOfFile, { ofOtherApi }: Match): Map<Api | undefined, Heading[]> {
  const byApi = new Map<Api | undefined, Heading[]>();
  for (const heading of ofOtherApi) {
    const api = apiWith(kind, heading);
    byApi.set(api, [...(byApi.get(api) ?? []), heading]);
  }
  return byApi;
}

/** `metadata.NAME` with NAME as the file spells it, if the kind of file has such columns and all of NAME is visible. */
function prefixedColumn(kind: KindOfFile, meant: string): string | undefined {
  const prefix = kind.prefixes.find((candidate) => loose(meant).startsWith(loose(candidate)));
  if (prefix === undefined) return undefined;
  const parts = meant.split('.').slice(prefix.split('.').length - 1);
  const name = trimBlanks(parts.join('.'));
  return name === '' || unwanted(name) !== undefined ? undefined : prefix + name;
}

const SEPARATORS = [
  [';', 'semicolons'],
  ['\t', 'tabs'],
  ['|', 'vertical bars'],
] as const;

/** The name of a separator; undefined for another character. */
export function separatorCalled(separator: string): string | undefined {
  return SEPARATORS.find(([known]) => known === separator)?.[1];
}

/**
 * How a spreadsheet writes commas. Excel takes the separator of every kind of CSV from the regional settings, and where
 * amounts have a decimal comma that is a semicolon.
 */
export function howToSave(separator: string): string {
  if (separator !== ';') return 'Save the file again as "CSV UTF-8 (comma delimited)".';
  return 'With Excel the separator comes from the settings of Windows, whatever kind of CSV is chosen: under Region, Additional settings, set the decimal symbol to "." and the list separator to ",", and save again as "CSV UTF-8". With LibreOffice tick "Edit filter settings" when saving, and choose "," as the field delimiter; amounts must be shown with a point.';
}

/** The problem of a header in which another separator than the comma yields more of our columns. */
function separatorProblem(headings: readonly Heading[]): FileProblem | undefined {
  const texts = headings.map(({ text }) => text);
  const line = texts.join(',');
  const found = SEPARATORS.find(([separator]) => requiredIn(line.split(separator)) > requiredIn(texts));
  if (!found) return undefined;
  const message = `The columns are separated by ${found[1]}; they must be separated by commas. ${howToSave(found[0])}`;
  return headerProblem('FILE_HEADER_NOT_RECOGNISED', '', headings, message);
}

/** The number of these names that are required columns of either kind of file. */
export function requiredIn(texts: readonly string[]): number {
  const names = new Set(texts.map(loose));
  const required = new Set([...ORDERS.required, ...INSTRUCTIONS.required].map(loose));
  return [...required].filter((column) => names.has(column)).length;
}

function neitherProblem(headings: readonly Heading[]): FileProblem {
  const message = `The first line is neither the header of an orders file (${ORDERS.required.join(', ')}) nor of an instructions file (${INSTRUCTIONS.required.join(', ')}). Found: ${listed(headings.map(quoted))}.${decisionHint(headings)}`;
  return headerProblem('FILE_HEADER_NOT_RECOGNISED', '', headings, message);
}

/** A decision about held payouts, or its signature, is known by its name alone. */
function decisionHint([first]: readonly Heading[]): string {
  const isOne = first?.text === '{' || first?.text === '-----BEGIN SSH SIGNATURE-----';
  return isOne ? ' A decision keeps ".to-approve" in its name, and ".json" or ".json.sig" at its end.' : '';
}

function misfitProblem(kind: KindOfFile, headings: readonly Heading[], match: Match): FileProblem {
  const free = [...match.missing, ...kind.optional.filter((column) => !match.columns.includes(column))];
  const optional = [...kind.optional, ...kind.prefixes.map((prefix) => `${prefix}NAME`)];
  const sentences = [
    `By its header this is ${kind.article}.`,
    match.missing.length > 0 ? `Missing: ${match.missing.join(', ')}.` : '',
    match.unknown.length > 0
      ? `Not known: ${listed(match.unknown.map((heading) => quoted(heading) + hint(heading, free)))}.`
      : '',
    match.empty.length > 0 ? withoutHeading(match) : '',
    ...[...byOtherApi(kind, match)].map(
      ([owner, theirs]) => `Only the ${owner} API has these columns; remove them: ${listed(theirs.map(quoted))}.`,
    ),
    match.duplicated.length > 0 ? givenTwice(match) : '',
    `Found: ${listed(headings.map(quoted))}.`,
    `Expected: ${kind.required.join(', ')}; optional: ${optional.join(', ')}.`,
  ];
  const message = sentences.filter((sentence) => sentence !== '').join(' ');
  return headerProblem('FILE_HEADER_NOT_RECOGNISED', match.missing[0] ?? '', headings, message);
}

function duplicateProblem(match: Match): FileProblem {
  const [column, headings] = match.duplicated[0] ?? ['', []];
  return headerProblem('FILE_HEADER_COLUMN_DUPLICATED', column, headings, givenTwice(match));
}

function withoutHeading({ empty }: Match): string {
  const numbers = listed(empty.map(({ number }) => String(number)));
  return empty.length === 1
    ? `Column ${numbers} has no heading: give it one or remove the column.`
    : `Columns ${numbers} have no heading: give them one or remove the columns.`;
}

function givenTwice({ duplicated }: Match): string {
  return `Given more than once: ${listed(duplicated.map(([column, headings]) => `${shortened(column)} (${listed(headings.map(quoted))})`))}.`;
}

/** A longer heading gets no suggestion, and is shown shortened. */
const GUESSED_CHARACTERS = 60;

/** The column that a heading was probably meant to be, as a hint behind it. */
function hint({ text, meant }: Heading, columns: readonly string[]): string {
  if (meant !== text)
    return ` ("columns" in paydrop.json makes it "${shortened(meant)}", which is no column of such a file)`;
  const name = loose(text);
  if (name.length === 0 || name.length > GUESSED_CHARACTERS) return '';
  const near = columns.find((column) => name.includes(loose(column))) ?? nearest(text, columns, loose);
  return near ? ` (did you mean ${near}?)` : '';
}

const LISTED_NAMES = 20;

export function listed(names: readonly string[]): string {
  const more = names.length - LISTED_NAMES;
  const shown = names.slice(0, LISTED_NAMES).join(', ');
  return more > 0 ? `${shown} and ${more} more` : shown;
}

export function quoted({ text }: Heading): string {
  return `"${shortened(text)}"`;
}

function shortened(text: string): string {
  return visible(text.length > GUESSED_CHARACTERS ? `${text.slice(0, GUESSED_CHARACTERS)}…` : text);
}

export function headerProblem(
  code: FileCode,
  column: string,
  headings: readonly Heading[],
  message: string,
): FileProblem {
  return { code, column, value: listed(headings.map(({ text }) => shortened(text))), message };
}
