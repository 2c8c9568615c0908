/** Machines as a person sees them: what the commands say, how a file is taken over, who is let in, and versions. */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundle } from '../../../fixtures/build/bundle.ts';
import { MIGRATIONS } from '../../../src/store/postgres/migrations.ts';
import { Sqlite } from '../../../src/store/sqlite/library.ts';
import { copyProject, mutate } from '../../support/mutation.ts';
import { type Host, requireStatus } from './host.ts';
import { SERVER_ADDRESS, WRONG_NAME } from './network.ts';
import { comes, ORDERS, payouts, type Row, requireSame, requireThat, Scene, type Site } from './scene.ts';

const SOME = 90;
const FEW = 20;

export const SHARING: readonly Row[] = [
  ['the machines are listed, a name is one machine alone, and doctor is content', listed],
  ['a server takes the records of a file over, which never sends again', takenOver],
  ['an address without a certificate that verifies is refused', refused],
  ['a pause on one machine stops all', paused],
  ['another schema is refused, and a newer program waits until no older one is at work', versions],
];

const LIVING = `(SELECT count(*)::int FROM paydrop.living_machines)`;

async function listed(site: Site, name: string): Promise<string> {
  const scene = await Scene.open(site, name, { submit: 'on-arrival' });
  try {
    const [m1, m2, m3] = scene.hosts;
    m1.drop('orders.csv', ORDERS);
    await scene.run(m1);
    const watching = scene.hosts.map((host) => host.start(['watch']));
    await comes('three machines are at work', async () => (await scene.value<number>(LIVING)) === 3);
    for (const host of scene.hosts) {
      const said = await host.run(['doctor']);
      requireThat('doctor says how the way is, and who is at work', /TLSv1.*m1.*m2.*m3/s.test(said), said);
    }
    scene.front.takesMs = 2_000;
    for (const [at, host] of scene.hosts.entries()) host.drop('payouts.csv', payouts(at * 3 + 1, 3, site.date));
    await comes('they send', () => scene.front.sending() > 2);
    const known = JSON.parse(await m2.run(['machines', '--json'])) as Record<string, unknown>[];
    requireSame(
      'each is listed with its state',
      known.map(({ name: one, alive }) => [one, alive]),
      [m1, m2, m3].map((host) => [host.name, true]),
    );
    const { version } = JSON.parse(readFileSync(join(site.folder, '..', 'package.json'), 'utf8')) as {
      version: string;
    };
    requireThat(
      'each has its version and its start',
      known.every((one) => one['version'] === version && Date.parse(String(one['since'])) > 0),
      JSON.stringify(known),
    );
    const inHand = known.map((one) => Number(one['sending']));
    requireThat('it is seen what each has in hand', Math.max(...inHand) > 0, JSON.stringify(known));
    scene.front.takesMs = 0;
    const refusal = await nameTaken(scene, m3);
    for (const one of watching) requireStatus('watch', ['watch'], await one.stop(), 0);
    const table = await m3.run(['machines']);
    requireSame('all are gone once they have ended', table.match(/ gone /g)?.length, 3);
    await scene.settle(m2);
    await scene.requireAllPaidOnce(9);
    return `m1, m2 and m3 are listed, sending ${inHand.join('/')}; a second m1 was turned away ("${refusal}")`;
  } finally {
    await scene.close();
  }
}

/** Another machine calls itself m1. */
async function nameTaken(scene: Scene, m3: Host): Promise<string> {
  const other = scene.another('m1', m3.namespace);
  const said = await scene.run(other, 2);
  requireThat('a name in use is refused', /a machine named m1 is at work/.test(said), said);
  return said.split('\n')[0] ?? '';
}

