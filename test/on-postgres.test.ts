/** The commands of a workspace whose records are on a PostgreSQL server. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { doctor } from '../src/commands/doctor.ts';
import { noProgress } from '../src/platform/progress.ts';
import type { Output } from '../src/platform/terminal.ts';
import { dryRun } from '../src/service/dry-run.ts';
import { takeOver } from '../src/service/taking-over.ts';
import { openWorkspace } from '../src/service/workspace.ts';
import { parseSettings } from '../src/settings/settings.ts';
import { openStore } from '../src/store/postgres/postgres.ts';
import { openStore as openSqlite } from '../src/store/sqlite/sqlite.ts';
import { builtProgram, startProcess } from './support/cli.ts';
import { testClock } from './support/clock.ts';
import { examplesIn, firstDifference, shownIn } from './support/examples.ts';
import { emptyDatabase, newDatabase, sharedServer } from './support/postgres.ts';
import { hasPostgres } from './support/postgres-server.ts';
import { newFile } from './support/records.ts';
import {
  instruction,
  instructions,
  ORDERS,
  type TestWorkspace,
  temporaryFolder,
  testWorkspace,
} from './support/workspace.ts';

const paydrop = builtProgram();

const shownOf = (page: string, heading: string) =>
  examplesIn(page).flatMap((example) => (example.heading === heading ? shownIn(example) : []));

const blocksOf = (page: string, heading: string) =>
  examplesIn(page).flatMap((example) => (example.heading === heading ? [example] : []));

const REASON = ['--reason', 'as agreed', '--by', 'ana'];

let workspace: TestWorkspace;
let address: string;

const run = (...args: string[]) => paydrop.run(args, { cwd: workspace.root, env: { PAYDROP_DATABASE_URL: address } });

function setRecords(records: 'sqlite' | 'postgres'): void {
  const settings = JSON.parse(readFileSync(workspace.path('paydrop.json'), 'utf8')) as object;
  writeFileSync(workspace.path('paydrop.json'), JSON.stringify({ ...settings, records }));
}

describe('records in a file', () => {
  it('belong to one machine, as paydrop machines says in a line', async () => {
    workspace = testWorkspace({ machine: 'pay-1' });
    workspace.drop('orders.csv', ORDERS);
    await workspace.pass();
    const { status, stdout } = await paydrop.run(['machines'], { cwd: workspace.root });
    expect([status, stdout]).toEqual([
      0,
      'The records are in a file of this machine, which alone works on them: 0 being sent, 0 files half taken in, 0 files to report.\n',
    ]);
    const json = await paydrop.run(['machines', '--json'], { cwd: workspace.root });
    expect(JSON.parse(json.stdout)).toMatchObject([{ name: 'pay-1', alive: true, sending: 0 }]);
  });
});

describe.skipIf(!hasPostgres)('records on a server', () => {
  beforeEach(async () => {
    workspace = testWorkspace({ machine: 'pay-1' });
    address = await emptyDatabase();
    vi.stubEnv('PAYDROP_DATABASE_URL', address);
  });

  afterEach(() => {
    vi.unstubAllEnvs();
  });

  async function takenOver(): Promise<void> {
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', instructions(instruction('P1'), instruction('P2')));
    await workspace.pass({ faults: { fates: [{ fate: 'processed' }] } });
    const taking = { workspace: workspace.root, env: { PAYDROP_DATABASE_URL: address }, clock: workspace.clock };
    expect(await takeOver({ ...taking, progress: noProgress })).toMatchObject({ copied: true });
    setRecords('postgres');
  }

  it('are taken over in one command, which says what it copied and which line to write', async () => {
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', instructions(instruction('P1'), instruction('P2')));
    await workspace.pass();
    const { status, stdout, stderr } = await run('records', 'copy', '--to', 'postgres');
    expect([status, stderr]).toEqual([0, '']);
    const [shown] = shownOf('docs/commands.md', 'records');
    const counted = (text = '') => text.replace(/\d+ (?=rows|entries)/g, 'many ');
    const said = stdout.replace(/at .*, database \w+/, 'at db.example.com, database paydrop');
    expect(firstDifference(counted(shown?.output), counted(said))).toBeUndefined();
    expect(stdout).toMatch(/audit log is unbroken: \d+ entries, head [0-9a-f]{64}/);
    expect(await run('run')).toMatchObject({ status: 2, stderr: expect.stringContaining('is used no more') });
    setRecords('postgres');
    const counts = await run('status', '--json');
    expect(JSON.parse(counts.stdout)).toMatchObject({ counts: [{ status: 'submitted', count: 2, amount: '420.00' }] });
    expect(await run('audit', 'verify')).toMatchObject({ status: 0 });
    const again = await run('records', 'copy', '--to', 'postgres', '--json');
    expect(JSON.parse(again.stdout)).toMatchObject({ copied: false });
  });

  it('are not begun anew while a file has some that were not taken over', async () => {
    workspace.drop('orders.csv', ORDERS);
    await workspace.pass();
    setRecords('postgres');
    for (const command of ['run', 'status', 'doctor']) {
      const { status, stdout, stderr } = await run(command);
      expect([command, status]).toEqual([command, 2]);
      expect(stdout + stderr).toContain('paydrop.db has records that no server has taken over');
    }
    expect(await run('records', 'copy', '--to', 'postgres')).toMatchObject({ status: 0 });
    expect(await run('run', '--date', '2026-03-02', '--force')).toMatchObject({ status: 0 });
  });

  it('have no machine before the first one has worked on them', async () => {
    setRecords('postgres');
    await (await openStore({ address })).close();
    expect((await run('machines')).stdout).toBe('No machine has worked on these records yet.\n');
  });

  it('show a machine that is alive, and one that is gone with a file half taken in', async () => {
    setRecords('postgres');
    const at = { atWork: { version: '1.2.3' } };
    const gone = await openStore({ address, machine: 'pay-2', ...at });
    await gone.registerFile(newFile('half'));
    await gone.close();
    const alive = await openStore({ address, machine: 'pay-1', ...at });
    try {
      const { stdout } = await run('machines');
      expect(stdout).toMatch(/^pay-1 +1\.2\.3 +\S+ \S+ +alive +0 +0 +0$/m);
      expect(stdout).toMatch(/^pay-2 +1\.2\.3 +\S+ \S+ +gone +0 +1 +0$/m);
      expect(JSON.parse((await run('machines', '--json')).stdout)).toMatchObject([
        { name: 'pay-1', alive: true },
        { name: 'pay-2', alive: false, halfTaken: 1 },
      ]);
    } finally {
      await alive.close();
    }
  });

  it('foresee in a dry run what records in a file foresee, and are not changed by it', async () => {
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', instructions(instruction('P1'), instruction('P2'), instruction('P0', 'x')));
    await workspace.pass();
    const files = {
      'more.csv': instructions(
        ...[instruction('P1'), instruction('P2', '7'), instruction('P3'), instruction('P0')],
        ...['C1,O9,P4,1,2026-03-02,2026-03-02,no order', 'C1,O2,P5,1.5,2026-03-02,2026-03-02,yen'],
      ),
      'again.csv': instructions(instruction('P1'), instruction('P2'), instruction('P0', 'x')),
    };
    for (const [name, content] of Object.entries(files)) writeFileSync(workspace.path(name), content);
    const foresee = (out: string) =>
      dryRun({
        ...{ workspace: workspace.root, out: workspace.path(out), businessDate: '2026-03-02', progress: noProgress },
        files: Object.keys(files).map((name) => workspace.path(name)),
        clock: workspace.clock,
      });
    const inFile = await foresee('file');
    await run('records', 'copy', '--to', 'postgres');
    setRecords('postgres');
    const before = await headOf();
    const onServer = await foresee('server');
    expect(onServer.map(({ receipt }) => receipt)).toEqual(inFile.map(({ receipt }) => receipt));
    for (const name of readdirSync(workspace.path('file')))
      expect(readFileSync(workspace.path('server', name), 'utf8'), name).toBe(
        readFileSync(workspace.path('file', name), 'utf8'),
      );
    expect(await headOf()).toEqual(before);
  });

  it('foresee in a dry run what is alike, as records in a file do, though that takes a second try', async () => {
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', instructions(instruction('P1')));
    await workspace.pass();
    writeFileSync(workspace.path('more.csv'), instructions(instruction('P2'), instruction('P3'), instruction('P4')));
    const foresee = () =>
      dryRun({
        ...{ workspace: workspace.root, out: undefined, businessDate: '2026-03-02', progress: noProgress },
        ...{ files: [workspace.path('more.csv')], clock: workspace.clock },
      });
    const inFile = await foresee();
    await run('records', 'copy', '--to', 'postgres');
    setRecords('postgres');
    const onServer = await foresee();
    expect(onServer.map(({ receipt }) => receipt)).toEqual(inFile.map(({ receipt }) => receipt));
    expect(JSON.parse(onServer[0]?.receipt ?? '{}')).toMatchObject({ possibleDuplicates: { rows: 3 } });
  });

  it('foresee in a dry run although another machine has a file half taken in', async () => {
    await takenOver();
    const other = await openStore({ address, machine: 'pay-2', atWork: { version: '1' } });
    await other.registerFile(newFile('half'));
    writeFileSync(workspace.path('more.csv'), instructions(instruction('P3')));
    const foreseen = await run('validate', workspace.path('more.csv'), '--date', '2026-03-02');
    expect(foreseen.stdout).toMatch(/more\.csv +accepted +1 +0 +0/);
    await other.close();
  });

  async function headOf() {
    const store = await openStore({ address, purpose: 'reading' });
    const head = await store.auditHead();
    await store.close();
    return head;
  }

  describe('in a backup', () => {
    it('stay on the server, and paydrop backup says how they are backed up there', async () => {
      await takenOver();
      const target = join(temporaryFolder(), 'copy.db');
      const { status, stderr } = await run('backup', target);
      expect(status).toBe(2);
      expect(stderr).toMatch(/^paydrop: PostgreSQL at .*pg_dump --format=custom --schema=paydrop.*--whole.*\n$/);
      expect([target, `${target}.part`].filter((path) => existsSync(path))).toEqual([]);
    });

    it('of the whole have settings, anchor and originals of this machine; what is restored is doubted', async () => {
      await takenOver();
      const backup = join(temporaryFolder(), 'backup');
      expect(await run('backup', '--whole', '--archive', backup)).toMatchObject({
        status: 0,
        stdout: expect.stringContaining('The records are on the server'),
      });
      const saved = readdirSync(backup, { recursive: true, encoding: 'utf8' });
      expect(saved).toEqual(expect.arrayContaining(['manifest.json', 'paydrop.json', 'data/anchor']));
      expect(saved.filter((name) => name.endsWith('.csv'))).toHaveLength(2);
      expect(saved.filter((name) => name.endsWith('.db'))).toEqual([]);
      const place = join(temporaryFolder(), 'restored');
      const env = { PAYDROP_DATABASE_URL: address };
      expect(await paydrop.run(['restore', backup, place], { env })).toMatchObject({ status: 0 });
      const looked = await paydrop.run(['run'], { cwd: place, env });
      expect(looked).toMatchObject({ status: 3 });
      expect(looked.stdout + looked.stderr).toContain('were restored from the backup of');
    });

    it('are not restored by paydrop: the database comes first', async () => {
      await takenOver();
      const backup = join(temporaryFolder(), 'backup');
      await run('backup', '--whole', backup);
      const place = join(temporaryFolder(), 'restored');
      const env = { PAYDROP_DATABASE_URL: await emptyDatabase() };
      expect(await paydrop.run(['restore', backup, place], { env })).toMatchObject({
        status: 2,
        stderr: expect.stringMatching(/restore it first/),
      });
      expect(existsSync(place)).toBe(false);
    });

    it('that was dumped and put back as the page says is doubted, and sound', async () => {
      await takenOver();
      const bin = join(temporaryFolder(), 'bin');
      mkdirSync(bin);
      writeFileSync(join(bin, 'paydrop'), `#!/bin/sh\nexec ${process.execPath} ${paydrop.main()} "$@"\n`, {
        mode: 0o755,
      });
      const file = join(bin, 'database-url');
      writeFileSync(file, `${address}\n`);
      const shell = (text: string) =>
        startProcess('bash', ['-e', '-c', text.replaceAll('/etc/paydrop/database-url', file)], {
          cwd: workspace.root,
          env: { PAYDROP_DATABASE_URL: address, PATH: `${bin}:${process.env['PATH']}` },
        }).ended;
      const [dump, putBack] = blocksOf('docs/operating.md', 'Records on PostgreSQL').map(({ text }) => text);
      expect(await shell(dump ?? '')).toMatchObject({ status: 0, stderr: '' });
      const before = await headOf();
      workspace.drop('more.csv', instructions(instruction('P9')));
      expect(await run('run', '--date', '2026-03-02', '--force')).toMatchObject({ stderr: '' });
      expect(await headOf()).not.toEqual(before);
      expect(await shell(putBack ?? '')).toMatchObject({ status: 0, stderr: '' });
      const store = await openStore({ address, purpose: 'reading' });
      expect(await store.damage()).toBeUndefined();
      await store.close();
      expect((await run('audit', 'verify')).stdout).toMatch(/^unbroken/);
      const looked = await run('run');
      expect(looked).toMatchObject({ status: 3 });
    });

    it('that was put back without a trace can be doubted, until a person accepts it', async () => {
      await takenOver();
      expect(await run('audit', 'doubt', ...REASON)).toMatchObject({ status: 0 });
      const verified = await run('audit', 'verify');
      expect(verified).toMatchObject({ status: 1, stdout: expect.stringContaining('as ana said: as agreed') });
      expect(await run('run')).toMatchObject({ status: 3 });
    });
  });

  it('are named by the settings that docs/machines.md shows', () => {
    const [json] = blocksOf('docs/machines.md', 'Set it up').filter(({ language }) => language === 'json');
    expect(parseSettings(JSON.parse(json?.text ?? ''), '.')).toMatchObject({
      value: { records: 'postgres', machine: 'pay-1' },
    });
  });

  it('are made by paydrop init for a new workspace', async () => {
    const root = join(temporaryFolder(), 'new');
    const made = await paydrop.run(['init', root, '--records', 'postgres']);
    expect(made).toMatchObject({ status: 0, stdout: expect.stringContaining('PAYDROP_DATABASE_URL') });
    expect(JSON.parse(readFileSync(join(root, 'paydrop.json'), 'utf8'))).toMatchObject({ records: 'postgres' });
    const env = { PAYDROP_DATABASE_URL: address };
    expect(await paydrop.run(['run'], { cwd: root, env })).toMatchObject({ status: 0 });
    expect(await paydrop.run(['doctor'], { cwd: root, env })).toMatchObject({ status: 0 });
    mkdirSync(join(root, 'kept'));
    await paydrop.run(['init', join(root, 'kept')]);
    expect(await paydrop.run(['init', join(root, 'kept'), '--records', 'postgres'])).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('records copy'),
    });
  });

  describe('as paydrop doctor sees them', () => {
    async function findings(now: string): Promise<string[]> {
      const lines: string[] = [];
      const output: Output = {
        line: (text = '') => void lines.push(text),
        table: () => undefined,
        facts: () => undefined,
        style: (_, text) => text,
      };
      await doctor({ workspace: workspace.root, clock: testClock(now), output }, {});
      return lines;
    }

    it('have a server with a version, durable writes and a way that can be trusted', async () => {
      setRecords('postgres');
      address = await newDatabase();
      vi.stubEnv('PAYDROP_DATABASE_URL', address);
      const lines = await findings(new Date().toISOString());
      expect(lines).toContainEqual(expect.stringMatching(/^ok +server +PostgreSQL at .*: version \d+.*no pooler/));
      expect(lines).toContainEqual(
        expect.stringMatching(/^ok +durable +fsync and full_page_writes on, synchronous_commit on/),
      );
      expect(lines).toContainEqual(expect.stringMatching(/^ok +way +a socket, or on this machine/));
      expect(lines).toContainEqual(expect.stringMatching(/^ok +machines +none is at work/));
    });

    it('have a problem where the role may not write, and none on a machine that is new', async () => {
      setRecords('postgres');
      address = await newDatabase();
      vi.stubEnv('PAYDROP_DATABASE_URL', address);
      const first = testWorkspace({ records: 'postgres', machine: 'pay-2' });
      const tools = await openWorkspace({ workspace: first.root, env: process.env, clock: first.clock });
      await tools.close();
      const isProblem = (line: string) => line.startsWith('PROBLEM');
      // The bundled sandbox is the other machine's.
      expect((await findings(new Date().toISOString())).filter(isProblem)).toEqual([
        expect.stringMatching(/^PROBLEM +provider +the bundled sandbox/),
      ]);

      const [server, database] = [await sharedServer(), new URL(address).pathname.slice(1)];
      await server.query(database, 'CREATE ROLE reader LOGIN; GRANT pg_read_all_data TO reader');
      vi.stubEnv('PAYDROP_DATABASE_URL', address.replace('paydrop@', 'reader@'));
      expect((await findings(new Date().toISOString())).filter(isProblem)).toContainEqual(
        expect.stringMatching(/^PROBLEM +rights +the role may not change the table amendments/),
      );
    });

    it('have a problem where the clocks differ', async () => {
      setRecords('postgres');
      const lines = await findings(new Date(Date.now() + 3_600_000).toISOString());
      expect(lines).toContainEqual(
        expect.stringMatching(/^PROBLEM +server clock +the server's clock is 3[56]\d\d\.\d s behind/),
      );
    });
  });

  it('are refused to a paydrop that still counts on the file', async () => {
    await takenOver();
    setRecords('sqlite');
    for (const command of [['status'], ['run'], ['validate', workspace.path('paydrop.json')], ['doctor']])
      expect((await run(...command)).status, command.join(' ')).toBe(2);
    expect(() => openSqlite({ path: workspace.path('data', 'paydrop.db') })).toThrow();
  });
});
