/** Payouts: each is sent once, whoever sends it, and the provider's limits are those of all machines together. */
import { pause } from '../patience.ts';
import { requireStatus } from './host.ts';
import { SECOND } from './network.ts';
import { comes, ORDERS, payouts, type Row, requireSame, requireThat, Scene, type Site } from './scene.ts';

const MANY = 600;
const SOME = 90;
const MACHINES = 3;

export const SENDING: readonly Row[] = [
  ['machines that send at once send each payout once', atOnce],
  ['what a machine was sending when it was killed is looked up by another, and paid at most once', killed],
  ['one nightly run for all', nightly],
  ["the provider's requests a minute are those of all machines together", paced],
  ['the requests under way at once are those of all machines together', together],
];

/** Drops the payouts in equal parts at the three machines, and has their order taken in before. */
async function dropParts(scene: Scene, count: number): Promise<void> {
  const [m1] = scene.hosts;
  m1.drop('orders.csv', ORDERS);
  await scene.run(m1);
  const each = count / MACHINES;
  for (const [at, host] of scene.hosts.entries())
    host.drop(`payouts-${host.name}.csv`, payouts(at * each + 1, each, scene.site.date));
}

function runAll(scene: Scene): Promise<string[]> {
  return Promise.all(scene.hosts.map((host) => scene.run(host)));
}

function parts(by: Readonly<Record<string, number>>): string {
  return Object.entries(by)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');
}

async function atOnce(site: Site, name: string): Promise<string> {
  const scene = await Scene.open(site, name);
  try {
    await dropParts(scene, MANY);
    scene.front.takesMs = 20;
    await runAll(scene);
    const by = await scene.sentBy();
    requireSame('each payout is sent once', await scene.value(`(SELECT count(*)::int FROM paydrop.sends)`), MANY);
    requireSame('every machine sends some', Object.keys(by), ['m1', 'm2', 'm3']);
    scene.front.takesMs = 0;
    await scene.settle(scene.hosts[0]);
    await scene.requireAllPaidOnce(MANY);
    return `${MANY} payouts, each once at the provider and paid, sums agree; sent by ${parts(by)}`;
  } finally {
    await scene.close();
  }
}

async function killed(site: Site, name: string): Promise<string> {
  const scene = await Scene.open(site, name);
  try {
    const [m1, , m3] = scene.hosts;
    m3.drop('orders.csv', ORDERS);
    m3.drop('payouts.csv', payouts(1, SOME, site.date));
    scene.front.takesMs = 400;
    const running = m3.start(scene.runArgs);
    await comes('it sends', () => scene.front.sending(SECOND.address) > 3);
    // So that some have reached the provider, and others have not.
    await pause(600);
    running.process.kill('SIGKILL');
    await running.ended;
    scene.front.takesMs = 0;
    const sending = await statuses(scene, 'sending');
    requireThat('it was sending', sending.length > 0, 'nothing was being sent');
    // Another machine may look them up, but learns nothing yet. New ones are another matter.
    scene.front.fails = 'GET';
    await scene.run(m1, 0, 1, 3);
    const unknown = await statuses(scene, 'unknown');
    const left = sending.filter((ref) => !unknown.includes(ref));
    requireSame('what it was sending is unknown', left, []);
    scene.front.fails = 'none';
    await scene.settle(m1);
    await scene.requireAllPaidOnce(SOME);
    const by = await scene.sentBy();
    return `${sending.length} were being sent by m3 and became unknown by m1; after the look-ups all ${SOME} are paid once (sends: ${parts(by)})`;
  } finally {
    await scene.close();
  }
}

async function statuses(scene: Scene, status: string): Promise<string[]> {
  const rows = await scene.query<{ ref: string }>(
    `SELECT instruction_ref AS ref FROM paydrop.instructions WHERE status = '${status}' ORDER BY id`,
  );
  return rows.map(({ ref }) => ref);
}

