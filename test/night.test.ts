/**
 * A whole realistic night (fixtures/generate.ts): what the manifest says must come of each line, does. NIGHT=full takes
 * the full 20,000 orders and 100,000 instructions, NIGHT=half the half of it, TESTS=all a tenth; without any of them a
 * smaller night.
 */
import { copyFileSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { expectedOutcomes, generateNight, type NightManifest } from '../fixtures/generate.ts';
import { repair } from '../fixtures/repair.ts';
import { add, type Decimal, formatDecimal, parseDecimal } from '../src/domain/money.ts';
import { ALL } from './support/sample.ts';
import { type TestWorkspace, testWorkspace } from './support/workspace.ts';

const SIZES: Readonly<Record<string, { orders?: number; instructions?: number }>> = {
  full: {},
  half: { orders: 10_000, instructions: 50_000 },
  tenth: { orders: 2_000, instructions: 10_000 },
};
const SIZE = SIZES[process.env['NIGHT'] ?? (ALL ? 'tenth' : '')] ?? { orders: 20, instructions: 100 };
const ZERO: Decimal = { units: 0n, scale: 0 };
const AT_THE_PROVIDER = ['submitted', 'paid', 'reversed', 'failed'];

describe('a realistic night', () => {
  it('is taken in, sent and accounted for line by line, repaired without paying twice, and dropped again without effect', async () => {
    // The file of corrections has no last line end, for which its last payout would be held.
    const workspace = testWorkspace({ provider: { concurrency: 64 }, control: { lastLine: 'accept' } });
    const night = workspace.path('night');
    const manifest = generateNight({ out: night, debris: true, ...SIZE });

    dropAll(workspace, night, '');
    await workspace.pass();
    for (const file of manifest.files) expectOutcomes(workspace, manifest, file.name);
    expectSums(workspace, manifest.expected.night.payable);

    const repaired = workspace.path('repaired');
    mkdirSync(repaired);
    for (const name of workspace.outbox().filter((name) => name.endsWith('.rejected.csv')))
      repair({ manifest, rejected: workspace.path('outbox', name), out: repaired });
    dropAll(workspace, repaired, '');
    await workspace.pass();
    expectSums(workspace, manifest.expected.afterRepair.payable);

    for (const _ of [1, 2, 3]) await workspace.pass();
    const settled = sumsOfResults(workspace);
    dropAll(workspace, night, 'again-');
    dropAll(workspace, repaired, 'again-');
    const { moved, sent } = await workspace.pass();
    expect({ moved, sent }).toEqual({ moved: {}, sent: 0 });
    expect(sumsOfResults(workspace)).toEqual(settled);
    expectSums(workspace, manifest.expected.afterRepair.payable);
  }, 1_200_000);
});

function dropAll(workspace: TestWorkspace, folder: string, prefix: string): void {
  for (const name of readdirSync(folder)) copyFileSync(join(folder, name), workspace.path('inbox', prefix + name));
}

/** Every line of the file stands exactly once in its result.csv, with the status and codes it must have. */
function expectOutcomes(workspace: TestWorkspace, manifest: NightManifest, name: string): void {
  const file = manifest.files.find((candidate) => candidate.name === name);
  if (!file) throw new Error(`no file ${name} in the manifest`);
  const stem = name.replace(/\.csv$/i, '').replace(/[^A-Za-z0-9._-]/g, '_');
  const receipt = workspace
    .outbox()
    .find((report) => report.startsWith(`${stem}.0`) && report.endsWith('.receipt.json'));
  expect(receipt, `receipt of ${name}`).toBeDefined();
  expect(JSON.parse(workspace.read(receipt ?? '')), name).toMatchObject({ verdict: file.verdict });
  if (file.code) return;
  const expected = expectedOutcomes(file);
  const differences: string[] = [];
  let lines = 0;
  for (const row of workspace.rows((receipt ?? '').replace('receipt.json', 'result.csv'))) {
    lines++;
    const { status, codes } = expected.get(Number(row['line'])) ?? { status: 'no such line', codes: [] };
    const right = status === 'payable' ? AT_THE_PROVIDER.includes(row['status'] ?? '') : row['status'] === status;
    const found = (row['code'] ?? '').split(' ').sort().join(' ');
    const sameCodes = status !== 'rejected' || found === [...new Set(codes)].sort().join(' ');
    if (!right || !sameCodes)
      differences.push(`line ${row['line']}: ${row['status']} ${found}, expected ${status} ${codes.join(' ')}`);
  }
  expect(differences, name).toEqual([]);
  expect(lines, `lines of ${name}`).toBe(expected.size);
}

/** Without trailing zeros, so that sums of amounts with different decimals compare as text. */
function plain(sum: string): string {
  return formatDecimal(parseDecimal(sum) ?? ZERO);
}

/** Amounts by currency of what the results say is at the provider. */
function sumsOfResults(workspace: TestWorkspace): Map<string, string> {
  const sums = new Map<string, Decimal>();
  for (const name of workspace.outbox().filter((report) => report.endsWith('.result.csv')))
    for (const { status = '', currency = '', amount = '' } of workspace.rows(name))
      if (AT_THE_PROVIDER.includes(status))
        sums.set(currency, add(sums.get(currency) ?? ZERO, parseDecimal(amount) ?? ZERO));
  return new Map([...sums].map(([currency, sum]) => [currency, plain(formatDecimal(sum))]));
}

/** The results, the provider's ledger and the manifest agree to the cent, and no client reference was accepted twice. */
function expectSums(workspace: TestWorkspace, payable: NightManifest['expected']['night']['payable']): void {
  const results = sumsOfResults(workspace);
  const expected = new Map(Object.entries(payable).map(([currency, { sum }]) => [currency, plain(sum)]));
  expect(new Map([...results].sort())).toEqual(new Map([...expected].sort()));

  const accepted = workspace.ledger().filter((entry) => entry.kind === 'accepted');
  expect(new Set(accepted.map(({ clientRefId }) => clientRefId)).size).toBe(accepted.length);
  const count = Object.values(payable).reduce((sum, { count }) => sum + count, 0);
  expect(accepted.length).toBe(count);
  const currencyOf = new Map<string, string>();
  for (const name of workspace.outbox().filter((report) => report.endsWith('.result.csv')))
    for (const { clientRefId = '', currency = '' } of workspace.rows(name))
      if (clientRefId) currencyOf.set(clientRefId, currency);
  const ledger = new Map<string, Decimal>();
  for (const { clientRefId, amount } of accepted) {
    const currency = currencyOf.get(clientRefId) ?? 'of no payout';
    ledger.set(currency, add(ledger.get(currency) ?? ZERO, parseDecimal(amount) ?? ZERO));
  }
  expect(
    new Map([...ledger].map(([currency, sum]): [string, string] => [currency, plain(formatDecimal(sum))]).sort()),
  ).toEqual(new Map([...results].sort()));
}
