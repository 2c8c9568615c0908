import { appendFileSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { pass, type Tools } from '../src/pipeline.ts';
import type { OpenWorkspace } from '../src/workspace.ts';
import { instruction, instructions, ORDERS, type TestWorkspace, testWorkspace } from './support/workspace.ts';

const LATER = '2026-03-05';
/** Fills a batch, so that what follows is decided and recorded with the next one (rows.ts: 2,000 lines). */
const NEXT_BATCH = '\n'.repeat(2_000);

const AMENDMENT_COLUMNS = 'action,customerRef,orderRef,instructionRef,amount,openDate,dueDate,narration';
const amend = (action: string, ref: string, amount: string, openDate = LATER) =>
  `${action},C1,O1,${ref},${amount},${openDate},${LATER},n`;
const remove = (ref: string) => `DELETE,C1,O1,${ref},,,,`;
const amendments = (...rows: string[]) => [AMENDMENT_COLUMNS, ...rows, ''].join('\n');

const results = (workspace: TestWorkspace, report: string) =>
  workspace
    .rows(report)
    .map(({ instructionRef, status, code, amount }) => [instructionRef, status, code, amount].join(' ').trim());

const receipt = (workspace: TestWorkspace, report: string) => JSON.parse(workspace.read(report));

const acceptedAmounts = (workspace: TestWorkspace) =>
  workspace.ledger().flatMap((entry) => (entry.kind === 'accepted' ? [entry.amount] : []));

class Crash extends Error {}

/** The same tools, whose store and inbox together fail at their n-th call, before it does anything. */
function crashingAt(n: number, tools: OpenWorkspace): Partial<Tools> {
  let calls = 0;
  const failing = <Port extends object>(port: Port): Port =>
    new Proxy(port, {
      get: (target, name) => {
        const verb = Reflect.get(target, name) as (...args: unknown[]) => unknown;
        return (...args: unknown[]) => {
          if (++calls === n) throw new Crash(`call ${n}: ${String(name)}`);
          return verb(...args);
        };
      },
    });
  return { store: failing(tools.store), inbox: failing(tools.inbox) };
}

/** A pass with some of its tools changed, as a fresh process would make it; throws what the pass throws. */
async function passWith(
  workspace: TestWorkspace,
  change: (tools: OpenWorkspace) => Partial<Tools>,
  send = true,
): Promise<void> {
  const tools = await workspace.open();
  const stop = new AbortController().signal;
  const options = { kind: 'run', businessDate: '2026-03-02', waitForSettling: true, lookUp: send } as const;
  try {
    await pass({ ...tools, ...change(tools) }, { ...options, send, stop });
  } finally {
    await tools.close();
  }
}

/** Whether a pass came to so many calls of store and inbox and crashed there. */
async function crashesAt(n: number, workspace: TestWorkspace): Promise<boolean> {
  try {
    await passWith(workspace, (tools) => crashingAt(n, tools), false);
    return false;
  } catch (error) {
    if (error instanceof Crash) return true;
    throw error;
  }
}

/** A pass that crashes when the given batch of a file is to be recorded. */
async function crashInBatch(workspace: TestWorkspace, name: string, batch: number): Promise<void> {
  let batches = 0;
  const crashing = ({ store }: OpenWorkspace): Partial<Tools> => ({
    store: {
      ...store,
      recordRows: async (file, ...rest) => {
        if ((await store.file(file))?.name === name && ++batches === batch) throw new Crash();
        return store.recordRows(file, ...rest);
      },
    },
  });
  await expect(passWith(workspace, crashing)).rejects.toThrow(Crash);
}

describe('a crash at any call of store or inbox', () => {
  const mixed = amendments(
    amend('CREATE', 'P1', '1'),
    amend('CREATE', 'P2', '2'),
    amend('CREATE', 'P3', '3', '2026-03-02'),
    amend('CREATE', 'P4', '4'),
    amend('UPDATE', 'P1', '10'),
    NEXT_BATCH,
    amend('UPDATE', 'P1', '100'),
    remove('P2'),
    amend('CREATE', 'P4', '4.00'),
    amend('CREATE', 'P4', '5'),
    amend('CREATE', 'P5', 'five'),
  );
  const clean = amendments(
    amend('CREATE', 'Q1', '1'),
    amend('UPDATE', 'Q1', '2'),
    NEXT_BATCH,
    amend('CREATE', 'Q2', '3'),
  );

  it.each(['accept-valid', 'reject-file'])(
    'is mended by the next pass, whole archive and same reports (%s)',
    async (onRowErrors) => {
      const dropped = () => {
        const workspace = testWorkspace({ intake: { onRowErrors } });
        workspace.drop('orders.csv', ORDERS);
        workspace.drop('clean.csv', clean);
        workspace.drop('mixed.csv', mixed);
        return workspace;
      };
      const fileReports = (workspace: TestWorkspace) => {
        const names = workspace.outbox().filter((name) => !name.startsWith('run.'));
        return new Map(names.map((name) => [name, workspace.read(name)]));
      };
      const undisturbed = dropped();
      await undisturbed.pass();
      const expected = fileReports(undisturbed);

      let n = 0;
      for (let crashed = true; crashed; ) {
        const workspace = dropped();
        crashed = await crashesAt(++n, workspace);
        await workspace.pass();
        expect(fileReports(workspace), `after a crash at call ${n}`).toEqual(expected);
        const archive = workspace.path('data', 'archive', '2026-03-02');
        expect(readdirSync(archive)).toEqual(['000001.clean.csv', '000002.mixed.csv', '000003.orders.csv']);
        expect(readFileSync(join(archive, '000002.mixed.csv'), 'utf8')).toBe(mixed);
        for (const folder of ['inbox', 'data/work', 'data/spool'])
          expect(readdirSync(workspace.path(folder)), folder).toEqual([]);
        expect(acceptedAmounts(workspace)).toEqual(acceptedAmounts(undisturbed));
      }
      expect(n).toBeGreaterThan(20);
    },
    120_000,
  );

  it('in the middle of a file lets nothing of it be sent before the rest of it is taken in', async () => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', instructions(instruction('P1'), NEXT_BATCH, instruction('P2', '5', LATER)));
    await crashInBatch(workspace, 'payouts.csv', 2);
    const tools = await workspace.open();
    expect(await tools.store.list('ready', { afterId: 0, limit: 10 })).toHaveLength(1);
    await tools.close();
    expect(acceptedAmounts(workspace)).toEqual([]);
    await crashInBatch(workspace, 'payouts.csv', 1);
    expect(acceptedAmounts(workspace)).toEqual([]);
    await workspace.pass();
    expect(acceptedAmounts(workspace)).toEqual(['210.00']);
  });
});

