/** What happens, and the notification of it, come into the records together. */
import { expect, it } from 'vitest';
import { pass } from '../src/pipeline/pass.ts';
import { openNotifications, RECEIVERS } from './support/notified.ts';
import { watched } from './support/watched.ts';
import { instruction, instructions, ONE_PASS, ORDERS, testWorkspace } from './support/workspace.ts';

it('leaves a notification of each thing that happened, and of nothing else, at whatever effect a pass ends', async () => {
  const workspace = testWorkspace({ notify: RECEIVERS }, 'sqlite');
  workspace.drop('empty.csv', '');
  workspace.drop('orders.csv', ORDERS);
  workspace.drop('payouts.csv', instructions(instruction('P1'), instruction('P2'), instruction('P3', 'three')));
  const notified = new Set<string>();
  for (let passes = 0; passes < 3; passes++) {
    const tools = await workspace.open({
      faults: { fates: [{ narration: 'P1', fate: 'reversed' }, { fate: 'failed' }] },
    });
    const [receiver] = tools.settings.notify.map((one) => one.receiver);
    const notifications = openNotifications(workspace.path('data', 'paydrop.db'), `${receiver}`);
    const look = () => {
      const found = notifications.look();
      expect(found?.notified).toEqual(found?.happened);
      for (const what of found?.notified ?? []) notified.add(what.split(' ')[0] ?? '');
    };
    await pass({ ...tools, store: watched(tools.store, () => look, new Set()) }, ONE_PASS);
    notifications.close();
    await tools.close();
  }
  expect([...notified].sort()).toEqual(['file', 'payout.failed', 'payout.paid', 'payout.reversed', 'run.finished']);
});
