/** Sending and looking up, beside an HTTP client that does nothing else. The provider is the sandbox, in its own process. */
import { copyFileSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { inTurns, type Result, result, secondsOf } from './comparison.ts';
import { configure, databaseOf, expectCount, type Ground, settleDisk, takeIn } from './ground.ts';
import { OPEN_BY } from './inputs.ts';
import { grouped } from './intake.ts';
import { type Figures, timedByItself, withSandbox } from './programs.ts';

/** provider.concurrency by default. */
const CONCURRENCY = '16';
const RATE = { atLeast: 0.6, aim: 0.85, higherIsBetter: true } as const;

/** A workspace with so many ready payouts, and a file that lists them. */
async function makeReady(ground: Ground): Promise<{ workspace: string; listed: string }> {
  const { payouts } = ground.sizes;
  const workspace = ground.copy(await ground.withOrders(), 'ready');
  await takeIn(ground.built, workspace, ground.input('payouts', { rows: payouts }));
  const listed = join(ground.folder, 'payouts.jsonl');
  await stage(ground, 'list', workspace, listed);
  return { workspace, listed };
}

function stage(
  ground: Ground,
  name: 'list' | 'send' | 'look-up',
  workspace: string,
  ...more: string[]
): Promise<Figures> {
  const args = [name, workspace, OPEN_BY, ...more];
  return timedByItself(ground.built.baseline('one-stage'), args, ground.sizes.payouts);
}

/** A sandbox that has the history of `ledger`, for the time of `use`. */
async function atSandbox<T>(
  ground: Ground,
  ledger: string | undefined,
  use: (origin: string) => Promise<T>,
): Promise<T> {
  const fresh = join(ground.folder, 'sandbox', `${process.hrtime.bigint()}.jsonl`);
  mkdirSync(dirname(fresh), { recursive: true });
  if (ledger !== undefined) copyFileSync(ledger, fresh);
  await settleDisk();
  return withSandbox(ground.built.main, fresh, use);
}

function ours(ground: Ground, name: 'send' | 'look-up', workspace: string, ledger?: string): Promise<Figures> {
  const copy = ground.copy(workspace, 'workspace');
  return atSandbox(ground, ledger, (origin) => {
    configure(copy, origin);
    return stage(ground, name, copy);
  });
}

function bare(ground: Ground, verb: 'post' | 'get', listed: string, ledger?: string): Promise<Figures> {
  const program = ground.built.baseline('bare-http');
  const { payouts } = ground.sizes;
  return atSandbox(ground, ledger, (origin) => timedByItself(program, [verb, origin, CONCURRENCY, listed], payouts));
}

/** Every intent and outcome is durable when its turn is over. */
export async function sending(ground: Ground): Promise<Result[]> {
  const { rounds, payouts } = ground.sizes;
  const { workspace, listed } = await makeReady(ground);
  const taken = await inTurns(rounds, {
    paydrop: async () => {
      const figures = await ours(ground, 'send', workspace);
      const submitted = `SELECT count(*) FROM instructions WHERE status = 'submitted'`;
      await expectCount(databaseOf(join(ground.folder, 'workspace')), submitted, payouts);
      return figures;
    },
    undici: () => bare(ground, 'post', listed),
  });
  const what = `sending ${grouped(payouts)} ready instructions, per second`;
  const about = {
    name: 'send',
    what,
    against: 'bare undici with signing, nothing stored',
    unit: '1/s',
    rounds,
  } as const;
  return [result(about, RATE, payouts / secondsOf(taken.paydrop), payouts / secondsOf(taken.undici))];
}

/** Each is found to have moved on, and that is recorded: a look-up that finds nothing new would be less work. */
export async function lookingUp(ground: Ground): Promise<Result[]> {
  const { rounds, payouts } = ground.sizes;
  const { workspace, listed } = await makeReady(ground);
  const ledger = join(ground.folder, 'sandbox', 'sent.jsonl');
  await withSandbox(ground.built.main, ledger, async (origin) => {
    configure(workspace, origin);
    await stage(ground, 'send', workspace);
    await timedByItself(ground.built.baseline('bare-http'), ['get', origin, CONCURRENCY, listed], payouts);
  });
  const taken = await inTurns(rounds, {
    paydrop: async () => {
      const figures = await ours(ground, 'look-up', workspace, ledger);
      const left = `SELECT count(*) FROM instructions WHERE status = 'submitted'`;
      await expectCount(databaseOf(join(ground.folder, 'workspace')), left, 0);
      return figures;
    },
    undici: () => bare(ground, 'get', listed, ledger),
  });
  const what = `looking up ${grouped(payouts)} submitted ones, per second`;
  const about = { name: 'look-up', what, against: 'bare undici, signed GETs', unit: '1/s', rounds } as const;
  return [result(about, RATE, payouts / secondsOf(taken.paydrop), payouts / secondsOf(taken.undici))];
}
