/**
 * Sends what is ready. For each instruction, in this order and never another: the intent (status `sending`, with the hash
 * of the very bytes) is committed; one request leaves; its outcome is committed. A crash in between leaves `sending`,
 * which is `unknown` at the next start, because nobody can tell how far the request got.
 *
 * The line stops, with the rest left `ready`, when the provider tells us that the fault is ours (credentials, signature),
 * when it answers about another payout than the one asked, or when several requests in a row end without a clear answer.
 *
 * A pass begins with a single request, and goes on with four times as many as long as clear answers come: a provider that
 * is down or drowning is asked by one payout at a time, not by a hundred.
 *
 * Where the API knows orders, an instruction's order is registered before it, and may take it along: see registration.ts.
 */
import { createHash } from 'node:crypto';
import { type Clock, timestamp } from './clock.ts';
import type { Settings } from './config.ts';
import { commitQueue, eachOf, type Line, openLine, type Pacer, pacer } from './flow.ts';
import { correlationId } from './instruction.ts';
import { type Order, orderKey } from './order.ts';
import type { Progress } from './progress.ts';
import type { Provider, SubmitOutcome } from './provider.ts';
import { openRegistrar, payoutOf, recoverRegistrations } from './registration.ts';
import type { Change, Store, StoredInstruction } from './store.ts';

/** Intents committed together, for each request that may be in flight. A crash leaves them all `unknown`. */
const AHEAD = 8;
/** So many times as many intents are committed after a page with a clear answer; after one without, it begins anew. */
const GROWTH = 4;
/** With a rate to keep to, commits are not what takes time. */
const AHEAD_WHEN_PACED = 1;

export interface SubmitTools {
  readonly store: Store;
  readonly provider: Provider;
  readonly clock: Clock;
  readonly settings: Settings;
  readonly progress: Progress;
}

export interface Submitted {
  /** Requests that left or may have left, and whose outcome is recorded. */
  readonly sent: number;
  /** Why sending stopped before everything ready was sent; undefined when it didn't. */
  readonly stopped: string | undefined;
}

/** What a program that ended in the middle left in `sending` may have arrived. Before anything else is sent. */
export async function recoverInterrupted({ store, clock }: Pick<SubmitTools, 'store' | 'clock'>): Promise<number> {
  let recovered = 0;
  await recoverRegistrations({ store, clock });
  for (;;) {
    const page = await store.list('sending', { afterId: 0, limit: 1_000 });
    if (page.length === 0) return recovered;
    const message = 'the program ended while this was being sent';
    await store.apply(
      page.map(({ id, version }): Change => {
        return {
          id,
          version,
          from: 'sending',
          to: 'unknown',
          message,
          unclear: true,
          sent: { outcome: 'interrupted' },
        };
      }),
      timestamp(clock.now()),
    );
    recovered += page.length;
  }
}

/**
 * Sends every ready instruction once; with `sentBefore` only those whose earlier request turned out not to have arrived.
 * `stop` ends it early: what is in flight is finished, the rest stays ready.
 */
