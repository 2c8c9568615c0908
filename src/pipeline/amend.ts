/**
 * Carries out UPDATE and DELETE rows of payouts that the provider already has. Each payout is looked up first. A change
 * that an earlier request has already made is done. A change that the provider no longer allows is refused. The
 * provider is asked for the rest. Asking twice for the same change does no harm, so an unclear answer only means that
 * the next pass looks the payout up again. A case that can't be decided, or stays undecided for long, needs a person:
 * the payout becomes `manual`, and its row comes to an end with the person's decision.
 */

import { type Gate, hasDayLimits, reasonsText } from '../control/control.ts';
import { describeCode, type RowCode, type RowError } from '../domain/codes.ts';
import { correlationId } from '../domain/instruction.ts';
import { formatDecimal, parseDecimal } from '../domain/money.ts';
import { orderKey } from '../domain/order.ts';
import { AMENDABLE_AT_PROVIDER, isOpen } from '../domain/status.ts';
import { sha256 } from '../platform/digest.ts';
import type { AmendmentCalls, LookUpOutcome, Payout, Provider, Stated, SubmitOutcome } from '../provider/provider.ts';
import type { Settings } from '../settings/settings.ts';
import {
  type AmendmentChange,
  amendmentDiffers,
  instructionDiffers,
  momentOf,
  type OpenAmendment,
  type Store,
  type StoredInstruction,
  type Timing,
} from '../store/store.ts';
import { alteredNow } from './altered.ts';
import { eachOf, type Line, openLine, type Pacer, pacer, partOf, stopWhenPaused, undoneBecause } from './flow.ts';
import { type ChangeJudge, openChangeJudge } from './hold.ts';
import { askInTurn, forAPerson, nameOf, openRound, unsettled } from './look-ups.ts';
import { payoutOf } from './registration.ts';

const PAGE = 500;

/** The fact that records where the last pass had to stop. */
const PLACE = 'amendments-stopped-at';

export interface AmendTools extends Timing {
  readonly store: Store;
  readonly provider: Provider;
  readonly settings: Settings;
  /** The pace of all requests of the pass. If it is left out, this step has a pace of its own. */
  readonly pace?: Pacer;
  /** The run whose machines share this work; undefined where all that are alive do. */
  readonly among?: number | undefined;
  /** Why the sending is paused, looked at before each request, as the calendar is. */
  readonly paused: () => Promise<string | undefined>;
  readonly gate?: Gate;
  readonly businessDate: string;
}

/** What is needed to carry one amendment further. */
interface Amending {
  readonly tools: AmendTools;
  readonly calls: AmendmentCalls;
  readonly line: Line;
  readonly pace: Pacer;
  readonly instruction: StoredInstruction;
  readonly amendment: OpenAmendment;
  readonly inTurn: InTurn;
}

/** Asks a judge, and records what follows from the answer before anything else is judged. */
type InTurn = <T>(work: (judge: ChangeJudge) => Promise<T>) => Promise<T>;

type Found = Extract<LookUpOutcome, { kind: 'found' }>;

/** A machine may believe for a moment that it is still at work. */
const ASKED_ELSEWHERE = 'a machine that is gone has asked for a change just now, which is looked at after a minute';

/** Takes every open amendment one step further. Returns why that stopped early; undefined when it didn't. */
export async function amend(tools: AmendTools, stop: AbortSignal): Promise<string | undefined> {
  const { store, provider, clock, settings } = tools;
  const calls = provider.amendments;
  if (!calls) return undefined;
  const line = openLine(stop, 'requests');
  const pace = tools.pace ?? pacer(clock, settings.provider.requestsPerMinute, store);
  const round = await openRound(store, PLACE, ['amendment']);
  const inTurn = turnsToJudge(tools);
  let altered: string | undefined;
  for (const { kind, afterId, upToId } of round.stretches) {
    for (let after = afterId; after < upToId && !line.stopped(); ) {
      const page = await store.amended(after, PAGE, await store.share(tools.among));
      const share = await store.share();
      const last = page.at(-1);
      if (!last) break;
      after = last.id;
      // The second part is for payouts that have ended, by a person's decision: no change of them is asked for any
      // more, and their rows are ended.
      const due = page.filter(
        ({ id, status }) => id <= upToId && (AMENDABLE_AT_PROVIDER.includes(status) || !isOpen(status)),
      );
      await eachOf(due, partOf(settings.provider.concurrency, share), async (instruction) => {
        const { amendment } = instruction;
        if (!amendment || line.stopped()) return;
        const what = await alteredSince(store, instruction);
        if (what !== undefined) {
          altered ??= `${nameOf(instruction)} is not changed, because the records are not what was read: ${what}`;
          return;
        }
        const amending = { tools, calls, line, pace, instruction, amendment, inTurn };
        const found = await askInTurn(line, pace, () => {
          round.at(kind, instruction.id);
          return provider.lookUp(instruction);
        });
        if (found) await (isOpen(instruction.status) ? takeOn(amending, found) : end(amending, found));
      });
    }
  }
  await round.end(line.stopped() !== undefined);
  const undone = altered ?? undoneBecause(line, tools.gate);
  if (undone === undefined && (await store.askedElsewhere())) return ASKED_ELSEWHERE;
  return undone;
}

