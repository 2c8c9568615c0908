/** When a notification is tried again, and when it is given up. Pure. */
import { timestamp } from '../../platform/clock.ts';
import type { DeliveryResults, Notification } from '../../store/store.ts';
import { failed as failedWith, type Outcome } from './message.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** After the first try, the second, …: as Standard Webhooks has it, which comes to three days. */
const PAUSES_MS = [
  ...[5 * SECOND_MS, 5 * MINUTE_MS, 30 * MINUTE_MS, 2 * HOUR_MS, 5 * HOUR_MS],
  ...[10 * HOUR_MS, 14 * HOUR_MS, 20 * HOUR_MS, 24 * HOUR_MS],
];
const LONGEST_PAUSE_MS = DAY_MS;
/** No next try is so far ahead. */
export const HORIZON_MS = 2 * DAY_MS;

/** What happened so long ago is given up, once it was tried a few times. */
export const GIVEN_UP_AFTER_MS = 3 * DAY_MS;
const FEWEST_TRIES = 3;

/** Many of one moment don't all come again at one moment: up to a tenth is added. */
const SPREAD = 11;

/** What the records keep of these tries. `outcomes` has one for each of `claimed`. */
export function resultsOf(
  claimed: readonly Notification[],
  outcomes: readonly Outcome[],
  nowMs: number,
): DeliveryResults {
  const at = timestamp(nowMs);
  const delivered: number[] = [];
  const failed: DeliveryResults['failed'][number][] = [];
  let worst: { readonly trouble: string; readonly untilMs: number; readonly givenUp: boolean } | undefined;
  let gone = false;
  for (const [index, one] of claimed.entries()) {
    const outcome = outcomes[index] ?? failedWith('it was not tried');
    if (outcome.kind === 'taken') {
      delivered.push(one.number);
      continue;
    }
    const { number } = one;
    const { trouble, of } = outcome;
    const isLost = outcome.gone === true || isGivenUp(one, nowMs);
    const untilMs = nextTryMs(one, nowMs, outcome.retryAfterMs);
    failed.push({ number, trouble, ...(isLost ? {} : { nextTryAt: timestamp(untilMs) }) });
    gone ||= outcome.gone === true;
    if (of === 'receiver' && untilMs >= (worst?.untilMs ?? 0)) worst = { trouble, untilMs, givenUp: isLost };
  }
  if (!worst || (delivered.length > 0 && !gone)) return { at, delivered, failed };
  const before = gone ? timestamp(nowMs + 1) : timestamp(nowMs - GIVEN_UP_AFTER_MS);
  const { trouble, untilMs, givenUp } = worst;
  const rest = { until: timestamp(untilMs), trouble, ...((givenUp || gone) && { givenUpBefore: before }) };
  return { at, delivered, failed, rest };
}

function isGivenUp({ at, tries }: Notification, nowMs: number): boolean {
  return nowMs - Date.parse(at) >= GIVEN_UP_AFTER_MS && tries + 1 >= FEWEST_TRIES;
}

/** The last try is made when the time is over. */
function nextTryMs(one: Notification, nowMs: number, retryAfterMs: number | undefined): number {
  const lastMs = Date.parse(one.at) + GIVEN_UP_AFTER_MS;
  const nextMs = nowMs + pauseAfter(one, retryAfterMs);
  return lastMs > nowMs ? Math.min(nextMs, lastMs) : nextMs;
}

function pauseAfter({ number, tries }: Notification, retryAfterMs = 0): number {
  const pauseMs = PAUSES_MS[Math.min(tries, PAUSES_MS.length - 1)] ?? LONGEST_PAUSE_MS;
  const spreadMs = Math.floor((pauseMs / 100) * (number % SPREAD));
  return Math.max(pauseMs + spreadMs, Math.min(retryAfterMs, LONGEST_PAUSE_MS));
}