export async function submit(
  tools: SubmitTools,
  businessDate: string,
  stop: AbortSignal,
  sentBefore = false,
): Promise<Submitted> {
  const { store, clock, settings, progress } = tools;
  const line = openLine(stop, 'requests');
  const { concurrency, requestsPerMinute } = settings.provider;
  const pace = pacer(clock, requestsPerMinute);
  const limit = concurrency * (requestsPerMinute === undefined ? AHEAD : AHEAD_WHEN_PACED);
  const outcomes = commitQueue((changes: Change[]) => store.apply(changes, timestamp(clock.now())));
  const registrar = openRegistrar(tools, (outcome) => heed(outcome, line, pace));
  let sent = 0;
  let unsent = 0;
  let why = '';
  let ahead = 1;
  for (let afterId = 0; !line.stopped(); ) {
    const page = await store.list('ready', { afterId, limit: Math.min(ahead, limit), sentBefore });
    const last = page.at(-1);
    if (!last) break;
    afterId = last.id;
    const batch = await registrar.plan(page);
    const intents = batch.instructions.map((instruction) =>
      intentFor(tools.provider, instruction, batch.orders.get(orderKey(instruction)), businessDate),
    );
    await store.apply(intents, timestamp(clock.now()), batch.intents);
    let clear = 0;
    await eachOf(intents, concurrency, async (intent, at) => {
      const instruction = batch.instructions[at] as StoredInstruction;
      await pace.turn(line.signal);
      if (line.stopped())
        return outcomes.add(notSent(instruction, `not sent, because the line was stopped: ${line.stopped()}`));
      const settled = await registrar.outcomeFor(instruction);
      const outcome = settled ?? (await tools.provider.submit(intent.intent.body, instruction, traceOf(instruction)));
      if (!settled) heed(outcome, line, pace);
      if (isClear(outcome)) clear++;
      await outcomes.add(changeFor(instruction, outcome));
      if (outcome.kind !== 'not-sent') return progress.report('sending payouts', ++sent);
      unsent++;
      why = outcome.message;
    });
    if (intents.length > 0) ahead = clear > 0 ? ahead * GROWTH : 1;
  }
  const couldNot = unsent > 0 ? `${unsent} could not be sent: ${why}` : undefined;
  return { sent, stopped: line.stopped() ?? couldNot };
}

/** What an outcome means for those that are still to be sent. */
function heed(outcome: SubmitOutcome, line: Line, pace: Pacer): void {
  if (!isClear(outcome)) {
    if (outcome.stopLine !== undefined) line.stop(outcome.stopLine);
    if (outcome.retryAfterMs !== undefined) pace.holdFor(outcome.retryAfterMs);
  }
  line.note(isClear(outcome) ? undefined : outcome.message);
}

function isClear(outcome: SubmitOutcome): outcome is Extract<SubmitOutcome, { kind: 'accepted' | 'declined' }> {
  return outcome.kind === 'accepted' || outcome.kind === 'declined';
}

type Intent = Change & { readonly intent: NonNullable<Change['intent']> };

function intentFor(
  provider: Provider,
  instruction: StoredInstruction,
  order: Order | undefined,
  businessDate: string,
): Intent {
  const { id, version, clientRefId } = instruction;
  const body = instruction.body || provider.body(payoutOf(instruction, order));
  const bodySha256 = createHash('sha256').update(body).digest('hex');
  const late = businessDate > instruction.content.dueDate;
  const traced = provider.correlates ? { correlationId: traceOf(instruction) } : {};
  return { id, version, from: 'ready', to: 'sending', intent: { clientRefId, body, bodySha256, late, ...traced } };
}

/** What the send that begins now is traced by. */
function traceOf({ clientRefId, sends }: StoredInstruction): string {
  return correlationId(clientRefId, sends + 1);
}

/** What an outcome makes of an instruction in `sending`. */
function changeFor(instruction: StoredInstruction, outcome: SubmitOutcome): Change {
  const sending = { id: instruction.id, version: instruction.version + 1, from: 'sending' } as const;
  switch (outcome.kind) {
    case 'accepted': {
      const { orderRefId, httpStatus } = outcome;
      return { ...sending, to: 'submitted', orderRefId, sent: { outcome: 'accepted', httpStatus } };
    }
    case 'not-sent':
      return notSent(instruction, outcome.message);
    case 'declined': {
      const { code, message, httpStatus } = outcome;
      const sent = { outcome: 'declined', httpStatus };
      if (instruction.unclearAt === '') return { ...sending, to: 'declined', code, message, sent };
      const doubt = `refused after an earlier request that may have arrived (${message})`;
      return { ...sending, to: 'unknown', code, message: doubt, sent, unclear: true };
    }
    case 'unknown': {
      const { message, code, httpStatus } = outcome;
      const sent = { outcome: 'unknown', ...(httpStatus === undefined ? {} : { httpStatus }) };
      return { ...sending, to: 'unknown', message, ...(code === undefined ? {} : { code }), sent, unclear: true };
    }
  }
}

function notSent({ id, version }: StoredInstruction, message: string): Change {
  return { id, version: version + 1, from: 'sending', to: 'ready', message, sent: { outcome: 'not-sent' } };
}
