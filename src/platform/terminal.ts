/** Text for people at a terminal: aligned tables and a little colour. NO_COLOR and pipes are respected. */
import { styleText } from 'node:util';

type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow';

/** Printed text can't disturb the terminal, whatever file or provider it came from. */
export interface Output {
  style(style: Style, text: string): string;
  line(text?: string): void;
  /** Columns whose heading starts with `>` are aligned right. */
  table(headings: readonly string[], rows: readonly (readonly string[])[]): void;
  /** Names and values, one pair a line. Pairs with an empty value are left out. */
  facts(facts: readonly (readonly [name: string, value: string])[]): void;
}

export function outputOn(stream: NodeJS.WriteStream, env: NodeJS.ProcessEnv): Output {
  const coloured = stream.isTTY && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
  const style: Output['style'] = (name, text) => (coloured ? styleText(name, text, { validateStream: false }) : text);
  const safe = (text: string) =>
    coloured ? text.split(OUR_STYLES).map(printableUnlessOurs).join('') : printable(text);
  const line = (text = '') => void stream.write(`${safe(text)}\n`);
  return {
    style,
    line,
    table: (headings, rows) => {
      const names = headings.map((heading) => heading.replace(/^>/, ''));
      const cells = rows.map((row) => row.map(printable));
      const widths = names.map((name, at) => Math.max(width(name), ...cells.map((row) => width(row[at] ?? ''))));
      const aligned = (row: readonly string[]) =>
        row
          .map((cell, at) => {
            const space = ' '.repeat((widths[at] ?? 0) - width(cell));
            return headings[at]?.startsWith('>') ? space + cell : cell + space;
          })
          .join('  ')
          .trimEnd();
      line(style('dim', aligned(names)));
      for (const row of cells) line(aligned(row));
    },
    facts: (facts) => {
      const stated = facts.filter(([, value]) => value !== '');
      const widest = Math.max(0, ...stated.map(([name]) => width(name)));
      for (const [name, value] of stated)
        line(`${style('dim', name)}${' '.repeat(widest - width(name) + 2)}${printable(value)}`);
    },
  };
}

/** JSON for machines: amounts and other big integers as text, maps as objects. */
export function printJson(stream: NodeJS.WriteStream, value: unknown): void {
  const plain = (_: string, item: unknown) => {
    if (typeof item === 'bigint') return item.toString();
    return item instanceof Map ? Object.fromEntries(item) : item;
  };
  stream.write(`${plainJson(JSON.stringify(value, plain, 2))}\n`);
}

/** The same JSON, with escapes for all characters that would disturb a terminal. It may be printed on one. */
export function plainJson(json: string): string {
  if (PLAIN_LINES.test(json)) return json;
  return json.replace(DISTURBING, (character) =>
    // A line end here is JSON's own: within a text it is escaped already.
    character === '\n' ? character : character.split('').map(escaped).join(''),
  );
}

function escaped(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/**
 * Matches nearly all text. Tests for classes of characters are slow at the first use, and a short command has only one
 * use.
 */
const PLAIN = /^[ -~]*$/;
const PLAIN_LINES = /^[\n -~]*$/;

/** Characters that move the cursor, change colours, reverse a line or hide the text beside them. */
const DISTURBING = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** One line of text without characters that move the cursor, change colours or hide the text beside them. */
export function printable(text: string): string {
  return PLAIN.test(text) ? text : text.replace(DISTURBING, '\ufffd');
}

/** As {@link printable}, for a text of several lines. */
export function printableLines(text: string): string {
  return text.split('\n').map(printable).join('\n');
}

/** The codes that `style` puts around a text. `split` keeps them, at every odd index. */
const OUR_STYLES = /(\x1b\[(?:1|2|22|31|32|33|39)m)/;

function printableUnlessOurs(part: string, at: number): string {
  return at % 2 === 1 ? part : printable(part);
}

/** A name takes at most this many columns of the screen. */
const NAME_COLUMNS = 60;

/** A name for a table. A long name keeps its beginning and its end, which distinguish names, with … between them. */
export function shortName(name: string): string {
  if (width(name) <= NAME_COLUMNS) return name;
  const characters = [...name];
  const half = (NAME_COLUMNS - 1) / 2;
  return `${fitting(characters, half).join('')}…${fitting(characters.toReversed(), half).toReversed().join('')}`;
}

/** The first characters, as many as fit into this many columns. */
function fitting(characters: readonly string[], columns: number): string[] {
  let left = columns;
  const end = characters.findIndex((character) => {
    left -= width(character);
    return left < 0;
  });
  return characters.slice(0, end < 0 ? characters.length : end);
}

/** The columns that a text takes: one for each code point, two for a wide East Asian one, none for a combining mark. */
function width(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let columns = 0;
  for (const character of text) {
    if (/\p{Mn}|\p{Me}/u.test(character)) continue;
    columns += isWide(character) ? 2 : 1;
  }
  return columns;
}

function isWide(character: string): boolean {
  return /\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Hangul}|\p{Emoji_Presentation}/u.test(
    character,
  );
}
