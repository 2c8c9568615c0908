import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { claimOutbox, OWNER_FILE, othersOutbox } from '../src/service/outbox-of.ts';

function place() {
  const outbox = mkdtempSync(join(tmpdir(), 'paydrop-outbox-'));
  onTestFinished(() => rmSync(outbox, { recursive: true }));
  return { outbox, as: (machine: string) => ({ outbox, machine, workspace: `/srv/${machine}` }) };
}

describe('an outbox of one of several machines', () => {
  it('is no machine’s before the first claims it, and then that one’s at each start', async () => {
    const { outbox, as } = place();
    expect(await othersOutbox(as('pay-1'))).toBeUndefined();
    expect(await othersOutbox({ ...as('pay-1'), outbox: join(outbox, 'missing') })).toBeUndefined();
    await claimOutbox(as('pay-1'));
    await claimOutbox({ ...as('pay-1'), workspace: '/srv/moved' });
    expect(await othersOutbox(as('pay-1'))).toBeUndefined();
    expect(await othersOutbox(as('pay-2'))).toBe(
      `the outbox ${outbox} is that of the machine pay-1 (its workspace /srv/pay-1): give pay-2 one of its own ("outbox" in paydrop.json); or, if no other machine writes there any more, remove ${join(outbox, OWNER_FILE)}`,
    );
    expect(readdirSync(outbox)).toEqual([OWNER_FILE]);
  });

  it('is of two that claim it at once the one’s whose claim is there first', async () => {
    const { as } = place();
    const names = ['pay-1', 'pay-2', 'pay-3'];
    const claims = await Promise.allSettled(names.map((name) => claimOutbox(as(name))));
    expect(claims.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const claim of claims)
      if (claim.status === 'rejected') expect(claim.reason).toMatchObject({ name: 'UsageError' });
  });
});