/** How an instruction, or the change that is asked for, differs from what was read. Undefined when neither differs. */
async function alteredSince(store: Store, instruction: StoredInstruction): Promise<string | undefined> {
  const history = await store.historyOf(instruction.id);
  const differs = instructionDiffers(instruction, history) ?? amendmentDiffers(instruction, history);
  return differs === undefined ? undefined : alteredNow(store, instruction);
}

async function takeOn(amending: Amending, found: LookUpOutcome): Promise<void> {
  const { instruction, amendment } = amending;
  if (found.kind === 'not-found') return leaveOpen(amending, 'there is none, though it was accepted');
  if (found.kind === 'unclear') return found.answered ? leaveOpen(amending, found.message) : undefined;
  switch (await progressOf(amending, found)) {
    case 'done':
      await record(amending, { kind: 'done' });
      return;
    case 'refused':
      await record(amending, { kind: 'refused', errors: [tooLate(instruction, found.message)] });
      return;
    case 'other':
      return leaveOpen(amending, `it is neither what it was nor what it shall become: its amount is ${found.amount}`);
    case 'undecided':
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
  await stopWhenPaused(line, amending.tools);
  if (line.stopped() !== undefined) return 'not asked';
  if (!(await begin(amending, { kind: 'asked', bodySha256: sha256(body ?? ''), correlationId: trace })))
    return 'not asked';
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
      // An earlier request for the change may still arrive and be accepted.
      if (amendment.sends > 0 || outcome.afterUnclear) return 'unclear';
      await record(amending, { kind: 'refused', errors: [refusal(instruction, outcome)] }, amendment.sends + 1);
      return 'settled';
    default:
      if (outcome.retryAfterMs !== undefined) pace.holdFor(outcome.retryAfterMs);
      line.note('answered' in outcome ? undefined : outcome.message);
      if (outcome.stopLine !== undefined) line.stop(outcome.stopLine);
      return 'unclear';
  }
}

/**
 * Records that the change is asked for, and returns whether it may be. A change that would be held back is refused as long
 * as it was not asked for: it can't wait for a person's yes, because the provider may pay what it has at any moment.
 */
async function begin(amending: Amending, asked: AmendmentChange['to']): Promise<boolean> {
  const { instruction, amendment, inTurn } = amending;
  const { row, becomes, sends } = amendment;
  const recorded = async () => !(await record(amending, asked));
  if (!becomes || sends > 0) return recorded();
  return inTurn(async (judge) => {
    const reasons = await judge(instruction, row, becomes);
    if (reasons.length === 0) return recorded();
    const code: RowCode = 'CHANGE_NEEDS_APPROVAL';
    await record(amending, { kind: 'refused', errors: [{ column: '', value: reasonsText(reasons), code }] });
    return false;
  });
}

/**
 * The sums of a day are those of all machines: with limits of the day each change is judged by what this machine has added
 * up, and by sums that are read anew, while nothing is judged or claimed elsewhere.
 */
function turnsToJudge(tools: AmendTools): InTurn {
  const { store, settings, businessDate } = tools;
  const own = openChangeJudge(tools, businessDate);
  if (settings.records !== 'postgres' || !hasDayLimits(settings.control)) return (work) => work(own);
  const both: ChangeJudge = async (...change) => {
    const reasons = await own(...change);
    return reasons.length > 0 ? reasons : openChangeJudge(tools, businessDate, true)(...change);
  };
  return (work) => store.judging(undefined, () => work(both));
}

/**
 * Ends the row of a payout that a person has decided about: its change was made, or never will be. A DELETE asks that
 * nothing is paid. Where a person says that nothing was paid, the DELETE is recorded as done, unless the provider says
 * otherwise.
 */
async function end(amending: Amending, found: LookUpOutcome): Promise<void> {
  const to = await endOf(amending, found);
  if (to) await record(amending, to);
}

