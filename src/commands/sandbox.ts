import { readFile } from 'node:fs/promises';
import { UsageError } from '../failures.ts';
import { checkScript, type FaultScript, SANDBOX_KEYS, startSandbox } from '../sandbox.ts';
import { type CommandContext, EXIT, stopOnSignal } from './context.ts';

interface SandboxOptions {
  readonly port?: number;
  readonly seed: number;
  readonly faults?: string;
  readonly ledger: string;
}

export async function sandbox({ paper }: CommandContext, options: SandboxOptions): Promise<number> {
  const stop = stopOnSignal();
  const faults = options.faults === undefined ? {} : { faults: await script(options.faults) };
  const port = options.port === undefined ? {} : { port: options.port };
  const server = await startSandbox({ ...port, ...faults, seed: options.seed, ledgerPath: options.ledger });
  paper.line(`The sandbox listens on ${server.baseUrl.origin}; what it accepts is written to ${options.ledger}.`);
  paper.line('Use it from a workspace with "provider": {"baseUrl": …, "currencies": […]} and these secrets:');
  paper.line(`  PAYDROP_CLIENT_KEY=${SANDBOX_KEYS.clientKey}`);
  paper.line(`  PAYDROP_CLIENT_SECRET=${SANDBOX_KEYS.clientSecret}`);
  paper.line(`  PAYDROP_SALT_KEY=${SANDBOX_KEYS.saltKey}`);
  await new Promise<void>((resolve) => stop.addEventListener('abort', () => resolve(), { once: true }));
  await server.close();
  return EXIT.done;
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
