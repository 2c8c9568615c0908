import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { accept } from '../src/commands/audit.ts';
import type { CommandContext } from '../src/commands/context.ts';
import { exitOf } from '../src/commands/counts-text.ts';
import { doctor } from '../src/commands/doctor.ts';
import { status } from '../src/commands/status.ts';
import { type PassSummary, pass } from '../src/pipeline/pass.ts';
import { type FaultScript, readLedger, startSandbox } from '../src/sandbox/sandbox.ts';
import { type OpenWorkspace, openWorkspace } from '../src/service/workspace.ts';
import { parseSettings, type Settings } from '../src/settings/settings.ts';
import { bindingOf } from '../src/store/binding.ts';
import { newDatabase } from './support/postgres.ts';
import { hasPostgres } from './support/postgres-server.ts';
import { SANDBOX_SECRETS } from './support/secrets.ts';
import { instruction, instructions, ORDERS, type TestWorkspace, testWorkspace } from './support/workspace.ts';

const AN_HOUR_MS = 3_600_000;

const TAKEN_BUT_NOT_ANSWERED: FaultScript = {
  faults: [{ on: 'post', attempts: [1], fault: { kind: 'error', status: 503, accept: true } }],
  fates: [{ fate: 'processed' }],
};

interface Bank {
  readonly origin: string;
  /** How many payouts it took. */
  taken(): number;
}

async function bank(faults: FaultScript = {}): Promise<Bank> {
  const ledgerPath = testWorkspace().path('ledger');
  const sandbox = await startSandbox({ seed: 1, ledgerPath, faults });
  onTestFinished(() => sandbox.close());
  return {
    origin: sandbox.baseUrl.origin,
    taken: () => [...readLedger(ledgerPath)].filter(({ kind }) => kind === 'accepted').length,
  };
}

const settings = ({ origin }: Bank) => ({ provider: { baseUrl: origin, currencies: ['INR', 'JPY'] } });

function goTo(workspace: TestWorkspace, other: Bank): void {
  const json = JSON.parse(readFileSync(workspace.path('paydrop.json'), 'utf8')) as object;
  writeFileSync(workspace.path('paydrop.json'), JSON.stringify({ ...json, ...settings(other) }));
}

async function passAt(
  workspace: TestWorkspace,
  env: NodeJS.ProcessEnv = SANDBOX_SECRETS,
  lookUp = true,
): Promise<PassSummary> {
  const tools = await openWorkspace({ workspace: workspace.root, env, clock: workspace.clock });
  const options = { kind: 'run', businessDate: '2026-03-02', waitForSettling: true, send: true, lookUp } as const;
  try {
    const summary = await pass(tools, { ...options, stop: new AbortController().signal });
    if (!summary) throw new Error('this run was done already');
    return summary;
  } finally {
    await tools.close();
  }
}

const statusOf = (workspace: TestWorkspace) => workspace.rows('payouts.000002.result.csv').map(({ status: is }) => is);

async function workspaceAt(a: Bank, lookUp = true): Promise<TestWorkspace> {
  const workspace = testWorkspace(settings(a));
  workspace.drop('orders.csv', ORDERS);
  workspace.drop('payouts.csv', instructions(instruction('P1')));
  await passAt(workspace, SANDBOX_SECRETS, lookUp);
  return workspace;
}

/** What a command of the command line says, and how it ends. */
async function said(
  workspace: TestWorkspace,
  command: (context: CommandContext) => Promise<number>,
): Promise<{ exit: number; text: string }> {
  for (const [name, value] of Object.entries(SANDBOX_SECRETS)) vi.stubEnv(name, value);
  onTestFinished(() => void vi.unstubAllEnvs());
  const lines: string[] = [];
  const line = (text = '') => void lines.push(text);
  const output = { style: (_: unknown, text: string) => text, line, table: () => undefined, facts: () => undefined };
  const exit = await command({ workspace: workspace.root, clock: workspace.clock, output });
  return { exit, text: lines.join('\n') };
}

const decide = (workspace: TestWorkspace, provider: string) =>
  said(workspace, (context) => accept(context, { by: 'ana', reason: 'told by the bank', provider }));

