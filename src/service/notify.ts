/**
 * Delivers notifications, which were written with what they report, to the receivers that the settings name. Each receiver
 * has a line of its own, so that one that is slow or dead delays no other. Nothing here waits for a pass, and no pass
 * waits for this.
 */
import { type Clock, systemClock, timestamp } from '../platform/clock.ts';
import type { Receiver, Settings } from '../settings/settings.ts';
import type { Notification, Store } from '../store/store.ts';
import { type Message, messageId, type Outcome } from './notify/message.ts';
import { AT_ONCE, type Sender, senderTo } from './notify/senders.ts';
import { GIVEN_UP_AFTER_MS, HORIZON_MS, resultsOf } from './notify/tries.ts';
import { openExisting } from './opening.ts';

export { openPing, type Ping } from './notify/ping.ts';
export { secretProblems } from './notify/senders.ts';

/** Longer than any try. After a crash in the middle of one, it is tried again then. */
const CLAIMED_FOR_MS = 120_000;

/** After a pass of `paydrop run` no more is begun after this time: the next run goes on. */
const DELIVER_FOR_MS = 60_000;

/** What was delivered, or given up, is kept for so long. */
const KEPT_FOR_MS = 30 * 86_400_000;

/** Of a service: how often it is looked for what is due, and for what has ended. */
const LOOK_EVERY_MS = 5_000;
const SWEEP_EVERY_MS = 3_600_000;

export interface DeliveryTools {
  readonly store: Store;
  readonly settings: Settings;
  readonly clock: Clock;
  /** The way to a receiver. */
  readonly senderTo: (receiver: Receiver) => Promise<Sender>;
}

export interface DeliveryOptions {
  /** Sums that are still being gathered are delivered, too. */
  readonly gathered: boolean;
  /** Nothing more is begun. */
  readonly stop: AbortSignal;
}

/** Delivers what is due. Ends when nothing is on its way any more, also where it throws because a line was cut off. */
export async function deliver(tools: DeliveryTools, options: DeliveryOptions): Promise<void> {
  await sweep(tools);
  const lines = await Promise.allSettled(tools.settings.notify.map((receiver) => deliverTo(receiver, tools, options)));
  for (const line of lines) if (line.status === 'rejected') throw line.reason;
}

/** Gives up what no receiver is there for, and removes what has long ended. */
async function sweep({ store, settings, clock }: Omit<DeliveryTools, 'senderTo'>): Promise<void> {
  const nowMs = clock.now();
  const receivers = settings.notify.map(({ receiver }) => receiver);
  const givenUpBefore = timestamp(nowMs - GIVEN_UP_AFTER_MS);
  const keptSince = timestamp(nowMs - KEPT_FOR_MS);
  await store.sweepNotifications(receivers, { at: timestamp(nowMs), givenUpBefore, keptSince });
}

/** Until nothing is due, or the receiver takes nothing. */
async function deliverTo(
  receiver: Receiver,
  { store, settings, clock, senderTo: open }: DeliveryTools,
  { gathered, stop }: DeliveryOptions,
): Promise<void> {
  let sender: Sender | undefined;
  try {
    while (!stop.aborted) {
      const nowMs = clock.now();
      const claimed = await store.claimNotifications(receiver.receiver, {
        at: timestamp(nowMs),
        horizon: timestamp(nowMs + HORIZON_MS),
        until: timestamp(nowMs + CLAIMED_FOR_MS),
        limit: AT_ONCE,
        gathered,
      });
      if (claimed.length === 0) return;
      sender ??= await open(receiver);
      const { send } = sender;
      const outcomes = await Promise.all(claimed.map((one) => send(messageOf(one, settings))));
      const results = resultsOf(claimed, outcomes, clock.now());
      await store.recordDeliveries(receiver.receiver, results);
      if (results.rest) return;
    }
  } finally {
    await sender?.close();
  }
}

function messageOf(one: Notification, settings: Settings): Message {
  const { event, at, details } = one;
  return { id: messageId(one), event, at, details, sandbox: isSandbox(settings) };
}

function isSandbox({ provider }: Settings): boolean {
  return provider.baseUrl === 'sandbox';
}

