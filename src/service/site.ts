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
  /** For how long the service has not got on with anything. */
  stillMs(): number;
}

/** The side of the service itself. */
export interface OpenSite extends Site {
  /** The records are open; undefined when they went out of reach. Returns tools that tell how work gets on. */
  opened<Of extends Tools>(tools: Of): Of;
  gone(): void;
  /** The service got on. */
  turned(): void;
}

export function openSite(
  { settings, clock, log, measures }: Pick<Site, 'settings' | 'clock' | 'log' | 'measures'>,
  wake: () => void,
): OpenSite {
  let open: Tools | undefined;
  let turnedMs = clock.monotonic();
  const turned = () => {
    turnedMs = clock.monotonic();
  };
  const telling = ({ report, clear }: Progress): Progress => ({
    clear,
    report: (...work) => {
      turned();
      report(...work);
    },
  });
  return {
    settings,
    clock,
    log,
    measures,
    wake,
    turned,
    tools: () => open,
    stillMs: () => clock.monotonic() - turnedMs,
    opened: (tools) => {
      const told = { ...tools, progress: telling(tools.progress) };
      open = told;
      return told;
    },
    gone: () => {
      open = undefined;
    },
  };
}
