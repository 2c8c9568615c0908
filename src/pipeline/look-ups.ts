/**
 * Look-ups of any kind at the provider: in turn, at its pace, and with a recorded place from which the next pass goes
 * on. And what follows from an answer that settles nothing.
 */

import { isLost } from '../domain/attention.ts';
import { clientRefId } from '../domain/instruction.ts';
import { timestamp } from '../platform/clock.ts';
import type { Provider, Unclear } from '../provider/provider.ts';
import type { Change, FactName, KeptAnswer, Store, StoredInstruction } from '../store/store.ts';
import type { Line, Pacer } from './flow.ts';

/**
 * When the provider asks for a look-up to come later, the look-up is made at most this many times in all. Asking again
 * does no harm.
 */
const MOST_ASKED = 3;

/**
 * Asks when the turn comes, and again after each wait that the provider asks for, up to MOST_ASKED times. Undefined
 * when the line has stopped. An answer about this payout alone, even one that can't be read, says nothing about those
 * behind it.
 */
export async function askInTurn<Found extends { readonly kind: string }>(
  line: Line,
  pace: Pacer,
  ask: () => Promise<Found | Unclear>,
): Promise<Found | Unclear | undefined> {
  for (let asked = 1; ; asked++) {
    await pace.turn(line.signal);
    if (line.stopped() !== undefined) return undefined;
    const outcome = await ask();
    const unclear = isUnclear(outcome) ? outcome : undefined;
    if (unclear?.retryAfterMs !== undefined) {
      pace.holdFor(unclear.retryAfterMs);
      if (asked < MOST_ASKED) continue;
    }
    if (unclear?.stopLine !== undefined) line.stop(unclear.stopLine);
    line.note(unclear?.answered ? undefined : unclear?.message);
    return outcome;
  }
}

function isUnclear(outcome: { readonly kind: string }): outcome is Unclear {
  return outcome.kind === 'unclear';
}

/** What became of the earlier attempts, each of which ended in a failure. */
export type Earlier =
  | { readonly kind: 'over' }
  /** One of them is paid, or may still be paid: in words. */
  | { readonly kind: 'alive'; readonly words: string }
  | Unclear
  | undefined;

/**
 * Looks up the earlier attempts, because a provider may take back the failure of any of them. Undefined when the line
 * has stopped.
 */
export async function lookUpEarlier(
  provider: Provider,
  instruction: StoredInstruction,
  line: Line,
  pace: Pacer,
): Promise<Earlier> {
  for (let attempt = 1; attempt < instruction.attempt; attempt++) {
    const earlier = { ...instruction, attempt, clientRefId: clientRefId(instruction, attempt) };
    const outcome = await askInTurn(line, pace, () => provider.lookUp(earlier));
    if (outcome === undefined || outcome.kind === 'unclear') return outcome;
    if (outcome.kind === 'not-found' || isLost(outcome.status)) continue;
    return { kind: 'alive', words: `attempt ${attempt} (${earlier.clientRefId}) is ${outcome.status} there` };
  }
  return { kind: 'over' };
}

/** Ids after `afterId`, up to and including `upToId`. */
export interface Range {
  readonly afterId: number;
  readonly upToId: number;
}

/** A range of ids of one kind. */
interface Stretch<Kind> extends Range {
  readonly kind: Kind;
}

const EVERYTHING: Range = { afterId: 0, upToId: Number.MAX_SAFE_INTEGER };

/**
 * Everything that is looked up in one pass, kind after kind. If the last pass had to stop, the part that it did not
 * reach comes first.
 */
export interface Round<Kind> {
  readonly stretches: readonly Stretch<Kind>[];
  /** Records that this id is looked up now. */
  at(kind: Kind, id: number): void;
  /** Ends the round. If the pass had to stop, the place is kept, and the next round begins behind it. */
  end(stopped: boolean): Promise<void>;
}

/** `name` is the name of the fact that keeps the place. */
export async function openRound<Kind extends string>(
  store: Pick<Store, 'fact' | 'setFact'>,
  name: FactName,
  kinds: readonly Kind[],
): Promise<Round<Kind>> {
  const kept = (await store.fact(name)) ?? '';
  const [word = '', id = '0'] = kept.split(' ');
  const first = kinds.indexOf(word as Kind);
  const whole = kinds.map((kind) => ({ kind, ...EVERYTHING }));
  const begun = whole[first];
  const place = Number(id);
  let last: string | undefined;
  return {
    stretches: begun
      ? [{ ...begun, afterId: place }, ...whole.slice(first + 1), ...whole.slice(0, first), { ...begun, upToId: place }]
      : whole,
    at: (kind, asked) => {
      last = `${kind} ${asked}`;
    },
    end: async (stopped) => {
      if (stopped && last !== undefined) await store.setFact(name, last);
      // A place in a kind that this pass does not look up is kept for the pass that does.
      else if (!stopped && begun) await store.setFact(name, '');
    },
  };
}

/**
 * What follows from an answer that settles nothing: the answer is kept, or after long enough the payout becomes a
 * person's.
 */
export type Unsettled = { readonly answer: KeptAnswer } | { readonly change: Change };

/**
 * `words` is the answer. Undefined where the same answer is already kept and the time is not up. The time runs from the
 * first such answer to the latest: while the provider can't be asked, no payout is given up.
 */
export function unsettled(
  instruction: StoredInstruction,
  words: string,
  nowMs: number,
  giveUpAfterMs: number,
): Unsettled | undefined {
  const { id, version, answer, answerSince } = instruction;
  if (answerSince !== '' && nowMs - Date.parse(answerSince) >= giveUpAfterMs)
    return { change: forAPerson(instruction, words, answerSince) };
  if (answer === words) return undefined;
  return { answer: { id, version, answer: words, since: answerSince || timestamp(nowMs) } };
}

/**
 * Makes the payout `manual`, because only a person can find out what became of it. The message states what was asked,
 * since when, and the answer.
 */
export function forAPerson(instruction: StoredInstruction, words: string, since: string): Change {
  const { id, version, status: from } = instruction;
  const message = `asked for ${nameOf(instruction)} since ${since}, the provider answered: ${words}`;
  return { id, version, from, to: 'manual', message, answer: words };
}

/**
 * Why a refusal is not believed yet, in words: an earlier request may have arrived. The records either have it
 * (`unclearAt`) or may have forgotten it. Undefined where the refusal is believed.
 */
export function doubtOfRefusal(
  { message, afterUnclear }: { readonly message: string; readonly afterUnclear?: true },
  unclearAt: string,
  forgetful: boolean,
): string | undefined {
  if (unclearAt !== '' || afterUnclear) return `refused after an earlier request that may have arrived (${message})`;
  return forgetful ? `refused, and the records may have forgotten an earlier request (${message})` : undefined;
}

/** An answer could be read, so the time of unreadable answers no longer runs. Undefined where it did not run. */
export function readAgain({ id, version, answerSince }: StoredInstruction): KeptAnswer | undefined {
  return answerSince === '' ? undefined : { id, version, answer: '', since: '' };
}

export function nameOf({ customerRef, orderRef, instructionRef, clientRefId }: StoredInstruction): string {
  return `${customerRef}/${orderRef}/${instructionRef} (${clientRefId})`;
}
