/** What is dropped may be hostile: its name, its kind, its size, its cells. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import {
  constants,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join, sep } from 'node:path';
import { parse } from 'csv-parse/sync';
import { describe, expect, it, onTestFinished } from 'vitest';
import { noProgress } from '../src/platform/progress.ts';
import { dryRun } from '../src/service/dry-run.ts';
import { instruction, instructions, ORDERS, type TestWorkspace, testWorkspace } from './support/workspace.ts';

const HEADER = 'customerRef,orderRef,instructionRef,amount,openDate,dueDate,narration';
const UNSAFE = /[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]/;

function dropRaw(workspace: TestWorkspace, name: Buffer, content: string): void {
  writeFileSync(Buffer.concat([Buffer.from(`${workspace.path('inbox')}/`), name]), content);
}

function files(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name));
}

describe('a hostile name', () => {
  const NAMES: readonly (readonly [what: string, name: Buffer])[] = [
    ['with slashes of another system', Buffer.from('x\\..\\..\\outbox\\x.csv')],
    ['with a percent-encoded way up', Buffer.from('%2e%2e%2f..%2fdata%2fpaydrop.db')],
    ['with a line break', Buffer.from('a\nb.csv')],
    ['that writes from right to left', Buffer.from('vsc\u202evsc.csv')],
    ['that clears the screen', Buffer.from('\x1b[2J\x9b.csv')],
    ['of 255 bytes', Buffer.from(`${'n'.repeat(251)}.csv`)],
    ['of 255 bytes in 63 signs', Buffer.from(`${'😀'.repeat(62)}abc.csv`)],
    ['that looks like an option', Buffer.from('--rm -rf.csv')],
    ['that is a formula', Buffer.from('=cmd|calc.csv')],
    ['that is a tag', Buffer.from('<img src=x onerror=alert(1)>.csv')],
    ['that is no UTF-8', Buffer.from([0xff, 0xfe, 0x2e, 0x63, 0x73, 0x76])],
    ['that is no UTF-8 otherwise', Buffer.from([0xff, 0xfd, 0x2e, 0x63, 0x73, 0x76])],
    ['like another but for its case', Buffer.from('TWIN.csv')],
    ['like that other', Buffer.from('twin.csv')],
    ['of a run report', Buffer.from('run.000001.summary.html')],
    ['of a file report', Buffer.from('twin.000001.result.csv')],
    ['of the prototype', Buffer.from('__proto__')],
    ['of the database', Buffer.from('paydrop.db')],
    ['of nothing but a suffix', Buffer.from('csv')],
  ];

  it('is data: each file is accounted for under a safe name inside outbox and data, and shown escaped', async () => {
    const workspace = testWorkspace();
    workspace.drop('0-orders.csv', ORDERS);
    workspace.drop('..x.csv', '');
    for (const [at, [, name]] of NAMES.entries()) dropRaw(workspace, name, instructions(instruction(`P${at}`)));
    const around = readdirSync(workspace.root);
    await workspace.pass();
    expect(readdirSync(workspace.path('inbox'))).toEqual(['..x.csv']);
    expect(readdirSync(workspace.root).sort()).toEqual([...new Set([...around, 'data', 'outbox'])].sort());

    const receipts = workspace.outbox().filter((name) => name.endsWith('.receipt.json'));
    expect(receipts).toHaveLength(NAMES.length + 1);
    for (const name of workspace.outbox()) {
      expect(name).toMatch(
        /^[A-Za-z0-9_][A-Za-z0-9._-]*\.\d{6}\.[a-z]+\.[a-z]+$|^run\.\d{6}\.[a-z]+\.[a-z]+$|^index\.html$/,
      );
      expect(Buffer.byteLength(name)).toBeLessThanOrEqual(255);
      const text = workspace.read(name).replaceAll(/[\r\n\t]/g, '');
      expect(text, name).not.toMatch(UNSAFE);
      if (name.endsWith('.html')) expect(text, name).not.toContain('<img');
    }
    for (const path of files(workspace.path('data', 'archive')))
      expect(path.slice(path.lastIndexOf(sep) + 1)).toMatch(/^\d{6}\.[A-Za-z0-9._-]+$/);
    expect(files(workspace.path('data', 'archive'))).toHaveLength(NAMES.length + 1);
    const refs = workspace
      .outbox()
      .filter((name) => /\.\d{6}\.result\.csv$/.test(name))
      .flatMap((name) => workspace.rows(name))
      .flatMap(({ instructionRef, status }) => (instructionRef ? [`${instructionRef} ${status}`] : []));
    expect(refs.sort()).toEqual(NAMES.map((_, at) => `P${at} submitted`).sort());
  });
});

it('a name as long as a name can be is no obstacle to a dry run', async () => {
  const workspace = testWorkspace();
  const path = workspace.path(`${'n'.repeat(251)}.csv`);
  writeFileSync(path, ORDERS);
  const { root, clock } = workspace;
  const out = workspace.path('check');
  const run = { workspace: root, files: [path], out, businessDate: '2026-03-02', clock, progress: noProgress };
  expect(await dryRun(run)).toMatchObject([{ summary: { rows: 2 } }]);
});

describe('what is no plain file', () => {
  const RUNS_OUT_MS = 20_000;

  it('blocks nothing: pipes, sockets, folders, links and devices are set aside, and the rest is taken in', async () => {
    const workspace = testWorkspace();
    const inbox = (name: string) => workspace.path('inbox', name);
    const outside = workspace.path('outside');
    writeFileSync(outside, `${HEADER}\nCANARY,O1,P1,1,2026-03-02,2026-03-02,\n`);
    for (const name of ['a', 'b', 'c', 'd', 'e']) execFileSync('mkfifo', [inbox(`pipe-${name}.csv`)]);
    const socket = createServer().listen(inbox('socket.csv'));
    await once(socket, 'listening');
    onTestFinished(() => void socket.close());
    mkdirSync(inbox('folder.csv'));
    symlinkSync(outside, inbox('link.csv'));
    symlinkSync('/dev/zero', inbox('link-to-device.csv'));
    symlinkSync('..', inbox('link-to-folder.csv'));
    linkSync(outside, inbox('second-name.csv'));
    const made = makeDevice(inbox('device.csv')) ? 1 : 0;
    workspace.drop('orders.csv', ORDERS);

    const summary = await within(RUNS_OUT_MS, workspace.pass());
    expect(summary.files).toHaveLength(12 + made);
    expect(readdirSync(workspace.path('inbox'))).toEqual([]);
    expect(readdirSync(workspace.path('data', 'quarantine'))).toHaveLength(11 + made);
    expect(workspace.outbox().filter((name) => name.endsWith('.errors.csv'))).toHaveLength(11 + made);
    expect(
      workspace.outbox().filter((name) => name.startsWith('orders.') && name.endsWith('.result.csv')),
    ).toHaveLength(1);
    expectNoCanary(workspace);
  });
});

function expectNoCanary(workspace: TestWorkspace): void {
  for (const path of [...files(workspace.path('data')), ...files(workspace.path('outbox'))])
    if (lstatSync(path).isFile() && !path.includes('quarantine'))
      expect(readFileSync(path).includes('CANARY'), path).toBe(false);
}

function makeDevice(path: string): boolean {
  try {
    execFileSync('mknod', [path, 'c', '1', '5'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

describe('a side file', () => {
  const content = instructions(instruction('P1'));
  const KINDS: readonly (readonly [what: string, make: (path: string, workspace: TestWorkspace) => unknown])[] = [
    ['a link to a secret', (path, workspace) => symlinkSync(secret(workspace), path)],
    ['a second name of a secret', (path, workspace) => linkSync(secret(workspace), path)],
    ['a folder', (path) => mkdirSync(path)],
    ['a pipe', (path) => execFileSync('mkfifo', [path])],
    [
      'a pipe that a process holds open',
      (path) => {
        execFileSync('mkfifo', [path]);
        openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
      },
    ],
    [
      'a socket',
      async (path) => {
        const socket = createServer().listen(path);
        await once(socket, 'listening');
        onTestFinished(() => void socket.close());
      },
    ],
  ];
  function secret(workspace: TestWorkspace): string {
    const path = workspace.path('secret');
    writeFileSync(path, 'c0ffee'.repeat(11).slice(0, 64));
    return path;
  }

  it.each(KINDS)('that is %s proves nothing, stops nothing and is not shown', async (_, make) => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', content);
    await make(workspace.path('inbox', 'payouts.csv.sha256'), workspace);
    await within(10_000, workspace.pass());
    expect(readdirSync(workspace.path('inbox'))).toEqual([]);
    expect(readdirSync(workspace.path('data', 'work'))).toEqual([]);
    const receipt = JSON.parse(workspace.read('payouts.000002.receipt.json')) as { verdict: string };
    expect(receipt.verdict).toBe('rejected');
    expect(workspace.read('payouts.000002.errors.csv')).toContain('FILE_CHECKSUM_MISMATCH');
    for (const name of workspace.outbox()) expect(workspace.read(name), name).not.toContain('c0ffee');
  });
});

describe('a limit', () => {
  const content = `${HEADER}\n${['P1', 'P2', 'P3'].map((ref) => instruction(ref)).join('\n')}\n`;
  const bytes = Buffer.byteLength(content);

  it.each([
    ['maxFileSize', `${bytes - 1}B`, 'FILE_SIZE_OUT_OF_RANGE'],
    ['maxFileSize', `${bytes}B`, undefined],
    ['maxRows', 2, 'FILE_ROWS_OUT_OF_RANGE'],
    ['maxRows', 3, undefined],
  ])('of intake.%s %s is reached, and not passed: %s', async (name, limit, code) => {
    const workspace = testWorkspace({ intake: { [name]: limit } });
    workspace.drop('payouts.csv', content);
    await workspace.pass();
    const { problem } = JSON.parse(workspace.read('payouts.000001.receipt.json')) as {
      problem: { code: string } | null;
    };
    expect(problem?.code).toBe(code);
    expect(workspace.outbox().includes('payouts.000001.result.csv')).toBe(code === undefined);
  });
});

/** By the rule itself: what a spreadsheet may take for a formula, blanks in front or not, and what it may split a cell at. */
function runsAsFormula(cell: string): boolean {
  const first = cell.trimStart().codePointAt(0) ?? 0x61;
  const starters = [0x3d, 0x2b, 0x2d, 0x40, 0x00, 0xff1d, 0xff0b, 0xff0d, 0xff20];
  return starters.includes(first) || [0x09, 0x0a, 0x0d].includes(cell.codePointAt(0) ?? 0x61);
}