async function nightly(site: Site, name: string): Promise<string> {
  // Due at any time of the day.
  const scene = await Scene.open(site, name, { schedule: { timeZone: 'UTC', nightly: '0 0 * * *' } });
  try {
    await dropParts(scene, SOME);
    // As if it had been watched since the day before yesterday.
    const before = new Date(Date.parse(site.date) - 2 * 86_400_000).toISOString().slice(0, 10);
    await scene.query(`INSERT INTO paydrop.facts VALUES ('nothing-owed-until', '${before}')`);
    scene.front.takesMs = 1_500;
    const watching = scene.hosts.map((host) => host.start(['watch']));
    const joined = `(SELECT count(DISTINCT m.name)::int FROM paydrop.run_machines r JOIN paydrop.runs ON number = r.run
      JOIN paydrop.machines m ON m.id = r.machine WHERE kind = 'nightly')`;
    await comes('three machines are in the run', async () => (await scene.value<number>(joined)) === MACHINES);
    scene.front.takesMs = 50;
    const ended = `(SELECT count(*)::int FROM paydrop.runs WHERE kind = 'nightly' AND reported)`;
    await comes('the run ends', async () => (await scene.value<number>(ended)) > 0);
    const runs = await scene.query<{ number: number; date: string }>(
      `SELECT number::int, business_date AS date FROM paydrop.runs WHERE kind = 'nightly'`,
    );
    requireSame('there is one nightly run', runs.length, 1);
    requireSame('it is of the day', runs[0]?.date, site.date);
    for (const one of watching) await one.stop();
    const page = `run.${String(runs[0]?.number).padStart(6, '0')}.summary.html`;
    const reporters = scene.hosts.filter((host) => host.names('outbox').includes(page)).map((host) => host.name);
    requireSame('one machine reports it', reporters.length, 1);
    const ends = await scene.value<number>(`(SELECT count(*)::int FROM paydrop.audit
      WHERE run = ${runs[0]?.number} AND body::json->>'type' = 'run-ended')`);
    requireSame('it ends once', ends, 1);
    const by = await scene.sentBy();
    scene.front.takesMs = 0;
    await scene.settle(scene.hosts[1]);
    await scene.requireAllPaidOnce(SOME);
    return `run ${runs[0]?.number}, joined by three machines, ended once and reported by ${reporters.join()}; sent by ${parts(by)}`;
  } finally {
    await scene.close();
  }
}

const GAP_MS = 100;
const WINDOW = 20;
/** This process notes a request late where it has to wait for the processor. */
const SLACK_MS = 700;

async function paced(site: Site, name: string): Promise<string> {
  const scene = await Scene.open(site, name, { provider: { requestsPerMinute: 60_000 / GAP_MS } });
  try {
    await dropParts(scene, SOME);
    scene.front.requests = [];
    await runAll(scene);
    const times = scene.front.requests.map(({ atMs }) => atMs).sort((one, other) => one - other);
    const spans = times.slice(WINDOW).map((at, from) => at - (times[from] ?? 0));
    const shortest = Math.min(...spans);
    const due = WINDOW * GAP_MS;
    requireThat('requests keep their distance', shortest >= due - SLACK_MS, `${WINDOW} came in ${shortest} ms`);
    const all = ((times.at(-1) ?? 0) - (times[0] ?? 0)) / 1_000;
    requireThat('all keep their distance', all >= ((times.length - 1) * GAP_MS - SLACK_MS) / 1_000, `${all} s`);
    const by = await scene.sentBy();
    requireSame('every machine sends some', Object.keys(by), ['m1', 'm2', 'm3']);
    return `${times.length} requests of three machines in ${all.toFixed(1)} s with one each ${GAP_MS} ms allowed; the closest ${WINDOW} within ${(shortest / 1_000).toFixed(2)} s`;
  } finally {
    await scene.close();
  }
}

const AT_ONCE = 6;
/** A machine that begins is heard of in this time, and what was under way then has ended. */
const HEARD_MS = 1_000;

async function together(site: Site, name: string): Promise<string> {
  const scene = await Scene.open(site, name, { provider: { concurrency: AT_ONCE } });
  try {
    const { front, hosts } = scene;
    await dropParts(scene, SOME);
    front.takesMs = 500;
    const [m1, m2, m3] = hosts;
    const running = [m1.start(scene.runArgs)];
    await comes('one alone has all', () => front.sending() === AT_ONCE);
    running.push(m2.start(scene.runArgs), m3.start(scene.runArgs));
    const living = `(SELECT count(*)::int FROM paydrop.living_machines)`;
    await comes('three are at work', async () => (await scene.value<number>(living)) === MACHINES);
    const before = front.most;
    await pause(HEARD_MS);
    front.most = 0;
    for (const one of running) requireStatus('run', scene.runArgs, await one.ended, 0);
    const { most } = front;
    requireThat('no more are under way at once', most <= AT_ONCE, `${most} at once`);
    requireThat('what is allowed is used', most === AT_ONCE, `${most} at once`);
    const by = await scene.sentBy();
    requireSame('every machine sends some', Object.keys(by), ['m1', 'm2', 'm3']);
    return `${before} of ${AT_ONCE} at once at most of one machine, and ${most} of three (sent: ${parts(by)})`;
  } finally {
    await scene.close();
  }
}
