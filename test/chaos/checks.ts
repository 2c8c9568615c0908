/** What must hold once everything has come to rest, whatever has happened. */
import { existsSync, readdirSync } from 'node:fs';
import { parse } from 'csv-parse/sync';
import type { LedgerEntry } from '../../src/sandbox/sandbox.ts';
import type { SimulatedApi } from '../simulation/api.ts';
import type { Dropped } from '../simulation/files.ts';
import { count } from '../simulation/tally.ts';
import { Violation } from '../simulation/violation.ts';
import type { Machine } from './machine.ts';
import type { World } from './world.ts';

export interface Drop {
  readonly file: Dropped;
  /** The machine's name. */
  readonly machine: string;
}

export interface Truth extends World {
  readonly api: SimulatedApi;
  readonly drops: readonly Drop[];
  readonly quarantineMs: number;
  /** In minor units, that some row stated, by instruction reference. */
  readonly amounts: ReadonlyMap<string, ReadonlySet<string>>;
}

interface Payout {
  readonly id: string;
  readonly order: string;
  readonly ref: string;
  readonly status: string;
  readonly minor: string | null;
  readonly reference: string;
  readonly sends: number;
}

/** A payout as the ledger has it. */
interface Theirs {
  amount: string;
  status: 'open' | 'paid' | 'failed' | 'reversed' | 'deleted';
  /** How often a request for it came. */
  requests: number;
  /** How often it was made. */
  made: number;
}

interface FileRow {
  readonly number: number;
  readonly machine: string;
  readonly sha256: string;
  readonly problem: string | null;
}

const PAYOUTS = `
  SELECT i.id::text AS id, i.order_ref AS order, i.instruction_ref AS ref, i.status, i.amount_minor::text AS minor,
    i.sends::int AS sends, coalesce((SELECT client_ref_id FROM paydrop.attempts a
      WHERE a.instruction = i.id AND a.attempt = i.attempt), '') AS reference
  FROM paydrop.instructions i WHERE i.holds_refs ORDER BY i.id`;

const OPEN = `
  SELECT status || ' ' || instruction_ref AS what FROM paydrop.instructions
    WHERE status IN ('ready', 'sending', 'unknown', 'submitted')
  UNION ALL SELECT 'waiting ' || instruction_ref FROM paydrop.instructions i WHERE status = 'waiting' AND EXISTS (
    SELECT 1 FROM paydrop.orders o WHERE o.customer_ref = i.customer_ref AND o.order_ref = i.order_ref)
  UNION ALL SELECT 'order ' || registration || ' ' || order_ref FROM paydrop.orders
    WHERE registration IN ('sending', 'unknown')
  UNION ALL SELECT 'change of ' || instruction FROM paydrop.amendments a
    WHERE NOT EXISTS (SELECT 1 FROM paydrop.instructions i WHERE i.id = a.instruction AND i.status = 'manual')
  UNION ALL SELECT 'file ' || number || CASE WHEN NOT done THEN ' half taken in' WHEN NOT archived THEN ' not archived'
    ELSE ' to be reported' END FROM paydrop.files WHERE NOT done OR NOT archived OR revision > reported
  UNION ALL SELECT 'run ' || number || ' not reported' FROM paydrop.runs
    WHERE NOT reported AND NOT (kind = 'nightly' AND finished_at IS NULL)`;

export async function whatIsOpen(truth: Truth): Promise<string[]> {
  const { machines, server } = truth;
  const left = machines.flatMap((machine) =>
    ['inbox', 'data/work', 'data/spool'].flatMap((folder) =>
      namesIn(machine.path(folder)).map((name) => `${machine.name}/${folder}/${name}`),
    ),
  );
  const open = await server.query<{ what: string }>(OPEN);
  const payouts = await server.query<Payout>(PAYOUTS);
  const theirs = ledgerOf(truth);
  const unseen = payouts
    .filter((payout) => payout.status === 'paid' && theirs.get(keyOf(truth, payout))?.status === 'reversed')
    .map(({ ref }) => `${ref} is paid, and reversed there`);
  return [...left, ...open.map(({ what }) => what), ...unseen];
}

/** Only the machine that has the file can bring that to its end. */
export function isAboutFiles(open: string): boolean {
  return /^(file|run) |\//.test(open);
}

