/** Deliberate faults: a piece of the program's source, and what stands there instead. */
import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export interface Mutation {
  /** Relative to the project, as `src/pipeline/submit.ts`. */
  readonly file: string;
  /** What is found, exactly once, and what replaces it. */
  readonly edits: readonly (readonly [found: string, instead: string])[];
}

/** Copies those files and folders of the project into a folder; packages and fixtures are only linked to. */
export function copyProject(into: string, names: readonly string[]): void {
  for (const name of names) cpSync(join(ROOT, name), join(into, name), { recursive: true });
  for (const name of ['node_modules', 'fixtures']) symlinkSync(join(ROOT, name), join(into, name));
}

/** Throws when the source has moved on since the mutation was written. */
export function mutate(root: string, { file, edits }: Mutation): void {
  const path = join(root, file);
  const mutated = edits.reduce(
    (source, [found, instead]) => {
      const pieces = source.split(found);
      if (pieces.length !== 2)
        throw new Error(`${file} has this ${pieces.length - 1} times instead of once:\n${found}`);
      return pieces.join(instead);
    },
    readFileSync(path, 'utf8'),
  );
  writeFileSync(path, mutated);
}
