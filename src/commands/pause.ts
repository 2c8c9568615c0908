import { pausedBy, pauseFileIn, pause as pauseSending, resume as resumeSending } from '../control/control.ts';
import { UsageError } from '../platform/failures.ts';
import { openForDeciding } from '../service/service.ts';
import { momentOf } from '../store/store.ts';
import { type CommandContext, EXIT } from './context.ts';
import { type DecisionOptions, personWith } from './person.ts';

/** `paydrop pause`: nothing is sent from the next request on. A pause that stands stays as it is. */
export async function pause({ workspace, clock, output }: CommandContext, options: DecisionOptions): Promise<number> {
  const decision = personWith(options);
  const { store, run, settings } = await openForDeciding(workspace);
  try {
    const before = await pausedBy(store, () => undefined);
    if (before !== undefined) {
      output.line(`Nothing is sent already: ${before}.`);
      return EXIT.done;
    }
    await pauseSending(store, decision, momentOf({ clock, run }), settings.schedule.timeZone);
    output.line(
      'Paused: nothing is sent from the next request on, until paydrop resume. A request under way is finished.',
    );
    output.line('Files are taken in, payouts looked up and reports written as before.');
    return EXIT.done;
  } finally {
    await store.close();
  }
}

/** `paydrop resume`: a person lets the sending go on. Ends what a file named PAUSE began, too. */
export async function resume({ workspace, clock, output }: CommandContext, options: DecisionOptions): Promise<number> {
  const decision = personWith(options);
  const { store, run } = await openForDeciding(workspace);
  try {
    const before = await pausedBy(store, () => pauseFileIn(workspace));
    if (before === undefined) throw new UsageError('nothing is paused in this workspace');
    const since = await resumeSending(store, decision, momentOf({ clock, run }), workspace);
    if (since !== undefined) throw new UsageError(`that pause has ended, and another one has begun: ${since}`);
    output.line('Resumed: the next run sends what is due.');
    return EXIT.done;
  } finally {
    await store.close();
  }
}
