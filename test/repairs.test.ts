import { describe, expect, it } from 'vitest';
import { sampled } from './support/sample.ts';
import {
  API_FILES,
  instruction,
  instructions,
  madeOnce,
  needs,
  ORDERS,
  type TestWorkspace,
  testWorkspace,
} from './support/workspace.ts';

const HEADER = 'customerRef,orderRef,currency,country,scheme\n';
const SCHEME = '0b9f8a52-5d0c-4a57-9f0e-3a4f6c1d2e70';

/** How many rows of each file are to be repaired, where any are. */
async function toRepair(workspace: TestWorkspace): Promise<Record<number, number>> {
  const { store, close } = await workspace.open();
  try {
    const files = (await store.files()).filter((file) => file.toRepair > 0);
    return Object.fromEntries(files.map((file) => [file.number, file.toRepair]));
  } finally {
    await close();
  }
}

async function dropped(workspace: TestWorkspace, name: string, ...rows: string[]): Promise<void> {
  workspace.drop(name, instructions(...rows));
  await workspace.pass();
}

/** File 2 has one good row and three that are rejected: a reference twice, a bad character, an amount that is none. */
async function withRejectedUnder(settings: object): Promise<TestWorkspace> {
  const workspace = testWorkspace(settings);
  workspace.drop('orders.csv', ORDERS);
  await workspace.pass();
  await dropped(
    workspace,
    'p.csv',
    instruction('A1'),
    instruction('A1', '9'),
    instruction('A 2'),
    instruction('A3', 'x'),
  );
  expect(await toRepair(workspace)).toEqual({ 2: 3 });
  return workspace;
}

const withRejected = madeOnce(() => withRejectedUnder({}));

const page = (workspace: TestWorkspace, name: string) =>
  workspace
    .read(name)
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ');

const paid = (workspace: TestWorkspace) => workspace.ledger().filter(({ kind }) => kind === 'accepted').length;

/** What a spreadsheet recognizes UTF-8 by. */
const BOM = '\uFEFF';

describe('a byte order mark', () => {
  it('stands once at the start of each CSV in the outbox with reports.bom, and of no other file', async () => {
    const workspace = await withRejectedUnder({ reports: { bom: true } });
    const marked = workspace.outbox().filter((name) => workspace.read(name).startsWith(BOM));
    expect(marked).toEqual(workspace.outbox().filter((name) => name.endsWith('.csv')));
    expect(marked).toContain('p.000002.errors.csv');
    for (const name of marked) expect(workspace.read(name).lastIndexOf(BOM)).toBe(0);
  });

  it('is in no report without that setting', async () => {
    const workspace = await withRejected();
    expect(workspace.outbox().filter((name) => workspace.read(name).includes(BOM))).toEqual([]);
  });

  it('changes nothing for a rejected.csv that is repaired and dropped back', async () => {
    const workspace = await withRejectedUnder({ reports: { bom: true } });
    const repaired = workspace.read('p.000002.rejected.csv').replace(',A1,9,', ',A1b,9,').replaceAll('A 2', 'A2');
    workspace.drop('p.000002.rejected.csv', repaired.replace(',A3,x,', ',A3,5,'));
    await workspace.pass();
    expect(await needs(workspace)).toEqual([]);
    expect(await toRepair(workspace)).toEqual({});
    expect(paid(workspace)).toBe(4);
  });
});

