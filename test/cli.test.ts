import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readLedger, SANDBOX_KEYS } from '../src/sandbox/sandbox.ts';
import { beginLookUpOnly } from '../src/store/anchor.ts';
import { Sqlite as Database } from '../src/store/sqlite/connection.ts';
import { lockWorkspace } from '../src/store/sqlite/lock.ts';
import { builtProgram, startProcess } from './support/cli.ts';
import { examplesIn, firstDifference, shownIn } from './support/examples.ts';
import { httpReceiver } from './support/receiver.ts';
import { ALL, sampled } from './support/sample.ts';
import { SANDBOX_SECRETS } from './support/secrets.ts';
import {
  instruction,
  instructions,
  ORDERS,
  type TestWorkspace,
  temporaryFolder,
  testWorkspace,
} from './support/workspace.ts';

const COMMANDS = [
  'run',
  'watch',
  'validate',
  'status',
  'show',
  'list',
  'export',
  'statement',
  'report',
  'explain',
  'backup',
  'restore',
  'sandbox',
  'init',
  'doctor',
  'demo',
  'completion',
];
const DAY = '2026-03-02';
/** Nothing listens there: the port is reserved (tcpmux), and not in use. */
const NO_SUBJECT = 'http://127.0.0.1:1';
const ESCAPE = '\x1b';

const paydrop = builtProgram();

function inWorkspace(workspace: TestWorkspace, ...args: string[]) {
  return paydrop.run(args, { cwd: workspace.root });
}

/** What `paydrop run --date DAY` does, in this process: for tests of what comes after it, as a start takes most of the time. */
function passed(workspace: TestWorkspace) {
  workspace.clock.setWall(new Date().toISOString());
  return workspace.pass({ businessDate: DAY });
}

/** A workspace with orders and payouts P1, P2 … dropped. */
function withPayouts(count: number, settings: object = {}): TestWorkspace {
  const workspace = testWorkspace(settings);
  workspace.drop('orders.csv', ORDERS);
  workspace.drop('payouts.csv', instructions(...Array.from({ length: count }, (_, at) => instruction(`P${at + 1}`))));
  return workspace;
}

/** Every file under a folder with its content; SQLite's side files come and go with its readers and hold nothing. */
function contentsOf(folder: string): Record<string, string> {
  const contents: Record<string, string> = {};
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && !/-(wal|shm)$/.test(path)) contents[path] = readFileSync(path, 'latin1');
  }
  return contents;
}

function statusesOf(workspace: TestWorkspace, name: string): string[] {
  return workspace.rows(name).map(({ status = '' }) => status);
}

