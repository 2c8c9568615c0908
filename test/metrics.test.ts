/** What a monitor is told: `/metrics`, and the file that is written after each pass. */
import { readFileSync, statSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { timestamp } from '../src/platform/clock.ts';
import { metricsText } from '../src/service/metrics/text.ts';
import { metricsRoute, writeMetrics } from '../src/service/metrics.ts';
import type { Outcome } from '../src/service/notify/message.ts';
import { deliver } from '../src/service/notify.ts';
import { openSite } from '../src/service/site.ts';
import type { Receiver } from '../src/settings/settings.ts';
import { builtProgram } from './support/cli.ts';
import { hasPostgres } from './support/postgres-server.ts';
import {
  instruction,
  instructions,
  ORDERS,
  type RecordsOn,
  type TestWorkspace,
  testWorkspace,
} from './support/workspace.ts';

const program = builtProgram();
const LOG = { info: () => undefined, warn: () => undefined, error: () => undefined };
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** The value of each line, by name and labels. */
function valuesOf(text: string): Map<string, string> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), line.slice(line.lastIndexOf(' ') + 1)]));
}

async function asked(workspace: TestWorkspace) {
  const tools = await workspace.open();
  onTestFinished(() => tools.close());
  const site = openSite({ ...tools, log: LOG }, () => undefined);
  const route = metricsRoute(site);
  const request = { method: 'GET', url: new URL('http://localhost/metrics'), headers: {} };
  const { signal: gone } = new AbortController();
  const ask = async () => String((await route({ ...request, gone, body: async () => Buffer.alloc(0) }))?.body);
  return { tools, site, ask };
}

/** Two payouts held since they came, two submitted, one row rejected; and a file that came twice. */
async function busy(records?: RecordsOn): Promise<TestWorkspace> {
  const control = { limits: { payout: { INR: '1000.00' } } };
  const workspace = testWorkspace({ control }, records);
  workspace.drop('orders.csv', ORDERS);
  const rows = [
    instruction('P-SECRET-1'),
    instruction('P2', '5.50'),
    instruction('P3', '7000'),
    instruction('P4', '8000'),
  ];
  workspace.drop('A Payee.csv', instructions(...rows, instruction('P5', 'x')));
  workspace.drop('twice.csv', instructions(...rows, instruction('P5', 'x')));
  await workspace.pass({ lookUp: false });
  return workspace;
}

