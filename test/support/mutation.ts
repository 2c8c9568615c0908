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
  const { path, mutated } = applied(sourcesOf(root), mutation);
  writeFileSync(path, mutated);
}

/**
 * The one file that a mutation changes, and its text after that. Throws when the sources no longer have what it changes,
 * or have it twice.
 */
export function applied(sources: Sources, { edits }: Mutation): { path: string; mutated: string } {
  const [[first = ''] = []] = edits;
  const changed = pattern(first);
  const having = [...sources].filter(([, text]) => text.search(changed) >= 0);
  const [[path, source] = ['', '']] = having;
  if (having.length !== 1) throw new Error(`${having.length} files of src have this instead of one:\n${first}`);
  const mutated = edits.reduce((text, [found, instead]) => {
    const times = [...text.matchAll(pattern(found))].length;
    if (times !== 1) throw new Error(`${path} has this ${times} times instead of once:\n${found}`);
    return text.replace(pattern(found), () => instead.trim());
  }, source);
  return { path, mutated };
}

/** The text of each file of src, by its path. */
type Sources = ReadonlyMap<string, string>;

export function sourcesOf(root: string): Sources {
  const names = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' });
  const paths = names.filter((name) => name.endsWith('.ts')).map((name) => join(root, 'src', name));
  return new Map(paths.map((path) => [path, readFileSync(path, 'utf8')]));
}

/** Where lines break, and how far they are indented, doesn't matter. Blanks at both ends stay: before it may be a comment. */
function pattern(found: string): RegExp {
  const words = found
    .trim()
    .split(/\s+/)
    .map((word) => word.replaceAll(/[$()*+.?[\\\]^{|}]/g, '\\$&'));
  return new RegExp(words.join('\\s+'), 'g');
}
