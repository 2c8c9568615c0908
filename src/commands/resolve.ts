import { resolve as resolvePayout } from '../pipeline/pipeline.ts';
import { UsageError } from '../platform/failures.ts';
import { openForDeciding } from '../service/service.ts';
import { type CommandContext, EXIT } from './context.ts';
import { type DecisionOptions, personWith } from './person.ts';
import { instructionRefIn, oneReferenceIn } from './references.ts';

export async function resolve(
  { workspace, output, clock }: CommandContext,
  words: readonly string[],
  options: DecisionOptions & { paid?: true; notPaid?: true },
): Promise<number> {
  if (options.paid === options.notPaid) throw new UsageError('say either --paid or --not-paid');
  const asked = oneReferenceIn(words);
  const ref = instructionRefIn(asked);
  const decision = personWith(options);
  const { store, settings, run } = await openForDeciding(workspace);
  try {
    const decided = await resolvePayout({ store, clock, settings, run }, ref, options.paid === true, decision);
    if (!decided.ok) throw new UsageError(`${asked}: ${decided.why}`);
    output.line(`${asked} was ${decided.before.status} and is ${decided.to}. The reports follow with the next run.`);
    return EXIT.done;
  } finally {
    await store.close();
  }
}
