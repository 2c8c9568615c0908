/** Where measurements take place: how much of what, and workspaces made ready for them. */
import { copyFileSync, cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BUSINESS_DATE, CURRENCIES, type InstructionsAsked, writeInstructions, writeOrders } from './inputs.ts';
import { type Built, type Figures, measure, output } from './programs.ts';

export interface Sizes {
  readonly rounds: number;
  /** For what takes less than a second. */
  readonly shortRounds: number;
  readonly orders: number;
  readonly rows: number;
  /** For what is compared with itself: five times as many beside these. */
  readonly fewRows: number;
  readonly manyRows: number;
  readonly payouts: number;
  /** For what several machines send from the same records, at a provider that takes its time. */
  readonly shared: number;
  /** For what control costs. */
  readonly judged: number;
}

export const FULL: Sizes = {
  rounds: 5,
  shortRounds: 15,
  orders: 200_000,
  rows: 1_000_000,
  fewRows: 1_000_000,
  manyRows: 5_000_000,
  payouts: 50_000,
  shared: 20_000,
  judged: 100_000,
};
/**
 * The same shape, each once, for an answer in a minute; the goals are about the full size. Rather fewer rounds than fewer rows:
 * of a small file, what a run costs before its first row would be most of what is measured.
 */
export const QUICK: Sizes = {
  rounds: 1,
  shortRounds: 5,
  orders: 12_000,
  rows: 60_000,
  fewRows: 12_000,
  manyRows: 60_000,
  payouts: 2_000,
  shared: 2_000,
  judged: 12_000,
};

export interface Ground {
  readonly folder: string;
  readonly built: Built;
  readonly sizes: Sizes;
  /** A file of instructions, made when it is first asked for. */
  input(name: string, asked: Omit<InstructionsAsked, 'orders'>): string;
  /** A workspace that knows the orders and nothing else, made when it is first asked for; not to be changed. */
  withOrders(): Promise<string>;
  /** A copy of a workspace, in place of the copy of that name before. */
  copy(workspace: string, name: string): string;
}

export function openGround(folder: string, built: Built, sizes: Sizes): Ground {
  const copy: Ground['copy'] = (workspace, name) => {
    const path = join(folder, name);
    rmSync(path, { recursive: true, force: true });
    cpSync(workspace, path, { recursive: true });
    return path;
  };
  return {
    folder,
    built,
    sizes,
    copy,
    input: (name, asked) => {
      const path = join(folder, `${name}.csv`);
      if (!existsSync(path)) writeInstructions(path, { ...asked, orders: sizes.orders });
      return path;
    },
    withOrders: async () => {
      const workspace = join(folder, 'with-orders');
      if (existsSync(workspace)) return workspace;
      mkdirSync(workspace);
      configure(workspace, 'http://127.0.0.1:9');
      const orders = join(folder, 'orders.csv');
      writeOrders(orders, sizes.orders);
      await takeIn(built, workspace, orders);
      return workspace;
    },
  };
}

/** Nothing listens on port 9: where nothing is due, nothing is asked. */
export function configure(workspace: string, baseUrl: string, more: object = {}): void {
  const provider = { baseUrl, currencies: CURRENCIES };
  const settings = { provider, schedule: { timeZone: 'UTC' }, intake: { settle: '0s' }, ...more };
  writeFileSync(join(workspace, 'paydrop.json'), JSON.stringify(settings));
}

/** One `paydrop run`, the whole process, with a file in the inbox. */
export async function takeIn(
  built: Built,
  workspace: string,
  file: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Figures> {
  mkdirSync(join(workspace, 'inbox'), { recursive: true });
  copyFileSync(file, join(workspace, 'inbox', 'file.csv'));
  await settleDisk();
  // 1: rows were rejected, and a person must look at them.
  return measure([process.execPath, built.main, 'run', '--date', BUSINESS_DATE], {
    cwd: workspace,
    statuses: [0, 1],
    env,
  });
}

/** What was copied for the next measurement isn't written to the disk during it. */
export async function settleDisk(): Promise<void> {
  await output('sync');
}

/** Throws unless that many came of a query: what measured less work than was asked for is no figure. */
export async function expectCount(database: string, query: string, count: number): Promise<void> {
  const found = await output('sqlite3', database, query);
  if (found !== undefined && Number(found) !== count)
    throw new Error(`${database}: ${query} gives ${found} instead of ${count}`);
}

export function databaseOf(workspace: string): string {
  return join(workspace, 'data', 'paydrop.db');
}
