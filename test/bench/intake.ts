/** Taking files in: beside other programs that put a file into SQLite, and beside itself with other files. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { inTurns, notInstalled, peakOf, type Result, result, secondsOf } from './comparison.ts';
import { configure, databaseOf, expectCount, type Ground, settleDisk, takeIn } from './ground.ts';
import { BUSINESS_DATE, COLUMNS, CURRENCIES, KEY } from './inputs.ts';
import { type Figures, measure, output } from './programs.ts';

const INSTRUCTIONS = 'SELECT count(*) FROM instructions';
const MANY_MORE_REFERENCES = 100_000_000;

function run(ground: Ground, rows: number): string {
  return `paydrop run, ${grouped(rows)} instructions for ${grouped(ground.sizes.orders)} orders`;
}

export function grouped(number: number): string {
  return number.toLocaleString('en');
}

/** Takes a file in beside nothing but the orders. */
async function alone(ground: Ground, file: string, query: string, rows: number): Promise<Figures> {
  const workspace = ground.copy(await ground.withOrders(), 'workspace');
  const figures = await takeIn(ground.built, workspace, file);
  await expectCount(databaseOf(workspace), query, rows);
  return figures;
}

function clean(ground: Ground, rows: number = ground.sizes.rows): string {
  return ground.input(`instructions-${rows}`, { rows });
}

/** Into a table with the same unique key, in a new file with the program's own settings. */
async function imported(ground: Ground, program: 'sqlite3' | 'sqlite-utils'): Promise<Figures> {
  const file = clean(ground);
  const database = join(ground.folder, 'imported.db');
  for (const suffix of ['', '-journal', '-wal', '-shm']) rmSync(database + suffix, { force: true });
  await settleDisk();
  const create = `CREATE TABLE instructions (${COLUMNS.join(', ')}, UNIQUE (${KEY.join(', ')}))`;
  const figures =
    program === 'sqlite3'
      ? await measure([program, '-bail', database, create, `.import --csv --skip 1 ${file} instructions`])
      : await measure([
          program,
          'insert',
          database,
          'instructions',
          file,
          '--csv',
          ...KEY.flatMap((name) => ['--pk', name]),
        ]);
  await expectCount(database, INSTRUCTIONS, ground.sizes.rows);
  return figures;
}

export async function besideImports(ground: Ground): Promise<Result[]> {
  const { rounds, rows } = ground.sizes;
  const installed = async (program: string) => (await output(program, '--version')) !== undefined;
  const [hasShell, hasUtils] = [await installed('sqlite3'), await installed('sqlite-utils')];
  const taken = await inTurns(rounds, {
    paydrop: () => alone(ground, clean(ground), INSTRUCTIONS, rows),
    ...(hasShell ? { sqlite3: () => imported(ground, 'sqlite3') } : {}),
    ...(hasUtils ? { 'sqlite-utils': () => imported(ground, 'sqlite-utils') } : {}),
  } as Record<'paydrop' | 'sqlite3' | 'sqlite-utils', () => Promise<Figures>>);
  const what = run(ground, rows);
  const time = { what, unit: 's', rounds } as const;
  const shell = { ...time, name: 'import', against: 'sqlite3 .import, same unique key' };
  const utils = { ...time, name: 'sqlite-utils', against: 'sqlite-utils insert --csv, same key' };
  const [ours, peak] = [secondsOf(taken.paydrop), peakOf(taken.paydrop)];
  const shellLimits = { atLeast: 3, aim: 1.5 };
  const utilsLimits = { atLeast: 0.5, aim: 0.3 };
  return [
    hasShell ? result(shell, shellLimits, ours, secondsOf(taken.sqlite3)) : notInstalled(shell, shellLimits),
    hasUtils ? result(utils, utilsLimits, ours, secondsOf(taken['sqlite-utils'])) : notInstalled(utils, utilsLimits),
    result(
      { name: 'memory', what: `${what}: peak memory`, against: '–', unit: 'MB', rounds },
      { atLeast: 250, aim: 150 },
      peak,
    ),
  ];
}

export async function manyRows(ground: Ground): Promise<Result[]> {
  const { rounds, fewRows, manyRows } = ground.sizes;
  const many = ground.input('many', { rows: manyRows, from: MANY_MORE_REFERENCES });
  const taken = await inTurns(rounds, {
    many: () => alone(ground, many, INSTRUCTIONS, manyRows),
    one: () => alone(ground, clean(ground, fewRows), INSTRUCTIONS, fewRows),
  });
  const what = run(ground, manyRows);
  const against = `itself with ${grouped(fewRows)}`;
  return [
    result(
      { name: 'many', what, against, unit: 's', rounds },
      { atLeast: 6, aim: 5 },
      secondsOf(taken.many),
      secondsOf(taken.one),
    ),
    result(
      { name: 'many-memory', what: `${what}: peak memory`, against, unit: 'MB', rounds },
      { atLeast: 1.2, aim: 1 },
      peakOf(taken.many),
      peakOf(taken.one),
    ),
  ];
}