describe('the command line', () => {
  it.each(sampled(COMMANDS, 3))('%s --help has an example', async (command) => {
    const { status, stdout } = await paydrop.run([command, '--help']);
    expect(status).toBe(0);
    expect(stdout).toContain(`Usage: paydrop ${command}`);
    expect(stdout).toMatch(new RegExp(`Example:\n  \\$ paydrop ${command}`));
  });

  it('--help lists every command and what the exit statuses mean', async () => {
    const { status, stdout } = await paydrop.run(['--help']);
    expect(status).toBe(0);
    for (const command of COMMANDS) expect(stdout).toMatch(new RegExp(`^  ${command} `, 'm'));
    expect(stdout).toContain('Exit status:');
  });

  it('--version is that of the package', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
    expect(await paydrop.run(['--version'])).toMatchObject({ status: 0, stdout: `${version}\n` });
  });

  const ERRORS_OF_USAGE: [string, string[], string][] = [
    ['no command', [], 'Usage: paydrop'],
    ['an unknown command', ['rnu'], "unknown command 'rnu'\n(Did you mean run?)"],
    ['an unknown option', ['run', '--dat', DAY], "unknown option '--dat'"],
    ['one argument too many', ['run', 'now'], 'too many arguments'],
    ['a day that does not exist', ['run', '--date', '2026-02-30'], 'expected a date that exists, as YYYY-MM-DD'],
    ['a date in another order', ['validate', 'x.csv', '--date', '02-03-2026'], 'expected a date that exists'],
    ['no file to validate', ['validate'], "missing required argument 'file'"],
    ['a file that is not there', ['validate', 'nowhere.csv'], 'nowhere.csv: there is no such file'],
    ['a file number that is none', ['report', 'payouts.csv'], 'expected a whole number'],
    ['a code that is none', ['explain', 'AMOUNT_OUT_OF_RANG'], 'the nearest is AMOUNT_OUT_OF_RANGE'],
    ['references that are none', ['show', 'C1//P1'], 'expected CUSTOMER, CUSTOMER/ORDER or CUSTOMER/ORDER/INSTRUCTION'],
    ['a port that is none', ['sandbox', '--port', '70000'], 'expected a whole number from 0 to 65535'],
    ['faults that are not there', ['sandbox', '--faults', 'nowhere.json'], '--faults nowhere.json'],
  ];

  it.each(sampled(ERRORS_OF_USAGE, 3))('%s is an error of usage, told on stderr alone', async (_, args, told) => {
    const { status, stdout, stderr } = await paydrop.run(args, { cwd: testWorkspace().root });
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(told);
  });

  const ON_RECORDS = [
    ['run'],
    ['watch'],
    ['validate', 'orders.csv'],
    ['status'],
    ['show', 'C1'],
    ['backup', 'copy.db'],
  ];

  it.each(sampled(ON_RECORDS, 2))(
    '%s in a folder without a paydrop.json makes nothing, and says how to make a workspace',
    async (...args) => {
      const folder = temporaryFolder();
      writeFileSync(join(folder, 'orders.csv'), ORDERS);
      const { status, stderr } = await paydrop.run(args, { cwd: folder });
      expect({ status, made: readdirSync(folder) }).toEqual({ status: 2, made: ['orders.csv'] });
      expect(stderr).toContain(`no paydrop.json in ${folder}: paydrop init ${folder} makes a new workspace`);
    },
  );

  it.each([
    [
      'an unknown key',
      '{"intake":{"setle":"1s"}}',
      'intake.setle: there is no such setting; the nearest is intake.settle',
    ],
    ['a value of the wrong type', '{"submit":"hourly"}', 'submit: expected "nightly" or "on-arrival"'],
    ['something that is not JSON', '{"submit":', 'is not JSON'],
  ])('a paydrop.json with %s is told by its key, and nothing is done', async (_, settings, told) => {
    const workspace = testWorkspace();
    writeFileSync(workspace.path('paydrop.json'), settings);
    workspace.drop('orders.csv', ORDERS);
    const { status, stdout, stderr } = await inWorkspace(workspace, 'run');
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(told);
    expect(readdirSync(workspace.path('inbox'))).toEqual(['orders.csv']);
  });

  it('a bad paydrop.json stops every command that works on the workspace', async () => {
    const workspace = testWorkspace();
    writeFileSync(workspace.path('paydrop.json'), '{"intake":{"setle":"1s"}}');
    const file = workspace.path('paydrop.json');
    const all = [['watch'], ['status'], ['validate', file], ['show', 'C1'], ['report', '1'], ['doctor'], ['init']];
    for (const args of sampled(all, 2)) {
      const { status, stdout, stderr } = await inWorkspace(workspace, ...args);
      expect(status, args[0]).toBe(2);
      expect(stdout + stderr, args[0]).toContain('the nearest is intake.settle');
    }
  });

  it.each(sampled(['Mars/Base', ''], 2))(
    'a time zone of the machine (TZ=%j) that has no name stops it, until one is set',
    async (TZ) => {
      const workspace = testWorkspace();
      writeFileSync(workspace.path('paydrop.json'), '{}');
      const run = () => paydrop.run(['run'], { cwd: workspace.root, env: { TZ } });
      expect(await run()).toMatchObject({ status: 2, stderr: expect.stringContaining('schedule.timeZone: ') });
      writeFileSync(workspace.path('paydrop.json'), '{"schedule":{"timeZone":"Asia/Kolkata"}}');
      expect(await run()).toMatchObject({ status: 0 });
    },
  );

  it.runIf(ALL)('names each secret that is missing, and takes it from a private file', async () => {
    const workspace = testWorkspace({ provider: { baseUrl: NO_SUBJECT, currencies: ['INR'] } });
    const without = await inWorkspace(workspace, 'run');
    expect(without.status).toBe(2);
    for (const name of Object.keys(SANDBOX_SECRETS)) expect(without.stderr).toContain(`${name} is not set`);

    writeFileSync(workspace.path('salt'), 'canary-salt\n', { mode: 0o644 });
    const env = { ...SANDBOX_SECRETS, PAYDROP_SALT_KEY: '', PAYDROP_SALT_KEY_FILE: workspace.path('salt') };
    const open = await paydrop.run(['run'], { cwd: workspace.root, env });
    expect(open).toMatchObject({ status: 2, stderr: expect.stringContaining('can be read by others') });
    chmodSync(workspace.path('salt'), 0o600);
    expect(await paydrop.run(['run'], { cwd: workspace.root, env })).toMatchObject({ status: 0, stderr: '' });
  });

  it.runIf(ALL)(
    'works on the workspace that is named, else on that of the environment, else on the current folder',
    async () => {
      const [named, environment, current] = [testWorkspace(), testWorkspace(), testWorkspace()];
      const env = { PAYDROP_WORKSPACE: environment.root };
      await paydrop.run(['run', '--workspace', named.root], { cwd: current.root, env });
      expect([named, environment, current].map(({ path }) => existsSync(path('outbox')))).toEqual([true, false, false]);
      await paydrop.run(['run'], { cwd: current.root, env });
      expect([environment, current].map(({ path }) => existsSync(path('outbox')))).toEqual([true, false]);
      await paydrop.run(['run'], { cwd: current.root });
      expect(existsSync(current.path('outbox'))).toBe(true);
    },
  );

  it.runIf(ALL)('has neither colour nor progress in a pipe', async () => {
    const workspace = withPayouts(3, { intake: { settle: '1500ms' } });
    for (const args of sampled([['run'], ['status'], ['doctor'], ['show', 'C1'], ['explain']], 2)) {
      const { stdout, stderr } = await inWorkspace(workspace, ...args);
      expect(stderr, args[0]).toBe('');
      expect(stdout, args[0]).not.toContain(ESCAPE);
    }
  });

  it('ends well when its reader goes away', async () => {
    const explaining = paydrop.start(['explain']);
    explaining.process.stdout?.destroy();
    expect(await explaining.ended).toMatchObject({ status: 0, stderr: '' });
  });

  it.skipIf(!existsSync('/dev/full'))('says so when what it prints can not be written', async () => {
    const full = openSync('/dev/full', 'w');
    const { status, stderr } = await paydrop.run(['explain'], { stdout: full });
    closeSync(full);
    expect(status).toBe(3);
    expect(stderr).toContain('ENOSPC');
  });
});

