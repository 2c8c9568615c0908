import { UsageError } from '../failures.ts';
import type { InstructionRef } from '../instruction.ts';
import { type Decided, resolve as resolvePayout, retry as retryPayout } from '../resolution.ts';
import type { Decision, Store } from '../store.ts';
import { openForDeciding } from '../workspace/records.ts';
import { type CommandContext, EXIT, personWith } from './context.ts';

export async function resolve(
  context: CommandContext,
  asked: string,
  options: { paid?: true; notPaid?: true; reason: string },
): Promise<number> {
  if (options.paid === options.notPaid) throw new UsageError('say either --paid or --not-paid');
  const paid = options.paid === true;
  return decided(context, asked, options.reason, (store, ref, decision) =>
    resolvePayout(store, context.clock, ref, paid, decision),
  );
}

export async function retry(context: CommandContext, asked: string, options: { reason: string }): Promise<number> {
  return decided(context, asked, options.reason, (store, ref, decision) =>
    retryPayout(store, context.clock, ref, decision),
  );
}

async function decided(
  { workspace, paper }: CommandContext,
  asked: string,
  reason: string,
  decide: (store: Store, ref: InstructionRef, decision: Decision) => Promise<Decided>,
): Promise<number> {
  const [customerRef = '', orderRef = '', instructionRef = '', ...rest] = asked.split('/');
  if (!customerRef || !orderRef || !instructionRef || rest.length > 0)
    throw new UsageError(`${asked}: expected CUSTOMER/ORDER/INSTRUCTION`);
  const store = await openForDeciding(workspace);
  try {
    const result = await decide(store, { customerRef, orderRef, instructionRef }, personWith(reason));
    if (!result.ok) throw new UsageError(`${asked}: ${result.why}`);
    paper.line(`${asked} was ${result.before.status} and is ${result.to}. The reports follow with the next run.`);
    return EXIT.done;
  } finally {
    await store.close();
  }
}
