/**
 * All statuses, in one table. Other lists of statuses are derived from it.
 *
 *     waiting ─→ scheduled ─→ ready ─→ sending ─┬→ submitted ─┬→ paid ─→ reversed
 *                (openDate ahead)               │             └→ failed
 *     waiting, scheduled, ready ⇄ held          ├→ declined
 *                                               └→ unknown ─→ submitted | paid | failed | ready | declined | manual
 *     before it is sent ─→ cancelled, or rejected when its order never comes        manual ─→ paid | failed
 *
 * `sending` is committed before the first byte leaves. A payout that is still `sending` at a start becomes `unknown`.
 * Only a payout that provably never left goes from `sending` back to `ready`. An `unknown` payout moves on evidence
 * alone: on what a look-up found, or on "not found" once that may be believed. "Not found" makes it `declined` if the
 * provider had refused it before that look-up, else `ready`. A `paid` payout can still become `reversed`. A `rejected`
 * row never was an instruction of ours, so its references are free again for the repaired row. A `cancelled`
 * instruction keeps its references.
 *
 * A payout becomes `manual` when look-ups can't settle it for long: they can't be read, don't find what was accepted,
 * or show something other than our payout. This applies to `unknown` and `submitted`. A `paid` payout becomes `manual`
 * for the last reason alone. A `declined` payout becomes `manual` when a look-up shows it after all.
 *
 * A payout that is not sent becomes `held` when there is a reason to hold it back (control/reasons.ts). It goes on when
 * each reason is gone or decided, and becomes `cancelled` on a person's no.
 *
 * A `submitted` payout becomes `cancelled` when a DELETE row asked for that and the provider, whose API supports it,
 * has taken the payout back unpaid. A `failed` payout becomes `cancelled` when a person called it not paid while such a
 * row was open.
 *
 * A person's decision moves more. `manual` becomes `paid` or `failed` (resolve), and so does `unknown` after its
 * quarantine. A payout that finally failed becomes `ready` under the next client reference (retry), if a look-up says
 * that it did fail. If the look-up says otherwise, it becomes `manual`. No other way leads back from a failure. When a
 * restored backup turns out to have forgotten a payout, the `ready` or `held` payout becomes `unknown`, on the evidence
 * of a look-up.
 */

/**
 * The tone of a statement. `good`: nothing to do. `warn`: look at it. `bad`: something is wrong. `calm`: none of these.
 */
export type Tone = 'good' | 'warn' | 'bad' | 'calm';

/**
 * `unfinished`: work is left that a run should have done. `person`: the work is done, and the result needs a person.
 * `told`: it ends by itself, or soon, and is only reported.
 */
export type Weight = 'unfinished' | 'person' | 'told';

/** Who needs to act. */
export interface Rule {
  readonly who: string;
  /** What to do, worded as the end of a sentence. A command stands in it with all that it asks for. */
  readonly task: string;
  /** The same where it is about several; left out where it reads the same. */
  readonly tasks?: string;
  readonly weight: Weight;
}

export const ENGINEER = 'An engineer';
export const APPROVER = 'An approver';
export const SENDER = 'The sender of the file';
const PAYEES = "The keeper of the payees' data";
export const ORDERS = 'The sender of the orders';

const RETRY =
  'check the data with the payee, then pay it again: paydrop retry CUSTOMER/ORDER/INSTRUCTION --reason TEXT; or, if it will not be paid from here, close it: paydrop close CUSTOMER/ORDER/INSTRUCTION --reason TEXT';

/** What was decided about a row that is no instruction of its own. */
type OfRow = 'accepted' | 'replaced' | 'duplicate';

interface Facts<Name extends string> {
  /** The payout has not come to its end. */
  readonly open?: true;
  /** Whether the provider has or had the payout. Left out where the provider does not have it. */
  readonly there?: 'maybe' | 'yes';
  /** The payout ended, and the money is not with the payee. */
  readonly failed?: true;
  readonly tone: Tone;
  /** What became of the row. */
  readonly words: string;
  readonly need?: Rule;
  /** The statuses that may follow. Any other change is a fault of the program and stops it. */
  readonly next: readonly Exclude<Name, OfRow>[];
}

function table<Name extends string>(facts: Readonly<Record<Name, Facts<NoInfer<Name>>>>) {
  return facts;
}

