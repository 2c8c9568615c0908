/** Compiles the project's TypeScript, as it is or as a fault has made it. */
import { execFile } from 'node:child_process';
import { copyFileSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from './mutation.ts';

/** The program of a project, as `npm run build` makes it. */
export async function buildProgram(root: string, into: string): Promise<void> {
  await compile('-p', join(root, 'src/tsconfig.json'), '--outDir', into);
  copySchemas(root, join(into, 'store'));
}

/** Everything, tests and their programs too; it runs in that folder. */
export async function buildEverything(into: string): Promise<void> {
  const emits = ['--noEmit', 'false', '--rewriteRelativeImportExtensions'];
  await compile('-p', join(ROOT, 'tsconfig.json'), ...emits, '--rootDir', ROOT, '--outDir', into);
  copySchemas(ROOT, join(into, 'src/store'));
  for (const name of ['node_modules', 'package.json']) symlinkSync(join(ROOT, name), join(into, name));
}

async function compile(...options: readonly string[]): Promise<void> {
  await promisify(execFile)(join(ROOT, 'node_modules', '.bin', 'tsc'), [...options, '--noCheck']);
}

function copySchemas(root: string, into: string): void {
  const folder = join(root, 'src/store');
  for (const name of readdirSync(folder).filter((name) => name.endsWith('.sql')))
    copyFileSync(join(folder, name), join(into, name));
}