describe('what was registered', () => {
  it('stays in the archive as it was when its writer goes on after a crash in the middle of archiving', async () => {
    const workspace = testWorkspace();
    const archive = workspace.path('data', 'archive', '2026-03-02');
    workspace.drop('orders.csv', ORDERS);
    const crashing = ({ inbox }: OpenWorkspace): Partial<Tools> => ({
      inbox: {
        ...inbox,
        archive: async (claim) => {
          mkdirSync(archive);
          renameSync(inbox.spoolPath(claim), join(archive, '000001.orders.csv'));
          appendFileSync(workspace.path('data', 'work', claim, 'original', 'orders.csv'), 'more\n');
          throw new Crash();
        },
      },
    });
    await expect(passWith(workspace, crashing)).rejects.toThrow(Crash);
    await workspace.pass();
    expect(readFileSync(join(archive, '000001.orders.csv'), 'utf8')).toBe(ORDERS);
  });
});

describe('a file that is half taken in', () => {
  const renamed = (rows: string[]) => instructions(...rows).replace(',amount,', ',Payout Sum,');
  const columns = { 'Payout Sum': 'amount' };

  it('stops the program while its columns are called otherwise in paydrop.json, and goes on when they are back', async () => {
    const workspace = testWorkspace({ columns });
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', renamed([instruction('P1'), NEXT_BATCH, instruction('P2', '5', LATER)]));
    await crashInBatch(workspace, 'payouts.csv', 2);
    const settings = readFileSync(workspace.path('paydrop.json'), 'utf8');
    writeFileSync(workspace.path('paydrop.json'), settings.replace('Payout Sum', 'Amount Due'));
    await expect(workspace.pass()).rejects.toMatchObject({
      name: 'UsageError',
      message: expect.stringContaining('File 2 (payouts.csv) is half taken in'),
    });
    expect(acceptedAmounts(workspace)).toEqual([]);
    writeFileSync(workspace.path('paydrop.json'), settings);
    await workspace.pass();
    expect(acceptedAmounts(workspace)).toEqual(['210.00']);
  });

  it('is recognised when it is dropped again under another name', async () => {
    const workspace = testWorkspace();
    const file = instructions(instruction('P1'), NEXT_BATCH, instruction('P2', '5', LATER));
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', file);
    await crashInBatch(workspace, 'payouts.csv', 2);
    workspace.drop('again.csv', file);
    await workspace.pass();
    expect(receipt(workspace, 'again.000003.receipt.json')).toMatchObject({
      verdict: 'duplicate',
      duplicateOf: { file: 2, name: 'payouts.csv' },
      rows: { read: 2 },
    });
    expect(acceptedAmounts(workspace)).toEqual(['210.00']);
  });

  it('is accepted to its end once its first rows were, though it has come to have errors since', async () => {
    const workspace = testWorkspace({ intake: { onRowErrors: 'reject-file' } });
    const yen = (ref: string) => `C1,O2,${ref},10.5,2026-03-02,2026-03-06,n`;
    workspace.drop('payouts.csv', instructions(instruction('P0', '1', LATER), yen('P1'), NEXT_BATCH, yen('P2')));
    await crashInBatch(workspace, 'payouts.csv', 2);
    workspace.drop('orders.csv', ORDERS);
    await workspace.pass();
    expect(receipt(workspace, 'payouts.000001.receipt.json')).toMatchObject({
      verdict: 'partially_accepted',
      problem: null,
    });
    expect(results(workspace, 'payouts.000001.result.csv')).toEqual([
      'P0 scheduled  1.00',
      'P1 rejected AMOUNT_PRECISION_OUT_OF_RANGE 10.5',
      'P2 rejected AMOUNT_PRECISION_OUT_OF_RANGE 10.5',
    ]);
  });

  it('is rejected to its end once its first rows were, though paydrop.json says otherwise by now', async () => {
    const workspace = testWorkspace({ intake: { onRowErrors: 'reject-file' } });
    workspace.drop('orders.csv', ORDERS);
    workspace.drop(
      'payouts.csv',
      amendments(amend('CREATE', 'P1', '1'), NEXT_BATCH, amend('CREATE', 'P2', 'x'), amend('CREATE', 'P3', '3')),
    );
    await crashInBatch(workspace, 'payouts.csv', 2);
    const settings = readFileSync(workspace.path('paydrop.json'), 'utf8');
    writeFileSync(workspace.path('paydrop.json'), settings.replace('reject-file', 'accept-valid'));
    await workspace.pass();
    expect(receipt(workspace, 'payouts.000002.receipt.json')).toMatchObject({
      verdict: 'rejected',
      problem: { code: 'FILE_HAS_ROW_ERRORS' },
      rows: { byStatus: { rejected: 3 } },
    });
  });
});

