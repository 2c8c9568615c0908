/** Builds the program once for all test files that run it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { bundle } from '../../fixtures/build/bundle.ts';
import { copyProject, ROOT } from './mutation.ts';
import { temporaryPlace } from './temporary.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The folder that the program is built in. */
    readonly built: string;
  }
}

export default async function setup(project: TestProject): Promise<() => void> {
  const folder = mkdtempSync(join(temporaryPlace(), 'paydrop-built-'));
  copyProject(folder, ['package.json', 'paydrop.schema.json']);
  await bundle(ROOT, join(folder, 'dist'), ['src/main.ts']);
  project.provide('built', folder);
  return () => rmSync(folder, { recursive: true, force: true });
}