describe('at a terminal', () => {
  const hasScript = existsSync('/usr/bin/script');
  if (!hasScript) process.stderr.write('SKIPPED: without util-linux script(1) there is no terminal to test with\n');

  it.runIf(ALL && hasScript)(
    'what takes longer than a second shows how far it is, and NO_COLOR takes the colour away',
    async () => {
      const screen = async (env: Record<string, string>) => {
        const workspace = withPayouts(1, { intake: { settle: '1500ms' } });
        const command = `'${process.execPath}' '${paydrop.main()}' run --date ${DAY}`;
        const options = { cwd: workspace.root, env: { TERM: 'xterm', ...env } };
        const { stdout } = await startProcess('/usr/bin/script', ['-qec', command, '/dev/null'], options).ended;
        return stdout;
      };
      const [coloured = '', plain = ''] = await Promise.all([screen({}), screen({ NO_COLOR: '1' })]);
      expect(coloured).toContain('waiting for files that are still being written … 2');
      expect(coloured).toContain(`${ESCAPE}[33mSANDBOX`);
      expect(plain).toContain('waiting for files that are still being written … 2');
      expect(plain).not.toContain(`${ESCAPE}[33m`);
      expect(plain).toContain('Sent 1 payout and looked up 1 payout.');
    },
  );
});

describe('paydrop run', () => {
  it('takes in, sends, reports, and says what it did', async () => {
    const workspace = withPayouts(2);
    const { status, stdout, stderr } = await inWorkspace(workspace, 'run', '--date', DAY);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^SANDBOX: no money moved/);
    expect(stdout).toContain(`Run 000001, business date ${DAY}`);
    expect(stdout).toMatch(/^000002 {2}payouts\.csv +accepted +2 +0 +0$/m);
    expect(stdout).toContain('Sent 2 payouts and looked up 2 payouts.');
    expect(stdout).toMatch(/^submitted {2}INR +2 {2}420\.00$/m);
    expect(stdout).toContain(`Reports are in ${workspace.path('outbox')}.`);
    expect(statusesOf(workspace, 'payouts.000002.result.csv')).toEqual(['submitted', 'submitted']);
  });

  it('ends with 1 when rows were rejected, and says what to do with them', async () => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', instructions(instruction('P1'), instruction('P2', '0')));
    const { status, stdout } = await inWorkspace(workspace, 'run', '--date', DAY);
    expect(status).toBe(1);
    expect(stdout).toContain(
      '! 1 row to correct: repair the .rejected.csv of the file and drop it back under its name, or close it: paydrop close --file NUMBER --reason TEXT (the sender of the file).',
    );
  });

  it.runIf(ALL)('a second time finds nothing new', async () => {
    const workspace = withPayouts(2);
    await passed(workspace);
    await passed(workspace);
    const before = workspace.ledger().length;
    const reports = workspace.outbox().filter((name) => !/^run\.|^index\.html$/.test(name));
    const contents = reports.map((name) => workspace.read(name));
    const { status, stdout } = await inWorkspace(workspace, 'run', '--date', DAY, '--json');
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ files: [], sent: 0, moved: {} });
    expect(workspace.ledger()).toHaveLength(before);
    expect(reports.map((name) => workspace.read(name))).toEqual(contents);
  });

  it.runIf(ALL)('--date decides what is sent', async () => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', instructions(instruction('P1', '1', '2026-03-05')));
    await inWorkspace(workspace, 'run', '--date', '2026-03-04');
    expect(statusesOf(workspace, 'payouts.000002.result.csv')).toEqual(['scheduled']);
    await inWorkspace(workspace, 'run', '--date', '2026-03-05');
    expect(statusesOf(workspace, 'payouts.000002.result.csv')).toEqual(['submitted']);
  });

  it('--json says the same for machines', async () => {
    const workspace = withPayouts(2);
    const { stdout } = await inWorkspace(workspace, 'run', '--date', DAY, '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      sandbox: true,
      run: 1,
      businessDate: DAY,
      files: [
        { file: 1, name: 'orders.csv', kind: 'orders', verdict: 'accepted', code: null, rows: 2 },
        { file: 2, name: 'payouts.csv', kind: 'instructions', verdict: 'accepted', rows: 2, rejected: 0, duplicate: 0 },
      ],
      sent: 2,
      lookedUp: 2,
      moved: { submitted: 2 },
      counts: [{ status: 'submitted', currency: 'INR', count: 2, amount: '420.00' }],
      unfinished: null,
    });
  });

  it.runIf(ALL)('of a hundred files fits on a screen, and shows those first that need a person', async () => {
    const workspace = testWorkspace();
    const [header] = ORDERS.split('\n');
    for (let number = 100; number < 199; number++)
      workspace.drop(`${number}.csv`, `${header}\nC1,O${number},INR,IN,0b9f8a52-5d0c-4a57-9f0e-3a4f6c1d2e70,\n`);
    workspace.drop('199.csv', 'some,other,columns\n');
    const { status, stdout } = await inWorkspace(workspace, 'run', '--date', DAY);
    const lines = stdout.split('\n');
    expect(status).toBe(1);
    expect(lines.length).toBeLessThan(40);
    expect(lines[4]).toMatch(/^000100 {2}199\.csv +rejected: FILE_HEADER_NOT_RECOGNISED/);
    expect(stdout).toContain('… and 80 more, none of them rejected.');
  });

  it('ends with 3 while another instance holds the workspace', async () => {
    const workspace = withPayouts(1);
    mkdirSync(workspace.path('data'));
    const lock = lockWorkspace(workspace.path('data', 'lock'));
    const { status, stdout, stderr } = await inWorkspace(workspace, 'run');
    expect({ status, stdout }).toEqual({ status: 3, stdout: '' });
    expect(stderr).toContain(`another paydrop is working on ${workspace.root}`);
    lock?.release();
    expect(await inWorkspace(workspace, 'run')).toMatchObject({ status: 0 });
  });

  it.runIf(ALL)(
    'has its address asked when it begins, ends or can not begin, and not while another instance is at work',
    async () => {
      const receiver = await httpReceiver();
      const asked = () => receiver.received.splice(0).map(({ path }) => path);
      const workspace = withPayouts(1, { ping: `${receiver.url}/check` });
      mkdirSync(workspace.path('data'));
      const lock = lockWorkspace(workspace.path('data', 'lock'));
      expect(await inWorkspace(workspace, 'run')).toMatchObject({ status: 3 });
      expect(asked()).toEqual([]);
      lock?.release();
      expect(await inWorkspace(workspace, 'run')).toMatchObject({ status: 0 });
      expect(asked()).toEqual(['/check/start', '/check']);
      rmSync(workspace.path('inbox'), { recursive: true });
      writeFileSync(workspace.path('inbox'), '');
      expect((await inWorkspace(workspace, 'run')).status).toBeGreaterThan(1);
      expect(asked()).toEqual(['/check/fail']);
    },
  );

  it.each(sampled([[1], [12]], 2))(
    'ends with 3 when the provider can not be reached with %i payouts to send',
    async (count) => {
      const workspace = withPayouts(count, { provider: { baseUrl: NO_SUBJECT, currencies: ['INR', 'JPY'] } });
      const { status, stdout } = await paydrop.run(['run', '--date', DAY], {
        cwd: workspace.root,
        env: SANDBOX_SECRETS,
      });
      expect(stdout).toContain('The last run is not finished: ');
      expect(status).toBe(3);
      expect(statusesOf(workspace, 'payouts.000002.result.csv')).toEqual(Array(count).fill('ready'));
    },
  );
});

