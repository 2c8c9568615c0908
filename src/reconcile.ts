/**
 * Looks up what is open (`submitted`), unclear (`unknown`) or recently `paid`, and moves it on evidence alone:
 *
 * * Found under our reference with our amount: it becomes what the provider says. Found with another amount: a person
 *   must look, and the line stops.
 * * Not found is no proof while the quarantine lasts: a provider may take a request in late, or show it late. After it an
 *   `unknown` one is sent again under the same client reference, if the provider is known to refuse a used one.
 * * A look-up without a clear answer changes nothing.
 */
import { type Clock, timestamp } from './clock.ts';
import type { Settings } from './config.ts';
import { commitQueue, eachOf, pacer } from './flow.ts';
import { currencyExponent } from './iso.ts';
import { compare, fromMinor, parseDecimal } from './money.ts';
import type { Progress } from './progress.ts';
import type { LookUpOutcome, Provider } from './provider.ts';
import type { Change, Store, StoredInstruction } from './store.ts';

/** A paid one is looked up this long for a late return by the bank. */
const REVERSAL_WATCH_DAYS = 7;

/** An instruction that was sent so often without ever being found is a person's business. */
const MOST_SENDS = 5;

const UNCLEAR_IN_A_ROW = 10;
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
  /** Why looking up ended before every open one was asked for. */
  readonly stopped: string | undefined;
}

type LookedUp = 'unknown' | 'submitted' | 'paid';

/** One look-up for each open payout. */
export async function reconcile(tools: ReconcileTools, stop: AbortSignal): Promise<Reconciled> {
  const { store, provider, clock, settings, progress } = tools;
  const pace = pacer(clock, settings.provider.requestsPerMinute);
  const findings = commitQueue((changes: Change[][]) => store.apply(changes.flat(), timestamp(clock.now())));
  const changedSince = timestamp(clock.now() - REVERSAL_WATCH_DAYS * DAY_MS);
  let lookedUp = 0;
  let unclearInARow = 0;
  let why: string | undefined;
  const stopped = () => why ?? (stop.aborted ? 'asked to stop' : undefined);

  // Paid ones first, so that one found paid in this pass isn't asked for twice.
  for (const status of ['paid', 'submitted', 'unknown'] as const) {
    for (let afterId = 0; !stopped(); ) {
      const page = await store.list(status, { afterId, limit: PAGE, ...(status === 'paid' ? { changedSince } : {}) });
      const last = page.at(-1);
      if (!last) break;
      afterId = last.id;
      await eachOf(page, settings.provider.concurrency, async (instruction) => {
        await pace(stop);
        if (stopped()) return;
        const outcome = await provider.lookUp(instruction.clientRefId);
        const finding = findingOf(instruction, status, outcome, clock.now(), settings);
        unclearInARow = outcome.kind === 'unclear' ? unclearInARow + 1 : 0;
        why ??= finding.stopLine;
        if (outcome.kind === 'unclear' && unclearInARow >= UNCLEAR_IN_A_ROW)
          why ??= `${UNCLEAR_IN_A_ROW} look-ups in a row got no clear answer; the last: ${outcome.message}`;
        if (finding.changes.length > 0) await findings.add(finding.changes);
        progress.report('looking up payouts', ++lookedUp);
      });
    }
  }
  return { lookedUp, stopped: stopped() };
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
      return found(instruction, status, outcome);
    case 'not-found':
      return status === 'unknown' ? notFound(instruction, nowMs, settings) : NOTHING;
    case 'unclear':
      return outcome.stopLine === undefined ? NOTHING : { changes: [], stopLine: outcome.stopLine };
  }
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
  const to = outcome.status;
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
  stated: { clientRefId: string; amount: string },
): string | undefined {
  if (stated.clientRefId !== clientRefId) return `it answers for ${stated.clientRefId}`;
  const amount = parseDecimal(stated.amount);
  if (!amount || amountMinor === undefined || currency === undefined) return `its amount is ${stated.amount}`;
  const ours = fromMinor(amountMinor, currencyExponent(currency) ?? 0);
  return compare(amount, ours) === 0 ? undefined : `its amount is ${stated.amount}`;
}

function notFound({ id, version, unclearAt, sends }: StoredInstruction, nowMs: number, settings: Settings): Finding {
  const { quarantineMs, duplicateClientRef } = settings.provider;
  if (nowMs - Date.parse(unclearAt) < quarantineMs) return NOTHING;
  const unknown = { id, version, from: 'unknown' } as const;
  if (duplicateClientRef !== 'rejected') {
    const message = 'not found at the provider, and it is not known whether it would refuse a second payment';
    return { changes: [{ ...unknown, to: 'manual', message }] };
  }
  if (sends >= MOST_SENDS)
    return { changes: [{ ...unknown, to: 'manual', message: `sent ${sends} times and never found at the provider` }] };
  const message = 'not found at the provider after the quarantine: it is sent again under the same reference';
  return { changes: [{ ...unknown, to: 'ready', message }] };
}
