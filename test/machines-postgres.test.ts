/** Machines that share their records on one PostgreSQL server, as real processes with a provider over HTTP. */
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { noProgress } from '../src/platform/progress.ts';
import { type FaultScript, type LedgerEntry, readLedger, startSandbox } from '../src/sandbox/sandbox.ts';
import type { Store } from '../src/store/port.ts';
import { readAddress } from '../src/store/postgres/address.ts';
import { prepareSchema } from '../src/store/postgres/migrations.ts';
import { openStore } from '../src/store/postgres/postgres.ts';
import { verify } from '../src/store/verify.ts';
import { builtProgram, type Running } from './support/cli.ts';
import { newDatabase, sharedServer } from './support/postgres.ts';
import { hasPostgres, Server } from './support/postgres-server.ts';
import { ALL } from './support/sample.ts';
import { SANDBOX_SECRETS } from './support/secrets.ts';
import { temporaryPlace } from './support/temporary.ts';
import {
  instructions,
  ORDERS,
  type TestWorkspace,
  temporaryFolder,
  testWorkspace,
  timesTaken,
} from './support/workspace.ts';

const program = builtProgram();

const PATIENCE = { timeout: 40_000, interval: 50 };
const TIMEOUT = 120_000;
const PAYOUTS = 20;
/** Slow enough that a machine is in the middle of its work when something befalls it. */
const SLOW: FaultScript = {
  fates: [{ fate: 'processed' }],
  faults: [{ on: 'post', fault: { kind: 'delay', ms: 150 } }],
};

interface Ground {
  readonly server: Server;
  readonly database: string;
  readonly address: string;
  machine(name: string): Machine;
  ledger(): LedgerEntry[];
  accepted(): number;
}

interface Machine {
  readonly workspace: TestWorkspace;
  /** Its payouts are called NAME1 and so on. */
  drop(): void;
  watch(): Running;
  run(): Running;
}

async function ground(own?: Server): Promise<Ground> {
  const address = own ? own.address('postgres') : await newDatabase();
  if (own) await prepareSchema(readAddress(address), 'kept');
  const ledgerPath = join(temporaryFolder(), 'ledger.jsonl');
  const sandbox = await startSandbox({ seed: 1, ledgerPath, faults: SLOW });
  onTestFinished(() => sandbox.close());
  const env = {
    PAYDROP_DATABASE_URL: address,
    ...SANDBOX_SECRETS,
  };
  const ledger = () => [...readLedger(ledgerPath)];
  return {
    server: own ?? (await sharedServer()),
    database: new URL(address).pathname.slice(1),
    address,
    ledger,
    accepted: () => ledger().filter(({ kind }) => kind === 'accepted').length,
    machine: (name) => {
      const workspace = testWorkspace({
        ...{ records: 'postgres', machine: name, submit: 'on-arrival' },
        provider: { baseUrl: sandbox.baseUrl.origin, currencies: ['INR'], concurrency: 2, quarantine: '1s' },
      });
      const start = (...args: string[]) => program.start([...args, '--workspace', workspace.root], { env });
      return {
        workspace,
        drop: () => {
          workspace.drop('orders.csv', ORDERS.replaceAll('C1', name));
          const row = (at: number) => `${name},O1,${name}${at},210.00,2026-03-02,2026-03-06,${name}${at}`;
          const rows = Array.from({ length: PAYOUTS }, (_, at) => row(at + 1));
          workspace.drop('payouts.csv', instructions(...rows));
        },
        watch: () => start('watch'),
        run: () => start('run'),
      };
    },
  };
}

