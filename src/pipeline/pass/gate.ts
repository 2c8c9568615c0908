/** Why a pass may not send now: doubts about the records, a person's pause, too little space, or the calendar. */
import { type Gate, openGate } from '../../control/control.ts';
import type { Provider } from '../../provider/provider.ts';
import type { Settings } from '../../settings/settings.ts';
import { lookUpOnly, otherProvider, otherProviderText, type Store, type Timing } from '../../store/store.ts';

/** With less free space than this nothing is sent: the outcomes could not be recorded. */
const LEAST_FREE_BYTES = 200_000_000;

interface Sender extends Timing {
  readonly store: Store;
  readonly provider: Provider;
  readonly settings: Settings;
  readonly freeBytes: () => Promise<number>;
  readonly paused: () => Promise<string | undefined>;
}

/**
 * Why nothing may be sent now, whatever is ready, so that the pass stays unfinished. Undefined when sending is allowed.
 * The calendar is not asked: a day that is closed leaves nothing unfinished.
 */
export async function whyNotSend({ store, settings, freeBytes, paused }: Sender): Promise<string | undefined> {
  const doubt = await lookUpOnly(store);
  if (doubt !== undefined) return `${doubt}. Nothing is sent until paydrop audit accept`;
  const other = await otherProvider(store);
  if (other) return otherProviderText(other);
  const pause = await paused();
  if (pause !== undefined) return pause;
  if ((await freeBytes()) >= LEAST_FREE_BYTES) return undefined;
  return `less than ${LEAST_FREE_BYTES / 1e6} MB are free for ${settings.data}: what is sent could not be recorded`;
}

/** The tools of a pass whose requests ask the calendar, each of them, after all that they may have to wait for. */
export function behindGate<Of extends Sender>(
  tools: Of & { readonly askLast: (whyClosed: () => string | undefined) => void },
  pass: Parameters<typeof openGate>[1],
): Of & { readonly gate: Gate } {
  const gate = openGate(tools.settings, pass, () => tools.clock.now());
  tools.askLast(() => gate.closed()?.why);
  return { ...tools, gate };
}
