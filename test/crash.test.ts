/**
 * Crash sweep by ports: a pass is stopped before, and after, its n-th effect on store, inbox and provider, for n = 1, 2, …
 * until it completes. Whatever the point, the next passes must end with the same reports, and with each order, payout,
 * change and removal once in the provider's ledger.
 *
 * That is TESTS=all, or SWEEP=all for this file alone. `npm test` stops at a few of the effects; and the two APIs with
 * orders go the same way, so that one is stopped before effects and the other after them. With records on PostgreSQL it
 * stops one pass of them, at fewer effects. With receivers the delivery after the pass is stopped, too.
 */
import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Api } from '../src/domain/api.ts';
import { pass } from '../src/pipeline/pass.ts';
import { noProgress } from '../src/platform/progress.ts';
import type { FaultScript, LedgerEntry } from '../src/sandbox/sandbox.ts';
import { deliver } from '../src/service/notify.ts';
import type { OpenWorkspace } from '../src/service/workspace.ts';
import { verify } from '../src/store/verify.ts';
import { PAYS, yes } from './support/held.ts';
import { type Ears, expectDelivered, openEars, RECEIVERS } from './support/notified.ts';
import { keepDatabase } from './support/postgres.ts';
import { hasPostgres } from './support/postgres-server.ts';
import { ALL } from './support/sample.ts';
import { watched } from './support/watched.ts';
import {
  API_FILES,
  copyOf,
  instruction,
  instructions,
  ONE_PASS,
  ORDERS,
  type RecordsOn,
  type TestWorkspace,
  testWorkspace,
  timesTaken,
} from './support/workspace.ts';

/** More effects than any pass of this test has. */
const MOST_EFFECTS = 400;
const WHOLE = ALL || process.env['SWEEP'] === 'all';
/** To stop before an effect is to stop after the one before it, so of two sweeps each takes every second one. */
const STEP = WHOLE ? 2 : 48;
/** With a server each point takes longer: only SWEEP=all takes every one there. */
const STEP_WITH_RECEIVERS = WHOLE ? 2 : 64;
const STEP_ON_POSTGRES = process.env['SWEEP'] === 'all' ? 2 : ALL ? 60 : 72;
type Sweep = readonly ['before' | 'after', Api | 'held back' | 'with receivers'];
const SWEEPS: readonly Sweep[] = [
  ...(['before', 'after'] as const).map((when) => [when, 'payout-orders'] as const),
  ...[['before', 'order-management'] as const, ['after', 'collect'] as const, ['before', 'held back'] as const],
  ['after', 'with receivers'],
  ...(WHOLE ? [['after', 'order-management'] as const, ['before', 'collect'] as const] : []),
  ...(WHOLE ? [['after', 'held back'] as const, ['before', 'with receivers'] as const] : []),
];
const SWEEPS_ON_POSTGRES: readonly Sweep[] = WHOLE ? SWEEPS : [['after', 'payout-orders']];
const QUARANTINE_MS = 2_000;
const MOST_PASSES = 8;

/** To stop at one that only reads is to stop at the effect before it. */
const READING = new Set([
  ...['file', 'files', 'unfinishedFiles', 'unarchivedFiles', 'staleReports', 'resultRows', 'statusCounts'],
  ...[
    'findOrders',
    'aboutOrders',
    'findInstructions',
    'lapsedInstructions',
    'statementsOf',
    'atEnd',
    'list',
    'unclearOrders',
    'interrupted',
    'share',
    'turn',
    'machines',
    'hindrance',
    'judging',
    'spending',
    'amended',
    'instructionsOf',
    'ordersOf',
  ],
  ...[
    'runUnderWay',
    'unreportedRuns',
    'lastNightly',
    'filesOfRun',
    'runChanges',
    'runMoved',
    'runDecisions',
    'openQuestions',
    'historyOf',
    'historiesOf',
    'auditEntries',
    'auditHead',
    'fact',
    'rejectedWhole',
  ],
  ...[
    'filesToJudge',
    'suspects',
    'toJudge',
    'alikeIn',
    'alikeTo',
    'allAlike',
    'lastRowOf',
    'statedSums',
    'resemblancesOf',
  ],
  ...['statesAtMost', 'heldIds', 'approvalsOf', 'sentOn', 'sentDates'],
  ...['scan', 'body', 'close'],
]);

