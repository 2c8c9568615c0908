/** Simulates the world of a seed. The same seed gives the same world, event by event. */
import { createHash } from 'node:crypto';
import type { SimulatedApi } from './api.ts';
import { APIS } from './apis.ts';
import { chance } from './chance.ts';
import { type Ground, makeGround } from './ground.ts';
import { drawUuids } from './node-files.ts';
import type { Tally } from './tally.ts';
import { Violation } from './violation.ts';
import { QUARANTINE, World } from './world.ts';

export interface Simulated {
  readonly seed: number;
  readonly api: SimulatedApi['name'];
  /** Undefined when every promise was kept. */
  readonly violation: Violation | undefined;
  /** The hash of all events, in their order. */
  readonly events: string;
  readonly tally: Tally;
}

let ground: Promise<Ground> | undefined;

/** What a pass loads when it first needs it. Loaded beforehand: no clock of the simulation counts the time that it takes. */
const loadAll = () =>
  Promise.all([
    import('../../src/inbox/inbox.ts'),
    import('../../src/reports/file-reports.ts'),
    import('../../src/reports/index-page.ts'),
    import('../../src/reports/outbox.ts'),
    import('../../src/reports/report.ts'),
    import('../../src/reports/reports.ts'),
  ]);

export interface SimulateOptions {
  /** Hears of every event. */
  readonly trace?: (event: string) => void;
  /** Another quarantine than the provider needs. */
  readonly quarantine?: string;
  /** How many machines share the records; undefined: as the seed says, with none shared. */
  readonly machines?: number | undefined;
  /** Whether some are told of what happens, and the provider may send webhooks. */
  readonly connected?: boolean;
}

/** Call {@link clearGround} when done. */
export async function simulate(
  seed: number,
  { trace, quarantine = QUARANTINE, machines: sharing, connected = false }: SimulateOptions = {},
): Promise<Simulated> {
  if (ground === undefined && sharing !== undefined) await simulate(1);
  ground ??= loadAll().then(makeGround);
  const events: string[] = [];
  const tally: Tally = {};
  const draw = chance(seed);
  let drawn = 0;
  drawUuids(() => `00000000-0000-4000-8000-${String(draw.below(1e9) * 1000 + (drawn++ % 1000)).padStart(12, '0')}`);
  let nowMs = () => 0;
  const note = (what: string) => {
    const event = `${nowMs()} ${what}`;
    events.push(event);
    trace?.(event);
  };
  const api = APIS[seed % APIS.length] as SimulatedApi;
  const world = new World({ chance: draw, ground: await ground, api, tally, note, quarantine, sharing, connected });
  nowMs = () => world.timeline.now;
  let violation: Violation | undefined;
  try {
    await world.live();
    await world.heal();
  } catch (error) {
    violation = error instanceof Violation ? error : new Violation('nothing is thrown', String((error as Error).stack));
  }
  await world.dispose();
  drawUuids(undefined);
  return {
    seed,
    api: api.name,
    violation,
    events: createHash('sha256').update(events.join('\n')).digest('hex'),
    tally,
  };
}

export async function clearGround(): Promise<void> {
  (await ground)?.clear();
  ground = undefined;
}