/** Whether there is anything to deliver, or to give up. */
async function hasToDeliver({ store, settings }: Pick<DeliveryTools, 'store' | 'settings'>): Promise<boolean> {
  if (settings.notify.length > 0) return true;
  const { waiting, givenUp } = await store.undelivered();
  return waiting + givenUp > 0;
}

/**
 * Delivers after a pass, when nothing is open any more: others may work on the workspace meanwhile. What is not delivered
 * is left to the next run.
 */
export async function deliverAfterPass(settings: Settings, env: NodeJS.ProcessEnv, clock: Clock): Promise<void> {
  const store = await openExisting(settings, 'kept', env);
  if (!store) return;
  const over = new AbortController();
  const ended = new AbortController();
  // What is waited for is no matter of a clock that a test moves on.
  void systemClock.sleep(DELIVER_FOR_MS, ended.signal).then(() => over.abort());
  try {
    const tools = { store, settings, clock, senderTo: (to: Receiver) => senderTo(to, settings, env, clock) };
    if (await hasToDeliver(tools)) await deliver(tools, { gathered: true, stop: over.signal });
  } finally {
    ended.abort();
    await store.close();
  }
}

export interface Deliveries {
  /** After a pass: sums are gathered no longer. */
  passEnded(): void;
  /** Resolves when nothing is on its way any more. */
  stop(): Promise<void>;
  /**
   * As `stop`, where the records are gone: what is on its way is left to itself. Nobody records what becomes of it, so it
   * is tried again when its claim is over.
   */
  leave(): void;
}

/**
 * Delivers beside the passes of a service, until it is stopped: each receiver in a loop of its own. `fault` is told why one
 * was cut off; it goes on. Nothing throws here: the records may be out of reach at any moment.
 */
export function keepDelivering(
  tools: Pick<DeliveryTools, 'store' | 'settings' | 'clock'>,
  env: NodeJS.ProcessEnv,
  fault: (why: string) => void,
): Deliveries {
  const { settings, clock } = tools;
  const stopped = new AbortController();
  const ways = { ...tools, senderTo: (to: Receiver) => senderTo(to, settings, env, clock) };
  let passes = 0;
  let wake = new AbortController();
  let lastFault = '';
  let isLeft = false;
  const loop = async (everyMs: number, work: (isAfterPass: boolean) => Promise<void>): Promise<void> => {
    let seen = 0;
    while (!stopped.signal.aborted) {
      const { signal } = wake;
      const ended = passes;
      try {
        await work(ended > seen);
        seen = ended;
      } catch (error) {
        const why = (error as Error).message;
        if (why !== lastFault && !isLeft) fault(why);
        lastFault = why;
      }
      await systemClock.sleep(everyMs, signal);
    }
  };
  const running = Promise.all([
    loop(SWEEP_EVERY_MS, async () => {
      if (await hasToDeliver(tools)) await sweep(tools);
    }),
    ...settings.notify.map((receiver) =>
      loop(LOOK_EVERY_MS, (gathered) => deliverTo(receiver, ways, { gathered, stop: stopped.signal })),
    ),
  ]);
  const ring = () => {
    wake.abort();
    wake = new AbortController();
  };
  const end = () => {
    stopped.abort();
    ring();
    return running;
  };
  return {
    passEnded: () => {
      passes++;
      ring();
    },
    stop: async () => void (await end()),
    leave: () => {
      isLeft = true;
      void end();
    },
  };
}

/** What came of a test message. */
export interface Tested {
  readonly receiver: Receiver;
  readonly outcome: Outcome;
}

/** Sends a test message to each receiver. Nothing is recorded. */
export function testReceivers(settings: Settings, env: NodeJS.ProcessEnv, clock: Clock): Promise<Tested[]> {
  const at = timestamp(clock.now());
  return Promise.all(
    settings.notify.map(async (receiver) => {
      const sender = await senderTo(receiver, settings, env, clock);
      const test = { event: 'test', at, details: {} } as const;
      const id = messageId({ number: 0, receiver: receiver.receiver, ...test });
      const outcome = await sender.send({ id, ...test, sandbox: isSandbox(settings) });
      await sender.close();
      return { receiver, outcome };
    }),
  );
}
