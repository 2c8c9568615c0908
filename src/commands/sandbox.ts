import { readFile } from 'node:fs/promises';
import { API, type Api } from '../domain/api.ts';
import { UsageError } from '../platform/failures.ts';
import type { Output } from '../platform/terminal.ts';
import { checkScript, type FaultScript, startSandbox } from '../sandbox/sandbox.ts';
import { type CommandContext, EXIT, stopOnSignal } from './context.ts';

interface SandboxOptions {
  readonly port?: number;
  readonly seed: number;
  readonly faults?: string;
  readonly ledger: string;
}

export async function sandbox({ output, clock }: CommandContext, options: SandboxOptions): Promise<number> {
  const stop = stopOnSignal(clock);
  const faults = options.faults === undefined ? {} : { faults: await script(options.faults) };
  const port = options.port === undefined ? {} : { port: options.port };
  const server = await startSandbox({ ...port, ...faults, seed: options.seed, ledgerPath: options.ledger }).catch(
    (error: NodeJS.ErrnoException) => {
      throw error.code === undefined ? error : new UsageError(`the sandbox can't start: ${error.message}`);
    },
  );
  output.line(`The sandbox listens on ${server.baseUrl.origin}; what it accepts is written to ${options.ledger}.`);
  const { origin } = server.baseUrl;
  output.line('To use it, put this into the paydrop.json of a workspace:');
  output.line(`  "provider": { "baseUrl": "${origin}", "currencies": ["INR"] }`);
  output.line('and start paydrop there with these secrets, which open nothing but a sandbox:');
  printSecrets(output, 'payout-orders', { ...server.keys });
  const { accountId, tenantId } = server.imburseAccount;
  output.line('or, for the collect and order-management APIs:');
  output.line(
    `  "provider": { "api": "order-management", "baseUrl": "${origin}", "accountId": "${accountId}", "tenantId": "${tenantId}" }`,
  );
  printSecrets(output, 'order-management', { ...server.imburseKeys });
  output.line('It runs until it is stopped (Ctrl-C).');
  await new Promise<void>((resolve) => stop.addEventListener('abort', () => resolve(), { once: true }));
  await server.close();
  return EXIT.done;
}

function printSecrets(output: Output, api: Api, secrets: Readonly<Record<string, string>>): void {
  for (const [name, variable] of Object.entries(API[api].secrets)) output.line(`  ${variable}=${secrets[name]}`);
}

async function script(path: string): Promise<FaultScript> {
  let json: unknown;
  try {
    json = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw new UsageError(`--faults ${path}: ${(error as Error).message}`);
  }
  const checked = checkScript(json);
  if ('problem' in checked) throw new UsageError(`--faults ${path}: ${checked.problem}`);
  return json as FaultScript;
}