/** Undefined while the row stays open. */
async function endOf(amending: Amending, found: LookUpOutcome): Promise<AmendmentChange['to'] | undefined> {
  const { tools, instruction, amendment } = amending;
  if (found.kind === 'unclear' && !found.answered) return undefined;
  const stands = found.kind === 'found' ? await progressOf(amending, found) : 'other';
  if (stands === 'done' && amendment.becomes) return { kind: 'done' };
  const unpaid = found.kind !== 'found' || found.deleted || found.failedOrReturned;
  const isDeleted = !amendment.becomes && instruction.status === 'failed' && unpaid;
  if (isDeleted && found.kind !== 'unclear') return { kind: 'done' };
  if (stands === 'other') {
    const words = `the row that changes it is open still: ${describe(found)}`;
    const outcome = unsettled(instruction, words, await nowOf(tools), tools.settings.provider.giveUpAfterMs);
    if (outcome && 'answer' in outcome) await tools.store.keepAnswers([outcome.answer], momentOf(tools));
    if (!outcome || 'answer' in outcome) return undefined;
  }
  if (isDeleted) return { kind: 'done' };
  return { kind: 'refused', errors: [tooLate(instruction, describe(found))] };
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

/**
 * Returns whether it came too late: the payout is not what it was, or another machine has asked for the change. A later
 * pass looks at it anew.
 */
async function record(
  { tools, instruction, amendment }: Amending,
  to: AmendmentChange['to'],
  sends = amendment.sends,
): Promise<boolean> {
  const { id, version, status: from } = instruction;
  const change = { row: amendment.row, target: { id, version, from }, sends, to };
  return (await tools.store.amend([change], momentOf(tools))).length > 0;
}

/** By the clock that all machines go by, as `answerSince` is. */
function nowOf({ store, clock }: AmendTools): Promise<number> {
  return store.commonTime(clock.now());
}

/** Keeps the answer. After long enough the payout is handed to a person. */
async function leaveOpen({ tools, instruction }: Amending, words: string): Promise<void> {
  const { store, settings } = tools;
  const outcome = unsettled(instruction, words, await nowOf(tools), settings.provider.giveUpAfterMs);
  if (!outcome) return;
  if ('change' in outcome) await store.settle({ changes: [outcome.change] }, momentOf(tools));
  else await store.keepAnswers([outcome.answer], momentOf(tools));
}

async function isGivenUp(amending: Amending, words: string): Promise<boolean> {
  const { settings } = amending.tools;
  const outcome = unsettled(amending.instruction, words, await nowOf(amending.tools), settings.provider.giveUpAfterMs);
  if (!outcome || !('change' in outcome)) return false;
  await leaveOpen(amending, words);
  return true;
}

/**
 * Hands a payout to a person. The change was asked for and is no longer possible, and nothing in the answer shows
 * whether it was made.
 */
async function handOver({ tools, instruction }: Amending, { amount }: Found): Promise<void> {
  const now = momentOf(tools);
  const words = `it can no longer be changed (amount ${amount}), and nothing it states tells whether it was`;
  const change = forAPerson(instruction, words, instruction.answerSince || instruction.updatedAt);
  await tools.store.settle({ changes: [change] }, now);
}

/** How an instruction stands at the provider, compared with what it shall become. */
async function progressOf(
  amending: Amending,
  found: Found,
): Promise<'done' | 'open' | 'refused' | 'other' | 'undecided'> {
  const { instruction, amendment, calls } = amending;
  const { becomes, sends } = amendment;
  if (becomes === undefined) return found.deleted ? 'done' : found.updatable ? 'open' : 'refused';
  const theirs = { ...amountOf(found), ...found.states };
  const before = fits(theirs, calls.states(await payoutAs(amending, instruction)));
  const after = fits(theirs, calls.states(await payoutAs(amending, becomes)));
  if (!before && !after) return 'other';
  // The change is made. It was asked for before, perhaps under records that a backup has replaced.
  if (after && !before) return 'done';
  if (found.updatable) return 'open';
  return after && sends > 0 ? 'undecided' : 'refused';
}

function amountOf({ amount, currency }: Found): Stated {
  const decimal = parseDecimal(amount);
  return { amount: decimal ? formatDecimal(decimal) : amount, ...(currency !== undefined && { currency }) };
}

/**
 * Whether all values that both sides state are equal. A metadata name counts as absent if it is missing where other
 * metadata is shown.
 */
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

/**
 * The provider's code, if it is a code for rows. Otherwise the code for "can't be changed", with the provider's
 * message.
 */
function refusal(
  instruction: StoredInstruction,
  { code, message }: Extract<SubmitOutcome, { kind: 'declined' }>,
): RowError {
  const refused = tooLate(instruction, message);
  const known = describeCode(code);
  return known?.scope === 'row' ? { ...refused, column: known.columns[0] ?? '', code: code as RowCode } : refused;
}
