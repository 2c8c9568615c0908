/**
 * Looks up payouts that are unclear (`unknown`), open (`submitted`), recently `paid`, or recently `declined` though an
 * earlier request might have arrived, and moves them on evidence alone:
 *
 * * Found under our reference with our amount: the payout becomes what the provider says.
 * * "Not found" is no proof while the quarantine lasts: a provider may accept a request late, or show it late. It is
 *   measured by the one clock that all machines go by, up to a moment before the provider was asked. After
 *   the quarantine an `unknown` payout is declined if the provider had refused it by then. Otherwise it is sent again
 *   under the same client reference, if the provider is known to refuse a used one.
 * * A provider may be slower than the quarantine. What it shows later of a payout that was called declined is handed to
 *   a person.
 * * An answer that settles nothing (words that can't be read, another amount, no trace of an accepted payout) concerns
 *   that payout alone. It is kept. When it has stood for `provider.giveUpAfter`, the payout is handed to a person. A
 *   `paid` payout is handed to a person only on a readable answer that says otherwise (another amount, another
 *   reference).
 * * A look-up without an answer changes nothing. Many of those in a row end the pass, and the next pass goes on behind
 *   them.
 * * Answers of a provider other than the one that the payout was sent to change nothing (binding.ts). They are counted,
 *   for a person.
 */
import { isLost } from '../domain/attention.ts';
import type { InstructionStatus } from '../domain/status.ts';
import { timestamp } from '../platform/clock.ts';
import type { Progress } from '../platform/progress.ts';
import { differenceTo, type LookUpOutcome, type Provider } from '../provider/provider.ts';
import type { Settings } from '../settings/settings.ts';
import {
  type Change,
  type KeptAnswer,
  momentOf,
  type Share,
  type Store,
  type StoredInstruction,
  type Timing,
} from '../store/store.ts';
import { commitQueue, eachInPages, gather, type Line, openLine, openPart, type Pacer, pacer } from './flow.ts';
import { askInTurn, forAPerson, openRound, type Range, readAgain, unsettled } from './look-ups.ts';
import { lookUpQueued, type Turns } from './reconcile/webhook-look-ups.ts';
import { LAST_CLEAR_ANSWER, lookUpOrders } from './registration.ts';

/**
 * A paid payout is looked up for this long, for a late return by the bank. It is looked up longer while an answer about
 * it isn't settled. A payout that was declined in doubt is looked up for as long, for a provider that took it late.
 */
export const WATCH_DAYS = 7;

/** An instruction that was sent this many times and never found needs a person. */
const MOST_SENDS = 5;

/** The fact that records where the last pass had to stop. */
const PLACE = 'look-ups-stopped-at';

const PAGE = 1_000;
const DAY_MS = 86_400_000;

export interface ReconcileTools extends Timing {
  readonly store: Store;
  readonly provider: Provider;
  readonly settings: Settings;
  readonly progress: Progress;
  /** The pace of all requests of the pass. If it is left out, this step has a pace of its own. */
  readonly pace?: Pacer;
  /** The run whose machines share this work; undefined where all that are alive do. */
  readonly among?: number | undefined;
}

export interface Reconciled {
  readonly lookedUp: number;
  /** The number of these payouts that the provider has. */
  readonly had: number;
  /** The number of `ready` payouts whose look-up got no clear answer. */
  readonly unanswered: number;
  /** Why looking up ended before every open payout was looked up. */
  readonly stopped: string | undefined;
  /** Why look-ups that webhooks have queued go on waiting, where the provider is at fault. */
  readonly queueStopped: string | undefined;
}

type Found = Extract<LookUpOutcome, { kind: 'found' }>;
type LookedUp = 'unknown' | 'submitted' | 'paid' | 'declined' | Unsent;

/** Not sent, as far as the records know. */
type Unsent = (typeof UNSENT)[number];
const UNSENT = ['ready', 'held'] as const;
const LOOKED_UP: readonly InstructionStatus[] = ['unknown', 'submitted', 'paid', 'declined', ...UNSENT];

/**
 * Makes one look-up for each open payout: unclear ones first, paid ones last. When the records may have forgotten what
 * was sent (`forgetful`, after a restored backup), payouts that are `ready` or `held` in the records are looked up as
 * well. Those that have ended are looked up only with `endedToo`, because they are many. With `another` provider than
 * that of the records no payout moves.
 *
 * Look-ups that webhooks have queued come before all others, in whatever status the payout is, and with `queuedOnly` they
 * are all. A webhook is a hint: what moves a payout is the look-up.
 */