describe('a rejected.csv that is dropped back under its name', () => {
  const NAMES = [
    'p.000002.rejected.csv',
    'p.000002.rejected (1).csv',
    'p.000002.rejected(12).csv',
    'p.000002.rejected - Copy.csv',
    'p.000002.rejected - Kopie (2).csv',
    'p.000002.rejected copy 2.csv',
    'p.000002.rejected.CSV',
  ];

  it.each(sampled(NAMES, 3))('stands for the rejected rows, whatever references they were given: %s', async (name) => {
    const workspace = await withRejected();
    await dropped(workspace, name, instruction('A1b', '9'), instruction('A2'), instruction('A3', '5'));
    await workspace.pass();
    expect(await needs(workspace)).toEqual([]);
    expect(paid(workspace)).toBe(4);
    expect(page(workspace, 'p.000002.report.html')).toMatch(
      /Nothing to do\. 1 rejected row was taken in since: 1 row with file 000003 \([^)]*\S*\)\. 2 rejected rows were dropped again since: 2 rows with file 000003/,
    );
    const told = workspace
      .rows('p.000002.result.csv')
      .map(({ message = '' }) => /[^.]* since, with.*/.exec(message)?.[0]);
    expect(told).toEqual([
      undefined,
      ' Dropped again since, with file 000003.',
      ' Dropped again since, with file 000003.',
      ' Taken in since, with file 000003.',
    ]);
    expect(JSON.parse(workspace.read('p.000002.receipt.json'))).toMatchObject({ repairedWith: { '000003': 2 } });
  });

  it.each([
    'q.000002.rejected.csv',
    'p.000001.rejected.csv',
    'p.000009.rejected.csv',
    'p.2.rejected.csv',
    'p.000002.errors.csv',
    'x p.000002.rejected.csv',
    'p.000002.rejected.csv.csv',
  ])('is no repair under a name that does not fit: %s', async (name) => {
    const workspace = await withRejected();
    await dropped(workspace, name, instruction('A1b', '9'), instruction('A2'), instruction('A3b', '5'));
    expect(await toRepair(workspace)).toEqual({ 2: 3 });
  });

  it('leaves as many rows open as are missing in it', async () => {
    const workspace = await withRejected();
    await dropped(workspace, 'p.000002.rejected.csv', instruction('A3', '5'), instruction('A2'));
    expect(await toRepair(workspace)).toEqual({ 2: 1 });
    expect(page(workspace, 'p.000002.report.html')).toMatch(
      /1 row to correct in .* Up to 1 rejected row came again with other references/,
    );
    await dropped(workspace, 'p.000002.rejected.csv', instruction('A1b', '9'));
    expect(await toRepair(workspace)).toEqual({});
  });

  it('does not count a row twice that has the references of a rejected one, or is dropped once more', async () => {
    const workspace = await withRejected();
    await dropped(workspace, 'p.000002.rejected.csv', instruction('A3', '5'));
    expect(await toRepair(workspace)).toEqual({ 2: 2 });
    await dropped(workspace, 'p.000002.rejected.csv', instruction('A3', '5'), instruction('A2'));
    expect(await toRepair(workspace)).toEqual({ 2: 1 });
    await dropped(workspace, 'p.000002.rejected.csv', instruction('A2'), instruction('A3', '5'));
    expect(await toRepair(workspace)).toEqual({ 2: 1 });
  });

  it('has to repair itself what it rejects again, and the chain closes from both ends', async () => {
    for (const last of ['p.000002.rejected.000003.rejected.csv', 'p.000002.rejected.csv']) {
      const workspace = await withRejected();
      const good = [instruction('A1b', '9'), instruction('A3', '5')];
      await dropped(workspace, 'p.000002.rejected.csv', ...good, instruction('A 2'));
      expect(await toRepair(workspace)).toEqual({ 3: 1 });
      expect(workspace.outbox()).toContain('p.000002.rejected.000003.rejected.csv');
      const again = last === 'p.000002.rejected.csv' ? good : [];
      await dropped(workspace, last, ...again, instruction('A2'));
      expect(await toRepair(workspace)).toEqual({});
      await workspace.pass();
      expect(paid(workspace)).toBe(4);
      expect(await needs(workspace)).toEqual([]);
    }
  });

  it('repairs the repair before it, and leaves open what neither of them had', async () => {
    const workspace = await withRejected();
    await dropped(workspace, 'p.000002.rejected.csv', instruction('A1b', '9'), instruction('A 2'));
    expect(await toRepair(workspace)).toEqual({ 2: 1, 3: 1 });
    await dropped(workspace, 'p.000002.rejected.csv', instruction('A1b', '9'), instruction('A2'));
    expect(await toRepair(workspace)).toEqual({ 2: 1 });
  });

  it('closes nothing as a duplicate file, or when it is refused', async () => {
    const workspace = await withRejected();
    const rows = [instruction('B1'), instruction('B2'), instruction('B3')];
    await dropped(workspace, 'other.csv', ...rows);
    await dropped(workspace, 'p.000002.rejected.csv', ...rows);
    expect(await toRepair(workspace)).toEqual({ 2: 3 });
    workspace.drop('p.000002.rejected.csv', 'some,other,columns\n1,2,3\n');
    await workspace.pass();
    expect(await toRepair(workspace)).toEqual({ 2: 3 });
    workspace.drop('p.000002.rejected.csv', ORDERS.replaceAll('C1', 'C2'));
    await workspace.pass();
    expect(await toRepair(workspace)).toEqual({ 2: 3 });
  });

  it('may say once more what is there already', async () => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    await dropped(workspace, 'p.csv', instruction('A1'), instruction('A1'));
    expect(await toRepair(workspace)).toEqual({ 2: 1 });
    await dropped(workspace, 'p.000002.rejected.csv', instruction('A1'));
    expect(await toRepair(workspace)).toEqual({});
    await workspace.pass();
    expect(paid(workspace)).toBe(1);
  });

  it('is the repair of an orders file, too', async () => {
    const workspace = testWorkspace();
    workspace.drop('o.csv', `${HEADER}\u042101,O1,INR,IN,${SCHEME}\nC2,O1,INR,IN,${SCHEME}\n`);
    await workspace.pass();
    expect(await toRepair(workspace)).toEqual({ 1: 1 });
    workspace.drop('o.000001.rejected.csv', `${HEADER}C01,O1,INR,IN,${SCHEME}\n`);
    await workspace.pass();
    expect(await needs(workspace)).toEqual([]);
  });

  it('takes over all rows where one error rejects the file, and again if it still has one', async () => {
    const workspace = testWorkspace({ intake: { onRowErrors: 'reject-file' } });
    workspace.drop('orders.csv', ORDERS);
    await dropped(workspace, 'p.csv', instruction('A1'), instruction('A 2'));
    expect(await toRepair(workspace)).toEqual({ 2: 2 });
    await dropped(workspace, 'p.000002.rejected.csv', instruction('A1'), instruction('A  2'));
    expect(await toRepair(workspace)).toEqual({ 3: 2 });
    await dropped(workspace, 'p.000002.rejected (1).csv', instruction('A1'), instruction('A2'));
    await workspace.pass();
    expect(await needs(workspace)).toEqual([]);
    expect(paid(workspace)).toBe(2);
  });

  it('does not count a change twice that the provider carries out later', async () => {
    const workspace = testWorkspace({ provider: { api: 'collect' } });
    const changes = (...rows: string[]) =>
      ['action,customerRef,orderRef,instructionRef,amount,openDate,dueDate', ...rows, ''].join('\n');
    const update = (ref: string, amount: string) => `UPDATE,C1,O1,${ref},${amount},2026-03-02,2026-03-06`;
    workspace.drop('orders.csv', API_FILES.collect.orders);
    workspace.drop('payouts.csv', API_FILES.collect.instructions('P1', 'P2'));
    const faults = { fates: [{ fate: 'ready' as const }] };
    await workspace.pass({ lookUp: false, faults });
    workspace.drop('changes.csv', changes(update('P1', 'x'), update('P2', 'x')));
    await workspace.pass({ send: false, lookUp: false });
    expect(await toRepair(workspace)).toEqual({ 3: 2 });
    workspace.drop('changes.000003.rejected.csv', changes(update('P1', '7')));
    await workspace.pass({ send: false, lookUp: false });
    expect(await toRepair(workspace)).toEqual({ 3: 1 });
    for (const _ of [1, 2]) await workspace.pass({ faults });
    expect(workspace.rows('changes.000003.rejected.000004.result.csv')).toMatchObject([{ status: 'submitted' }]);
    expect(await toRepair(workspace)).toEqual({ 3: 1 });
  });

  it('is asked of the file whose row it is that was rejected late, not of the one that it has replaced', async () => {
    const workspace = testWorkspace();
    const header = 'action,customerRef,orderRef,instructionRef,amount,openDate,dueDate\n';
    await dropped(workspace, 'p.csv', instruction('P1').replace('O1', 'O9'));
    workspace.drop('changes.csv', `${header}UPDATE,C1,O9,P1,7,2026-03-02,2026-03-06\n`);
    await workspace.pass();
    workspace.clock.advance(25 * 3_600_000);
    await workspace.pass({ businessDate: '2026-03-03' });
    expect(await toRepair(workspace)).toEqual({ 2: 1 });
    expect(page(workspace, 'changes.000002.report.html')).toContain('1 row to correct in');
    await dropped(workspace, 'again.csv', instruction('P1', '8').replace('O1', 'O9'));
    expect(await toRepair(workspace)).toEqual({});
  });

  it('is needed once, in the later file, where what that has taken in is rejected late', async () => {
    const workspace = testWorkspace();
    await dropped(workspace, 'p.csv', instruction('P1', 'x').replace('O1', 'O9'), instruction('P2', 'x'));
    await dropped(workspace, 'fixed.csv', instruction('P1').replace('O1', 'O9'));
    expect(await toRepair(workspace)).toEqual({ 1: 1 });
    workspace.clock.advance(25 * 3_600_000);
    await workspace.pass({ businessDate: '2026-03-03' });
    expect(await toRepair(workspace)).toEqual({ 1: 1, 2: 1 });
    const before = workspace.read('p.000001.result.csv');
    await dropped(workspace, 'other.csv', instruction('P2', '9').replace('O1', 'O8'));
    const tools = await workspace.open();
    await tools.store.markStale(1);
    await tools.close();
    await workspace.pass();
    expect(workspace.read('p.000001.result.csv')).toBe(before);
  });

  it('is not needed for what a later file of any name has taken in', async () => {
    const workspace = await withRejected();
    await dropped(workspace, 'fixed.csv', instruction('A1'), instruction('A3', '5'));
    expect(await toRepair(workspace)).toEqual({ 2: 2 });
  });
});

