/** A real Prometheus reads the metrics, and its own tool tries the alert rules of docs/monitoring.md. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { builtProgram, startProcess } from './support/cli.ts';
import { examplesIn } from './support/examples.ts';
import { ALL } from './support/sample.ts';
import { instruction, instructions, ORDERS, temporaryFolder, testWorkspace } from './support/workspace.ts';

const program = builtProgram();
const isInstalled = ['prometheus', 'promtool'].every((name) => spawnSync(name, ['--version']).status === 0);
if (!isInstalled) process.stderr.write('skipped: no Prometheus is installed (Debian: apt-get install prometheus)\n');

/** The tool looks at the rules so often; each look takes its time. */
const EVALUATED_EVERY = '1m';

const PATIENCE = { timeout: 30_000, interval: 100 };

function promtool(args: readonly string[], input = ''): { readonly status: number | null; readonly said: string } {
  const { status, stdout, stderr } = spawnSync('promtool', args, { input, encoding: 'utf8' });
  return { status, said: stdout + stderr };
}

function rules(): string {
  const block = examplesIn('docs/monitoring.md').find(({ language }) => language === 'yaml');
  return block?.text ?? '';
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe.skipIf(!isInstalled)('the metrics', () => {
  it.runIf(ALL)('are read by a Prometheus, and its tool finds no fault with them', { timeout: 90_000 }, async () => {
    const workspace = testWorkspace({ http: { listen: '127.0.0.1:0' }, submit: 'on-arrival' });
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', instructions(instruction('P1'), instruction('P2')));
    const service = program.start(['watch', '--workspace', workspace.root]);
    await service.says('pass done');
    const target = /"url":"http:\/\/([^"]+)"/.exec(service.stderr())?.[1] ?? '';
    const text = await (await fetch(`http://${target}/metrics`)).text();
    expect(promtool(['check', 'metrics'], text)).toEqual({ status: 0, said: '' });
    expect(promtool(['check', 'metrics'], readFileSync(workspace.path('data', 'metrics.prom'), 'utf8')).status).toBe(0);

    const folder = temporaryFolder();
    const listen = `127.0.0.1:${await freePort()}`;
    const config = `{"global": {"scrape_interval": "1s"}, "rule_files": ["rules.yml"],
      "scrape_configs": [{"job_name": "paydrop", "static_configs": [{"targets": ["${target}"]}]}]}`;
    writeFileSync(join(folder, 'prometheus.yml'), config);
    writeFileSync(join(folder, 'rules.yml'), rules());
    startProcess('prometheus', [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=${listen}`,
    ]);
    const query = async (expression: string): Promise<unknown> => {
      const answer = await fetch(`http://${listen}/api/v1/query?query=${encodeURIComponent(expression)}`);
      const { data } = (await answer.json()) as { data: { result: { value: [number, string] }[] } };
      return data.result[0]?.value[1];
    };
    await vi.waitFor(async () => expect(await query('sum(paydrop_payouts{currency="INR"})')).toBe('2'), PATIENCE);
    expect(await query('up{job="paydrop"}')).toBe('1');
    expect(await query('paydrop_requests_total{kind="submit",outcome="accepted"}')).toBe('2');
  });
});

