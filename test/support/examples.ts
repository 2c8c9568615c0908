/** The examples of the documentation, read from the pages themselves: what stands there is what is tried. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './mutation.ts';

export interface Example {
  /** Its path in the project, as `docs/commands.md`. */
  readonly page: string;
  /** The nearest heading above it. */
  readonly heading: string;
  /** What stands behind the three backticks of a fence; empty for an indented block. */
  readonly language: string;
  readonly text: string;
}

/** A line behind `$ `, and what the page shows below it. */
export interface Shown {
  readonly command: string;
  readonly output: string;
}

/** The pages for readers: those that lie in the project's root, and all in docs/. */
export function pages(): string[] {
  const inFolder = (folder: string) =>
    readdirSync(join(ROOT, folder))
      .filter((name) => name.endsWith('.md'))
      .map((name) => join(folder, name));
  return [...inFolder('.'), ...inFolder('docs')];
}

/** Every fenced and every indented block of a page, in its order. */
export function examplesIn(page: string): Example[] {
  const found: Example[] = [];
  let heading = '';
  let block: { language: string; fence: string; indent: number; lines: string[] } | undefined;
  const end = () => {
    if (block) found.push({ page, heading, language: block.language, text: block.lines.join('\n').trimEnd() });
    block = undefined;
  };
  let before = '';
  for (const line of [...readFileSync(join(ROOT, page), 'utf8').split('\n'), '# the end']) {
    const indent = line.search(/\S/);
    if (block?.fence) {
      if (line.trim() === block.fence) end();
      else block.lines.push(line.slice(block.indent));
    } else if (block && (indent < 0 || indent >= block.indent)) block.lines.push(line.slice(block.indent));
    else {
      end();
      const [, fence, language = ''] = /^\s*(```+|~~~+)(.*)$/.exec(line) ?? [];
      if (fence) block = { language: language.trim(), fence, indent, lines: [] };
      else if (before === '' && indent >= 4) block = { language: '', fence: '', indent, lines: [line.slice(indent)] };
      if (/^#+ /.test(line)) heading = line.replace(/^#+ /, '');
    }
    before = line.trim();
  }
  return found;
}

/** The commands of a block, each with what is shown of its output. */
export function shownIn({ text }: Example): Shown[] {
  return text
    .split(/^\$ /m)
    .filter((part) => part.trim() !== '')
    .map((part) => {
      const [command = '', ...output] = part.split('\n');
      return { command, output: output.join('\n').trimEnd() };
    });
}

/**
 * What a page shows and the program did not say, as the first such line, or undefined. A line `…` stands for any lines.
 * How wide the columns are, and hashes of what differs between machines, make no difference. The first line by which the
 * sandbox names itself may be left out, for a provider has none.
 */
export function firstDifference(shown: string, said: string): string | undefined {
  const linesOf = (text: string) => text.trimEnd().split('\n').map(comparable);
  const real = linesOf(shown.startsWith(SANDBOX) ? said : said.replace(new RegExp(`^${SANDBOX}.*\n`), ''));
  let at = 0;
  let leftOut = false;
  for (const line of linesOf(shown)) {
    if (line === '…') {
      leftOut = true;
      continue;
    }
    const found = leftOut ? real.indexOf(line, at) : at;
    if (found < 0 || real[found] !== line) return `shown:  ${line}\nsaid:   ${real[at] ?? '(nothing more)'}`;
    at = found + 1;
    leftOut = false;
  }
  return leftOut || at === real.length ? undefined : `said:   ${real[at]}\nshown:  (nothing more)`;
}

const SANDBOX = 'SANDBOX: no money moved';

function comparable(line: string): string {
  return line
    .replace(/\b[0-9a-f]{12}(?:[0-9a-f]{52})?\b/g, 'HASH')
    .replace(/ {2,}/g, ' ')
    .trimEnd();
}
