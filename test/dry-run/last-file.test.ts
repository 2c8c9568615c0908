/**
 * The last file of a dry run: most of its rows are added up and not recorded, and what is foreseen is what a dry run
 * foresees that records every row.
 */
import { writeFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { takeIn } from '../../src/intake/intake.ts';
import { hold, release } from '../../src/pipeline/pipeline.ts';
import { noProgress } from '../../src/platform/progress.ts';
import type { TakenFile } from '../../src/reports/file-reports.ts';
import { addingUpLast, type ToRecord } from '../../src/service/dry-run/last-file.ts';
import { dryRun } from '../../src/service/dry-run.ts';
import { PAYS, withRecords } from '../support/held.ts';
import { ALL } from '../support/sample.ts';
import { madeOnce, ORDERS, type TestWorkspace, testWorkspace } from '../support/workspace.ts';

const DAY = '2026-03-02';
const HEADER = 'customerRef,orderRef,instructionRef,amount,openDate,dueDate,contactId,narration,action';

interface Line {
  readonly customer?: string;
  readonly order?: string;
  readonly ref: string;
  readonly amount?: string;
  readonly open?: string;
  readonly due?: string;
  readonly payee?: string;
  readonly narration?: string;
  readonly action?: string;
}

function csv(lines: readonly Line[], end = '\n'): string {
  const rows = lines.map(
    ({ customer = 'C1', order = 'O1', ref, amount = '210.00', open = DAY, due = '2026-04-06', ...rest }) => {
      const { payee = ref, narration = '', action = '' } = rest;
      const deletes = action === 'DELETE';
      return [
        customer,
        order,
        ref,
        ...(deletes ? ['', '', '', '', ''] : [amount, open, due, payee, narration]),
        action,
      ].join();
    },
  );
  return [HEADER, ...rows].join('\n') + end;
}

const MORE_ORDERS = [
  'customerRef,orderRef,currency,country,scheme',
  'C2,O2,KWD,KW,0b9f8a52-5d0c-4a57-9f0e-3a4f6c1d2e70',
  'C2,O1,INR,IN,0b9f8a52-5d0c-4a57-9f0e-3a4f6c1d2e70',
  '',
].join('\n');

/** Payouts that are paid, sent on the day, scheduled and waiting; with the payees A and B, and amounts of the files below. */
const withPayouts = madeOnce(async () => {
  const workspace = testWorkspace();
  workspace.drop('a-orders.csv', ORDERS);
  workspace.drop(
    'b-before.csv',
    csv([
      { ref: 'P-1', amount: '100', payee: 'A' },
      { ref: 'P-2', amount: '10', payee: 'B' },
      { ref: 'P-3', amount: '100', payee: 'B', open: '2026-03-08' },
      { ref: 'P-4', amount: '10', payee: 'A', open: '2026-04-02' },
      { ref: 'P-5', amount: '100', payee: 'A', open: '2026-03-12' },
      { ref: 'P-6', amount: '100', payee: 'A', order: 'O7' },
      { ref: 'P-7', amount: '100', payee: 'C', customer: 'C2' },
    ]),
  );
  await workspace.pass({ faults: PAYS });
  return workspace;
});

function withSettings(workspace: TestWorkspace, settings: object): TestWorkspace {
  const rest = { schedule: { timeZone: 'UTC' }, intake: { settle: '0s' } };
  writeFileSync(workspace.path('paydrop.json'), JSON.stringify({ ...rest, ...settings }));
  return workspace;
}

/** All that is told of the files; the days of what is not sent yet stand in no order. */
async function foreseen(workspace: TestWorkspace, names: readonly string[], out?: string): Promise<unknown[]> {
  const { root, clock } = workspace;
  const files = names.map((name) => workspace.path(name));
  const taken = await dryRun({ workspace: root, files, out, businessDate: DAY, clock, progress: noProgress });
  return taken.map(({ file: { claim: _, ...file }, summary, receipt }) => ({
    file,
    receipt,
    summary: inOrder(summary),
  }));
}

function inOrder(summary: TakenFile['summary']): unknown {
  const key = ({ openDate, currency }: (typeof summary.unsent.parts)[number]) => `${openDate} ${currency}`;
  const parts = summary.unsent.parts.toSorted((a, b) => (key(a) < key(b) ? -1 : 1));
  return { ...summary, unsent: { ...summary.unsent, parts } };
}

async function expectSame(workspace: TestWorkspace, ...names: string[]): Promise<void> {
  expect(await foreseen(workspace, names)).toEqual(await foreseen(workspace, names, workspace.path('check')));
}

interface Briefly {
  /** Rows that were not recorded. */
  readonly left: number;
  readonly lacking: ToRecord | undefined;
  readonly held: number;
}

/** One try of a dry run, on the records themselves. */
async function briefly(workspace: TestWorkspace, toRecord: ToRecord = new Set()): Promise<Briefly> {
  return withRecords(workspace, async (opened) => {
    const { ready } = await opened.inbox.scan(opened.clock.monotonic());
    for (const found of ready) await opened.inbox.claim(found);
    const last = addingUpLast(opened.store, opened.settings.control, toRecord);
    const tools = { ...opened, store: last.store, run: undefined };
    const registered = await takeIn(tools, DAY);
    await release(tools, DAY);
    await hold(tools, DAY);
    const part = last.addedUp(registered.at(-1)?.number ?? 0);
    const left = part?.totals.reduce((sum, { rows }) => sum + rows, 0) ?? 0;
    const held = await opened.store.list('held', { afterId: 0, limit: 1_000 });
    return { left, lacking: await last.lacking(), held: held.length };
  });
}

const clean = (rows: number): Line[] => Array.from({ length: rows }, (_, at) => ({ ref: `N${at}` }));

describe('rows that nothing holds back and nothing else is about', () => {
  const dropped = async (lines: readonly Line[], settings: object = {}) => {
    const workspace = withSettings(await withPayouts(), settings);
    workspace.drop('next.csv', csv(lines));
    return workspace;
  };
  const control = (of: object) => ({ control: of });

  it('are not recorded, but for a few', async () => {
    const { left, ...rest } = await briefly(await dropped(clean(4_500)));
    expect(rest).toEqual({ lacking: undefined, held: 0 });
    expect(left).toBeGreaterThan(4_400);
  });

  it.each([
    ['an amount in a tier', control({ approvals: [{ from: { INR: '300.00' }, people: 1 }] }), { amount: '300' }],
    ['an amount over the limit', control({ limits: { payout: { INR: '299.99' } } }), { amount: '300' }],
    ['a due date of over a year ago', {}, { open: '2025-01-01', due: '2025-03-01' }],
    ['an open date over a year ahead', {}, { open: '2027-03-03', due: '2027-03-03' }],
  ])('are not recorded beside one with %s', async (_, settings, odd) => {
    const lines = [...clean(20), { ref: 'ODD', ...odd }, { ref: 'LAST' }];
    expect(await briefly(await dropped(lines, settings))).toEqual({ left: 20, lacking: undefined, held: 1 });
  });

  it('are recorded in a second try where two are alike, and only these', async () => {
    const lines = [...clean(20), { ref: 'X1', payee: 'TWIN' }, { ref: 'X2', payee: 'TWIN' }, { ref: 'LAST' }];
    const settings = control({ possibleDuplicates: 'hold' });
    const { lacking, ...first } = await briefly(await dropped(lines, settings));
    expect(first).toEqual({ left: 22, held: 0 });
    expect(await briefly(await dropped(lines, settings), lacking)).toEqual({ left: 20, lacking: undefined, held: 1 });
  });

  it('are recorded in a second try where one is like a payout of an earlier file', async () => {
    const lines = [...clean(20), { ref: 'X1', payee: 'A', amount: '100' }, { ref: 'LAST' }];
    const settings = control({ possibleDuplicates: 'hold' });
    const { lacking } = await briefly(await dropped(lines, settings));
    expect(await briefly(await dropped(lines, settings), lacking)).toEqual({ left: 20, lacking: undefined, held: 1 });
  });

  it('are all recorded where the file comes to more than its limit, and not where it comes to that', async () => {
    const at = (limit: string) => control({ limits: { file: { INR: limit } } });
    expect(await briefly(await dropped(clean(10), at('2100')))).toMatchObject({ left: 9, lacking: undefined });
    expect(await briefly(await dropped(clean(10), at('2099.99')))).toMatchObject({ lacking: 'all' });
  });

  it('are all recorded where most are alike', async () => {
    const lines = clean(20).map((line, at) => ({ ...line, payee: `T${at % 10}` }));
    expect(await briefly(await dropped(lines))).toMatchObject({ lacking: 'all' });
  });

  it('are recorded in a second try where only their orders make one payee of two', async () => {
    const settings = { provider: { api: 'order-management' }, control: { possibleDuplicates: 'hold' } };
    const orders = [
      'customerRef,orderRef,currency,country,scheme,customerDefault.financialInstrumentId',
      'C1,O1,INR,IN,0b9f8a52-5d0c-4a57-9f0e-3a4f6c1d2e70,FI-1',
      'C2,O2,INR,IN,0b9f8a52-5d0c-4a57-9f0e-3a4f6c1d2e70,',
      '',
    ].join('\n');
    const header = 'customerRef,orderRef,instructionRef,amount,openDate,dueDate,financialInstrumentId';
    const rows = (...lines: string[]) => [header, ...lines.map((line) => line.replace('D', `${DAY},${DAY}`)), ''];
    const dropped = () => {
      const workspace = testWorkspace(settings);
      workspace.drop('orders.csv', orders);
      const lines = ['C1,O1,X1,9,D,', 'C2,O2,X2,9,D,FI-1', 'C2,O2,X3,9,D,', 'C2,O2,X4,9,D,FI-4', 'C2,O2,LAST,1,D,'];
      workspace.drop('payouts.csv', rows(...lines).join('\n'));
      return workspace;
    };
    const { lacking, ...first } = await briefly(dropped());
    expect(first).toEqual({ left: 4, held: 0 });
    expect(lacking).toBeInstanceOf(Set);
    expect(await briefly(dropped(), lacking)).toEqual({ left: 2, lacking: undefined, held: 1 });
  });

  it.each([
    ['a limit of the day', control({ limits: { day: { INR: '5000' } } })],
    ['new payees', control({ newPayees: 'hold' })],
  ])('are all recorded where %s may hold them', async (_, settings) => {
    expect(await briefly(await dropped(clean(5), settings))).toMatchObject({ left: 0, lacking: undefined });
  });

  it('are all recorded where another file is reported beside them, whose rows they may repair', async () => {
    const workspace = await dropped([...clean(5), { ref: 'Z7', amount: '-1' }]);
    const repair = csv(clean(20).map(({ ref }) => ({ ref: ref.replace('N', 'Z'), payee: `of ${ref}` })));
    workspace.drop('z-repair.csv', repair);
    writeFileSync(workspace.path('first.csv'), csv([...clean(5), { ref: 'Z7', amount: '-1' }]));
    writeFileSync(workspace.path('repair.csv'), repair);
    await expectSame(workspace, 'first.csv', 'repair.csv');
    expect(await briefly(workspace)).toMatchObject({ left: 0, lacking: undefined });
  });

  it('are all recorded where the records are much larger', async () => {
    const workspace = await dropped(clean(5));
    workspace.drop('a-large.csv', csv(clean(50).map(({ ref }) => ({ ref: `L${ref}`, payee: `L${ref}` }))));
    await workspace.pass({ send: false });
    workspace.drop(
      'next.csv',
      csv([
        { ref: 'M1', payee: 'M1' },
        { ref: 'M2', payee: 'M2' },
      ]),
    );
    expect(await briefly(workspace)).toMatchObject({ left: 0, lacking: undefined });
  });
});

const line: fc.Arbitrary<Line> = fc.oneof(
  { weight: 3, arbitrary: fc.nat(999_999).map((at): Line => ({ ref: `U${at}` })) },
  {
    weight: 5,
    arbitrary: fc.record({
      customer: fc.constantFrom('C1', 'C1', 'C2'),
      order: fc.constantFrom('O1', 'O1', 'O2', 'O7'),
      ref: fc.constantFrom(
        'P-1',
        'P-3',
        'P-5',
        'P-6',
        'N1',
        'N-1',
        'n01',
        'NI',
        'N2',
        'N3',
        'N4',
        'N5',
        'N6',
        'N7',
        'N8',
        'N9',
      ),
      amount: fc.constantFrom('10', '100', '100.00', '100.01', '99.99', '1.234', '200', '-1'),
      open: fc.constantFrom(DAY, DAY, '2026-03-09', '2026-03-10', '2024-03-01', '2027-03-02', '2027-03-03'),
      due: fc.constantFrom('2027-03-03', '2027-03-03', '2025-03-02', '2025-03-01'),
      payee: fc.constantFrom('A', 'B', 'C', 'D', 'E', ''),
      narration: fc.constantFrom('', 'longer than is advised', 'ααααααααααααααα', '😀😀😀😀😀😀😀😀'),
      action: fc.constantFrom('', '', '', 'CREATE', 'UPDATE', 'DELETE'),
    }),
  },
);

const amounts = fc.constantFrom('99.99', '100.00', '100.01', '1000.00');
const some = (key: string) =>
  fc.option(
    amounts.map((amount) => ({ [key]: { INR: amount, JPY: '100' } })),
    { nil: {} },
  );
const control = fc
  .record({
    approvals: fc.constantFrom(
      [],
      [],
      [{ from: { INR: '100.00' }, people: 1 }],
      [{ from: { INR: '100.01', JPY: '200', KWD: '1.234' }, people: 1 }],
    ),
    limits: fc
      .tuple(some('payout'), some('file'), fc.oneof(fc.constant({}), some('day')))
      .map((all) => Object.assign({}, ...all)),
    newPayees: fc.constantFrom('pay', 'pay', 'pay', 'hold'),
    possibleDuplicates: fc.constantFrom('warn', 'warn', 'hold', 'off'),
    possibleDuplicateDays: fc.constantFrom(1, 7, 8, 40),
    lastLine: fc.constantFrom('hold', 'hold', 'accept'),
    implausibleDates: fc.constantFrom('hold', 'hold', 'accept'),
  })
  .map((of) => (of.possibleDuplicates === 'off' ? { ...of, possibleDuplicateDays: 7 } : of));

describe('a dry run that does not record every row', () => {
  it('foresees what one foresees that does, whatever the file and the settings', { timeout: 300_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof({ weight: 1, arbitrary: fc.constant({}) }, { weight: 3, arbitrary: control }),
        fc.array(line, { minLength: 1, maxLength: 40 }),
        fc.record({
          end: fc.constantFrom('\n', '\n', '', '\n\n', '\n  '),
          isDone: fc.boolean(),
          orders: fc.boolean(),
          before: fc.constantFrom(0, 0, 0, 3),
          onRowErrors: fc.constantFrom('accept-rest', 'accept-rest', 'reject-file'),
        }),
        async (control, lines, { end, isDone, orders, before, onRowErrors }) => {
          const workspace = withSettings(await withPayouts(), {
            control,
            intake: { settle: '0s', ...(onRowErrors === 'reject-file' ? { onRowErrors } : {}) },
          });
          writeFileSync(workspace.path('m-orders.csv'), MORE_ORDERS);
          writeFileSync(workspace.path('n-before.csv'), csv(lines.slice(0, before)));
          writeFileSync(workspace.path('next.csv'), csv(lines, end));
          if (isDone) writeFileSync(workspace.path('next.csv.done'), '');
          const names = [...(before > 0 ? ['n-before.csv'] : []), 'next.csv', ...(orders ? ['m-orders.csv'] : [])];
          await expectSame(workspace, ...names);
        },
      ),
      { numRuns: ALL ? 100 : 7 },
    );
  });

  it('foresees the same of a file of several batches', async () => {
    const workspace = withSettings(await withPayouts(), { control: { possibleDuplicates: 'hold' } });
    const lines: Line[] = clean(4_500).map((one, at) => ({
      ...one,
      narration: at === 4_400 ? 'longer than is advised' : '',
    }));
    lines[10] = { ref: 'A-1', payee: 'TWIN' };
    lines[2_500] = { ref: 'a01', payee: 'TWIN' };
    lines[4_100] = { ref: 'X1', payee: 'A', amount: '100' };
    lines[4_200] = { ref: 'P-3', amount: '210', payee: 'N4000', action: 'UPDATE' };
    writeFileSync(workspace.path('next.csv'), csv(lines, ''));
    await expectSame(workspace, 'next.csv');
    expect(await foreseen(workspace, ['next.csv'])).toMatchObject([
      {
        summary: {
          held: {
            byCode: new Map([
              ['POSSIBLE_DUPLICATE', 2],
              ['REFERENCE_NEARLY_TAKEN', 1],
              ['LAST_LINE_NOT_ENDED', 1],
            ]),
          },
        },
      },
    ]);
  });
});