/** In the order in which a row passes through them. Lists use this order. */
const STATUSES = table({
  accepted: { tone: 'good', words: 'the order was taken in', next: [] },
  waiting: {
    open: true,
    tone: 'warn',
    words: 'its order is not there yet; it is sent once the order has come',
    need: { who: ORDERS, task: 'its order is not there yet: drop the orders file', weight: 'told' },
    next: ['scheduled', 'held', 'ready', 'rejected', 'cancelled'],
  },
  scheduled: {
    open: true,
    tone: 'calm',
    words: 'to be sent from its open date on',
    next: ['held', 'ready', 'cancelled'],
  },
  held: {
    open: true,
    tone: 'warn',
    words: 'held back, and not sent before a person approves it',
    need: {
      who: APPROVER,
      task: 'look at it with paydrop held, then let it go or end it: paydrop approve (or refuse) CUSTOMER/ORDER/INSTRUCTION --reason TEXT',
      tasks:
        'look at them with paydrop held, then let each go or end it: paydrop approve (or refuse) CUSTOMER/ORDER/INSTRUCTION --reason TEXT',
      weight: 'person',
    },
    next: ['held', 'scheduled', 'ready', 'cancelled', 'unknown'],
  },
  ready: {
    open: true,
    tone: 'calm',
    words: 'to be sent with the next run',
    next: ['sending', 'scheduled', 'held', 'cancelled', 'unknown'],
  },
  sending: {
    open: true,
    there: 'maybe',
    tone: 'calm',
    words: 'being sent; the answer is not in yet',
    next: ['submitted', 'declined', 'unknown', 'ready'],
  },
  unknown: {
    open: true,
    there: 'maybe',
    tone: 'warn',
    words: 'no clear answer from the provider; it is being looked up; never sent again blindly',
    need: {
      who: ENGINEER,
      task: 'it may have been paid: pay it no other way; it is looked up at every run until that is clear',
      weight: 'person',
    },
    next: ['submitted', 'paid', 'failed', 'ready', 'declined', 'manual'],
  },
  manual: {
    open: true,
    there: 'maybe',
    tone: 'warn',
    words: 'no clear answer could be had from the provider; a person must find out whether it was paid',
    need: {
      who: ENGINEER,
      task: 'ask the provider whether it was paid, then record that: paydrop resolve CUSTOMER/ORDER/INSTRUCTION --paid (or --not-paid) --reason TEXT',
      weight: 'person',
    },
    next: ['paid', 'failed'],
  },
  submitted: {
    open: true,
    there: 'yes',
    tone: 'calm',
    words: 'the provider has taken it; not paid yet',
    next: ['paid', 'failed', 'cancelled', 'manual'],
  },
  paid: { there: 'yes', tone: 'good', words: 'paid', next: ['reversed', 'manual'] },
  reversed: {
    there: 'yes',
    failed: true,
    tone: 'bad',
    words: 'paid first, then reversed; the money did not stay with the payee',
    need: { who: PAYEES, task: `the money came back: ${RETRY}`, weight: 'person' },
    next: ['ready', 'manual'],
  },
  failed: {
    there: 'yes',
    failed: true,
    tone: 'bad',
    words: 'the provider took it, and it did not reach the payee',
    need: { who: PAYEES, task: `it did not reach the payee: ${RETRY}`, weight: 'person' },
    next: ['ready', 'manual', 'cancelled'],
  },
  declined: {
    failed: true,
    tone: 'bad',
    words: 'the provider refused it; nothing was paid',
    need: { who: PAYEES, task: `the provider refused it: ${RETRY}`, weight: 'person' },
    next: ['ready', 'manual'],
  },
  cancelled: { tone: 'calm', words: 'cancelled before it was paid', next: [] },
  replaced: { tone: 'calm', words: 'replaced by a later row before it was paid', next: [] },
  rejected: {
    tone: 'bad',
    words: 'not taken in',
    need: {
      who: SENDER,
      task: 'repair the .rejected.csv of the file and drop it back under its name, or close it: paydrop close --file NUMBER --reason TEXT',
      weight: 'person',
    },
    next: [],
  },
  duplicate: { tone: 'calm', words: 'the same as an earlier row', next: [] },
});

/** What becomes of a line of a file: the status of an instruction, or the decision about the row itself. */
export type RowStatus = keyof typeof STATUSES;

export type InstructionStatus = Exclude<RowStatus, OfRow>;

export const ROW_STATUSES = Object.keys(STATUSES) as readonly RowStatus[];

const OF_ROWS: readonly RowStatus[] = ['accepted', 'replaced', 'duplicate'] satisfies OfRow[];

export const INSTRUCTION_STATUSES = ROW_STATUSES.filter(
  (status): status is InstructionStatus => !OF_ROWS.includes(status),
);

/** The facts of a status. An altered log may have a word that is no status: no fact applies to it. */
export function factsOf(status: RowStatus): Facts<RowStatus> {
  return STATUSES[status] ?? { tone: 'calm', words: '', next: [] };
}

/** The instruction statuses for which `isSo` holds. */
export function statusesWhere(
  isSo: (facts: Facts<RowStatus>, status: InstructionStatus) => boolean | undefined,
): readonly InstructionStatus[] {
  return INSTRUCTION_STATUSES.filter((status) => isSo(STATUSES[status], status));
}

/** Every allowed status change. */
export const TRANSITIONS = Object.fromEntries(
  INSTRUCTION_STATUSES.map((status) => [status, STATUSES[status].next]),
) as Readonly<Record<InstructionStatus, readonly InstructionStatus[]>>;

/**
 * Only a retry, with a new attempt number, leads on from these. A look-up that contradicts them leads to `manual`.
 * Sorted by name, as messages list them.
 */
export const FINAL_FAILURES = statusesWhere(({ failed }) => failed).toSorted();

/** In these statuses a row may still be updated or deleted: nothing of it has been handed to the provider. */
export const AMENDABLE = statusesWhere(({ open, there }) => open && !there);

/**
 * In these statuses a row may be updated or deleted at the provider, where its API supports that and it says that it
 * has not processed the payout yet.
 */
export const AMENDABLE_AT_PROVIDER = statusesWhere(({ open, there }) => open && there === 'yes');

/**
 * Payouts that can still move, and payouts that ended without the money at the payee. A person is asked to act on both.
 */
export const NOT_ARRIVED = statusesWhere(({ open, failed }) => open || failed);

export function isOpen(status: RowStatus): boolean {
  return factsOf(status).open === true;
}

/** Whether the change leads back from a final failure, for another attempt. */
export function isRetry(from: InstructionStatus, to: InstructionStatus): boolean {
  return factsOf(from).failed === true && to === 'ready';
}

/** Compares by the order in which a row passes through the statuses. A word that is no status comes first. */
export function byLife(a: string, b: string): number {
  const place = (status: string) => ROW_STATUSES.indexOf(status as RowStatus);
  return place(a) - place(b);
}

/** On a file, by its rows. */
export type Verdict = 'accepted' | 'partially_accepted' | 'rejected' | 'duplicate';