describe('a file that is rejected whole', () => {
  it('tells each row its own error where it has one, however far back the row lies that it conflicts with', async () => {
    const workspace = testWorkspace({ intake: { onRowErrors: 'reject-file' } });
    workspace.drop('orders.csv', ORDERS);
    workspace.drop(
      'payouts.csv',
      amendments(
        amend('CREATE', 'P1', '1'),
        NEXT_BATCH,
        amend('CREATE', 'P1', '2'),
        amend('UPDATE', 'P1', '3'),
        remove('P1'),
        amend('CREATE', 'P1', '3'),
      ),
    );
    await workspace.pass();
    expect(receipt(workspace, 'payouts.000002.receipt.json')).toMatchObject({
      verdict: 'rejected',
      errors: { INSTRUCTION_REF_ALREADY_EXISTS: 1 },
    });
    expect(results(workspace, 'payouts.000002.result.csv')).toEqual([
      'P1 rejected FILE_HAS_ROW_ERRORS 1.00',
      'P1 rejected INSTRUCTION_REF_ALREADY_EXISTS 2.00',
      'P1 rejected FILE_HAS_ROW_ERRORS 3.00',
      'P1 rejected FILE_HAS_ROW_ERRORS',
      'P1 rejected FILE_HAS_ROW_ERRORS 3.00',
    ]);
  });

  it('is told the same after a crash in its middle', async () => {
    const workspace = testWorkspace({ intake: { onRowErrors: 'reject-file' } });
    workspace.drop('orders.csv', ORDERS);
    workspace.drop(
      'payouts.csv',
      amendments(amend('CREATE', 'P1', '1'), NEXT_BATCH, amend('CREATE', 'P1', '2'), amend('UPDATE', 'P1', '3')),
    );
    await crashInBatch(workspace, 'payouts.csv', 2);
    await workspace.pass();
    expect(results(workspace, 'payouts.000002.result.csv')).toEqual([
      'P1 rejected FILE_HAS_ROW_ERRORS 1.00',
      'P1 rejected INSTRUCTION_REF_ALREADY_EXISTS 2.00',
      'P1 rejected FILE_HAS_ROW_ERRORS 3.00',
    ]);
  });

  it('leaves a row that was accepted before, in another file, the duplicate that it is', async () => {
    const workspace = testWorkspace({ intake: { onRowErrors: 'reject-file' } });
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('first.csv', instructions(instruction('P1')));
    await workspace.pass();
    workspace.drop('second.csv', instructions(instruction('P1'), instruction('P2'), instruction('P3', 'x')));
    await workspace.pass();
    expect(results(workspace, 'second.000003.result.csv')).toEqual([
      'P1 duplicate  210.00',
      'P2 rejected FILE_HAS_ROW_ERRORS 210.00',
      'P3 rejected AMOUNT_FORMAT_NOT_RECOGNISED x',
    ]);
  });
});