describe('paydrop sandbox', () => {
  it.runIf(ALL)('serves another workspace over HTTP, and no secret is found anywhere in it', async () => {
    const folder = temporaryFolder();
    const sandbox = paydrop.start(['sandbox', '--port', '0', '--ledger', 'ledger.jsonl'], { cwd: folder });
    await sandbox.says('It runs until it is stopped');
    const printed = sandbox.stdout();
    const { provider } = JSON.parse(`{${/"provider": \{.*\}/.exec(printed)?.[0]}}`) as { provider: object };
    const env = Object.fromEntries(
      [...printed.matchAll(/(PAYDROP_\w+)=(\S+)/g)].map(([, name, value]) => [name, value]),
    );
    const workspace = withPayouts(3, { provider: { ...provider, currencies: ['INR', 'JPY'] } });
    const run = () => paydrop.run(['run', '--date', DAY], { cwd: workspace.root, env });
    const runs = [await run(), await run()];
    expect(runs.map(({ status }) => status)).toEqual([0, 0]);
    expect(statusesOf(workspace, 'payouts.000002.result.csv')).toEqual(['paid', 'paid', 'paid']);
    const accepted = [...readLedger(join(folder, 'ledger.jsonl'))].filter(({ kind }) => kind === 'accepted');
    expect(accepted).toHaveLength(3);

    expect(await paydrop.run(['doctor'], { cwd: workspace.root, env })).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('answers, and takes the credentials'),
    });
    expectNowhere([SANDBOX_KEYS.clientSecret, SANDBOX_KEYS.saltKey], workspace, runs);

    sandbox.process.kill('SIGTERM');
    expect(await sandbox.ended).toMatchObject({ status: 0, stderr: '' });
  });

  it.runIf(ALL)('that refuses the credentials stops the run, and they are found nowhere', async () => {
    const sandbox = paydrop.start(['sandbox'], { cwd: temporaryFolder() });
    await sandbox.says('It runs until it is stopped');
    const [baseUrl] = /http:\/\/127\.0\.0\.1:\d+/.exec(sandbox.stdout()) ?? [];
    const workspace = withPayouts(2, { provider: { baseUrl, currencies: ['INR', 'JPY'] } });
    const env = {
      PAYDROP_CLIENT_KEY: 'canary-key-5b1f',
      PAYDROP_CLIENT_SECRET: 'canary-secret-9c2e',
      PAYDROP_SALT_KEY: 'canary-salt-77d0',
    };
    const runs = [
      await paydrop.run(['run', '--date', DAY], { cwd: workspace.root, env }),
      await paydrop.run(['doctor'], { cwd: workspace.root, env }),
    ];
    expect(runs.map(({ status }) => status)).toEqual([3, 2]);
    expect(runs[0]?.stdout).toContain('! The last run is not finished: ');
    expectNowhere(Object.values(env), workspace, runs);
  });

  it('says so when its port is taken', async () => {
    const first = paydrop.start(['sandbox'], { cwd: temporaryFolder() });
    await first.says('It runs until it is stopped');
    const [, port = ''] = /127\.0\.0\.1:(\d+)/.exec(first.stdout()) ?? [];
    const second = await paydrop.run(['sandbox', '--port', port], { cwd: temporaryFolder() });
    expect(second).toMatchObject({ status: 2, stderr: expect.stringContaining('EADDRINUSE') });
  });

  function expectNowhere(
    secrets: string[],
    workspace: TestWorkspace,
    runs: { stdout: string; stderr: string }[],
  ): void {
    const places = {
      ...contentsOf(workspace.root),
      ...Object.fromEntries(runs.map((run, at) => [at, run.stdout + run.stderr])),
    };
    for (const [place, content] of Object.entries(places))
      for (const secret of secrets) {
        const spellings = [secret, Buffer.from(secret).toString('base64').replace(/=+$/, '')];
        for (const spelling of spellings) expect(content.includes(spelling), `a secret is in ${place}`).toBe(false);
      }
  }
});

