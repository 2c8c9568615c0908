/**
 * Attempts to get a payout out without the yes that it needs, or over a limit. The list is in docs/reliability.md; each
 * test is one of its lines.
 */
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { approve, heldPayouts } from '../src/pipeline/approval.ts';
import { pass } from '../src/pipeline/pass.ts';
import { retry } from '../src/pipeline/resolution.ts';
import { noProgress } from '../src/platform/progress.ts';
import type { Provider } from '../src/provider/port.ts';
import type { FaultScript } from '../src/sandbox/sandbox.ts';
import { endLookUpOnly } from '../src/store/anchor.ts';
import type { Store } from '../src/store/port.ts';
import { Sqlite as Database } from '../src/store/sqlite/connection.ts';
import { verify } from '../src/store/verify.ts';
import { by, dropped, no, PAYS, results, row, UPDATES, withRecords, yes } from './support/held.ts';
import { sampled } from './support/sample.ts';
import {
  API_FILES,
  instructions,
  ONE_PASS,
  ORDERS,
  type TestWorkspace,
  testWorkspace,
  timesTaken,
} from './support/workspace.ts';

const DAY_LIMIT = { control: { limits: { day: { INR: '100.00' } } } };
const PAYEE_LIMIT = { control: { limits: { payeeDay: { INR: '100.00' } } } };
const PAYOUT_LIMIT = { control: { limits: { payout: { INR: '100.00' } } } };
const ALL_NEED_ONE = { control: { approvals: [{ from: { INR: '0.01' }, people: 1 }] } };
const DECLINES: FaultScript = { faults: [{ on: 'post', fault: { kind: 'decline' } }] };
const MAY_HAVE_ARRIVED: FaultScript = {
  faults: [{ on: 'post', attempts: [1], fault: { kind: 'error', status: 503 } }],
  fates: PAYS.fates,
};
const LATER_ORDER = 'customerRef,orderRef,currency,country,scheme\nC1,01,INR,IN,0b9f8a52-5d0c-4a57-9f0e-3a4f6c1d2e70\n';

const taken = (workspace: TestWorkspace) => timesTaken(workspace.ledger());

/** The sum that the provider was asked for, in whole units. */
const sent = (workspace: TestWorkspace) =>
  workspace.ledger().reduce((sum, entry) => sum + (entry.kind === 'accepted' ? Number(entry.amount) : 0), 0);

function setControl(workspace: TestWorkspace, control: object): void {
  const json = JSON.parse(readFileSync(workspace.path('paydrop.json'), 'utf8')) as object;
  writeFileSync(workspace.path('paydrop.json'), JSON.stringify({ ...json, control }));
}

const again = (workspace: TestWorkspace, instructionRef: string) =>
  withRecords(workspace, (tools) =>
    retry({ ...tools, progress: noProgress }, { customerRef: 'C1', orderRef: 'O1', instructionRef }, by('anna')),
  );

/** A pass with something done at its first request: what a person does while it sends. */
async function passWhile(workspace: TestWorkspace, faults: FaultScript, act: (tools: TestTools) => Promise<unknown>) {
  const tools = await workspace.open({ faults });
  let first = true;
  const provider: Provider = {
    ...tools.provider,
    submit: async (...asked) => {
      if (first) {
        first = false;
        await act({ ...tools });
      }
      return tools.provider.submit(...asked);
    },
  };
  try {
    return await pass({ ...tools, provider }, ONE_PASS);
  } finally {
    await tools.close();
  }
}

type TestTools = Awaited<ReturnType<TestWorkspace['open']>>;

