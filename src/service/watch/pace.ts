/** When `watch` asks the provider again. */
import type { PassOptions, PassSummary } from '../../pipeline/pipeline.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Log } from '../../platform/log.ts';
import type { RunRecord } from '../../store/store.ts';

/** How often open payouts are looked up between the nightly runs. */
const LOOK_UP_EVERY_MS = 300_000;

/**
 * After a pass for webhooks, others wait for so many times as long as it took: a pass writes the reports of all files that have
 * changed, whether one payout or a thousand have.
 */
const QUEUE_PAUSE = 4;

/** The pause after a pass that could not finish. It doubles each time, up to the longest. */
const RETRY_AFTER_MS = 30_000;
const LONGEST_RETRY_MS = 900_000;

/** When the provider is asked again: regularly, and with growing pauses after a pass that could not finish. */
export interface Pace {
  mayTry(): boolean;
  lookUpDue(): boolean;
  /** Whether a night that waits for an order may be gone on with. */
  nightMayGoOn(): boolean;
  /** Whether the look-ups may be made that webhooks have queued. */
  queueDue(): boolean;
  /** How long webhooks wait that came too soon after a pass; without end where none does. */
  untilQueueMs(): number;
  /** The nightly run in which nothing is left to do here, while other machines are in it. */
  left(): RunRecord | undefined;
  /** `tookMs`: how long the pass took. */
  note(options: PassOptions, summary: PassSummary, tookMs: number): void;
}

export function openPace({ clock, log }: { readonly clock: Clock; readonly log: Log }): Pace {
  let lookUpAt = clock.monotonic();
  let notBefore = clock.monotonic();
  let queueAt = clock.monotonic();
  let nightAt = clock.monotonic();
  let retryMs = RETRY_AFTER_MS;
  let queueRetryMs = RETRY_AFTER_MS;
  let left: RunRecord | undefined;
  return {
    mayTry: () => clock.monotonic() >= notBefore,
    lookUpDue: () => clock.monotonic() >= lookUpAt,
    nightMayGoOn: () => clock.monotonic() >= nightAt,
    queueDue: () => clock.monotonic() >= queueAt,
    untilQueueMs: () => {
      const ms = Math.ceil(queueAt - clock.monotonic());
      return ms > 0 ? ms : Number.POSITIVE_INFINITY;
    },
    left: () => left,
    note: (
      { kind, send, lookUp, lookUpQueued },
      { run, unfinished, waits, queueStopped, closed, moved, goesOn },
      tookMs,
    ) => {
      const pauses = lookUpQueued && !send && !lookUp ? QUEUE_PAUSE : 0;
      queueAt = clock.monotonic() + Math.min(pauses * tookMs, LOOK_UP_EVERY_MS);
      if (!send && !lookUp && !lookUpQueued) return;
      // What anyone may name holds back itself alone.
      if (queueStopped === undefined) queueRetryMs = RETRY_AFTER_MS;
      else {
        log.warn({ run: run.number, retrySeconds: queueRetryMs / 1000 }, `webhooks go on waiting: ${queueStopped}`);
        queueAt = Math.max(queueAt, clock.monotonic() + queueRetryMs);
        queueRetryMs = Math.min(queueRetryMs * 2, LOOK_UP_EVERY_MS);
      }
      if (kind === 'nightly') left = goesOn ? run : undefined;
      if (send || lookUp) lookUpAt = clock.monotonic() + LOOK_UP_EVERY_MS;
      // Payouts that are sent on arrival are sent again as soon as the pace allows. At night the schedule decides.
      const isOpen = closed === undefined;
      const again =
        kind === 'arrival' && send && isOpen && moved.ready ? `${moved.ready} are to be sent again` : undefined;
      // An order that stays unclear holds up what waits for it, and nothing else.
      if (waits) nightAt = clock.monotonic() + LOOK_UP_EVERY_MS;
      const why = (waits ? undefined : unfinished) ?? again;
      if (why === undefined) {
        retryMs = RETRY_AFTER_MS;
        return;
      }
      log.warn({ run: run.number, retrySeconds: retryMs / 1000 }, `not finished: ${why}`);
      notBefore = lookUpAt = clock.monotonic() + retryMs;
      retryMs = Math.min(retryMs * 2, LONGEST_RETRY_MS);
    },
  };
}