describe.each<RecordsOn>(['sqlite', ...(hasPostgres ? (['postgres'] as const) : [])])(
  'metrics of records on %s',
  (on) => {
    it('count payouts, amounts and files, and say how old the oldest is', async () => {
      const workspace = await busy(on);
      const { site, tools, ask } = await asked(workspace);
      site.opened(tools);
      workspace.clock.advance(25 * HOUR);
      const values = valuesOf(await ask());
      const told = (name: string) => Object.fromEntries([...values].filter(([one]) => one.startsWith(`${name}{`)));
      expect(told('paydrop_payouts')).toEqual({
        'paydrop_payouts{status="held",currency="INR"}': '2',
        'paydrop_payouts{status="submitted",currency="INR"}': '2',
      });
      expect(told('paydrop_payouts_amount')).toEqual({
        'paydrop_payouts_amount{status="held",currency="INR"}': '15000.00',
        'paydrop_payouts_amount{status="submitted",currency="INR"}': '215.50',
      });
      expect(told('paydrop_oldest_age_seconds')).toEqual({
        'paydrop_oldest_age_seconds{status="unknown"}': '0',
        'paydrop_oldest_age_seconds{status="held"}': String(25 * 3_600),
        'paydrop_oldest_age_seconds{status="waiting"}': '0',
      });
      expect(told('paydrop_files')).toEqual({
        'paydrop_files{verdict="accepted"}': '1',
        'paydrop_files{verdict="duplicate"}': '1',
        'paydrop_files{verdict="partially_accepted"}': '1',
      });
      expect([...values.keys()]).toContain('paydrop_last_run_timestamp_seconds{result="finished"}');
      expect(values.get('paydrop_audit_entries')).toBe(String((await tools.store.auditHead()).seq));
      expect(Number(values.get('paydrop_free_bytes'))).toBeGreaterThan(0);
      expect([values.get('paydrop_paused'), values.get('paydrop_look_up_only')]).toEqual(['0', '0']);
    });

    it('say when a run was finished last, however many were not since, and however many files arrived', async () => {
      const workspace = testWorkspace({}, on);
      const { site, tools, ask } = await asked(workspace);
      site.opened(tools);
      const ended = async (kind: 'nightly' | 'arrival' | 'run', undone?: string) => {
        workspace.clock.advance(60_000);
        const at = timestamp(workspace.clock.now());
        const run = await tools.store.startRun(kind, '2026-03-02', { at });
        await tools.store.endRun(run?.number ?? 0, { at }, { open: [], undone });
        return String(Date.parse(at) / 1_000);
      };
      const finished = await ended('nightly');
      for (let runs = 0; runs < 30; runs++) await ended('arrival');
      let unfinished = '';
      for (let runs = 0; runs < 30; runs++) unfinished = await ended('run', 'the provider is away');
      const values = valuesOf(await ask());
      expect(values.get('paydrop_last_run_timestamp_seconds{result="finished"}')).toBe(finished);
      expect(values.get('paydrop_last_run_timestamp_seconds{result="unfinished"}')).toBe(unfinished);
    });
  },
);

describe.each<RecordsOn>(['sqlite', ...(hasPostgres ? (['postgres'] as const) : [])])(
  'metrics of notifications, of records on %s',
  (on) => {
    it('say how many wait, for how long, and how many were given up', async () => {
      const notify = ['one', 'two'].map((name) => ({ to: `https://${name}.example.com/SECRET`, on: ['run.finished'] }));
      const workspace = testWorkspace({ notify }, on);
      const { site, tools, ask } = await asked(workspace);
      site.opened(tools);
      const told = async () => {
        workspace.clock.advance(10 * MINUTE);
        const text = await ask();
        expect(text).not.toContain('example');
        return [...valuesOf(text)].filter(([name]) => name.includes('notification'));
      };
      const values = (waiting: number, givenUp: number, seconds: number) => [
        ['paydrop_notifications{status="waiting"}', String(waiting)],
        ['paydrop_notifications{status="given_up"}', String(givenUp)],
        ['paydrop_oldest_notification_age_seconds', String(seconds)],
      ];
      expect(await told()).toEqual(values(0, 0, 0));
      const run = await tools.store.startRun('run', '2026-03-02', { at: timestamp(workspace.clock.now()) });
      const moment = { at: timestamp(workspace.clock.now()), run: run?.number };
      await tools.store.endRun(run?.number ?? 0, moment, { open: [] });
      expect(await told()).toEqual(values(2, 0, 600));
      const senderTo = async ({ receiver }: Receiver) => ({
        send: async (): Promise<Outcome> =>
          receiver === tools.settings.notify[0]?.receiver
            ? { kind: 'taken' }
            : { kind: 'failed', trouble: 'answered 410', of: 'receiver', gone: true },
        close: async () => {},
      });
      await deliver({ ...tools, senderTo }, { gathered: true, stop: new AbortController().signal });
      expect(await told()).toEqual(values(0, 1, 0));
    });
  },
);

