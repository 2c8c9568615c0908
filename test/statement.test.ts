import { parse } from 'csv-parse/sync';
import { describe, expect, it } from 'vitest';
import { statement } from '../src/commands/statement.ts';
import { parseDecimal, toMinor } from '../src/domain/money.ts';
import { resolve, retry } from '../src/pipeline/resolution.ts';
import { bookingsOf } from '../src/reports/bookings.ts';
import type { FaultScript, LedgerEntry } from '../src/sandbox/sandbox.ts';
import type { PayoutEvent } from '../src/store/port.ts';
import { builtProgram } from './support/cli.ts';
import { printedBy } from './support/printed.ts';
import { instruction, instructions, madeOnce, ORDERS, type TestWorkspace, testWorkspace } from './support/workspace.ts';

const paydrop = builtProgram();

const DECISION = { by: 'ana', reason: 'the bank confirmed it', ticket: 'FIN-12' };
const FATES: FaultScript['fates'] = [
  { narration: 'REV', fate: 'reversed' },
  { narration: 'AGAIN', fate: 'reversed' },
  { narration: 'LOST', fate: 'failed' },
  { fate: 'processed' },
];
const refOf = (instructionRef: string) => ({ customerRef: 'C1', orderRef: 'O1', instructionRef });

async function passAt(workspace: TestWorkspace, time: string, script: FaultScript = {}): Promise<void> {
  workspace.clock.setWall(time);
  await workspace.pass({ businessDate: time.slice(0, 10), faults: { fates: FATES, ...script } });
}

/**
 * Late November and early December 2026, in rupees and yen: payouts are paid, fail, are reversed in the same month and
 * in the next one, paid again after that, and settled by a person, who finds out that UNSEEN was paid in November.
 */
const months = madeOnce(async () => {
  const workspace = testWorkspace({ provider: { quarantine: '1s', giveUpAfter: '1d' } });
  workspace.drop('orders.csv', ORDERS);
  const due = ['2026-11-24', '2026-12-30'] as const;
  workspace.drop(
    'november.csv',
    instructions(
      instruction('P1', '100.00', ...due),
      instruction('REV', '40.50', ...due),
      instruction('AGAIN', '6.00', ...due),
      instruction('LOST', '7.00', ...due),
      `C1,O2,YEN,5000,${due.join()},YEN`,
    ),
  );
  await passAt(workspace, '2026-11-24T08:00:00.000Z');
  workspace.drop('more.csv', instructions(instruction('UNSEEN', '12.34', ...due)));
  const unseen: FaultScript = {
    faults: [
      { on: 'post', narration: 'UNSEEN', fault: { kind: 'garbage', accept: true } },
      { on: 'get', narration: 'UNSEEN', fault: { kind: 'garbage' } },
    ],
  };
  // AGAIN is paid on the 25th, and reversed and ready again on the 26th; the new attempt ends like the first.
  await passAt(workspace, '2026-11-25T08:00:00.000Z', unseen);
  workspace.drop('late.csv', instructions(instruction('P2', '9.00', '2026-11-26', '2026-12-30')));
  const stays: FaultScript = {
    faults: [...(unseen.faults ?? []), { on: 'get', narration: 'REV', fault: { kind: 'service-off' } }],
  };
  await passAt(workspace, '2026-11-26T08:00:00.000Z', stays);
  const tools = await workspace.open({ faults: { fates: FATES } });
  expect(await retry(tools, refOf('AGAIN'), DECISION)).toMatchObject({ ok: true });
  expect(await resolve(tools, refOf('UNSEEN'), true, DECISION)).toMatchObject({ ok: true });
  await tools.close();
  await passAt(workspace, '2026-11-27T08:00:00.000Z', stays);
  await passAt(workspace, '2026-11-28T08:00:00.000Z', stays);
  for (const day of ['02', '03']) await passAt(workspace, `2026-12-${day}T08:00:00.000Z`);
  return workspace;
});

/** What the provider's own ledger says was processed, and reversed after that, in a month: by currency. */
function fromLedger(ledger: readonly LedgerEntry[], month: string): Map<string, { paid: bigint; reversed: bigint }> {
  const taken = new Map<string, { minor: bigint; currency: string }>();
  const sums = new Map<string, { paid: bigint; reversed: bigint }>();
  for (const entry of ledger) {
    if (entry.kind === 'accepted') {
      const [currency, exponent] = entry.narration === 'YEN' ? ['JPY', 0] : ['INR', 2];
      const amount = parseDecimal(entry.amount);
      taken.set(entry.clientRefId, { currency, minor: (amount && toMinor(amount, exponent)) ?? 0n });
    }
    if (entry.kind !== 'status' || !entry.at.startsWith(month)) continue;
    const { minor = 0n, currency = '' } = taken.get(entry.clientRefId) ?? {};
    const { paid, reversed } = sums.get(currency) ?? { paid: 0n, reversed: 0n };
    if (entry.status === 'processed') sums.set(currency, { paid: paid + minor, reversed });
    if (entry.status === 'reversed') sums.set(currency, { paid, reversed: reversed - minor });
  }
  return sums;
}

async function statementOf(workspace: TestWorkspace, month: string) {
  const { status, stdout } = await printedBy(statement, workspace, { month, json: true });
  expect(status).toBe(0);
  return JSON.parse(stdout) as {
    lines: { currency: string; part: string; payouts: number; amount: string; amountMinor: string }[];
    decisions: Record<string, string>[];
  };
}