async function takenOver(site: Site, name: string): Promise<string> {
  const scene = await Scene.open(site, name);
  try {
    const [m1, , m3] = scene.hosts;
    m1.set({ records: 'sqlite' });
    m1.drop('orders.csv', ORDERS);
    m1.drop('payouts.csv', payouts(1, FEW, site.date));
    await scene.run(m1);
    const later = new Date(Date.parse(site.date) + 86_400_000).toISOString().slice(0, 10);
    m1.drop('later.csv', payouts(FEW + 1, FEW, later));
    await scene.run(m1);
    const file = new Sqlite(m1.path('data', 'paydrop.db'), { readonly: true });
    const counts = (from: string) =>
      `SELECT status, count(*) AS count, sum(amount_minor) AS minor FROM ${from} GROUP BY status ORDER BY status`;
    const numbers = (rows: unknown[]) =>
      (rows as { status: string; count: unknown; minor: unknown }[]).map(
        (row) => `${row.status} ${row.count} ${row.minor}`,
      );
    const before = numbers(file.prepare(counts('instructions')).all());
    const entries = file.prepare('SELECT count(*) AS count FROM audit').pluck().get();
    file.close();
    cpSync(m1.path(), join(site.folder, `${name}-old`), { recursive: true });
    const said = await m1.run(['records', 'copy', '--to', 'postgres']);
    requireThat('it says that it has compared all', /each compared with the file/.test(said), said);
    requireSame('the payouts are there', numbers(await scene.query(counts('paydrop.instructions'))), before);
    const copied = await scene.value<string>('(SELECT count(*)::text FROM paydrop.audit)');
    requireThat('the audit log is there', Number(copied) >= Number(entries), `${copied} of ${entries} entries`);
    const postsBefore = scene.front.sentSince(0).length;
    const old = await scene.run(m1, 2, 3);
    requireThat('the file says what became of it', /taken over|records copy|postgres/i.test(old), old);
    m1.set({ records: 'postgres' });
    await m1.run(['audit', 'verify']);
    // Another machine, which never saw the file, sends what is due on the next day.
    await m3.run(['run', '--date', later]);
    await scene.run(m1, 0, 2);
    m1.set({ records: 'sqlite' });
    const again = await m1.run(['run', '--date', later], 2, 3);
    requireThat('the file says what became of it', /taken over|records copy|postgres/i.test(again), again);
    const by = await scene.sentBy();
    requireSame('the rest is sent by the new machine', by['m3'], FEW);
    requireSame('nothing else is sent', scene.front.sentSince(0).length - postsBefore, FEW);
    await scene.settle(m3, later);
    await scene.requireAllPaidOnce(2 * FEW);
    return `${before.join(', ')} and ${copied} audit entries are the same; m3 sent the ${FEW} that were left; the file: "${old.split('\n')[0]}"`;
  } finally {
    await scene.close();
  }
}

