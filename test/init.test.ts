/** A new workspace, as its people find it: clerks of a group, an editor, and the person who fills in the templates. */
import { mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { builtProgram } from './support/cli.ts';
import { ALL } from './support/sample.ts';
import { temporaryFolder } from './support/workspace.ts';

const paydrop = builtProgram();

/** root may give a folder to any group, others only to one of their own. */
const GID = process.getuid?.() === 0 ? 12_345 : (process.getgid?.() ?? 0);

async function made(...args: string[]) {
  const root = join(temporaryFolder(), 'payouts');
  const { status, stdout, stderr } = await paydrop.run(['init', root, ...args]);
  expect(status, stderr).toBe(0);
  return { root, stdout };
}

function modeAndGroup(root: string, name: string): [string, number] {
  const { mode, gid } = statSync(join(root, name));
  return [(mode & 0o7777).toString(8), gid];
}

describe('paydrop init', () => {
  it('lets an editor find the JSON Schema of the installed program, offline', async () => {
    const { root } = await made();
    const settings = JSON.parse(readFileSync(join(root, 'paydrop.json'), 'utf8')) as { $schema: string };
    const schema = JSON.parse(readFileSync(fileURLToPath(settings.$schema), 'utf8')) as { title: string };
    expect(schema.title).toBe('paydrop.json');
    expect(await paydrop.run(['status'], { cwd: root })).toMatchObject({ status: 0, stderr: '' });
  });

  it('with a group lets its members write into the inbox and read the outbox, and keeps data private', async () => {
    const { root } = await made('--group', String(GID));
    expect(modeAndGroup(root, 'inbox')).toEqual(['2770', GID]);
    expect(modeAndGroup(root, 'outbox')).toEqual(['2750', GID]);
    expect(modeAndGroup(root, 'data')).toEqual(['700', process.getgid?.()]);
    expect(await paydrop.run(['doctor'], { cwd: root })).toMatchObject({ status: 0 });
  });

  it.runIf(ALL)('gives that group the reports, too', async () => {
    const { root } = await made('--group', String(GID));
    writeFileSync(join(root, 'inbox', 'orders.csv'), readFileSync(join(root, 'templates', 'orders.csv')));
    expect(await paydrop.run(['run'], { cwd: root })).toMatchObject({ status: 0 });
    for (const name of ['orders.000001.result.csv', 'run.000001.changes.csv'])
      expect(modeAndGroup(root, join('outbox', name))).toEqual(['640', GID]);
  });

  it('lets the members of the group reach folders in a workspace that is closed to others', async () => {
    const root = join(temporaryFolder(), 'closed');
    mkdirSync(root, { mode: 0o700 });
    expect(await paydrop.run(['init', root, '--group', String(GID)])).toMatchObject({ status: 0 });
    expect(modeAndGroup(root, '.')).toEqual(['710', GID]);
  });

  it.each(['inbox', 'outbox'])('gives no folder to a group that the %s only links to', async (name) => {
    const { root } = await made();
    const elsewhere = temporaryFolder();
    rmSync(join(root, name), { recursive: true });
    symlinkSync(elsewhere, join(root, name));
    const before = modeAndGroup(elsewhere, '.');
    const { status, stderr } = await paydrop.run(['init', root, '--group', String(GID)]);
    expect({ status, stderr }).toMatchObject({ status: 2, stderr: expect.stringContaining(`${name} is a link`) });
    expect(modeAndGroup(elsewhere, '.')).toEqual(before);
  });

  it('gives no folder to a group that a link in the workspace leads to', async () => {
    const root = join(temporaryFolder(), 'payouts');
    const elsewhere = temporaryFolder();
    for (const path of [root, join(elsewhere, 'in')]) mkdirSync(path);
    writeFileSync(join(root, 'paydrop.json'), '{"inbox": "drops/in"}');
    symlinkSync(elsewhere, join(root, 'drops'));
    const before = modeAndGroup(elsewhere, 'in');
    expect(await paydrop.run(['init', root, '--group', String(GID)])).toMatchObject({ status: 2 });
    expect(modeAndGroup(elsewhere, 'in')).toEqual(before);
  });

  it('takes a group by its name', async () => {
    const [, name = '', gid] = /^([^:]+):[^:]*:(\d+):/m.exec(readFileSync('/etc/group', 'utf8')) ?? [];
    if (process.getuid?.() !== 0) return;
    const { root } = await made('--group', name);
    expect(modeAndGroup(root, 'inbox')).toEqual(['2770', Number(gid)]);
  });

  it.each(['clerks-of-nowhere', '', '4294967296', '-1'])('makes nothing with the unknown group "%s"', async (group) => {
    const root = join(temporaryFolder(), 'payouts');
    const { status, stderr } = await paydrop.run(['init', root, `--group=${group}`]);
    expect(status).toBe(2);
    expect(stderr).toContain(`--group: there is no group "${group}"`);
    expect(() => statSync(root)).toThrow('ENOENT');
  });

  it.runIf(ALL)(
    'makes templates that cause no warning: not in the run, on no page, and not for the doctor',
    async () => {
      const { root } = await made();
      for (const name of ['orders.csv', 'instructions.csv'])
        writeFileSync(join(root, 'inbox', name), readFileSync(join(root, 'templates', name)));
      const { status, stdout, stderr } = await paydrop.run(['run', '--json'], { cwd: root });
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      for (const { name } of (JSON.parse(stdout) as { files: { name: string }[] }).files) {
        const number = name === 'instructions.csv' ? '000001' : '000002';
        const stem = join(root, 'outbox', `${name.replace('.csv', '')}.${number}`);
        expect(JSON.parse(readFileSync(`${stem}.receipt.json`, 'utf8'))).toMatchObject({ errors: {}, late: 0 });
        expect(JSON.parse(readFileSync(`${stem}.receipt.json`, 'utf8'))).toHaveProperty('warnings', []);
        expect(readFileSync(`${stem}.report.html`, 'utf8')).not.toContain('Longer than the provider documents');
      }
      const checks = JSON.parse((await paydrop.run(['doctor', '--json'], { cwd: root })).stdout) as object[];
      const noticed = checks.filter((check) => !('ok' in check && check.ok) || 'note' in check);
      // This Node may be past its end of life.
      expect(noticed.filter((check) => !('what' in check && check.what === 'node'))).toEqual([]);
    },
  );
});
