/** Machines that look at one shared inbox: each file is taken in once, by whichever claims it. */
import { mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { payoutOrders } from '../simulation/payout-orders.ts';
import { Violation } from '../simulation/violation.ts';
import { Line } from './line.ts';
import { Machine } from './machine.ts';
import { pause, until } from './patience.ts';
import { ChaosServer } from './server.ts';

const LONGEST_A_FILE_MS = 1_000;
/** So many appear at once. */
const BATCH = 25;
const SCHEME = '0b9f8a52-5d0c-4a57-9f0e-3a4f6c1d2e70';
const ORDERS = `customerRef,orderRef,currency,country,scheme\nC1,O1,INR,IN,${SCHEME}\n`;
const HEADER = 'customerRef,orderRef,instructionRef,amount,openDate,dueDate';

export interface SharedInboxOptions {
  /** It does not exist yet. */
  readonly folder: string;
  readonly main: string;
  readonly template: string;
  readonly machines: number;
  readonly files: number;
  readonly note?: (what: string) => void;
}

/** Returns how many files each machine took in. Throws a Violation where one was taken in twice, or not at all. */
export async function shareInbox(options: SharedInboxOptions): Promise<number[]> {
  const { folder, main, template, files, note = () => {} } = options;
  const inbox = join(folder, 'inbox');
  mkdirSync(inbox, { recursive: true });
  const server = new ChaosServer(join(folder, 'server'), template, { hasDisk: false });
  const machines: Machine[] = [];
  try {
    await server.start();
    for (let at = 1; at <= options.machines; at++) {
      const line = new Line(server.socket);
      await line.open();
      const name = `m${at}`;
      const about = { name, folder: join(folder, name), main, line, works: 'watch', date: '', clockMs: 0 } as const;
      machines.push(new Machine({ ...about, settings: settingsWith(inbox), env: payoutOrders.env, note }));
    }
    let isOver = false;
    const working = Promise.all(machines.map((machine) => machine.work(() => isOver)));
    working.catch(() => {});
    const names = await drop(folder, inbox, files);
    const settled = `SELECT count(*)::int AS count FROM paydrop.files WHERE archived AND reported > 0`;
    try {
      await until(
        'every file is taken in and reported',
        async () => {
          const [found] = await server.query<{ count: number }>(settled).catch(() => []);
          await pause(200);
          return (found?.count ?? 0) >= names.length;
        },
        600_000 + files * LONGEST_A_FILE_MS,
      );
    } finally {
      isOver = true;
      await working;
    }
    return await checkTakenOnce(server, machines, names, inbox);
  } finally {
    for (const machine of machines) {
      machine.kill();
      await machine.line.close();
    }
    server.close({ keep: false });
  }
}

function settingsWith(inbox: string): object {
  return {
    ...{ inbox, records: 'postgres', submit: 'nightly', schedule: { timeZone: 'UTC' }, intake: { settle: '0s' } },
    provider: { baseUrl: 'http://127.0.0.1:9', currencies: ['INR'] },
  };
}

/** While the machines look for them. */
async function drop(folder: string, inbox: string, files: number): Promise<string[]> {
  const names: string[] = [];
  const put = (name: string, content: string) => {
    writeFileSync(join(folder, name), content);
    renameSync(join(folder, name), join(inbox, name));
    names.push(name);
  };
  put('orders.csv', ORDERS);
  for (let at = 1; at <= files; at++) {
    // No two are alike: each would be judged with all others.
    put(`payout-${at}.csv`, `${HEADER}\nC1,O1,P${at},${at}.00,2026-03-02,2026-03-02\n`);
    if (at % BATCH === 0) await pause(5);
  }
  return names;
}

async function checkTakenOnce(
  server: ChaosServer,
  machines: readonly Machine[],
  names: readonly string[],
  inbox: string,
): Promise<number[]> {
  const files = await server.query<{ name: string; machine: string; problem: string | null }>(
    'SELECT name, machine, problem FROM paydrop.files',
  );
  requireOnce(
    'taken in',
    names,
    files.map(({ name }) => name),
  );
  const bad = files.find(({ problem }) => problem !== null);
  if (bad) throw new Violation('a file is taken in', `${bad.name}: ${bad.problem}`);
  const receipts = machines.flatMap((machine) =>
    machine.outbox().flatMap((name) => (name.endsWith('.receipt.json') ? [`${name.split('.')[0]}.csv`] : [])),
  );
  requireOnce('reported', names, receipts);
  const originals = machines.flatMap((machine) =>
    readdirSync(machine.path('data', 'archive'), { recursive: true, encoding: 'utf8' }).flatMap((path) => {
      const [, name] = /\/\d{6}\.(.*\.csv)$/.exec(path) ?? [];
      return name === undefined ? [] : [name];
    }),
  );
  requireOnce('archived', names, originals);
  const left = readdirSync(inbox);
  if (left.length > 0) throw new Violation('nothing stays in the inbox', left.join());
  return machines.map(({ name }) => files.filter(({ machine }) => machine === name).length);
}

function requireOnce(what: string, names: readonly string[], found: readonly string[]): void {
  const times = new Map<string, number>(names.map((name) => [name, 0]));
  for (const name of found) times.set(name, (times.get(name) ?? 0) + 1);
  const wrong = [...times].filter(([, count]) => count !== 1).map(([name, count]) => `${name} ${count} times`);
  if (wrong.length > 0) throw new Violation(`each file is ${what} once`, wrong.slice(0, 10).join());
}