describe.skipIf(!isInstalled)('the alert rules of docs/monitoring.md', () => {
  interface Series {
    readonly series: string;
    readonly values: string;
  }

  /** What is fine: everything is seen each minute for two days, and a run is finished each hour. */
  const FINE: readonly Series[] = [
    { series: 'paydrop_build_info{version="1"}', values: '1x2880' },
    { series: 'paydrop_records_reachable', values: '1x2880' },
    { series: 'paydrop_oldest_age_seconds{status="unknown"}', values: '0x2880' },
    { series: 'paydrop_oldest_age_seconds{status="held"}', values: '0x2880' },
    { series: 'paydrop_last_run_timestamp_seconds{result="finished"}', values: '0+60x2880' },
    { series: 'paydrop_notifications{status="given_up"}', values: '3x2880' },
    { series: 'paydrop_oldest_notification_age_seconds', values: '0x2880' },
    { series: 'paydrop_free_bytes', values: '50000000000x2880' },
    { series: 'paydrop_observed_timestamp_seconds', values: '0+60x2880' },
  ];
  const ALERTS = [...rules().matchAll(/alert: (\w+)/g)].map(([, name = '']) => name);

  const TICKETS = ['PayoutHeldOverADay', 'PayoutNotificationLate', 'PayoutNotificationGivenUp'];
  const STATUSES: Readonly<Record<string, string>> = {
    PayoutUnknownForLong: 'unknown',
    PayoutHeldOverADay: 'held',
    PayoutNotificationGivenUp: 'given_up',
  };

  /** The alerts that ring, of all that are tried at each time. */
  function ringing(
    changed: readonly Series[],
    rings: Readonly<Record<string, readonly string[]>>,
    absent = false,
  ): string {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'rules.yml'), rules());
    const named = new Set(changed.map(({ series }) => series));
    const input = absent ? changed : [...FINE.filter(({ series }) => !named.has(series)), ...changed];
    const labels = (alert: string) => {
      const severity = TICKETS.includes(alert) ? 'ticket' : 'page';
      const status = STATUSES[alert];
      const result = alert === 'PayoutNightMissed' ? { result: 'finished' } : {};
      return { severity, ...(status && { status }), ...result };
    };
    const summary = (alert: string) => new RegExp(`alert: ${alert}[^]*?summary: (.*)`).exec(rules())?.[1] ?? '';
    const test = Object.entries(rings).flatMap(([at, ring]) =>
      ALERTS.map((alert) => ({
        eval_time: at,
        alertname: alert,
        exp_alerts: ring.includes(alert)
          ? [{ exp_labels: labels(alert), exp_annotations: { summary: summary(alert) } }]
          : [],
      })),
    );
    const file = {
      rule_files: ['rules.yml'],
      evaluation_interval: EVALUATED_EVERY,
      tests: [{ interval: '1m', input_series: input, alert_rule_test: test }],
    };
    writeFileSync(join(folder, 'test.yml'), JSON.stringify(file));
    return promtool(['test', 'rules', join(folder, 'test.yml')]).said;
  }

  it('are rules that its tool understands', () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'rules.yml'), rules());
    expect(promtool(['check', 'rules', join(folder, 'rules.yml')])).toMatchObject({ status: 0 });
    expect(ALERTS).toHaveLength(8);
  });

  it.runIf(ALL)('ring for what they name, and for nothing before it', { timeout: 60_000 }, () => {
    const says = [
      ringing([], { '1h': [], '47h': [] }),
      ringing([{ series: 'paydrop_oldest_age_seconds{status="unknown"}', values: '0+60x2880' }], {
        '3h59m': [],
        '4h10m': ['PayoutUnknownForLong'],
      }),
      ringing([{ series: 'paydrop_oldest_age_seconds{status="held"}', values: '0+60x2880' }], {
        '23h59m': [],
        '24h10m': ['PayoutHeldOverADay'],
      }),
      ringing([{ series: 'paydrop_last_run_timestamp_seconds{result="finished"}', values: '0x2880' }], {
        '25h59m': [],
        '26h10m': ['PayoutNightMissed'],
      }),
      ringing([{ series: 'paydrop_oldest_notification_age_seconds', values: '0+60x2880' }], {
        '3h59m': [],
        '4h10m': ['PayoutNotificationLate'],
      }),
      ringing([{ series: 'paydrop_notifications{status="given_up"}', values: '3x120 4x2760' }], {
        '2h': [],
        '2h10m': ['PayoutNotificationGivenUp'],
        '26h30m': [],
      }),
      ringing([{ series: 'paydrop_free_bytes', values: '50000000000x60 1000000000x2820' }], {
        '1h': [],
        '1h10m': ['PayoutDiskFull'],
      }),
      ringing([{ series: 'paydrop_records_reachable', values: '1x60 0x2820' }], {
        '1h': [],
        '1h10m': ['PayoutRecordsOutOfReach'],
      }),
      ringing([{ series: 'up', values: '0x2880' }], { '10m': [], '20m': ['PayoutNotWatched'] }, true),
    ];
    expect(says.map((said) => said.includes('SUCCESS') || said)).toEqual(says.map(() => true));
  });
});
