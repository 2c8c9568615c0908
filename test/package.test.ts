/** What is installed: the npm package, the unit of the service, and the container file. */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import { builtProgram } from './support/cli.ts';
import { ROOT } from './support/mutation.ts';
import { temporaryFolder } from './support/workspace.ts';

const paydrop = builtProgram();
const textOf = (name: string) => readFileSync(join(ROOT, name), 'utf8');
const PACKAGE = JSON.parse(textOf('package.json')) as { files: string[]; scripts: Record<string, string> };

/** The files of the package, as npm lists them. */
function packed(): string[] {
  const folder = temporaryFolder();
  const pages = readdirSync(ROOT).filter((name) => name.endsWith('.md'));
  for (const name of [...pages, 'LICENSE', 'package.json', 'paydrop.schema.json', 'docs', 'fixtures/demo', 'src'])
    cpSync(join(ROOT, name), join(folder, name), { recursive: true });
  cpSync(dirname(paydrop.main()), join(folder, 'dist'), { recursive: true });
  const args = ['pack', '--dry-run', '--json', '--ignore-scripts', '--offline'];
  const told: unknown = JSON.parse(execFileSync('npm', args, { cwd: folder, encoding: 'utf8', stdio: 'pipe' }));
  // npm 12 tells it by the package's name.
  const [{ files }] = Object.values(told as object) as [{ files: { path: string }[] }];
  return files.map(({ path }) => path).sort();
}

describe('the npm package', () => {
  it('holds the program, its documentation, its licence, the unit, the container file and the JSON Schema', () => {
    const files = packed();
    const wanted = ['main.js', 'schema.sql', 'migrations/1-schema.sql'].map((name) => `dist/${name}`);
    wanted.push(...readdirSync(join(ROOT, 'docs')).map((name) => `docs/${name}`));
    wanted.push('README.md', 'CHANGELOG.md', 'SECURITY.md', 'LICENSE', 'package.json', 'paydrop.schema.json');
    wanted.push(...readdirSync(join(ROOT, 'fixtures/demo')).map((name) => `fixtures/demo/${name}`));
    expect(wanted.filter((name) => !files.includes(name))).toEqual([]);
    expect(files).toEqual(expect.arrayContaining(['docs/paydrop.service', 'docs/Containerfile']));
    expect(files.filter((name) => /^(?:src|test|data|inbox|outbox)\//.test(name))).toEqual([]);
  });

  it('has each file that a link of its pages leads to', () => {
    const files = packed();
    const isThere = (path: string) => files.some((file) => file === path || file.startsWith(`${path}/`));
    const pages = files.filter((name) => name.endsWith('.md'));
    const broken = pages.flatMap((page) =>
      [...textOf(page).matchAll(/\]\(([^)#\s]+)/g)]
        .map(([, target = '']) => target)
        .filter((target) => !target.includes('://') && !isThere(normalize(join(dirname(page), target))))
        .map((target) => `${page}: ${target}`),
    );
    expect(pages.length).toBeGreaterThan(10);
    expect(broken).toEqual([]);
  });

  it('runs nothing when it is installed', () => {
    const atInstall = ['preinstall', 'install', 'postinstall'];
    expect(Object.keys(PACKAGE.scripts).filter((name) => atInstall.includes(name))).toEqual([]);
  });
});

describe('the unit of the service', () => {
  it('is one that systemd takes', ({ skip }) => {
    const verified = spawnSync('systemd-analyze', ['verify', join(ROOT, 'docs/paydrop.service')], { encoding: 'utf8' });
    if (verified.error) skip('systemd is not installed');
    // Only this unit is of interest, and on this machine its program may be elsewhere.
    const ours = verified.stderr.split('\n').filter((line) => line.includes('paydrop.service'));
    expect(ours.filter((line) => !line.includes('is not executable'))).toEqual([]);
  });

  it('stops after a wrong setting, and gives requests in flight their time', () => {
    const unit = textOf('docs/paydrop.service').split('\n');
    expect(unit).toEqual(expect.arrayContaining(['RestartPreventExitStatus=2', 'TimeoutStopSec=120', 'User=paydrop']));
  });
});

describe('the container file', () => {
  const lines = textOf('docs/Containerfile')
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  const of = (instruction: string, from = lines) =>
    from.filter((line) => line.startsWith(`${instruction} `)).map((line) => line.slice(instruction.length + 1));
  const final = lines.slice(lines.findLastIndex((line) => line.startsWith('FROM ')));

  it('names one version of Node, to the patch', () => {
    const bases = of('FROM').map((from) => from.replace(/ AS \w+$/, ''));
    expect(new Set(bases).size).toBe(1);
    expect(bases[0]).toMatch(/^docker\.io\/library\/node:24\.\d+\.\d+-slim$/);
    expect(textOf('docs/Containerfile')).not.toContain('latest');
  });

  it('copies files that are there, and all that the package holds', () => {
    const copied = of('COPY')
      .filter((line) => !line.startsWith('--from'))
      .flatMap((line) => line.split(' ').slice(0, -1));
    expect(copied.filter((name) => !existsSync(join(ROOT, name)))).toEqual([]);
    const needed = PACKAGE.files.map((name) => name.split('/')[0]).filter((name) => name !== 'dist');
    expect([...needed, 'src', 'package-lock.json'].filter((name) => !copied.includes(name ?? ''))).toEqual([]);
  });

  it('runs no script of a package', () => {
    const installs = of('RUN').flatMap((run) =>
      run.split('&&').filter((command) => /npm (?:ci|install)/.test(command)),
    );
    expect(installs).toHaveLength(2);
    for (const install of installs) expect(install).toContain('--ignore-scripts');
  });

  it('runs the service as a user without rights, with its workspace in a volume', () => {
    expect(of('USER', final)).toEqual(['node']);
    expect(final.findIndex((line) => line.startsWith('USER'))).toBeGreaterThan(
      final.findLastIndex((line) => line.startsWith('RUN')),
    );
    expect(of('VOLUME', final)).toEqual(['/srv/paydrop']);
    expect(of('ENV', final)).toEqual(['PAYDROP_WORKSPACE=/srv/paydrop']);
  });

  it('starts Node itself, so that signals reach the service, and asks it how it is', () => {
    expect(JSON.parse(of('ENTRYPOINT', final)[0] ?? '')).toEqual(['node', '/opt/paydrop/dist/main.js']);
    expect(JSON.parse(of('CMD', final)[0] ?? '')).toEqual(['watch']);
    const [, check = ''] = (of('HEALTHCHECK', final)[0] ?? '').split(' CMD ');
    expect(JSON.parse(check)).toEqual(['node', '/opt/paydrop/dist/main.js', 'status', '--check']);
  });
});