async function reading<T>({ address }: Ground, work: (store: Store) => Promise<T>): Promise<T> {
  const store = await openStore({ address, purpose: 'reading' });
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

async function counts(on: Ground): Promise<Record<string, number>> {
  const found = await reading(on, (store) => store.statusCounts());
  return Object.fromEntries(found.map(({ status, count }) => [status, count]));
}

/** Runs the machines until every payout has ended, and holds what paydrop promises against what the provider has. */
async function expectAllPaidOnce(on: Ground, machines: Record<string, Machine>): Promise<void> {
  const dropped = Object.entries(machines);
  await vi.waitFor(async () => {
    for (const [, machine] of dropped) await machine.run().ended;
    expect(await counts(on)).toEqual({ paid: PAYOUTS * dropped.length });
  }, PATIENCE);
  // Each tells its own rows, also of what another has looked up.
  for (const [, machine] of dropped) expect((await machine.run().ended).status).toBe(0);
  const refs = dropped.flatMap(([name]) => Array.from({ length: PAYOUTS }, (_, at) => `${name}${at + 1}`));
  expect(timesTaken(on.ledger())).toEqual(Object.fromEntries(refs.map((ref) => [ref, 1])));
  const told = dropped.flatMap(([, { workspace }]) =>
    workspace
      .outbox()
      .filter((name) => name.startsWith('payouts.') && name.endsWith('.result.csv'))
      .flatMap((name) => workspace.rows(name))
      .map(({ instructionRef, status }) => `${instructionRef} ${status}`),
  );
  expect(told.sort()).toEqual(refs.map((ref) => `${ref} paid`).sort());
  expect(await reading(on, (store) => verify(store, noProgress))).toMatchObject({
    broken: undefined,
    difference: undefined,
  });
}

/** Ends the session of a machine at the server, or with `all` every connection to the database. */
function cut({ server, database }: Ground, which: 'session' | 'all'): Promise<unknown> {
  const name = which === 'session' ? "AND application_name = 'paydrop machine'" : '';
  return server.query(
    'postgres',
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${database}' ${name} AND pid <> pg_backend_pid()`,
  );
}

const inTheMiddle = (on: Ground) => vi.waitFor(() => expect(on.accepted()).toBeGreaterThan(4), PATIENCE);

async function stopped(running: Running): Promise<void> {
  running.process.kill('SIGTERM');
  expect((await running.ended).status).toBe(0);
}

describe.skipIf(!hasPostgres)('machines that share records', { timeout: TIMEOUT }, () => {
  it('pay each payout once and tell each row once, at work side by side', async () => {
    const on = await ground();
    const machines = { A: on.machine('A'), B: on.machine('B') };
    const running = Object.values(machines).map((machine) => {
      machine.drop();
      return machine.watch();
    });
    await vi.waitFor(() => expect(on.accepted()).toBe(2 * PAYOUTS), PATIENCE);
    for (const one of running) await stopped(one);
    await expectAllPaidOnce(on, machines);
  });

  it('lose none to kill -9: what was being sent is looked up by another', async () => {
    const on = await ground();
    const A = on.machine('A');
    A.drop();
    const first = A.watch();
    await inTheMiddle(on);
    first.process.kill('SIGKILL');
    await first.ended;
    expect(await counts(on)).toMatchObject({ sending: expect.any(Number) });
    await on.machine('B').run().ended;
    expect(await counts(on)).not.toHaveProperty('sending');
    await expectAllPaidOnce(on, { A });
  });

  it.runIf(ALL)('stop sending when a session ends, and go on with a new one', async () => {
    const on = await ground();
    const A = on.machine('A');
    A.drop();
    const watching = A.watch();
    await inTheMiddle(on);
    await cut(on, 'session');
    await watching.says('the records are out of reach, and nothing is sent until they are back');
    await watching.says('the records are back, and the work goes on');
    await vi.waitFor(() => expect(on.accepted()).toBe(PAYOUTS), PATIENCE);
    await stopped(watching);
    await expectAllPaidOnce(on, { A });
  });

  it('end a run unfinished when its session ends, with all that was sent in the records', async () => {
    const on = await ground();
    const A = on.machine('A');
    A.drop();
    const running = A.run();
    await inTheMiddle(on);
    await cut(on, 'session');
    const { status, stdout, stderr } = await running.ended;
    expect([status, stdout + stderr]).toEqual([3, expect.stringContaining('its connection to the database has ended')]);
    const { ready = 0, ...sent } = await counts(on);
    expect(ready).toBeGreaterThan(0);
    expect(sent).toEqual({ submitted: PAYOUTS - ready });
    expect(on.accepted()).toBe(PAYOUTS - ready);
  });

  it.runIf(ALL)('wake up from a halt without sending what another machine has recovered meanwhile', async () => {
    const on = await ground();
    const A = on.machine('A');
    A.drop();
    const watching = A.watch();
    await inTheMiddle(on);
    watching.process.kill('SIGSTOP');
    await cut(on, 'all');
    const B = on.machine('B');
    await vi.waitFor(async () => {
      await B.run().ended;
      expect(await counts(on)).toEqual({ paid: PAYOUTS });
    }, PATIENCE);
    watching.process.kill('SIGCONT');
    await watching.says('the records are back, and the work goes on');
    await stopped(watching);
    await expectAllPaidOnce(on, { A });
  });

  it.runIf(ALL)('wait for a server that fell over, say so once, and go on when it is back', async () => {
    const server = new Server(join(temporaryPlace(), `paydrop-fallen-${process.pid}`));
    await server.start();
    onTestFinished(() => server.remove());
    const on = await ground(server);
    const A = on.machine('A');
    A.drop();
    const watching = A.watch();
    await inTheMiddle(on);
    await server.stop('immediate');
    await watching.says('the records are out of reach');
    const away = await on.machine('B').run().ended;
    expect(away.status).toBe(3);
    expect(away.stderr).toMatch(/^paydrop: PostgreSQL at .* can't be reached: .*\nNothing is lost: .*\n$/);
    await server.resume();
    await watching.says('the records are back, and the work goes on');
    expect(watching.stderr().match(/out of reach/g)).toHaveLength(1);
    await stopped(watching);
    await expectAllPaidOnce(on, { A });
  });
});