describe('a limit of the day is not passed', () => {
  it.each([
    ['rows', [[row('P1', '40'), row('P2', '40'), row('P3', '40')]]],
    ['files', [[row('P1', '40')], [row('P2', '40')], [row('P3', '40')]]],
  ])('by splitting over %s of one pass', async (_, files) => {
    for (const settings of [DAY_LIMIT, PAYEE_LIMIT]) {
      const workspace = testWorkspace(settings);
      workspace.drop('orders.csv', ORDERS);
      for (const [at, rows] of files.entries()) workspace.drop(`payouts-${at}.csv`, instructions(...rows));
      await workspace.pass({ faults: PAYS });
      expect(taken(workspace)).toEqual({ P1: 1, P2: 1 });
    }
  });

  it('by splitting over passes, whatever the clock says in between', async () => {
    const workspace = dropped(DAY_LIMIT, row('P1', '60'));
    await workspace.pass({ faults: PAYS });
    for (const [at, time] of ['2026-03-01T00:00:00Z', '2026-03-03T00:00:01Z', '2026-03-29T02:30:00Z'].entries()) {
      workspace.clock.setWall(time);
      workspace.drop(`more-${at}.csv`, instructions(row(`Q${at}`, '41')));
      await workspace.pass({ faults: PAYS });
    }
    expect(taken(workspace)).toEqual({ P1: 1 });
  });

  it('by payees of one name in two currencies: each has its own limit', async () => {
    const workspace = dropped({ control: { limits: { payeeDay: { INR: '100.00', JPY: '50' } } } }, row('P1', '100'));
    workspace.drop(
      'more.csv',
      instructions('C1,O2,Q1,51,2026-03-02,2026-03-05,Q1', 'C1,O2,Q2,50,2026-03-02,2026-03-05,Q2'),
    );
    await workspace.pass({ faults: PAYS });
    expect(taken(workspace)).toEqual({ P1: 1, Q2: 1 });
  });

  it('by a crash between two payouts', async () => {
    for (const when of ['before', 'after'] as const) {
      const workspace = dropped(
        { ...DAY_LIMIT, provider: { concurrency: 1 } },
        ...['P1', 'P2', 'P3', 'P4'].map((ref) => row(ref, '50')),
      );
      const tools = await workspace.open({ faults: PAYS });
      let requests = 0;
      const provider: Provider = {
        ...tools.provider,
        submit: async (...asked) => {
          if (++requests === 2 && when === 'before') throw new Error('the power fails');
          const outcome = await tools.provider.submit(...asked);
          if (requests === 2) throw new Error('the power fails');
          return outcome;
        },
      };
      await expect(pass({ ...tools, provider }, ONE_PASS)).rejects.toThrow('the power fails');
      await tools.close();
      for (let passes = 0; passes < 4; passes++) {
        await workspace.pass({ faults: PAYS });
        workspace.clock.advance(3_000);
      }
      expect(sent(workspace)).toBe(100);
      expect(results(workspace).filter((status) => status === 'held DAY_LIMIT_EXCEEDED')).toHaveLength(2);
    }
  });

  it('by a payout that may have arrived and is sent again: it counts before all others', async () => {
    const workspace = dropped(DAY_LIMIT, row('P1', '40', '2026-03-03'), row('P2', '60'));
    await workspace.pass({ faults: MAY_HAVE_ARRIVED });
    expect(results(workspace)).toEqual(['scheduled', 'unknown 0x0205']);
    workspace.clock.advance(3_000);
    await workspace.pass({ send: false });
    expect(results(workspace)).toEqual(['scheduled', 'ready']);
    workspace.drop('more.csv', instructions(row('A1', '41')));
    await workspace.pass({ faults: PAYS });
    expect(taken(workspace)).toEqual({ P2: 1 });
    await workspace.pass({ faults: PAYS, businessDate: '2026-03-03' });
    expect(taken(workspace)).toEqual({ P1: 1, P2: 1, A1: 1 });
  });

  it('by a payout that comes earlier in its file than one that may have arrived', async () => {
    const workspace = dropped(DAY_LIMIT, row('P1', '60', '2026-03-03'), row('P2', '60'));
    await workspace.pass({ faults: MAY_HAVE_ARRIVED });
    workspace.clock.advance(3_000);
    await workspace.pass({ send: false });
    await workspace.pass({ faults: PAYS, businessDate: '2026-03-03' });
    expect(taken(workspace)).toEqual({ P2: 1 });
  });

  it('by a yes to another reason while a pass is sending', async () => {
    const workspace = dropped(
      { control: { ...DAY_LIMIT.control, approvals: [{ from: { INR: '100.00' }, people: 1 }] } },
      row('P1', '60'),
      row('P2', '100'),
    );
    await passWhile(workspace, PAYS, async (tools) => {
      const held = await heldPayouts(tools.store, tools.settings);
      expect(await approve(tools, held, by('anna'))).toMatchObject({ ok: true });
    });
    await workspace.pass({ faults: PAYS });
    expect(taken(workspace)).toEqual({ P1: 1 });
    expect(results(workspace)).toEqual(['sent', 'held DAY_LIMIT_EXCEEDED']);
  });

  it('by a yes to a payout that could go along with the request of its order', async () => {
    const control = { ...DAY_LIMIT.control, approvals: [{ from: { INR: '100.00' }, people: 1 }] };
    const workspace = testWorkspace({ provider: { api: 'order-management' }, control });
    workspace.drop('orders.csv', API_FILES['order-management'].orders);
    const alone = (ref: string) => API_FILES['order-management'].instructions(ref);
    workspace.drop('payouts.csv', alone('P1').replace(',210.00,', ',60.00,'));
    workspace.drop('more.csv', alone('P2').replace(',210.00,', ',100.00,'));
    const tools = await workspace.open({ faults: PAYS });
    const judging: Store['judging'] = async (date, work) => {
      const judged = await tools.store.judging(date, work);
      expect(await approve(tools, await heldPayouts(tools.store, tools.settings), by('anna'))).toMatchObject({
        ok: true,
      });
      return judged;
    };
    await pass({ ...tools, store: { ...tools.store, judging } }, ONE_PASS);
    await tools.close();
    expect(taken(workspace)).toEqual({ P1: 1 });
    await workspace.pass({ faults: PAYS });
    expect(taken(workspace)).toEqual({ P1: 1 });
  });

  it('by a restored backup that has forgotten that what is held in it was approved and sent', async () => {
    const settings = { control: { ...DAY_LIMIT.control, approvals: [{ from: { INR: '60.00' }, people: 1 }] } };
    const workspace = dropped(settings, row('P1', '60'));
    await workspace.pass({ faults: PAYS });
    copyFileSync(workspace.path('data', 'paydrop.db'), workspace.path('backup.db'));
    await yes(workspace, 'anna');
    await workspace.pass({ faults: PAYS });
    expect(taken(workspace)).toEqual({ P1: 1 });
    for (const rest of ['', '-wal', '-shm']) rmSync(workspace.path('data', `paydrop.db${rest}`), { force: true });
    copyFileSync(workspace.path('backup.db'), workspace.path('data', 'paydrop.db'));
    await workspace.pass({ faults: PAYS });
    expect(results(workspace)).toEqual(['sent']);
    await withRecords(workspace, ({ store, anchor }) => endLookUpOnly(store, anchor));
    workspace.drop('more.csv', instructions(row('P2', '41'), row('P3', '40')));
    await workspace.pass({ faults: PAYS });
    expect(taken(workspace)).toEqual({ P1: 1, P3: 1 });
  });

  it('by a restored backup that has forgotten what was sent', async () => {
    const workspace = dropped(DAY_LIMIT, row('P1', '60'), row('P2', '41', '2026-03-02'));
    await workspace.pass({ send: false, lookUp: false });
    copyFileSync(workspace.path('data', 'paydrop.db'), workspace.path('backup.db'));
    await workspace.pass({ faults: PAYS });
    expect(taken(workspace)).toEqual({ P1: 1 });
    for (const rest of ['', '-wal', '-shm']) rmSync(workspace.path('data', `paydrop.db${rest}`), { force: true });
    copyFileSync(workspace.path('backup.db'), workspace.path('data', 'paydrop.db'));
    expect((await workspace.pass({ faults: PAYS })).unfinished).toContain('restored from a backup');
    await withRecords(workspace, ({ store, anchor }) => endLookUpOnly(store, anchor));
    await workspace.pass({ faults: PAYS });
    expect(taken(workspace)).toEqual({ P1: 1 });
    expect(results(workspace)).toEqual(['sent', 'held DAY_LIMIT_EXCEEDED']);
  });
});

