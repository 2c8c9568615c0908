/** What is written for approvers: how long it stays, and when it is written anew. */
import { expect, it } from 'vitest';
import { instructions, ORDERS, testWorkspace } from './support/workspace.ts';

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILoitNY249vVgE/+ST5vnqPt1rI+s8l8g9swneTOeTvg';
const TO_APPROVE = 'payouts.000002.to-approve.json';

async function withHeld(at: string) {
  const workspace = testWorkspace({
    control: { approvals: [{ from: { INR: '0.01' }, people: 1 }] },
    people: { anna: { may: ['approve'], keys: [KEY] } },
  });
  workspace.clock.setWall(`${at}T08:00:00Z`);
  workspace.drop('orders.csv', ORDERS);
  workspace.drop('payouts.csv', instructions('C1,O1,P1,100,2026-03-02,2026-03-05,'));
  const datesAt = async (date: string) => {
    workspace.clock.setWall(`${date}T08:00:00Z`);
    await workspace.pass({ lookUp: false });
    const { written, expires } = JSON.parse(workspace.read(TO_APPROVE));
    return { written, expires };
  };
  return datesAt;
}

it('what is to be approved stays as it is for 20 days, and counts for 30', async () => {
  const datesAt = await withHeld('2026-03-02');
  const first = { written: '2026-03-02', expires: '2026-04-01' };
  expect(await datesAt('2026-03-02')).toEqual(first);
  expect(await datesAt('2026-03-21')).toEqual(first);
  expect(await datesAt('2026-03-22')).toEqual({ written: '2026-03-22', expires: '2026-04-21' });
});

it('what is to be approved is written anew where a clock that was ahead has dated it, for it would be refused as it is', async () => {
  const datesAt = await withHeld('2026-03-09');
  await datesAt('2026-03-09');
  expect(await datesAt('2026-03-02')).toEqual({ written: '2026-03-02', expires: '2026-04-01' });
});
