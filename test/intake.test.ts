import { appendFileSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { pass, type Tools } from '../src/pipeline/pass.ts';
import type { OpenWorkspace } from '../src/service/workspace.ts';
import { Sqlite as Database } from '../src/store/sqlite/connection.ts';
import { ALL } from './support/sample.ts';
import {
  API_FILES,
  instruction,
  instructions,
  needs,
  ORDERS,
  type TestWorkspace,
  testWorkspace,
} from './support/workspace.ts';

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

function withDatabase(workspace: TestWorkspace, work: (db: InstanceType<typeof Database>) => void): void {
  const db = new Database(workspace.path('data', 'paydrop.db'));
  work(db);
  db.close();
}

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

/** Whether a pass came to that many calls of store and inbox and crashed there. */
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

describe('a large file', () => {
  it('leaves signals and timers their turn between two batches', async () => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', instructions(...Array.from({ length: 8_500 }, (_, at) => instruction(`P${at}`))));
    let turns = 0;
    const count = () => {
      turns++;
      turning = setImmediate(count);
    };
    let turning = setImmediate(count);
    const turnOfBatch: number[] = [];
    const counting = ({ store }: OpenWorkspace): Partial<Tools> => ({
      store: {
        ...store,
        recordRows: async (file, ...rest) => {
          if (file === 2) turnOfBatch.push(turns);
          return store.recordRows(file, ...rest);
        },
      },
    });
    await passWith(workspace, counting, false);
    clearImmediate(turning);
    expect(turnOfBatch.length).toBeGreaterThan(3);
    expect(new Set(turnOfBatch).size).toBe(turnOfBatch.length);
  });
});