describe('a yes', () => {
  it('for the first attempt does not count for the second', async () => {
    const workspace = dropped(ALL_NEED_ONE, row('P1', '10'));
    await workspace.pass();
    await yes(workspace, 'anna');
    await workspace.pass({ faults: DECLINES });
    expect(results(workspace)).toEqual(['declined 0x0202']);
    expect(await again(workspace, 'P1')).toMatchObject({ ok: true });
    await workspace.pass({ faults: PAYS });
    expect(results(workspace)).toEqual(['held APPROVAL_REQUIRED']);
    await yes(workspace, 'anna');
    await workspace.pass({ faults: PAYS });
    expect(taken(workspace)).toEqual({ P1: 1 });
  });

  it('is needed as well for a payout that is to be paid again while a pass is sending', async () => {
    const workspace = dropped(ALL_NEED_ONE, row('P1', '10'));
    await workspace.pass();
    await yes(workspace, 'anna');
    await workspace.pass({ faults: DECLINES });
    setControl(workspace, { approvals: [{ from: { INR: '10.00' }, people: 1 }] });
    workspace.drop('more.csv', instructions(row('P2', '9')));
    const ref = { customerRef: 'C1', orderRef: 'O1', instructionRef: 'P1' };
    await passWhile(workspace, PAYS, (tools) => retry({ ...tools, progress: noProgress }, ref, by('anna')));
    expect(taken(workspace)).toEqual({ P2: 1 });
    await workspace.pass({ faults: PAYS });
    expect(results(workspace)).toEqual(['held APPROVAL_REQUIRED']);
  });

  it('of one person counts once, however often it is given', async () => {
    const two = { control: { approvals: [{ from: { INR: '0.01' }, people: 2 }] } };
    const workspace = dropped(two, row('P1', '10'), row('P2', '20'));
    await workspace.pass();
    expect(await yes(workspace, 'anna')).toMatchObject({ decided: [{ to: 'held' }, { to: 'held' }] });
    workspace.drop('c.csv', `${UPDATES}\nUPDATE,C1,O1,P1,11,2026-03-02,2026-03-05\n`);
    await workspace.pass({ faults: PAYS });
    expect(await yes(workspace, 'anna')).toMatchObject({ ok: false });
    await workspace.pass({ faults: PAYS });
    expect(taken(workspace)).toEqual({});
  });

  it.each([
    ['after it', ['20']],
    ['there and back', ['20', '10']],
    ['to the same', ['10.00']],
  ])('does not count after an UPDATE %s', async (_, amounts) => {
    const workspace = dropped(ALL_NEED_ONE, row('P1', '10', '2026-03-03'));
    await workspace.pass();
    await yes(workspace, 'anna');
    for (const [at, amount] of amounts.entries()) {
      workspace.drop(
        `u${at}.csv`,
        `${UPDATES},narration\nUPDATE,C1,O1,P1,${amount},2026-03-03,2026-03-0${6 + at},P1\n`,
      );
      await workspace.pass({ faults: PAYS });
    }
    await workspace.pass({ faults: PAYS, businessDate: '2026-03-03' });
    expect(taken(workspace)).toEqual({});
  });

  it('to one reason does not count for another one that settings bring later', async () => {
    const workspace = dropped(PAYOUT_LIMIT, row('P1', '150', '2026-03-03'));
    await workspace.pass();
    expect(await yes(workspace, 'anna')).toMatchObject({ decided: [{ to: 'scheduled' }] });
    setControl(workspace, { ...PAYOUT_LIMIT.control, approvals: [{ from: { INR: '150.00' }, people: 1 }] });
    await workspace.pass({ faults: PAYS, businessDate: '2026-03-03' });
    expect(results(workspace)).toEqual(['held APPROVAL_REQUIRED']);
  });

  it('written into the database by hand does not count', async () => {
    const workspace = dropped(ALL_NEED_ONE, row('P1', '10'));
    await workspace.pass();
    const db = new Database(workspace.path('data', 'paydrop.db'));
    db.exec(
      'INSERT INTO approvals (seq, instruction) SELECT seq, instruction FROM audit WHERE instruction IS NOT NULL LIMIT 1',
    );
    db.close();
    await workspace.pass({ faults: PAYS });
    expect(results(workspace)).toEqual(['held APPROVAL_REQUIRED']);
  });

  it('or a no to what has changed since it was shown decides nothing', async () => {
    const workspace = dropped(PAYOUT_LIMIT, row('P1', '150'));
    await workspace.pass();
    const shown = await withRecords(workspace, ({ store, settings }) => heldPayouts(store, settings));
    workspace.drop('c.csv', `${UPDATES}\nUPDATE,C1,O1,P1,151,2026-03-02,2026-03-05\n`);
    await workspace.pass();
    expect(await withRecords(workspace, (tools) => approve(tools, shown, by('anna')))).toMatchObject({ ok: false });
    await no(workspace, 'anna');
    expect(await withRecords(workspace, (tools) => approve(tools, shown, by('anna')))).toMatchObject({ ok: false });
    await workspace.pass({ faults: PAYS });
    expect(taken(workspace)).toEqual({});
  });
});

