/** `paydrop show --remote`, `init` and `doctor` with each API, as real processes against a sandbox that is another one. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { APIS, type Api } from '../src/domain/api.ts';
import { lockWorkspace } from '../src/store/sqlite/lock.ts';
import { builtProgram, type Running } from './support/cli.ts';
import { ALL, sampled } from './support/sample.ts';
import { API_FILES, type TestWorkspace, temporaryFolder, testWorkspace } from './support/workspace.ts';

const DAY = '2026-03-02';
/** Nothing listens there: the port is reserved (tcpmux), and no program uses it. */
const NO_SUBJECT = 'http://127.0.0.1:1';
const paydrop = builtProgram();

interface Shown {
  readonly orders: readonly { orderRef: string; registration: string; history: readonly { type: string }[] }[];
  readonly instructions: readonly { instructionRef: string; status: string; history: readonly object[] }[];
  readonly remote: { readonly record: object | null; readonly history: { readonly events: readonly Event[] } | null };
}

interface Event {
  readonly event: string;
  readonly instructionRef?: string;
  readonly correlationId: string;
}

interface Provider {
  readonly settings: object;
  readonly env: Readonly<Record<string, string>>;
}

/** A sandbox of its own, and what it prints for those who want to use it. */
async function sandboxProcess(api: Api): Promise<Provider> {
  const sandbox: Running = paydrop.start(['sandbox', '--ledger', 'ledger.jsonl'], { cwd: temporaryFolder() });
  await sandbox.says('It runs until it is stopped');
  const printed = sandbox.stdout();
  const [payouts = '', orders = ''] = [...printed.matchAll(/"provider": (\{.*\})/g)].map(([, json = '']) => json);
  const env = Object.fromEntries([...printed.matchAll(/(PAYDROP_\w+)=(\S+)/g)].map(([, name, value]) => [name, value]));
  return { settings: { ...JSON.parse(api === 'payout-orders' ? payouts : orders), api }, env };
}

function dropped(api: Api, provider: object): TestWorkspace {
  const workspace = testWorkspace({ provider });
  workspace.drop('orders.csv', API_FILES[api].orders);
  workspace.drop('payouts.csv', API_FILES[api].instructions('P1', 'P2'));
  return workspace;
}

async function shown(workspace: TestWorkspace, asked: string, env: Readonly<Record<string, string>>): Promise<Shown> {
  const { status, stdout, stderr } = await paydrop.run(['show', asked, '--remote', '--json'], {
    cwd: workspace.root,
    env,
  });
  expect({ status, stderr }, asked).toEqual({ status: 0, stderr: '' });
  return JSON.parse(stdout) as Shown;
}

const eventsOf = ({ remote }: Shown) => remote.history?.events.map(({ event }) => event).sort();

const WITH_RECORDS = ['order-management', 'collect'] as const;