describe('paydrop validate', () => {
  it.runIf(ALL)('gives the verdicts of a later run and changes nothing', async () => {
    const workspace = withPayouts(2);
    await passed(workspace);
    writeFileSync(
      workspace.path('more.csv'),
      instructions(instruction('P1'), instruction('P2', '7'), instruction('P9')),
    );
    const before = contentsOf(workspace.root);
    const dry = await inWorkspace(workspace, 'validate', 'more.csv', '--date', DAY, '--json');
    expect(contentsOf(workspace.root)).toEqual(before);
    expect(dry).toMatchObject({ status: 1, stderr: '' });
    const [foreseen] = JSON.parse(dry.stdout) as [{ verdict: string; rows: object; errors: object }];
    workspace.drop('more.csv', readFileSync(workspace.path('more.csv')));
    await passed(workspace);
    const real = JSON.parse(workspace.read('more.000003.receipt.json')) as typeof foreseen;
    expect(foreseen).toMatchObject({ verdict: real.verdict, errors: real.errors });
    expect(foreseen.rows).toEqual({
      read: 3,
      reported: 3,
      blankLines: 0,
      byStatus: { ready: 1, rejected: 1, duplicate: 1 },
    });
    expect(real.rows).toEqual({
      read: 3,
      reported: 3,
      blankLines: 0,
      byStatus: { submitted: 1, rejected: 1, duplicate: 1 },
    });
  });

  it('shows each error with its line and what is wrong', async () => {
    const workspace = testWorkspace();
    writeFileSync(workspace.path('orders.csv'), ORDERS);
    writeFileSync(workspace.path('payouts.csv'), instructions(instruction('P1'), instruction('P2', '-5')));
    const { status, stdout } = await inWorkspace(workspace, 'validate', 'orders.csv', 'payouts.csv', '--date', DAY);
    expect(status).toBe(1);
    expect(stdout).toMatch(/^ {3}3 {2}amount {2}AMOUNT_OUT_OF_RANGE {2}The amount .*: found "-5"\.$/m);
    expect(stdout).toContain('This was a dry run: nothing was taken in or sent.');
    expect(readdirSync(workspace.root).sort()).toEqual(['inbox', 'orders.csv', 'paydrop.json', 'payouts.csv']);
  });

  it('--out writes the same reports a run would', async () => {
    const workspace = testWorkspace();
    writeFileSync(workspace.path('orders.csv'), ORDERS);
    const { status, stdout } = await inWorkspace(workspace, 'validate', 'orders.csv', '--out', 'check');
    expect(status).toBe(0);
    expect(stdout).toContain(`The reports are in ${workspace.path('check')}.`);
    expect(readdirSync(workspace.path('check')).sort()).toEqual([
      'orders.000001.receipt.json',
      'orders.000001.report.html',
      'orders.000001.result.csv',
    ]);
  });
});

