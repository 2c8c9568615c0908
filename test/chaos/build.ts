/** What all seeds share: the built program, and a server that has never been used. */
import { join } from 'node:path';
import { bundle } from '../../fixtures/build/bundle.ts';
import { copyProject, ROOT } from '../support/mutation.ts';
import { makeTemplate } from './server.ts';

export interface Built {
  /** The path of main.js. */
  readonly main: string;
  readonly template: string;
}

export async function build(place: string): Promise<Built> {
  copyProject(place, ['package.json', 'paydrop.schema.json']);
  const template = join(place, 'template');
  await Promise.all([bundle(ROOT, join(place, 'dist'), ['src/main.ts']), makeTemplate(template)]);
  return { main: join(place, 'dist', 'main.js'), template };
}
