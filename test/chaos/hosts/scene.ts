/** What each row begins with: records that are empty, a provider that has taken nothing, and three machines. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { LedgerEntry } from '../../../src/sandbox/sandbox.ts';
import { payoutOrders } from '../../simulation/payout-orders.ts';
import { Violation } from '../../simulation/violation.ts';
import type { Server } from '../../support/postgres-server.ts';
import { comesAbout, pause } from '../patience.ts';
import { Sandbox } from '../provider.ts';
import type { Certificates } from './certificates.ts';
import type { Front } from './front.ts';
import { Host, killAll } from './host.ts';
import { FIRST, type Namespace, PROVIDER_NAME, SECOND, SERVER_NAME } from './network.ts';

export const ROLE = 'pay';
export const PASSWORD = 'secret-of-pay';

/** The port of every server here. */
const PORT = 5432;

const LONGEST_MS = 120_000;
const ROUNDS = 25;

const SCHEME = '0b9f8a52-5d0c-4a57-9f0e-3a4f6c1d2e70';
export const ORDERS = `customerRef,orderRef,currency,country,scheme\nC1,O1,INR,IN,${SCHEME}\n`;
const HEADER = 'customerRef,orderRef,instructionRef,amount,openDate,dueDate';

/** What all rows share. */
export interface Site {
  readonly folder: string;
  readonly main: string;
  readonly server: Server;
  readonly front: Front;
  readonly certificates: Certificates;
  /** The business date of all runs. */
  readonly date: string;
  readonly serverSettings: readonly string[];
}

/** A promise in a few words, and what shows it: returns what was seen, and throws where it is not so. */
export type Row = readonly [promise: string, see: (site: Site, name: string) => Promise<string>];

/** `count` payouts of different amounts, with the numbers from `first` on. */
export function payouts(first: number, count: number, date: string): string {
  const rows = Array.from({ length: count }, (_, at) => `C1,O1,P${first + at},${first + at}.25,${date},${date}`);
  return [HEADER, ...rows, ''].join('\n');
}

type MakeHost = (folder: string, name: string, namespace: Namespace) => Host;

export class Scene {
  readonly site: Site;
  readonly front: Front;
  readonly hosts: readonly [Host, Host, Host];
  readonly #database: string;
  readonly #sandbox: Sandbox;

  readonly #makeHost: MakeHost;

  private constructor(site: Site, database: string, sandbox: Sandbox, makeHost: MakeHost) {
    this.site = site;
    this.front = site.front;
    this.#database = database;
    this.#sandbox = sandbox;
    this.#makeHost = makeHost;
    this.hosts = [makeHost('m1', 'm1', FIRST), makeHost('m2', 'm2', FIRST), makeHost('m3', 'm3', SECOND)];
  }

  /** `settings` of all machines; `provider` of them on top of the address. */
  static async open(
    site: Site,
    name: string,
    { provider = {}, ...settings }: { provider?: object } & Record<string, unknown> = {},
  ): Promise<Scene> {
    const folder = join(site.folder, name);
    mkdirSync(folder);
    const database = name.replaceAll('-', '_');
    await site.server.query('postgres', `CREATE DATABASE ${database} OWNER ${ROLE} ENCODING UTF8 TEMPLATE template0`);
    const sandbox = new Sandbox({ folder, main: site.main, seed: 1, clockMs: 0, script: SCRIPT });
    await sandbox.start();
    site.front.begin(sandbox.port);
    const common = {
      ...{ records: 'postgres', submit: 'nightly', schedule: { timeZone: 'UTC' }, intake: { settle: '0s' } },
      provider: {
        ...{ baseUrl: `https://${PROVIDER_NAME}:${site.front.port}`, currencies: ['INR'], quarantine: '2s' },
        ...{ concurrency: 6, ...provider },
      },
      ...settings,
    };
    const env = {
      ...payoutOrders.env,
      NODE_EXTRA_CA_CERTS: site.certificates.authority,
      PAYDROP_DATABASE_URL: addressOf(site, database),
    };
    return new Scene(
      site,
      database,
      sandbox,
      (at, own, namespace) =>
        new Host({ name: own, folder: join(folder, at), main: site.main, namespace, settings: common, env }),
    );
  }