describe("a month's statement", () => {
  it("has the sums of the provider's ledger, month by month", async () => {
    const workspace = await months();
    for (const month of ['2026-11', '2026-12']) {
      const { lines } = await statementOf(workspace, month);
      const sumOf = (currency: string, part: string) =>
        BigInt(lines.find((line) => line.currency === currency && line.part === part)?.amountMinor ?? '0');
      const ledger = fromLedger(workspace.ledger(), month);
      for (const currency of ['INR', 'JPY']) {
        const found = { paid: sumOf(currency, 'paid'), reversed: sumOf(currency, 'reversed') };
        expect({ month, currency, ...found }).toEqual({
          ...{ month, currency, paid: 0n, reversed: 0n },
          ...ledger.get(currency),
        });
      }
    }
  });

  it('opens with what the month before it closed with, and has each decision as a line of its own', async () => {
    const workspace = await months();
    const november = await statementOf(workspace, '2026-11');
    const december = await statementOf(workspace, '2026-12');
    const amounts = ({ lines }: typeof november, currency: string) =>
      Object.fromEntries(lines.filter((line) => line.currency === currency).map(({ part, amount }) => [part, amount]));
    // P1, REV, AGAIN twice, P2, and UNSEEN on a person's word; AGAIN came back twice, and REV in December.
    const inNovember = { opening: '0.00', paid: '173.84', reversed: '-6.00', net: '167.84', closing: '167.84' };
    expect(amounts(november, 'INR')).toEqual(inNovember);
    expect(amounts(december, 'INR')).toMatchObject({ opening: '167.84', paid: '0.00', reversed: '-46.50' });
    expect(amounts(november, 'JPY')).toMatchObject({ paid: '5000', reversed: '0', closing: '5000' });
    expect(
      november.decisions.map(({ by, what, reference, amount, ticket }) => [by, what, reference, amount, ticket]),
    ).toEqual([
      ['ana', 'was reversed and is ready', 'C1/O1/AGAIN', '6.00', 'FIN-12'],
      ['ana', 'was unknown and is paid', 'C1/O1/UNSEEN', '12.34', 'FIN-12'],
    ]);
    expect(december.decisions).toEqual([]);
  });

  it('has the sums of the export for the same month', async () => {
    const workspace = await months();
    const args = ['export', '--from', '2026-11-01', '--to', '2026-11-30', '--currency', 'INR'];
    const { stdout } = await paydrop.run(args, { cwd: workspace.root });
    const rows = parse(stdout, { columns: true }) as Record<string, string>[];
    const cents = (name: string) =>
      rows.reduce((sum, row) => sum + BigInt((row[name] || '0').replace('.', '')), 0n).toString();
    expect([cents('paid'), cents('reversed')]).toEqual(['17384', '600']);
  });

  it('on the screen and as CSV says the same, and that no money moved', async () => {
    const workspace = await months();
    const args = ['statement', '--month', '2026-11'];
    const { stdout } = await paydrop.run(args, { cwd: workspace.root });
    expect(stdout).toContain('SANDBOX: no money moved');
    expect(stdout).toMatch(/^INR +0\.00 +173\.84 +-6\.00 +167\.84 +167\.84 +6 +1$/m);
    expect(stdout).toContain('Decided by persons: 2');
    const csv = await paydrop.run([...args, '--csv'], { cwd: workspace.root });
    const rows = parse(csv.stdout, { columns: true }) as Record<string, string>[];
    expect(rows.map(({ currency, line, amount }) => `${currency} ${line} ${amount}`)).toEqual([
      ...['INR opening 0.00', 'INR paid 173.84', 'INR reversed -6.00', 'INR net 167.84', 'INR closing 167.84'],
      ...['JPY opening 0', 'JPY paid 5000', 'JPY reversed 0', 'JPY net 5000', 'JPY closing 5000'],
      ...['INR decision 6.00', 'INR decision 12.34'],
    ]);
    expect(rows.slice(0, 5).map(({ payouts }) => payouts)).toEqual(['0', '6', '1', '5', '5']);
    expect(new Set(rows.map(({ sandbox }) => sandbox))).toEqual(new Set(['no money moved']));
  });

  it.each([['2026-13'], ['2026-1'], ['November']])('of %s is an error of usage', async (month) => {
    const { status, stderr } = await paydrop.run(['statement', '--month', month], { cwd: testWorkspace().root });
    expect(status).toBe(2);
    expect(stderr).toContain('expected a month, as YYYY-MM');
  });
});

describe('the bookings of a payout', () => {
  const event = (to: string, more: object = {}): PayoutEvent =>
    ({ type: 'status', at: '', to, amountMinor: 5n, ...more }) as PayoutEvent;
  const kinds = (...tos: string[]) => bookingsOf({ history: tos.map((to) => event(to)) }).map(({ kind }) => kind);

  it('are one for each time that it becomes paid, and one for each time that this is taken back', () => {
    expect(kinds('sending', 'submitted', 'paid')).toEqual(['paid']);
    expect(kinds('paid', 'reversed', 'ready', 'sending', 'paid')).toEqual(['paid', 'reversed', 'paid']);
    expect(kinds('submitted', 'failed', 'ready', 'unknown', 'manual', 'failed')).toEqual([]);
  });

  it('do not change while a person has to find out, and follow what the person finds', () => {
    expect(kinds('paid', 'manual')).toEqual(['paid']);
    expect(kinds('paid', 'manual', 'paid')).toEqual(['paid']);
    expect(kinds('paid', 'manual', 'failed')).toEqual(['paid', 'reversed']);
    expect(kinds('paid', 'reversed', 'manual', 'paid')).toEqual(['paid', 'reversed', 'paid']);
  });

  it('are none for what changes no status', () => {
    expect(bookingsOf({ history: [event('paid', { type: 'closed' })] })).toEqual([]);
  });
});
