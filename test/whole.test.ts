/** A backup of the whole workspace, and the way back from it. */

import { createHash } from 'node:crypto';
import {
  appendFileSync,
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { accept } from '../src/commands/audit.ts';
import type { CommandContext } from '../src/commands/context.ts';
import { status } from '../src/commands/status.ts';
import { pass } from '../src/pipeline/pipeline.ts';
import { LEDGER } from '../src/service/account.ts';
import { backupWhole, openWorkspace, restoreWhole } from '../src/service/service.ts';
import type { Manifest } from '../src/service/whole/manifest.ts';
import { builtProgram } from './support/cli.ts';
import { newFile } from './support/records.ts';
import { sampled } from './support/sample.ts';
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

/** Changes a file of the backup, and what the manifest says of it. */
function tamper(path: string, content: string | Buffer): void {
  writeFileSync(join(backup, path), content);
  const manifest = JSON.parse(readFileSync(join(backup, 'manifest.json'), 'utf8')) as Manifest;
  const sha256 = createHash('sha256').update(content).digest('hex');
  const files = manifest.files.map((one) => (one.path === path ? { path, size: content.length, sha256 } : one));
  writeFileSync(join(backup, 'manifest.json'), JSON.stringify({ ...manifest, files }));
}

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
    expect(files.map(({ path }) => path)).toEqual([...['data/anchor', 'data/paydrop.db', 'paydrop.json']]);
    expect(readdirSync(backup).sort()).toEqual(['data', 'manifest.json', 'paydrop.json']);
    expect(statSync(backup).mode & 0o777).toBe(0o700);
    for (const { path } of files) expect(statSync(join(backup, path)).mode & 0o777).toBe(0o600);
    backup += '-2';
    expect((await backUp(true)).files.map(({ path }) => path)).toContainEqual(
      expect.stringMatching(/^data\/archive\//),
    );
  });

  it('has the copies of files that are half taken in, but for those that are lost', async () => {
    await takenIn();
    const { store, close } = await workspace.open();
    for (const claim of ['half', 'lost']) await store.registerFile(newFile(claim));
    await close();
    writeFileSync(workspace.path('data', 'spool', 'half'), 'x');
    const copies = (await backUp()).files.map(({ path }) => path).filter((path) => path.startsWith('data/spool/'));
    expect(copies).toEqual(['data/spool/half']);
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

  it('is not accepted on look-ups that were made before its backup', async () => {
    await takenIn();
    await backUp();
    await restoreWhole(backup, place);
    await passThere();
    await backupWhole(place, `${backup}-2`, { archive: false, madeAt: MADE_AT });
    await restoreWhole(`${backup}-2`, `${place}-2`);
    const tried = accept(contextOf(`${place}-2`), { by: 'ana', reason: 'compared with the statement' });
    await expect(tried).rejects.toThrow('has not looked everything up');
  });

  it('finds in a trial what the sandbox has paid since the backup, when the ledger of today is put beside it', async () => {
    await takenIn();
    await backUp();
    await workspace.pass({ lookUp: false });
    const paid = () => readFileSync(join(place, 'data', LEDGER), 'utf8').split('"accepted"').length - 1;
    await restoreWhole(backup, place);
    cpSync(workspace.path('data', LEDGER), join(place, 'data', LEDGER));
    expect(paid()).toBe(2);
    await passThere();
    await accept(contextOf(place), { by: 'ana', reason: 'compared with the statement' });
    await passThere();
    expect(paid()).toBe(2);
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

  it.each(
    sampled(
      [
        ['leads out of the backup', { path: 'data/../../x' }],
        ['is none of a workspace', { path: 'inbox/x.csv' }],
        ['has no digest', { sha256: '' }],
        ['is said in a roundabout way', { path: 'data//anchor' }],
        ['lies beside the records', { path: 'data/paydrop.db-wal' }],
      ],
      2,
    ),
  )('is made of no manifest with a path that %s', async (_, wrong) => {
    await takenIn();
    const manifest = await backUp();
    const files = [...manifest.files, { ...manifest.files[0], ...wrong }];
    writeFileSync(join(backup, 'manifest.json'), JSON.stringify({ ...manifest, files }));
    await expect(restoreWhole(backup, place)).rejects.toThrow('not a manifest that this paydrop knows');
    expect(existsSync(place)).toBe(false);
  });

  it.each<[string, () => void, RegExp]>([
    ['a broken paydrop.json', () => tamper('paydrop.json', '{"inbox": '), /paydrop\.json is not JSON/],
    ['a paydrop.json with a wrong setting', () => tamper('paydrop.json', '{"inbax": "in"}'), /inbax/],
    [
      'a manifest that names a file twice',
      () => {
        const path = join(backup, 'manifest.json');
        const manifest = JSON.parse(readFileSync(path, 'utf8')) as Manifest;
        writeFileSync(path, JSON.stringify({ ...manifest, files: [...manifest.files, manifest.files[0]] }));
      },
      /names data\/anchor twice/,
    ],
    [
      'a folder that is a link',
      () => {
        renameSync(join(backup, 'data'), `${backup}-data`);
        symlinkSync(`${backup}-data`, join(backup, 'data'));
      },
      /data is not a plain folder/,
    ],
    [
      'a file that is a link',
      () => {
        renameSync(join(backup, 'data', 'anchor'), `${backup}-anchor`);
        symlinkSync(`${backup}-anchor`, join(backup, 'data', 'anchor'));
      },
      /anchor is not a plain file/,
    ],
  ])('is made of no backup with %s: the command ends with 2 and says so', async (_, spoil, words) => {
    await takenIn();
    await backUp();
    spoil();
    expect(await paydrop.run(['restore', backup, place])).toMatchObject({
      ...{ status: 2, stdout: '', stderr: expect.stringMatching(words) },
    });
    expect(existsSync(place)).toBe(false);
  });

  it('is no workspace when its making was interrupted, and is not made over what that left', async () => {
    await takenIn();
    await backUp();
    const records = readFileSync(join(backup, 'data', 'paydrop.db'));
    tamper('data/paydrop.db', 'no records');
    await expect(restoreWhole(backup, place)).rejects.toThrow('not a database');
    expect(readdirSync(join(place, 'data'))).not.toContain('paydrop.db');
    await expect(openWorkspace({ workspace: place, env: {} })).rejects.toThrow('no paydrop.json');
    tamper('data/paydrop.db', records);
    await expect(restoreWhole(backup, place)).rejects.toThrow('is not empty');
  });

  it('takes no folder of a live workspace that its settings name by an absolute path', async () => {
    const inbox = temporaryFolder();
    workspace = testWorkspace({ inbox });
    writeFileSync(join(inbox, 'orders.csv'), ORDERS);
    await workspace.pass({ send: false, lookUp: false });
    await backUp();
    expect(readdirSync(inbox)).toEqual([]);
    const refused = restoreWhole(backup, place);
    await expect(refused).rejects.toThrow(`inbox: ${inbox} is outside the workspace and there already`);
    await expect(refused).rejects.toThrow('--folders inside');
    expect(existsSync(place)).toBe(false);
    const { settings } = await restoreWhole(backup, place, { folders: 'inside' });
    expect(settings.inbox).toBe(join(place, 'inbox'));
    writeFileSync(join(inbox, 'other.csv'), ORDERS.replaceAll('C1', 'C9'));
    expect((await passThere())?.files).toEqual([]);
    expect(readdirSync(inbox)).toEqual(['other.csv']);
    await restoreWhole(backup, `${place}-2`, { folders: 'as-set' });
    place += '-2';
    expect((await passThere())?.files).toHaveLength(1);
  });

  it('takes no data folder that holds anything, whatever is said of folders', async () => {
    const data = join(temporaryFolder(), 'data');
    workspace = testWorkspace({ data });
    await takenIn();
    await backUp();
    await expect(restoreWhole(backup, place, { folders: 'as-set' })).rejects.toThrow('is not empty');
    await restoreWhole(backup, place, { folders: 'inside' });
    expect(existsSync(join(place, 'data', 'paydrop.db'))).toBe(true);
  });

  it('may have all its folders outside', async () => {
    const elsewhere = join(temporaryFolder(), 'elsewhere');
    const folders = ['inbox', 'outbox', 'data'].map((name) => [name, join(elsewhere, name)] as const);
    workspace = testWorkspace(Object.fromEntries(folders));
    await (await workspace.open()).close();
    await backUp();
    rmSync(elsewhere, { recursive: true });
    await restoreWhole(backup, place);
    expect(await passThere()).toMatchObject({ sent: 0 });
    expect(readdirSync(elsewhere).sort()).toEqual(['data', 'inbox', 'outbox']);
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

  it.each([[[]], [['--whole']]])(
    'backup %s goes to no folder of the workspace that is read or cleaned',
    async (how) => {
      await takenIn();
      for (const folder of ['inbox', 'outbox', 'data', 'data/archive']) {
        const target = workspace.path(folder, 'copy');
        const { status, stderr } = await run('backup', ...how, target);
        expect(status, folder).toBe(2);
        expect(stderr).toContain(`${target} is in the workspace's ${folder.split('/')[0]}`);
        expect(existsSync(target)).toBe(false);
        expect(existsSync(`${target}.part`)).toBe(false);
      }
    },
  );

  it('a backup of the records alone removes and replaces nothing of another', async () => {
    await takenIn();
    writeFileSync(`${backup}.part`, 'mine');
    expect(await run('backup', backup)).toMatchObject({
      ...{ status: 2, stdout: '', stderr: expect.stringContaining(`${backup}.part is there already`) },
    });
    expect(readFileSync(`${backup}.part`, 'utf8')).toBe('mine');
    rmSync(`${backup}.part`);
    expect(await run('backup', backup)).toMatchObject({ status: 0 });
    expect(existsSync(`${backup}.part`)).toBe(false);
    expect(await run('backup', backup)).toMatchObject({ status: 2 });
    expect(existsSync(`${backup}.part`)).toBe(false);
  });

  it('print what was made, for machines too, and leave nothing besides', async () => {
    await takenIn();
    expect(await run('backup', '--whole', backup, '--json')).toMatchObject({ status: 0, stderr: '' });
    expect((await run('backup', '--whole', `${backup}-2`)).stdout).toContain(`${backup}-2\n`);
    const { status, stdout } = await run('restore', backup, place, '--json');
    expect({ status, told: JSON.parse(stdout) as unknown }).toMatchObject({
      status: 0,
      told: { workspace: place, files: 3 },
    });
    expect(readdirSync(join(place, 'data')).sort()).toEqual(['anchor', 'paydrop.db']);
    expect(readdirSync(join(backup, 'data')).sort()).toEqual(['anchor', 'paydrop.db']);
    const told = (await run('restore', backup, `${place}-2`)).stdout;
    expect(told).toContain('paydrop audit accept --reason');
    expect(told).toContain(`into ${join(`${place}-2`, 'data', 'sandbox-ledger.jsonl')}`);
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
