/** What gets lost: the answer to a COMMIT, the network between a machine and the server, and the server itself. */
import { Line } from '../line.ts';
import { pause } from '../patience.ts';
import { requireStatus } from './host.ts';
import { cutFromServer, joinToServer, SECOND, SERVER_ADDRESS, SERVER_NAME } from './network.ts';
import { comes, ORDERS, payouts, type Row, requireSame, requireThat, Scene, type Site } from './scene.ts';

const SOME = 90;
/** A machine is sure for so long that it stands: see docs/machines.md. */
const FRESH_MS = 2_000;
const BETWEEN_LOSSES_MS = 300;
const MOST_RUNS = 20;

export const LOSSES: readonly Row[] = [
  ['where the answer to a COMMIT is lost, nothing is done twice', lostAnswers],
  ['a machine that is cut from the server sends nothing more, and goes on when it is back', cutOff],
  ['a server that restarts stops all machines, which go on when it is back', restarted],
];

async function lostAnswers(site: Site, name: string): Promise<string> {
  const scene = await Scene.open(site, name);
  const line = new Line(`${site.server.folder}/.s.PGSQL.5432`, { host: SERVER_ADDRESS, tls: site.certificates.tls });
  try {
    await line.open();
    const [m1, , m3] = scene.hosts;
    m3.drop('orders.csv', ORDERS);
    m3.drop('payouts.csv', payouts(1, SOME, site.date));
    scene.front.takesMs = 100;
    let lost = 0;
    let isOver = true;
    const set = () => {
      if (!isOver) line.trap({ when: 'after', cuts: true, springs });
    };
    const springs = () => {
      lost++;
      void pause(BETWEEN_LOSSES_MS).then(set);
    };
    const env = { PAYDROP_DATABASE_URL: scene.address(SERVER_NAME, line.port) };
    const statuses: (number | null)[] = [];
    const left = `(SELECT count(*)::int FROM paydrop.instructions WHERE status IN ('ready', 'waiting'))`;
    do {
      const running = m3.start(scene.runArgs, { env });
      await comes('it sends', () => scene.front.sending(SECOND.address) > 0);
      isOver = false;
      set();
      const ended = await running.ended;
      isOver = true;
      line.recover();
      requireStatus(m3.name, scene.runArgs, ended, 0, 1, 3);
      statuses.push(ended.status);
    } while ((await scene.value<number>(left)) > 0 && statuses.length < MOST_RUNS);
    requireThat('answers are lost', lost > 2, `${lost} were`);
    await scene.settle(m1);
    await scene.run(m3);
    await scene.requireAllPaidOnce(SOME);
    const twice = await scene.value<number>(`(SELECT count(*)::int FROM paydrop.instructions WHERE sends > 1)`);
    await m3.run(['audit', 'verify']);
    return `${lost} answers were lost between m3 and the server, its runs ended with ${statuses.join()}; ${SOME} payouts are paid once, ${twice} were sent again, and the audit log is whole`;
  } finally {
    await line.close();
    await scene.close();
  }
}