/** How the provider acts for a while, and what a pass can move meanwhile without anything new from outside. */
interface Phase {
  readonly fates: FaultScript;
  readonly moving: readonly string[];
}

interface Night {
  readonly settings: object;
  /** What was there before. */
  begin(workspace: TestWorkspace): Promise<unknown>;
  drop(workspace: TestWorkspace): void;
  /** The first one is the stopped pass's, too. */
  readonly phases: readonly [Phase, ...Phase[]];
  /** What the ledger says in the end, in the words of {@link told}. */
  readonly told: object;
}

const BEGUN = ['ready', 'sending', 'unknown'];

const PAYOUT_NIGHT: Night = {
  settings: {},
  begin: async () => undefined,
  drop: (workspace) => {
    workspace.drop('orders.csv', ORDERS);
    workspace.drop(
      'payouts.csv',
      instructions(
        instruction('P1'),
        instruction('P2', 'two'),
        instruction('P3'),
        instruction('P4', '4', '2026-03-09', '2026-03-10'),
        'C1,O9,P5,5,2026-03-02,2026-03-06,waits',
      ),
    );
    workspace.drop('payouts-again.csv', instructions(instruction('P1'), instruction('P3', '9')));
    workspace.drop(
      'zz-changes.csv',
      'action,customerRef,orderRef,instructionRef,amount,openDate,dueDate\nDELETE,C1,O1,P4,,,\n',
    );
  },
  phases: [
    {
      fates: { fates: [{ narration: 'P1', fate: 'reversed' }, { fate: 'processed' }] },
      moving: [...BEGUN, 'submitted'],
    },
  ],
  told: { orders: [], payouts: { P1: 1, P3: 1 }, updates: [], removals: [] },
};

/** An order with two instructions, another for an order that the provider has, a change and a removal of what it has. */
function orderNight(api: Exclude<Api, 'payout-orders'>): Night {
  const files = API_FILES[api];
  const changes = [
    'action,customerRef,orderRef,instructionRef,amount,openDate,dueDate',
    'UPDATE,C1,O1,P1,99.50,2026-03-02,2026-03-09',
    'DELETE,C1,O1,P2,,,',
  ];
  const changeable = ['P1', 'P2'].map((instructionRef) => ({ instructionRef, fate: 'ready' as const }));
  const fates: FaultScript = { fates: [...changeable, { fate: 'processed' }] };
  return {
    settings: { provider: { api } },
    begin: (workspace) => {
      workspace.drop('orders.csv', files.orders);
      workspace.drop('payouts.csv', files.instructions('P1', 'P2'));
      return workspace.pass({ faults: fates });
    },
    drop: (workspace) => {
      workspace.drop('payouts-of-O2.csv', files.instructions('P3', 'P4').replaceAll('O1', 'O2').replaceAll('.00', ''));
      workspace.drop('payouts-more.csv', files.instructions('P5'));
      workspace.drop('zz-changes.csv', `${changes.join('\n')}\n`);
    },
    phases: [
      { fates, moving: BEGUN },
      { fates: { fates: [{ fate: 'processed' }] }, moving: [...BEGUN, 'submitted'] },
    ],
    told: {
      orders: ['O1', 'O2'],
      payouts: { P1: 1, P2: 1, P3: 1, P4: 1, P5: 1 },
      updates: ['P1 99.50'],
      removals: ['P2'],
    },
  };
}

/**
 * What was sent before, what a person has let go and what is held leave the day room for one more payout. Of two twins
 * one is sent.
 */
const HELD_NIGHT: Night = {
  settings: { control: { limits: { payout: { INR: '100.00' }, day: { INR: '250.00' } } } },
  begin: async (workspace) => {
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', instructions(instruction('P1', '90'), instruction('P2', '120')));
    await workspace.pass({ faults: PAYS });
    await yes(workspace, 'anna');
  },
  drop: (workspace) => {
    workspace.drop(
      'one.csv',
      instructions(instruction('P3', '100'), instruction('P4', '101'), instruction('P5', '40')),
    );
    const twins = ['Q-7', 'Q-007'].map((ref) => instruction(ref, '5').replace('O1', 'O2'));
    workspace.drop('two.csv', instructions(...twins, instruction('P6', '0.01')));
  },
  phases: [{ fates: PAYS, moving: [...BEGUN, 'submitted'] }],
  told: { orders: [], payouts: { P1: 1, P2: 1, P5: 1, 'Q-7': 1 }, updates: [], removals: [] },
};

