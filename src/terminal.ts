/** Text for people at a terminal: aligned tables, a little colour. NO_COLOR and pipes are honoured. */
import { styleText } from 'node:util';

type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow';

export interface Paper {
  style(style: Style, text: string): string;
  line(text?: string): void;
  /** Columns whose heading starts with `>` are aligned right. */
  table(headings: readonly string[], rows: readonly (readonly string[])[]): void;
}

export function paperOn(stream: NodeJS.WriteStream, env: NodeJS.ProcessEnv): Paper {
  const coloured = stream.isTTY && !env['NO_COLOR'];
  const style: Paper['style'] = (name, text) => (coloured ? styleText(name, text) : text);
  const line = (text = '') => void stream.write(`${text}\n`);
  return {
    style,
    line,
    table: (headings, rows) => {
      const names = headings.map((heading) => heading.replace(/^>/, ''));
      const widths = names.map((name, at) => Math.max(width(name), ...rows.map((row) => width(row[at] ?? ''))));
      const aligned = (cells: readonly string[]) =>
        cells
          .map((cell, at) => {
            const space = ' '.repeat((widths[at] ?? 0) - width(cell));
            return headings[at]?.startsWith('>') ? space + cell : cell + space;
          })
          .join('  ')
          .trimEnd();
      line(style('dim', aligned(names)));
      for (const row of rows) line(aligned(row));
    },
  };
}

/** JSON for machines: amounts and other big integers as text, maps as objects. */
export function printJson(stream: NodeJS.WriteStream, value: unknown): void {
  const plain = (_: string, item: unknown) => {
    if (typeof item === 'bigint') return item.toString();
    return item instanceof Map ? Object.fromEntries(item) : item;
  };
  stream.write(`${JSON.stringify(value, plain, 2)}\n`);
}

/** How many columns it takes: code points, wide East Asian ones twice. */
function width(text: string): number {
  let columns = 0;
  for (const character of text)
    columns += /\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Hangul}|\p{Emoji_Presentation}/u.test(
      character,
    )
      ? 2
      : 1;
  return columns;
}