describe('paydrop status', () => {
  it('of a workspace where nothing happened yet says how to begin', async () => {
    const { status, stdout } = await inWorkspace(testWorkspace(), 'status');
    expect(status).toBe(0);
    expect(stdout).toContain('Drop files into the inbox and start paydrop run.');
  });

  it.runIf(ALL)('is no wider for a file with a long name, which the receipt has whole', async () => {
    const workspace = testWorkspace();
    const name = `payouts-${'x'.repeat(230)}-november.csv`;
    workspace.drop(name, ORDERS);
    const { stdout: run } = await inWorkspace(workspace, 'run', '--date', DAY);
    const { stdout: status } = await inWorkspace(workspace, 'status');
    const short = `payouts-${'x'.repeat(21)}…${'x'.repeat(16)}-november.csv`;
    for (const shown of [run, status]) {
      expect(shown).toContain(`  ${short}  `);
      expect(shown).not.toContain('x'.repeat(60));
    }
    expect(workspace.read(workspace.outbox().find((file) => file.endsWith('receipt.json')) ?? '')).toContain(name);
  });

  it.runIf(ALL)(
    'shows times as a clock in the configured zone does, and names the zone; show and list do too',
    async () => {
      const workspace = testWorkspace({ schedule: { timeZone: 'Asia/Kolkata' } });
      workspace.drop('orders.csv', ORDERS);
      workspace.drop('payouts.csv', instructions(instruction('P1')));
      await passed(workspace);
      const { receivedAt } = JSON.parse(workspace.read('payouts.000002.receipt.json')) as { receivedAt: string };
      const there = new Date(Date.parse(receivedAt) + 5.5 * 3_600_000).toISOString().replace('T', ' ');
      const { stdout: status } = await inWorkspace(workspace, 'status');
      expect(status).toContain('Received (Asia/Kolkata)');
      expect(status).toContain(`payouts.csv  ${there.slice(0, 16)}`);
      const { stdout: shown } = await inWorkspace(workspace, 'show', 'C1/O1/P1');
      expect(shown).toContain(`${there.slice(0, 19)} Asia/Kolkata from file 000002, line 2`);
      expect(shown).toContain('At (Asia/Kolkata)');
      expect(shown).toMatch(/^SANDBOX: no money moved/);
      expect((await inWorkspace(workspace, 'list')).stdout).toContain('Since (Asia/Kolkata)');
    },
  );

  it.runIf(ALL)('tells files, payouts, who needs to do what, and the oldest one under way', async () => {
    const workspace = testWorkspace();
    workspace.drop('payouts.csv', instructions(instruction('P1')));
    await passed(workspace);
    workspace.drop('broken.csv', 'some,other,columns\n');
    await passed(workspace);
    workspace.drop('later.csv', ORDERS);
    const { status, stdout } = await inWorkspace(workspace, 'status');
    expect(status).toBe(0);
    expect(stdout).toContain('Files: 1 taken in, 1 rejected, 0 duplicate, 1 in the inbox.');
    expect(stdout).toMatch(/^000002 {2}broken\.csv .* rejected: FILE_HEADER_NOT_RECOGNISED$/m);
    expect(stdout).toContain(
      'Who needs to do what\n! 1 file not taken in: the receipt says why: repair the file and drop it under the same name, or close it: paydrop close --file NUMBER --reason TEXT (the sender of the file).\n' +
        '! 1 payout without its order: its order is not there yet: drop the orders file (the sender of the orders).\n    C1/O1/P1,',
    );
    expect(stdout).toContain('The oldest one under way is C1/O1/P1: waiting, received less than an hour ago.');
    const json = JSON.parse((await inWorkspace(workspace, 'status', '--json')).stdout) as object;
    expect(json).toMatchObject({
      sandbox: true,
      inInbox: 1,
      files: { takenIn: 1, rejected: 1, duplicate: 0 },
      counts: [{ status: 'waiting', currency: null, count: 1, amount: null }],
      needsAPerson: [
        { status: null, what: 'refused-files', count: 1, weight: 'person', oldest: [] },
        { status: 'waiting', what: 'waiting', count: 1, weight: 'told', oldest: ['C1/O1/P1'] },
      ],
      oldestOpen: { reference: 'C1/O1/P1', status: 'waiting' },
      lastRun: { number: 2, kind: 'run', businessDate: DAY },
      lastNightly: null,
    });
  });

  it.runIf(ALL)('says by its exit status whether anything needs a person, if asked', async () => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', instructions(instruction('P1', 'much')));
    await passed(workspace);
    expect(await inWorkspace(workspace, 'status')).toMatchObject({ status: 0 });
    expect(await inWorkspace(workspace, 'status', '--check')).toMatchObject({ status: 1 });
    workspace.drop('repaired.csv', instructions(instruction('P1')));
    await passed(workspace);
    expect(await inWorkspace(workspace, 'status', '--check')).toMatchObject({ status: 0 });
    const { store, close } = await workspace.open();
    await beginLookUpOnly(store, 'the database is older than its anchor');
    await close();
    const { status, stdout } = await inWorkspace(workspace, 'status', '--check');
    expect(status).toBe(3);
    expect(stdout).toContain('! Nothing is sent: the database is older than its anchor: ');
    const { status: found, stdout: checks } = await inWorkspace(workspace, 'doctor');
    expect(found).toBe(2);
    expect(checks).toContain('PROBLEM  sending    Nothing is sent: the database is older than its anchor: ');
  });

  it.each(sampled(['status', 'show C1', 'report 1', 'audit verify'], 3))(
    'as %s: records that can not be read never look like none',
    async (words) => {
      const workspace = testWorkspace();
      workspace.drop('orders.csv', ORDERS);
      await workspace.pass();
      rmSync(workspace.path('data'), { recursive: true });
      // The user who runs the tests may read everything, but a file in the folder's place can't be read as a folder.
      writeFileSync(workspace.path('data'), '');
      const { status, stderr } = await inWorkspace(workspace, ...words.split(' '));
      expect(status).toBe(3);
      expect(stderr).toContain("can't be read");
    },
  );

  it('does not count what is scheduled for later as open for long', async () => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', instructions(instruction('P1', '1', '2026-09-01', '2026-09-02')));
    await passed(workspace);
    const { stdout } = await inWorkspace(workspace, 'status');
    expect(stdout).toMatch(/^scheduled {2}INR/m);
    expect(stdout).toContain('Nothing to do.\n\nNothing is under way.');
  });
});

