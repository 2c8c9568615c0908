/** The bundled provider tells what becomes of payouts, and the service hears it: two processes, as they are run. */
import { createServer } from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { APIS, type Api } from '../src/domain/api.ts';
import {
  type LedgerEntry,
  readLedger,
  SANDBOX_IMBURSE_ACCOUNT,
  SANDBOX_IMBURSE_KEYS,
  startSandbox,
} from '../src/sandbox/sandbox.ts';
import { openRecords } from '../src/service/records.ts';
import { builtProgram } from './support/cli.ts';
import { ALL } from './support/sample.ts';
import { SANDBOX_SECRETS } from './support/secrets.ts';
import { API_FILES, recorded, testWorkspace } from './support/workspace.ts';

const program = builtProgram();
const SECRET = 'the-secret-of-webhooks';
const PATIENCE = { timeout: 50_000, interval: 50 };

const HEARD = ['once', 'twice', 'late', 'out-of-order'] as const;
const LOST = ['forged', 'never'] as const;
const WAYS = [...HEARD, ...LOST];

const ENV = {
  ...SANDBOX_SECRETS,
  PAYDROP_IMBURSE_PUBLIC_KEY: SANDBOX_IMBURSE_KEYS.publicKey,
  PAYDROP_IMBURSE_PRIVATE_KEY: SANDBOX_IMBURSE_KEYS.privateKey,
  PAYDROP_WEBHOOK_SECRET: SECRET,
};

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A payout of each way to tell, at a sandbox that ends them all well, and a service that sends them on arrival. */
async function heard(api: Api) {
  const isImburse = api !== 'payout-orders';
  const port = await freePort();
  const scratch = testWorkspace();
  const ledgerPath = scratch.path('ledger.jsonl');
  const path = isImburse ? '/webhooks/imburse' : '/webhooks/payout-orders';
  const sandbox = await startSandbox({
    ...{ seed: 1, ledgerPath },
    faults: {
      fates: [{ fate: 'processed' }],
      webhooks: {
        ...{ to: `http://127.0.0.1:${port}${path}`, secret: SECRET, ms: 2_500 },
        rules: WAYS.map((deliver) => ({
          ...(isImburse ? { instructionRef: deliver } : { narration: deliver }),
          deliver,
        })),
      },
    },
  });
  onTestFinished(() => sandbox.close());
  const account = isImburse ? SANDBOX_IMBURSE_ACCOUNT : { currencies: ['INR'] };
  const workspace = testWorkspace({
    provider: { api, baseUrl: sandbox.baseUrl.origin, ...account },
    http: { listen: `127.0.0.1:${port}`, ...(isImburse && { webhooks: { header: 'Signature' } }) },
    submit: 'on-arrival',
  });
  workspace.drop('orders.csv', API_FILES[api].orders.replace(/C1,O2.*\n/, ''));
  workspace.drop('payouts.csv', API_FILES[api].instructions(...WAYS));
  const service = program.start(['watch', '--workspace', workspace.root], { env: ENV });
  await vi.waitFor(async () => expect(await recorded(workspace)).toEqual({ paid: 4, submitted: 2 }), PATIENCE);
  const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  service.process.kill('SIGTERM');
  expect((await service.ended).status).toBe(0);
  const { store } = await openRecords(workspace.root);
  const open = await store.list('submitted', { afterId: 0, limit: 10 });
  await store.close();
  const lost = open.map(({ instructionRef }) => instructionRef).sort();
  return { metrics, lost, lookUps: lookUps([...readLedger(ledgerPath)]) };
}

/** How often the provider was asked about each payout. */
function lookUps(ledger: readonly LedgerEntry[]): Record<string, number> {
  const asked = Object.fromEntries(WAYS.map((way) => [way, 0]));
  for (const entry of ledger) {
    if (entry.kind !== 'request' || entry.on !== 'get') continue;
    const way = entry.narration || entry.instructionRef;
    asked[way] = (asked[way] ?? 0) + 1;
  }
  return asked;
}

describe('a provider that sends webhooks', () => {
  it.runIf(ALL)(
    'is heard: once, twice, late and out of order, in batches too; and not where they are forged or lost',
    async () => {
      for (const { metrics, lost, lookUps } of await Promise.all(APIS.map(heard))) {
        expect(metrics).toContain('paydrop_webhooks_total{outcome="kept"}');
        expect(metrics).toContain('paydrop_webhooks_total{outcome="refused"}');
        expect(lost).toEqual(LOST);
        // One look-up more than those of which no webhook came.
        const { never = 0 } = lookUps;
        const due = (ways: readonly string[], times: number) => ways.map((way) => [way, times]);
        expect(lookUps).toEqual(Object.fromEntries([...due(HEARD, never + 1), ...due(LOST, never)]));
      }
    },
    90_000,
  );
});
