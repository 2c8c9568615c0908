/**
 * UPDATE and DELETE rows of what the provider has already. It is looked up first: what it has become by an earlier request is
 * done, what it no longer lets be changed is refused, and the rest is asked for. To ask twice for the same does no harm, so
 * an unclear answer only means that it is looked up again by the next pass.
 */

import { type Clock, timestamp } from './clock.ts';
import { describeCode, type RowCode, type RowError } from './codes.ts';
import type { Settings } from './config.ts';
import { sha256 } from './digest.ts';
import { eachOf, type Line, openLine, pacer } from './flow.ts';
import { correlationId } from './instruction.ts';
import { currencyExponent } from './iso.ts';
import { compare, fromMinor, parseDecimal } from './money.ts';
import { orderKey } from './order.ts';
import type { AmendmentDesk, LookUpOutcome, Provider, SubmitOutcome } from './provider.ts';
import { payoutOf } from './registration.ts';
import { amendmentDiffers, instructionDiffers } from './replay.ts';
import type { AmendmentChange, OpenAmendment, Store, StoredInstruction } from './store.ts';

const PAGE = 500;

export interface AmendTools {
  readonly store: Store;
  readonly provider: Provider;
  readonly clock: Clock;
  readonly settings: Settings;
}

/** Takes every open amendment one step on. Returns why that stopped early; undefined when it didn't. */
export async function amend(tools: AmendTools, stop: AbortSignal): Promise<string | undefined> {
  const { store, provider, clock, settings } = tools;
  const desk = provider.amendments;
  if (!desk) return undefined;
  const line = openLine(stop, 'requests');
  const pace = pacer(clock, settings.provider.requestsPerMinute);
  let altered: string | undefined;
  for (let afterId = 0; !line.stopped(); ) {
    const page = await store.amended(afterId, PAGE);
    const last = page.at(-1);
    if (!last) break;
    afterId = last.id;
    await eachOf(page, settings.provider.concurrency, async (instruction) => {
      await pace.turn(line.signal);
      const { amendment } = instruction;
      if (line.stopped() || !amendment) return;
      const what = await alteredSince(store, instruction, amendment);
      if (what === undefined) await takeOn(tools, desk, instruction, amendment, line);
      else altered ??= `${nameOf(instruction)} is not changed, because the records are not what was read: ${what}`;
    });
  }
  return altered ?? line.stopped();
}

/** How an instruction, or the change that is asked for, differs from what was read; undefined when neither does. */
async function alteredSince(
  store: Store,
  instruction: StoredInstruction,
  amendment: OpenAmendment,
): Promise<string | undefined> {
  const history = await store.historyOf(instruction.id);
  return instructionDiffers(instruction, history) ?? amendmentDiffers(instruction, amendment, history);
}

async function takeOn(
  tools: AmendTools,
  desk: AmendmentDesk,
  instruction: StoredInstruction,
  amendment: OpenAmendment,
  line: Line,
): Promise<void> {
  const { store, provider, clock } = tools;
  const { id, version, status } = instruction;
  const change = { row: amendment.row, target: { id, version, from: status } };
  const record = (to: AmendmentChange['to']) => store.amend([{ ...change, to }], timestamp(clock.now()));

  const found = await provider.lookUp(instruction);
  line.note(found.kind === 'unclear' ? found.message : undefined);
  if (found.kind === 'unclear' && found.stopLine !== undefined) line.stop(found.stopLine);
  if (found.kind !== 'found') return;
  switch (standing(instruction, amendment, found)) {
    case 'done':
      return record({ kind: 'done' });
    case 'refused':
      return record({ kind: 'refused', errors: [tooLate(instruction, found.message)] });
    case 'other':
      return line.stop(`the provider has another amount for ${nameOf(instruction)}: ${found.amount}`);
    case 'open':
      break;
  }

  const body = await bodyOf(tools, desk, instruction, amendment);
  const trace = correlationId(`${instruction.clientRefId} amendment ${amendment.row}`, amendment.sends + 1);
  const bodySha256 = sha256(body ?? '');
  await record({ kind: 'asked', bodySha256, correlationId: trace });
  const outcome = await (body === undefined ? desk.remove(instruction, trace) : desk.update(body, instruction, trace));
  line.note(outcome.kind === 'unknown' || outcome.kind === 'not-sent' ? outcome.message : undefined);
  if ('stopLine' in outcome && outcome.stopLine !== undefined) line.stop(outcome.stopLine);
  if (outcome.kind === 'accepted') await record({ kind: 'done' });
  if (outcome.kind === 'declined') await record({ kind: 'refused', errors: [refusal(instruction, outcome)] });
}

/** How an instruction stands at the provider, seen from what it shall become. */
function standing(
  instruction: StoredInstruction,
  { becomes }: OpenAmendment,
  found: Extract<LookUpOutcome, { kind: 'found' }>,
): 'done' | 'open' | 'refused' | 'other' {
  if (becomes === undefined) return found.deleted ? 'done' : found.updatable ? 'open' : 'refused';
  const before = hasAmount(found.amount, instruction.amountMinor, instruction.currency);
  const after = hasAmount(found.amount, becomes.amountMinor, becomes.currency);
  if (!before && !after) return 'other';
  // There it is, asked for before, be it by records that a backup has replaced. Only the amount tells, so with the same one
  // it is asked for again.
  if (after && !before) return 'done';
  return found.updatable ? 'open' : 'refused';
}

function hasAmount(stated: string, amountMinor: bigint | undefined, currency: string | undefined): boolean {
  const amount = parseDecimal(stated);
  if (!amount || amountMinor === undefined || currency === undefined) return false;
  return compare(amount, fromMinor(amountMinor, currencyExponent(currency) ?? 0)) === 0;
}

/** Undefined for a DELETE, which has none. */
async function bodyOf(
  { store }: AmendTools,
  desk: AmendmentDesk,
  instruction: StoredInstruction,
  { becomes }: OpenAmendment,
): Promise<string | undefined> {
  if (!becomes) return undefined;
  const [order] = await store.findOrders([instruction]);
  if (!order) throw new Error(`the order ${orderKey(instruction)} is gone from the store`);
  return desk.body(payoutOf({ ...instruction, ...becomes }, order));
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

function nameOf({ customerRef, orderRef, instructionRef }: StoredInstruction): string {
  return `${customerRef}/${orderRef}/${instructionRef}`;
}