describe('a crash at any call of store or inbox', () => {
  /** `npm test` takes two calls of 40. With TESTS=all the two settings together leave none out. */
  const STEP = ALL ? 2 : 40;
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
        const names = workspace.outbox().filter((name) => !name.startsWith('run.') && name !== 'index.html');
        // The page of a file names the run that took it in: after a crash that may be the next one.
        const withoutRun = (text: string) => text.replace(/run\.\d{6}|Run \d{6}/g, 'run');
        return new Map(names.map((name) => [name, withoutRun(workspace.read(name))]));
      };
      const undisturbed = dropped();
      await undisturbed.pass();
      const expected = fileReports(undisturbed);

      let n = 1 - (onRowErrors === 'accept-valid' ? STEP : STEP / 2);
      for (let crashed = true; crashed; ) {
        const workspace = dropped();
        n += STEP;
        crashed = await crashesAt(n, workspace);
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
  it('and whose copy is lost is named, pays nothing, and goes on when it is dropped again', async () => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    const content = instructions(instruction('P1'), NEXT_BATCH, instruction('P2'));
    workspace.drop('payouts.csv', content);
    await crashInBatch(workspace, 'payouts.csv', 2);
    for (const folder of ['spool', 'work']) rmSync(workspace.path('data', folder), { recursive: true });
    const why =
      'file 000002 is half taken in and its copy in data/spool is gone: drop the same file again and it goes on';
    const lost = { sent: 0, unfinished: undefined, stuck: [{ name: 'payouts.csv', why }] };
    expect(await workspace.pass()).toMatchObject(lost);
    expect(await workspace.pass()).toMatchObject(lost);
    expect(await needs(workspace)).toEqual(expect.arrayContaining(['1 stuck', '1 unfinished-files']));
    workspace.drop('again.csv', content);
    expect(await workspace.pass()).toMatchObject({ sent: 2, unfinished: undefined, stuck: [] });
    expect(workspace.rows('payouts.000002.result.csv')).toHaveLength(2);
    expect(readFileSync(workspace.path('data', 'archive', '2026-03-02', '000002.payouts.csv'), 'utf8')).toBe(content);
  });

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
      errors: { REFERENCE_REPEATED_IN_FILE: 2 },
    });
    expect(results(workspace, 'payouts.000002.result.csv')).toEqual([
      'P1 rejected FILE_HAS_ROW_ERRORS 1.00',
      'P1 rejected REFERENCE_REPEATED_IN_FILE 2.00',
      'P1 rejected FILE_HAS_ROW_ERRORS 3.00',
      'P1 rejected FILE_HAS_ROW_ERRORS',
      'P1 rejected REFERENCE_REPEATED_IN_FILE 3.00',
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
      'P1 rejected REFERENCE_REPEATED_IN_FILE 2.00',
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

describe('a reference that comes twice in a file', () => {
  const codes = (workspace: TestWorkspace, report: string) =>
    workspace.rows(report).map(({ line, code, message }) => [line, code, message]);

  it('is an error that names the other row, what has become of it, and what differs', async () => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    const same = instruction('P1', '100.00');
    workspace.drop('payouts.csv', instructions(same, same, NEXT_BATCH, instruction('P1', '900')));
    await workspace.pass();
    await workspace.pass();
    const title = 'An earlier row of this file has the same reference: "P1" is in line 2 of this file (paid)';
    expect(codes(workspace, 'payouts.000002.errors.csv')).toEqual([
      ['3', 'REFERENCE_REPEATED_IN_FILE', `${title}.`],
      ['2005', 'REFERENCE_REPEATED_IN_FILE', `${title}: amount 100.00, here 900.00.`],
    ]);
    expect(acceptedAmounts(workspace)).toEqual(['100.00']);
  });

  it('is one again when the file is dropped again, and its first row a duplicate', async () => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    const rows = [instruction('P1', '100.00'), instruction('P1', '100'), instruction('P1', '900')];
    workspace.drop('payouts.csv', instructions(...rows));
    await workspace.pass();
    workspace.drop('again.csv', instructions(...rows, instruction('P2')));
    await workspace.pass();
    expect(results(workspace, 'again.000003.result.csv')).toEqual([
      'P1 duplicate  100.00',
      'P1 rejected REFERENCE_REPEATED_IN_FILE 100.00',
      'P1 rejected REFERENCE_REPEATED_IN_FILE 900.00',
      'P2 submitted  210.00',
    ]);
    expect(codes(workspace, 'again.000003.errors.csv').at(-1)?.at(-1)).toContain(
      '"P1" is in line 2 of this file (duplicate): amount 100.00, here 900.00.',
    );
  });

  it('is found across a crash between the two rows', async () => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('first.csv', instructions(instruction('P1')));
    await workspace.pass();
    workspace.drop('payouts.csv', instructions(instruction('P1'), NEXT_BATCH, instruction('P1'), instruction('P2')));
    await crashInBatch(workspace, 'payouts.csv', 2);
    await workspace.pass();
    expect(results(workspace, 'payouts.000003.result.csv')).toEqual([
      'P1 duplicate  210.00',
      'P1 rejected REFERENCE_REPEATED_IN_FILE 210.00',
      'P2 submitted  210.00',
    ]);
  });

  it('is told beside the row’s other errors, where an earlier row has it', async () => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    workspace.drop(
      'payouts.csv',
      amendments(
        amend('CREATE', 'P1', 'x'),
        amend('CREATE', 'P1', '100'),
        amend('CREATE', 'P1', '1;5'),
        amend('UPDATE', 'P1', '1x'),
        amend('CHANGE', 'P1', '100'),
        NEXT_BATCH,
        amend('', 'P1', '1.005'),
        amend('', 'P1', '0'),
        amend('', 'P2', '0'),
        amend('', 'P2', '-1'),
      ),
    );
    await crashInBatch(workspace, 'payouts.csv', 2);
    await workspace.pass();
    const twice = 'REFERENCE_REPEATED_IN_FILE';
    expect(results(workspace, 'payouts.000002.result.csv')).toEqual([
      'P1 rejected AMOUNT_FORMAT_NOT_RECOGNISED x',
      'P1 scheduled  100.00',
      `P1 rejected ${twice} AMOUNT_FORMAT_NOT_RECOGNISED 1;5`,
      'P1 rejected AMOUNT_FORMAT_NOT_RECOGNISED 1x',
      'P1 rejected ACTION_NOT_RECOGNISED 100.00',
      `P1 rejected ${twice} AMOUNT_PRECISION_OUT_OF_RANGE 1.005`,
      `P1 rejected ${twice} AMOUNT_OUT_OF_RANGE 0.00`,
      'P2 rejected AMOUNT_OUT_OF_RANGE 0.00',
      "P2 rejected AMOUNT_OUT_OF_RANGE '-1.00",
    ]);
    expect(codes(workspace, 'payouts.000002.errors.csv').find(([, code]) => code === twice)?.[2]).toContain(
      '"P1" is in line 3 of this file (scheduled)',
    );
  });

  it('of an order is told beside the row’s other errors', async () => {
    const workspace = testWorkspace();
    const order = (ref: string, currency: string) => `C1,${ref},${currency},IN,0b9f8a52-5d0c-4a57-9f0e-3a4f6c1d2e70`;
    const rows = [order('O1', 'Rupees'), order('O1', 'INR'), order('O1', 'Rupees'), order('O 1', 'INR')];
    workspace.drop('orders.csv', ['customerRef,orderRef,currency,country,scheme', ...rows, ''].join('\n'));
    await workspace.pass();
    expect(workspace.rows('orders.000001.result.csv').map(({ status, code }) => `${status} ${code}`)).toEqual([
      'rejected CURRENCY_LENGTH_OUT_OF_RANGE',
      'accepted ',
      'rejected REFERENCE_REPEATED_IN_FILE CURRENCY_LENGTH_OUT_OF_RANGE',
      'rejected ORDER_REF_CONTAINS_INVALID_CHARACTERS',
    ]);
  });

  it('is an error of orders, too', async () => {
    const workspace = testWorkspace();
    const order = (ref: string, currency = 'INR') => `C1,${ref},${currency},IN,0b9f8a52-5d0c-4a57-9f0e-3a4f6c1d2e70`;
    const orders = (...rows: string[]) => ['customerRef,orderRef,currency,country,scheme', ...rows, ''].join('\n');
    const rows = [order('O1'), order('O1'), NEXT_BATCH, order('O1', 'USD'), order('O2')];
    workspace.drop('orders.csv', orders(...rows));
    await workspace.pass();
    workspace.drop('again.csv', orders(...rows, order('O3')));
    await workspace.pass();
    const title = 'An earlier row of this file has the same reference: "O1" is in line 2 of this file';
    expect(codes(workspace, 'orders.000001.errors.csv')).toEqual([
      ['3', 'REFERENCE_REPEATED_IN_FILE', `${title} (accepted).`],
      ['2005', 'REFERENCE_REPEATED_IN_FILE', `${title} (accepted): currency INR, here USD.`],
    ]);
    expect(workspace.rows('again.000002.result.csv').map(({ status, code }) => `${status} ${code}`)).toEqual([
      'duplicate ',
      'rejected REFERENCE_REPEATED_IN_FILE',
      'rejected REFERENCE_REPEATED_IN_FILE',
      'duplicate ',
      'accepted ',
    ]);
  });
});