describe('a twin is held', () => {
  const pays = (customer: string, order: string, ref: string) =>
    `${customer},${order},${ref},10,2026-03-02,2026-03-05,${ref},C1`;
  const twins = (...rows: string[]) =>
    ['customerRef,orderRef,instructionRef,amount,openDate,dueDate,narration,contactId', ...rows, ''].join('\n');
  const order = (customer: string, name: string) => `${customer},${name},INR,IN,0b9f8a52-5d0c-4a57-9f0e-3a4f6c1d2e70`;

  it.each(
    sampled(
      [
        ['zeros', 'C1,O1,PI-7'],
        ['more zeros', 'C1,O1,PI-000007'],
        ['letter case', 'C1,O1,pi-007'],
        ['a separator', 'C1,O1,PI007'],
        ['another separator', 'C1,O1,PI_007'],
        ['a dot at the end', 'C1,O1,PI-007.'],
        ['a letter for a one', 'C1,O1,Pl-007'],
        ['a one for a letter', 'C1,O1,P1-007'],
        ['a letter for a zero', 'C1,O1,PI-oO7'],
        ['its customer', 'c1,O9,PI-007'],
        ['a letter of its customer', 'Cl,O9,PI-007'],
        ['its order', 'C1,o1,PI-007'],
        ['a zero of its order', 'C1,01,PI-007'],
      ],
      2,
    ),
  )('that differs in %s', async (_, other) => {
    for (const inOneFile of sampled([true, false], 2, other.length)) {
      const workspace = testWorkspace();
      const [customer = '', name = '', ref = ''] = other.replace('O9', 'O1').split(',');
      const orders = new Set([order('C1', 'O1'), order(customer, name)]);
      workspace.drop('orders.csv', ['customerRef,orderRef,currency,country,scheme', ...orders, ''].join('\n'));
      const [first, second] = [pays('C1', 'O1', 'PI-007'), pays(customer, name, ref)];
      workspace.drop('p1.csv', inOneFile ? twins(first, second) : twins(first));
      if (!inOneFile) workspace.drop('p2.csv', twins(second));
      await workspace.pass({ faults: PAYS });
      expect(Object.values(taken(workspace))).toEqual([1]);
    }
  });

  it('when its order comes late, or the one that came before it gets its order late', async () => {
    for (const [early, late] of [
      ['O1', '01'],
      ['01', 'O1'],
    ] as const) {
      const workspace = testWorkspace();
      workspace.drop('orders.csv', ORDERS);
      workspace.drop('p1.csv', twins(pays('C1', early, 'PI-7').replace('03-02', '03-03')));
      workspace.drop('p2.csv', twins(pays('C1', late, 'PI-7').replace('03-02', '03-03')));
      await workspace.pass({ faults: PAYS });
      workspace.drop('later.csv', LATER_ORDER);
      await workspace.pass({ faults: PAYS });
      await workspace.pass({ faults: PAYS, businessDate: '2026-03-03' });
      expect(taken(workspace), early).toEqual({ 'PI-7': 1 });
    }
  });

  it('when the one before it, that had failed, is paid again', async () => {
    const workspace = dropped({}, row('PI-7', '10'));
    await workspace.pass({ faults: DECLINES });
    workspace.drop('twin.csv', instructions(row('PI-007', '10', '2026-03-02').replace('03-02', '03-02')));
    await workspace.pass({ send: false });
    expect(results(workspace, 'twin.000003')).toEqual(['ready']);
    await again(workspace, 'PI-7');
    await workspace.pass({ faults: PAYS });
    expect(taken(workspace)).toEqual({ 'PI-7': 1 });
    expect(results(workspace, 'twin.000003')).toEqual(['held REFERENCE_NEARLY_TAKEN']);
  });

  it('though it is approved right after the other one was sent, before a pass has seen that', async () => {
    const workspace = dropped(PAYOUT_LIMIT, row('PI-7', '150'), row('PI-007', '150'));
    await workspace.pass();
    const chosen = (ref: string) =>
      withRecords(workspace, async (tools) => {
        const held = await heldPayouts(tools.store, tools.settings);
        const one = held.filter(({ payout }) => payout.instructionRef === ref);
        return approve(tools, one, by('anna'));
      });
    expect(await chosen('PI-007')).toMatchObject({ decided: [{ to: 'ready' }] });
    await workspace.pass({ faults: PAYS });
    expect(taken(workspace)).toEqual({ 'PI-007': 1 });
    expect(await chosen('PI-7')).toMatchObject({ decided: [{ to: 'ready' }] });
    await workspace.pass({ faults: PAYS });
    expect(taken(workspace)).toEqual({ 'PI-007': 1 });
    expect(results(workspace)).toEqual(['held REFERENCE_NEARLY_TAKEN', 'sent']);
  });

  it('when an UPDATE makes it one', async () => {
    const workspace = dropped({}, row('PI-7', '10', '2026-03-03'), row('PI-007', '11', '2026-03-03'));
    await workspace.pass();
    workspace.drop('c.csv', `${UPDATES}\nUPDATE,C1,O1,PI-7,11,2026-03-03,2026-03-05\n`);
    await workspace.pass();
    await workspace.pass({ faults: PAYS, businessDate: '2026-03-03' });
    expect(Object.keys(taken(workspace))).toHaveLength(1);
  });
});

