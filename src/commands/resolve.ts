import { resolve as resolvePayout } from '../pipeline/pipeline.ts';
import { UsageError } from '../platform/failures.ts';
import { openForDeciding } from '../service/service.ts';
import { type CommandContext, EXIT } from './context.ts';
import { instructionRefIn, oneReferenceIn } from './references.ts';
import { type SettlingOptions, settlingBy } from './settling.ts';

export async function resolve(
  { workspace, output, clock }: CommandContext,
  words: readonly string[],
  options: SettlingOptions & { paid?: true; notPaid?: true },
): Promise<number> {
  if (options.paid === options.notPaid) throw new UsageError('say either --paid or --not-paid');
  const asked = oneReferenceIn(words);
  const ref = instructionRefIn(asked);
  const { store, settings, run } = await openForDeciding(workspace);
  try {
    const what = options.paid ? 'resolved as paid' : 'resolved as not paid';
    const decision = await settlingBy({ store, settings, clock }, options, what, [ref]);
    const decided = await resolvePayout({ store, clock, settings, run }, ref, options.paid === true, decision);
    if (!decided.ok) throw new UsageError(`${asked}: ${decided.why}`);
    output.line(`${asked} was ${decided.before.status} and is ${decided.to}. The reports follow with the next run.`);
    return EXIT.done;
  } finally {
    await store.close();
  }
}