export async function reconcile(
  tools: ReconcileTools,
  stop: AbortSignal,
  { endedToo = true, forgetful = false, another = false, queuedOnly = false } = {},
): Promise<Reconciled> {
  const { store, provider, clock, settings, progress } = tools;
  const line = openLine(stop, 'look-ups');
  const pace = tools.pace ?? pacer(clock, settings.provider.requestsPerMinute, store);
  const bearings: Bearings = { settings, lastClear: (await store.fact(LAST_CLEAR_ANSWER)) ?? '' };
  const round = await openRound(store, PLACE, kindsOf(endedToo, forgetful));
  const findings = openFindings(tools);
  // A payout that moved in this pass, or was queued, may be listed again. It isn't looked up twice.
  const done = new Set<number>();
  const due = queuedOnly ? undefined : await dueLookUps(tools, endedToo, forgetful);
  let [lookedUp, had, unanswered] = [0, 0, 0];
  let nowMs = await store.commonTime(clock.now());

  const lookUp: LookUp = async (instruction, status, begun, turns = { line, pace }) => {
    const askedAtMs = nowMs;
    const outcome = await askInTurn(turns.line, turns.pace, () => {
      begun();
      return provider.lookUp(instruction);
    });
    if (!outcome) return undefined;
    progress.report('looking up payouts', ++lookedUp, due);
    if (outcome.kind === 'found') had++;
    if (isUnsent(status) && outcome.kind === 'unclear') unanswered++;
    if (another) return outcome;
    const finding = findingOf(instruction, status, outcome, askedAtMs, bearings);
    if (finding.changes || turns.line !== line) done.add(instruction.id);
    await findings.add(finding);
    return outcome;
  };

  const begin = async () => {
    nowMs = await store.commonTime(clock.now());
  };
  const lookUpPayouts = (kind: LookedUp | 'unsettled', stretch: Range) => {
    const part = openPart(settings.provider.concurrency, store, clock);
    const pageOf = payoutPages(tools, kind, stretch, line, ({ id }) => !done.has(id));
    const next = async () => {
      const share = await store.share(tools.among);
      await part.renew();
      await begin();
      // Records that are in doubt are only trusted again once one machine has looked everything up.
      return pageOf(forgetful || another ? undefined : share);
    };
    const pages = { next, early: (left: number) => left <= part.limit() };
    const status = kind === 'unsettled' ? 'paid' : kind;
    return eachInPages(pages, part.limit, async (instruction) => {
      await lookUp(instruction, status, () => round.at(kind, instruction.id));
    });
  };
  const look = async (instruction: StoredInstruction, turns: Turns, begun: () => void) => {
    const { status } = instruction;
    return isLookedUp(status) && !isAmended(instruction) ? lookUp(instruction, status, begun, turns) : 'elsewhere';
  };
  let queueStopped: string | undefined;

  try {
    if (!another) queueStopped = await lookUpQueued(tools, stop, pace, { begin, look, flush: findings.flush });
    for (const stretch of queuedOnly ? [] : round.stretches) {
      if (line.stopped()) break;
      if (stretch.kind === 'orders')
        lookedUp += another ? 0 : await lookUpOrders(tools, line, pace, stretch, (id) => round.at('orders', id));
      else await lookUpPayouts(stretch.kind, stretch);
      await findings.flush();
    }
  } finally {
    await findings.flush();
  }
  if (!queuedOnly) await round.end(line.stopped() !== undefined);
  return { lookedUp, had, unanswered, stopped: line.stopped(), queueStopped };
}

/** Undefined when the line has stopped. */
type LookUp = (
  instruction: StoredInstruction,
  status: LookedUp,
  begun: () => void,
  turns?: Turns,
) => Promise<LookUpOutcome | undefined>;

/** What look-ups found, committed in groups. */
function openFindings(tools: ReconcileTools): { add(finding: Finding): Promise<void>; flush(): Promise<void> } {
  const { store, clock } = tools;
  const commits = commitQueue((groups: Change[][]) => store.settle({ changes: groups.flat() }, momentOf(tools)));
  const changes = gather(clock, commits.add);
  const answers = gather(clock, (kept: KeptAnswer[]) => store.keepAnswers(kept, momentOf(tools)));
  return {
    add: async (finding) => {
      if (finding.answer) await answers.add(finding.answer);
      if (finding.changes) await changes.add(...finding.changes);
    },
    flush: async () => {
      await answers.flush();
      await changes.flush();
    },
  };
}

/** What a pass looks up, in this order. */
function kindsOf(endedToo: boolean, forgetful: boolean) {
  return [
    ...(['orders', 'unknown', 'submitted'] as const),
    ...(endedToo ? (['declined', 'paid', 'unsettled'] as const) : []),
    ...(forgetful ? UNSENT : []),
  ];
}

