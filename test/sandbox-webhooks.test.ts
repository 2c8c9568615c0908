/** The bundled provider tells what becomes of payouts, and the service hears it: two processes, as they are run. */
import { createServer } from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { SANDBOX_KEYS, startSandbox } from '../src/sandbox/sandbox.ts';
import { openRecords } from '../src/service/records.ts';
import { builtProgram } from './support/cli.ts';
import { instruction, instructions, ORDERS, recorded, testWorkspace } from './support/workspace.ts';

const program = builtProgram();
const SECRET = 'the-secret-of-webhooks';
const PATIENCE = { timeout: 50_000, interval: 50 };

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe('a provider that sends webhooks', () => {
  it('is heard: once, twice, late and out of order; and not where they are forged', { timeout: 90_000 }, async () => {
    const port = await freePort();
    const ways = ['once', 'twice', 'late', 'out-of-order', 'forged'] as const;
    const scratch = testWorkspace();
    const sandbox = await startSandbox({
      seed: 1,
      ledgerPath: scratch.path('ledger.jsonl'),
      faults: {
        fates: [{ fate: 'processed' }],
        webhooks: {
          ...{ to: `http://127.0.0.1:${port}/webhooks/payout-orders`, secret: SECRET, ms: 2_500 },
          rules: ways.map((deliver) => ({ narration: deliver, deliver })),
        },
      },
    });
    onTestFinished(() => sandbox.close());
    const workspace = testWorkspace({
      provider: { baseUrl: sandbox.baseUrl.origin, currencies: ['INR'] },
      http: { listen: `127.0.0.1:${port}` },
      submit: 'on-arrival',
    });
    workspace.drop('orders.csv', ORDERS.replace(/C1,O2.*\n/, ''));
    workspace.drop('payouts.csv', instructions(...ways.map((way) => instruction(way))));
    const service = program.start(['watch', '--workspace', workspace.root], {
      env: {
        PAYDROP_CLIENT_KEY: SANDBOX_KEYS.clientKey,
        PAYDROP_CLIENT_SECRET: SANDBOX_KEYS.clientSecret,
        PAYDROP_SALT_KEY: SANDBOX_KEYS.saltKey,
        PAYDROP_WEBHOOK_SECRET: SECRET,
      },
    });
    await vi.waitFor(async () => expect(await recorded(workspace)).toEqual({ paid: 4, submitted: 1 }), PATIENCE);
    const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    expect(metrics).toContain('paydrop_webhooks_total{outcome="kept"}');
    expect(metrics).toContain('paydrop_webhooks_total{outcome="refused"}');
    service.process.kill('SIGTERM');
    expect((await service.ended).status).toBe(0);
    const { store } = await openRecords(workspace.root);
    onTestFinished(() => store.close());
    const [left] = await store.list('submitted', { afterId: 0, limit: 10 });
    expect(left?.instructionRef).toBe('forged');
  });
});
