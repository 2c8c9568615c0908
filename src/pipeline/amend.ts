/**
 * UPDATE and DELETE rows of what the provider has already. It is looked up first: what it has become by an earlier request is
 * done, what it no longer lets be changed is refused, and the rest is asked for. To ask twice for the same does no harm, so
 * an unclear answer only means that it is looked up again by the next pass. What can't be told, or stays so for long, is a
 * person's: the payout is `manual`, and its row comes to an end with their decision.
 */

import { describeCode, type RowCode, type RowError } from '../domain/codes.ts';
import { correlationId } from '../domain/instruction.ts';
import { formatDecimal, parseDecimal } from '../domain/money.ts';
import { orderKey } from '../domain/order.ts';
import { AMENDABLE_AT_PROVIDER, isOpen } from '../domain/status.ts';
import { type Clock, timestamp } from '../platform/clock.ts';
import { sha256 } from '../platform/digest.ts';
import type { AmendmentCalls, LookUpOutcome, Payout, Provider, Stated, SubmitOutcome } from '../provider/provider.ts';
import type { Settings } from '../settings/settings.ts';
import {
  type AmendmentChange,
  amendmentDiffers,
  instructionDiffers,
  type OpenAmendment,
  type Store,
  type StoredInstruction,
} from '../store/store.ts';
import { eachOf, type Line, openLine, type Pacer, pacer } from './flow.ts';
import { askInTurn, forAPerson, nameOf, openRound, unsettled } from './look-ups.ts';
import { payoutOf } from './registration.ts';

const PAGE = 500;

/** The fact that says where the last pass had to stop. */
const PLACE = 'amendments-stopped-at';

export interface AmendTools {
  readonly store: Store;
  readonly provider: Provider;
  readonly clock: Clock;
  readonly settings: Settings;
  /** Of all that the pass asks the provider; one of its own, if there is none. */
  readonly pace?: Pacer;
}

/** What one amendment is taken on with. */
interface Amending {
  readonly tools: AmendTools;
  readonly calls: AmendmentCalls;
  readonly line: Line;
  readonly pace: Pacer;
  readonly instruction: StoredInstruction;
  readonly amendment: OpenAmendment;
}

type Found = Extract<LookUpOutcome, { kind: 'found' }>;

/** Takes every open amendment one step on. Returns why that stopped early; undefined when it didn't. */
export async function amend(tools: AmendTools, stop: AbortSignal): Promise<string | undefined> {
  const { store, provider, clock, settings } = tools;
  const calls = provider.amendments;
  if (!calls) return undefined;
  const line = openLine(stop, 'requests');
  const pace = tools.pace ?? pacer(clock, settings.provider.requestsPerMinute);
  const round = await openRound(store, PLACE, ['amendment']);
  let altered: string | undefined;
  for (const { kind, afterId, upToId } of round.stretches) {
    for (let after = afterId; after < upToId && !line.stopped(); ) {
      const page = await store.amended(after, PAGE);
      const last = page.at(-1);
      if (!last) break;
      after = last.id;
      // A payout that has come to its end, on a person's word: no change of it is asked for any more.
      const due = page.filter(
        ({ id, status }) => id <= upToId && (AMENDABLE_AT_PROVIDER.includes(status) || !isOpen(status)),
      );
      await eachOf(due, settings.provider.concurrency, async (instruction) => {
        const { amendment } = instruction;
        if (!amendment || line.stopped()) return;
        const what = await alteredSince(store, instruction);
        if (what !== undefined) {
          altered ??= `${nameOf(instruction)} is not changed, because the records are not what was read: ${what}`;
          return;
        }
        const amending = { tools, calls, line, pace, instruction, amendment };
        const found = await askInTurn(line, pace, () => {
          round.at(kind, instruction.id);
          return provider.lookUp(instruction);
        });
        if (found) await (isOpen(instruction.status) ? takeOn(amending, found) : end(amending, found));
      });
    }
  }
  await round.end(line.stopped() !== undefined);
  return altered ?? line.stopped();
}

/** How an instruction, or the change that is asked for, differs from what was read; undefined when neither does. */
async function alteredSince(store: Store, instruction: StoredInstruction): Promise<string | undefined> {
  const history = await store.historyOf(instruction.id);
  return instructionDiffers(instruction, history) ?? amendmentDiffers(instruction, history);
}

