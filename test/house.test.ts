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
      homes: ['clock.ts', 'log.ts'],
      instead: 'take a Clock and ask clock.now()',
    },
    {
      what: 'a span of time',
      call: /\bperformance\.now\(|\bprocess\.hrtime/,
      example: 'const startedMs = performance.now();',
      homes: ['clock.ts'],
      instead: 'take a Clock and ask clock.monotonic()',
    },
    {
      what: 'a timer',
      // http.ts: one deadline for a request on a real connection, which no clock of ours can hurry.
      call: /\bset(?:Timeout|Interval)\b/,
      example: 'setTimeout(retry, 1000);',
      homes: ['clock.ts', 'provider/http.ts'],
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
      call: /\bconsole\./,
      example: 'console.log(row);',
      homes: [],
      instead: 'paper.line (terminal.ts) for the user, Log (log.ts) for the operator',
    },
    {
      what: 'floating-point money',
      call: /\bparseFloat\(|\b(?:Number|parseInt)\([^)]*(?:amount|minor|units|sum)/i,
      example: 'const amount = Number(row.amount);',
      homes: [],
      instead: 'parseDecimal, toMinor and formatMinor (money.ts): bigint all the way',
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
      // A person who asks a second time is heard at once.
      homes: ['commands/context.ts'],
      instead: 'return an exit status, or throw UsageError or UnavailableError (failures.ts)',
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
      homes: [],
      instead: 'write +? (or +:name), which it takes as it comes',
    },
    {
      what: "the process's surroundings",
      call: /\bprocess\.(?:env|argv|stdin|stdout|stderr)\b/,
      example: "const key = process.env['PAYDROP_SALT_KEY'];",
      homes: [...EDGE, 'workspace.ts'],
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
    'better-sqlite3': ['store/'],
    chokidar: ['inbox/watcher.ts'],
    commander: ['main.ts'],
    'csv-parse': ['rows/lines.ts'],
    'fastest-levenshtein': ['config/', 'validate/header.ts', 'commands/explain.ts'],
    'iso-3166': ['iso.ts'],
    'node-cron': ['schedule.ts'],
    pino: ['log.ts'],
    undici: ['provider/http.ts'],
    // Whatever comes from outside: rows, the provider's answers, the sandbox's scripts and ledger.
    zod: ['validate.ts', 'validate/', 'provider/', 'sandbox/'],
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
  /** From the top of the house down. A file may import what lies below its floor. */
  const FLOORS: readonly { name: string; files: readonly string[]; amongThemselves?: true }[] = [
    { name: 'the command line', files: ['main.ts'] },
    { name: 'commands', files: ['commands/'] },
    { name: 'what runs passes', files: ['watch.ts', 'dry-run.ts', 'dry-run/'], amongThemselves: true },
    { name: 'the wiring', files: ['workspace.ts', 'workspace/'] },
    {
      name: 'the pipeline',
      files: ['pipeline.ts', 'standing.ts', 'file-reports.ts', 'file-reports/'],
      amongThemselves: true,
    },
    {
      name: 'stages',
      files: [
        ...[
          'intake.ts',
          'intake/',
          'release.ts',
          'submit.ts',
          'amend.ts',
          'reconcile.ts',
          'outbox.ts',
          'resolution.ts',
          'closing.ts',
          'verify.ts',
        ],
      ],
    },
    {
      name: 'what stages are made of, and adapters',
      files: [
        ...['inbox.ts', 'inbox/', 'rows.ts', 'rows/', 'validate.ts', 'validate/', 'report.ts', 'report/', 'anchor.ts'],
        'binding.ts',
        ...['registration.ts', 'registration/', 'store/', 'provider/', 'sandbox.ts', 'sandbox/'],
      ],
    },
    { name: 'asking', files: ['look-ups.ts'] },
    { name: 'the audit chain', files: ['audit.ts', 'replay.ts'] },
    { name: 'ports', files: ['store.ts', 'provider.ts'] },
    {
      name: 'small tools',
      files: [
        ...['config.ts', 'config/', 'schedule.ts', 'clock.ts', 'flow.ts', 'log.ts', 'progress.ts', 'terminal.ts'],
        ...['durable.ts', 'failures.ts', 'formula.ts', 'ownership.ts', 'thread.ts', 'installed.ts'],
      ],
      amongThemselves: true,
    },
    {
      name: 'words',
      files: [
        ...[
          'order.ts',
          'instruction.ts',
          'attention.ts',
          'money.ts',
          'iso.ts',
          'iso/',
          'codes.ts',
          'codes/',
          'api.ts',
          'endpoints.ts',
          'digest.ts',
          'characters.ts',
        ],
      ],
      amongThemselves: true,
    },
  ];

  /** The private parts of one module that another may use, and who. */
  const DOORS: Readonly<Record<string, readonly string[]>> = {
    'store/sqlite.ts': ['workspace.ts', 'workspace/', 'dry-run.ts', 'file-reports/portions-thread.ts'],
    'store/elsewhere.ts': ['workspace.ts'],
    'store/lock.ts': ['workspace.ts'],
    'provider/payout-orders.ts': ['workspace.ts'],
    'provider/order-management.ts': ['workspace.ts'],
    'provider/collect.ts': ['workspace.ts'],
    'provider/signature.ts': ['sandbox.ts', 'sandbox/', 'workspace.ts'],
    'provider/hmac.ts': ['sandbox.ts', 'sandbox/', 'workspace.ts'],
    'inbox/watcher.ts': ['watch.ts'],
    'workspace/records.ts': ['commands/'],
    'commands/': ['main.ts'],
  };

  const floorOf = (path: string) => FLOORS.findIndex(({ files }) => isAtHome(path, files));

  it('start from a file that has its floor', () => {
    const homeless = SOURCES.filter(({ path }) => floorOf(path) < 0).map(
      ({ path }) => `src/${path} stands on no floor: name it here and in ARCHITECTURE.md's code map.`,
    );
    expect(homeless).toEqual([]);
  });

  it('point down, and no stage imports another', () => {
    const wrong = SOURCES.flatMap(({ path, imports }) => {
      const floor = floorOf(path);
      return ours(path, imports).flatMap((target) => {
        const below = floorOf(target);
        const allowed = below > floor || sameModule(path, target) || isDoor(path, target);
        if (allowed || (below === floor && FLOORS[floor]?.amongThemselves)) return [];
        const side = below === floor ? `both are ${FLOORS[floor]?.name}` : `${FLOORS[below]?.name} stand above it`;
        return [
          `src/${path} imports ${target}, but ${side}. Instead: hand it over through the store, or let ${above(floor)} do it.`,
        ];
      });
    });
    expect(wrong).toEqual([]);
  });

  it('leave the private parts of other modules alone', () => {
    const wrong = SOURCES.flatMap(({ path, imports }) =>
      ours(path, imports)
        .filter((target) => target.includes('/') && !sameModule(path, target) && !isDoor(path, target))
        .map((target) => `src/${path} imports ${target}. Instead: ask ${moduleOf(target)}.ts to export it.`),
    );
    expect(wrong).toEqual([]);
  });

  function ours(path: string, imports: readonly string[]): string[] {
    return imports.filter((name) => name.startsWith('.')).map((name) => normalize(join(dirname(path), name)));
  }

  function moduleOf(path: string): string {
    return path.replace(/\.ts$/, '').split('/')[0] ?? '';
  }

  function sameModule(a: string, b: string): boolean {
    return moduleOf(a) === moduleOf(b);
  }

  function isDoor(path: string, target: string): boolean {
    return Object.entries(DOORS).some(([door, who]) => isAtHome(target, [door]) && isAtHome(path, who));
  }

  function above(floor: number): string {
    return FLOORS[floor - 1]?.name ?? 'nobody';
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

  /** Modules without a test of their name, and the test that would fail if they broke. */
  const SHOWN_BY: Readonly<Record<string, string>> = {
    thread: 'store-elsewhere.test.ts',
    clock: 'schedule.test.ts',
    commands: 'cli.test.ts',
    log: 'cli.test.ts',
    main: 'cli.test.ts',
    order: 'pipeline.test.ts',
    progress: 'terminal.test.ts',
  };

  it('with behaviour has a test of its name, or one that is named here', () => {
    const modules = new Set(SOURCES.filter(behaves).map(({ path }) => path.replace(/\.ts$/, '').split('/')[0] ?? ''));
    const tests = filesIn('test').filter((path) => path.endsWith('.test.ts'));
    const untested = [...modules].filter(
      (name) =>
        SHOWN_BY[name] === undefined &&
        !tests.some((path) => path === `${name}.test.ts` || path.startsWith(`${name}/`)),
    );
    expect(untested.map((name) => `src/${name} has no test. Instead: write test/${name}.test.ts.`)).toEqual([]);
  });

  it('that is excused has no test of its name, and the test that excuses it exists', () => {
    const wrong = Object.entries(SHOWN_BY).filter(
      ([name, shown]) =>
        existsSync(join(ROOT, 'test', `${name}.test.ts`)) ||
        !(existsSync(join(ROOT, 'src', `${name}.ts`)) || existsSync(join(ROOT, 'src', name))) ||
        !existsSync(join(ROOT, 'test', shown)),
    );
    expect(wrong.map(([name]) => `${name} needs its excuse no more. Instead: take it off the list.`)).toEqual([]);
  });

  function behaves({ code }: Source): boolean {
    return code.some((line) => /\bfunction\b|=>/.test(line.replace(/^\s*(?:readonly )?\w+\??: .*=> .*;$/, '')));
  }
});