describe.each(WITH_RECORDS.slice(0, ALL ? 2 : 1))('paydrop show --remote over %s', (api) => {
  it.runIf(ALL)(
    'shows customer, order and instruction with their histories, ours and those of a provider that is another process',
    async () => {
      const { settings, env } = await sandboxProcess(api);
      const workspace = dropped(api, settings);
      const run = await paydrop.run(['run', '--date', DAY], { cwd: workspace.root, env });
      expect(run).toMatchObject({ status: 0, stderr: '' });

      const customer = await shown(workspace, 'C1', env);
      expect(customer.remote.record).toMatchObject({ customerRef: 'C1', orders: ['O1'] });
      expect(eventsOf(customer)).toContain('ORDER_CREATED');

      const order = await shown(workspace, 'C1/O1', env);
      expect(order.orders).toMatchObject([
        { orderRef: 'O1', registration: 'registered', history: [{ type: 'registration' }, { type: 'registration' }] },
      ]);
      expect(order.instructions.map(({ instructionRef }) => instructionRef)).toEqual(['P1', 'P2']);
      expect(order.remote.record).toMatchObject({ orderRef: 'O1', metadata: { project: 'Solar roof, phase 1' } });
      expect(eventsOf(order)).toEqual(expect.arrayContaining(['INSTRUCTION_CREATED', 'ORDER_CREATED']));

      const instruction = await shown(workspace, 'C1/O1/P1', env);
      expect(instruction.instructions).toMatchObject([{ instructionRef: 'P1', status: 'submitted' }]);
      expect(instruction.remote.record).toMatchObject({
        customerRef: 'C1',
        amount: api === 'collect' ? '210.00' : 210,
      });
      expect(eventsOf(instruction)).toContain('INSTRUCTION_CREATED');
      const created = instruction.remote.history?.events.find(({ event }) => event === 'INSTRUCTION_CREATED');
      const ours = JSON.stringify([order.orders, instruction.instructions]);
      expect(ours).toContain(created?.correlationId);

      expect((await shown(workspace, 'C1/O2', env)).remote).toEqual({ record: null, history: null });
    },
  );

  it('shows them of the bundled sandbox, for people to read', async () => {
    const workspace = dropped(api, { api });
    await workspace.pass();
    const { status, stdout, stderr } = await paydrop.run(['show', 'C1/O1/P1', '--remote'], { cwd: workspace.root });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^Instruction +C1\/O1\/P1$/m);
    expect(stdout).toMatch(/^At the provider\n\{\n {2}"customerRef": "C1",$/m);
    expect(stdout).toMatch(/^History at the provider\n\{\n {2}"events": \[$/m);
    const without = await paydrop.run(['show', 'C1/O1/P1'], { cwd: workspace.root });
    expect(stdout.startsWith(without.stdout)).toBe(true);
  });

  it('says why it can not: a service has the bundled sandbox, or the provider does not answer', async () => {
    const workspace = dropped(api, { api });
    await workspace.pass();
    const lock = lockWorkspace(join(workspace.root, 'data', 'lock'));
    const busy = await paydrop.run(['show', 'C1', '--remote'], { cwd: workspace.root });
    lock?.release();
    expect(busy).toMatchObject({ status: 3, stderr: expect.stringContaining('another paydrop is working on') });

    const { env } = await sandboxProcess(api);
    const alone = { cwd: dropped(api, { api, baseUrl: NO_SUBJECT }).root, env };
    expect(await paydrop.run(['run', '--date', DAY], alone)).toMatchObject({ status: 3 });
    const unanswered = await paydrop.run(['show', 'C1', '--remote'], alone);
    expect(unanswered).toMatchObject({
      status: 3,
      stderr: expect.stringContaining('the provider gave no clear answer: no access token'),
    });
  });
});

it('paydrop show --remote says in a sentence that the payout-orders API shows no records', async () => {
  const workspace = dropped('payout-orders', {});
  await paydrop.run(['run', '--date', DAY], { cwd: workspace.root });
  const { status, stdout, stderr } = await paydrop.run(['show', 'C1/O1', '--remote'], { cwd: workspace.root });
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toBe('paydrop: with provider.api "payout-orders" the provider shows no records\n');
});

describe.each(APIS)('with the %s API', (api) => {
  it.runIf(sampled(APIS, 3).includes(api))(
    'paydrop doctor looks up no real payout at a provider that is another process',
    async () => {
      const { settings, env } = await sandboxProcess(api);
      const workspace = testWorkspace({ provider: settings });
      const asked = { cwd: workspace.root, env };
      expect(await paydrop.run(['doctor'], asked)).toMatchObject({
        status: 0,
        stdout: expect.stringContaining('answers, and takes the credentials'),
      });
      const other = { ...env, PAYDROP_SALT_KEY: 'another', PAYDROP_IMBURSE_PRIVATE_KEY: 'YW5vdGhlcg==' };
      const { status, stdout } = await paydrop.run(['doctor'], { cwd: workspace.root, env: other });
      expect(status).toBe(2);
      expect(stdout).toMatch(/^PROBLEM +provider +the provider refuses our (?:credentials|signature)/m);
    },
  );

  it.runIf(sampled(APIS, 2, 1).includes(api))(
    'paydrop init makes templates that a workspace of this API takes',
    async () => {
      const workspace = testWorkspace({ provider: { api } });
      const made = await paydrop.run(['init'], { cwd: workspace.root });
      expect(made).toMatchObject({ status: 0, stderr: '' });
      expect(made.stdout).toContain(`kept  ${workspace.path('paydrop.json')}`);
      const files = ['orders', 'instructions'].map((name) => workspace.path('templates', `${name}.csv`));
      const { status, stdout } = await paydrop.run(['validate', ...files, '--json'], { cwd: workspace.root });
      expect(status, stdout).toBe(0);
    },
  );
});