describe('metrics', () => {
  it('name no payout, no file and no person', async () => {
    const workspace = await busy();
    const { site, tools, ask } = await asked(workspace);
    site.opened(tools);
    const text = await ask();
    const names = [...text.matchAll(/(\w+)="/g)].map(([, name]) => name);
    expect([...new Set(names)].sort()).toEqual(['currency', 'result', 'status', 'verdict', 'version']);
    for (const secret of ['SECRET', 'P2', 'C1', 'O1', 'Payee', 'twice', tools.settings.machine, workspace.root])
      expect(text).not.toContain(secret);
  });

  it('count requests by outcome, with the time that they took', async () => {
    const workspace = await busy();
    const { site, tools, ask } = await asked(workspace);
    site.opened(tools);
    const [payout] = await tools.store.list('submitted', { afterId: 0, limit: 1 });
    if (payout) await tools.provider.lookUp(payout);
    await tools.provider.lookUp({ customerRef: '', orderRef: '', instructionRef: '', attempt: 1, clientRefId: 'NONE' });
    const values = valuesOf(await ask());
    expect(values.get('paydrop_requests_total{kind="look_up",outcome="found"}')).toBe('1');
    expect(values.get('paydrop_requests_total{kind="look_up",outcome="not-found"}')).toBe('1');
    expect(values.get('paydrop_request_duration_seconds_bucket{kind="look_up",le="+Inf"}')).toBe('2');
    expect(values.get('paydrop_request_duration_seconds_count{kind="look_up"}')).toBe('2');
  });

  it('say that the records are out of reach, and still what the process has counted', async () => {
    const { site, ask } = await asked(await busy());
    site.measures.webhook('refused');
    const values = valuesOf(await ask());
    expect(values.get('paydrop_records_reachable')).toBe('0');
    expect(values.get('paydrop_webhooks_total{outcome="refused"}')).toBe('1');
    expect(values.has('paydrop_free_bytes')).toBe(false);
  });

  it('say all but the free space where only that can not be told', async () => {
    const { site, tools, ask } = await asked(await busy());
    site.opened({ ...tools, freeBytes: () => Promise.reject(new Error('EIO')) });
    const values = valuesOf(await ask());
    expect(values.get('paydrop_records_reachable')).toBe('1');
    expect(values.has('paydrop_audit_entries')).toBe(true);
    expect(values.has('paydrop_free_bytes')).toBe(false);
  });

  it('are asked of the records once for all who ask at a time', async () => {
    const workspace = await busy();
    const { site, tools, ask } = await asked(workspace);
    let counted = 0;
    const statusCounts = () => {
      counted++;
      return tools.store.statusCounts();
    };
    site.opened({ ...tools, store: { ...tools.store, statusCounts } });
    await Promise.all(Array.from({ length: 100 }, ask));
    expect(counted).toBe(1);
    workspace.clock.advance(6_000);
    await ask();
    expect(counted).toBe(2);
  });

  it('have labels that no value can break out of', () => {
    const samples = [{ labels: { verdict: 'a"b\\c\nd' }, value: 1 }];
    expect(metricsText([{ name: 'x', help: 'X.', type: 'gauge', samples }])).toBe(
      '# HELP x X.\n# TYPE x gauge\nx{verdict="a\\"b\\\\c\\nd"} 1\n',
    );
  });
});

describe('the file of metrics', () => {
  it('is written after each pass, whole', async () => {
    const workspace = await busy();
    const { status } = await program.run(['run', '--workspace', workspace.root]);
    expect(status).toBe(1);
    const path = workspace.path('data', 'metrics.prom');
    const text = readFileSync(path, 'utf8');
    expect(valuesOf(text).get('paydrop_payouts{status="held",currency="INR"}')).toBe('2');
    expect(text.endsWith('\n')).toBe(true);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('that can not be written takes nothing from a pass', async () => {
    const workspace = await busy();
    const { tools } = await asked(workspace);
    await writeMetrics(tools, tools.measures);
    const before = readFileSync(workspace.path('data', 'metrics.prom'), 'utf8');
    const broken = { ...tools, settings: { ...tools.settings, data: workspace.path('nowhere') } };
    await expect(writeMetrics(broken, tools.measures)).rejects.toThrow('ENOENT');
    expect(readFileSync(workspace.path('data', 'metrics.prom'), 'utf8')).toBe(before);
  });
});
