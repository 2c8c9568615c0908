/** What `watch` serves over HTTP knows of the service, and may ask of it. */
import type { Tools } from '../pipeline/pipeline.ts';
import type { Clock } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import type { Progress } from '../platform/progress.ts';
import type { Settings } from '../settings/settings.ts';
import type { Measures } from './measures.ts';

export interface Site {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly log: Log;
  readonly measures: Measures;
  /** With the records as they are open now. Undefined while they are out of reach: ask anew for each request. */
  tools(): Tools | undefined;
  /** Has the service look at once at what is due. */
  wake(): void;
  /** For how long the service has made no progress. */
  stalledMs(): number;
}

/** The side of the service itself. */
export interface OpenSite extends Site {
  /** The records are open; undefined when they went out of reach. Returns tools whose progress is noted. */
  opened<Of extends Tools>(tools: Of): Of;
  gone(): void;
  /** The service made progress. */
  progressed(): void;
}

export function openSite(
  { settings, clock, log, measures }: Pick<Site, 'settings' | 'clock' | 'log' | 'measures'>,
  wake: () => void,
): OpenSite {
  let open: Tools | undefined;
  let progressedMs = clock.monotonic();
  const progressed = () => {
    progressedMs = clock.monotonic();
  };
  const noting = ({ report, clear }: Progress): Progress => ({
    clear,
    report: (...work) => {
      progressed();
      report(...work);
    },
  });
  return {
    settings,
    clock,
    log,
    measures,
    wake,
    progressed,
    tools: () => open,
    stalledMs: () => clock.monotonic() - progressedMs,
    opened: (tools) => {
      const noted = { ...tools, progress: noting(tools.progress) };
      open = noted;
      return noted;
    },
    gone: () => {
      open = undefined;
    },
  };
}
