/** What is held back before anything is sent, what lets it go, and what never leaves. */
import { describe, expect, it } from 'vitest';
import type { Store } from '../src/store/port.ts';
import { dropped, no, PAYS, results, row, yes } from './support/held.ts';
import { instructions, ORDERS, passWith, testWorkspace, timesTaken } from './support/workspace.ts';

describe('a payout over its limit', () => {
  const limits = { control: { limits: { payout: { INR: '100.00' } } } };

  it('is held, and the others are sent', async () => {
    const workspace = dropped(limits, row('P1', '100.00'), row('P2', '100.01'), row('P3', '1'));
    await workspace.pass({ faults: PAYS });
    expect(results(workspace)).toEqual(['sent', 'held PAYOUT_LIMIT_EXCEEDED', 'sent']);
    expect(timesTaken(workspace.ledger())).toEqual({ P1: 1, P3: 1 });
  });

  it('is sent once a person has said yes', async () => {
    const workspace = dropped(limits, row('P1', '100.01'));
    await workspace.pass();
    expect(await yes(workspace, 'anna')).toMatchObject({ ok: true, decided: [{ to: 'ready' }] });
    await workspace.pass({ faults: PAYS });
    expect(results(workspace)).toEqual(['sent']);
  });

  it('is cancelled on a no, and never sent', async () => {
    const workspace = dropped(limits, row('P1', '100.01'));
    await workspace.pass();
    await no(workspace, 'anna');
    await workspace.pass({ faults: PAYS });
    await workspace.pass({ faults: PAYS });
    expect(results(workspace)).toEqual(['cancelled PAYOUT_LIMIT_EXCEEDED']);
    expect(timesTaken(workspace.ledger())).toEqual({});
  });

  it('waits for its open date after a yes', async () => {
    const workspace = dropped(limits, row('P1', '100.01', '2026-03-20', '2026-03-25'));
    await workspace.pass();
    expect(results(workspace)).toEqual(['held PAYOUT_LIMIT_EXCEEDED']);
    expect(await yes(workspace, 'anna')).toMatchObject({ ok: true, decided: [{ to: 'scheduled' }] });
    await workspace.pass();
    expect(results(workspace)).toEqual(['scheduled']);
  });
});

describe('a yes', () => {
  const tiers = {
    control: {
      approvals: [
        { from: { INR: '0.01' }, people: 1 },
        { from: { INR: '500.00' }, people: 2 },
      ],
    },
  };

  it('of two different people is needed from the second tier on', async () => {
    const workspace = dropped(tiers, row('P1', '499.99'), row('P2', '500.00'));
    await workspace.pass();
    expect(await yes(workspace, 'anna')).toMatchObject({ decided: [{ to: 'ready' }, { to: 'held' }] });
    expect(await yes(workspace, 'anna')).toMatchObject({ ok: false });
    await workspace.pass({ faults: PAYS });
    expect(results(workspace)).toEqual(['sent', 'held APPROVAL_REQUIRED']);
    expect(await yes(workspace, 'ben')).toMatchObject({ decided: [{ to: 'ready' }] });
    await workspace.pass({ faults: PAYS });
    expect(results(workspace)).toEqual(['sent', 'sent']);
  });

  it.each([
    ['another amount', 'UPDATE,C1,O1,P1,20,2026-03-02,2026-03-05,'],
    ['another text', 'UPDATE,C1,O1,P1,10,2026-03-02,2026-03-05,rent'],
  ])('does not hold for %s', async (_, update) => {
    const workspace = dropped(tiers, row('P1', '10', '2026-03-20', '2026-03-25'));
    await workspace.pass();
    await yes(workspace, 'anna');
    workspace.drop(
      'u.csv',
      `action,customerRef,orderRef,instructionRef,amount,openDate,dueDate,narration\n${update}\n`,
    );
    await workspace.pass();
    expect(results(workspace, 'u.000003')).toEqual(['held APPROVAL_REQUIRED']);
    expect(timesTaken(workspace.ledger())).toEqual({});
  });

  it('does not revive when the payout is as it was again', async () => {
    const workspace = dropped(tiers, row('P1', '10', '2026-03-20', '2026-03-25'));
    await workspace.pass();
    await yes(workspace, 'anna');
    const columns = 'action,customerRef,orderRef,instructionRef,amount,openDate,dueDate\n';
    workspace.drop('a.csv', `${columns}UPDATE,C1,O1,P1,20,2026-03-20,2026-03-25\n`);
    await workspace.pass();
    workspace.drop('b.csv', `${columns}UPDATE,C1,O1,P1,10,2026-03-20,2026-03-26\n`);
    await workspace.pass();
    expect(results(workspace, 'b.000004')).toEqual(['held APPROVAL_REQUIRED']);
  });
});

