/**
 * What persons decide about payouts that are held back: a yes lets a payout go once every reason is decided, a no ends
 * it. All that is named is decided, or nothing.
 */
import { countingYes, isSameVoter, seenDigest, yesSoFar } from '../control/control.ts';
import { whoAndWhy } from '../domain/decision.ts';
import { type InstructionRef, rowPlace } from '../domain/instruction.ts';
import { localTime } from '../platform/clock.ts';
import type { Settings } from '../settings/settings.ts';
import {
  type Approval,
  type Change,
  type Decision,
  distrustNow,
  type HeldDecision,
  lookUpOnly,
  momentOf,
  otherProvider,
  otherProviderText,
  type PayoutToJudge,
  type Store,
  type Timing,
} from '../store/store.ts';

export interface ApprovalTools extends Timing {
  readonly store: Store;
  readonly settings: Settings;
}

/** A held payout as a person sees it before deciding. */
export interface HeldPayout {
  readonly payout: PayoutToJudge;
  readonly reasons: readonly string[];
  /** Why, in words. */
  readonly why: string;
  /** All that was said of it, also what does not count any more. */
  readonly approvals: readonly Approval[];
  /** Who has said yes so far, and how many people's yes it needs. */
  readonly yes: readonly string[];
  readonly needed: number;
}

/** Why not, in sentences. In that case nothing was decided. */
type NotDecided = { readonly ok: false; readonly why: readonly string[] };

export type DecidedHeld =
  | { readonly ok: true; readonly decided: readonly { readonly held: HeldPayout; readonly to: Change['to'] }[] }
  | NotDecided;

const PAGE = 1_000;

/** All held payouts, or those that a file states, in the order of file and line. */
export async function heldPayouts(store: Store, settings: Settings, file?: number): Promise<HeldPayout[]> {
  const found: HeldPayout[] = [];
  for (let afterId = 0; ; ) {
    const page = await store.list('held', { afterId, limit: PAGE });
    const last = page.at(-1);
    if (!last) return found;
    afterId = last.id;
    const asked = page.filter(({ contentRow }) => file === undefined || rowPlace(contentRow).file === file);
    const ids = asked.map(({ id }) => id);
    found.push(...(await withReasons(store, settings, ids)));
  }
}

/** A page of all held payouts behind an id, by the file and line that they came from. */
export async function heldAfter(
  store: Store,
  settings: Settings,
  afterId: number,
  limit: number,
): Promise<HeldPayout[]> {
  return withReasons(store, settings, await store.heldIds(afterId, limit));
}

/** Those of these ids that are held, in the order of the ids. */
export async function heldOf(store: Store, settings: Settings, ids: readonly number[]): Promise<HeldPayout[]> {
  return (await withReasons(store, settings, ids)).filter(({ payout }) => payout.status === 'held');
}

/** Those that the references name; undefined for a reference of a payout that is not held. */
export async function heldNamed(
  store: Store,
  settings: Settings,
  refs: readonly InstructionRef[],
): Promise<(HeldPayout | undefined)[]> {
  const named = await store.findInstructions(refs);
  const ids = named.flatMap((one) => (one?.status === 'held' ? [one.id] : []));
  const byId = new Map((await withReasons(store, settings, ids)).map((one) => [one.payout.id, one]));
  return named.map((one) => (one ? byId.get(one.id) : undefined));
}

async function withReasons(store: Store, settings: Settings, ids: readonly number[]): Promise<HeldPayout[]> {
  const payouts = await store.toJudge(ids);
  const given = await store.approvalsOf(payouts.map(({ id }) => id));
  return payouts.map((payout, at) => {
    const approvals = given[at] ?? [];
    const reasons = payout.code.split(' ');
    return { payout, reasons, why: payout.why, approvals, ...yesSoFar(payout, approvals, settings) };
  });
}

/**
 * A person's yes to these payouts, as they were shown. A payout goes on once every reason is decided: at once, or from
 * its open date. A reason that comes up later holds it back anew.
 */