describe('a payout that is unclear at one provider', () => {
  it('is never sent to another one, whose "not found" is no evidence; back at the first it is cleared', async () => {
    const [a, b] = [await bank(TAKEN_BUT_NOT_ANSWERED), await bank()];
    const workspace = await workspaceAt(a, false);
    expect(statusOf(workspace)).toEqual(['unknown']);
    goTo(workspace, b);
    for (let night = 0; night < 3; night++) {
      workspace.clock.advance(24 * AN_HOUR_MS);
      const summary = await passAt(workspace);
      expect(summary).toMatchObject({ sent: 0, lookedUp: 1 });
      for (const named of [a, b]) expect(summary.unfinished).toContain(`payout-orders at ${named.origin}`);
      expect(summary.unfinished).toContain('Of 1 open payouts it has 0');
      expect(exitOf(summary.needs)).toBe(3);
      expect(statusOf(workspace)).toEqual(['unknown']);
    }
    for (const command of [status, doctor] as const) {
      const { text } = await said(workspace, (context) => command(context, {}));
      for (const named of [a, b]) expect(text).toContain(`payout-orders at ${named.origin}`);
    }
    goTo(workspace, a);
    for (let passes = 0; passes < 2; passes++) expect((await passAt(workspace)).unfinished).toBeUndefined();
    expect(statusOf(workspace)).toEqual(['paid']);
    expect([a.taken(), b.taken()]).toEqual([1, 0]);
  });

  it.each([
    ['unknown', false],
    ['submitted', true],
  ] as const)(
    'or open (%s) is not called failed because another one says so under the same reference',
    async (open, lookUp) => {
      const [a, b] = [await bank(TAKEN_BUT_NOT_ANSWERED), await bank({ fates: [{ fate: 'failed' }] })];
      const others = await workspaceAt(b);
      await passAt(others);
      expect(statusOf(others)).toEqual(['failed']);
      const workspace = await workspaceAt(a, lookUp);
      expect(statusOf(workspace)).toEqual([open]);
      goTo(workspace, b);
      workspace.clock.advance(AN_HOUR_MS);
      expect((await passAt(workspace)).unfinished).toContain('Of 1 open payouts it has 1');
      expect(statusOf(workspace)).toEqual([open]);
    },
  );
});

describe('another provider', () => {
  it('is not accepted as another account while something may be paid by the one before', async () => {
    const [a, b] = [await bank(TAKEN_BUT_NOT_ANSWERED), await bank()];
    const workspace = await workspaceAt(a);
    goTo(workspace, b);
    await expect(decide(workspace, 'other-account')).rejects.toThrow(`C1/O1/P1 and maybe more may be paid by`);
    await expect(said(workspace, (context) => accept(context, { by: 'ana', reason: 'so what' }))).rejects.toThrow(
      '--provider',
    );
    await expect(decide(workspace, 'mine')).rejects.toThrow('expected same-account or other-account');
    expect((await passAt(workspace)).sent).toBe(0);
    goTo(workspace, a);
    await expect(decide(workspace, 'other-account')).rejects.toThrow("the records' own provider");
  });

  it('is sent what is ready once a person has accepted it, which the audit log tells', async () => {
    const [a, b] = [await bank({ fates: [{ fate: 'processed' }] }), await bank()];
    const workspace = await workspaceAt(a);
    await passAt(workspace);
    expect(statusOf(workspace)).toEqual(['paid']);
    goTo(workspace, b);
    workspace.drop('more.csv', instructions(instruction('P2')));
    expect(await passAt(workspace)).toMatchObject({ sent: 0 });
    expect(await decide(workspace, 'other-account')).toMatchObject({ exit: 0 });
    expect(await passAt(workspace)).toMatchObject({ sent: 1, unfinished: undefined });
    expect([a.taken(), b.taken()]).toEqual([1, 1]);
    const tools = await openWorkspace({ workspace: workspace.root, env: SANDBOX_SECRETS, clock: workspace.clock });
    const entries = (await tools.store.auditEntries(0, 1_000)).map(({ body }) => JSON.parse(body) as { type: string });
    await tools.close();
    expect(entries.filter(({ type }) => type === 'provider-accepted')).toMatchObject([
      { reason: 'told by the bank', account: 'other', before: expect.stringContaining(a.origin) },
    ]);
  });

  it('that is the same account under a new key is believed again once a person says so', async () => {
    const a = await bank(TAKEN_BUT_NOT_ANSWERED);
    const workspace = testWorkspace(settings(a));
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', instructions(instruction('P1')));
    const before = await passAt(workspace, { ...SANDBOX_SECRETS, PAYDROP_CLIENT_KEY: 'the key of last year' });
    expect(before.unfinished).toContain('credentials');
    workspace.clock.advance(AN_HOUR_MS);
    const other = await passAt(workspace);
    expect(other.unfinished).toMatch(/key [0-9a-f]{12}, but paydrop\.json and the keys say .*key [0-9a-f]{12}/);
    expect(other.sent).toBe(0);
    expect(await decide(workspace, 'same-account')).toMatchObject({ exit: 0 });
    for (let passes = 0; passes < 3; passes++) {
      workspace.clock.advance(AN_HOUR_MS);
      await passAt(workspace);
    }
    expect(statusOf(workspace)).toEqual(['paid']);
    expect(a.taken()).toBe(1);
  });

  it('is not suspected in records of an earlier version, which tell its API alone', async () => {
    const [a, b] = [await bank({ fates: [{ fate: 'processed' }] }), await bank()];
    const workspace = await workspaceAt(a);
    const tools = await openWorkspace({ workspace: workspace.root, env: SANDBOX_SECRETS, clock: workspace.clock });
    await tools.store.setFact('provider', 'payout-orders live');
    await tools.close();
    expect((await passAt(workspace)).unfinished).toBeUndefined();
    goTo(workspace, b);
    expect((await passAt(workspace)).unfinished).toContain(`payout-orders at ${a.origin}`);
  });
});

