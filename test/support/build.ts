/** Builds the project as `npm run build` does: as it is, as a fault has made it, or another program of its sources. */
import { exec } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from './mutation.ts';

const TOOLS = join(ROOT, 'node_modules', '.bin');
const MAIN = 'src/main.ts';

/**
 * `into` becomes a folder with the program, in a project's folder: it looks for package.json, packages and
 * fixtures one above itself. `entries` are programs to build instead, as shell arguments.
 */
export async function build(root: string, into: string, entries: string = MAIN): Promise<void> {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: { build: string } };
  const command = scripts.build.replace(MAIN, () => entries).replace(/\bdist\b/g, () => into);
  await promisify(exec)(command, { cwd: root, env: { ...process.env, PATH: `${TOOLS}:${process.env['PATH']}` } });
}
