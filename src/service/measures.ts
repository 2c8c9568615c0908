/** What this process has counted since it began: requests to the provider with the time they took, and webhooks. */
import type { Clock } from '../platform/clock.ts';
import type { Provider } from '../provider/provider.ts';

/** Upper bounds in seconds. */
export const BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] as const;

type RequestKind = 'submit' | 'look_up' | 'order' | 'order_look_up' | 'update' | 'delete' | 'balance';

interface Histogram {
  /** How many took at most as long as each bound. */
  readonly upTo: number[];
  seconds: number;
  count: number;
}

export interface Measures {
  /** By kind and outcome. */
  readonly requests: ReadonlyMap<RequestKind, ReadonlyMap<string, number>>;
  readonly times: ReadonlyMap<RequestKind, Readonly<Histogram>>;
  /** By outcome. */
  readonly webhooks: ReadonlyMap<string, number>;
  webhook(outcome: 'kept' | 'other' | 'refused' | 'later'): void;
  /** The same provider, whose requests are counted. */
  of(provider: Provider): Provider;
}

export function openMeasures(clock: Clock): Measures {
  const requests = new Map<RequestKind, Map<string, number>>();
  const times = new Map<RequestKind, Histogram>();
  const webhooks = new Map<string, number>();

  const note = (kind: RequestKind, outcome: string, seconds: number) => {
    const outcomes = requests.get(kind) ?? new Map<string, number>();
    requests.set(kind, outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1));
    const time = times.get(kind) ?? { upTo: BUCKETS.map(() => 0), seconds: 0, count: 0 };
    times.set(kind, time);
    time.count++;
    time.seconds += seconds;
    for (const [at, bound] of BUCKETS.entries()) if (seconds <= bound) time.upTo[at] = (time.upTo[at] ?? 0) + 1;
  };
  const timed = async <Outcome extends { readonly kind: string }>(kind: RequestKind, ask: () => Promise<Outcome>) => {
    const begunMs = clock.monotonic();
    const outcome = await ask();
    note(kind, outcome.kind, Math.max(0, clock.monotonic() - begunMs) / 1_000);
    return outcome;
  };
  return {
    requests,
    times,
    webhooks,
    webhook: (outcome) => void webhooks.set(outcome, (webhooks.get(outcome) ?? 0) + 1),
    of: (provider) => {
      const { orders, amendments, balance } = provider;
      return {
        ...provider,
        submit: (...asked) => timed('submit', () => provider.submit(...asked)),
        lookUp: (...asked) => timed('look_up', () => provider.lookUp(...asked)),
        ...(orders && {
          orders: {
            ...orders,
            register: (...asked) => timed('order', () => orders.register(...asked)),
            lookUp: (...asked) => timed('order_look_up', () => orders.lookUp(...asked)),
          },
        }),
        ...(amendments && {
          amendments: {
            ...amendments,
            update: (...asked) => timed('update', () => amendments.update(...asked)),
            remove: (...asked) => timed('delete', () => amendments.remove(...asked)),
          },
        }),
        ...(balance && { balance: () => timed('balance', balance) }),
      };
    },
  };
}
