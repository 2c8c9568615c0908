/** One seed: machines, their server, their provider, what is dropped, and what goes wrong. */
import { appendFileSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { SimulatedApi } from '../simulation/api.ts';
import { APIS } from '../simulation/apis.ts';
import { type Chance, chance as chanceOf } from '../simulation/chance.ts';
import { type Dropped, Writer } from '../simulation/files.ts';
import { count, type Tally } from '../simulation/tally.ts';
import { Violation } from '../simulation/violation.ts';
import { checkAtRest, type Drop, isAboutFiles, type Truth, whatIsOpen } from './checks.ts';
import { Line } from './line.ts';
import { hasClocks, Machine } from './machine.ts';
import { comesAbout, pause } from './patience.ts';
import { drawScript, Sandbox } from './provider.ts';
import { ChaosServer } from './server.ts';
import { drawTroubles, strike } from './trouble.ts';

const DATE = '2026-03-02';
const DATES = [DATE, '2026-03-03'];
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
/** The nightly run is due in the middle of the storm. */
const NIGHT = `${DATE}T02:00:00Z`;

/** More rounds than any payout takes to come to its end. */
const ROUNDS = 25;

export interface ChaosOptions {
  /** The folder of the seed; it does not exist yet. */
  readonly folder: string;
  /** The built program's main.js. */
  readonly main: string;
  /** The folder of a server that has never been used. */
  readonly template: string;
  readonly trace?: (event: string) => void;
}

export interface ChaosResult {
  readonly seed: number;
  readonly tally: Tally;
  readonly violation: Error | undefined;
}

export interface World {
  /** By `performance.now()`. */
  readonly startedMs: number;
  readonly chance: Chance;
  readonly server: ChaosServer;
  readonly sandbox: Sandbox;
  readonly machines: readonly Machine[];
  readonly tally: Tally;
  readonly note: (what: string) => void;
}

/** Its folder is removed unless a promise was broken. */
export async function chaos(seed: number, options: ChaosOptions): Promise<ChaosResult> {
  const { folder, main, template, trace } = options;
  mkdirSync(folder);
  const startedMs = performance.now();
  const tally: Tally = {};
  const note = (what: string) => {
    const line = `${((performance.now() - startedMs) / 1_000).toFixed(3).padStart(8)} ${what}`;
    appendFileSync(join(folder, 'story.log'), `${line}\n`);
    trace?.(line);
  };
  const chance = chanceOf(seed);
  // So that it is night some seconds from now, on a clock that goes right.
  const nightMs = hasClocks ? Date.parse(NIGHT) - Date.now() - chance.between(1_000, 6_000) : 0;
  const server = new ChaosServer(join(folder, 'server'), template);
  const sandbox = new Sandbox({ folder, main, seed, clockMs: nightMs, script: drawScript(chance) });
  const machines: Machine[] = [];
  let violation: Error | undefined;
  try {
    await Promise.all([server.start(), sandbox.start()]);
    const api = chance.pick(APIS);
    const quarantineMs = chance.pick([300, 1_000]);
    machines.push(...(await drawMachines({ chance, api, folder, main, note, sandbox, server, nightMs, quarantineMs })));
    const world = { startedMs, chance, server, sandbox, machines, tally, note };
    const { writer, drops } = await storm(world, api);
    await peace({ ...world, api, drops, amounts: writer.amounts, quarantineMs });
  } catch (error) {
    violation = error as Error;
    note(`${violation.stack}`);
  }
  for (const machine of machines) {
    count(tally, 'starts of a machine', machine.starts);
    machine.kill();
    await machine.line.close();
  }
  await sandbox.kill();
  server.close({ keep: violation !== undefined });
  if (!violation) rmSync(folder, { recursive: true, force: true });
  return { seed, tally, violation };
}

interface Drawing {
  readonly chance: Chance;
  readonly api: SimulatedApi;
  readonly folder: string;
  readonly main: string;
  readonly note: World['note'];
  readonly sandbox: Sandbox;
  readonly server: ChaosServer;
  readonly nightMs: number;
  readonly quarantineMs: number;
}

async function drawMachines(drawing: Drawing): Promise<Machine[]> {
  const { chance, api, folder, main, note, sandbox, server, nightMs, quarantineMs } = drawing;
  const settings = drawSettings(chance, api, sandbox.port, quarantineMs);
  note(`settings ${JSON.stringify(settings)}`);
  const machines: Machine[] = [];
  const names = ['m1', 'm2', 'm3', 'm4'].slice(0, chance.pick([2, 3, 3, 4]));
  const isSkewed = chance.strikes(0.5);
  // The other APIs refuse who has another time.
  const most = api.name === 'payout-orders' ? HOUR_MS : MINUTE_MS;
  for (const [at, name] of names.entries()) {
    const line = new Line(server.socket);
    await line.open();
    const skewMs = at > 0 && isSkewed ? chance.pick([-most, 0, most]) : 0;
    const works = chance.strikes(0.35) ? 'watch' : 'run';
    note(`${name} ${works}, its clock ${skewMs / 1_000} s off`);
    machines.push(
      new Machine({
        ...{ name, folder: join(folder, name), main, line, works, date: DATE, settings, note },
        clockMs: nightMs + skewMs,
        env: api.env,
      }),
    );
  }
  return machines;
}

function drawSettings(chance: Chance, api: SimulatedApi, port: number, quarantineMs: number): object {
  return {
    records: 'postgres',
    submit: chance.strikes(0.8) ? 'on-arrival' : 'nightly',
    schedule: { timeZone: 'UTC', nightly: '0 2 * * *' },
    intake: { settle: '0s', onRowErrors: chance.strikes(0.1) ? 'reject-file' : 'accept-valid' },
    provider: {
      ...{ api: api.name, baseUrl: `http://127.0.0.1:${port}`, currencies: ['INR'], timeout: '400ms' },
      ...{ quarantine: `${quarantineMs}ms`, giveUpAfter: '3d' },
      ...api.settings,
      concurrency: chance.pick([1, 4, 16]),
      ...(chance.strikes(0.25) ? { requestsPerMinute: chance.pick([1_200, 6_000]) } : {}),
    },
  };
}

/** Files come, and everything goes wrong, while the machines work. */
async function storm(world: World, api: SimulatedApi): Promise<{ writer: Writer; drops: Drop[] }> {
  const { chance, machines, note, tally } = world;
  const writer = new Writer({ chance, api: api.name, dates: DATES, amends: true, isSmall: false, most: 40 });
  const drops: Drop[] = [];
  const drop = (file: Dropped) => {
    const at = [chance.pick(machines), ...(chance.strikes(0.25) ? [chance.pick(machines)] : [])];
    for (const machine of at) {
      note(`${file.name} is dropped at ${machine.name}`);
      machine.drop(file.name, file.content);
      drops.push({ file, machine: machine.name });
      count(tally, 'files dropped');
    }
  };
  const files = drawFiles(chance, writer);
  for (const next of files.splice(0, 2)) drop(next());
  let isOver = false;
  const works = machines.map((machine) => machine.work(() => isOver));
  const failed = Promise.all(works);
  failed.catch(() => {});
  try {
    await comesAbout(() => machines.some(({ line }) => line.connections > 0), 20_000);
    const troubles = drawTroubles(world);
    const steps = [
      ...files.map((next) => async () => drop(next())),
      ...troubles.map((one) => () => strike(world, one)),
    ];
    for (const step of shuffled(chance, steps)) {
      await pause(chance.between(20, 500));
      await step();
    }
    await pause(chance.between(0, 500));
  } finally {
    note('the storm is over');
    for (const { line } of machines) line.recover();
    isOver = true;
    await world.server.comeBack();
  }
  await failed;
  return { writer, drops };
}

/** Files are written when they are dropped: the later ones are about the earlier ones. */
function drawFiles(chance: Chance, writer: Writer): (() => Dropped)[] {
  const orders = () => writer.orders();
  const payouts = () => writer.instructionsFile();
  const again = () => chance.pick(writer.dropped);
  const more = [
    payouts,
    payouts,
    () => writer.overlapping(),
    () => writer.amendments(),
    () => writer.changesAgain(),
    () => writer.withBlankLine(again()),
    again,
    orders,
    () => writer.damaged(),
  ];
  return [orders, payouts, ...Array.from({ length: chance.between(2, 6) }, () => chance.pick(more))];
}

function shuffled<T>(chance: Chance, items: readonly T[]): T[] {
  const left = [...items];
  return items.map(() => left.splice(chance.below(left.length), 1)[0] as T);
}

/** The machines work on without trouble, until nothing is open any more. */
async function peace(truth: Truth): Promise<void> {
  const { chance, machines, note, tally } = truth;
  let open = ['everything'];
  for (let round = 1; round <= ROUNDS; round++) {
    // One machine is enough for the payouts of all; files are its own machine's.
    const some = round === 1 || open.every(isAboutFiles) ? machines : [chance.pick(machines)];
    await Promise.all(some.map((machine) => machine.pass()));
    open = await whatIsOpen(truth);
    note(`round ${round}: ${open.length === 0 ? 'nothing is open' : open.join('; ')}`);
    if (open.length > 0) continue;
    count(tally, 'rounds until nothing was open', round);
    await checkAtRest(truth);
    return;
  }
  throw new Violation('everything comes to its end', open.join('; '));
}