describe('limits of the day', () => {
  const limits = { control: { limits: { day: { INR: '100.00' } } } };

  it('let through what fits, in the order of the lines, and hold the rest for another day', async () => {
    const workspace = dropped(limits, row('P1', '60'), row('P2', '50'), row('P3', '40'), row('P4', '0.01'));
    await workspace.pass({ faults: PAYS });
    expect(results(workspace)).toEqual(['sent', 'held DAY_LIMIT_EXCEEDED', 'sent', 'held DAY_LIMIT_EXCEEDED']);
    workspace.drop('more.csv', instructions(row('P5', '0.01')));
    await workspace.pass({ faults: PAYS });
    expect(results(workspace, 'more.000003')).toEqual(['held DAY_LIMIT_EXCEEDED']);
    await workspace.pass({ faults: PAYS, businessDate: '2026-03-03' });
    expect(results(workspace)).toEqual(['sent', 'sent', 'sent', 'sent']);
  });

  it('hold what a payee would get above them, whatever the file', async () => {
    const workspace = dropped({ control: { limits: { payeeDay: { INR: '100.00' } } } }, row('P1', '100'));
    workspace.drop('second.csv', instructions(row('P2', '0.01')));
    await workspace.pass({ faults: PAYS });
    expect(results(workspace, 'payouts.000002')).toEqual(['sent']);
    expect(results(workspace, 'second.000003')).toEqual(['held PAYEE_LIMIT_EXCEEDED']);
  });
});

describe('a file over its limit', () => {
  const limits = { control: { limits: { file: { INR: '100.00', JPY: '100000' } } } };

  it('is held in the currency of the limit, even where all of it is less than the limit of another currency', async () => {
    const workspace = dropped(limits, row('P1', '60'), row('P2', '40.01'), 'C1,O2,P3,70,2026-03-02,2026-03-05,P3');
    await workspace.pass({ faults: PAYS });
    expect(results(workspace)).toEqual(['held FILE_LIMIT_EXCEEDED', 'held FILE_LIMIT_EXCEEDED', 'sent']);
  });

  it('is sent at its limit, whatever its rows in other currencies come to', async () => {
    const workspace = dropped(limits, row('P1', '60'), row('P2', '40'), 'C1,O2,P3,70,2026-03-02,2026-03-05,P3');
    await workspace.pass({ faults: PAYS });
    expect(results(workspace)).toEqual(['sent', 'sent', 'sent']);
  });
});

describe('without settings', () => {
  it('a reference that lost its zeros is held', async () => {
    const workspace = dropped({}, row('PI-007', '10'), row('PI-7', '10'), row('PI-8', '10'));
    await workspace.pass({ faults: PAYS });
    expect(results(workspace)).toEqual(['sent', 'held REFERENCE_NEARLY_TAKEN', 'sent']);
  });

  it('the last row of a file without a last line end is held, unless the file is proven whole', async () => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('a.csv', instructions(row('P1', '10'), row('P2', '11')).trimEnd());
    workspace.drop('b.csv', instructions(row('P3', '12'), row('P4', '13')).trimEnd());
    workspace.drop('b.csv.done', '');
    await workspace.pass({ faults: PAYS });
    expect(results(workspace, 'a.000001')).toEqual(['sent', 'held LAST_LINE_NOT_ENDED']);
    expect(results(workspace, 'b.000002')).toEqual(['sent', 'sent']);
  });

  it('dates over a year away are held', async () => {
    const workspace = dropped(
      {},
      row('P1', '10', '2025-03-01', '2025-03-01'),
      row('P2', '11', '2025-03-02', '2025-03-02'),
      row('P3', '12', '2027-03-02', '2027-03-02'),
      row('P4', '13', '2027-03-03', '2027-03-03'),
    );
    await workspace.pass({ faults: PAYS });
    expect(results(workspace)).toEqual(['held DATE_NOT_PLAUSIBLE', 'sent', 'scheduled', 'held DATE_NOT_PLAUSIBLE']);
  });

  it('a possible duplicate is sent', async () => {
    const workspace = dropped({}, row('P1', '10'), row('P2', '10'));
    await workspace.pass({ faults: PAYS });
    expect(results(workspace)).toEqual(['sent', 'sent']);
  });
});

