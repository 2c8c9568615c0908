/** Real machines on one real server, while everything goes wrong: a seed of `npm run chaos`. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { makeTemplate } from './chaos/server.ts';
import { shareInbox } from './chaos/shared-inbox.ts';
import { chaos } from './chaos/world.ts';
import { hasPostgres } from './support/postgres-server.ts';
import { ALL } from './support/sample.ts';

const SEED = 7;
const MACHINES = 3;
const FILES = ALL ? 150 : 30;

if (!hasPostgres) process.stderr.write('no PostgreSQL server is installed: machines that share one are not tried\n');

describe.skipIf(!hasPostgres)('machines that share a server', () => {
  let place = '';
  const template = () => join(place, 'template');
  const main = () => join(inject('built'), 'dist', 'main.js');

  beforeAll(async () => {
    place = mkdtempSync(join(tmpdir(), 'paydrop-chaos-'));
    chmodSync(place, 0o755);
    await makeTemplate(template());
  });

  afterAll(() => rmSync(place, { recursive: true, force: true }));

  it(`and an inbox take each of ${FILES} files in once`, async () => {
    const options = { folder: join(place, 'shared'), main: main(), template: template() };
    const taken = await shareInbox({ ...options, machines: MACHINES, files: FILES });
    expect(taken.reduce((sum, count) => sum + count, 0)).toBe(FILES + 1);
  }, 120_000);

  it.skipIf(!ALL)(
    'keep every promise while everything goes wrong',
    async () => {
      const folder = join(place, 'seed');
      const { violation } = await chaos(SEED, { folder, main: main(), template: template() });
      if (violation) throw violation;
    },
    300_000,
  );
});