  /** The address of its records, at that host and with those parameters. */
  address(host = SERVER_NAME, port = PORT, parameters?: string): string {
    return addressOf(this.site, this.#database, host, port, parameters);
  }

  query<Row>(text: string): Promise<Row[]> {
    return this.site.server.query<Row>(this.#database, text);
  }

  /** The one value that is asked for. */
  async value<T>(expression: string): Promise<T> {
    const [row] = await this.query<{ value: T }>(`SELECT ${expression} AS value`);
    return (row as { value: T }).value;
  }

  ledger(): LedgerEntry[] {
    return this.#sandbox.ledger();
  }

  run(host: Host, ...expected: number[]): Promise<string> {
    return host.run(this.runArgs, ...expected);
  }

  get runArgs(): string[] {
    return ['run', '--date', this.site.date];
  }

  /** Another machine with the same settings, under a name that may be another's. */
  another(name: string, namespace: Namespace): Host {
    return this.#makeHost(`${name}-too`, name, namespace);
  }

  /** Runs on one machine until no payout is open. */
  async settle(host: Host, date = this.site.date): Promise<void> {
    for (let round = 0; round < ROUNDS; round++) {
      // Not every quarantine ends in the same run, and what is unclear still is a person's.
      await host.run(['run', '--date', date], 0, 1);
      const open = await this.value<number>(`(SELECT count(*)::int FROM paydrop.instructions
        WHERE status IN ('waiting', 'ready', 'sending', 'unknown', 'submitted'))`);
      if (open === 0) return;
      await pause(250);
    }
    throw new Violation('everything comes to its end', `payouts are open after ${ROUNDS} runs`);
  }

  /** Each of `count` payouts is at the provider once, with its amount, and paid; and the records say the same. */
  async requireAllPaidOnce(count: number): Promise<void> {
    const accepted = this.ledger().flatMap((one) =>
      one.kind === 'accepted' ? [`${one.narration} ${Number(one.amount).toFixed(2)}`] : [],
    );
    const expected = Array.from({ length: count }, (_, at) => `P${at + 1} ${at + 1}.25`);
    requireSame('each payout is once at the provider', accepted.sort(), expected.sort());
    const [records] = await this.query<{ paid: number; minor: string }>(`
      SELECT count(*)::int AS paid, sum(amount_minor)::text AS minor FROM paydrop.instructions WHERE status = 'paid'`);
    const minor = expected.reduce((sum, one) => sum + BigInt(one.split(' ')[1]?.replace('.', '') ?? ''), 0n);
    requireSame('records and provider agree', records, { paid: count, minor: String(minor) });
  }

  /** By the name of the machine, how many payouts it sent. */
  async sentBy(): Promise<Record<string, number>> {
    const rows = await this.query<{ name: string; count: number }>(`
      SELECT m.name, count(*)::int AS count FROM paydrop.sends s JOIN paydrop.machines m ON m.id = s.machine
      GROUP BY m.name ORDER BY m.name`);
    return Object.fromEntries(rows.map(({ name, count }) => [name, count]));
  }

  async close(): Promise<void> {
    killAll();
    await this.#sandbox.kill();
  }
}

/** Every payout is paid, and the ledger has each request. */
const SCRIPT = {
  faults: [{ on: 'post', clientRefId: 'none', fault: { kind: 'refuse' } }],
  fates: [{ fate: 'processed' }],
} as const satisfies ConstructorParameters<typeof Sandbox>[0]['script'];

function addressOf(
  { certificates }: Site,
  database: string,
  host = SERVER_NAME,
  port = PORT,
  parameters = `sslrootcert=${certificates.authority}`,
): string {
  return `postgres://${ROLE}:${PASSWORD}@${host}:${port}/${database}?${parameters}`;
}

export function requireSame(promise: string, found: unknown, expected: unknown): void {
  const [is, due] = [JSON.stringify(found), JSON.stringify(expected)];
  if (is !== due) throw new Violation(promise, `${is?.slice(0, 700)} instead of ${due?.slice(0, 700)}`);
}

export function requireThat(promise: string, isSo: boolean, found: string): void {
  if (!isSo) throw new Violation(promise, found.slice(-1_500));
}

export async function comes(promise: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const looked = async () => {
    await pause(20);
    return isSo();
  };
  if (!(await comesAbout(looked, LONGEST_MS))) throw new Violation(promise, 'it did not come about in time');
}
