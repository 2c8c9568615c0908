/** `paydrop completion`: what a shell offers behind the words that are typed, with the script that the program prints. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CODES } from '../src/domain/codes.ts';
import { FINAL_FAILURES, INSTRUCTION_STATUSES } from '../src/domain/status.ts';
import { builtProgram } from './support/cli.ts';
import { sampled } from './support/sample.ts';
import { temporaryFolder } from './support/workspace.ts';

const paydrop = builtProgram();

async function scriptFor(shell: string): Promise<string> {
  const { status, stdout, stderr } = await paydrop.run(['completion', shell]);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout;
}

/** What bash offers for the last of the words, in a folder with two files and a folder. */
function offeredBy(script: string, ...words: string[]): string[] {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'november 2.csv'), '');
  writeFileSync(join(folder, 'november.csv'), '');
  mkdirSync(join(folder, 'nightly'));
  const ask = `source <(printf %s "$SCRIPT")
    COMP_WORDS=(paydrop "$@"); COMP_CWORD=$#
    "$(complete -p paydrop | sed -E 's/.*-F ([^ ]+).*/\\1/')"
    printf '%s\\n' "\${COMPREPLY[@]}"`;
  const env = { PATH: process.env['PATH'], SCRIPT: script };
  const options = { cwd: folder, env, encoding: 'utf8' } as const;
  return execFileSync('bash', ['--norc', '-c', ask, 'bash', ...words], options)
    .split('\n')
    .filter(Boolean)
    .sort();
}

/** The commands that the help of the program, or of one of its commands, lists. */
async function listed(...command: string[]): Promise<string[]> {
  const { stdout } = await paydrop.run([...command, '--help']);
  const [, commands = ''] = /\nCommands:\n((?: .*\n)+)/.exec(stdout) ?? [];
  return [...commands.matchAll(/^ {2}([\w-]+)/gm)].map(([, name = '']) => name).sort();
}

describe('paydrop completion bash', () => {
  it('offers every command, and each of its subcommands', async () => {
    const script = await scriptFor('bash');
    expect(offeredBy(script, '')).toEqual(await listed());
    expect(offeredBy(script, 'audit', '')).toEqual(await listed('audit'));
    expect(offeredBy(script, 'help', 'dem')).toEqual(['demo']);
  });

  it('offers every option of a command that its help lists, and the one of the program', async () => {
    const script = await scriptFor('bash');
    const commands = sampled(
      (await listed()).filter((name) => name !== 'help'),
      3,
    );
    const helps = await Promise.all(commands.map((command) => paydrop.run([command, '--help'])));
    for (const [at, command] of commands.entries()) {
      const stdout = helps[at]?.stdout ?? '';
      const options = [...stdout.matchAll(/^ {2}(?:-\w, )?(--[\w-]+)/gm)].map(([, name = '']) => name);
      expect(offeredBy(script, command, '--')).toEqual([...options, '--workspace'].sort());
    }
  });

  it('offers statuses, codes, files and folders where they belong, and nothing that it can not know', async () => {
    const script = await scriptFor('bash');
    const offered = (...words: string[]) => offeredBy(script, ...words);
    expect(offered('list', '--status', '')).toEqual([...INSTRUCTION_STATUSES].sort());
    expect(offered('export', '--status', '=')).toEqual([...INSTRUCTION_STATUSES].sort());
    expect(offered('retry', '--status', '')).toEqual([...FINAL_FAILURES].sort());
    expect(offered('retry', '--status', '=', 'fai')).toEqual(['failed']);
    expect(offered('explain', '')).toEqual(CODES.map(({ code }) => code).sort());
    expect(offered('validate', 'nov')).toEqual(['november 2.csv', 'november.csv']);
    expect(offered('init', 'n')).toEqual(['nightly']);
    expect(offered('run', '--date', '')).toEqual([]);
    expect(offered('show', 'n')).toEqual([]);
    expect(offered('completion', '')).toEqual(['bash', 'fish', 'zsh']);
  });

  it('takes the value of an option for no command', async () => {
    const script = await scriptFor('bash');
    expect(offeredBy(script, '--workspace', 'audit', 'val')).toEqual(['validate']);
    expect(offeredBy(script, '--workspace', '=', 'audit', 'val')).toEqual(['validate']);
    expect(offeredBy(script, '--workspace', 'nightly', 'audit', 'v')).toEqual(['verify']);
  });
});

describe.each(['zsh', 'fish'])('paydrop completion %s', (shell) => {
  it('names every command and option, each status and each code', async () => {
    const script = await scriptFor(shell);
    for (const name of [
      ...(await listed()),
      ...(await listed('audit')),
      ...INSTRUCTION_STATUSES,
      ...CODES.map(({ code }) => code),
    ])
      expect(script).toMatch(new RegExp(`[ '(]${name}[ ':;]`));
    for (const option of ['--not-paid', '--group', '--workspace', '--json'])
      expect(script).toMatch(shell === 'fish' ? new RegExp(` -l ${option.slice(2)} `) : new RegExp(`'${option}:`));
  });

  it('is read without an error where the shell is installed', async ({ skip }) => {
    const read = spawnSync(shell, ['-n'], { input: await scriptFor(shell), encoding: 'utf8' });
    if (read.error) skip(`${shell} is not installed`);
    expect(read).toMatchObject({ status: 0, stderr: '' });
  });
});

it('an unknown shell is refused, and the known ones are named', async () => {
  const { status, stdout, stderr } = await paydrop.run(['completion', 'tcsh']);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toContain('bash, zsh, fish');
});