describe('a reference that another file has taken', () => {
  it('is told with the row that has it, what has become of it since, and what differs', async () => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', instructions(instruction('P1', '100')));
    await workspace.pass({ send: false });
    workspace.drop('second.csv', instructions('C1,O1,P1,900,2026-03-02,2026-03-07,Rent'));
    await workspace.pass({ send: false });
    const message = () => workspace.rows('second.000003.errors.csv')[0]?.['message'];
    const differs = 'amount 100.00, here 900.00; dueDate 2026-03-06, here 2026-03-07; narration P1, here Rent.';
    expect(message()).toContain(`"P1" is in line 2 of file 000002 (ready): ${differs}`);
    await workspace.pass();
    await workspace.pass();
    expect(message()).toContain(`"P1" is in line 2 of file 000002 (paid): ${differs}`);
  });

  it('of an order is the same order with its metadata in another order and its GUID written otherwise', async () => {
    const workspace = testWorkspace();
    const guid = '0b9f8a52-5d0c-4a57-9f0e-3a4f6c1d2e70';
    workspace.drop(
      'orders.csv',
      `customerRef,orderRef,currency,country,scheme,metadata.b,metadata.a\nC1,O1,INR,IN,${guid},1,2\n`,
    );
    await workspace.pass();
    const header = 'customerRef,orderRef,currency,country,scheme,metadata.a,metadata.b';
    workspace.drop('again.csv', `${header}\nC1,O1,INR,IN,{${guid.toUpperCase()}},2,1\n`);
    workspace.drop('other.csv', `${header}\nC1,O1,INR,IN,${guid},1,2\n`);
    await workspace.pass();
    expect(results(workspace, 'again.000002.result.csv')).toEqual(['duplicate']);
    expect(workspace.rows('other.000003.errors.csv')[0]?.['message']).toContain(
      '"O1" is in line 2 of file 000001 (accepted): metadata.b 1, here 2; metadata.a 2, here 1.',
    );
    const tools = await workspace.open();
    const [order] = await tools.store.findOrders([{ customerRef: 'C1', orderRef: 'O1' }]);
    await tools.close();
    expect(order?.metadata).toEqual([
      ['b', '1'],
      ['a', '2'],
    ]);
  });
});

