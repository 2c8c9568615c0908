/**
 * What persons decide about payouts that are held back: a yes lets a payout go once every reason is decided, a no ends
 * it. All that is named is decided, or nothing.
 */
import { approvers, peopleNeeded, seenDigest } from '../control/control.ts';
import { whoAndWhy } from '../domain/decision.ts';
import { type InstructionRef, rowPlace } from '../domain/instruction.ts';
import { localTime } from '../platform/clock.ts';
import type { Settings } from '../settings/settings.ts';
import {
  type Approval,
  type Change,
  type Decision,
  distrustNow,
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
    found.push(
      ...(await withReasons(
        store,
        settings,
        asked.map(({ id }) => id),
      )),
    );
  }
}

/** Those that the references name; undefined for a reference of a payout that is not held. */
export async function heldNamed(
  store: Store,
  settings: Settings,
  refs: readonly InstructionRef[],
): Promise<(HeldPayout | undefined)[]> {
  const named = await store.findInstructions(refs);
  const held = await withReasons(
    store,
    settings,
    named.flatMap((one) => (one?.status === 'held' ? [one.id] : [])),
  );
  const byId = new Map(held.map((one) => [one.payout.id, one]));
  return named.map((one) => (one ? byId.get(one.id) : undefined));
}

async function withReasons(store: Store, { control }: Settings, ids: readonly number[]): Promise<HeldPayout[]> {
  const payouts = await store.toJudge(ids);
  const approvals = await store.approvalsOf(payouts.map(({ id }) => id));
  return payouts.map((payout, at) => {
    const reasons = payout.code.split(' ');
    const given = approvals[at] ?? [];
    const yes = reasons.flatMap((code) => [...approvers(payout, given, code)]);
    return {
      payout,
      reasons,
      why: payout.why,
      yes: [...new Set(yes)],
      needed: reasons.includes('APPROVAL_REQUIRED')
        ? peopleNeeded(control, payout.currency ?? '', payout.amountMinor ?? 0n)
        : 1,
    };
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
  const { store, clock, settings } = tools;
  const barred = await whyNotNow(tools);
  if (barred !== undefined) return { ok: false, why: [barred] };
  const today = localTime(clock.now(), settings.schedule.timeZone).date;
  const approvals = await store.approvalsOf(held.map(({ payout }) => payout.id));
  const twice = held.filter(({ payout, reasons }, at) =>
    reasons.every((code) => approvers(payout, approvals[at] ?? [], code).has(decision.by)),
  );
  if (twice.length > 0)
    return { ok: false, why: twice.map((one) => `${nameOf(one)}: ${decision.by} has said yes already`) };
  const decided = held.map((one, at) => {
    const { payout, reasons } = one;
    const approval = {
      ...{ contentRow: payout.contentRow, attempt: payout.attempt, seen: seenDigest(payout), reasons },
      person: decision.by,
    };
    const given = [...(approvals[at] ?? []), approval];
    const to: Change['to'] = !isDecided(one, given) ? 'held' : payout.content.openDate > today ? 'scheduled' : 'ready';
    return { held: one, approval, to };
  });
  const outcome = await store.approve(
    decided.map(({ held: { payout }, approval, to }) => ({
      held: {
        ...{ id: payout.id, version: payout.version, from: 'held', to },
        message: `approved by ${whoAndWhy(decision)}`,
      },
      approval,
    })),
    decision,
    momentOf(tools),
  );
  return outcome === 'stale' ? MOVED : { ok: true, decided };
}

/** Whether enough people have said yes to each of the reasons that were shown. */
function isDecided({ payout, reasons, needed }: HeldPayout, given: readonly Approval[]): boolean {
  return reasons.every((code) => approvers(payout, given, code).size >= (code === 'APPROVAL_REQUIRED' ? needed : 1));
}

/** A person's no: the payouts are cancelled, and never sent. */
export async function refuse(
  tools: ApprovalTools,
  held: readonly HeldPayout[],
  decision: Decision,
): Promise<DecidedHeld> {
  const barred = await whyNotNow(tools);
  if (barred !== undefined) return { ok: false, why: [barred] };
  const now = await tools.store.toJudge(held.map(({ payout }) => payout.id));
  const isAsShown = held.every(({ payout }, at) => now[at]?.id === payout.id && now[at]?.version === payout.version);
  if (!isAsShown) return MOVED;
  const changes = held.map(
    ({ payout: { id, version, code } }): Change => ({
      ...{ id, version, from: 'held', to: 'cancelled', code, decision },
      message: `refused by ${whoAndWhy(decision)}`,
    }),
  );
  await tools.store.apply(changes, momentOf(tools));
  return { ok: true, decided: held.map((one) => ({ held: one, to: 'cancelled' })) };
}

/** While the records are in doubt, a payout that is held may have been sent already. */
async function whyNotNow({ store, settings }: ApprovalTools): Promise<string | undefined> {
  const doubt = (await lookUpOnly(store)) ?? (await distrustNow(store, settings.data));
  if (doubt !== undefined)
    return `nothing is sent from this workspace, so nothing is decided: ${doubt}. First paydrop audit accept`;
  const other = await otherProvider(store);
  return other && otherProviderText(other);
}

const MOVED: NotDecided = { ok: false, why: ['it moved on meanwhile, and nothing was decided: see paydrop held'] };

function nameOf({ payout: { customerRef, orderRef, instructionRef } }: HeldPayout): string {
  return `${customerRef}/${orderRef}/${instructionRef}`;
}