async function refused(site: Site, name: string): Promise<string> {
  const scene = await Scene.open(site, name);
  try {
    const [m1, , m3] = scene.hosts;
    const { authority } = site.certificates;
    writeFileSync(join(site.folder, 'garbage.pem'), 'no certificate\n');
    const tries: readonly (readonly [what: string, address: string, says: RegExp])[] = [
      ['no authority', scene.address(undefined, undefined, ''), /can't be trusted.*sslrootcert/],
      ['another name', scene.address(WRONG_NAME), /can't be trusted.*Name the server as/],
      ['no TLS asked for', scene.address(undefined, undefined, 'sslmode=disable'), /leave out sslmode=disable/],
      ['no file', scene.address(undefined, undefined, 'sslrootcert=/nowhere/ca.pem'), /sslrootcert/],
      ['no certificate', scene.address(undefined, undefined, `sslrootcert=${site.folder}/garbage.pem`), /sslrootcert/],
      [
        'another authority',
        scene.address(undefined, undefined, `sslrootcert=${await otherAuthority(site)}`),
        /trusted/,
      ],
    ];
    const said: string[] = [];
    for (const [what, address, says] of tries) {
      const ended = await m3.start(scene.runArgs, { env: { PAYDROP_DATABASE_URL: address, NODE_EXTRA_CA_CERTS: '' } })
        .ended;
      const [first = '', ...more] = requireStatus('m3', [what], ended, 2).trim().split('\n');
      requireThat(`${what} is refused in one sentence`, says.test(first) && more.length <= 1, ended.said);
      requireThat('it does not show the password', !/secret-of-pay/.test(ended.said), ended.said);
      said.push(`${what}: ${first.replace(/^paydrop: /, '')}`);
    }
    const tables = `(SELECT count(*)::int FROM pg_tables WHERE schemaname = 'paydrop')`;
    requireSame('nothing is done', await scene.value(tables), 0);
    // A certificate may have the address itself.
    const env = { PAYDROP_DATABASE_URL: scene.address(SERVER_ADDRESS) };
    requireStatus('m3', ['an address'], await m3.start(scene.runArgs, { env }).ended, 0);
    await scene.run(m1);
    requireThat('the authority is a file', authority.endsWith('.pem'), authority);
    return said.join(' | ');
  } finally {
    await scene.close();
  }
}

async function otherAuthority({ folder }: Site): Promise<string> {
  const { makeCertificates } = await import('./certificates.ts');
  const other = join(folder, 'other');
  mkdirSync(other);
  return makeCertificates(other, ['elsewhere.test'], []).authority;
}

async function paused(site: Site, name: string): Promise<string> {
  const scene = await Scene.open(site, name);
  try {
    const [m1, m2] = scene.hosts;
    m1.drop('orders.csv', ORDERS);
    await scene.run(m1);
    for (const [at, host] of scene.hosts.entries())
      host.drop('payouts.csv', payouts(at * (SOME / 3) + 1, SOME / 3, site.date));
    scene.front.takesMs = 700;
    const running = scene.hosts.map((host) => host.start(scene.runArgs));
    await comes('all send', async () => Object.keys(await scene.sentBy()).length === 3);
    await m2.run(['pause', '--reason', 'the bank has called']);
    const pausedMs = performance.now();
    for (const one of running) {
      const said = requireStatus('run', scene.runArgs, await one.ended, 0, 1, 3);
      requireThat('it says why nothing more is sent', /paused/.test(said), said);
    }
    requireSame('nothing leaves once it is paused', scene.front.sentSince(pausedMs).length, 0);
    const before = scene.front.sentSince(0).length;
    requireThat('some is left', before < SOME, `${before} were sent`);
    await m1.run(['resume', '--reason', 'it is settled']);
    scene.front.takesMs = 0;
    await scene.settle(m1);
    await scene.requireAllPaidOnce(SOME);
    return `${before} of ${SOME} were sent when m2 paused; nothing left any of the three after that, and the rest once m1 resumed`;
  } finally {
    await scene.close();
  }
}

async function versions(site: Site, name: string): Promise<string> {
  const scene = await Scene.open(site, name);
  try {
    const [m1, , m3] = scene.hosts;
    const newer = await newerProgram(site);
    const watching = m1.start(['watch']);
    await comes('the older one is at work', async () => (await scene.value<number>(LIVING).catch(() => 0)) === 1);
    const args = scene.runArgs;
    const inTheWay = requireStatus('the newer one', args, await m3.start(args, { main: newer }).ended, 3);
    requireThat('it says which is in the way', /stop m1 \(paydrop [\d.]+\) first/.test(inTheWay), inTheWay);
    await watching.stop();
    requireStatus('the newer one', args, await m3.start(args, { main: newer }).ended, 0);
    const [older, upgraded] = [MIGRATIONS.length, MIGRATIONS.length + 1];
    const version = 'version FROM paydrop.schema_version';
    requireSame('it upgrades', await scene.query(`SELECT ${version}`), [{ version: upgraded }]);
    const tooOld = await scene.run(m1, 2, 3);
    requireThat(
      'the older one is refused',
      tooOld.includes(`has schema ${upgraded}, and this program knows ${older}`),
      tooOld,
    );
    await scene.query('UPDATE paydrop.schema_version SET version = 99');
    const unknown = requireStatus('the newer one', args, await m3.start(args, { main: newer }).ended, 2, 3);
    requireThat(
      'a schema from later is refused',
      unknown.includes(`has schema 99, and this program knows ${upgraded}`),
      unknown,
    );
    const first = (said: string) => said.split('\n')[0]?.replace('paydrop: ', '');
    return `"${first(inTheWay)}"; "${first(tooOld)}"`;
  } finally {
    await scene.close();
  }
}

/** The same program with another upgrade of the tables. */
async function newerProgram({ folder }: Site): Promise<string> {
  const root = join(folder, 'newer');
  mkdirSync(root);
  copyProject(root, ['src', 'package.json', 'paydrop.schema.json']);
  mutate(root, {
    edits: [[`'${MIGRATIONS.at(-1)}',`, `'${MIGRATIONS.at(-1)}', '99-newer.sql',`]],
  });
  writeFileSync(join(root, 'src/store/postgres/postgres-migrations/99-newer.sql'), 'SELECT 1;\n');
  await bundle(root, join(root, 'dist'), ['src/main.ts']);
  return join(root, 'dist', 'main.js');
}
