/**
 * Records on a PostgreSQL server, beside the server's own COPY, beside the same program on SQLite, and several machines
 * beside one. The server is started for the measurement, with its default settings for durability.
 */
import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { hasPostgres, Server } from '../support/postgres-server.ts';
import { inTurns, notInstalled, peakOf, type Result, result, secondsOf } from './comparison.ts';
import { configure, type Ground, settleDisk, takeIn } from './ground.ts';
import { COLUMNS, CURRENCIES, KEY, OPEN_BY } from './inputs.ts';
import { grouped } from './intake.ts';
import { type Figures, freePort, measure, timedByItself, whileListening, withSandbox } from './programs.ts';

const ORDERS = 'with_orders';
const READY = 'with_ready';
const READY_FOR_MANY = 'with_ready_for_many';
const COPIED = 'copied';

/** What a provider across a network takes for an answer, and how many requests at once it allows each machine. */
const ANSWER_MS = 100;
const EACH_AT_ONCE = 16;
/** Most of the time is the provider's, and varies little. */
const MOST_ROUNDS = 2;

const COPY = { atLeast: 6, aim: 3 };
const SENDING = { atLeast: 0.7, aim: 1, higherIsBetter: true } as const;
const TWO = { atLeast: 1.9, aim: 2, higherIsBetter: true } as const;
const FOUR = { atLeast: 3.5, aim: 4, higherIsBetter: true } as const;

interface Records {
  readonly server: Server;
  /** The provider's, whether it is there or not: records go with one provider. */
  readonly origin: string;
  readonly port: string;
  /** A copy of a database under another name, and the environment that leads to it. */
  fresh(from: string, name: string): Promise<{ PAYDROP_DATABASE_URL: string }>;
}

