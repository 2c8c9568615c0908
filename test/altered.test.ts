import { expect, it } from 'vitest';
import { alteredNow } from '../src/pipeline/altered.ts';
import { openDatabase } from '../src/store/sqlite/connection.ts';
import { instruction, instructions, ORDERS, payoutRef, testWorkspace } from './support/workspace.ts';

it('a record that is not what its history says is altered, and one that only moved on is not', async () => {
  const workspace = testWorkspace({}, 'sqlite');
  workspace.drop('orders.csv', ORDERS);
  workspace.drop('payouts.csv', instructions(instruction('P1'), instruction('P2')));
  await workspace.pass({ send: false, lookUp: false });
  const before = await workspace.open();
  const [moving, altered] = await before.store.findInstructions([payoutRef('P1'), payoutRef('P2')]);
  await before.close();
  if (!moving || !altered) throw new Error('the payouts were not taken in');
  await workspace.pass();
  const db = openDatabase(workspace.path('data', 'paydrop.db'), 'kept');
  db.prepare("UPDATE instructions SET status = 'ready' WHERE id = ?").run(altered.id);
  db.close();
  const tools = await workspace.open();
  expect(await alteredNow(tools.store, moving)).toBeUndefined();
  expect(await alteredNow(tools.store, altered)).toContain('the record ready');
  expect(await alteredNow(tools.store, { id: 1 })).toBeUndefined();
  await tools.close();
});
