/** What the account covers is begun, and nothing else. */
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openCover } from '../src/pipeline/balance.ts';
import { type PassSummary, pass, type Tools } from '../src/pipeline/pass.ts';
import { startSandbox } from '../src/sandbox/sandbox.ts';
import { type OpenWorkspace, openWorkspace } from '../src/service/workspace.ts';
import { parseSettings } from '../src/settings/settings.ts';
import { newDatabase } from './support/postgres.ts';
import { hasPostgres } from './support/postgres-server.ts';
import { SANDBOX_SECRETS } from './support/secrets.ts';
import {
  instructions,
  ONE_PASS,
  ORDERS,
  type TestWorkspace,
  temporaryFolder,
  testWorkspace,
  timesTaken,
} from './support/workspace.ts';

const CHECKED = { provider: { currencies: ['INR'] }, control: { balance: 'check' } };

function dropped(...amounts: string[]): TestWorkspace {
  const workspace = testWorkspace(CHECKED);
  drop(workspace, amounts);
  return workspace;
}

function drop(workspace: TestWorkspace, amounts: readonly string[]): void {
  workspace.drop('orders.csv', ORDERS.split('\n').slice(0, 2).join('\n').concat('\n'));
  workspace.drop(
    'payouts.csv',
    instructions(...amounts.map((amount, at) => `C1,O1,P${at + 1},${amount},2026-03-02,2026-03-05,`)),
  );
}

const statuses = (workspace: TestWorkspace) => workspace.rows('payouts.000002.result.csv').map(({ status }) => status);

describe('an account whose balance is checked', () => {
  it('pays what it covers, and the pass says what is missing', async () => {
    const workspace = dropped('60.00', '50.00', '40.00');
    const { unfinished } = await workspace.pass({ faults: { balance: '100.00' }, lookUp: false });
    expect(statuses(workspace)).toEqual(['submitted', 'ready', 'submitted']);
    expect(unfinished).toBe(
      'the account has 100.00 INR, which is 50.00 INR less than what is due: 1 payout is not begun',
    );
  });

  it('makes the page of the run say what is missing, and not that all is well', async () => {
    const workspace = dropped('60.00', '50.00');
    await workspace.pass({ faults: { balance: '100.00' }, lookUp: false });
    const page = workspace.read('run.000001.summary.html');
    expect(page).toContain('It was not finished: the account has 100.00 INR, which is 10.00 INR less than what is due');
    expect(page).not.toContain('All well');
    await workspace.pass({ faults: { balance: '110.00' }, lookUp: false });
    expect(workspace.read('run.000002.summary.html')).not.toContain('It was not finished');
  });

  it('pays the rest once there is money', async () => {
    const workspace = dropped('60.00', '50.00');
    await workspace.pass({ faults: { balance: '100.00' }, lookUp: false });
    const { unfinished } = await workspace.pass({ faults: { balance: '110.00' }, lookUp: false });
    expect(timesTaken(workspace.ledger())).toEqual({ P1: 1, P2: 1 });
    expect(unfinished).toBeUndefined();
  });

  it('pays exactly its balance', async () => {
    const workspace = dropped('60.00', '40.00');
    await workspace.pass({ faults: { balance: '100.00' }, lookUp: false });
    expect(timesTaken(workspace.ledger())).toEqual({ P1: 1, P2: 1 });
  });

  it('is asked with commas between the thousands', async () => {
    const workspace = dropped('1250.00', '0.01');
    await workspace.pass({ faults: { balance: '1250.00' }, lookUp: false });
    expect(timesTaken(workspace.ledger())).toEqual({ P1: 1 });
  });
});

interface Sharing {
  readonly one: OpenWorkspace;
  readonly two: OpenWorkspace;
  posted(): number;
}

/** Two machines with the same records, and payouts of these amounts that the first one has taken in. */
async function sharing(balance: string, ...amounts: string[]): Promise<Sharing> {
  const ledgerPath = join(temporaryFolder(), 'ledger.jsonl');
  const sandbox = await startSandbox({ seed: 1, ledgerPath, faults: { balance } });
  onTestFinished(() => sandbox.close());
  const env = {
    PAYDROP_DATABASE_URL: await newDatabase(),
    ...SANDBOX_SECRETS,
  };
  let posted = 0;
  const open = async (machine: string, dropped: readonly string[]): Promise<OpenWorkspace> => {
    const provider = { ...CHECKED.provider, baseUrl: sandbox.baseUrl.origin };
    const workspace = testWorkspace({ ...CHECKED, provider, machine, records: 'postgres' }, 'sqlite');
    if (dropped.length > 0) drop(workspace, dropped);
    const { clock } = workspace;
    const tools = await openWorkspace({ workspace: workspace.root, env, clock, serverClock: clock });
    onTestFinished(() => tools.close());
    const submit: Tools['provider']['submit'] = (...request) => {
      posted++;
      return tools.provider.submit(...request);
    };
    return { ...tools, provider: { ...tools.provider, submit } };
  };
  const one = await open('one', amounts);
  await pass(one, { ...ONE_PASS, send: false, lookUp: false });
  return { one, two: await open('two', []), posted: () => posted };
}

describe.skipIf(!hasPostgres)('an account from which two machines pay', { timeout: 120_000 }, () => {
  it('covers what both of them begin: the second asks what it has once the first has sent', async () => {
    const { one, two, posted } = await sharing('100.00', '100.00', '100.00');
    let second: Promise<PassSummary | undefined> | undefined;
    // It waits for its turn, or makes all of its pass.
    const begun = (): Promise<void> =>
      new Promise((goOn) => {
        const report = (what: string) => what.startsWith('payouts wait') && goOn();
        second = pass({ ...two, progress: { ...two.progress, report } }, { ...ONE_PASS, lookUp: false });
        second.then(
          () => goOn(),
          () => goOn(),
        );
      });
    const balance = async () => {
      const answer = await one.provider.balance?.();
      await begun();
      return answer ?? { kind: 'unclear', message: 'none' };
    };
    const first = await pass({ ...one, provider: { ...one.provider, balance } }, { ...ONE_PASS, lookUp: false });
    const missing = 'less than what is due: 1 payout is not begun';
    expect(first?.unfinished).toContain(missing);
    expect((await second)?.unfinished).toContain(missing);
    expect(posted()).toBe(1);
  });
});

describe('a balance that can not be told', () => {
  it('lets nothing begin, and says why', async () => {
    const settings = parseSettings(CHECKED, '/w');
    if (!settings.ok) throw new Error(settings.problems.join());
    const cover = await openCover(
      { balance: async () => ({ kind: 'unclear', message: 'the answer was HTTP 500, not JSON' }) },
      settings.value,
      1,
    );
    expect(cover).toBe("the account's balance can't be told, so nothing is begun: the answer was HTTP 500, not JSON");
  });
});

describe('settings that ask for a balance', () => {
  it.each([
    [{ control: { balance: 'check' } }, 'name the one in provider.currencies'],
    [
      { provider: { currencies: ['INR', 'EUR'] }, control: { balance: 'check' } },
      'name the one in provider.currencies',
    ],
    [{ provider: { api: 'collect' }, control: { balance: 'check' } }, 'does not say what an account has'],
  ])('are refused where it can not be read: %j', (settings, words) => {
    const read = parseSettings(settings, '/w');
    expect(read.ok ? [] : read.problems).toEqual([expect.stringContaining(words)]);
  });
});
