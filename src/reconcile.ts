/**
 * Looks up what is open (`submitted`), unclear (`unknown`) or recently `paid`, and moves it on evidence alone:
 *
 * * Found under our reference with our amount: it becomes what the provider says. Found with another amount: a person
 *   must look, and the line stops.
 * * Not found is no proof while the quarantine lasts: a provider may take a request in late, or show it late. After it an
 *   `unknown` one is sent again under the same client reference, if the provider is known to refuse a used one.
 * * A look-up without a clear answer changes nothing.
 * * What another provider than the one it was sent to answers changes nothing (binding.ts): it is counted, for a person.
 */
import { type Clock, timestamp } from './clock.ts';
import type { Settings } from './config.ts';
import { commitQueue, eachInPages, gather, openLine, pacer } from './flow.ts';
import { currencyExponent } from './iso.ts';
import { compare, fromMinor, parseDecimal } from './money.ts';
import type { Progress } from './progress.ts';
import type { LookUpOutcome, OrderFound, Provider } from './provider.ts';
import { lookUpOrders } from './registration.ts';
import type { Change, Store, StoredInstruction } from './store.ts';

/** A paid one is looked up this long for a late return by the bank. */
const REVERSAL_WATCH_DAYS = 7;

/** An instruction that was sent so often without ever being found is a person's business. */
const MOST_SENDS = 5;

const PAGE = 1_000;
const DAY_MS = 86_400_000;

export interface ReconcileTools {
  readonly store: Store;
  readonly provider: Provider;
  readonly clock: Clock;
  readonly settings: Settings;
  readonly progress: Progress;
}

export interface Reconciled {
  readonly lookedUp: number;
  /** Of these the provider has so many. */
  readonly had: number;
  /** Why looking up ended before every open one was asked for. */
  readonly stopped: string | undefined;
}

type LookedUp = 'unknown' | 'submitted' | 'paid' | 'ready';

/**
 * One look-up for each open payout. When the records may have forgotten what was sent (`forgetful`, after a restored
 * backup), what they take for ready is looked up as well. Paid ones are only looked up with `paidToo`: they are many. With
 * `another` provider than theirs nothing is moved.
 */
export async function reconcile(
  tools: ReconcileTools,
  stop: AbortSignal,
  { paidToo = true, forgetful = false, another = false } = {},
): Promise<Reconciled> {
  const { store, provider, clock, settings, progress } = tools;
  const line = openLine(stop, 'look-ups');
  const pace = pacer(clock, settings.provider.requestsPerMinute);
  const commits = commitQueue((groups: Change[][]) => store.apply(groups.flat(), timestamp(clock.now())));
  const findings = gather(clock, commits.add);
  const changedSince = timestamp(clock.now() - REVERSAL_WATCH_DAYS * DAY_MS);
  const noteOrder = (order: OrderFound) => {
    if (order.kind === 'unclear' && order.stopLine !== undefined) line.stop(order.stopLine);
    line.note(order.kind === 'unclear' ? order.message : undefined);
  };
  let lookedUp = another ? 0 : await lookUpOrders(tools, line.stopped, noteOrder);
  let had = 0;

  // Paid ones first, so that one found paid in this pass isn't asked for twice.
  const statuses: LookedUp[] = [
    ...(paidToo ? (['paid'] as const) : []),
    'submitted',
    'unknown',
    ...(forgetful ? (['ready'] as const) : []),
  ];
  for (const status of statuses) {
    let afterId = 0;
    const pages = {
      next: async () => {
        while (!line.stopped()) {
          const page = await store.list(status, {
            afterId,
            limit: PAGE,
            ...(status === 'paid' ? { changedSince } : {}),
          });
          afterId = page.at(-1)?.id ?? afterId;
          // One that is to be changed at the provider is looked up by amend.ts.
          const asked = page.filter(({ amendment }) => amendment === undefined);
          if (asked.length > 0 || page.length === 0) return asked;
        }
        return [];
      },
      early: (left: number) => left <= settings.provider.concurrency,
    };
    try {
      await eachInPages(pages, settings.provider.concurrency, async (instruction) => {
        await pace.turn(line.signal);
        if (line.stopped()) return;
        const outcome = await provider.lookUp(instruction);
        const finding = findingOf(instruction, status, outcome, clock.now(), settings);
        if (finding.stopLine !== undefined && !(another && outcome.kind === 'found')) line.stop(finding.stopLine);
        line.note(outcome.kind === 'unclear' ? outcome.message : undefined);
        progress.report('looking up payouts', ++lookedUp);
        if (outcome.kind === 'found') had++;
        if (finding.changes.length > 0 && !another) await findings.add(...finding.changes);
      });
    } finally {
      await findings.flush();
    }
  }
  return { lookedUp, had, stopped: line.stopped() };
}

