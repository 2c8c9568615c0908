/**
 * Asking the provider what has become of something, whatever that is: in turn, at its pace, and with a place to go on from
 * when a pass has to stop. And what comes of an answer that settles nothing.
 */

import { isLost } from '../domain/attention.ts';
import { clientRefId } from '../domain/instruction.ts';
import { timestamp } from '../platform/clock.ts';
import type { Provider, Unclear } from '../provider/provider.ts';
import type { Change, FactName, KeptAnswer, Store, StoredInstruction } from '../store/store.ts';
import type { Line, Pacer } from './flow.ts';

/** A look-up that the provider asks to come later is made so often in all: to ask again does no harm. */
const MOST_ASKED = 3;

/**
 * Asks when the turn comes, and once more after a wait that the provider asked for; undefined when the line has stopped. An
 * answer about this one alone, even one that can't be read, says nothing about those behind it.
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

/** What became of the attempts before the present one, which ended in a failure each. */
export type Earlier =
  | { readonly kind: 'over' }
  /** One of them is paid, or may be yet: in words. */
  | { readonly kind: 'alive'; readonly words: string }
  | Unclear
  | undefined;

/** A provider may take a failure back, of whichever attempt. Undefined when the line has stopped. */
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

/** Ids behind one, up to another. */
export interface Range {
  readonly afterId: number;
  readonly upToId: number;
}

/** A part of what is looked up. */
interface Stretch<Kind> extends Range {
  readonly kind: Kind;
}

export const EVERYTHING: Range = { afterId: 0, upToId: Number.MAX_SAFE_INTEGER };

/** All that is looked up in one pass, kind after kind; first what the last pass, which had to stop, did not come to. */
export interface Round<Kind> {
  readonly stretches: readonly Stretch<Kind>[];
  /** This one is asked for now. */
  at(kind: Kind, id: number): void;
  /** Keeps the place if the pass had to stop: the next one begins behind it. */
  end(stopped: boolean): Promise<void>;
}

/** `name` is that of the fact that keeps the place. */
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
      // A place among what this pass was not to look up stays for the one that does.
      else if (!stopped && begun) await store.setFact(name, '');
    },
  };
}

/** What an answer that settles nothing comes to: it is kept, or after long enough a person is asked. */
export type Unsettled = { readonly answer: KeptAnswer } | { readonly change: Change };

/**
 * `words` is what was answered. Undefined where that is known already: kept as it is, or decided about by a person. The time
 * runs from the first answer of the kind to the latest: while the provider can't be asked, nothing is given up.
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

/** Only a person can find out what became of it: said with what was asked, since when, and what was answered. */
export function forAPerson(instruction: StoredInstruction, words: string, since: string): Change {
  const { id, version, status: from } = instruction;
  const message = `asked for ${nameOf(instruction)} since ${since}, the provider answered: ${words}`;
  return { id, version, from, to: 'manual', message, answer: words };
}

/**
 * Why a refusal is not believed yet, in words: an earlier request may have arrived, which the records tell of (`unclearAt`) or
 * may have forgotten. Undefined where it is.
 */
export function doubtOfRefusal(unclearAt: string, forgetful: boolean, words: string): string | undefined {
  if (unclearAt !== '') return `refused after an earlier request that may have arrived (${words})`;
  return forgetful ? `refused, and the records may have forgotten an earlier request (${words})` : undefined;
}

/** An answer could be read: nothing ages any more. Undefined where nothing did. */
export function readAgain({ id, version, answerSince }: StoredInstruction): KeptAnswer | undefined {
  return answerSince === '' ? undefined : { id, version, answer: '', since: '' };
}

export function nameOf({ customerRef, orderRef, instructionRef, clientRefId }: StoredInstruction): string {
  return `${customerRef}/${orderRef}/${instructionRef} (${clientRefId})`;
}
