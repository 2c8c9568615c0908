import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { afterAll, onTestFinished } from 'vitest';
import type { Api } from '../../src/domain/api.ts';
import { clientRefId, type PayoutRef } from '../../src/domain/instruction.ts';
import { type PassOptions, type PassSummary, pass, type Tools } from '../../src/pipeline/pass.ts';
import { workspaceState } from '../../src/pipeline/state.ts';
import { type FaultScript, type LedgerEntry, readLedger } from '../../src/sandbox/sandbox.ts';
import { LEDGER } from '../../src/service/account.ts';
import { OWNER_FILE } from '../../src/service/outbox-of.ts';
import { type OpenWorkspace, openWorkspace } from '../../src/service/workspace.ts';
import { openStore as openPostgres } from '../../src/store/postgres/postgres.ts';
import { openStore } from '../../src/store/sqlite/sqlite.ts';
import { type TestClock, testClock } from './clock.ts';
import { copyOfDatabase, keepDatabase, newDatabase } from './postgres.ts';

export type RecordsOn = 'sqlite' | 'postgres';

/** Where tests have their records that don't say it: `RECORDS=postgres npx vitest run ...` takes them to PostgreSQL. */
const RECORDS: RecordsOn = process.env['RECORDS'] === 'postgres' ? 'postgres' : 'sqlite';

/** A folder that goes when the test passed; a failing test keeps it and says where it is. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'paydrop-test-'));
  onTestFinished(({ task }) => {
    if (task.result?.state === 'fail') process.stderr.write(`kept for you: ${folder}\n`);
    else rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

export interface TestWorkspace {
  readonly root: string;
  readonly clock: TestClock;
  /** The address of its records on PostgreSQL, which are made when they are first asked for. */
  readonly database: (() => Promise<string>) | undefined;
  path(...parts: string[]): string;
  drop(name: string, content: string | Uint8Array): void;
  /** Opens, makes one pass, closes: as a fresh process would. */
  pass(options?: Partial<PassOptions> & { faults?: FaultScript }): Promise<PassSummary>;
  open(options?: { faults?: FaultScript }): Promise<OpenWorkspace>;
  outbox(): string[];
  read(name: string): string;
  /** Rows of a CSV in the outbox, by heading. */
  rows(name: string): Record<string, string>[];
  ledger(): LedgerEntry[];
}

/** A workspace in a temporary folder with the sandbox, a clock that stands still and no settling time. */
export function testWorkspace(settings: object = {}, records = RECORDS): TestWorkspace {
  return workspaceOn(settings, records === 'postgres' ? newDatabase : undefined);
}

function workspaceOn(settings: object, newRecords: (() => Promise<string>) | undefined): TestWorkspace {
  const root = temporaryFolder();
  const clock = testClock();
  const path = (...parts: string[]) => join(root, ...parts);
  mkdirSync(path('inbox'));
  const intake = 'intake' in settings ? (settings.intake as object) : {};
  const schedule = { timeZone: 'UTC' };
  const records = newRecords ? { records: 'postgres' } : {};
  const json = { schedule, ...records, ...settings, intake: { settle: '0s', ...intake } };
  writeFileSync(path('paydrop.json'), JSON.stringify(json));
  let made: Promise<string> | undefined;
  const database = newRecords && (() => (made ??= newRecords()));
  const open: TestWorkspace['open'] = async ({ faults } = {}) => {
    const env = database ? { PAYDROP_DATABASE_URL: await database() } : {};
    if (RECORDS === 'postgres') Object.assign(process.env, env);
    return openWorkspace({
      workspace: root,
      env,
      clock,
      serverClock: clock,
      ...(faults ? { sandbox: { faults } } : {}),
    });
  };
  const read = (name: string) => readFileSync(path('outbox', name), 'utf8');
  return {
    root,
    clock,
    database,
    path,
    open,
    read,
    drop: (name, content) => writeFileSync(path('inbox', name), content),
    pass: async ({ faults, ...options } = {}) => {
      const tools = await open(faults ? { faults } : {});
      try {
        const summary = await pass(tools, {
          ...ONE_PASS,
          ...options,
        });
        if (!summary) throw new Error('this run was done already');
        return summary;
      } finally {
        await tools.close();
      }
    },
    outbox: () =>
      readdirSync(path('outbox'))
        .filter((name) => name !== OWNER_FILE)
        .sort(),
    rows: (name) => parse(read(name), { columns: true }) as Record<string, string>[],
    ledger: () => [...readLedger(path('data', LEDGER))],
  };
}

/** A pass with ports that are changed. */
export async function passWith(
  workspace: TestWorkspace,
  change: (tools: OpenWorkspace) => Partial<Tools>,
  { faults, ...options }: Partial<PassOptions> & { faults?: FaultScript } = {},
): Promise<PassSummary | undefined> {
  const tools = await workspace.open(faults ? { faults } : {});
  try {
    return await pass({ ...tools, ...change(tools) }, { ...ONE_PASS, ...options });
  } finally {
    await tools.close();
  }
}

/** A pass that does all there is to do, on the tests' business date. */
export const ONE_PASS: PassOptions = {
  kind: 'run',
  businessDate: '2026-03-02',
  waitForSettling: true,
  send: true,
  lookUp: true,
  stop: new AbortController().signal,
};

interface Original {
  readonly folder: string;
  readonly madeAt: string;
  readonly database: string | undefined;
}

