/** What the program leaves behind, what it says, what it is made of and what it heeds. */
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, relative } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { parseDecimal } from '../../src/domain/money.ts';
import { displayName } from '../../src/inbox/readiness.ts';
import { isDate } from '../../src/intake/validate/cells.ts';
import { matchHeader } from '../../src/intake/validate/header.ts';
import { escapeFormula, unescapeFormula } from '../../src/platform/formula.ts';
import { oneLine } from '../../src/provider/one-line.ts';
import { readEnvelope } from '../../src/provider/payout-orders/envelope.ts';
import { checkScript } from '../../src/sandbox/sandbox.ts';
import { parseSettings } from '../../src/settings/settings.ts';
import { Sqlite as Database, SQLITE_PACKAGE } from '../../src/store/sqlite/connection.ts';
import { builtProgram, startProcess } from '../support/cli.ts';
import { ALL, sampled } from '../support/sample.ts';
import { instruction, instructions, ORDERS, temporaryFolder, testWorkspace } from '../support/workspace.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const DAY = '2026-03-02';
const CONTROLS = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]/;

const paydrop = builtProgram();

function modesUnder(folder: string): Record<string, string> {
  const modes: Record<string, string> = {};
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    modes[relative(folder, path)] = `${entry.isDirectory() ? 'folder' : 'file'} ${mode(path)}`;
  }
  return modes;
}

function mode(path: string): string {
  return (statSync(path).mode & 0o777).toString(8);
}

describe('with a umask of 0', () => {
  it('everything under data is its owner’s alone, and no user beyond the group may write anywhere', async () => {
    const workspace = testWorkspace();
    rmSync(workspace.path('inbox'), { recursive: true });
    const run = (...args: string[]) =>
      startProcess('/bin/sh', ['-c', 'umask 0; exec "$0" "$@"', process.execPath, paydrop.main(), ...args], {
        cwd: workspace.root,
      }).ended;
    await run('run', '--date', DAY);
    expect([mode(workspace.path('inbox')), mode(workspace.path('outbox'))]).toEqual(['770', '750']);
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', instructions(instruction('P1')));
    mkdirSync(workspace.path('inbox', 'half.csv.tmp'));
    expect(await run('run', '--date', DAY)).toMatchObject({ status: 0 });
    expect(await run('backup', workspace.path('copy.db'))).toMatchObject({ status: 0 });

    expect(mode(workspace.path('data'))).toBe('700');
    const inData = Object.entries(modesUnder(workspace.path('data')));
    expect(inData.length).toBeGreaterThan(8);
    expect(inData.filter(([, found]) => found !== 'folder 700' && found !== 'file 600')).toEqual([]);
    const reports = Object.values(modesUnder(workspace.path('outbox')));
    expect([...new Set(reports)]).toEqual(['file 640']);
    expect(mode(workspace.path('copy.db'))).toBe('600');
  });
});

describe('what names, cells and the provider say', () => {
  const EVIL = 'x\x1b[2J\x1b]0;owned\x07\r\n{"level":"info","msg":"pass done"}\u009b31m\u202e';

  it.runIf(ALL)('leaves the log one record a line, and never reaches a terminal as more than text', async () => {
    const faults = temporaryFolder();
    const script = {
      faults: [{ on: 'post', narration: 'P1', fault: { kind: 'decline', message: EVIL } }],
      fates: [{ narration: 'P2', fate: 'failed', message: EVIL }],
    };
    writeFileSync(join(faults, 'faults.json'), JSON.stringify(script));
    const sandbox = paydrop.start(['sandbox', '--faults', 'faults.json'], { cwd: faults });
    await sandbox.says('It runs until it is stopped');
    const said = sandbox.stdout();
    const env = Object.fromEntries([...said.matchAll(/(PAYDROP_\w+)=(\S+)/g)].map(([, name, value]) => [name, value]));
    const [baseUrl] = /http:\/\/127\.0\.0\.1:\d+/.exec(said) ?? [];
    const workspace = testWorkspace({ provider: { baseUrl, currencies: ['INR', 'JPY'] }, submit: 'on-arrival' });
    workspace.drop('orders.csv', ORDERS);
    const cell = `"${EVIL.replaceAll('"', '""')}"`;
    const hostile = Buffer.from(EVIL.replaceAll('/', '').slice(0, 60));
    writeFileSync(
      Buffer.concat([Buffer.from(`${workspace.path('inbox')}/`), hostile]),
      `${instructions(instruction('P1'), instruction('P2'))}C1,O1,P3,${cell}\n`,
    );
    const options = { cwd: workspace.root, env };
    const validated = await paydrop.run(['validate', join(workspace.path('inbox'), hostile.toString())], options);
    const service = paydrop.start(['watch'], options);
    await service.says('pass done');
    service.process.kill('SIGTERM');
    const { stderr: log } = await service.ended;
    for (const line of log.trimEnd().split('\n')) {
      expect(line).not.toMatch(CONTROLS);
      expect(JSON.parse(line)).toMatchObject({ level: expect.any(String), time: expect.any(String) });
    }
    const asked = [
      ['status', '--json'],
      ['show', 'C1/O1/P1'],
      ['show', 'C1/O1/P2', '--json'],
    ];
    const run = await paydrop.run(['run', '--date', DAY], options);
    const shown = [validated, run, ...(await Promise.all(asked.map((args) => paydrop.run(args, options))))];
    expect(
      workspace
        .outbox()
        .map((name) => workspace.read(name))
        .join(''),
    ).toContain('owned');
    for (const { stdout, stderr } of shown) expect(stdout + stderr).not.toMatch(CONTROLS);
    expect(shown.map(({ stdout }) => stdout).join('')).toContain('owned');
  });
});

