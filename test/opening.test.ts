import { describe, expect, it } from 'vitest';
import { openExisting, openOrMake } from '../src/service/opening.ts';
import { settingsOf } from '../src/service/records.ts';
import { newDatabase } from './support/postgres.ts';
import { hasPostgres } from './support/postgres-server.ts';
import { testWorkspace } from './support/workspace.ts';

describe('records of a workspace', () => {
  it('are in its data folder, and nowhere before the first pass', async () => {
    const workspace = testWorkspace();
    const settings = settingsOf(workspace.root);
    expect(await openExisting(settings, 'reading')).toBeUndefined();
    await workspace.pass();
    const store = await openExisting(settings, 'reading');
    expect(await store?.lastRun()).toMatchObject({ number: 1 });
    await store?.close();
  });

  it('on a server need its address, which is a secret', async () => {
    const settings = settingsOf(testWorkspace({ records: 'postgres' }).root);
    await expect(openExisting(settings, 'reading', {})).rejects.toMatchObject({
      problems: [expect.stringContaining('PAYDROP_DATABASE_URL is not set')],
    });
  });

  it.skipIf(!hasPostgres)('are on the server that the secret names', async () => {
    const settings = settingsOf(testWorkspace({ records: 'postgres' }).root);
    const env = { PAYDROP_DATABASE_URL: await newDatabase() };
    const store = await openOrMake(settings, { env });
    await store.setFact('workspace-id', 'kept');
    await store.close();
    const again = await openExisting(settings, 'reading', env);
    expect(await again?.fact('workspace-id')).toBe('kept');
    await again?.close();
  });
});