export async function checkAtRest(truth: Truth): Promise<void> {
  const theirs = ledgerOf(truth);
  const payouts = await truth.server.query<Payout>(PAYOUTS);
  checkPaidOnce(truth, theirs, payouts);
  checkAgrees(truth, theirs, payouts);
  countEarly(truth);
  await checkOrders(truth);
  await checkFiles(truth, payouts);
  await checkRuns(truth);
  await checkAudit(truth);
}

function namesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

/** How the provider calls it. */
function keyOf({ api }: Truth, { order, ref, reference }: Payout): string {
  return api.knowsOrders ? `${order} ${ref}` : reference;
}

function ledgerOf({ sandbox, api }: Truth): Map<string, Theirs> {
  const all = new Map<string, Theirs>();
  const at = (key: string): Theirs => {
    const known = all.get(key) ?? { amount: '', status: 'open', requests: 0, made: 0 };
    all.set(key, known);
    return known;
  };
  for (const entry of sandbox.ledger()) {
    const key = keyIn(entry, api.knowsOrders);
    if (key === undefined) continue;
    if (entry.kind === 'request') at(key).requests += 1;
    else note(at(key), entry);
  }
  return all;
}

function keyIn(entry: LedgerEntry, knowsOrders: boolean): string | undefined {
  if (entry.kind === 'order') return undefined;
  if (entry.kind === 'request' && entry.on !== 'post') return undefined;
  if (!knowsOrders) return 'clientRefId' in entry ? entry.clientRefId : undefined;
  return 'instructionRef' in entry ? `${entry.orderRef} ${entry.instructionRef}` : undefined;
}

function note(theirs: Theirs, entry: LedgerEntry): void {
  if (entry.kind === 'accepted' || entry.kind === 'instruction') theirs.made++;
  if (entry.kind === 'accepted' || entry.kind === 'instruction' || entry.kind === 'instruction-updated')
    theirs.amount = entry.amount;
  if (entry.kind === 'instruction-deleted') theirs.status = 'deleted';
  if (entry.kind !== 'status' && entry.kind !== 'instruction-status') return;
  const wasPaid = theirs.status === 'paid';
  switch (entry.status) {
    case 'processed':
    case 'SETTLED':
      theirs.status = 'paid';
      break;
    case 'reversed':
      theirs.status = 'reversed';
      break;
    case 'failed':
    case 'FAILED':
    case 'cancelled':
    case 'VOID':
      theirs.status = wasPaid ? 'reversed' : 'failed';
      break;
    default:
      theirs.status = 'open';
  }
}

/** A request is repeated once with a new token: one that the provider has forgotten is refused, and what it was for is not done. */
const MOST_WITH_TOKENS = 2;

function requestsFor({ api }: Truth): number {
  return api.knowsOrders ? MOST_WITH_TOKENS : 1;
}

/** Nothing is taken on trust: neither that the provider refuses a used reference, nor that a machine asks it first. */
function checkPaidOnce(truth: Truth, theirs: ReadonlyMap<string, Theirs>, payouts: readonly Payout[]): void {
  const ours = new Map(payouts.map((payout) => [keyOf(truth, payout), payout]));
  const byRow = new Map<string, string>();
  for (const [key, { made, requests, amount }] of theirs) {
    const payout = ours.get(key);
    if (made > 1) throw new Violation('paid once', `${key} was made ${made} times`);
    if (requests > 0 && !payout)
      throw new Violation('intent before sending', `${key} came ${requests} times, and is not in the records`);
    if (payout && requests > payout.sends * requestsFor(truth))
      throw new Violation('one request an intent', `${key} came ${requests} times, with ${payout.sends} intents`);
    if (made === 0 || !payout) continue;
    if (!truth.amounts.get(payout.ref)?.has(minorOf(amount)))
      throw new Violation('only what a file says is paid', `${payout.ref} of ${amount}`);
    const row = `${payout.order} ${payout.ref}`;
    if (byRow.has(row)) throw new Violation('paid once', `${row}: ${byRow.get(row)} and ${key}`);
    byRow.set(row, key);
    count(truth.tally, 'payouts made');
  }
}

const SAME: Readonly<Record<string, readonly Theirs['status'][]>> = {
  paid: ['paid'],
  failed: ['failed', 'reversed'],
  reversed: ['reversed'],
  cancelled: ['deleted'],
};

