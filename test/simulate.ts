/**
 * Simulates worlds from seeds: `--seeds 1000` so many, from `--from 1` on, on every core; `--minutes 10` at most so long;
 * `--seed 42`, or SEED=42, replays one and tells every event. With `--connected` some are told of what happens, and the
 * provider may send webhooks. With `--machines 2` two machines, or more, share their records; without it the seed says what
 * there is, and a seed means what it always meant. Ends with 1 when a promise was broken.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { bundle } from '../fixtures/build/bundle.ts';
import { clearGround, simulate } from './simulation/simulate.ts';
import { addTo, count, type Tally } from './simulation/tally.ts';
import { copyProject, ROOT } from './support/mutation.ts';

const PORTION = 20;
/** Room for what lives shortly: worlds do. */
const YOUNG_SPACE = '--max-semi-space-size=32';

/** What happened, at each API. */
type Tallies = Record<string, Tally>;

interface Portion {
  readonly seeds: number;
  readonly tallies: Tallies;
  readonly broken: readonly { readonly seed: number; readonly message: string }[];
}

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    minutes: { type: 'string', default: '60' },
    seed: { type: 'string' },
    step: { type: 'string' },
    machines: { type: 'string' },
    connected: { type: 'boolean', default: false },
    built: { type: 'boolean', default: false },
  },
});
const machines = values.machines === undefined ? undefined : Number(values.machines);
/** The same for another process. */
const KIND = [
  ...(values.machines === undefined ? [] : ['--machines', values.machines]),
  ...(values.connected ? ['--connected'] : []),
];
const { connected } = values;
const seed = values.seed ?? process.env['SEED'];

if (seed !== undefined && values.built) await replay(Number(seed));
else if (seed !== undefined) await replayBuilt(seed);
else if (values.step !== undefined) await work(Number(values.from), Number(values.seeds), Number(values.step));
else await simulateAll(Number(values.from), Number(values.seeds), Number(values.minutes) * 60_000);

async function replayBuilt(one: string): Promise<void> {
  await inBuilt(async (program) => {
    const child = spawn(process.execPath, ['--enable-source-maps', program, '--built', '--seed', one, ...KIND], {
      stdio: 'inherit',
    });
    const [status] = await once(child, 'close');
    process.exitCode = status ?? 1;
  });
}

/**
 * Built, what is loaded when it is called is there at once: a loader takes time that no clock of the simulation counts. And it is faster
 * by a sixth.
 */
async function inBuilt(use: (program: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'paydrop-simulate-'));
  try {
    copyProject(folder, ['package.json']);
    await bundle(ROOT, join(folder, 'dist'), ['test/simulate.ts']);
    await use(join(folder, 'dist/simulate.js'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function replay(one: number): Promise<void> {
  const { violation, events } = await simulate(one, { machines, connected, trace: (event) => console.log(event) });
  await clearGround();
  console.log(`events ${events}`);
  console.log(violation ? `seed ${one} broke a promise: ${violation.message}` : `seed ${one} kept every promise`);
  process.exitCode = violation ? 1 : 0;
}

/** One process's share: every `step`-th seed, told in portions. */
async function work(from: number, seeds: number, step: number): Promise<void> {
  let portion = { seeds: 0, tallies: {} as Tallies, broken: [] as { seed: number; message: string }[] };
  const tell = () => {
    process.stdout.write(`${JSON.stringify(portion)}\n`);
    portion = { seeds: 0, tallies: {}, broken: [] };
  };
  let wanted = true;
  process.once('SIGTERM', () => {
    wanted = false;
  });
  for (let at = 0; at < seeds && wanted; at++) {
    const { violation, tally, seed: done, api } = await simulate(from + at * step, { machines, connected });
    portion.seeds++;
    count(tally, 'seeds');
    addAt(portion.tallies, api, tally);
    if (violation) portion.broken.push({ seed: done, message: violation.message });
    if (portion.seeds === PORTION) tell();
  }
  tell();
  await clearGround();
}

async function simulateAll(from: number, seeds: number, longestMs: number): Promise<void> {
  const startedMs = performance.now();
  const cores = Math.min(availableParallelism(), seeds);
  const tallies: Tallies = {};
  const broken: Portion['broken'][number][] = [];
  let done = 0;
  const hear = (line: string) => {
    const portion = JSON.parse(line) as Portion;
    done += portion.seeds;
    for (const [api, tally] of Object.entries(portion.tallies)) addAt(tallies, api, tally);
    for (const one of portion.broken) {
      broken.push(one);
      console.log(`seed ${one.seed} broke a promise: ${one.message}`);
    }
  };
  let ends: unknown[][] = [];
  await inBuilt(async (program) => {
    const workers = Array.from({ length: cores }, (_, nth) => {
      const share = Math.ceil((seeds - nth) / cores);
      const args = ['--from', String(from + nth), '--seeds', String(share), '--step', String(cores), ...KIND];
      return startWorker([program, ...args], hear);
    });
    const timer = setTimeout(() => workers.forEach((worker) => void worker.kill('SIGTERM')), longestMs);
    ends = await Promise.all(workers.map((worker) => once(worker, 'close')));
    clearTimeout(timer);
  });
  const seconds = (performance.now() - startedMs) / 1000;
  tell(tallies);
  console.log(
    `${done} seeds from ${from} on in ${seconds.toFixed(0)} s: ${(done / seconds).toFixed(1)} a second on ${cores} cores`,
  );
  const died = ends.filter(([status]) => status !== 0).length;
  if (died > 0) console.log(`${died} of ${cores} processes died before their share was done: run the rest with --from`);
  console.log(broken.length === 0 ? 'every promise was kept' : `broken: ${broken.map((one) => one.seed).join(' ')}`);
  process.exitCode = broken.length > 0 || died > 0 ? 1 : 0;
}

function addAt(tallies: Tallies, api: string, more: Tally): void {
  const tally = tallies[api] ?? {};
  tallies[api] = tally;
  addTo(tally, more);
}

/** A line for each thing that happened: how often in all, and at each API. */
function tell(tallies: Tallies): void {
  const apis = Object.keys(tallies).sort();
  const all: Tally = {};
  for (const tally of Object.values(tallies)) addTo(all, tally);
  const line = (cells: readonly (string | number)[], what: string) =>
    console.log(`${cells.map((cell) => String(cell).padStart(16)).join('')}  ${what}`);
  line(['all', ...apis], '');
  for (const what of Object.keys(all).sort())
    line([all[what] ?? 0, ...apis.map((api) => tallies[api]?.[what] ?? 0)], what);
}

function startWorker(args: readonly string[], hear: (line: string) => void): ChildProcess {
  const worker = spawn(process.execPath, [YOUNG_SPACE, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  if (worker.stdout) createInterface({ input: worker.stdout }).on('line', hear);
  return worker;
}