export async function approve(
  tools: ApprovalTools,
  held: readonly HeldPayout[],
  decision: Decision,
): Promise<DecidedHeld> {
  const twice = held.flatMap((one) => {
    const before = yesOf(one, decision, tools.settings);
    if (before === undefined) return [];
    const who = before === decision.by ? before : 'this account';
    return [`${nameOf(one)}: ${who} has said yes already${who === before ? '' : `, as ${before}`}`];
  });
  if (twice.length > 0) return { ok: false, why: twice };
  return decide(
    tools,
    held,
    held.map((one) => yesTo(one, decision, tools)),
    decision,
  );
}

/** Under which name the person, or the account, has said yes to all reasons already. */
function yesOf(
  { payout, reasons, approvals }: HeldPayout,
  { by, account = '' }: Decision,
  { people }: Settings,
): string | undefined {
  const before = reasons.map((code) =>
    countingYes(payout, approvals, code, people).find((one) => isSameVoter(one, { person: by, account })),
  );
  return before.every((one) => one !== undefined) ? before[0]?.person : undefined;
}

/** A person's no: the payouts are cancelled, and never sent. */
export function refuse(tools: ApprovalTools, held: readonly HeldPayout[], decision: Decision): Promise<DecidedHeld> {
  return decide(
    tools,
    held,
    held.map((one) => noTo(one, decision)),
    decision,
  );
}

async function decide(
  tools: ApprovalTools,
  held: readonly HeldPayout[],
  decisions: readonly HeldDecision[],
  decision: Decision,
): Promise<DecidedHeld> {
  const barred = await whyUndecidable(tools);
  if (barred !== undefined) return { ok: false, why: [barred] };
  const outcome = await tools.store.decide(decisions, decision, momentOf(tools));
  if (outcome === 'stale') return MOVED;
  return { ok: true, decided: held.map((one, at) => ({ held: one, to: decisions[at]?.change.to ?? 'held' })) };
}

/** The yes, and where the payout goes with it. */
export function yesTo(
  { payout, reasons, approvals, needed }: HeldPayout,
  decision: Decision,
  { clock, settings }: Pick<ApprovalTools, 'clock' | 'settings'>,
): HeldDecision {
  const { id, version, contentRow, attempt, content } = payout;
  const yes = { contentRow, attempt, seen: seenDigest(payout), reasons };
  const { by, key = '', account = '' } = decision;
  const given = [...approvals, { ...yes, person: by, key, account }];
  const isDecided = reasons.every(
    (code) => countingYes(payout, given, code, settings.people).length >= (code === 'APPROVAL_REQUIRED' ? needed : 1),
  );
  const today = localTime(clock.now(), settings.schedule.timeZone).date;
  const to = !isDecided ? 'held' : content.openDate > today ? 'scheduled' : 'ready';
  return { change: { id, version, from: 'held', to, message: `approved by ${whoAndWhy(decision)}` }, yes };
}

export function noTo({ payout: { id, version, code } }: HeldPayout, decision: Decision): HeldDecision {
  const message = `refused by ${whoAndWhy(decision)}`;
  return { change: { id, version, from: 'held', to: 'cancelled', code, message, decision } };
}

/** While the records are in doubt, a payout that is held may have been sent already. */
export async function whyUndecidable({ store, settings }: ApprovalTools): Promise<string | undefined> {
  const doubt = (await lookUpOnly(store)) ?? (await distrustNow(store, settings));
  if (doubt !== undefined)
    return `nothing is sent from this workspace, so nothing is decided: ${doubt}. First paydrop audit accept`;
  const other = await otherProvider(store);
  return other && otherProviderText(other);
}

const MOVED: NotDecided = { ok: false, why: ['it moved on meanwhile, and nothing was decided: see paydrop held'] };

function nameOf({ payout: { customerRef, orderRef, instructionRef } }: HeldPayout): string {
  return `${customerRef}/${orderRef}/${instructionRef}`;
}
