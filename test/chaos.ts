/**
 * Lets real machines work against one real server while everything goes wrong: `--seeds 100` so many, from `--from 1`
 * on, `--at-once 2` side by side; `--minutes 10` at most so long; `--seed 42` one, and tells every event. With
 * `--shared-inbox --machines 10 --files 10000` so many machines look at one inbox instead.
 * `--hosts` shows each promise about several machines on two network namespaces, `--rows 3,4` only some of them. Ends
 * with 1 when a promise was broken, and keeps the folder.
 */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Built, build } from './chaos/build.ts';
import { hostsNeed, seeHosts } from './chaos/hosts.ts';
import { shareInbox } from './chaos/shared-inbox.ts';
import { chaos } from './chaos/world.ts';
import { addTo, count, type Tally } from './simulation/tally.ts';
import { hasPostgres } from './support/postgres-server.ts';
import { temporaryPlace } from './support/temporary.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '20' },
    from: { type: 'string', default: '1' },
    minutes: { type: 'string', default: '60' },
    'at-once': { type: 'string', default: '2' },
    seed: { type: 'string' },
    'shared-inbox': { type: 'boolean', default: false },
    machines: { type: 'string', default: '10' },
    files: { type: 'string', default: '10000' },
    hosts: { type: 'boolean', default: false },
    rows: { type: 'string', default: '' },
  },
});

if (!hasPostgres) console.log('no PostgreSQL server is installed: nothing was tried');
else if (values.hosts) await runHosts();
else if (values['shared-inbox']) await runSharedInbox();
else await runSeeds();

function newFolder(): string {
  const place = mkdtempSync(join(temporaryPlace(), 'paydrop-chaos-'));
  chmodSync(place, 0o755);
  return place;
}

async function newPlace(): Promise<{ place: string; built: Built }> {
  const place = newFolder();
  return { place, built: await build(place) };
}

async function runHosts(): Promise<void> {
  const missing = hostsNeed();
  if (missing !== undefined) {
    console.log(`${missing}: nothing was tried`);
    return;
  }
  const place = newFolder();
  const rows = values.rows.split(',').filter(Boolean).map(Number);
  const wrong = await seeHosts(place, rows, console.log);
  if (wrong === 0) rmSync(place, { recursive: true, force: true });
  else console.log(`${wrong} not so; the folder is kept: ${place}`);
  process.exitCode = wrong > 0 ? 1 : 0;
}

async function runSharedInbox(): Promise<void> {
  const { place, built } = await newPlace();
  const startedMs = performance.now();
  const many = { machines: Number(values.machines), files: Number(values.files) };
  const taken = await shareInbox({ ...built, ...many, folder: join(place, 'shared'), note: console.log });
  const seconds = (performance.now() - startedMs) / 1_000;
  console.log(`each file was taken in once, in ${seconds.toFixed(0)} s; by machine: ${taken.join(' ')}`);
  rmSync(place, { recursive: true, force: true });
}

async function runSeeds(): Promise<void> {
  const { place, built } = await newPlace();
  const first = Number(values.seed ?? values.from);
  const last = values.seed === undefined ? first + Number(values.seeds) - 1 : first;
  const trace = values.seed === undefined ? {} : { trace: (event: string) => console.log(event) };
  const startedMs = performance.now();
  const endMs = startedMs + Number(values.minutes) * 60_000;
  const tally: Tally = {};
  const broken: number[] = [];
  let next = first;
  let isStopped = false;
  process.on('SIGTERM', () => {
    isStopped = true;
  });
  const work = async () => {
    while (next <= last && performance.now() < endMs && !isStopped) {
      const seed = next++;
      const folder = join(place, `seed-${seed}`);
      const result = await chaos(seed, { ...built, folder, ...trace });
      addTo(tally, result.tally);
      count(tally, 'seeds');
      if (!result.violation) continue;
      broken.push(seed);
      console.log(`seed ${seed} broke a promise: ${result.violation.message}`);
      console.log(`  its folder is kept: ${folder}; again: npm run chaos -- --seed ${seed}`);
    }
  };
  await Promise.all(Array.from({ length: Number(values['at-once']) }, work));
  for (const what of Object.keys(tally).sort()) console.log(`${String(tally[what]).padStart(10)}  ${what}`);
  const seconds = (performance.now() - startedMs) / 1_000;
  console.log(`${tally['seeds'] ?? 0} seeds from ${first} to ${next - 1} in ${seconds.toFixed(0)} s`);
  console.log(broken.length === 0 ? 'every promise was kept' : `broken: ${broken.join(' ')}`);
  if (broken.length === 0) rmSync(place, { recursive: true, force: true });
  process.exitCode = broken.length > 0 ? 1 : 0;
}
