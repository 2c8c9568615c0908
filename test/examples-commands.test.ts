/** docs/commands.md as written: each command on it is run as a shell runs it, and what it says is what the page shows. */
import { copyFileSync, existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { clientRefId } from '../src/domain/instruction.ts';
import { type FaultScript, startSandbox } from '../src/sandbox/sandbox.ts';
import { builtProgram } from './support/cli.ts';
import { exampleMachine, type Machine, type RunOptions } from './support/example-machine.ts';
import { examplesIn, firstDifference, shownIn } from './support/examples.ts';
import { ROOT } from './support/mutation.ts';
import { sampled } from './support/sample.ts';
import { temporaryFolder } from './support/workspace.ts';

const program = builtProgram();

/** Each command of the page under `HEADING`, or `HEADING 2` where it is the second one there. */
const SHOWN = new Map(
  examplesIn('docs/commands.md')
    .flatMap((example) => shownIn(example).map((shown) => ({ ...shown, heading: example.heading })))
    .map((shown, at, all) => {
      const nth = all.slice(0, at + 1).filter(({ heading }) => heading === shown.heading).length;
      return [nth === 1 ? shown.heading : `${shown.heading} ${nth}`, shown] as const;
    }),
);

/** A command of the page: its place there, the exit status, and how it is run. */
type Step = readonly [place: string, status: number, options?: RunOptions];

/** What belongs together: the workspace that the examples suppose, and the examples in their order. */
interface Story {
  readonly prepared: () => Promise<Machine>;
  readonly steps: readonly Step[];
}

const MONDAY = '2026-03-02T01:00:12.000Z';
const TUESDAY = '2026-03-03T02:00:13.000Z';
const APRIL = '2026-04-20T08:00:00.000Z';

const reference = (customerRef: string, orderRef: string, instructionRef: string) =>
  clientRefId({ customerRef, orderRef, instructionRef }, 1);

/** As in the demo: one that the provider never got, a refusal and a payout that fails. */
const TROUBLE: FaultScript = {
  faults: [
    {
      on: 'post',
      clientRefId: reference('NORDAVIA', 'SO-2002', 'PI-0013'),
      fault: { kind: 'error', status: 502 },
    },
    {
      on: 'post',
      clientRefId: reference('NORDAVIA', 'SO-2002', 'PI-0012'),
      fault: { kind: 'decline', message: 'Daily limit of the payee is used up' },
    },
  ],
  fates: [
    {
      clientRefId: reference('PELLUMA', 'PO.3002', 'PI-0018'),
      fate: 'failed',
      message: 'Beneficiary account is closed',
    },
    { fate: 'processed' },
  ],
};

const HEADER = 'customerRef,orderRef,instructionRef,amount,openDate,dueDate';
const demoFile = (name: string) => join(ROOT, 'fixtures', 'demo', name);

/** The demo's files after two runs. */
async function tour(): Promise<Machine> {
  const machine = exampleMachine(program, {
    provider: { duplicateClientRef: 'undefined' },
  });
  const { workspace } = machine;
  copyFileSync(demoFile('01-orders.csv'), workspace.path('inbox/orders.csv'));
  copyFileSync(demoFile('02-payouts.csv'), workspace.path('inbox/payouts.csv'));
  copyFileSync(demoFile('03-payouts-with-mistakes.csv'), workspace.path('inbox/refunds.csv'));
  workspace.clock.setWall(MONDAY);
  for (let runs = 0; runs < 2; runs++) await workspace.pass({ faults: TROUBLE });
  return machine;
}

/** Three payouts that the service has taken in and sends tonight. */
async function beforeTheNight(): Promise<Machine> {
  const machine = exampleMachine(program);
  const { workspace } = machine;
  const rows = ['PI-1', 'PI-2', 'PI-3'].map((ref) => `BRIMLOW,SO-1001,${ref},210.00,2026-03-03,2026-03-16`);
  copyFileSync(demoFile('01-orders.csv'), workspace.path('inbox/orders.csv'));
  workspace.drop('payouts.csv', [HEADER, ...rows, ''].join('\n'));
  await machine.interrupt('paydrop watch', /"files":2/, { at: MONDAY });
  return machine;
}

/** Two files whose payouts are final, and one with a payout that is open. */
async function longAgo(): Promise<Machine> {
  const machine = exampleMachine(program);
  const { workspace } = machine;
  const row = (ref: string) => `BRIMLOW,SO-1001,${ref},210.00,2026-03-02,2026-03-16\n`;
  copyFileSync(demoFile('01-orders.csv'), workspace.path('inbox/orders.csv'));
  workspace.drop('payouts.csv', `${HEADER}\n${row('PI-1')}${row('PI-2')}Total,,,420.00,,\n`);
  await workspace.pass({ faults: { fates: [{ fate: 'processed' }] } });
  await workspace.pass({ faults: { fates: [{ fate: 'processed' }] } });
  workspace.drop('more.csv', `${HEADER}\n${row('PI-3')}`);
  await workspace.pass({ faults: { fates: [{ fate: 'processing' }] } });
  return machine;
}

/** Five payouts that failed, one of which the provider pays after all. */
async function fiveFailed(): Promise<Machine> {
  const refs = ['PI-0021', 'PI-0022', 'PI-0023', 'PI-0024', 'PI-0025'];
  const fates = { fates: [{ narration: 'PI-0021', fate: 'recovered' }, { fate: 'failed' }] } satisfies FaultScript;
  const provider = await startSandbox({ seed: 1, faults: fates, ledgerPath: join(temporaryFolder(), 'ledger') });
  const machine = exampleMachine(program, { provider: { baseUrl: provider.baseUrl.origin, currencies: ['INR'] } });
  copyFileSync(demoFile('01-orders.csv'), machine.workspace.path('inbox/orders.csv'));
  const rows = refs.map((ref) => `PELLUMA,PO.3003,${ref},210.00,2026-03-02,2026-03-16`);
  machine.workspace.drop('payouts.csv', [HEADER, ...rows, ''].join('\n'));
  onTestFinished(() => provider.close());
  for (const at of [MONDAY, TUESDAY]) await machine.run('paydrop run', { at });
  return machine;
}

/** Payouts over their limit, of which one needs two people as well. */
async function overLimits(): Promise<Machine> {
  const control = { approvals: [{ from: { INR: '200000.00' }, people: 2 }], limits: { payout: { INR: '100000.00' } } };
  const machine = exampleMachine(program, { control });
  const { workspace } = machine;
  const row = (ref: string, amount: string) => `BRIMLOW,SO-1001,${ref},${amount},2026-03-02,2026-03-16`;
  copyFileSync(demoFile('01-orders.csv'), workspace.path('inbox/orders.csv'));
  const rows = [row('PI-1', '210.00'), row('PI-2', '250000.00'), row('PI-3', '110000.00')];
  workspace.drop('payouts.csv', [HEADER, ...rows, ''].join('\n'));
  workspace.clock.setWall(MONDAY);
  await workspace.pass({ faults: { fates: [{ fate: 'processing' }] } });
  return machine;
}

async function orderManagement(): Promise<Machine> {
  const machine = exampleMachine(program, { provider: { api: 'order-management' } });
  const { workspace } = machine;
  workspace.clock.setWall(MONDAY);
  workspace.drop(
    'orders.csv',
    'customerRef,orderRef,currency,country,scheme\nBRIMLOW,SO-1001,INR,IN,654EB81F-3A21-4A1E-9C0B-3B5C8F2D7E10\n',
  );
  workspace.drop(
    'payouts.csv',
    `${HEADER},financialInstrumentId\nBRIMLOW,SO-1001,PI-01,150.00,2026-03-02,2026-03-31,FI-1\n`,
  );
  await workspace.pass();
  return machine;
}

async function filesToTry(): Promise<Machine> {
  const machine = exampleMachine(program);
  copyFileSync(demoFile('01-orders.csv'), machine.workspace.path('orders.csv'));
  copyFileSync(demoFile('03-payouts-with-mistakes.csv'), machine.workspace.path('payouts.csv'));
  return machine;
}

/** A receiver that takes what it is told, and one that is not there. */
async function somebodyTold(): Promise<Machine> {
  const gone = { to: 'http://127.0.0.1:9/hook', on: ['run.missed'] };
  const machine = exampleMachine(program, { notify: [{ to: { command: ['./told'] }, on: ['paused'] }, gone] });
  writeFileSync(machine.workspace.path('told'), '#!/bin/sh\nexec cat > told.json\n', { mode: 0o755 });
  return machine;
}

const STORIES: Readonly<Record<string, Story>> = {
  'a workspace with payouts that did not arrive': {
    prepared: tour,
    steps: [
      ['run', 1, { at: TUESDAY }],
      ['status', 0, { at: TUESDAY }],
      ['show', 0, { at: TUESDAY }],
      ['list', 0, { at: TUESDAY }],
      ['report', 0, { at: TUESDAY }],
      ['audit', 0, { at: TUESDAY }],
      ['machines', 0, { at: TUESDAY }],
      ['backup', 0, { at: TUESDAY }],
      ['restore', 0, { at: TUESDAY }],
      ['resolve', 0, { at: TUESDAY }],
      ['doctor', 0, { at: TUESDAY }],
      ['retry', 0, { at: TUESDAY }],
      ['close', 0, { at: TUESDAY }],
      ['close 2', 0, { at: TUESDAY }],
      ['statement', 0, { at: APRIL }],
      ['export', 0, { at: APRIL }],
      ['pause', 0, { at: TUESDAY }],
      ['resume', 0, { at: TUESDAY }],
    ],
  },
  'payouts over their limit': {
    prepared: overLimits,
    steps: [
      ['held', 0, { at: TUESDAY }],
      ['approve', 0, { at: TUESDAY }],
      ['approve 2', 0, { at: TUESDAY }],
      ['refuse', 0, { at: TUESDAY }],
    ],
  },
  'somebody who is told': { prepared: somebodyTold, steps: [['notify', 1, { at: TUESDAY }]] },
  'many payouts that failed': { prepared: fiveFailed, steps: [['retry 2', 1, { at: TUESDAY }]] },
  'records of long ago': { prepared: longAgo, steps: [['forget', 0, { at: APRIL }]] },
  'an API that shows its records': { prepared: orderManagement, steps: [['show 2', 0, { at: TUESDAY }]] },
  'no workspace with payouts': {
    prepared: filesToTry,
    steps: [
      ['validate', 1, { at: TUESDAY }],
      ['explain', 0, { at: TUESDAY }],
      ['init', 0, { at: TUESDAY, cwd: 'srv' }],
      ['completion', 0],
      ['completion 2', 0],
      ['completion 3', 0],
      ['completion 4', 0],
    ],
  },
};
/** They don't end by themselves. */
const UNENDING = ['watch', 'sandbox'];
/**
 * Takes its time, and is run there anyway: test/cli.test.ts. Needs a server: test/on-postgres.test.ts. Says another link
 * each time: test/sign-in.test.ts.
 */
const ELSEWHERE = ['demo', 'records', 'sign-in'];

/** What is wrong with the file that a command writes to, if it does. */
function written(machine: Machine, command: string): string | undefined {
  const [, name = ''] = / >>? (\S+)/.exec(command) ?? [];
  if (name === '') return 'shown:  nothing, and nothing is written to a file';
  const path = name.startsWith('~/') ? machine.path(name.slice(2)) : machine.workspace.path(name);
  return existsSync(path) && statSync(path).size > 0 ? undefined : `${name} is not there, or empty`;
}

describe('docs/commands.md', () => {
  it('has no example that no test runs', () => {
    const run = [
      ...Object.values(STORIES).flatMap(({ steps }) => steps.map(([place]) => place)),
      ...UNENDING,
      ...ELSEWHERE,
    ];
    expect(run.toSorted()).toEqual([...SHOWN.keys()].toSorted());
  });

  it.each(sampled(Object.entries(STORIES), 4, 1))('shows what is said: %s', async (_, { prepared, steps }) => {
    const machine = await prepared();
    const wrong: string[] = [];
    for (const [place, status, options] of steps) {
      const { command = '', output = '' } = SHOWN.get(place) ?? {};
      const ended = await machine.run(command, options);
      const differs = output === '' ? written(machine, command) : firstDifference(output, ended.said);
      if (ended.status !== status) wrong.push(`$ ${command}\nended with ${ended.status}\n${ended.said}`);
      else if (differs) wrong.push(`$ ${command}\n${differs}\n${ended.said}`);
    }
    expect(wrong.join('\n\n')).toBe('');
  });

  it('shows the log of a watch, and how it ends', async () => {
    const { command = '', output = '' } = SHOWN.get('watch') ?? {};
    const machine = await beforeTheNight();
    const { status, said } = await machine.interrupt(command, /kind nightly/, { at: TUESDAY, terminal: true });
    expect([status, firstDifference(output, said)]).toEqual([0, undefined]);
  });

  it('shows what the sandbox says when it is started by itself', async () => {
    const { command = '', output = '' } = SHOWN.get('sandbox') ?? {};
    const machine = exampleMachine(program);
    const anyPort = command.replace('--port 8080', '--port 0');
    const { status, said } = await machine.interrupt(anyPort, /PRIVATE_KEY/);
    expect([status, firstDifference(output, said.replaceAll(/(?<=127\.0\.0\.1:)\d+/g, '8080'))]).toEqual([
      0,
      undefined,
    ]);
  });
});