describe('a totals row', () => {
  const total = 'Total,,,420.00,,,';

  it('is reported and counted, and needs no person', async () => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', `${ORDERS}Total,,,,,\n`);
    workspace.drop('p.csv', instructions(instruction('P1'), instruction('P2'), total));
    const { needs: told } = await workspace.pass();
    expect(told).toEqual([]);
    await workspace.pass();
    expect(await needs(workspace)).toEqual([]);
    const text = page(workspace, 'p.000002.report.html');
    expect(text).toContain('All 2 rows were accepted. 1 totals row is no payment and was left out.');
    expect(text).toContain('Nothing to do.');
    expect(text).not.toContain('drop that file');
    expect(workspace.rows('p.000002.result.csv').map(({ status }) => status)).toEqual(['paid', 'paid', 'rejected']);
    expect(JSON.parse(workspace.read('p.000002.receipt.json'))).toMatchObject({
      verdict: 'accepted',
      rows: { read: 3, reported: 3 },
      totalsRows: 1,
    });
  });

  it('is no row of a repair, and none to repair', async () => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    await dropped(workspace, 'p.csv', instruction('A 1'), instruction('A 2'), total);
    expect(await toRepair(workspace)).toEqual({ 2: 2 });
    expect(page(workspace, 'p.000002.report.html')).toContain('2 rows to correct in');
    await dropped(workspace, 'p.000002.rejected.csv', instruction('A1'), total);
    expect(await toRepair(workspace)).toEqual({ 2: 1 });
  });

  it('is to be removed where one error rejects the file', async () => {
    const workspace = testWorkspace({ intake: { onRowErrors: 'reject-file' } });
    workspace.drop('orders.csv', ORDERS);
    await dropped(workspace, 'p.csv', instruction('A1'), total);
    expect(page(workspace, 'p.000002.report.html')).toContain('The totals row to remove from p.000002.rejected.csv');
    await dropped(workspace, 'p.000002.rejected.csv', instruction('A1'));
    await workspace.pass();
    expect(await needs(workspace)).toEqual([]);
  });
});
