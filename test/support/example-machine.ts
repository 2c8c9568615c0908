/** A machine on which the commands of a page are run as a shell runs them. */
import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ENVIRONMENT, type Program, startProcess } from './cli.ts';
import { SANDBOX_SECRETS } from './secrets.ts';
import { type TestWorkspace, temporaryFolder, testWorkspace } from './workspace.ts';

export interface Machine {
  /** What the pages call /srv/paydrop. */
  readonly workspace: TestWorkspace;
  /** The place of a path of the pages, such as `mnt/safe`. */
  path(...parts: string[]): string;
  /** Runs a command to its end; `said` is what a terminal would show of it, with the paths of the pages. */
  run(command: string, options?: RunOptions): Promise<{ status: number; said: string }>;
  /** Starts a command that does not end, waits until it has said that, and ends it as Ctrl-C does. */
  interrupt(command: string, when: RegExp, options?: RunOptions): Promise<{ status: number; said: string }>;
}

export interface RunOptions {
  /** What clocks show, standing still; else the clock goes as it does. */
  readonly at?: string;
  /** A folder as in `path`; else the workspace. */
  readonly cwd?: string;
  /** The log is as on a terminal. */
  readonly terminal?: boolean;
}

/** The clock of a process stands still, so that it says the very times that the pages show. */
const AS_SHOWN = `
const RealDate = Date;
const stands = RealDate.parse(process.env.STANDS);
globalThis.Date = class extends RealDate {
  constructor(...args) {
    if (args.length > 0) super(...args);
    else super(stands);
  }
  static now() {
    return stands;
  }
};
if (process.env.ON_A_TERMINAL) process.stderr.isTTY = true;
`;

export function exampleMachine(program: Program, settings: object = {}): Machine {
  const workspace = testWorkspace(settings);
  const folder = temporaryFolder();
  const path = (...parts: string[]) => join(folder, ...parts);
  for (const made of ['bin', 'mnt/safe', 'srv', '.config/fish/completions', '.local/share/bash-completion/completions'])
    mkdirSync(path(made), { recursive: true });
  writeFileSync(path('bin/paydrop'), `#!/bin/sh\nexec ${process.execPath} ${program.main()} "$@"\n`);
  chmodSync(path('bin/paydrop'), 0o755);
  writeFileSync(path('as-shown.mjs'), AS_SHOWN);
  const environment = ({ at, terminal }: RunOptions): Record<string, string> => ({
    ...ENVIRONMENT,
    PATH: `${path('bin')}:${process.env['PATH']}`,
    HOME: folder,
    TMPDIR: folder,
    NO_COLOR: '1',
    ...(terminal ? { ON_A_TERMINAL: '1' } : {}),
    PAYDROP_WORKSPACE: workspace.root,
    ...(at === undefined ? {} : { STANDS: at, NODE_OPTIONS: `--import=${path('as-shown.mjs')}` }),
    ...(JSON.stringify(settings).includes('"baseUrl"') ? SANDBOX_SECRETS : {}),
  });
  const shell = (command: string) => {
    const here = command.replaceAll(/(?<= )\/(?=(?:mnt|srv)\/)/g, `${folder}/`);
    // A process in the place of the shell, so that it gets the signal; what is written to a file stays away from stderr.
    return ['--norc', '-c', here.startsWith('paydrop') ? `exec 2>&1; exec ${here}` : here];
  };
  const asShown = (said: string) => said.replaceAll(workspace.root, '/srv/paydrop').replaceAll(`${folder}/`, '/');
  return {
    workspace,
    path,
    run: async (command, options = {}) => {
      const { cwd } = options;
      const place = { cwd: cwd === undefined ? workspace.root : path(cwd), env: environment(options) };
      const { stdout, code } = await promisify(execFile)('bash', shell(command), place).then(
        ({ stdout: text }) => ({ stdout: text, code: 0 }),
        (error: { stdout: string; code: number }) => error,
      );
      return { status: code, said: asShown(stdout) };
    },
    interrupt: async (command, when, options = {}) => {
      const started = startProcess('bash', shell(command), { cwd: workspace.root, env: environment(options) });
      await started.says(when);
      started.process.kill('SIGINT');
      const { status, stdout } = await started.ended;
      return { status: status ?? -1, said: asShown(stdout) };
    },
  };
}