/** How many payouts are looked up, for the progress alone. */
async function dueLookUps({ store, clock }: ReconcileTools, endedToo: boolean, forgetful: boolean): Promise<number> {
  const open = await store.payoutCount({
    statuses: ['unknown', 'submitted', ...(forgetful ? UNSENT : [])],
  });
  return endedToo ? open + (await store.payoutCount({ statuses: ['paid'], changedSince: watchedSince(clock) })) : open;
}

/** From when on payouts that were paid are looked up; a timestamp. */
function watchedSince(clock: ReconcileTools['clock']): string {
  return timestamp(clock.now() - WATCH_DAYS * DAY_MS);
}

/** Pages of the payouts of a kind that are to be looked up, within a range of ids. An empty page at the end. */
function payoutPages(
  { store, clock }: ReconcileTools,
  kind: LookedUp | 'unsettled',
  stretch: Range,
  line: Line,
  isWanted: (instruction: StoredInstruction) => boolean,
): (share: Share | undefined) => Promise<StoredInstruction[]> {
  const changedSince = watchedSince(clock);
  const recent = { changedSince };
  const some = { paid: recent, declined: recent, unsettled: { unsettled: true } }[kind as string] ?? {};
  let { afterId } = stretch;
  return async (share) => {
    const only = { ...some, ...(share && { share }) };
    while (!line.stopped()) {
      const page = await store.list(kind === 'unsettled' ? 'paid' : kind, { afterId, limit: PAGE, ...only });
      afterId = page.at(-1)?.id ?? afterId;
      const within = page.filter((one) => one.id <= stretch.upToId && isWanted(one) && !isAmended(one));
      const asked = kind === 'unsettled' ? within.filter(({ updatedAt }) => updatedAt < changedSince) : within;
      if (asked.length > 0 || page.length === 0 || afterId > stretch.upToId) return asked;
    }
    return [];
  };
}

/** A payout that is to be changed at the provider is looked up by amend.ts. */
function isAmended({ status, amendment }: StoredInstruction): boolean {
  return amendment !== undefined && status !== 'unknown';
}

/** What a finding depends on besides the answer. */
interface Bearings {
  readonly settings: Settings;
  /** The time of the last clear answer to a send. Empty if there was none. */
  readonly lastClear: string;
}

interface Finding {
  readonly changes?: Change[];
  readonly answer?: KeptAnswer;
}

const NOTHING: Finding = {};

const ANOTHER = 'the provider has another payout under';

function findingOf(
  instruction: StoredInstruction,
  status: LookedUp,
  outcome: LookUpOutcome,
  nowMs: number,
  bearings: Bearings,
): Finding {
  if (isUnsent(status))
    return outcome.kind === 'found' ? foundForgotten(instruction, status, outcome, nowMs, bearings) : NOTHING;
  if (status === 'declined') return outcome.kind === 'found' ? foundAfterAll(instruction, outcome) : NOTHING;
  const { giveUpAfterMs } = bearings.settings.provider;
  switch (outcome.kind) {
    case 'found': {
      const other = differenceTo(instruction, outcome);
      if (other === undefined) return found(instruction, status, outcome);
      const words = `${ANOTHER} ${instruction.clientRefId}: ${other} (${outcome.status})`;
      if (status === 'unknown') return foundAnother(instruction, outcome, words);
      // An earlier answer that could not be read says nothing against a paid payout. The time runs from the first
      // readable answer that does.
      const before = status === 'paid' && !instruction.answer.startsWith(ANOTHER) ? { answerSince: '' } : {};
      return aged({ ...instruction, ...before }, words, nowMs, giveUpAfterMs);
    }
    case 'not-found':
      if (status === 'unknown') return notFound(instruction, nowMs, bearings);
      return status === 'paid'
        ? NOTHING
        : aged(instruction, 'there is none, though it was accepted', nowMs, giveUpAfterMs);
    case 'unclear':
      if (!outcome.answered) return NOTHING;
      return status === 'paid'
        ? staysPaid(instruction, outcome.message, nowMs, giveUpAfterMs)
        : aged(instruction, outcome.message, nowMs, giveUpAfterMs);
  }
}

function isLookedUp(status: InstructionStatus): status is LookedUp {
  return LOOKED_UP.includes(status);
}

function isUnsent(status: LookedUp): status is Unsent {
  return (UNSENT as readonly string[]).includes(status);
}

/**
 * An answer that can't be read takes back nothing that the provider clearly said before. In the end the answer is kept,
 * and no person is asked.
 */