/**
 * For tests that begin with the same records: they are made once in a test file, for each of the arguments that tests
 * make them with, and each test gets a copy, with the clock as it was then. Call it at the top of the file or of a
 * describe.
 */
export function madeOnce<Args extends readonly unknown[]>(
  make: (...args: Args) => Promise<TestWorkspace>,
): (...args: Args) => Promise<TestWorkspace> {
  const originals = new Map<string, Original>();
  afterAll(() => {
    for (const { folder } of originals.values()) rmSync(folder, { recursive: true, force: true });
  });
  return async (...args) => {
    const key = JSON.stringify(args);
    let original = originals.get(key);
    if (!original) {
      const { root, clock, database } = await make(...args);
      const folder = mkdtempSync(join(tmpdir(), 'paydrop-made-'));
      cpSync(root, folder, { recursive: true });
      const address = await database?.();
      if (address) keepDatabase(address);
      original = { folder, madeAt: new Date(clock.now()).toISOString(), database: address };
      originals.set(key, original);
    }
    const { folder, madeAt, database } = original;
    const workspace = workspaceOn({}, database === undefined ? undefined : () => copyOfDatabase(database));
    cpSync(folder, workspace.root, { recursive: true });
    workspace.clock.setWall(madeAt);
    // A command that the test calls may be the first that opens it.
    if (RECORDS === 'postgres') Object.assign(process.env, { PAYDROP_DATABASE_URL: await workspace.database?.() });
    return workspace;
  };
}

/** A workspace that is as another one was when no program had that open. */
export function copyOf(original: TestWorkspace): TestWorkspace {
  const { root, database } = original;
  const workspace = workspaceOn({}, database && (async () => copyOfDatabase(await database())));
  cpSync(root, workspace.root, { recursive: true });
  return workspace;
}

/** What needs a person between passes, as `2 rejected`; most urgent first. */
export async function needs(workspace: TestWorkspace): Promise<string[]> {
  const { store, settings, clock, close } = await workspace.open();
  try {
    const stands = await workspaceState(store, settings, clock.now());
    return stands.needs.map(({ count, concern }) => `${count} ${concern}`);
  } finally {
    await close();
  }
}

/** How many payouts the records have in each status, also while another process works on them. */
export async function recorded(workspace: TestWorkspace): Promise<Record<string, number>> {
  const { database, path } = workspace;
  const store = database
    ? await openPostgres({ address: await database(), purpose: 'reading' })
    : openStore({ path: path('data', 'paydrop.db'), purpose: 'reading' });
  const counts = await store.statusCounts();
  await store.close();
  return Object.fromEntries(counts.map(({ status, count }) => [status, count]));
}

export const ORDERS = [
  'customerRef,orderRef,currency,country,scheme,metadata.project',
  'C1,O1,INR,IN,0b9f8a52-5d0c-4a57-9f0e-3a4f6c1d2e70,"Solar roof, phase 1"',
  'C1,O2,JPY,JP,0b9f8a52-5d0c-4a57-9f0e-3a4f6c1d2e70,',
  '',
].join('\n');

const INSTRUCTION_COLUMNS = 'customerRef,orderRef,instructionRef,amount,openDate,dueDate,narration';

/** Instructions of order C1/O1, due on the tests' business date unless said otherwise. */
export function instructions(...rows: string[]): string {
  return [INSTRUCTION_COLUMNS, ...rows, ''].join('\n');
}

/** What a provider is asked about, of one of those. */
export function payoutRef(instructionRef: string, attempt = 1): PayoutRef {
  const ref = { customerRef: 'C1', orderRef: 'O1', instructionRef };
  return { ...ref, attempt, clientRefId: clientRefId(ref, attempt) };
}

export function instruction(ref: string, amount = '210.00', openDate = '2026-03-02', dueDate = '2026-03-06'): string {
  return `C1,O1,${ref},${amount},${openDate},${dueDate},${ref}`;
}

/** The files of one API, less what only another one has: order C1/O1 in INR, and instructions for it. */
export const API_FILES: Readonly<Record<Api, ApiFiles>> = {
  'payout-orders': { orders: ORDERS, instructions: (...refs) => instructions(...refs.map((ref) => instruction(ref))) },
  collect: { orders: ORDERS, instructions: (...refs) => bare('', refs, '') },
  'order-management': { orders: ORDERS, instructions: (...refs) => bare(',financialInstrumentId', refs, ',FI-1') },
};

interface ApiFiles {
  readonly orders: string;
  /** Of 210.00 each, due on the tests' business date. */
  instructions(...refs: string[]): string;
}

function bare(columns: string, refs: readonly string[], cells: string): string {
  const header = `customerRef,orderRef,instructionRef,amount,openDate,dueDate${columns}`;
  return [header, ...refs.map((ref) => `C1,O1,${ref},210.00,2026-03-02,2026-03-06${cells}`), ''].join('\n');
}

/** How often the provider's ledger says that it took each payout, by what its row calls it. */
export function timesTaken(ledger: readonly LedgerEntry[]): Record<string, number> {
  const taken: Record<string, number> = {};
  for (const entry of ledger) {
    const ref = entry.kind === 'accepted' ? entry.narration : entry.kind === 'instruction' ? entry.instructionRef : '';
    if (ref !== '') taken[ref] = (taken[ref] ?? 0) + 1;
  }
  return taken;
}