describe('a cell that runs as a formula', () => {
  const PAYLOADS = [
    '=1+1',
    '+1',
    '-1',
    '@SUM(A1)',
    '＝1',
    '＋1',
    '－1',
    '＠1',
    "'=1",
    "''-1",
    '\t=1',
    ' =1',
    '\u00a0=1',
  ];

  it('stands in no CSV, whatever name, cell or answer it came from; dropped back, it is what it was', async () => {
    expect(PAYLOADS.filter((text) => !runsAsFormula(text))).toEqual(["'=1", "''-1"]);
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    const rows = PAYLOADS.map((text, at) => `C1,O1,P${at},${text.trim()},2026-03-02,2026-03-06,"${text}"`);
    const good = PAYLOADS.map((text, at) => `C1,O1,G${at},210,2026-03-02,2026-03-06,"${text}"`);
    const refs = PAYLOADS.map((text) => `"${text}",O1,R,210,2026-03-02,2026-03-06,`);
    workspace.drop('=payouts.csv', instructions(...rows, ...good, ...refs));
    workspace.drop('=second.csv', instructions(...good));
    const messages = PAYLOADS.map((message, at) => ({
      on: 'post' as const,
      remark: 'O1',
      narration: PAYLOADS[at]?.trim() ?? '',
      fault: { kind: 'decline' as const, message },
    }));
    await workspace.pass({ faults: { faults: messages } });
    const csvs = workspace.outbox().filter((name) => name.endsWith('.csv'));
    expect(csvs.length).toBeGreaterThanOrEqual(5);
    for (const name of csvs) {
      const cells = parse(workspace.read(name), { relax_column_count: true }).flat() as string[];
      expect(cells.filter(runsAsFormula), name).toEqual([]);
    }
    const [rejected = ''] = csvs.filter((name) => /payouts\.\d+\.rejected\.csv$/.test(name));
    const before = workspace.read(rejected);
    workspace.drop('again.csv', before);
    await workspace.pass();
    const [again = ''] = workspace.outbox().filter((name) => /^again\.\d+\.rejected\.csv$/.test(name));
    const cellsOf = (text: string) => (parse(text) as string[][]).map((cells) => cells.slice(0, -1));
    expect(cellsOf(workspace.read(again))).toEqual(cellsOf(before));
  });
});