describe('an amount with a decimal too many', () => {
  it('is told beside what else is wrong with its row', async () => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('first.csv', instructions(instruction('P1')));
    await workspace.pass();
    workspace.drop(
      'payouts.csv',
      instructions('C1,O1,P9,1.005,2026-03-02,soon,', 'C1,O2,P9,10.5,2026-03-02,,', instruction('P1', '1.005')),
    );
    workspace.drop('update.csv', amendments(amend('UPDATE', 'P7', '1.005')));
    await workspace.pass();
    expect(results(workspace, 'payouts.000003.result.csv')).toEqual([
      'P9 rejected AMOUNT_PRECISION_OUT_OF_RANGE DUE_DATE_FORMAT_NOT_RECOGNISED 1.005',
      'P9 rejected AMOUNT_PRECISION_OUT_OF_RANGE DUE_DATE_IS_REQUIRED 10.5',
      'P1 rejected INSTRUCTION_REF_ALREADY_EXISTS AMOUNT_PRECISION_OUT_OF_RANGE 1.005',
    ]);
    expect(results(workspace, 'update.000004.result.csv')).toEqual([
      'P7 rejected INSTRUCTION_NOT_FOUND AMOUNT_PRECISION_OUT_OF_RANGE 1.005',
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
        amend('UPDATE', 'P1', '2.0'),
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
      'P1 replaced  1.00',
      'P1 replaced  2.00',
      'P1 rejected REFERENCE_REPEATED_IN_FILE 2.00',
      'P2 cancelled  5.00',
      'P2 accepted',
      'P2 rejected INSTRUCTION_ALREADY_PROCESSED 6.00',
      'P1 scheduled  3.00',
      'P1 rejected REFERENCE_REPEATED_IN_FILE 1.00',
    ]);
    await workspace.pass({ businessDate: LATER });
    expect(acceptedAmounts(workspace)).toEqual(['3.00']);
  });

  it('change nothing when they are dropped again after a newer one, and say which that is', async () => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', amendments(amend('CREATE', 'P1', '100')));
    await workspace.pass();
    workspace.drop('f2.csv', amendments(amend('UPDATE', 'P1', '200'), amend('CREATE', 'P2', 'x')));
    await workspace.pass();
    workspace.drop('f3.csv', amendments(amend('UPDATE', 'P1', '150')));
    await workspace.pass();
    workspace.drop('f2.csv', amendments(amend('UPDATE', 'P1', '200.00'), amend('CREATE', 'P2', '7')));
    workspace.drop('payouts.csv', amendments(amend('CREATE', 'P1', '100.0'), amend('CREATE', 'P3', '8')));
    await workspace.pass();
    const messageOf = (report: string) => workspace.rows(report)[0]?.['message'];
    const since = 'which file 000004 line 2 (scheduled) has replaced since: this row changes nothing';
    expect(results(workspace, 'f2.000005.result.csv')).toEqual(['P1 duplicate  200.00', 'P2 scheduled  7.00']);
    expect(messageOf('f2.000005.result.csv')).toContain(`the same as file 000003 line 2, ${since}`);
    expect(results(workspace, 'payouts.000006.result.csv')).toEqual(['P1 duplicate  100.00', 'P3 scheduled  8.00']);
    expect(messageOf('payouts.000006.result.csv')).toContain(
      'the same as file 000002 line 2, which file 000003 line 2',
    );
    await workspace.pass({ businessDate: LATER });
    expect(acceptedAmounts(workspace).sort()).toEqual(['150.00', '7.00', '8.00']);
    expect(messageOf('f2.000005.result.csv')).toContain('which file 000004 line 2 (submitted) has replaced');
  });

  it('that came while they changed nothing change nothing later either', async () => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('f1.csv', amendments(amend('CREATE', 'P1', '1')));
    await workspace.pass();
    workspace.drop('same.csv', amendments(amend('UPDATE', 'P1', '1')));
    await workspace.pass();
    workspace.drop('f2.csv', amendments(amend('UPDATE', 'P1', '2')));
    await workspace.pass();
    workspace.drop('same.csv', amendments(amend('UPDATE', 'P1', '1'), ''));
    await workspace.pass();
    expect(results(workspace, 'same.000003.result.csv')).toEqual(['P1 duplicate  1.00']);
    expect(results(workspace, 'same.000005.result.csv')).toEqual(['P1 duplicate  1.00']);
    expect(results(workspace, 'f2.000004.result.csv')).toEqual(['P1 scheduled  2.00']);
  });

  it('are known again after a DELETE and after the payout', async () => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('f1.csv', amendments(amend('CREATE', 'P1', '1'), amend('CREATE', 'P2', '1', '2026-03-02')));
    const changes = [amend('UPDATE', 'P1', '2'), amend('UPDATE', 'P2', '2', '2026-03-02')];
    workspace.drop('f2.csv', amendments(...changes));
    workspace.drop('f3.csv', amendments(remove('P1'), amend('UPDATE', 'P2', '3', '2026-03-02')));
    await workspace.pass();
    workspace.drop('again.csv', amendments(...changes, amend('UPDATE', 'P1', '4'), amend('UPDATE', 'P2', '4')));
    await workspace.pass();
    expect(results(workspace, 'again.000005.result.csv')).toEqual([
      'P1 duplicate  2.00',
      'P2 duplicate  2.00',
      'P1 rejected INSTRUCTION_ALREADY_PROCESSED 4.00',
      'P2 rejected INSTRUCTION_ALREADY_PROCESSED 4.00',
    ]);
    expect(acceptedAmounts(workspace)).toEqual(['3.00']);
  });

  it('are known again though only amount and dates of a replaced content were kept by an earlier version', async () => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('f1.csv', amendments(amend('CREATE', 'P1', '1')));
    workspace.drop('f2.csv', amendments(amend('UPDATE', 'P1', '2')));
    workspace.drop('f3.csv', amendments(amend('UPDATE', 'P1', '3')));
    await workspace.pass({ send: false });
    withDatabase(workspace, (db) => {
      db.exec(`
        DROP TABLE statements; DROP TABLE conflicts; DROP TABLE decisions; DROP INDEX rows_rejected;
        DROP TABLE closings; DROP TABLE rejected_since; DROP INDEX files_by_repairs;
        ALTER TABLE files DROP COLUMN repairs; ALTER TABLE files DROP COLUMN stood_for;
        ALTER TABLE files DROP COLUMN settled; ALTER TABLE files DROP COLUMN settled_with;
        ALTER TABLE files DROP COLUMN rejected; ALTER TABLE files DROP COLUMN repaired;
        DROP TABLE notifications; DROP TABLE webhooks; DROP TABLE sign_ins; DROP TABLE payees; DROP TABLE resemblances; DROP TABLE approvals; DROP TABLE decision_files; DROP INDEX files_to_judge;
        DROP INDEX sends_by_date; DROP INDEX orders_with_defaults; ALTER TABLE sends DROP COLUMN business_date;
        ALTER TABLE files DROP COLUMN judged; ALTER TABLE files DROP COLUMN said_done;
        ALTER TABLE files DROP COLUMN maker; ALTER TABLE runs DROP COLUMN at_end;
        DROP TABLE forgotten_files; ALTER TABLE instructions DROP COLUMN forgotten`);
      db.pragma('user_version = 8');
    });
    workspace.drop('again.csv', amendments(amend('UPDATE', 'P1', '2'), amend('CREATE', 'P1', '1')));
    await workspace.pass({ send: false });
    expect(results(workspace, 'again.000005.result.csv')).toEqual(['P1 duplicate  2.00', 'P1 duplicate  1.00']);
    expect(results(workspace, 'f3.000003.result.csv')).toEqual(['P1 scheduled  3.00']);
  });

  it('take nothing back silently that the provider is being asked for', async () => {
    const workspace = testWorkspace({ provider: { api: 'collect' } });
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', API_FILES.collect.instructions('P1'));
    await workspace.pass();
    const update = (amount: string) =>
      `action,customerRef,orderRef,instructionRef,amount,openDate,dueDate\nUPDATE,C1,O1,P1,${amount},2026-03-02,2026-03-06\n`;
    const asking = { send: false, lookUp: false };
    workspace.drop('there.csv', update('220.00'));
    await workspace.pass(asking);
    workspace.drop('and-back.csv', update('210.00'));
    await workspace.pass(asking);
    expect(results(workspace, 'there.000003.result.csv')).toEqual(['P1 waiting  220.00']);
    expect(results(workspace, 'and-back.000004.result.csv')).toEqual([
      'P1 rejected INSTRUCTION_ALREADY_PROCESSED 210.00',
    ]);
  });

  it('may go back to earlier content, which is then what is paid', async () => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', amendments(amend('CREATE', 'P1', '1')));
    workspace.drop('there.csv', amendments(amend('UPDATE', 'P1', '2')));
    await workspace.pass();
    workspace.drop('and-back.csv', amendments(amend('UPDATE', 'P1', '1.0')));
    await workspace.pass();
    expect(results(workspace, 'payouts.000002.result.csv')).toEqual(['P1 replaced  1.00']);
    expect(results(workspace, 'there.000003.result.csv')).toEqual(['P1 replaced  2.00']);
    expect(results(workspace, 'and-back.000004.result.csv')).toEqual(['P1 scheduled  1.00']);
    await workspace.pass({ businessDate: LATER });
    expect(acceptedAmounts(workspace)).toEqual(['1.00']);
  });

  it('that delete twice are a repeat in the same file and a duplicate in another', async () => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', amendments(amend('CREATE', 'P1', '1'), remove('P1'), remove('P1')));
    await workspace.pass();
    workspace.drop('more.csv', amendments(remove('P1'), amend('CREATE', 'P1', '1'), amend('CREATE', 'P1', '2')));
    await workspace.pass();
    expect(results(workspace, 'payouts.000002.result.csv')).toEqual([
      'P1 cancelled  1.00',
      'P1 accepted',
      'P1 rejected REFERENCE_REPEATED_IN_FILE',
    ]);
    expect(results(workspace, 'more.000003.result.csv')).toEqual([
      'P1 duplicate',
      'P1 duplicate  1.00',
      'P1 rejected REFERENCE_REPEATED_IN_FILE 2.00',
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