export async function onServer(ground: Ground): Promise<Result[]> {
  if (!hasPostgres) return [notInstalled({ ...intakeIs(ground), unit: 's' }, COPY)];
  // The server runs as a user of its own.
  chmodSync(ground.folder, 0o711);
  const server = new Server(join(ground.folder, 'server'));
  await server.start(['shared_buffers=256MB', 'max_wal_size=4GB']);
  try {
    const port = await freePort();
    const records: Records = {
      ...{ server, port, origin: `http://127.0.0.1:${port}` },
      async fresh(from, name) {
        await server.query('postgres', `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
        await server.query('postgres', `CREATE DATABASE ${name} TEMPLATE ${from} STRATEGY file_copy`);
        return { PAYDROP_DATABASE_URL: server.address(name) };
      },
    };
    await makeDatabases(ground, records);
    return [
      ...(await takingIn(ground, records)),
      ...(await sendingBeside(ground, records)),
      ...(await severalMachines(ground, records)),
    ];
  } finally {
    await server.stop();
  }
}

function workspaceOf(ground: Ground, name: string, baseUrl: string, more: object = {}): string {
  const workspace = join(ground.folder, name);
  rmSync(workspace, { recursive: true, force: true });
  mkdirSync(workspace);
  configure(workspace, baseUrl, { records: 'postgres', machine: name, ...more });
  return workspace;
}

/** One that knows the orders, and copies of it with payouts that are ready. */
async function makeDatabases(ground: Ground, { server, origin, fresh }: Records): Promise<void> {
  const workspace = workspaceOf(ground, 'maker', origin);
  await ground.withOrders();
  await fresh('template0', ORDERS);
  await takeIn(ground.built, workspace, join(ground.folder, 'orders.csv'), envOf(server, ORDERS));
  const { payouts, shared } = ground.sizes;
  for (const [name, rows] of [
    [READY, payouts],
    [READY_FOR_MANY, shared],
  ] as const) {
    const ready = await fresh(ORDERS, name);
    await takeIn(
      ground.built,
      workspaceOf(ground, `maker-of-${rows}`, origin),
      ground.input(`due-${rows}`, { rows }),
      ready,
    );
  }
  await fresh('template0', COPIED);
}

function envOf(server: Server, database: string): { PAYDROP_DATABASE_URL: string } {
  return { PAYDROP_DATABASE_URL: server.address(database) };
}

function intakeIs({ sizes }: Ground) {
  return {
    name: 'postgres-import',
    what: `paydrop run on PostgreSQL, ${grouped(sizes.rows)} instructions for ${grouped(sizes.orders)} orders`,
    against: 'COPY into a table with the same unique key',
    rounds: sizes.rounds,
  };
}

async function takingIn(ground: Ground, { server, origin, fresh }: Records): Promise<Result[]> {
  const { rounds, rows } = ground.sizes;
  const file = ground.input(`instructions-${rows}`, { rows });
  const taken = await inTurns(rounds, {
    paydrop: async () => {
      const workspace = workspaceOf(ground, 'intake', origin);
      const env = await fresh(ORDERS, 'intake');
      const figures = await takeIn(ground.built, workspace, file, env);
      await requireCount(server, 'intake', 'paydrop.instructions', rows);
      return figures;
    },
    copy: async () => {
      const columns = COLUMNS.map((name) => `"${name}" text`).join(', ');
      const key = KEY.map((name) => `"${name}"`).join(', ');
      await server.query(COPIED, `DROP TABLE IF EXISTS copied; CREATE TABLE copied (${columns}, UNIQUE (${key}))`);
      await settleDisk();
      const figures = await measure([
        server.program('psql'),
        '-q',
        server.address(COPIED),
        '-c',
        `\\copy copied FROM '${file}' CSV HEADER`,
      ]);
      await requireCount(server, COPIED, 'copied', rows);
      return figures;
    },
  });
  const what = intakeIs(ground);
  const ours = peakOf(taken.paydrop);
  const memory = {
    ...what,
    name: 'postgres-memory',
    what: `${what.what}: peak memory`,
    against: '–',
    unit: 'MB',
  } as const;
  return [
    result({ ...what, unit: 's' }, COPY, secondsOf(taken.paydrop), secondsOf(taken.copy)),
    result(memory, { atLeast: 250, aim: 150 }, ours),
  ];
}

async function requireCount(server: Server, database: string, table: string, count: number): Promise<void> {
  const [found] = await server.query<{ count: string }>(database, `SELECT count(*)::text AS count FROM ${table}`);
  if (Number(found?.count) !== count)
    throw new Error(`${database}: ${table} has ${found?.count} rows instead of ${count}`);
}

/** One machine that sends, with each kind of records. */
async function sendingBeside(ground: Ground, { origin, fresh }: Records): Promise<Result[]> {
  const { rounds, payouts } = ground.sizes;
  const stage = ground.built.baseline('one-stage');
  const sqlite = ground.copy(await ground.withOrders(), 'ready-sqlite');
  await takeIn(ground.built, sqlite, ground.input('payouts', { rows: payouts }));
  await timedByItself(stage, ['list', sqlite, OPEN_BY, join(ground.folder, 'listed.jsonl')], payouts);
  const taken = await inTurns(rounds, {
    postgres: async () => {
      const env = await fresh(READY, 'sending');
      const workspace = workspaceOf(ground, 'sending', origin);
      await timedByItself(stage, ['list', workspace, OPEN_BY, join(ground.folder, 'listed.jsonl')], payouts, env);
      return atProvider(ground, async (origin) => {
        configure(workspace, origin, { records: 'postgres', machine: 'sending' });
        return timedByItself(stage, ['send', workspace, OPEN_BY], payouts, env);
      });
    },
    sqlite: () =>
      atProvider(ground, async (origin) => {
        const workspace = ground.copy(sqlite, 'sending-sqlite');
        configure(workspace, origin);
        return timedByItself(stage, ['send', workspace, OPEN_BY], payouts);
      }),
  });
  const what = `sending ${grouped(payouts)} ready instructions, records on PostgreSQL, per second`;
  const about = { name: 'postgres-send', what, against: 'the same on SQLite', unit: '1/s', rounds } as const;
  return [result(about, SENDING, payouts / secondsOf(taken.postgres), payouts / secondsOf(taken.sqlite))];
}

async function atProvider<T>(ground: Ground, use: (origin: string) => Promise<T>): Promise<T> {
  const ledger = join(ground.folder, 'sandbox', `${process.hrtime.bigint()}.jsonl`);
  await settleDisk();
  return withSandbox(ground.built.main, ledger, use);
}

/**
 * From the first payout that the provider takes to the last one: the processes' start and the look-ups don't count. The
 * provider is one that costs next to nothing, because all share the cores of one machine here.
 */
async function severalMachines(ground: Ground, { fresh, port, server }: Records): Promise<Result[]> {
  const { shared: payouts } = ground.sizes;
  const rounds = Math.min(ground.sizes.rounds, MOST_ROUNDS);
  const slow = [ground.built.baseline('slow-provider'), port, String(ANSWER_MS)];
  const together = async (count: number): Promise<Figures> => {
    const env = await fresh(READY_FOR_MANY, 'machines');
    const names = Array.from({ length: count }, (_, at) => `machine-${at + 1}`);
    const provider = { currencies: CURRENCIES, concurrency: EACH_AT_ONCE * count };
    await settleDisk();
    const { result: all, told } = await whileListening(slow, (origin) =>
      Promise.all(
        names.map((name) => {
          const cwd = workspaceOf(ground, name, origin, { provider: { ...provider, baseUrl: origin } });
          const command = [process.execPath, ground.built.main, 'run', '--date', OPEN_BY] as const;
          return measure([...command], { cwd, env, statuses: [0, 1, 3] });
        }),
      ),
    );
    const { accepted, seconds } = JSON.parse(told.at(-1) ?? '{}') as { accepted: number; seconds: number };
    const [sent] = await server.query<{ count: string }>(
      'machines',
      "SELECT count(*)::text AS count FROM paydrop.sends WHERE outcome = 'accepted'",
    );
    if (Number(sent?.count) !== payouts || accepted !== payouts)
      throw new Error(`${count} machines sent ${sent?.count} of ${payouts}, and the provider took ${accepted}`);
    return { seconds, peakMB: Math.max(...all.map(({ peakMB }) => peakMB)) };
  };
  const taken = await inTurns(rounds, { one: () => together(1), two: () => together(2), four: () => together(4) });
  const about = (name: string, count: number) =>
    ({
      name,
      what: `${count} machines, ${grouped(payouts)} payouts, ${EACH_AT_ONCE} requests at once each, a provider that takes ${ANSWER_MS} ms, per second`,
      against: 'one machine',
      unit: '1/s',
      rounds,
    }) as const;
  const rate = (figures: readonly Figures[]) => payouts / secondsOf(figures);
  return [
    result(about('two-machines', 2), TWO, rate(taken.two), rate(taken.one)),
    result(about('four-machines', 4), FOUR, rate(taken.four), rate(taken.one)),
  ];
}
