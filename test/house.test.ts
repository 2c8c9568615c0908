/** The rules of the house. Each violation says where it is and what to use instead; ARCHITECTURE.md says why. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..');

interface Source {
  /** Relative to src, as `store/lock.ts`. */
  readonly path: string;
  readonly lines: readonly string[];
  /** The lines without comments: what runs. */
  readonly code: readonly string[];
  readonly imports: readonly string[];
}

const SOURCES: readonly Source[] = filesIn('src').map((path) => {
  const text = readFileSync(join(ROOT, 'src', path), 'utf8');
  const code = withoutComments(text);
  const imports = [...code.matchAll(/(?:\bfrom|\bimport\(|^import) ?'([\w@./:-]+)'/gm)].map(([, name = '']) => name);
  return { path, lines: text.split('\n'), code: code.split('\n'), imports: [...new Set(imports)] };
});

function filesIn(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .sort();
}

/** Comments become blanks, line by line; a `//` inside a text is left alone. */
function withoutComments(text: string): string {
  return text
    .replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ' '))
    .replace(/^(\s*)\/\/.*$/gm, '$1')
    .replace(/ \/\/ .*$/gm, '');
}

/** A home is a file, or a folder with all in it when it ends in `/`. */
function isAtHome(path: string, homes: readonly string[]): boolean {
  return homes.some((home) => path === home || (home.endsWith('/') && path.startsWith(home)));
}

