/**
 * What is drawn for a world: its settings, its crashes, and what is in store for its payouts and orders at the
 * provider.
 */
import { clientRefId, type InstructionRef, instructionKey, type PayoutRef } from '../../src/domain/instruction.ts';
import type { FateRule } from '../../src/sandbox/faults.ts';
import type { Calendar } from '../../src/settings/settings.ts';
import type { SimulatedApi } from './api.ts';
import type { Chance } from './chance.ts';
import { orderReference } from './imburse.ts';
import type { Trouble } from './machine.ts';
import type { CrashPlan } from './process.ts';

/** No operator pays oftener. */
const ATTEMPTS = [1, 2, 3, 4];

/** All attempts there can be at a payout, by its key. */
export type Attempts = ReadonlyMap<string, readonly PayoutRef[]>;

export function everyAttempt(refs: readonly InstructionRef[]): Attempts {
  const attemptsAt = (ref: InstructionRef) =>
    ATTEMPTS.map((attempt) => ({ ...ref, attempt, clientRefId: clientRefId(ref, attempt) }));
  return new Map(refs.map((ref) => [instructionKey(ref), attemptsAt(ref)]));
}

/** An end for each attempt. `waiting` of those that can be changed at the provider are not begun there before that. */
export function drawFates(chance: Chance, api: SimulatedApi, attempts: Attempts, waiting: number): FateRule[] {
  return [...attempts.values()].flat().flatMap((attempt): FateRule[] => {
    const subject = api.subjectOf(attempt);
    const drawn = chance.fraction();
    const fate = drawn < 0.75 ? 'processed' : drawn < 0.85 ? 'failed' : drawn < 0.95 ? 'reversed' : 'cancelled';
    const waits = chance.strikes(waiting) && api.knowsOrders;
    return [...(waits ? [{ ...subject, fate: 'ready' as const }] : []), { ...subject, fate }];
  });
}

/** References of what the provider refuses whenever it comes. */
export function drawDoomed(chance: Chance, api: SimulatedApi, attempts: Attempts): ReadonlySet<string> {
  const all = [...attempts.values()].flat();
  const payouts = all.map(api.referenceOf).filter(() => chance.strikes(0.05));
  const orders = api.knowsOrders ? [...new Set(all.map(({ orderRef }) => orderReference(orderRef)))] : [];
  return new Set([...payouts, ...orders.filter(() => chance.strikes(0.03))]);
}

/** paydrop.json. */
export function drawSettings(
  chance: Chance,
  api: SimulatedApi,
  quarantine: string,
  refusesUsed: boolean,
  control: object = {},
): object {
  return {
    schedule: { timeZone: 'UTC' },
    control,
    intake: {
      settle: chance.pick(['0s', '200ms']),
      onRowErrors: chance.strikes(0.15) ? 'reject-file' : 'accept-valid',
    },
    provider: {
      ...{ api: api.name, baseUrl: 'http://127.0.0.1:9', currencies: ['INR'], timeout: '30s', quarantine },
      giveUpAfter: chance.pick(['1h', '3d']),
      ...api.settings,
      concurrency: chance.between(1, 4),
      ...(chance.strikes(0.2) ? { requestsPerMinute: chance.pick([30, 600]) } : {}),
      duplicateClientRef: refusesUsed ? 'rejected' : 'undefined',
    },
  };
}

/** Banking days of which there are few, and a cut-off that comes in the middle of some passes. */
export function drawCalendar(chance: Chance, dates: readonly string[]): Calendar {
  return {
    days: 'banking',
    weekend: new Set([0, 6, chance.below(7)]),
    holidays: new Map(chance.strikes(0.5) ? [[chance.pick(dates), '']] : []),
    cutOff: chance.strikes(0.5) ? chance.between(61, 90) : undefined,
  };
}

const MINUTE_MS = 60_000;

/** `long`: a machine may stand still for longer than any quarantine. */
export function drawTrouble(chance: Chance, long: boolean): Trouble {
  if (chance.strikes(0.3))
    return { kind: 'session lost', afterMs: chance.pick([0, chance.below(500), chance.below(30_000)]) };
  const at = chance.pick(['store', 'store', 'wire'] as const);
  return {
    kind: 'freeze',
    at,
    n: chance.between(1, { store: 60, wire: 6 }[at]),
    when: chance.strikes(0.5) ? 'before' : 'after',
    forMs: chance.pick([
      5_000,
      25_000,
      2 * MINUTE_MS,
      4 * MINUTE_MS,
      ...(long ? [40 * MINUTE_MS, 900 * MINUTE_MS] : []),
    ]),
  };
}

export function drawCrash(chance: Chance): CrashPlan {
  const when = chance.strikes(0.5) ? 'before' : 'after';
  const at = chance.pick(['store', 'disk', 'wire', 'time'] as const);
  if (at === 'time')
    return { at, afterMs: chance.pick([chance.below(100), chance.below(2_000), chance.below(40_000)]) };
  return { at, n: chance.between(1, { store: 50, disk: 200, wire: 8 }[at]), when };
}
