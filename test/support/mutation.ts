/** Deliberate faults: a piece of the program's source, and what stands there instead. */
import { cpSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export interface Mutation {
  /** What is found, exactly once in all of src, however it is wrapped; and what replaces it. All of them are in one file. */
  readonly edits: readonly (readonly [found: string, instead: string])[];
}

/** Copies those files and folders of the project into a folder; packages and fixtures are only linked to. */
export function copyProject(into: string, names: readonly string[]): void {
  for (const name of names) cpSync(join(ROOT, name), join(into, name), { recursive: true });
  for (const name of ['node_modules', 'fixtures']) symlinkSync(join(ROOT, name), join(into, name));
}

export function mutate(root: string, mutation: Mutation): void {
  const { path, mutated } = applied(root, mutation);
  writeFileSync(path, mutated);
}

/** The one file that a mutation changes, and its text after that. Throws when src no longer has what it changes, or has it twice. */
export function applied(root: string, { edits }: Mutation): { path: string; mutated: string } {
  const [[first = ''] = []] = edits;
  const paths = sourcesOf(root).filter((path) => pattern(first).test(readFileSync(path, 'utf8')));
  const [path] = paths;
  if (path === undefined || paths.length > 1)
    throw new Error(`${paths.length} files of src have this instead of one:\n${first}`);
  const mutated = edits.reduce(
    (source, [found, instead]) => {
      const times = [...source.matchAll(pattern(found))].length;
      if (times !== 1) throw new Error(`${path} has this ${times} times instead of once:\n${found}`);
      return source.replace(pattern(found), () => instead.trim());
    },
    readFileSync(path, 'utf8'),
  );
  return { path, mutated };
}

function sourcesOf(root: string): string[] {
  const names = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith('.ts')).map((name) => join(root, 'src', name));
}

/** Where lines break, and how far they are indented, doesn't matter. Blanks at both ends stay: before it may be a comment. */
function pattern(found: string): RegExp {
  const words = found
    .trim()
    .split(/\s+/)
    .map((word) => word.replaceAll(/[$()*+.?[\\\]^{|}]/g, '\\$&'));
  return new RegExp(words.join('\\s+'), 'g');
}
