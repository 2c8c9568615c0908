/** docs/operating.md as written: its blocks of commands are run, with this machine's paths in the place of a server's. */
import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { SANDBOX_KEYS } from '../src/sandbox/sandbox.ts';
import { builtProgram } from './support/cli.ts';
import { examplesIn } from './support/examples.ts';
import { ROOT } from './support/mutation.ts';
import { instruction, instructions, ORDERS, temporaryFolder, testWorkspace } from './support/workspace.ts';

const paydrop = builtProgram();
const PAGE = readFileSync(join(ROOT, 'docs', 'operating.md'), 'utf8');

/** The lines of commands below a heading. */
function commandsUnder(heading: string): string {
  const [, section = ''] = PAGE.split(new RegExp(`^#+ ${heading}\n`, 'm'));
  const [own = ''] = section.split(/^## /m);
  return own.replaceAll(/^(?! {4}).*\n/gm, '').replaceAll(/^ {4}/gm, '');
}

/** Runs commands in a folder, with other paths and without what only root may do. */
async function tried(commands: string, folder: string, places: Readonly<Record<string, string>>): Promise<string> {
  const all = { 'node /opt/paydrop/dist/main.js': `${process.execPath} ${paydrop.main()}`, ...places };
  const script = Object.entries(all).reduce((text, [from, to]) => text.replaceAll(from, to), commands);
  const options = { cwd: folder, env: { PATH: process.env['PATH'], TZ: 'UTC' } };
  const { stdout } = await promisify(execFile)('bash', ['--norc', '-ec', script], options);
  return stdout;
}

describe('docs/operating.md', () => {
  it('loads the secrets for commands by hand in one line, from the file of the unit', async () => {
    const etc = temporaryFolder();
    const sandbox = paydrop.start(['sandbox', '--port', '0'], { cwd: etc });
    await sandbox.says(/http:\/\/[\d.:]+/);
    const [baseUrl = ''] = /http:\/\/[\d.:]+/.exec(sandbox.stdout().replace(/[;,].*/s, '')) ?? [];
    const { clientKey, clientSecret, saltKey } = SANDBOX_KEYS;
    const secrets = { 'client-key': clientKey, 'client-secret': clientSecret, 'salt-key': saltKey };
    for (const [name, secret] of Object.entries(secrets)) {
      writeFileSync(join(etc, name), secret);
      chmodSync(join(etc, name), 0o400);
    }
    const { root } = testWorkspace({ provider: { baseUrl, currencies: ['INR'] } });
    const [, environment = ''] = /```sh\n(PAYDROP_WORKSPACE.*?)```/s.exec(PAGE) ?? [];
    writeFileSync(
      join(etc, 'paydrop.env'),
      environment.replaceAll('/etc/paydrop', etc).replaceAll('/srv/paydrop', root),
    );
    const found = await tried(commandsUnder('Commands by hand').replace('sudo -u paydrop bash\n', ''), '/', {
      '/etc/paydrop': etc,
    });
    expect(found).toContain(`ok       provider   ${baseUrl} answers, and takes the credentials`);
    expect(readFileSync(join(ROOT, 'docs/paydrop.service'), 'utf8')).toContain(
      'EnvironmentFile=/etc/paydrop/paydrop.env',
    );
  });

  it('puts secrets into files that only the service can read', async () => {
    const folder = temporaryFolder();
    const secret = join(folder, 'secret');
    writeFileSync(secret, 'salt');
    await tried(commandsUnder('From the sandbox to a real provider'), folder, {
      ...{ ' -o paydrop': '', ' -g paydrop': '', '/dev/stdin': secret },
      '/etc/paydrop': join(folder, 'etc'),
    });
    const modeOf = (...name: string[]) => (statSync(join(folder, 'etc', ...name)).mode & 0o777).toString(8);
    expect([modeOf(), modeOf('salt-key'), modeOf('private-key')]).toEqual(['750', '400', '400']);
    expect(readFileSync(join(folder, 'etc', 'salt-key'), 'utf8')).toBe('salt');
  });

  it.each([
    ['docs/operating.md', 'Or cron'],
    ['README.md', 'For the person who runs it'],
  ])('has cron make a pass that is silent while all is well: %s', async (page, heading) => {
    const workspace = testWorkspace();
    const [table = ''] = examplesIn(page).flatMap((example) => (example.heading === heading ? [example.text] : []));
    const lines = table.split('\n');
    const [, command = ''] = /^(?:[\d*]+ +){5}paydrop +(.*)$/.exec(lines.pop() ?? '') ?? [];
    const environment = lines.filter((line) => line.includes('WORKSPACE')).map((line) => `export ${line}\n`);
    const night = () => tried(`${environment.join('')}${command}`, '/', { '/srv/paydrop': workspace.root });
    workspace.drop('orders.csv', ORDERS);
    expect(await night()).toBe('');
    expect(workspace.outbox()).toContain('orders.000001.receipt.json');
    workspace.drop('payouts.csv', instructions(instruction('P1', 'x')));
    expect(await night()).toContain('1 row to correct');
  });

  it('gives a group its folders', async () => {
    const { root } = testWorkspace();
    const init = commandsUnder('A group that drops files and reads reports')
      .split('\n')
      .find((line) => line.includes(' init '));
    const gid = String(process.getgid?.());
    await tried(init ?? 'false', root, {
      'sudo -u paydrop ': '',
      '/srv/paydrop': root,
      '--group payouts': `--group ${gid}`,
    });
    expect((statSync(join(root, 'inbox')).mode & 0o7777).toString(8)).toBe('2770');
  });

  it('says how it is to a monitor, and closes a month', async () => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('p.csv', instructions(instruction('P1')));
    workspace.clock.setWall('2026-11-12T08:00:00.000Z');
    await workspace.pass({ businessDate: '2026-11-12' });
    workspace.clock.setWall('2026-11-12T09:00:00.000Z');
    await workspace.pass({ businessDate: '2026-11-12' });
    const places = { 'sudo -u paydrop ': '', '/srv/paydrop': workspace.root };
    const folder = join(temporaryFolder(), 'month');
    mkdirSync(folder);
    const [check = 'false'] = commandsUnder('Monitor').split('\n');
    await tried(check, folder, places);
    const shown = await tried(commandsUnder('Month-end'), folder, places);
    expect(shown).toMatch(/^Statement of 2026-11/m);
    expect(shown).toContain('unbroken');
    expect(readFileSync(join(folder, 'payouts-2026-11.csv'), 'utf8')).toContain(',P1,210.00,');
    expect(readFileSync(join(folder, 'statement-2026-11.csv'), 'utf8')).toContain('210.00');
  });
});
