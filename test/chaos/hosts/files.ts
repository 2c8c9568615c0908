/** Files: whose they are, who reports them, and one inbox for all. */
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { comes, ORDERS, payouts, type Row, requireSame, requireThat, Scene, type Site } from './scene.ts';

const SHARED_FILES = 60;

export const FILES: readonly Row[] = [
  ["a file is its machine's, and after ten minutes its reports fall to another", own],
  ['machines that look at one inbox take each file in once', shared],
];

async function own(site: Site, name: string): Promise<string> {
  const scene = await Scene.open(site, name);
  try {
    const [m1, m2, m3] = scene.hosts;
    m1.drop('orders.csv', ORDERS);
    m1.drop('payouts.csv', payouts(1, 3, site.date));
    for (const host of [m1, m2]) await scene.run(host);
    const archived = m1.names('data', 'archive').filter((path) => path.endsWith('.csv'));
    requireThat('it has the originals in its archive', archived.length === 2, archived.join());
    const reports = m1.names('outbox').filter((path) => /^(orders|payouts)\./.test(path));
    requireThat('it has the reports in its outbox', reports.length > 2, reports.join());
    const others = [m2, m3].flatMap((host) => [...host.names('data', 'archive'), ...host.names('outbox')]);
    const foreign = others.filter((path) => /orders|payouts/.test(path));
    requireSame('another machine has neither', foreign, []);
    const machines = `(SELECT array_agg(DISTINCT machine) FROM paydrop.files)`;
    requireSame('the records name its machine', await scene.value(machines), ['m1']);
    // Their ends change what the reports say, and m1 is away.
    await scene.settle(m3);
    const stale = `(SELECT count(*)::int FROM paydrop.files WHERE revision > reported)`;
    requireThat('nobody else reports before ten minutes', (await scene.value<number>(stale)) > 0, 'nothing is left');
    const before = m3.names('outbox').filter((path) => path.startsWith('payouts'));
    requireSame('nobody else reports before ten minutes', before, []);
    await scene.query(`UPDATE paydrop.machines SET ended_at =
      to_char(ended_at::timestamptz AT TIME ZONE 'UTC' - interval '11 minutes', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
      WHERE name = 'm1'`);
    await scene.run(m3);
    const after = m3.names('outbox').filter((path) => path.startsWith('payouts'));
    requireThat('another machine reports', after.length > 0, m3.names('outbox').join());
    requireSame('all is reported', await scene.value(stale), 0);
    await scene.requireAllPaidOnce(3);
    return `m1 has ${archived.length} originals and ${reports.length} reports, m2 none; once m1 was away for 11 minutes, m3 published ${after.length}`;
  } finally {
    await scene.close();
  }
}

async function shared(site: Site, name: string): Promise<string> {
  const inbox = join(site.folder, `${name}-inbox`);
  mkdirSync(inbox);
  const scene = await Scene.open(site, name, { inbox });
  try {
    const watching = scene.hosts.map((host) => host.start(['watch']));
    const alive = '(SELECT count(*)::int FROM paydrop.living_machines)';
    await comes('three machines are at work', async () => (await scene.value<number>(alive).catch(() => 0)) === 3);
    const names = ['orders.csv', ...Array.from({ length: SHARED_FILES }, (_, at) => `payout-${at + 1}.csv`)];
    for (const [at, file] of names.entries()) {
      writeFileSync(join(site.folder, file), at === 0 ? ORDERS : payouts(at, 1, site.date));
      renameSync(join(site.folder, file), join(inbox, file));
    }
    const settled = '(SELECT count(*)::int FROM paydrop.files WHERE archived AND reported > 0)';
    await comes('every file is reported', async () => (await scene.value<number>(settled)) >= names.length);
    for (const one of watching) await one.stop();
    const files = await scene.query<{ name: string; machine: string; problem: string | null }>(
      'SELECT name, machine, problem FROM paydrop.files ORDER BY name COLLATE "C"',
    );
    const due = names.sort();
    const taken = files.map((file) => file.name);
    requireSame('each file is taken in once', taken, due);
    requireSame(
      'each file is taken in',
      files.flatMap(({ problem }) => problem ?? []),
      [],
    );
    const receipts = scene.hosts.flatMap((host) =>
      host.names('outbox').flatMap((path) => (path.endsWith('.receipt.json') ? [`${path.split('.')[0]}.csv`] : [])),
    );
    requireSame('each file is reported once', receipts.sort(), due);
    const by = scene.hosts.map((host) => `${host.name} ${files.filter(({ machine }) => machine === host.name).length}`);
    return `${files.length} files, each taken in and reported once: ${by.join(', ')}`;
  } finally {
    await scene.close();
  }
}
