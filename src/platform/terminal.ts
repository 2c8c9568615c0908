/** Text for people at a terminal: aligned tables, a little colour. NO_COLOR and pipes are honoured. */
import { styleText } from 'node:util';

type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow';

/** Nothing that is printed on it can disturb the terminal, whatever file or provider it came from. */
export interface Output {
  style(style: Style, text: string): string;
  line(text?: string): void;
  /** Columns whose heading starts with `>` are aligned right. */
  table(headings: readonly string[], rows: readonly (readonly string[])[]): void;
  /** Names and values, one a line; those with nothing to say are left out. */
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
      const told = facts.filter(([, value]) => value !== '');
      const widest = Math.max(0, ...told.map(([name]) => width(name)));
      for (const [name, value] of told)
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

/** The same JSON with escapes for all that would disturb a terminal: it may be printed on one. */
export function plainJson(json: string): string {
  if (PLAIN_LINES.test(json)) return json;
  return json.replace(DISTURBING, (character) =>
    // Line ends are JSON's own: a text has none that is not escaped already.
    character === '\n' ? character : character.split('').map(escaped).join(''),
  );
}

function escaped(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** What nearly all text is. To ask about classes of characters is slow the first time, and a short command asks once. */
const PLAIN = /^[ -~]*$/;
const PLAIN_LINES = /^[\n -~]*$/;

/** What moves the cursor, changes colours, turns a line around or hides what stands beside it. */
const DISTURBING = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** One line of text with nothing in it that moves the cursor, changes colours or hides what stands beside it. */
export function printable(text: string): string {
  return PLAIN.test(text) ? text : text.replace(DISTURBING, '\ufffd');
}

/** As {@link printable}, of a text of several lines. */
export function printableLines(text: string): string {
  return text.split('\n').map(printable).join('\n');
}

/** What `style` puts around a text; the split keeps it, at every odd place. */
const OUR_STYLES = /(\x1b\[(?:1|2|22|31|32|33|39)m)/;

function printableUnlessOurs(part: string, at: number): string {
  return at % 2 === 1 ? part : printable(part);
}

/** So many columns of the screen a name takes at most. */
const NAME_COLUMNS = 60;

/** A name for a table: of a long one its beginning and its end, which tell names apart, with … between them. */
export function shortName(name: string): string {
  if (width(name) <= NAME_COLUMNS) return name;
  const characters = [...name];
  const half = (NAME_COLUMNS - 1) / 2;
  return `${fitting(characters, half).join('')}…${fitting(characters.toReversed(), half).toReversed().join('')}`;
}

/** As many of the first ones as fit into so many columns. */
function fitting(characters: readonly string[], columns: number): string[] {
  let left = columns;
  const end = characters.findIndex((character) => {
    left -= width(character);
    return left < 0;
  });
  return characters.slice(0, end < 0 ? characters.length : end);
}

/** How many columns it takes: code points, wide East Asian ones twice, combining marks not at all. */
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