describe('rows that amend', () => {
  it('see what earlier rows of the same file did, in its own batch and in earlier ones', async () => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    workspace.drop(
      'payouts.csv',
      amendments(
        amend('CREATE', 'P1', '1'),
        amend('UPDATE', 'P1', '2'),
        amend('CREATE', 'P1', '2'),
        amend('CREATE', 'P2', '5'),
        remove('P2'),
        amend('UPDATE', 'P2', '6'),
        NEXT_BATCH,
        amend('UPDATE', 'P1', '3'),
        amend('CREATE', 'P1', '1'),
      ),
    );
    await workspace.pass();
    expect(results(workspace, 'payouts.000002.result.csv')).toEqual([
      'P1 cancelled  1.00',
      'P1 cancelled  2.00',
      'P1 duplicate  2.00',
      'P2 cancelled  5.00',
      'P2 accepted',
      'P2 rejected INSTRUCTION_ALREADY_PROCESSED 6.00',
      'P1 scheduled  3.00',
      'P1 rejected INSTRUCTION_REF_ALREADY_EXISTS 1.00',
    ]);
    await workspace.pass({ businessDate: LATER });
    expect(acceptedAmounts(workspace)).toEqual(['3.00']);
  });

  it('may go back to earlier content, which is then what is paid', async () => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', amendments(amend('CREATE', 'P1', '1')));
    workspace.drop('there.csv', amendments(amend('UPDATE', 'P1', '2')));
    await workspace.pass();
    workspace.drop('and-back.csv', amendments(amend('UPDATE', 'P1', '1.0')));
    await workspace.pass();
    expect(results(workspace, 'payouts.000002.result.csv')).toEqual(['P1 cancelled  1.00']);
    expect(results(workspace, 'there.000003.result.csv')).toEqual(['P1 cancelled  2.00']);
    expect(results(workspace, 'and-back.000004.result.csv')).toEqual(['P1 scheduled  1.00']);
    await workspace.pass({ businessDate: LATER });
    expect(acceptedAmounts(workspace)).toEqual(['1.00']);
  });

  it('that delete twice are a duplicate the second time, in the same file and in another', async () => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', amendments(amend('CREATE', 'P1', '1'), remove('P1'), remove('P1')));
    await workspace.pass();
    workspace.drop('more.csv', amendments(remove('P1'), amend('CREATE', 'P1', '1'), amend('CREATE', 'P1', '2')));
    await workspace.pass();
    expect(results(workspace, 'payouts.000002.result.csv')).toEqual([
      'P1 cancelled  1.00',
      'P1 accepted',
      'P1 duplicate',
    ]);
    expect(results(workspace, 'more.000003.result.csv')).toEqual([
      'P1 duplicate',
      'P1 duplicate  1.00',
      'P1 rejected INSTRUCTION_REF_ALREADY_EXISTS 2.00',
    ]);
    await workspace.pass({ businessDate: LATER });
    expect(acceptedAmounts(workspace)).toEqual([]);
  });

  it('move an instruction between waiting for its day and being due', async () => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', amendments(amend('CREATE', 'P1', '1'), amend('CREATE', 'P2', '2', '2026-03-02')));
    await workspace.pass({ send: false });
    workspace.drop('moved.csv', amendments(amend('UPDATE', 'P1', '1', '2026-03-02'), amend('UPDATE', 'P2', '2')));
    await workspace.pass();
    expect(results(workspace, 'moved.000003.result.csv')).toEqual(['P1 submitted  1.00', 'P2 scheduled  2.00']);
    expect(acceptedAmounts(workspace)).toEqual(['1.00']);
  });

  it('change an instruction that waits for its order, whether the order has come meanwhile or not', async () => {
    const workspace = testWorkspace();
    workspace.drop('payouts.csv', amendments(amend('CREATE', 'P1', '1'), amend('CREATE', 'P2', '2')));
    workspace.drop('update.csv', amendments(amend('UPDATE', 'P1', '10')));
    await workspace.pass();
    expect(results(workspace, 'update.000002.result.csv')).toEqual(['P1 waiting  10']);
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('update2.csv', amendments(amend('UPDATE', 'P2', '20', '2026-03-02')));
    await workspace.pass();
    expect(results(workspace, 'update.000002.result.csv')).toEqual(['P1 scheduled  10.00']);
    expect(results(workspace, 'update2.000004.result.csv')).toEqual(['P2 submitted  20.00']);
  });
});