async function takeOn(amending: Amending, found: LookUpOutcome): Promise<void> {
  const { instruction, amendment } = amending;
  if (found.kind === 'not-found') return leaveOpen(amending, 'there is none, though it was accepted');
  if (found.kind === 'unclear') return found.answered ? leaveOpen(amending, found.message) : undefined;
  switch (await progressOf(amending, found)) {
    case 'done':
      return record(amending, { kind: 'done' });
    case 'refused':
      return record(amending, { kind: 'refused', errors: [tooLate(instruction, found.message)] });
    case 'other':
      return leaveOpen(amending, `it is neither what it was nor what it shall become: its amount is ${found.amount}`);
    case 'untold':
      return handOver(amending, found);
    case 'open':
      break;
  }
  const asked = `it is there as it was, though it was asked to be ${amendment.becomes ? 'changed' : 'deleted'}`;
  if (amendment.sends > 0 && (await isGivenUp(amending, asked))) return;
  if ((await ask(amending)) === 'unclear' && amendment.sends > 0) await leaveOpen(amending, asked);
}

/** Asks for the change, and records a clear answer. */
async function ask(amending: Amending): Promise<'settled' | 'unclear' | 'not asked'> {
  const { calls, line, pace, instruction, amendment } = amending;
  const body = amendment.becomes && calls.body(await payoutAs(amending, amendment.becomes));
  const trace = correlationId(`${instruction.clientRefId} amendment ${amendment.row}`, amendment.sends + 1);
  await pace.turn(line.signal);
  if (line.stopped() !== undefined) return 'not asked';
  await record(amending, { kind: 'asked', bodySha256: sha256(body ?? ''), correlationId: trace });
  const outcome = await (body === undefined
    ? calls.remove(instruction, trace)
    : calls.update(body, instruction, trace));
  switch (outcome.kind) {
    case 'accepted':
      line.note(undefined);
      await record(amending, { kind: 'done' });
      return 'settled';
    case 'declined':
      line.note(undefined);
      // What was asked for before may still arrive, and be taken.
      if (amendment.sends > 0) return 'unclear';
      await record(amending, { kind: 'refused', errors: [refusal(instruction, outcome)] });
      return 'settled';
    default:
      if (outcome.retryAfterMs !== undefined) pace.holdFor(outcome.retryAfterMs);
      line.note('answered' in outcome ? undefined : outcome.message);
      if (outcome.stopLine !== undefined) line.stop(outcome.stopLine);
      return 'unclear';
  }
}

/**
 * The row of a payout that a person has decided about: it has come about, or it never will. A DELETE asks that nothing be paid: where a
 * person says that nothing was, it is carried out, unless the provider says otherwise.
 */
async function end(amending: Amending, found: LookUpOutcome): Promise<void> {
  const { tools, instruction, amendment } = amending;
  if (found.kind === 'unclear' && !found.answered) return;
  const stands = found.kind === 'found' ? await progressOf(amending, found) : 'other';
  if (stands === 'done' && amendment.becomes) return record(amending, { kind: 'done' });
  const unpaid = found.kind !== 'found' || found.deleted || found.failedOrReturned;
  const isDeleted = !amendment.becomes && instruction.status === 'failed' && unpaid;
  if (isDeleted && found.kind !== 'unclear') return record(amending, { kind: 'done' });
  if (stands === 'other') {
    const words = `the row that changes it is open still: ${describe(found)}`;
    const outcome = unsettled(instruction, words, tools.clock.now(), tools.settings.provider.giveUpAfterMs);
    if (!outcome) return;
    if ('answer' in outcome) return tools.store.keepAnswers([outcome.answer], timestamp(tools.clock.now()));
  }
  if (isDeleted) return record(amending, { kind: 'done' });
  await record(amending, { kind: 'refused', errors: [tooLate(instruction, describe(found))] });
}

function describe(found: LookUpOutcome): string {
  switch (found.kind) {
    case 'found':
      return found.message || `its amount is ${found.amount}`;
    case 'not-found':
      return 'there is none';
    case 'unclear':
      return found.message;
  }
}

