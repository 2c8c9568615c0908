/**
 * Whole worlds from a seed: machines, files, a provider, its faults, crashes, power cuts, restores and operators. `npm run
 * simulate -- --seeds 100000` takes many, `npm run simulate -- --seed 42` tells one of them event by event.
 */
import { copyFileSync, readFileSync, rmSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { type PassOptions, pass } from '../src/pipeline.ts';
import { clearGround, simulate } from './simulation/simulate.ts';
import { addTo, type Tally } from './simulation/tally.ts';
import { instruction, instructions, ORDERS, testWorkspace } from './support/workspace.ts';

const SEEDS = Number(process.env['SEEDS'] ?? 80);
/** A world with too short a quarantine must be caught within so many. */
const SEEDS_TO_CATCH = 100;

const found = JSON.parse(readFileSync(new URL('./simulation/seeds.json', import.meta.url), 'utf8')) as {
  readonly seed: number;
  readonly name: string;
}[];

afterAll(clearGround);

async function brokenBy(seed: number): Promise<string | undefined> {
  const { violation } = await simulate(seed);
  return violation && `seed ${seed} broke a promise (npm run simulate -- --seed ${seed}): ${violation.message}`;
}

const ONE_PASS: PassOptions = {
  kind: 'run',
  businessDate: '2026-03-02',
  waitForSettling: true,
  send: true,
  lookUp: true,
  stop: new AbortController().signal,
};

describe('a simulated world', () => {
  it.each(found)('that once broke a promise keeps them all: $name (seed $seed)', async ({ seed }) => {
    expect(await brokenBy(seed)).toBeUndefined();
  });

  it(`keeps every promise, from seed 1 to ${SEEDS}, and each kind of trouble comes up`, async () => {
    const tally: Tally = {};
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { violation, tally: own } = await simulate(seed);
      expect(violation && `npm run simulate -- --seed ${seed}: ${violation.message}`).toBeUndefined();
      addTo(tally, own);
    }
    const kinds = Object.keys(tally);
    const ways = ['disk', 'disk, while starting', 'store', 'wire', 'time'].map((where) => `crash: ${where}`);
    const more = ['power cuts', 'restores', 'records accepted', 'clock jumps', 'decisions', 'paid again'];
    expect(kinds).toEqual(expect.arrayContaining([...ways, ...more, 'world: two machines']));
    expect(kinds.filter((kind) => kind.startsWith('post: ')).length).toBeGreaterThan(15);
    expect(kinds.filter((kind) => kind.startsWith('get: ')).length).toBeGreaterThan(15);
  }, 600_000);

  it.each([3, 7, 44])('is the same again, event by event, from the same seed (%i)', async (seed) => {
    const first: string[] = [];
    const again: string[] = [];
    await simulate(seed, { trace: (event) => first.push(event) });
    await simulate(seed, { trace: (event) => again.push(event) });
    expect(again).toEqual(first);
    expect(first.length).toBeGreaterThan(100);
  });

  it('in which "not found" is trusted too early breaks a promise, and that is seen', async () => {
    for (let seed = 1; seed <= SEEDS_TO_CATCH; seed++) {
      const { violation } = await simulate(seed, { quarantine: '1s' });
      if (!violation) continue;
      expect(violation.promise).toBe('"not found" is no proof during the quarantine');
      return;
    }
    expect.fail(`no world of ${SEEDS_TO_CATCH} noticed`);
  });
});

describe('a backup, restored', () => {
  it('that was made when a file was half taken in gets the rest of it from the archive', async () => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', instructions(instruction('P1'), instruction('P2')));
    const tools = await workspace.open();
    const recordRows = () => Promise.reject(new Error('the machine stops'));
    await expect(pass({ ...tools, store: { ...tools.store, recordRows } }, ONE_PASS)).rejects.toThrow('stops');
    await tools.close();
    copyFileSync(workspace.path('data', 'paydrop.db'), workspace.path('backup.db'));
    await workspace.pass();
    for (const rest of ['', '-wal', '-shm']) rmSync(workspace.path('data', `paydrop.db${rest}`), { force: true });
    copyFileSync(workspace.path('backup.db'), workspace.path('data', 'paydrop.db'));

    expect((await workspace.pass()).unfinished).toContain('restored from a backup');
    const statuses = workspace.rows('payouts.000002.result.csv').map(({ status }) => status);
    expect(statuses).toEqual(['paid', 'paid']);
    expect(workspace.ledger().filter(({ kind }) => kind === 'accepted')).toHaveLength(2);
  });
});
