import { resolve as resolvePayout } from '../pipeline/pipeline.ts';
import { UsageError } from '../platform/failures.ts';
import { openForDeciding } from '../service/service.ts';
import { type CommandContext, EXIT, instructionRefIn, personWith } from './context.ts';

export async function resolve(
  { workspace, output, clock }: CommandContext,
  asked: string,
  options: { paid?: true; notPaid?: true; reason: string },
): Promise<number> {
  if (options.paid === options.notPaid) throw new UsageError('say either --paid or --not-paid');
  const ref = instructionRefIn(asked);
  const { store, settings, run } = await openForDeciding(workspace);
  try {
    const decision = personWith(options.reason);
    const decided = await resolvePayout({ store, clock, settings, run }, ref, options.paid === true, decision);
    if (!decided.ok) throw new UsageError(`${asked}: ${decided.why}`);
    output.line(`${asked} was ${decided.before.status} and is ${decided.to}. The reports follow with the next run.`);
    return EXIT.done;
  } finally {
    await store.close();
  }
}