/** Nobody is notified of a file that was not taken in, of a reversal or of a failure by the other nights. */
const NOTIFIED_NIGHT: Night = {
  settings: { notify: RECEIVERS },
  begin: async () => undefined,
  drop: (workspace) => {
    workspace.drop('empty.csv', '');
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', instructions(instruction('P1'), instruction('P2'), instruction('P3', 'three')));
  },
  phases: [
    {
      fates: { fates: [{ narration: 'P1', fate: 'reversed' }, { fate: 'failed' }] },
      moving: [...BEGUN, 'submitted'],
    },
  ],
  told: { orders: [], payouts: { P1: 1, P2: 1 }, updates: [], removals: [] },
};

const NIGHTS: Readonly<Record<Sweep[1], Night>> = {
  'payout-orders': PAYOUT_NIGHT,
  'order-management': orderNight('order-management'),
  collect: orderNight('collect'),
  'held back': HELD_NIGHT,
  'with receivers': NOTIFIED_NIGHT,
};

function told(ledger: readonly LedgerEntry[]): object {
  const orders = ledger.flatMap((entry) => (entry.kind === 'order' ? [entry.orderRef] : []));
  const updates = ledger.flatMap((entry) =>
    entry.kind === 'instruction-updated' ? [`${entry.instructionRef} ${entry.amount}`] : [],
  );
  const removals = ledger.flatMap((entry) => (entry.kind === 'instruction-deleted' ? [entry.instructionRef] : []));
  return { orders, payouts: timesTaken(ledger), updates, removals };
}

class Crash extends Error {}

/** A pass, and what is delivered after it, through watched ports. */
async function watchedPass(tools: OpenWorkspace, ears: Ears, begin: () => () => void): Promise<void> {
  const { settings, clock, inbox, provider } = tools;
  const store = watched(tools.store, begin, READING);
  await pass(
    { ...tools, store, inbox: watched(inbox, begin, READING), provider: watched(provider, begin, READING) },
    ONE_PASS,
  );
  if (settings.notify.length === 0) return;
  const senderTo: Ears['senderTo'] = async (receiver) => watched(await ears.senderTo(receiver), begin, READING);
  await deliver({ store, settings, clock, senderTo }, { gathered: true, stop: ONE_PASS.stop });
}

/** One whose ports stop the world at the n-th effect; true when it got through to its end. */
async function passStoppedAt(
  workspace: TestWorkspace,
  ears: Ears,
  { fates }: Phase,
  n: number,
  when: 'before' | 'after',
): Promise<boolean> {
  let effects = 0;
  const tools = await workspace.open({ faults: fates });
  try {
    await watchedPass(tools, ears, () => {
      const at = ++effects;
      if (when === 'before' && at >= n) throw new Crash();
      return () => {
        if (when === 'after' && at >= n) throw new Crash();
      };
    });
    return true;
  } catch (error) {
    if (error instanceof Crash) return false;
    throw error;
  } finally {
    await tools.close();
  }
}

/** Longer than a claim of what is on its way, and than the pause after a first try. */
const LONGER_THAN_A_TRY_MS = 600_000;

/** Delivers what was left to deliver, as later runs do, and compares it with what happened. */
async function deliverRest(workspace: TestWorkspace, ears: Ears, point: string): Promise<void> {
  const { store, settings, clock, close } = await workspace.open();
  for (let runs = 0; runs < 3; runs++) {
    workspace.clock.advance(LONGER_THAN_A_TRY_MS);
    await deliver({ store, settings, clock, senderTo: ears.senderTo }, { gathered: true, stop: ONE_PASS.stop });
  }
  await expectDelivered(store, ears, point);
  await close();
}

/** Passes, with the quarantine over in between, until one moves nothing and there is nothing that it could move. */
async function settle(workspace: TestWorkspace, { fates, moving }: Phase): Promise<void> {
  const tools = await workspace.open({ faults: fates });
  try {
    for (let passes = 0; passes < MOST_PASSES; passes++) {
      workspace.clock.advance(QUARANTINE_MS);
      const summary = await pass(tools, ONE_PASS);
      const isStill = Object.keys(summary?.moved ?? {}).length === 0;
      const asked = await tools.store.amended(0, 1);
      if (isStill && asked.length === 0 && !summary?.open.some(({ status }) => moving.includes(status))) return;
    }
  } finally {
    await tools.close();
  }
  throw new Error(`${workspace.root} has not come to rest after ${MOST_PASSES} passes`);
}

