/** The provider of a chaos run: `paydrop sandbox` as a process of its own, with a chaotic script. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type FaultScript, type LedgerEntry, readLedger } from '../../src/sandbox/sandbox.ts';
import type { Chance } from '../simulation/chance.ts';
import { clock, ENVIRONMENT } from './machine.ts';
import { until } from './patience.ts';

type Rule = NonNullable<FaultScript['faults']>[number];

/** No fault lasts for ever: each strikes a part of the requests, anew for each. */
export function drawScript(chance: Chance): FaultScript {
  const calm = chance.strikes(0.15);
  const rates = calm ? [0] : [0, 0.03, 0.08];
  const posts = ['post', 'order', 'update', 'delete'] as const;
  const gets = ['get', 'order-get'] as const;
  const rules = (on: readonly Rule['on'][], fault: Rule['fault'], more: Partial<Rule> = {}): Rule[] => {
    const rate = chance.pick(rates);
    return rate === 0 ? [] : on.map((one) => ({ on: one, rate, fault, ...more }));
  };
  const faults = [
    ...rules([...posts, ...gets], { kind: 'refuse' }),
    ...rules([...posts, ...gets], { kind: 'reset' }),
    ...rules([...posts, ...gets], { kind: 'silence', accept: chance.strikes(0.5) }),
    ...rules([...posts, ...gets], { kind: 'error', status: 503, accept: false }),
    ...rules([...posts, ...gets], { kind: 'error', status: 502, accept: true }),
    ...rules([...posts, ...gets], { kind: 'garbage', accept: chance.strikes(0.5) }),
    ...rules([...posts, ...gets], { kind: 'truncated' }),
    ...rules(posts, { kind: 'html', accept: chance.strikes(0.5) }),
    ...rules(posts, { kind: 'delay', ms: chance.between(500, 1_500) }),
    ...rules([...posts, ...gets], { kind: 'rate-limit', retryAfter: '1' }, { rate: 0.01 }),
    ...rules(gets, { kind: 'not-found' }, { attempts: [1, 2], rate: chance.pick([0.1, 0.5]) }),
    ...rules(['token'], { kind: 'short-token', requests: 5 }),
  ];
  // With a script, even an empty one, the ledger has each request.
  return { faults: [...faults, { on: 'post', clientRefId: 'none', fault: { kind: 'refuse' } }] };
}

interface SandboxOptions {
  readonly folder: string;
  /** The built program's main.js. */
  readonly main: string;
  readonly seed: number;
  /** How far its clock is from that of the host. */
  readonly clockMs: number;
  readonly script: FaultScript;
}

export class Sandbox {
  port = 0;
  readonly #folder: string;
  readonly #seed: number;
  readonly #main: string;
  readonly #clockMs: number;
  #process: ChildProcess | undefined;

  constructor({ folder, main, seed, clockMs, script }: SandboxOptions) {
    this.#folder = folder;
    this.#main = main;
    this.#seed = seed;
    this.#clockMs = clockMs;
    writeFileSync(join(folder, 'faults.json'), JSON.stringify(script, undefined, 2));
  }

  async start(): Promise<void> {
    const said = join(this.#folder, 'sandbox.log');
    writeFileSync(said, '');
    const log = openSync(said, 'a');
    const path = (name: string) => join(this.#folder, name);
    const args = ['sandbox', '--port', String(this.port), '--seed', String(this.#seed)];
    args.push('--faults', path('faults.json'), '--ledger', path('ledger.jsonl'));
    this.#process = spawn(process.execPath, [this.#main, ...args], {
      env: { ...ENVIRONMENT, ...clock(this.#clockMs) },
      cwd: this.#folder,
      stdio: ['ignore', log, log],
    });
    await until('the sandbox listens', () => {
      const [, port] = /listens on http:\/\/[^:]+:(\d+)/.exec(readFileSync(said, 'utf8')) ?? [];
      this.port = Number(port ?? this.port);
      return port !== undefined;
    });
  }

  async kill(): Promise<void> {
    const process = this.#process;
    this.#process = undefined;
    if (!process || process.exitCode !== null || process.signalCode !== null) return;
    process.kill('SIGKILL');
    await once(process, 'close');
  }

  ledger(): LedgerEntry[] {
    const path = join(this.#folder, 'ledger.jsonl');
    return existsSync(path) ? [...readLedger(path)] : [];
  }
}
