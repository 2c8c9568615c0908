/** A backup of the whole workspace, and the way back from it. */
import {
  appendFileSync,
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { accept } from '../src/commands/audit.ts';
import type { CommandContext } from '../src/commands/context.ts';
import { status } from '../src/commands/status.ts';
import { pass } from '../src/pipeline/pipeline.ts';
import { backupWhole, openWorkspace, restoreWhole } from '../src/service/service.ts';
import { builtProgram } from './support/cli.ts';
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
const MADE_AT = '2026-03-02T01:00:00.000Z';

let workspace: TestWorkspace;
let backup: string;
let place: string;

beforeEach(() => {
  workspace = testWorkspace();
  backup = join(temporaryFolder(), 'backup');
  place = join(temporaryFolder(), 'restored');
});

async function takenIn(): Promise<void> {
  workspace.drop('orders.csv', ORDERS);
  workspace.drop('payouts.csv', instructions(instruction('P1'), instruction('P2')));
  await workspace.pass({ send: false, lookUp: false });
}

const backUp = (archive = false) => backupWhole(workspace.root, backup, { archive, madeAt: MADE_AT });

function contextOf(root: string): CommandContext {
  const output = { style: (_: unknown, text: string) => text, line: () => {}, table: () => {}, facts: () => {} };
  return { workspace: root, clock: workspace.clock, output };
}

/** A pass in the restored workspace. */
async function passThere() {
  const tools = await openWorkspace({ workspace: place, env: {}, clock: workspace.clock });
  try {
    return await pass(tools, {
      ...{ kind: 'run', businessDate: '2026-03-02', waitForSettling: true, send: true, lookUp: true },
      stop: new AbortController().signal,
    });
  } finally {
    await tools.close();
  }
}

describe('a whole backup', () => {
  it('has records, anchor and settings, each in its manifest, for its owner alone; originals where they are asked for', async () => {
    await takenIn();
    const { files } = await backUp();
    expect(files.map(({ path }) => path)).toEqual([
      ...['data/anchor', 'data/paydrop.db', 'data/sandbox-ledger.jsonl', 'paydrop.json'],
    ]);
    expect(readdirSync(backup).sort()).toEqual(['data', 'manifest.json', 'paydrop.json']);
    expect(statSync(backup).mode & 0o777).toBe(0o700);
    for (const { path } of files) expect(statSync(join(backup, path)).mode & 0o777).toBe(0o600);
    backup += '-2';
    expect((await backUp(true)).files.map(({ path }) => path)).toContainEqual(
      expect.stringMatching(/^data\/archive\//),
    );
  });

  it('has the copy of a file that is half taken in, or is not made', async () => {
    await takenIn();
    const { store, close } = await workspace.open();
    await store.registerFile(newFile('half'));
    await close();
    await expect(backUp()).rejects.toThrow('too busy');
    expect(existsSync(backup)).toBe(false);
    writeFileSync(workspace.path('data', 'spool', 'half'), 'x');
    expect((await backUp()).files.map(({ path }) => path)).toContain('data/spool/half');
    await restoreWhole(backup, place);
    expect(readFileSync(join(place, 'data', 'spool', 'half'), 'utf8')).toBe('x');
  });

  it('replaces nothing, and takes no earlier part of one for its own', async () => {
    await takenIn();
    cpSync(workspace.path('data'), join(`${backup}.part`, 'data'), { recursive: true });
    await backUp();
    expect(existsSync(join(backup, 'archive'))).toBe(false);
    expect(existsSync(`${backup}.part`)).toBe(false);
    await expect(backUp()).rejects.toThrow('is there already');
  });

  it('removes nothing of that name that is not its own', async () => {
    await takenIn();
    cpSync(workspace.path('data'), join(`${backup}.part`, 'mine'), { recursive: true });
    await expect(backUp()).rejects.toThrow('no interrupted backup');
    expect(existsSync(join(`${backup}.part`, 'mine'))).toBe(true);
  });
});

describe('a restored workspace', () => {
  it('sends nothing until a person accepts, though its anchor is of the same moment', async () => {
    await takenIn();
    await backUp();
    await restoreWhole(backup, place);
    const first = await passThere();
    expect(first).toMatchObject({ sent: 0 });
    expect(first?.unfinished).toContain(`restored from the backup of ${MADE_AT}`);
    expect(await passThere()).toMatchObject({ sent: 0 });
    expect(await accept(contextOf(place), { by: 'ana', reason: 'compared with the statement' })).toBe(0);
    expect(await passThere()).toMatchObject({ sent: 2 });
  });

  it('sends nothing of files that come in, though nothing had been taken in when the backup was made', async () => {
    await (await workspace.open()).close();
    await backUp();
    await restoreWhole(backup, place);
    writeFileSync(join(place, 'inbox', 'orders.csv'), ORDERS);
    writeFileSync(join(place, 'inbox', 'payouts.csv'), instructions(instruction('P1')));
    expect(await passThere()).toMatchObject({ sent: 0 });
  });

  it('says so before its first pass', async () => {
    await takenIn();
    await backUp();
    await restoreWhole(backup, place);
    const lines: string[] = [];
    const context = contextOf(place);
    await status({ ...context, output: { ...context.output, line: (text = '') => void lines.push(text) } }, {});
    expect(lines.join('\n')).toContain('restored from the backup');
  });

  it('is made of sound files alone, else not at all', async () => {
    await takenIn();
    await backUp();
    appendFileSync(join(backup, 'data', 'paydrop.db'), 'x');
    await expect(restoreWhole(backup, place)).rejects.toThrow('its size or SHA-256 differs');
    rmSync(join(backup, 'data', 'paydrop.db'));
    await expect(restoreWhole(backup, place)).rejects.toThrow('is missing');
    rmSync(join(backup, 'manifest.json'));
    await expect(restoreWhole(backup, place)).rejects.toThrow('no whole backup');
    expect(existsSync(place)).toBe(false);
  });

  it.each([
    ['leads out of the backup', { path: 'data/../../x' }],
    ['is none of a workspace', { path: 'inbox/x.csv' }],
    ['has no digest', { sha256: '' }],
  ])('is made of no manifest with a path that %s', async (_, wrong) => {
    await takenIn();
    const manifest = await backUp();
    const files = [...manifest.files, { ...manifest.files[0], ...wrong }];
    writeFileSync(join(backup, 'manifest.json'), JSON.stringify({ ...manifest, files }));
    await expect(restoreWhole(backup, place)).rejects.toThrow('not a manifest that this paydrop knows');
    expect(existsSync(place)).toBe(false);
  });

  it('is no workspace when its making was interrupted, and is not made over what that left', async () => {
    await takenIn();
    const manifest = await backUp();
    const files = [...manifest.files, ...manifest.files.slice(0, 1)];
    writeFileSync(join(backup, 'manifest.json'), JSON.stringify({ ...manifest, files }));
    await expect(restoreWhole(backup, place)).rejects.toThrow('EEXIST');
    expect(readdirSync(join(place, 'data'))).not.toContain('paydrop.db');
    await expect(openWorkspace({ workspace: place, env: {} })).rejects.toThrow('no paydrop.json');
    writeFileSync(join(backup, 'manifest.json'), JSON.stringify(manifest));
    await expect(restoreWhole(backup, place)).rejects.toThrow('is not empty');
  });

  it('overwrites nothing', async () => {
    await takenIn();
    await backUp();
    const before = readFileSync(workspace.path('data', 'paydrop.db'));
    await expect(restoreWhole(backup, workspace.root)).rejects.toThrow('is not empty');
    expect(readFileSync(workspace.path('data', 'paydrop.db')).equals(before)).toBe(true);
  });
});

describe('paydrop backup --whole and paydrop restore', () => {
  const run = (...args: string[]) => paydrop.run(['--workspace', workspace.root, ...args]);

  it('print what was made, for machines too, and leave nothing besides', async () => {
    await takenIn();
    expect(await run('backup', '--whole', backup, '--json')).toMatchObject({ status: 0, stderr: '' });
    expect((await run('backup', '--whole', `${backup}-2`)).stdout).toContain(`${backup}-2\n`);
    const { status, stdout } = await run('restore', backup, place, '--json');
    expect({ status, told: JSON.parse(stdout) as unknown }).toMatchObject({
      status: 0,
      told: { workspace: place, files: 4 },
    });
    expect(readdirSync(join(place, 'data')).sort()).toEqual(['anchor', 'paydrop.db', 'sandbox-ledger.jsonl']);
    expect(readdirSync(join(backup, 'data')).sort()).toEqual(['anchor', 'paydrop.db', 'sandbox-ledger.jsonl']);
    expect((await run('restore', backup, `${place}-2`)).stdout).toContain('paydrop audit accept --reason');
  });

  it('end with 2 where there is nothing to copy or no place for it', async () => {
    expect(await run('backup', '--whole', backup)).toMatchObject({ status: 2, stdout: '' });
    await takenIn();
    expect((await run('backup', '--archive', backup)).stderr).toContain('--archive goes with --whole');
    expect(await run('restore', workspace.path('outbox'), place)).toMatchObject({ status: 2, stdout: '' });
    expect(await run('backup', '--whole', backup)).toMatchObject({ status: 0 });
    expect(await run('restore', backup)).toMatchObject({ status: 2, stdout: '' });
    expect(existsSync(place)).toBe(false);
  });
});