function staysPaid(instruction: StoredInstruction, words: string, nowMs: number, giveUpAfterMs: number): Finding {
  const { id, version } = instruction;
  const outcome = unsettled(instruction, words, nowMs, giveUpAfterMs);
  if (!outcome) return NOTHING;
  return 'change' in outcome ? { answer: { id, version, answer: words, since: '' } } : outcome;
}

function aged(instruction: StoredInstruction, words: string, nowMs: number, giveUpAfterMs: number): Finding {
  const outcome = unsettled(instruction, words, nowMs, giveUpAfterMs);
  if (!outcome) return NOTHING;
  return 'change' in outcome ? { changes: [outcome.change] } : outcome;
}

/** The payout does not move, and the answer could be read. */
function asBefore(instruction: StoredInstruction): Finding {
  const answer = readAgain(instruction);
  return answer ? { answer } : NOTHING;
}

/** Evidence that the payout was sent, though our records have it as not sent yet. */
function foundForgotten(
  instruction: StoredInstruction,
  from: Unsent,
  outcome: Found,
  nowMs: number,
  bearings: Bearings,
): Finding {
  const { id, version } = instruction;
  const message = 'the provider has it: it was sent, and our records had forgotten that';
  const after: StoredInstruction = { ...instruction, version: version + 1, status: 'unknown' };
  const { changes = [] } = findingOf(after, 'unknown', outcome, nowMs, bearings);
  return { changes: [{ id, version, from, to: 'unknown', message, unclear: true }, ...changes] };
}

/** The provider shows a payout that it had refused. */
function foundAfterAll(instruction: StoredInstruction, outcome: Found): Finding {
  const { id, version, refusedAt } = instruction;
  const { orderRefId, bankReference, status } = outcome;
  const other = differenceTo(instruction, outcome);
  if (other === undefined && isLost(status)) return NOTHING;
  const words = other === undefined ? `it is ${status}` : `${ANOTHER} ${instruction.clientRefId}: ${other} (${status})`;
  const because = refusedAt === '' ? 'it was refused' : 'it was refused and then not found';
  const message = `it was declined, because ${because}; now the provider says that ${words}`;
  return {
    changes: [{ id, version, from: 'declined', to: 'manual', message, answer: words, orderRefId, bankReference }],
  };
}

/** A payout under our reference that is not ours. Only a person can find out what it is. */
function foundAnother(instruction: StoredInstruction, { orderRefId }: Found, words: string): Finding {
  return { changes: [{ ...forAPerson(instruction, words, instruction.unclearAt), orderRefId }] };
}

function found(instruction: StoredInstruction, from: LookedUp, outcome: Found): Finding {
  const { id, version } = instruction;
  const { orderRefId, bankReference, message } = outcome;
  const facts = { orderRefId, bankReference, message };
  const to = from === 'paid' && outcome.failedOrReturned ? 'reversed' : outcome.status;
  if (to === from) return asBefore(instruction);
  // Money that was returned was paid first, even if we never saw that status.
  if (to === 'reversed' && from !== 'paid')
    return {
      changes: [
        { ...facts, id, version, from, to: 'paid', message: '' },
        { ...facts, id, version: version + 1, from: 'paid', to: 'reversed' },
      ],
    };
  // The provider fell back behind an earlier answer. That is no evidence for anything.
  if (from === 'paid' && to !== 'reversed') return asBefore(instruction);
  return { changes: [{ ...facts, id, version, from, to }] };
}

function notFound(instruction: StoredInstruction, nowMs: number, { settings, lastClear }: Bearings): Finding {
  const { id, version, unclearAt, unclearSends, refusedAt, refusedCode, refusedMessage, turnedAwaySince } = instruction;
  const { quarantineMs, duplicateClientRef } = settings.provider;
  if (nowMs - Date.parse(unclearAt) < quarantineMs) return asBefore(instruction);
  const unknown = { id, version, from: 'unknown', unclearAt } as const;
  // The quarantine has also passed since the refusal, so the earlier request never arrived.
  if (refusedAt !== '')
    return { changes: [{ ...unknown, to: 'declined', code: refusedCode, message: refusedMessage }] };
  const giveUp = (why: string): Finding => ({ changes: [forAPerson(instruction, `there is none; ${why}`, unclearAt)] });
  if (duplicateClientRef !== 'rejected')
    return giveUp('it is not known whether it would refuse a second payment, so it is not sent again');
  if (turnedAwaySince !== '' && lastClear > turnedAwaySince)
    return giveUp(`sent ${unclearSends} times, it was turned away, while others went through`);
  if (unclearSends >= MOST_SENDS) return giveUp(`it was sent ${unclearSends} times without a clear answer`);
  const message = 'not found at the provider after the quarantine: it is sent again under the same reference';
  return { changes: [{ ...unknown, to: 'ready', message }] };
}