describe('settings', () => {
  it('that were loose for a while let nothing go that waits when they are tight again', async () => {
    const workspace = dropped(PAYOUT_LIMIT, row('P1', '150', '2026-03-03'));
    await workspace.pass();
    expect(results(workspace)).toEqual(['held PAYOUT_LIMIT_EXCEEDED']);
    setControl(workspace, {});
    await workspace.pass();
    expect(results(workspace)).toEqual(['scheduled']);
    setControl(workspace, PAYOUT_LIMIT.control);
    await workspace.pass({ faults: PAYS, businessDate: '2026-03-03' });
    expect(results(workspace)).toEqual(['held PAYOUT_LIMIT_EXCEEDED']);
  });

  it('that ask for one more person hold what one person had let go', async () => {
    const workspace = dropped(ALL_NEED_ONE, row('P1', '10', '2026-03-03'));
    await workspace.pass();
    await yes(workspace, 'anna');
    setControl(workspace, { approvals: [{ from: { INR: '0.01' }, people: 2 }] });
    await workspace.pass({ faults: PAYS, businessDate: '2026-03-03' });
    expect(taken(workspace)).toEqual({});
    expect(await yes(workspace, 'anna')).toMatchObject({ ok: false });
    expect(await yes(workspace, 'ben')).toMatchObject({ decided: [{ to: 'scheduled' }] });
    await workspace.pass({ faults: PAYS, businessDate: '2026-03-03' });
    expect(taken(workspace)).toEqual({ P1: 1 });
  });
});