/** Payout by payout, and to the cent; so the sums agree as well. */
function checkAgrees(truth: Truth, theirs: ReadonlyMap<string, Theirs>, payouts: readonly Payout[]): void {
  let here = 0n;
  let there = 0n;
  for (const payout of payouts) {
    const { status, minor, ref } = payout;
    count(truth.tally, `payouts ${status}`);
    if (status === 'manual') continue;
    const known = theirs.get(keyOf(truth, payout));
    const isThere = known !== undefined && known.made > 0;
    const expected = SAME[status] ?? [];
    const isSame = isThere ? expected.includes(known.status) : expected.length === 0 || status === 'cancelled';
    if (!isSame)
      throw new Violation(
        'the records say what is so',
        `${ref} is ${status}, and ${isThere ? known.status : 'not made'} there`,
      );
    if (status === 'paid') {
      here += BigInt(minor ?? 0);
      there += BigInt(minorOf(known?.amount ?? '0'));
      if (minor !== minorOf(known?.amount ?? '0'))
        throw new Violation('the amount is the same', `${ref} of ${minor}, and ${known?.amount} there`);
    }
  }
  if (here !== there) throw new Violation('the sums agree', `${here} here, ${there} there`);
}

/** After these it is not clear whether the provider has the payout. */
const UNCLEAR = ['reset', 'silence', 'garbage', 'truncated', 'delay', 'html', 'error'];

/** Where clocks are apart, what one machine called unclear may seem to be over for another. */
function countEarly({ sandbox, quarantineMs, tally, api }: Truth): void {
  const unclear = new Map<string, number>();
  for (const entry of sandbox.ledger()) {
    const key = keyIn(entry, api.knowsOrders);
    if (entry.kind !== 'request' || key === undefined) continue;
    const at = Date.parse(entry.at);
    if (at - (unclear.get(key) ?? 0) < quarantineMs) count(tally, 'payouts sent again before the quarantine was over');
    if (UNCLEAR.includes(entry.fault)) unclear.set(key, at);
  }
}

async function checkOrders({ server, sandbox, api }: Truth): Promise<void> {
  if (!api.knowsOrders) return;
  const requests = new Map<string, number>();
  const made = new Map<string, number>();
  for (const entry of sandbox.ledger()) {
    if (entry.kind === 'request' && entry.on === 'order')
      requests.set(entry.orderRef, (requests.get(entry.orderRef) ?? 0) + 1);
    if (entry.kind === 'order') made.set(entry.orderRef, (made.get(entry.orderRef) ?? 0) + 1);
  }
  const orders = await server.query<{ ref: string; sends: number }>(
    'SELECT order_ref AS ref, registration_sends::int AS sends FROM paydrop.orders',
  );
  for (const { ref, sends } of orders) {
    if ((made.get(ref) ?? 0) > 1) throw new Violation('an order is made once', ref);
    if ((requests.get(ref) ?? 0) > sends * MOST_WITH_TOKENS)
      throw new Violation(
        'one request an intent',
        `order ${ref} came ${requests.get(ref)} times, with ${sends} intents`,
      );
  }
}

interface Receipt {
  readonly rows: { readonly read: number; readonly reported: number };
  readonly controlSum: { readonly in: string | null; readonly out: string | null } | null;
}

/** Once a machine was away for that long, another one may report its files, too. */
const STANDS_IN_MS = 600_000;