describe('calls that are banned outside their homes', () => {
  const EDGE = ['main.ts', 'commands/'];
  const RULES: readonly {
    what: string;
    call: RegExp;
    /** What the rule must catch. */
    example: string;
    homes: readonly string[];
    instead: string;
  }[] = [
    {
      what: 'the time of day',
      call: /\bDate\.now\(|\bnew Date\(\)/,
      example: 'const today = new Date();',
      homes: ['platform/clock.ts', 'platform/log.ts'],
      instead: 'take a Clock and ask clock.now()',
    },
    {
      what: 'a span of time',
      call: /\bperformance\.now\(|\bprocess\.hrtime/,
      example: 'const startedMs = performance.now();',
      homes: ['platform/clock.ts'],
      instead: 'take a Clock and ask clock.monotonic()',
    },
    {
      what: 'a timer',
      // http.ts: one deadline for a request on a real connection, which no clock of ours can hurry.
      call: /\bset(?:Timeout|Interval)\b/,
      example: 'setTimeout(retry, 1000);',
      homes: ['platform/clock.ts', 'provider/http.ts'],
      instead: 'take a Clock and await clock.sleep(ms, signal)',
    },
    {
      what: 'chance',
      call: /\bMath\.random\b/,
      example: 'if (Math.random() < 0.5) retry();',
      homes: [],
      instead: "derive it (clientRefId, the sandbox's draw.ts), or randomUUID for a name that must be unique",
    },
    {
      what: 'console',
      call: /\bconsole\.\w+\(/,
      example: 'console.log(row);',
      homes: [],
      instead: 'output.line (platform/terminal.ts) for the user, Log (platform/log.ts) for the operator',
    },
    {
      what: 'floating-point money',
      call: /\bparseFloat\(|\b(?:Number|parseInt)\([^)]*(?:amount|minor|units|sum)/i,
      example: 'const amount = Number(row.amount);',
      homes: [],
      instead: 'parseDecimal, toMinor and formatMinor (domain/money.ts): bigint all the way',
    },
    {
      what: 'fetch, which follows redirects with the signed body',
      call: /\bfetch\(/,
      example: "await fetch(url, { method: 'POST', body });",
      homes: [],
      instead: 'httpClient (provider/http.ts): one request, one outcome',
    },
    {
      what: 'an end in the middle of something',
      call: /\bprocess\.(?:exit|abort|kill)\(/,
      example: 'process.exit(1);',
      // A person who asks a second time is heard at once; what nothing catches must not end with Node's own status.
      homes: ['commands/context.ts', 'main.ts'],
      instead: 'return an exit status, or throw UsageError or UnavailableError (platform/failures.ts)',
    },
    {
      what: 'a watcher',
      call: /\bwatch(?:File)?\b.* from 'node:fs(?:\/promises)?'/,
      example: "import { watch } from 'node:fs';",
      homes: [],
      instead: 'wakeOnChange (inbox/watcher.ts), which only wakes, and look at the folder',
    },
    {
      what: 'a bound value that SQLite looks at while it plans, so that it plans anew each time',
      call: /\bLIMIT [?:]|\b(?:status|registration) = [?:](?! ?,)\S* (?:AND|OR)\b|AND (?:status|registration) = [?:]/,
      example: "db.prepare('SELECT id FROM runs ORDER BY id LIMIT ?');",
      homes: ['store/postgres/'],
      instead: 'write +? (or +:name), which it takes as it comes',
    },
    {
      what: 'the whole of zod, which every command would load',
      call: /\bfrom 'zod'/,
      example: "import * as z from 'zod';",
      homes: [],
      instead: "import * as z from 'zod/mini', which has the same as functions",
    },
    {
      what: "the process's surroundings",
      call: /\bprocess\.(?:env|argv|stdin|stdout|stderr)\b/,
      example: "const key = process.env['PAYDROP_SALT_KEY'];",
      homes: [...EDGE, 'service/workspace.ts', 'service/opening.ts'],
      instead: 'take it as a parameter; commands hand it in',
    },
  ];

  it.each(RULES)('$what', ({ call, example, homes, instead }) => {
    expect(example).toMatch(call);
    const found = SOURCES.filter(({ path }) => !isAtHome(path, homes)).flatMap(({ path, code }) =>
      code.flatMap((line, at) =>
        call.test(line) ? [`src/${path}:${at + 1} has \`${line.trim()}\`. Instead: ${instead}.`] : [],
      ),
    );
    expect(found).toEqual([]);
  });
});

describe('a library', () => {
  const HOMES: Readonly<Record<string, readonly string[]>> = {
    'better-sqlite3': ['store/sqlite/'],
    chokidar: ['inbox/watcher.ts'],
    commander: ['main.ts'],
    'csv-parse': ['intake/rows/lines.ts'],
    'fastest-levenshtein': ['settings/', 'platform/nearest.ts'],
    'iso-3166': ['domain/iso.ts'],
    'node-cron': ['settings/schedule.ts'],
    pg: ['store/postgres/'],
    pino: ['platform/log.ts'],
    undici: ['provider/http.ts'],
    // Whatever comes from outside: settings, decisions, rows, the provider's answers, the sandbox's scripts and ledger.
    zod: ['control/decision-file.ts', 'settings/', 'provider/', 'sandbox/'],
  };

  it('has one home', () => {
    const strays = SOURCES.flatMap(({ path, imports }) =>
      imports.filter(isLibrary).flatMap((name) => {
        const homes = HOMES[packageOf(name)];
        if (!homes) return [`src/${path} imports ${name}, which has no home: name one here and in ARCHITECTURE.md.`];
        return isAtHome(path, homes)
          ? []
          : [`src/${path} imports ${name}. Instead: ask ${homes.join(' or ')}, where it lives.`];
      }),
    );
    expect(strays).toEqual([]);
  });

  it('that has a home is installed, and the other way round', () => {
    const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { dependencies: object };
    expect(Object.keys(HOMES).sort()).toEqual(Object.keys(dependencies).sort());
  });

  function isLibrary(name: string): boolean {
    return !name.startsWith('.') && !name.startsWith('node:');
  }

  function packageOf(name: string): string {
    return name
      .split('/')
      .slice(0, name.startsWith('@') ? 2 : 1)
      .join('/');
  }
});

describe('imports', () => {
  /**
   * The rooms from the top of the house down, in the order of a file's journey: what starts it, what it goes through, what that is made
   * of. A room may import what lies below it.
   */
  const ROOMS = [
    ...[
      'main.ts',
      'commands',
      'service',
      'pipeline',
      'intake',
      'control',
      'reports',
      'sandbox',
      'settings',
      'store',
      'provider',
    ],
    ...['inbox', 'domain', 'platform'],
  ];
  /** Words and small tools: any of their files may be imported. The other rooms have one door, the file of their name. */
  const OPEN = ['domain', 'platform'];
  /** Loaded one at a time, each when it is asked for. */
  const COMMANDS = 'commands';

  const roomOf = (path: string) => path.split('/')[0] ?? '';
  const arrows = SOURCES.flatMap(({ path, imports }) => ours(path, imports).map((target) => ({ path, target })));
  const between = arrows.filter(({ path, target }) => roomOf(path) !== roomOf(target));

  it('start from a room of the house', () => {
    const homeless = SOURCES.filter(({ path }) => !ROOMS.includes(roomOf(path))).map(
      ({ path }) =>
        `src/${path} is in no room. Instead: put it into ${ROOMS.slice(1).join(', ')}: ARCHITECTURE.md says what is where.`,
    );
    expect(homeless).toEqual([]);
  });

  it('point down', () => {
    const wrong = between
      .filter(({ path, target }) => ROOMS.indexOf(roomOf(target)) < ROOMS.indexOf(roomOf(path)))
      .map(
        ({ path, target }) =>
          `src/${path} imports ${target}, which lies above it. Instead: take what it needs as a parameter, or move it to ${roomOf(target)}/.`,
      );
    expect(wrong).toEqual([]);
  });

  it('go through the door of a room', () => {
    const past = between
      .filter(({ path, target }) => {
        const room = roomOf(target);
        const isOpen = OPEN.includes(room) || (room === COMMANDS && path === 'main.ts');
        return !isOpen && target !== `${room}/${room}.ts`;
      })
      .map(
        ({ path, target }) =>
          `src/${path} imports ${target}. Instead: let ${roomOf(target)}/${roomOf(target)}.ts export it.`,
      );
    expect(past).toEqual([]);
  });

  it('leave the private parts of a module alone', () => {
    const wrong = arrows
      .filter(({ path, target }) => {
        const module = dirname(target);
        return module.includes('/') && !isIn(path, module) && path !== `${module}.ts` && !isDoorOf(path, module);
      })
      .map(({ path, target }) => `src/${path} imports ${target}. Instead: let ${dirname(target)}.ts export it.`);
    expect(wrong).toEqual([]);
  });

  it('go in no circle', () => {
    const targets = new Map<string, string[]>();
    for (const { path, target } of arrows) targets.set(path, [...(targets.get(path) ?? []), target]);
    const reaches = (from: string, sought: string, seen = new Set<string>()): boolean =>
      (targets.get(from) ?? []).some((next) => {
        if (next === sought) return true;
        if (seen.has(next)) return false;
        seen.add(next);
        return reaches(next, sought, seen);
      });
    const circles = [...targets.keys()].filter((path) => reaches(path, path));
    expect(
      circles.map(
        (path) => `src/${path} imports itself by way of others. Instead: move what both need into a file of its own.`,
      ),
    ).toEqual([]);
  });

  function ours(path: string, imports: readonly string[]): string[] {
    return imports.filter((name) => name.startsWith('.')).map((name) => normalize(join(dirname(path), name)));
  }

  function isIn(path: string, folder: string): boolean {
    return path.startsWith(`${folder}/`);
  }

  /** `store/sqlite/` has no file of its name beside it: the store's own door opens it. */
  function isDoorOf(path: string, module: string): boolean {
    const room = roomOf(module);
    return path === `${room}/${room}.ts`;
  }
});

describe('a source file', () => {
  const LONGEST = 400;

  it(`has at most ${LONGEST} lines`, () => {
    const long = SOURCES.filter(({ lines }) => lines.length - 1 > LONGEST).map(
      ({ path, lines }) =>
        `src/${path} has ${lines.length - 1} lines. Instead: move private parts into src/${path.replace(/\.ts$/, '/')}.`,
    );
    expect(long).toEqual([]);
  });

  const LONGEST_FUNCTION = 70;

  it(`has functions of at most ${LONGEST_FUNCTION} lines`, () => {
    const long = SOURCES.flatMap(({ path, lines }) =>
      lines.flatMap((line, at) => {
        const [, indent, name] = /^(\s*)(?:export )?(?:async )?function\*? ?(\w+)/.exec(line) ?? [];
        if (indent === undefined) return [];
        const body = lines.slice(at).findIndex((one) => /[{]$/.test(one) && !/^\s*(?:\w+\??: )?[{]$/.test(one));
        const end = lines.slice(at).indexOf(`${indent}}`);
        const length = end - Math.min(Math.max(body, 0), end) - 1;
        return length > LONGEST_FUNCTION ? [`src/${path}: ${name} has ${length} lines. Instead: name its parts.`] : [];
      }),
    );
    expect(long).toEqual([]);
  });

  it('has no name that says nothing', () => {
    const vague = SOURCES.filter(({ path }) =>
      /(?:^|\/)(?:index|utils?|types|helpers?|common|interfaces)\.ts$/.test(path),
    );
    expect(
      vague.map(({ path }) => `src/${path} says nothing. Instead: name it after the one thing it is about.`),
    ).toEqual([]);
  });

  it('leaves no marker behind', () => {
    const marker = /\b(?:TODO|FIXME|HACK)\b|\bXXX\b(?!')/;
    const left = [...SOURCES.map(({ path }) => `src/${path}`), ...filesIn('test').map((path) => `test/${path}`)]
      .filter((path) => path !== 'test/house.test.ts')
      .flatMap((path) =>
        readFileSync(join(ROOT, path), 'utf8')
          .split('\n')
          .flatMap((line, at) =>
            marker.test(line) ? [`${path}:${at + 1} ${line.trim()}. Instead: do it, or drop it.`] : [],
          ),
      );
    expect(left).toEqual([]);
  });

  /** Rooms whose files are parts of one thing: a test of the room, or of the file, shows it. Elsewhere each file has its own. */
  const ONE_THING = ['commands', 'inbox', 'intake', 'provider', 'reports', 'sandbox', 'settings', 'store'];

  /** Files and rooms without a test of their name, and the test that would fail if they broke. */
  const SHOWN_BY: Readonly<Record<string, string>> = {
    account: 'workspace.test.ts',
    commands: 'cli.test.ts',
    control: 'decisions.test.ts',
    failures: 'cli.test.ts',
    installed: 'cli.test.ts',
    lazy: 'cli.test.ts',
    measures: 'metrics.test.ts',
    'let-go': 'control-attacks.test.ts',
    log: 'cli.test.ts',
    main: 'cli.test.ts',
    numbers: 'workspace.test.ts',
    order: 'pipeline.test.ts',
    pass: 'pipeline.test.ts',
    place: 'workspace.test.ts',
    progress: 'terminal.test.ts',
    provider: 'provider-contract.test.ts',
    records: 'workspace.test.ts',
    'records-copy': 'whole.test.ts',
    publishing: 'cli.test.ts',
    reports: 'report.test.ts',
    service: 'cli.test.ts',
    serving: 'health.test.ts',
    reach: 'doctor.test.ts',
    site: 'health.test.ts',
    'ssh-wire': 'ssh-key.test.ts',
  };

  it('with behaviour has a test of its name, or one that is named here', () => {
    const tests = filesIn('test').filter((path) => path.endsWith('.test.ts'));
    const isShown = (name: string) =>
      SHOWN_BY[name] !== undefined || tests.some((path) => path === `${name}.test.ts` || path.startsWith(`${name}/`));
    const untested = [...new Set(SOURCES.filter(behaves).map(({ path }) => moduleOf(path)))].filter(
      (name) => !isShown(name),
    );
    expect(untested.map((name) => `${name} has no test. Instead: write test/${name}.test.ts.`)).toEqual([]);
  });

  /** The name that a file's test has: the room's, the file's own, or that of the file whose part it is. */
  function moduleOf(path: string): string {
    const [room = '', file = room] = path.replace(/\.ts$/, '').split('/');
    return ONE_THING.includes(room) ? room : file;
  }

  it('that is excused has no test of its name, and the test that excuses it exists', () => {
    const modules = new Set(SOURCES.map(({ path }) => moduleOf(path)));
    const wrong = Object.entries(SHOWN_BY).filter(
      ([name, shown]) =>
        existsSync(join(ROOT, 'test', `${name}.test.ts`)) ||
        !modules.has(name) ||
        !existsSync(join(ROOT, 'test', shown)),
    );
    expect(wrong.map(([name]) => `${name} needs its excuse no more. Instead: take it off the list.`)).toEqual([]);
  });

  function behaves({ code }: Source): boolean {
    return code.some((line) => /\bfunction\b|=>/.test(line.replace(/^\s*(?:readonly )?\w+\??: .*=> .*;$/, '')));
  }
});