describe('a waiting payout', () => {
  it('whose order comes is held as any other, though it was changed while it waited', async () => {
    const workspace = testWorkspace(PAYOUT_LIMIT);
    workspace.drop('payouts.csv', instructions(row('P1', '5')));
    await workspace.pass();
    workspace.drop('c.csv', `${UPDATES}\nUPDATE,C1,O1,P1,150,2026-03-02,2026-03-05\n`);
    await workspace.pass();
    workspace.drop('orders.csv', ORDERS);
    await workspace.pass({ faults: PAYS });
    expect(results(workspace, 'c.000002')).toEqual(['held PAYOUT_LIMIT_EXCEEDED']);
  });
});

describe('a crash', () => {
  it.each(['before', 'after'] as const)('%s a payout is held lets nothing go', async (when) => {
    const workspace = dropped(PAYOUT_LIMIT, row('P1', '150'), row('P2', '1'));
    const tools = await workspace.open({ faults: PAYS });
    const hold: typeof tools.store.hold = async (...asked) => {
      if (when === 'after') await tools.store.hold(...asked);
      throw new Error('the power fails');
    };
    await expect(pass({ ...tools, store: { ...tools.store, hold } }, ONE_PASS)).rejects.toThrow('the power fails');
    await tools.close();
    await workspace.pass({ faults: PAYS });
    expect(taken(workspace)).toEqual({ P2: 1 });
  });
});

