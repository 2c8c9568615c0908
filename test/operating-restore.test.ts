/** The commands under some headings of docs/operating.md, run as they are written on machines of their own. */
import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { builtProgram, ENVIRONMENT } from './support/cli.ts';
import { examplesIn } from './support/examples.ts';
import { ALL } from './support/sample.ts';
import {
  instruction,
  instructions,
  ORDERS,
  type TestWorkspace,
  temporaryFolder,
  testWorkspace,
} from './support/workspace.ts';

const { main } = builtProgram();

/** What needs root, a service or a network only notes that it was called; `sudo` notes how its command ended. */
const STANDINS = {
  systemctl: '',
  git: '',
  npm: '',
  chown: '',
  useradd: '',
  install: 'for last; do :; done; mkdir -p "$last"',
  scp: 'cp -r "$2" "$(echo "$3" | sed s/^new://)"',
  sudo: 'shift 2; "$@"; echo "$? $*" >> "$NOTES"',
};

/** The blocks of commands under a heading. */
function blocks(heading: string): string[] {
  return examplesIn('docs/operating.md').flatMap((example) => (example.heading === heading ? [example.text] : []));
}

interface Machine {
  readonly root: string;
  path(...parts: string[]): string;
  /** Runs a block; the exit status and the command of each `sudo -u paydrop node dist/main.js …`. */
  follow(block: string, elsewhere?: Machine): Promise<string[]>;
}

function machine(): Machine {
  const root = temporaryFolder();
  const path = (...parts: string[]) => join(root, ...parts);
  for (const folder of ['bin', 'srv', 'var/backups']) mkdirSync(path(folder), { recursive: true });
  for (const [name, script] of Object.entries(STANDINS)) {
    writeFileSync(path('bin', name), `#!/bin/bash\n${script}\n`);
    chmodSync(path('bin', name), 0o755);
  }
  const here = (text: string) =>
    text.replaceAll('/opt/paydrop', dirname(dirname(main()))).replace(/(?<=[\s:])\/(?=(?:srv|var)\/)/g, `${root}/`);
  return {
    root,
    path,
    follow: async (block, elsewhere) => {
      const script = elsewhere ? here(block).replaceAll(`new:${root}`, `new:${elsewhere.root}`) : here(block);
      const notes = path('notes');
      writeFileSync(notes, '');
      const env = { ...ENVIRONMENT, PATH: `${path('bin')}:${process.env['PATH']}`, NOTES: notes };
      await promisify(execFile)('bash', ['--norc', '-ec', script], { env });
      const lines = readFileSync(notes, 'utf8').trim().split('\n');
      return lines.map((line) =>
        line.replace(/node dist\/main\.js (?:--workspace \S+ )?/, '').replace(/ --.*| \/.*/, ''),
      );
    },
  };
}

/** A workspace at /srv/paydrop whose payout P1 is ready, not sent. */
async function withWorkspace(): Promise<Machine> {
  const workspace = testWorkspace();
  workspace.drop('orders.csv', ORDERS);
  workspace.drop('payouts.csv', instructions(instruction('P1')));
  await workspace.pass({ send: false, lookUp: false });
  return onMachine(workspace);
}

/** One whose payouts were paid in 2025. */
async function withOldPayouts(): Promise<Machine> {
  const workspace = testWorkspace();
  workspace.clock.setWall('2025-11-20T01:00:00Z');
  workspace.drop('orders.csv', ORDERS);
  workspace.drop('payouts.csv', instructions(instruction('P1', '210.00', '2025-11-20', '2025-11-30')));
  for (let runs = 0; runs < 2; runs++)
    await workspace.pass({ businessDate: '2025-11-20', faults: { fates: [{ fate: 'processed' }] } });
  return onMachine(workspace);
}

function onMachine(workspace: TestWorkspace): Machine {
  const made = machine();
  renameSync(workspace.root, made.path('srv', 'paydrop'));
  mkdirSync(workspace.root);
  return made;
}

const ledgerOf = ({ path }: Machine) => {
  const ledger = path('srv', 'paydrop', 'data', 'sandbox-ledger.jsonl');
  return existsSync(ledger) ? readFileSync(ledger, 'utf8') : '';
};

describe('docs/operating.md, followed as it is written,', () => {
  it('installs a workspace in which doctor finds nothing wrong', async () => {
    const here = machine();
    expect(await here.follow(blocks('Install')[0] ?? '')).toEqual(['0 doctor']);
    expect(readdirSync(here.path('srv', 'paydrop'))).toContain('paydrop.json');
  });

  it('forgets what is old, after it has said what that is and was told yes', async () => {
    const here = await withOldPayouts();
    const [forget = ''] = blocks('Retention');
    expect(await here.follow(forget)).toEqual(['0 forget', '2 forget']);
    expect(await here.follow(forget.replace('ten years"', 'ten years" --yes'))).toEqual(['0 forget', '0 forget']);
  });

  it('upgrades, with a backup before', async () => {
    const here = await withWorkspace();
    expect(await here.follow(blocks('Upgrade')[0] ?? '')).toEqual(['0 backup', '0 status', '0 doctor']);
    expect(readdirSync(here.path('var', 'backups', 'paydrop', 'before-upgrade'))).toContain('manifest.json');
  });

  it('backs up and restores, and what is restored sends nothing', async () => {
    const here = await withWorkspace();
    const [backUp = '', restore = ''] = blocks('Back up and restore');
    expect(await here.follow(backUp)).toEqual(['0 backup']);
    expect(await here.follow(restore)).toEqual(['0 restore', '3 run']);
    expect(readdirSync(here.path('srv', 'paydrop', 'outbox'))).toContain('payouts.000002.receipt.json');
    expect(ledgerOf(here)).not.toContain('"accepted"');
  });

  it.runIf(ALL)('moves to another machine, which sends once a person has accepted', async () => {
    const [old, other] = [await withWorkspace(), machine()];
    const [leave = '', arrive = ''] = blocks('Move to another machine');
    expect(await old.follow(leave, other)).toEqual(['0 backup']);
    expect(await other.follow(arrive)).toEqual(['0 restore', '3 run', '0 audit accept']);
    expect(ledgerOf(other)).not.toContain('"accepted"');
    const rest =
      'cd /opt/paydrop\nsudo -u paydrop node dist/main.js --workspace /srv/paydrop run --date 2026-03-02 --force';
    expect(await other.follow(rest)).toHaveLength(1);
    expect(ledgerOf(other)).toContain('"accepted"');
  });
});