async function cutOff(site: Site, name: string): Promise<string> {
  const scene = await Scene.open(site, name);
  try {
    const [m1, , m3] = scene.hosts;
    m3.drop('orders.csv', ORDERS);
    m3.drop('payouts.csv', payouts(1, SOME, site.date));
    scene.front.takesMs = 400;
    const running = m3.start(scene.runArgs);
    await comes('it sends', () => scene.front.sending(SECOND.address) > 3);
    const cutMs = performance.now();
    cutFromServer(SECOND);
    const lives = `(SELECT count(*)::int FROM paydrop.living_machines WHERE name = 'm3')`;
    await comes('its session is lost', async () => (await scene.value<number>(lives)) === 0);
    const goneMs = performance.now();
    const ended = await running.ended;
    const endedMs = performance.now();
    const said = requireStatus('m3', scene.runArgs, ended, 3);
    requireSame('nothing leaves once its session is lost', scene.front.sentSince(goneMs, SECOND.address).length, 0);
    const after = scene.front.sentSince(cutMs, SECOND.address);
    const last = Math.max(0, ...after.map(({ atMs }) => atMs - cutMs));
    requireThat('it stops sending', last <= FRESH_MS, `a request left ${last} ms after the cut`);
    requireThat('it says so', /database|PostgreSQL/.test(said), said);
    // Without the server it begins nothing, and says why.
    const refused = await scene.run(m3, 3);
    requireThat('it says that the server is out of reach', /can't be reached/.test(refused), refused);
    scene.front.takesMs = 0;
    await scene.run(m1, 0, 1);
    const sent = await scene.sentBy();
    joinToServer(SECOND);
    await scene.run(m3);
    await scene.settle(m3);
    await scene.requireAllPaidOnce(SOME);
    const left = await scene.value<number>(`(SELECT count(*)::int FROM pg_stat_activity
      WHERE client_addr = '${SECOND.address}' AND datname = current_database())`);
    const seconds = (ms: number) => ((ms - cutMs) / 1_000).toFixed(1);
    return (
      `${after.length} requests came after the cut, the last ${(last / 1_000).toFixed(2)} s; its session was lost after ${seconds(goneMs)} s, ` +
      `it ended with 3 after ${seconds(endedMs)} s ("${lastLine(said)}"); m1 sent ${sent['m1'] ?? 0}, and m3 goes on; ${left} sessions of it are left`
    );
  } finally {
    joinToServer(SECOND);
    await scene.close();
  }
}

function lastLine(said: string): string {
  return said.split('\n').find((line) => line.startsWith('paydrop: ')) ?? said.trim().slice(-200);
}

async function restarted(site: Site, name: string): Promise<string> {
  const scene = await Scene.open(site, name, { submit: 'on-arrival' });
  try {
    const [m1, m2, m3] = scene.hosts;
    m1.drop('orders.csv', ORDERS);
    await scene.run(m1);
    const watching = [m1.start(['watch']), m2.start(['watch'])];
    const seen: string[] = [];
    let first = 1;
    for (const how of ['fast', 'immediate'] as const) {
      scene.front.takesMs = 400;
      for (const host of scene.hosts) {
        host.drop(`payouts-${first}.csv`, payouts(first, SOME / 3, site.date));
        first += SOME / 3;
      }
      const running = m3.start(scene.runArgs);
      await comes('all send', () => scene.front.sending() > 3 && scene.front.sending(SECOND.address) > 0);
      await site.server.stop(how);
      const awayMs = performance.now();
      requireStatus('m3', scene.runArgs, await running.ended, 3);
      await pause(1_000);
      const sent = scene.front.sentSince(awayMs);
      requireSame('nothing leaves without the server', sent.filter(({ atMs }) => atMs > awayMs + FRESH_MS).length, 0);
      for (const one of watching)
        requireThat('it says so', /the records are out of reach/.test(one.said()), one.said());
      await site.server.resume(site.serverSettings);
      scene.front.takesMs = 20;
      const due = first - 1;
      const taken = `(SELECT count(*)::int FROM paydrop.instructions WHERE status IN ('submitted', 'paid'))`;
      // What became of what was being sent is only learned at the next look-up.
      for (let run = 0; run < MOST_RUNS && (await scene.value<number>(taken)) < due; run++) {
        await scene.run(m3, 0, 1);
        await pause(300);
      }
      requireSame('all is sent', await scene.value(taken), due);
      seen.push(`${how}: ${sent.length} requests after the stop`);
    }
    for (const one of watching) {
      const back = one.said().match(/the records are back/g)?.length ?? 0;
      requireSame('the service goes on by itself', back, 2);
      requireStatus('watch', ['watch'], await one.stop(), 0);
    }
    await scene.settle(m1);
    await scene.requireAllPaidOnce(first - 1);
    return `${seen.join(', ')}; m3 ended with 3 each time, two services waited and went on, ${first - 1} payouts are paid once`;
  } finally {
    await site.server.resume(site.serverSettings).catch(() => {});
    await scene.close();
  }
}