describe('records altered by hand', () => {
  it.each([
    ["status = 'ready'", 'the log says status held, the record ready'],
    ["status = 'scheduled'", 'the log says status held, the record ready'],
  ])('send nothing that is held (%s), and are found', async (set, why) => {
    const workspace = dropped(PAYOUT_LIMIT, row('P1', '150'));
    await workspace.pass();
    const db = new Database(workspace.path('data', 'paydrop.db'));
    db.exec(`UPDATE instructions SET ${set} WHERE instruction_ref = 'P1'`);
    db.close();
    const { difference } = await withRecords(workspace, ({ store }) => verify(store, noProgress));
    expect(difference?.what).toContain('the log says status held');
    await workspace.pass({ faults: PAYS }).catch((error: Error) => expect(why).toBe(error.message));
    expect(taken(workspace)).toEqual({});
  });
});

describe('a change of what the provider has', () => {
  const CHANGEABLE: FaultScript = { fates: [{ fate: 'ready' }] };
  const FI = 'customerRef,orderRef,instructionRef,amount,openDate,dueDate,financialInstrumentId';
  const DEFAULTS = [
    'customerRef,orderRef,currency,country,scheme,customerDefault.financialInstrumentId',
    'C1,O1,INR,IN,0b9f8a52-5d0c-4a57-9f0e-3a4f6c1d2e70,FI-1',
    'C1,O2,INR,IN,0b9f8a52-5d0c-4a57-9f0e-3a4f6c1d2e70,FI-1',
    '',
  ].join('\n');

  /** Payouts of 10 each, to one instrument, that the provider has not begun. */
  async function submitted(control: object, ...refs: string[]): Promise<TestWorkspace> {
    const workspace = testWorkspace({ provider: { api: 'order-management' }, control });
    workspace.drop('orders.csv', ORDERS);
    const rows = refs.map((ref) => `C1,O1,${ref},10,2026-03-02,2026-03-05,FI-1`);
    workspace.drop('payouts.csv', [FI, ...rows, ''].join('\n'));
    await workspace.pass({ faults: CHANGEABLE });
    expect(taken(workspace)).toEqual(Object.fromEntries(refs.map((ref) => [ref, 1])));
    return workspace;
  }

  async function change(
    workspace: TestWorkspace,
    rows: readonly string[],
    more: Parameters<TestWorkspace['pass']>[0] = {},
  ) {
    const cells = rows.map((one) => `UPDATE,C1,O1,${one},2026-03-02,2026-03-05,FI-1`);
    workspace.drop('change.csv', [`action,${FI}`, ...cells, ''].join('\n'));
    await workspace.pass({ faults: CHANGEABLE, ...more });
  }

  const changed = (workspace: TestWorkspace) =>
    workspace
      .ledger()
      .flatMap((entry) =>
        entry.kind === 'instruction-updated' ? [`${entry.instructionRef} ${Number(entry.amount)}`] : [],
      );

  it.each(
    sampled(
      [
        ['a payout', { limits: { payout: { INR: '50.00' } } }, 'P1,50.01', 'P1,50'],
        ['a file', { limits: { file: { INR: '50.00' } } }, 'P1,50.01', 'P1,50'],
        ['a day', { limits: { day: { INR: '50.00' } } }, 'P1,50.01', 'P1,50'],
        ['a payee and day', { limits: { payeeDay: { INR: '50.00' } } }, 'P1,50.01', 'P1,50'],
        ['a tier', { approvals: [{ from: { INR: '50.01' }, people: 1 }] }, 'P1,50.01', 'P1,50'],
      ],
      2,
    ),
  )('does not go over the limit of %s', async (_, control, over, within) => {
    const workspace = await submitted(control, 'P1');
    await change(workspace, [over]);
    expect(changed(workspace)).toEqual([]);
    expect(results(workspace, 'change.000003')).toEqual(['rejected CHANGE_NEEDS_APPROVAL']);
    await change(workspace, [within]);
    expect(changed(workspace)).toEqual(['P1 50']);
  });

  it.each([
    ['a day', { limits: { day: { INR: '60.00' } } }],
    ['a payee and day', { limits: { payeeDay: { INR: '60.00' } } }],
    ['a file', { limits: { file: { INR: '60.00' } } }],
  ])(
    'does not go over the limit of %s together with others that are asked for at the same time',
    async (_, control) => {
      const workspace = await submitted(control, 'P1', 'P2', 'P3');
      await change(workspace, ['P1,40', 'P2,40', 'P3,40']);
      expect(changed(workspace).length).toBeLessThanOrEqual(1);
    },
  );

  it('counts on the day on which its payout was sent, whenever it is asked for', async () => {
    const workspace = await submitted({ limits: { day: { INR: '60.00' } } }, 'P1', 'P2', 'P3');
    await change(workspace, ['P1,40'], { businessDate: '2026-03-03' });
    expect(changed(workspace)).toEqual(['P1 40']);
    await change(workspace, ['P2,40'], { businessDate: '2026-03-04' });
    expect(changed(workspace)).toEqual(['P1 40']);
  });

  it('counts as soon as it was asked for, though its answer is lost', async () => {
    const workspace = await submitted({ limits: { day: { INR: '60.00' } } }, 'P1');
    const lost: FaultScript = {
      ...CHANGEABLE,
      faults: [{ on: 'update', fault: { kind: 'error', status: 503, accept: true } }],
    };
    await change(workspace, ['P1,40'], { faults: lost, lookUp: false });
    expect(changed(workspace)).toEqual(['P1 40']);
    const rows = ['C1,O1,P2,21,2026-03-02,2026-03-05,FI-2', 'C1,O1,P3,20,2026-03-02,2026-03-05,FI-2'];
    workspace.drop('more.csv', [FI, ...rows, ''].join('\n'));
    await workspace.pass({ faults: CHANGEABLE });
    expect(taken(workspace)).toEqual({ P1: 1, P3: 1 });
  });

  it("has the payee of its order's instrument where the row names none", async () => {
    const workspace = testWorkspace({
      provider: { api: 'order-management' },
      control: { limits: { payeeDay: { INR: '30.00' } } },
    });
    workspace.drop('orders.csv', DEFAULTS);
    const rows = [
      'C1,O1,P1,20,2026-03-02,2026-03-05,',
      'C1,O2,P2,11,2026-03-02,2026-03-05,',
      'C1,O2,P3,11,2026-03-02,2026-03-05,FI-1',
      'C1,O2,P4,10,2026-03-02,2026-03-05,FI-1',
    ];
    workspace.drop('payouts.csv', [FI, ...rows, ''].join('\n'));
    await workspace.pass({ faults: CHANGEABLE });
    expect(taken(workspace)).toEqual({ P1: 1, P4: 1 });
  });
});