function record({ tools, instruction, amendment }: Amending, to: AmendmentChange['to']): Promise<void> {
  const { id, version, status: from } = instruction;
  const change = { row: amendment.row, target: { id, version, from }, to };
  return tools.store.amend([change], timestamp(tools.clock.now()));
}

/** What was answered is kept, and in the end brought before a person. */
async function leaveOpen({ tools, instruction }: Amending, words: string): Promise<void> {
  const { store, clock, settings } = tools;
  const outcome = unsettled(instruction, words, clock.now(), settings.provider.giveUpAfterMs);
  if (!outcome) return;
  if ('change' in outcome) await store.apply([outcome.change], timestamp(clock.now()));
  else await store.keepAnswers([outcome.answer], timestamp(clock.now()));
}

async function isGivenUp(amending: Amending, words: string): Promise<boolean> {
  const { clock, settings } = amending.tools;
  const outcome = unsettled(amending.instruction, words, clock.now(), settings.provider.giveUpAfterMs);
  if (!outcome || !('change' in outcome)) return false;
  await leaveOpen(amending, words);
  return true;
}

/** It was asked to be changed, can't be any more, and nothing that is shown tells whether it was. */
async function handOver({ tools, instruction }: Amending, { amount }: Found): Promise<void> {
  const now = timestamp(tools.clock.now());
  const words = `it can no longer be changed (amount ${amount}), and nothing it states tells whether it was`;
  await tools.store.apply([forAPerson(instruction, words, instruction.answerSince || instruction.updatedAt)], now);
}

/** How an instruction stands at the provider, seen from what it shall become. */
async function progressOf(amending: Amending, found: Found): Promise<'done' | 'open' | 'refused' | 'other' | 'untold'> {
  const { instruction, amendment, calls } = amending;
  const { becomes, sends } = amendment;
  if (becomes === undefined) return found.deleted ? 'done' : found.updatable ? 'open' : 'refused';
  const theirs = { ...amountOf(found), ...found.states };
  const before = fits(theirs, calls.states(await payoutAs(amending, instruction)));
  const after = fits(theirs, calls.states(await payoutAs(amending, becomes)));
  if (!before && !after) return 'other';
  // There it is, asked for before, be it by records that a backup has replaced.
  if (after && !before) return 'done';
  if (found.updatable) return 'open';
  return after && sends > 0 ? 'untold' : 'refused';
}

function amountOf({ amount, currency }: Found): Stated {
  const decimal = parseDecimal(amount);
  return { amount: decimal ? formatDecimal(decimal) : amount, ...(currency !== undefined && { currency }) };
}

/** Whether nothing that both state differs. A name of metadata that is missing where other metadata is shown is not there. */
function fits(theirs: Stated, ours: Stated): boolean {
  return Object.entries(ours).every(([name, value]) => {
    const stated = theirs[name];
    if (stated !== undefined) return stated === value;
    return !(name.startsWith('metadata.') && theirs['metadata'] !== undefined);
  });
}

/** The payout with the content of the instruction as it is, or as it shall become. */
async function payoutAs(
  { tools, instruction }: Amending,
  content: Pick<StoredInstruction, 'content' | 'payout' | 'amountMinor' | 'currency'>,
): Promise<Payout> {
  const [order] = await tools.store.findOrders([instruction]);
  if (!order) throw new Error(`the order ${orderKey(instruction)} is gone from the store`);
  const { payout, amountMinor, currency } = content;
  return payoutOf({ ...instruction, content: content.content, payout, amountMinor, currency }, order);
}

function tooLate({ instructionRef }: StoredInstruction, message: string): RowError {
  const value = message === '' ? instructionRef : `${instructionRef} (${message})`;
  return { column: 'instructionRef', value, code: 'INSTRUCTION_ALREADY_PROCESSED' };
}

/** The provider's code, if it is one of the row's; else that it can't be changed, in the provider's words. */
function refusal(
  instruction: StoredInstruction,
  { code, message }: Extract<SubmitOutcome, { kind: 'declined' }>,
): RowError {
  const refused = tooLate(instruction, message);
  const known = describeCode(code);
  return known?.scope === 'row' ? { ...refused, column: known.columns[0] ?? '', code: code as RowCode } : refused;
}