describe.skipIf(!hasPostgres)('of machines that share the records, one that names another account', () => {
  const PASS = { kind: 'run', businessDate: '2026-03-02', waitForSettling: true, send: true, lookUp: true } as const;
  const passOf = (tools: OpenWorkspace) => pass(tools, { ...PASS, stop: new AbortController().signal });

  async function machines() {
    const [a, b] = [await bank(TAKEN_BUT_NOT_ANSWERED), await bank()];
    const env = { ...SANDBOX_SECRETS, PAYDROP_DATABASE_URL: await newDatabase() };
    const at = (own: Bank, machine: string) => testWorkspace({ ...settings(own), records: 'postgres', machine });
    const [right, wrong] = [at(a, 'pay-1'), at(b, 'pay-2')];
    const { clock } = right;
    const start = async ({ root: workspace }: TestWorkspace) => {
      const tools = await openWorkspace({ workspace, env, clock, serverClock: clock });
      onTestFinished(() => tools.close());
      return tools;
    };
    return { a, b, right, wrong, clock, start, env };
  }

  it('sends nothing and believes no answer, however often the others start, and the others go on', async () => {
    const { a, b, right, wrong, clock, start } = await machines();
    right.drop('orders.csv', ORDERS);
    right.drop('payouts.csv', instructions(instruction('P1')));
    const first = await start(right);
    await passOf(first);
    const other = await start(wrong);
    await first.close();
    const again = await start(right);
    for (let passes = 0; passes < 3; passes++) {
      clock.advance(AN_HOUR_MS);
      expect((await passOf(other))?.unfinished).toContain(`payout-orders at ${b.origin}`);
    }
    clock.advance(AN_HOUR_MS);
    await passOf(again);
    expect(statusOf(right)).toEqual(['paid']);
    expect([a.taken(), b.taken()]).toEqual([1, 0]);
  });

  it('does not get new records while another is at work that may take in a file', async () => {
    const { a, b, right, wrong, start } = await machines();
    const first = await start(right);
    const other = await start(wrong);
    right.drop('orders.csv', ORDERS);
    right.drop('payouts.csv', instructions(instruction('P1')));
    await passOf(first);
    expect((await passOf(other))?.unfinished).toContain(`were made with payout-orders at ${a.origin}`);
    expect([a.taken(), b.taken()]).toEqual([1, 0]);
  });

  it('is not accepted as another account while others are at work', async () => {
    const { right, wrong, start, env } = await machines();
    await start(right);
    vi.stubEnv('PAYDROP_DATABASE_URL', env.PAYDROP_DATABASE_URL);
    await expect(decide(wrong, 'other-account')).rejects.toThrow('at work with these records: pay-1');
  });
});

describe('the name of a provider and an account', () => {
  const named = (provider: object, key = 'a key') => {
    const loaded = parseSettings({ provider }, '/srv/paydrop');
    if (!loaded.ok) throw new Error(loaded.problems.join());
    return bindingOf((loaded.value satisfies Settings).provider, key);
  };
  const live = { baseUrl: 'https://pay.example', currencies: ['INR'] };

  it('tells keys apart, and tells none', () => {
    expect(named(live)).toBe(named({ ...live, concurrency: 3 }));
    expect(named(live)).not.toBe(named(live, 'another'));
    expect(named(live)).toMatch(/^payout-orders at https:\/\/pay\.example, key [0-9a-f]{12}$/);
  });

  it('tells origins, accounts and tenants apart, where the API has them, whatever their keys', () => {
    const managed = { ...live, api: 'collect', accountId: 'A', tenantId: 'T' };
    expect(named(managed)).toBe('collect at https://pay.example, account A, tenant T');
    expect(named(managed, 'another')).toBe(named(managed));
    const others = [
      { ...managed, api: 'order-management' },
      { ...managed, baseUrl: 'https://pay.example:8443' },
      { ...managed, accountId: 'B' },
      { ...managed, tenantId: 'U' },
      { ...live, api: 'collect', accountId: 'A' },
    ];
    expect(new Set([managed, ...others].map((one) => named(one))).size).toBe(6);
  });
});