describe('paydrop show', () => {
  it.runIf(ALL)('gets a customer, an order, and an instruction with its history', async () => {
    const workspace = withPayouts(2);
    for (const _ of [1, 2]) await passed(workspace);
    const customer = await inWorkspace(workspace, 'show', 'C1');
    expect(customer.stdout).toMatch(/^C1\/O2 +JPY +JP/m);
    expect(customer.stdout).toMatch(/^C1\/O1\/P2 +210\.00 +INR .* paid /m);
    const order = await inWorkspace(workspace, 'show', 'C1/O1');
    expect(order.stdout).toMatch(/^metadata\.project {2}Solar roof, phase 1$/m);
    expect(order.stdout).toMatch(/^ +\d+ {2}\d{4}-.* P2 +submitted → paid/m);
    expect(order.stdout).not.toContain('C1/O2');
    const one = await inWorkspace(workspace, 'show', 'C1/O1/P1');
    expect(one.status).toBe(0);
    expect(one.stdout).toMatch(/^Taken in +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC from file 000002, line 2$/m);
    expect(one.stdout).toMatch(/1 {2}ready → sending +send 1 as [A-Z2-7]{30}, body [0-9a-f]{12}…$/m);
    expect(one.stdout).toMatch(/1 {2}sending → submitted +accepted \(HTTP 200\), provider order REF/m);
    expect(one.stdout).toMatch(/2 {2}submitted → paid +provider order REF\w+, bank reference \d+$/m);
    const json = JSON.parse((await inWorkspace(workspace, 'show', 'C1/O1/P1', '--json')).stdout) as object;
    expect(json).toMatchObject({
      orders: [{ customerRef: 'C1', orderRef: 'O1' }],
      instructions: [{ status: 'paid', history: [{ to: 'sending' }, { to: 'submitted' }, { to: 'paid', run: 2 }] }],
    });
  });

  it('of what is not there says so', async () => {
    const workspace = withPayouts(1);
    expect(await inWorkspace(workspace, 'show', 'C1')).toMatchObject({ status: 2, stdout: '' });
    await passed(workspace);
    for (const ref of ['C2', 'C1/O9', 'C1/O1/P9'])
      expect(await inWorkspace(workspace, 'show', ref)).toMatchObject({
        status: 2,
        stderr: `paydrop: there is nothing under ${ref}\n`,
      });
  });
});

describe('paydrop report', () => {
  it("writes a file's reports again, the same bytes", async () => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', instructions(instruction('P1'), instruction('P2', 'x')));
    await passed(workspace);
    const names = workspace.outbox().filter((name) => name.includes('.000002.'));
    const before = names.map((name) => workspace.read(name));
    for (const name of names) writeFileSync(workspace.path('outbox', name), 'it was written over');
    const { status, stdout } = await inWorkspace(workspace, 'report', '2');
    expect(status).toBe(0);
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.split('  ')[1])
        .sort(),
    ).toEqual(names);
    expect(names.map((name) => workspace.read(name))).toEqual(before);
    expect(await inWorkspace(workspace, 'report', '3')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('there is no file 3'),
    });
  });
});

describe('paydrop explain', () => {
  it('tells what a code means, in any case, and lists them all', async () => {
    const one = await paydrop.run(['explain', 'amount_out_of_range']);
    expect(one.status).toBe(0);
    expect(one.stdout).toMatch(/^AMOUNT_OUT_OF_RANGE\n.*\n\nCause .*\nRemedy .*\nExample .*\n/);
    const all = await paydrop.run(['explain']);
    const json = JSON.parse((await paydrop.run(['explain', '--json'])).stdout) as { code: string }[];
    for (const { code } of json) expect(all.stdout).toMatch(new RegExp(`^${code} `, 'm'));
  });

  it('knows the answers of the provider, and the statuses', async () => {
    const answer = await paydrop.run(['explain', '0X0203']);
    expect(answer.stdout).toMatch(/^0x0203\nThe provider's answer: missing parameter\n\nMeans .*declined/);
    const status = await paydrop.run(['explain', 'manual']);
    expect(status.stdout).toMatch(
      /^manual\nno clear answer .*\n\nTo do .*paydrop resolve .* --reason TEXT\nMay become paid, failed\n$/,
    );
    const none = await paydrop.run(['explain', 'INSUFFICIENT_FUNDS']);
    expect(none).toMatchObject({ status: 2, stderr: expect.stringContaining('explained by the words beside it') });
    const far = await paydrop.run(['explain', 'nope']);
    expect(far).toMatchObject({ status: 2, stderr: expect.stringContaining('paydrop explain lists all codes') });
    expect(far.stderr).not.toContain('nearest');
  });
});

describe('paydrop run --date', () => {
  it.runIf(ALL)('asks for --force after tomorrow, and before the date of the last run', async () => {
    const workspace = withPayouts(1, { control: { implausibleDates: 'accept' } });
    const ahead = await inWorkspace(workspace, 'run', '--date', '9999-12-30');
    expect(ahead).toMatchObject({ status: 2, stderr: expect.stringContaining('add --force') });
    expect(workspace.outbox()).toEqual([]);
    expect(await inWorkspace(workspace, 'run', '--date', '9999-12-30', '--force')).toMatchObject({ status: 0 });
    const back = await inWorkspace(workspace, 'run', '--date', DAY);
    expect(back).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('before 9999-12-30, the business date of the last run'),
    });
    expect(await inWorkspace(workspace, 'run', '--date', DAY, '--force')).toMatchObject({ status: 0 });
    expect(await inWorkspace(workspace, 'run', '--date', DAY)).toMatchObject({ status: 0 });
  });
});

