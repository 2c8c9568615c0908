/** When something happens, and in which run, as the callers of the store know it. */
import { type Clock, timestamp } from '../platform/clock.ts';
import type { Moment } from './port.ts';

/** What all tools have that record something. */
export interface Timing {
  readonly clock: Clock;
  /** The run that is under way; undefined between runs. */
  readonly run: number | undefined;
}

/** Now, or `nowMs`, in the run that is under way. */
export function momentOf({ clock, run }: Timing, nowMs = clock.now()): Moment {
  return { at: timestamp(nowMs), run };
}