/** Each file stands in the reports of its machine, and of no other unless that was away for long, and each line once. */
async function checkFiles(
  { server, machines, drops, startedMs, tally }: Truth,
  payouts: readonly Payout[],
): Promise<void> {
  const files = await server.query<FileRow>(
    'SELECT number::int AS number, machine, sha256, problem FROM paydrop.files ORDER BY number',
  );
  const statuses = new Map(payouts.map(({ id, status }) => [id, status]));
  const taken = (list: readonly { sha256: string; machine: string }[]) =>
    list
      .map(({ sha256, machine }) => `${machine} ${sha256.slice(0, 12)}`)
      .sort()
      .join();
  const dropped = taken(drops.map(({ file, machine }) => ({ sha256: file.sha256, machine })));
  if (dropped !== taken(files))
    throw new Violation('each file is taken in once', `dropped ${dropped}, taken in ${taken(files)}`);
  const mayStandIn = performance.now() - startedMs >= STANDS_IN_MS;
  for (const { number, machine, sha256, problem } of files) {
    const mark = String(number).padStart(6, '0');
    const holders = machines.filter((one) => one.outbox().some((name) => name.endsWith(`.${mark}.receipt.json`)));
    const holder = holders.find(({ name }) => name === machine);
    if (!holder || (holders.length > 1 && !mayStandIn))
      throw new Violation(
        'a file is reported by its machine alone',
        `${mark} of ${machine}: ${holders.map(({ name }) => name).join()}`,
      );
    const receipt = JSON.parse(read(holder, `.${mark}.receipt.json`)) as Receipt;
    if (receipt.controlSum && receipt.controlSum.in !== receipt.controlSum.out)
      throw new Violation('control totals agree', `${mark}: ${JSON.stringify(receipt.controlSum)}`);
    const isTakenIn = problem === null || (JSON.parse(problem) as { code: string }).code === 'FILE_HAS_ROW_ERRORS';
    if (!isTakenIn) continue;
    const rows = parse(read(holder, `.${mark}.result.csv`), { columns: true }) as Record<string, string>[];
    const lines = drops.find(({ file }) => file.sha256 === sha256)?.file.lines ?? [];
    if (rows.map(({ line }) => line).join() !== lines.join())
      throw new Violation(
        'every row is told once',
        `${mark}: ${rows.map(({ line }) => line).join()} instead of ${lines.join()}`,
      );
    count(tally, 'rows reported', rows.length);
    for (const { line, status = '' } of rows) {
      const is = statuses.get(String(number * 2 ** 32 + Number(line)));
      // A row whose payout an UPDATE has changed since is told by the file of that one.
      if (is !== undefined && is !== status && status !== 'replaced')
        throw new Violation(
          'reports say what the records say',
          `${mark} line ${line}: ${status}, and ${is} in the records`,
        );
    }
  }
}

function read(machine: Machine, end: string): string {
  const name = machine.outbox().find((one) => one.endsWith(end));
  if (name === undefined) throw new Violation('every file has its reports', `${machine.name} has no ${end}`);
  return machine.read(name);
}

async function checkRuns({ server, machines }: Truth): Promise<void> {
  const runs = await server.query<{ number: number }>(
    'SELECT number::int AS number FROM paydrop.runs WHERE reported ORDER BY number',
  );
  for (const { number } of runs) {
    const mark = String(number).padStart(6, '0');
    const holders = machines.filter((one) => one.outbox().includes(`run.${mark}.changes.csv`));
    if (holders.length !== 1)
      throw new Violation('a run is reported once', `${mark}: ${holders.map(({ name }) => name).join() || 'by none'}`);
    const [holder] = holders as [Machine];
    const told = parse(holder.read(`run.${mark}.changes.csv`), { columns: true }) as Record<string, string>[];
    const names = told.map(({ customerRef, orderRef, instructionRef }) =>
      [customerRef, orderRef, instructionRef].join('/'),
    );
    const changed = (await server.query<{ name: string }>(changedIn(number))).map(({ name }) => name);
    if (names.sort().join() !== changed.sort().join())
      throw new Violation('every change is told by its run', `${mark}: ${names.join()} instead of ${changed.join()}`);
  }
  const [untold] = await server.query<{ run: number }>(CHANGED_IN_NO_REPORT);
  if (untold) throw new Violation('every change is told by its run', `there is no report of run ${untold.run}`);
}

/** SQL: a payout's entries, but for what a person decided. */
const CHANGED = `
  FROM paydrop.audit a JOIN paydrop.instructions i ON i.id = a.instruction
  WHERE NOT EXISTS (SELECT 1 FROM paydrop.decisions d WHERE d.seq = a.seq)`;

const changedIn = (run: number) => `
  SELECT DISTINCT concat_ws('/', i.customer_ref, i.order_ref, i.instruction_ref) AS name ${CHANGED} AND a.run = ${run}`;

const CHANGED_IN_NO_REPORT = `
  SELECT a.run::int AS run ${CHANGED} AND a.run IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM paydrop.runs r WHERE r.number = a.run AND r.reported)
  LIMIT 1`;

async function checkAudit({ machines }: Truth): Promise<void> {
  for (const machine of machines) {
    const { status, said } = await machine.run(['audit', 'verify']);
    if (status !== 0)
      throw new Violation('the audit chain holds, and every anchor with it', `${machine.name}: ${said}`);
  }
}

/** Minor units of an amount with up to two decimals. */
function minorOf(amount: string): string {
  const [whole = '', part = ''] = amount.split('.');
  return String(BigInt(whole + part.padEnd(2, '0')));
}
