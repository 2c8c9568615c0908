/** The documentation and the program say the same, and every name in it is a name of something. */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { madeFiles } from '../fixtures/docs/made.ts';
import { ROW_STATUSES } from '../src/domain/status.ts';
import { KINDS } from '../src/intake/validate/header.ts';
import { COLLECT_ENDPOINTS, ORDER_MANAGEMENT_ENDPOINTS } from '../src/provider/imburse/endpoints.ts';
import { HABIT_NAMES } from '../src/sandbox/habits.ts';
import { checkScript } from '../src/sandbox/sandbox.ts';
import { parseSettings, SECRET_VARIABLES, settingsJsonSchema } from '../src/settings/settings.ts';
import { builtProgram } from './support/cli.ts';
import { instruction, instructions, ORDERS, testWorkspace } from './support/workspace.ts';

const ROOT = join(import.meta.dirname, '..');
const PAGES = [
  ...readdirSync(ROOT).filter((name) => name.endsWith('.md')),
  ...readdirSync(join(ROOT, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];
const TEXTS = new Map(PAGES.map((page) => [page, readFileSync(join(ROOT, page), 'utf8')]));

function textOf(page: string): string {
  const text = TEXTS.get(page);
  if (text === undefined) throw new Error(`there is no ${page}`);
  return text;
}

/** The part of a page under a heading, up to the next one of the same or a higher level. */
function section(page: string, heading: string): string {
  const level = /^#+/.exec(heading)?.[0].length ?? 0;
  const lines = textOf(page).split('\n');
  const start = lines.indexOf(heading);
  if (start < 0) throw new Error(`${page} has no heading "${heading}"`);
  const end = lines.findIndex((line, at) => at > start && new RegExp(`^#{1,${level}} `).test(line));
  return lines.slice(start + 1, end < 0 ? undefined : end).join('\n');
}

/** The cells of a table's rows, without its headings. */
function tableRows(text: string): string[][] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .map((line) =>
      line
        .slice(2, line.lastIndexOf('|'))
        .split(' | ')
        .map((cell) => cell.trim()),
    )
    .filter(([first = ''], at, rows) => !/^-+$/.test(first) && !/^-+$/.test(rows[at + 1]?.[0] ?? ''));
}

/** Everything in backticks. */
function codes(text: string): string[] {
  return [...text.matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code);
}

describe('the habits that the sandbox plays', () => {
  it('are all documented, and what is documented is played', () => {
    const rows = tableRows(section('docs/providers.md', '## Habits that the sandbox plays'));
    expect(rows.map(([name = '']) => name)).toEqual(HABIT_NAMES.map((name) => `\`${name}\``));
    for (const name of HABIT_NAMES)
      expect(checkScript({ habits: [{ habit: name, narration: 'P1' }] })).toHaveProperty('script');
  });
});

describe('commands', () => {
  const { main } = builtProgram();
  const help = async (...args: string[]) =>
    (await promisify(execFile)(process.execPath, [main(), ...args, '--help'])).stdout;
  let commands: string[] = [];
  /** What `--help` says, by command and by subcommand (`audit accept`). */
  const helps = new Map<string, string>();

  beforeAll(async () => {
    commands = namesUnder('Commands:', await help()).filter((name) => name !== 'help');
    const told = async (...args: string[]) => helps.set(args.join(' '), await help(...args));
    await Promise.all([...commands.map((name) => told(name)), told('audit', 'verify'), told('audit', 'accept')]);
  });

  it('are all documented, and what is documented exists', () => {
    const documented = [...textOf('docs/commands.md').matchAll(/^## ([a-z-]+)$/gm)].map(([, name = '']) => name);
    expect(documented.sort()).toEqual([...commands].sort());
  });

  it('are documented with every option and subcommand, and an example', () => {
    const missing = commands.flatMap((command) => {
      const text = section('docs/commands.md', `## ${command}`);
      const page = helps.get(command) ?? '';
      const options = [...page.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm)].map(([, option = '']) => option);
      const names = [...options, ...namesUnder('Commands:', page)].filter((name) => !/^(?:--)?help$/.test(name));
      const said = names.filter((name) => !text.includes(name)).map((name) => `${command}: ${name}`);
      return text.includes(`    $ paydrop ${command}`) ? said : [...said, `${command}: an example`];
    });
    expect(missing).toEqual([]);
  });

  it('that any page names are commands', () => {
    const named = [...TEXTS].flatMap(([page, text]) =>
      [...text.matchAll(/(?:`(?:npx )?|\$ (?:npx )?)paydrop (?:--workspace \S+ )?([a-z]+(?:-[a-z]+)*)/g)].map(
        ([, name = '']) => ({
          page,
          name,
        }),
      ),
    );
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter(({ name }) => !commands.includes(name))).toEqual([]);
  });

  it('that any page names have the options that it gives them', () => {
    const named = [...TEXTS].flatMap(([page, text]) =>
      [
        ...text.matchAll(
          /(?:\bpaydrop|main\.js) (?:--workspace \S+ )?((?:audit )?[a-z]+(?:-[a-z]+)*)((?: [^`|\n]*)?)/g,
        ),
      ].flatMap(([, command = '', rest = '']) =>
        (rest.match(/(?<= )--[a-z-]+/g) ?? []).map((option) => ({ page, command, option })),
      ),
    );
    expect(named.length).toBeGreaterThan(60);
    const unknown = named.filter(
      ({ command, option }) => option !== '--workspace' && helps.get(command)?.includes(option) === false,
    );
    expect(unknown).toEqual([]);
  });

  /** What npm does itself. */
  const NPM = ['ci', 'install', 'pack', 'sbom'];

  it('of npm that any page names are scripts', () => {
    const { scripts } = JSON.parse(textOfFile('package.json')) as { scripts: Record<string, string> };
    const named = [...TEXTS.values()].flatMap((text) =>
      [...text.matchAll(/(?:`| {4}|&& )npm (?:run )?([a-z]+)/g)].map(([, name = '']) => name),
    );
    expect([...new Set(named)].filter((name) => !NPM.includes(name) && !(name in scripts))).toEqual([]);
  });

  function namesUnder(heading: string, page: string): string[] {
    const under = page.split(`${heading}\n`)[1]?.split('\n\n')[0] ?? '';
    return [...under.matchAll(/^ {2}([a-z][a-z-]*)(?= )/gm)].map(([, name = '']) => name);
  }
});

describe('settings', () => {
  interface Schema {
    readonly properties?: Readonly<Record<string, Schema>>;
    readonly default?: unknown;
    readonly enum?: readonly string[];
  }

  function flat(schema: Schema, prefix = ''): Map<string, Schema> {
    const all = new Map<string, Schema>();
    for (const [name, one] of Object.entries(schema.properties ?? {})) {
      if (name === '$schema') continue;
      if (one.properties) for (const [inner, leaf] of flat(one, `${prefix}${name}.`)) all.set(inner, leaf);
      else all.set(prefix + name, one);
    }
    return all;
  }

  const settings = flat(settingsJsonSchema());
  const documented = new Map(
    tableRows(section('docs/settings.md', '## All of them')).map(([name = '', ...cells]) => [
      codes(name)[0] ?? '',
      cells,
    ]),
  );

  it('are all documented, and what is documented exists', () => {
    expect([...documented.keys()]).toEqual([...settings.keys()]);
  });

  it.each([...settings])('%s has the default, the values and an example that the page gives', (name, schema) => {
    const [byDefault = '', meaning = '', example = ''] = documented.get(name) ?? [];
    if (schema.default === undefined) expect(codes(byDefault), 'no literal default').toEqual([]);
    else expect(JSON.parse(codes(byDefault)[0] ?? '')).toEqual(schema.default);
    expect((schema.enum ?? []).filter((value) => !`${byDefault} ${meaning}`.includes(value))).toEqual([]);
    const value: unknown = JSON.parse(codes(example)[0] ?? '');
    const asked = name.split('.').reduceRight((inner: unknown, part) => ({ [part]: inner }), value) as {
      provider?: object;
      calendar?: object;
      control?: object;
      http?: object;
    };
    if (asked.provider) asked.provider = { currencies: ['INR'], ...asked.provider };
    if (asked.control) asked.provider = { currencies: ['INR'] };
    if (asked.calendar) asked.calendar = { days: 'banking', ...asked.calendar };
    if (asked.http) asked.http = { listen: '127.0.0.1:8480', ...asked.http };
    expect(parseSettings(asked, '.')).toMatchObject({ ok: true });
  });

  it('in the README are settings with these defaults', () => {
    const rows = tableRows(section('README.md', '## For the person who runs it')).filter(([name = '']) =>
      /`[a-z]+\.[a-z]/.test(name),
    );
    expect(rows.length).toBeGreaterThan(3);
    for (const [names = '', byDefault = ''] of rows)
      for (const [at, name] of codes(names).entries()) {
        expect(settings.has(name), name).toBe(true);
        const stated = codes(byDefault)[at];
        if (stated !== undefined) expect(JSON.parse(stated), name).toEqual(settings.get(name)?.default);
      }
  });

  it('that are secrets are documented, and stand with the unit of the service, and those alone', () => {
    expect(SECRET_VARIABLES.length).toBeGreaterThan(7);
    const named = tableRows(section('docs/settings.md', '## Secrets')).flatMap(([name = '', file = '']) => [
      ...codes(name),
      ...codes(file),
    ]);
    expect(named).toEqual(SECRET_VARIABLES.flatMap((name) => [name, `${name}_FILE`]));
    const [, environment = ''] = /```sh\n(PAYDROP_WORKSPACE.*?)```/s.exec(textOf('docs/operating.md')) ?? [];
    const inUnit = [...environment.matchAll(/^(?:# )?(PAYDROP_\w+)_FILE=\/etc\/paydrop\//gm)].map(([, name]) => name);
    expect(inUnit).toEqual(SECRET_VARIABLES);
  });
});

describe('reports', () => {
  const columnsOf = (heading: string) =>
    tableRows(section('docs/reports.md', heading)).map(([name = '']) => codes(name)[0] ?? '');

  it('have the columns and keys that docs/reports.md gives, in that order', async () => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', instructions(instruction('P1'), instruction('P2', 'x')));
    await workspace.pass();
    const header = (name: string) => workspace.read(name).split('\r\n')[0]?.split(',');
    expect(header('payouts.000002.result.csv')).toEqual(columnsOf('## result.csv'));
    expect(header('payouts.000002.errors.csv')).toEqual(columnsOf('## errors.csv'));
    expect(header('run.000001.changes.csv')).toEqual(columnsOf('## run.N.changes.csv'));
    const receipt = JSON.parse(workspace.read('payouts.000002.receipt.json')) as Record<
      string,
      Record<string, unknown>
    >;
    const rows = tableRows(section('docs/reports.md', '## receipt.json'));
    expect(rows.flatMap(([names = '']) => codes(names))).toEqual(Object.keys(receipt));
    for (const [names = '', holds = ''] of rows)
      for (const inner of ['integrity', 'sending', 'rows', 'controlSum', 'provider'].filter(
        (name) => codes(names)[0] === name,
      ))
        expect(
          Object.keys(receipt[inner] ?? {}).filter((key) => !codes(holds).includes(key)),
          inner,
        ).toEqual([]);
  });

  it('are all named, with when they are there', async () => {
    const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEnf0O4fs+U0xJ/ibkY9S23WcUFo1+LPqLq6mIV3Mxuw anna';
    const workspace = testWorkspace({
      control: { approvals: [{ from: { INR: '0.01' }, people: 1 }] },
      people: { anna: { may: ['approve'], keys: [key] } },
    });
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', instructions(instruction('P1', 'x'), instruction('P2')));
    workspace.drop('payouts.000002.to-approve.json', '{}');
    await workspace.pass();
    const kinds = workspace
      .outbox()
      .map((name) => name.replace(/^.*\.\d{6}\./, name.startsWith('run.') ? 'run.N.' : 'STEM.N.'))
      .map((name) => name.replace(/\.decision\.\d+\./, '.decision.M.'));
    const named = tableRows(textOf('docs/reports.md'))
      .map(([name = '']) => codes(name)[0] ?? '')
      .filter((name) => name.includes('.N.') || name === 'index.html');
    expect([...new Set(kinds)].sort()).toEqual(named.sort());
  });

  it('have the statuses that the page explains', () => {
    expect(columnsOf('## Statuses').sort()).toEqual([...ROW_STATUSES].sort());
  });

  it('have statuses that the README knows', () => {
    const known = new Set<string>(ROW_STATUSES);
    const named = tableRows(section('README.md', '## For the person who drops files')).flatMap(([names = '']) =>
      codes(names),
    );
    expect(named.filter((name) => !known.has(name))).toEqual([]);
  });
});

describe('names in the documentation', () => {
  it('that are links lead somewhere, to a heading too', () => {
    const broken = [...TEXTS].flatMap(([page, text]) =>
      [...text.matchAll(/\]\(([^)\s]+)\)/g)]
        .map(([, target = '']) => target)
        .filter((target) => !target.includes('://') && !leadsSomewhere(page, target))
        .map((target) => `${page}: ${target}`),
    );
    expect(broken).toEqual([]);
  });

  const OURS = /^(?:(?:src|test|docs|fixtures|\.ci|\.github)\/[\w./-]*|[\w-]+(?:\.schema)?\.(?:md|json))$/;

  it('that are files of ours exist', () => {
    const missing = [...TEXTS].flatMap(([page, text]) =>
      codes(text)
        .filter((name) => OURS.test(name) && !existsSync(join(ROOT, name)))
        .map((name) => `${page}: ${name}`),
    );
    expect(missing).toEqual([]);
  });

  it('are files of ours in each step of CONTRIBUTING.md that adds something', () => {
    const guides = textOf('CONTRIBUTING.md')
      .split(/^## /m)
      .filter((guide) => guide.startsWith('How to add'));
    expect(guides).toHaveLength(8);
    const steps = guides.flatMap((guide) => guide.split(/^\d+\. /m).slice(1));
    expect(steps.filter((step) => !codes(step).some((name) => OURS.test(name)))).toEqual([]);
  });

  it('that are modules in ARCHITECTURE.md and docs/internals.md exist, and every room stands there', () => {
    const rooms = readdirSync(join(ROOT, 'src')).map((name) => (name.endsWith('.ts') ? name : `${name}/`));
    const table = tableRows(section('ARCHITECTURE.md', '## The house'));
    expect(table.map(([room = '']) => codes(room)[0]).toSorted()).toEqual(rooms.toSorted());
    const inItsRoom = table.flatMap(([room = '', what = '']) => codes(what).map((name) => `${codes(room)[0]}${name}`));
    const texts = textOf('ARCHITECTURE.md') + textOf('docs/internals.md');
    const inFull = codes(texts).filter((name) => rooms.some((room) => name.startsWith(room)));
    const inTheFlow = [...textOf('ARCHITECTURE.md').matchAll(/^ {4}.* ([a-z-]+\/[a-z-]+\.ts) /gm)].map(
      ([, name = '']) => name,
    );
    const named = [...inItsRoom, ...inFull, ...inTheFlow];
    expect(inTheFlow.length).toBeGreaterThan(5);
    expect(named.filter((name) => !existsSync(join(ROOT, 'src', name)))).toEqual([]);
  });

  it('that are tests are titles in the file named with them', () => {
    const named = [...TEXTS].flatMap(([page, text]) =>
      [...text.replaceAll('\n', ' ').matchAll(/`(test\/[\w./-]+)` “([^”]+)”/g)].map(([, file = '', title = '']) => ({
        page,
        file,
        title,
      })),
    );
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter(({ file, title }) => !textOfFile(file).includes(title))).toEqual([]);
  });

  it('that are constants stand in the file named with them', () => {
    const rows = tableRows(section('docs/providers.md', '## What is assumed, and where'));
    const wrong = rows.filter(
      ([, , name = '', file = '']) => !textOfFile(codes(file)[0] ?? '').includes(codes(name)[0] ?? '?'),
    );
    expect(wrong).toEqual([]);
  });

  it('that are calls of an API are those that it makes, each with a test', () => {
    const rows = tableRows(section('docs/providers.md', '## Endpoints'));
    const assumed = Object.entries({
      'order-management': ORDER_MANAGEMENT_ENDPOINTS,
      collect: COLLECT_ENDPOINTS,
    }).flatMap(([api, endpoints]) =>
      Object.entries(endpoints).map(([name, call]) => `\`${call}\` [I] ${api}: \`${name}\``),
    );
    expect(rows.map(([call, which]) => `${call} ${which}`).filter((row) => row.includes('[I]'))).toEqual(assumed);
    const documented = rows.flatMap(([call = '', , file = '']) =>
      call.includes('[D]') ? [[call, file] as const] : [],
    );
    const orderCalls = documented.filter(([call]) => /(?:collect|order-management)/.test(call));
    expect(orderCalls.length).toBe(5);
    for (const [call, file] of orderCalls)
      expect(textOfFile(codes(file)[0] ?? ''), call).toContain(`'${codes(call)[0]}'`);
    expect(rows.filter(([, , , shown = '']) => !/^`test\/[\w./-]+` “[^”]+”$/.test(shown))).toEqual([]);
  });

  it('that are invariants are those of ARCHITECTURE.md', () => {
    const stated = [...textOf('ARCHITECTURE.md').matchAll(/^\* \*\*(I\d+) /gm)].map(([, name = '']) => name);
    const shown = tableRows(section('docs/reliability.md', '## Invariants, and what shows them')).map(
      ([name = '']) => name,
    );
    expect(shown).toEqual(stated);
  });

  function leadsSomewhere(page: string, target: string): boolean {
    const [path = '', heading] = target.split('#');
    const file = path === '' ? page : relative(ROOT, join(ROOT, dirname(page), path));
    if (!existsSync(join(ROOT, file))) return false;
    return heading === undefined || headingsOf(textOf(file)).includes(heading);
  }

  /** As GitHub makes anchors of headings. */
  function headingsOf(text: string): string[] {
    return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    );
  }
});

describe('columns of a dropped file', () => {
  it.each([
    ['## Orders', 'orders'],
    ['## Instructions', 'instructions'],
  ] as const)('stand in docs/files.md under %s, and no others', (heading, kind) => {
    const named = tableRows(section('docs/files.md', heading)).flatMap(([names = '']) => codes(names));
    const columns = Object.values(KINDS).flatMap((kinds) => {
      const { required, optional, prefixes } = kinds[kind];
      return [...required, ...optional, ...prefixes.map((prefix) => `${prefix}NAME`)];
    });
    expect(named.sort()).toEqual([...new Set(columns)].sort());
  });
});

describe('what is made of the program', () => {
  it.each(madeFiles())('is committed as it is made (npm run docs writes it): $name', ({ path, text }) => {
    expect(readFileSync(path, 'utf8')).toBe(text);
  });
});

describe('the project', () => {
  /** It speaks of itself alone: how and where it came about does not concern a reader. */
  const FOREIGN: readonly RegExp[] = [
    /\b(?:claude|anthropic|openai|gpt|copilot|llm|chatbot)\b/i,
    /\b(?:ai|coding|sub)-?\s?agents?\b/i,
    /\bthis session\b|\bsession of the project\b/i,
    /\bregistry\.|\bnpmjs\b|\bartifactory\b|\bunpkg\b/i,
    /(?<![\w.])\/(?:work|root|home)\//,
  ];

  it('speaks of itself alone', () => {
    const files = [
      ...PAGES,
      ...['package.json', 'tsconfig.json', 'biome.json', 'vitest.config.ts'],
      ...['src', 'test', 'fixtures'].flatMap((folder) =>
        readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
          .filter((name) => /\.(?:ts|sql|json)$/.test(name))
          .map((name) => `${folder}/${name}`),
      ),
    ].filter((name) => name !== 'test/docs.test.ts');
    const found = files.flatMap((file) =>
      textOfFile(file)
        .split('\n')
        .flatMap((line, at) =>
          FOREIGN.some((words) => words.test(line)) ? [`${file}:${at + 1} ${line.trim().slice(0, 120)}`] : [],
        ),
    );
    expect(found).toEqual([]);
  });

  it('has a changelog for the version it is', () => {
    const { version } = JSON.parse(textOfFile('package.json')) as { version: string };
    const headings = [...textOf('CHANGELOG.md').matchAll(/^## (.*)$/gm)].map(([, heading = '']) => heading);
    const released = headings.find((heading) => heading !== 'Unreleased') ?? '';
    expect(released).toMatch(new RegExp(`^${version.replaceAll('.', '\\.')} - \\d{4}-\\d{2}-\\d{2}$`));
  });
});

function textOfFile(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}