export async function intoMany(ground: Ground): Promise<Result[]> {
  const { rounds, fewRows, manyRows } = ground.sizes;
  const full = ground.copy(await ground.withOrders(), 'with-many');
  await takeIn(ground.built, full, ground.input('many', { rows: manyRows, from: MANY_MORE_REFERENCES }));
  const taken = await inTurns(rounds, {
    full: async () => {
      const workspace = ground.copy(full, 'workspace');
      const figures = await takeIn(ground.built, workspace, clean(ground, fewRows));
      await expectCount(databaseOf(workspace), INSTRUCTIONS, manyRows + fewRows);
      return figures;
    },
    empty: () => alone(ground, clean(ground, fewRows), INSTRUCTIONS, fewRows),
  });
  rmSync(full, { recursive: true });
  const what = `${run(ground, fewRows)}, into a database that holds ${grouped(manyRows)}`;
  const about = { name: 'into-many', what, against: 'itself into an empty one', unit: 's', rounds } as const;
  return [result(about, { atLeast: 1.5, aim: 1.2 }, secondsOf(taken.full), secondsOf(taken.empty))];
}

export async function allWrong(ground: Ground): Promise<Result[]> {
  const { rounds, rows } = ground.sizes;
  const wrong = ground.input('wrong', { rows, wrong: true });
  const errors = 'SELECT sum(json_array_length(errors)) / 4 FROM rows';
  const taken = await inTurns(rounds, {
    wrong: () => alone(ground, wrong, errors, rows),
    clean: () => alone(ground, clean(ground), INSTRUCTIONS, rows),
  });
  const what = `paydrop run, ${grouped(rows)} instructions with four errors each`;
  const about = { name: 'wrong', what, against: 'the same file clean', unit: 's', rounds } as const;
  return [result(about, { atLeast: 2.5, aim: 1 }, secondsOf(taken.wrong), secondsOf(taken.clean))];
}

/** Tiers, limits and duplicates that hold one row in a hundred, and nothing of it. */
const CONTROLLED = {
  possibleDuplicates: 'hold',
  approvals: [{ from: byCurrency('89101.00'), people: 2 }],
  limits: {
    payout: byCurrency('89900.00'),
    file: byCurrency('90000000000.00'),
    day: byCurrency('90000000000.00'),
    payeeDay: byCurrency('90000000000.00'),
  },
};
const UNCONTROLLED = { possibleDuplicates: 'off', lastLine: 'accept', implausibleDates: 'accept' };

export async function underControl(ground: Ground): Promise<Result[]> {
  const { rounds, judged } = ground.sizes;
  const file = ground.input('judged', { rows: judged });
  const taken = async (control: object) => {
    const workspace = ground.copy(await ground.withOrders(), 'workspace');
    configure(workspace, 'http://127.0.0.1:9', { control });
    const figures = await takeIn(ground.built, workspace, file);
    await expectCount(databaseOf(workspace), INSTRUCTIONS, judged);
    return figures;
  };
  const both = await inTurns(rounds, { under: () => taken(CONTROLLED), without: () => taken(UNCONTROLLED) });
  const what = `paydrop run, ${grouped(judged)} instructions under tiers, limits and duplicates`;
  const about = { name: 'control', what, against: 'the same without', unit: 's', rounds } as const;
  return [result(about, { atLeast: 1.1, aim: 1.05 }, secondsOf(both.under), secondsOf(both.without))];
}

function byCurrency(amount: string): Record<string, string> {
  return Object.fromEntries(CURRENCIES.map((currency) => [currency, amount]));
}

export async function validating(ground: Ground): Promise<Result[]> {
  const { rounds, rows } = ground.sizes;
  const { main, baseline } = ground.built;
  const cwd = await ground.withOrders();
  const file = clean(ground);
  const taken = await inTurns(rounds, {
    validate: () => measure([process.execPath, main, 'validate', '--date', BUSINESS_DATE, file], { cwd }),
    'csv-parse': () => measure([process.execPath, baseline('read-csv'), file, String(rows + 1)]),
  });
  const what = `paydrop validate, ${grouped(rows)} instructions`;
  const about = { name: 'validate', what, against: 'csv-parse alone reading the file', unit: 's', rounds } as const;
  return [result(about, { atLeast: 2, aim: 1.3 }, secondsOf(taken.validate), secondsOf(taken['csv-parse']))];
}