describe('an order reference', () => {
  const SCHEME = '0b9f8a52-5d0c-4a57-9f0e-3a4f6c1d2e70';
  const HEADER = 'customerRef,orderRef,currency,country,scheme';
  const orders = (...rows: string[]) =>
    [HEADER, ...rows.map((row) => (row.trim() === '' ? row : `${row},INR,IN,${SCHEME}`)), ''].join('\n');
  const outcomes = (workspace: TestWorkspace, report: string) =>
    workspace
      .rows(report)
      .map(({ customerRef, orderRef, status, code }) => `${customerRef}/${orderRef} ${status} ${code}`);

  async function takenIn(api: string): Promise<TestWorkspace> {
    const workspace = testWorkspace({ provider: { api } });
    workspace.drop('a.csv', orders('A,NOV', 'B,NOV', NEXT_BATCH, 'C,NOV', 'A,DEC'));
    await workspace.pass({ send: false, lookUp: false });
    workspace.drop('b.csv', orders('B,DEC', 'B,JAN', 'A,NOV'));
    await workspace.pass({ send: false, lookUp: false });
    return workspace;
  }

  it('is one customer’s with order management, within a file and across files', async () => {
    const workspace = await takenIn('order-management');
    expect(outcomes(workspace, 'a.000001.result.csv')).toEqual([
      'A/NOV accepted ',
      'B/NOV rejected ORDER_REF_USED_BY_ANOTHER_CUSTOMER',
      'C/NOV rejected ORDER_REF_USED_BY_ANOTHER_CUSTOMER',
      'A/DEC accepted ',
    ]);
    expect(outcomes(workspace, 'b.000002.result.csv')).toEqual([
      'B/DEC rejected ORDER_REF_USED_BY_ANOTHER_CUSTOMER',
      'B/JAN accepted ',
      'A/NOV duplicate ',
    ]);
  });

  it.each(['payout-orders', 'collect'])('is each customer’s own with %s', async (api) => {
    const workspace = await takenIn(api);
    expect(outcomes(workspace, 'a.000001.result.csv').filter((outcome) => !outcome.endsWith('accepted '))).toEqual([]);
    expect(outcomes(workspace, 'b.000002.result.csv')[0]).toBe('B/DEC accepted ');
  });
});