/** The files' CSV reports, less how often and when something was sent: that a crash may change. */
function statement(workspace: TestWorkspace): Record<string, unknown> {
  const names = workspace.outbox().filter((name) => name.endsWith('.csv') && !name.startsWith('run.'));
  const timeless = (row: Record<string, string>) => ({ ...row, attempts: '', submittedAt: '', updatedAt: '' });
  return Object.fromEntries(
    names.map((name) => [
      name,
      name.endsWith('.result.csv') ? workspace.rows(name).map(timeless) : workspace.read(name),
    ]),
  );
}

async function expectSound(
  workspace: TestWorkspace,
  expected: Record<string, unknown>,
  night: Night,
  point: string,
): Promise<void> {
  expect(statement(workspace), point).toEqual(expected);
  expect(told(workspace.ledger()), point).toEqual(night.told);
  expect(sentAgain(workspace.ledger()), point).toEqual([]);
  const accepted = workspace.ledger().filter((entry) => entry.kind === 'accepted');
  expect(new Set(accepted.map((entry) => entry.clientRefId)).size, point).toBe(accepted.length);
  expect(readdirSync(workspace.path('data', 'work')), point).toEqual([]);
  expect(readdirSync(workspace.path('data', 'spool')), point).toEqual([]);
  expect(readdirSync(workspace.path('inbox')), point).toEqual([]);
  const tools = await workspace.open();
  expect(await verify(tools.store, noProgress), point).toMatchObject({ broken: undefined, difference: undefined });
  await tools.close();
}

/** Every request got through here, so that to make one again for the same order or payout would have been blind. */
function sentAgain(ledger: readonly LedgerEntry[]): LedgerEntry[] {
  return ledger.filter(
    (entry) => entry.kind === 'request' && (entry.on === 'order' || entry.on === 'post') && entry.n > 1,
  );
}

/** As it was when the night's files were dropped. */
function dropped(night: Night, begun: TestWorkspace): TestWorkspace {
  const workspace = copyOf(begun);
  night.drop(workspace);
  return workspace;
}

async function sweep(records: RecordsOn, step: number, [when, name]: Sweep): Promise<void> {
  const night = NIGHTS[name];
  const [phase] = night.phases;
  const begun = testWorkspace(night.settings, records);
  await night.begin(begun);
  if (begun.database) keepDatabase(await begun.database());
  const undisturbed = dropped(night, begun);
  await undisturbed.pass({ faults: phase.fates });
  for (const each of night.phases) await settle(undisturbed, each);
  if (name === 'with receivers') await deliverRest(undisturbed, openEars(), 'undisturbed');
  const expected = statement(undisturbed);
  await expectSound(undisturbed, expected, night, 'undisturbed');

  let points = 0;
  for (let n = step; n < MOST_EFFECTS; n += step) {
    const workspace = dropped(night, begun);
    const ears = openEars();
    if (await passStoppedAt(workspace, ears, phase, n, when)) break;
    points++;
    for (const each of night.phases) await settle(workspace, each);
    const point = `stopped ${when} effect ${n}`;
    await expectSound(workspace, expected, night, point);
    if (name === 'with receivers') await deliverRest(workspace, ears, point);
  }
  process.stdout.write(`${name}, records on ${records}: stopped ${when} ${points} effects\n`);
  expect(points * step).toBeGreaterThan(30);
  expect(points * step).toBeLessThan(MOST_EFFECTS - step);
}

describe('a pass stopped anywhere', () => {
  it.each(SWEEPS)(
    '%s an effect is finished by the next ones, to the same reports and the same ledger (%s)',
    (...stopped) => sweep('sqlite', stopped[1] === 'with receivers' ? STEP_WITH_RECEIVERS : STEP, stopped),
    300_000,
  );

  it.skipIf(!hasPostgres).each(SWEEPS_ON_POSTGRES)(
    '%s an effect is finished by the next ones, with records on PostgreSQL, too (%s)',
    (...stopped) => sweep('postgres', STEP_ON_POSTGRES, stopped),
    900_000,
  );
});