describe('paydrop init', () => {
  it.runIf(ALL)('makes a workspace whose templates go through, and overwrites nothing', async () => {
    const folder = temporaryFolder();
    const made = await paydrop.run(['init', 'payouts'], { cwd: folder });
    expect(made.status).toBe(0);
    const root = join(folder, 'payouts');
    expect(statSync(join(root, 'data')).mode & 0o777).toBe(0o700);
    for (const name of ['orders.csv', 'instructions.csv'])
      writeFileSync(join(root, 'inbox', name), readFileSync(join(root, 'templates', name)));
    const run = await paydrop.run(['run', '--json'], { cwd: root });
    expect(run.status).toBe(0);
    expect(JSON.parse(run.stdout)).toMatchObject({
      sent: 1,
      files: [{ verdict: 'accepted' }, { verdict: 'accepted' }],
    });

    writeFileSync(join(root, 'paydrop.json'), '{"inbox":"in"}');
    const again = await paydrop.run(['init', '--workspace', root]);
    expect(again.stdout).toContain(`kept  ${join(root, 'paydrop.json')}`);
    expect(readFileSync(join(root, 'paydrop.json'), 'utf8')).toBe('{"inbox":"in"}');
    expect(existsSync(join(root, 'in'))).toBe(true);
  });
});

describe('paydrop doctor', () => {
  it('finds nothing wrong with a workspace that is well, before and after its first run', async () => {
    const workspace = withPayouts(1);
    expect(await inWorkspace(workspace, 'doctor')).toMatchObject({ status: 0 });
    await passed(workspace);
    const { status, stdout } = await inWorkspace(workspace, 'doctor', '--json');
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toContainEqual({ what: 'database', ok: true, finding: 'sound' });
  });

  it('finds a data folder that others can read', async () => {
    const workspace = withPayouts(1);
    await passed(workspace);
    chmodSync(workspace.path('data'), 0o750);
    const { status, stdout } = await inWorkspace(workspace, 'doctor');
    expect(status).toBe(2);
    expect(stdout).toMatch(/^PROBLEM {2}data .* can be read by others: chmod 700 it$/m);
  });

  it('finds an audit entry that was changed afterwards', async () => {
    const workspace = withPayouts(1);
    await passed(workspace);
    const db = new Database(workspace.path('data', 'paydrop.db'));
    const changed = db.prepare(`SELECT min(seq) FROM audit WHERE body LIKE '%"send":1%'`).pluck().get();
    db.exec('DROP TRIGGER audit_never_updated');
    db.prepare(`UPDATE audit SET body = replace(body, '"send":1', '"send":2') WHERE seq = ?`).run(changed);
    db.close();
    const { status, stdout } = await inWorkspace(workspace, 'doctor');
    expect(status).toBe(2);
    expect(stdout).toMatch(new RegExp(`^PROBLEM {2}audit log {2}entry ${changed} does not follow`, 'm'));
  });

  it('finds a provider that can not be reached, which may be over by itself', async () => {
    const workspace = testWorkspace({ provider: { baseUrl: NO_SUBJECT, currencies: ['INR'] } });
    const { status, stdout } = await paydrop.run(['doctor'], { cwd: workspace.root, env: SANDBOX_SECRETS });
    expect(status).toBe(3);
    expect(stdout).toMatch(/^PROBLEM {2}provider .*ECONNREFUSED/m);
  });

  it('finds secrets that are missing', async () => {
    const workspace = testWorkspace({ provider: { baseUrl: NO_SUBJECT, currencies: ['INR'] } });
    const { status, stdout } = await inWorkspace(workspace, 'doctor');
    expect(status).toBe(2);
    for (const name of Object.keys(SANDBOX_SECRETS))
      expect(stdout).toMatch(new RegExp(`^PROBLEM {2}provider {3}${name} is not set`, 'm'));
  });
});

describe('paydrop demo', () => {
  it.runIf(ALL)('ends with books that agree, in a folder of its own', async () => {
    const folder = temporaryFolder();
    const { status, stdout, stderr } = await paydrop.run(['demo', '--keep', join(folder, 'demo')]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain('They agree, and nothing was paid twice.');
    const [shown] = examplesIn('docs/commands.md').flatMap((example) =>
      example.heading === 'demo' ? shownIn(example) : [],
    );
    expect(firstDifference(shown?.output ?? '', stdout)).toBeUndefined();
    expect(readdirSync(join(folder, 'demo', 'outbox'))).toContain('run.000004.summary.html');
  });

  it('never works in a folder that is in use', async () => {
    const workspace = withPayouts(1);
    const before = contentsOf(workspace.root);
    const { status } = await inWorkspace(workspace, 'demo', '--keep', '.');
    expect(status).toBe(2);
    expect(contentsOf(workspace.root)).toEqual(before);
  });
});