describe('names of the prototype', () => {
  it('are names like any other in references, headings and amounts of a file', async () => {
    const workspace = testWorkspace();
    const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'prototype'];
    const scheme = '0b9f8a52-5d0c-4a57-9f0e-3a4f6c1d2e70';
    const headings = names.map((name) => `metadata.${name}`).join(',');
    const orders = names.map((name) => `${name},${name},INR,IN,${scheme},${names.join(',')}`);
    workspace.drop('orders.csv', `customerRef,orderRef,currency,country,scheme,${headings}\n${orders.join('\n')}\n`);
    const rows = names.map((name) => `${name},${name},${name},210,2026-03-02,2026-03-06,${name}`);
    workspace.drop('payouts.csv', instructions(...rows, `__proto__,__proto__,x,1,2026-03-02,2026-03-06,`));
    workspace.drop(
      'refused.csv',
      `__proto__,constructor,customerRef,orderRef,instructionRef,amount,openDate,dueDate\n`,
    );
    const rejects = `constructor,__proto__,P1,__proto__,2026-03-02,2026-03-06,\n`;
    workspace.drop('rejected.csv', `${instructions()}${rejects}`);
    await workspace.pass();
    expect(workspace.rows('payouts.000002.result.csv').map(({ status }) => status)).toEqual(Array(6).fill('submitted'));
    expect(JSON.parse(workspace.read('refused.000003.receipt.json'))).toMatchObject({ verdict: 'rejected' });
    expect(workspace.rows('rejected.000004.result.csv')).toMatchObject([
      { customerRef: 'constructor', status: 'rejected' },
    ]);
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  it('are no settings, no faults, and nothing in an answer', () => {
    const settings = ['{"__proto__":{"inbox":"x"}}', '{"provider":{"__proto__":{"a":1}}}', '{"constructor":{}}'];
    for (const text of settings) expect(parseSettings(JSON.parse(text), '.'), text).toMatchObject({ ok: false });
    const columns = parseSettings(JSON.parse('{"columns":{"__proto__":{"amount":1}}}'), '.');
    expect(columns.ok ? Object.getPrototypeOf(columns.value.columns) : Object.prototype).toBe(Object.prototype);
    const scripts = ['{"__proto__":{}}', '{"faults":[{"on":"post","__proto__":{},"fault":{"kind":"reset"}}]}'];
    for (const text of scripts) expect(checkScript(JSON.parse(text)), text).toHaveProperty('problem');
    const body =
      '{"code":"0x0202","message":{"__proto__":"evil"},"data":{"__proto__":{"orderRefId":"X"}},"__proto__":{}}';
    const answer = {
      kind: 'response',
      status: 200,
      contentType: 'application/json',
      retryAfter: undefined,
      body,
    } as const;
    expect(readEnvelope(answer)?.data['orderRefId']).toBeUndefined();
    expect(({} as Record<string, unknown>)['orderRefId'] ?? ({} as Record<string, unknown>)['inbox']).toBeUndefined();
  });
});

describe('the worst text of 64 KB', () => {
  /** Of the processor's time, beyond which it shows how that grows. */
  const SOON_MS = 200;
  const MOST_TRIES = 3;
  const SEEDS = [' ', "'", "'\t", '=', 'a', '9', '9,', '\\"', '\u202e', '😀', 'a b', '\t\n'];
  const worst = SEEDS.flatMap((seed) =>
    [(text: string) => `${text}!`, (text: string) => `!${text}`].map((whole) => ({
      text: whole(seed.repeat(Math.floor(65_536 / seed.length))),
      quarter: whole(seed.repeat(Math.floor(16_384 / seed.length))),
    })),
  );
  const READERS: Readonly<Record<string, (text: string) => unknown>> = {
    'formula protection': (text) => unescapeFormula(escapeFormula(text)),
    'a name': (text) => displayName(Buffer.from(text)),
    'a message of the provider': oneLine,
    'an answer of the provider': (body) =>
      readEnvelope({
        kind: 'response',
        status: 200,
        contentType: 'application/json',
        retryAfter: undefined,
        body: JSON.stringify({ code: body, message: body }),
      }),
    'an amount': parseDecimal,
    'a date': isDate,
    'a heading': (text) => matchHeader([text, 'amount', `metadata.${text}`], {}),
    'many headings': (text) => matchHeader(text.slice(-text.length / 8).split(''), {}),
    'a setting': (text) =>
      parseSettings(
        { provider: { baseUrl: text, timeout: text }, schedule: { nightly: text.slice(0, text.length / 16) } },
        '.',
      ),
  };

  const cpuMs = (work: () => unknown) => {
    const before = process.cpuUsage();
    work();
    return process.cpuUsage(before).user / 1_000;
  };

  it.each(Object.entries(READERS).map(([name, read], nth) => ({ name, read, nth })))(
    'is read in a time that grows no faster than it: $name',
    ({ read, nth }) => {
      for (const { text, quarter } of sampled(worst, 6, nth)) {
        // What takes the square of the length takes sixteen times as long.
        const growsFaster = () => cpuMs(() => read(text)) > 9 * cpuMs(() => read(quarter)) + SOON_MS;
        let tries = 0;
        while (tries < MOST_TRIES && growsFaster()) tries++;
        expect(tries, JSON.stringify(text.slice(0, 4))).toBeLessThan(MOST_TRIES);
      }
    },
  );
});

describe('what the program is made of', () => {
  const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { name?: string; integrity?: string; resolved?: string; hasInstallScript?: boolean }>;
  };
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    allowScripts: Record<string, boolean>;
  };
  const packages = Object.entries(lock.packages).filter(([path]) => path !== '');

  it('is locked to the byte, all of it', () => {
    expect(packages.length).toBeGreaterThan(50);
    expect(packages.filter(([, { integrity }]) => !integrity?.startsWith('sha512-')).map(([path]) => path)).toEqual([]);
    const elsewhere = packages.filter(([, { resolved }]) => resolved !== undefined && !resolved.startsWith('https://'));
    expect(elsewhere).toEqual([]);
  });

  it('runs no script when it is installed but those that are named', () => {
    const scripts = packages
      .filter(([, { hasInstallScript }]) => hasInstallScript)
      .map(([path, { name }]) => name ?? path.split('node_modules/').pop());
    expect([...new Set(scripts)].sort()).toEqual(Object.keys(manifest.allowScripts).sort());
  });

  it.each([
    ['3.51.2', false],
    ['3.50.9', false],
    ['2.99.99', false],
    ['3.51.3', true],
    ['3.52.0', true],
    ['4.0.0', true],
  ])('with SQLite %s opens its records: %s', async (version, opens) => {
    vi.resetModules();
    const require = createRequire(import.meta.url);
    const loaded = require.cache[require.resolve(SQLITE_PACKAGE)] as NodeJS.Module;
    loaded.exports = class extends Database {
      constructor(path: string, options?: object) {
        super(path, options);
        this.function('sqlite_version', () => version);
      }
    };
    onTestFinished(() => {
      loaded.exports = Database;
    });
    const { openDatabase } = await import('../../src/store/sqlite/connection.ts');
    const open = () => openDatabase(join(temporaryFolder(), 'paydrop.db'), 'kept').close();
    if (opens) expect(open).not.toThrow();
    else expect(open).toThrow('3.51.3 or newer is needed');
  });
});

describe('the environment', () => {
  const HEEDED = ['DOAS_USER', 'NODE_TLS_REJECT_UNAUTHORIZED', 'NO_COLOR', 'PAYDROP_WORKSPACE', 'SUDO_USER', 'TERM'];

  it('has no say but in what is documented: there is nothing in it that makes the program fail on purpose', () => {
    const sources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts'))
      .map((path) => readFileSync(join(ROOT, 'src', path), 'utf8'));
    const read = sources.flatMap((text) =>
      [...text.matchAll(/\benv(?:\.(\w+)|\['(\w+)'\])/g)].map(([, a, b]) => a ?? b),
    );
    expect([...new Set(read)].sort()).toEqual(HEEDED);
    const computed = sources.flatMap((text) => text.match(/\benv\[[^'\]]+\]/g) ?? []);
    expect([...new Set(computed)].sort()).toEqual(['env[`$' + '{name}_FILE`]', 'env[name]']);
    for (const text of sources) expect(text).not.toMatch(/failpoint|fail_point|NODE_ENV/i);
  });
});