describe('a reference that is nearly taken', () => {
  it.each([1, 40])('is held in a file beside one of %i rows', async (rows) => {
    const many = Array.from({ length: rows }, (_, at) => row(`PI-00${at + 1}`, `${at + 1}`));
    const workspace = dropped({}, ...many);
    await workspace.pass({ faults: PAYS });
    workspace.drop('twin.csv', instructions(row('PI-1', '1'), row('PI-X', '2.50')));
    await workspace.pass({ faults: PAYS });
    expect(results(workspace, 'twin.000003')).toEqual(['held REFERENCE_NEARLY_TAKEN', 'sent']);
  });
});

describe('a payout whose order comes later', () => {
  it('is held as any other', async () => {
    const workspace = testWorkspace({ control: { limits: { payout: { INR: '100.00' } } } });
    workspace.drop('payouts.csv', instructions(row('P1', '100.01'), row('P2', '5')));
    await workspace.pass();
    workspace.drop('orders.csv', ORDERS);
    await workspace.pass({ faults: PAYS });
    expect(results(workspace, 'payouts.000001')).toEqual(['held PAYOUT_LIMIT_EXCEEDED', 'sent']);
  });
});

describe('a payout that is refused while a pass judges it', () => {
  async function refused(store: Store, ids: readonly number[]): Promise<void> {
    for (const { id, version, status } of await store.toJudge(ids)) {
      const decision = status === 'held' && { decision: { by: 'anna', reason: 'never ordered' } };
      const change = { id, version, from: status, to: 'cancelled', message: 'refused', ...decision } as const;
      await store.apply([change], { at: '2026-03-02T02:00:00.000Z' });
    }
  }
  /** The verb that finds payouts; by the time of its answer they are refused. */
  const thenRefused =
    <Args extends unknown[]>(store: Store, find: (...args: Args) => Promise<number[]>) =>
    async (...args: Args) => {
      const ids = await find(...args);
      await refused(store, ids);
      return ids;
    };
  const limit = { control: { limits: { payout: { INR: '1.00' } } } };
  const dayLimit = { control: { limits: { day: { INR: '1.00' } } } };

  it.each<[string, object, passes: number, (store: Store) => Partial<Store>]>([
    ['with its new file', limit, 0, (store) => ({ suspects: thenRefused(store, store.suspects) })],
    ['with all that is held', limit, 1, (store) => ({ heldIds: thenRefused(store, store.heldIds) })],
    [
      'within the limits of the day',
      dayLimit,
      0,
      (store) => ({
        list: async (status, page) => {
          const found = await store.list(status, page);
          const ids = found.map(({ id }) => id);
          if (status === 'ready') await refused(store, ids);
          return found;
        },
      }),
    ],
  ])('%s stays refused, and the pass goes on', async (_, settings, passes, meanwhile) => {
    const workspace = dropped(settings, row('P1', '100.00'));
    for (let pass = 0; pass < passes; pass++) await workspace.pass();
    const summary = await passWith(workspace, ({ store }) => ({ store: { ...store, ...meanwhile(store) } }));
    expect(summary?.unfinished).toBeUndefined();
    expect(results(workspace)).toEqual([expect.stringMatching(/^cancelled/)]);
    expect(timesTaken(workspace.ledger())).toEqual({});
  });
});