interface Finding {
  readonly changes: Change[];
  readonly stopLine?: string;
}

const NOTHING: Finding = { changes: [] };

function findingOf(
  instruction: StoredInstruction,
  status: LookedUp,
  outcome: LookUpOutcome,
  nowMs: number,
  settings: Settings,
): Finding {
  switch (outcome.kind) {
    case 'found':
      return status === 'ready' ? foundForgotten(instruction, outcome) : found(instruction, status, outcome);
    case 'not-found':
      return status === 'unknown' ? notFound(instruction, nowMs, settings) : NOTHING;
    case 'unclear':
      return outcome.stopLine === undefined ? NOTHING : { changes: [], stopLine: outcome.stopLine };
  }
}

/** Evidence that it was sent, though our records say it is yet to be. */
function foundForgotten(instruction: StoredInstruction, outcome: Extract<LookUpOutcome, { kind: 'found' }>): Finding {
  const { id, version } = instruction;
  const message = 'the provider has it: it was sent, and our records had forgotten that';
  const { changes, ...rest } = found({ ...instruction, version: version + 1 }, 'unknown', outcome);
  return { ...rest, changes: [{ id, version, from: 'ready', to: 'unknown', message, unclear: true }, ...changes] };
}

function found(
  instruction: StoredInstruction,
  from: LookedUp,
  outcome: Extract<LookUpOutcome, { kind: 'found' }>,
): Finding {
  const { id, version, clientRefId } = instruction;
  const difference = differenceTo(instruction, outcome);
  if (difference !== undefined) {
    const message = `the provider has another payout under ${clientRefId}: ${difference}`;
    return {
      changes: from === 'unknown' ? [{ id, version, from, to: 'manual', message, orderRefId: outcome.orderRefId }] : [],
      stopLine: message,
    };
  }
  const { orderRefId, bankReference, message } = outcome;
  const facts = { orderRefId, bankReference, message };
  const to = from === 'paid' && outcome.failedOrReturned ? 'reversed' : outcome.status;
  if (to === from) return NOTHING;
  // Returned money was paid first, even if we never saw it in between.
  if (to === 'reversed' && from !== 'paid')
    return {
      changes: [
        { ...facts, id, version, from, to: 'paid', message: '' },
        { ...facts, id, version: version + 1, from: 'paid', to: 'reversed' },
      ],
    };
  // The provider fell back behind what it said before: no evidence for anything.
  if (from === 'paid' && to !== 'reversed') return NOTHING;
  return { changes: [{ ...facts, id, version, from, to }] };
}

/** Undefined when it is the payout we asked for. */
function differenceTo(
  { clientRefId, amountMinor, currency }: StoredInstruction,
  stated: { clientRefId: string; amount: string; currency?: string },
): string | undefined {
  if (stated.clientRefId !== clientRefId) return `it answers for ${stated.clientRefId}`;
  if (stated.currency !== undefined && stated.currency !== currency) return `its currency is ${stated.currency}`;
  const amount = parseDecimal(stated.amount);
  if (!amount || amountMinor === undefined || currency === undefined) return `its amount is ${stated.amount}`;
  const ours = fromMinor(amountMinor, currencyExponent(currency) ?? 0);
  return compare(amount, ours) === 0 ? undefined : `its amount is ${stated.amount}`;
}

function notFound(
  { id, version, unclearAt, unclearSends }: StoredInstruction,
  nowMs: number,
  settings: Settings,
): Finding {
  const { quarantineMs, duplicateClientRef } = settings.provider;
  if (nowMs - Date.parse(unclearAt) < quarantineMs) return NOTHING;
  const unknown = { id, version, from: 'unknown' } as const;
  if (duplicateClientRef !== 'rejected') {
    const message = 'not found at the provider, and it is not known whether it would refuse a second payment';
    return { changes: [{ ...unknown, to: 'manual', message }] };
  }
  if (unclearSends >= MOST_SENDS)
    return {
      changes: [
        {
          ...unknown,
          to: 'manual',
          message: `sent ${unclearSends} times without a clear answer, and never found at the provider`,
        },
      ],
    };
  const message = 'not found at the provider after the quarantine: it is sent again under the same reference';
  return { changes: [{ ...unknown, to: 'ready', message }] };
}
