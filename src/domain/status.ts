/**
 * Statuses: what each of them is, in one table. Lists of statuses elsewhere are derived from it.
 *
 *     waiting ─→ scheduled ─→ ready ─→ sending ─┬→ submitted ─┬→ paid ─→ reversed
 *                (openDate ahead)               │             └→ failed
 *     held ─→ ready        cancelled            ├→ declined
 *                                               └→ unknown ─→ submitted | paid | failed | ready | declined | manual
 *
 * `sending` is committed before the first byte leaves; whatever is found in it at start is `unknown`. Only what provably
 * never left goes from `sending` back to `ready`. An `unknown` one moves on evidence alone: what a look-up found, or "not
 * found" once that may be believed (`declined` if it was refused before that look-up, else `ready`). `paid` can still become
 * `reversed`. A `rejected` one never was an instruction of ours: its references are free again for the repaired row.
 * `cancelled` keeps them.
 *
 * What look-ups can't settle for long, because they can't be read, don't find what was accepted, or show something else than
 * ours, becomes `manual`, from `unknown` and `submitted`; from `paid` for the last reason alone.
 *
 * `submitted` becomes `cancelled` when a DELETE row asked for that and the provider, whose API can, has taken it back unpaid; `failed`
 * when a person has called it not paid while such a row was open.
 *
 * A person's word moves more: `manual` becomes `paid` or `failed` (resolve), so does an `unknown` one past its quarantine, and
 * what finally failed becomes `ready` under the next client reference (retry), if a look-up says that it did fail. If the
 * look-up says otherwise, it becomes `manual`. Nothing else ever leads back from a failure. And when a restored backup turns
 * out to have forgotten a payout, what it takes for `ready` becomes `unknown`, on the evidence of a look-up.
 */

/** The colours of a statement: nothing to do, look at it, something is wrong, neither. */
export type Tone = 'good' | 'warn' | 'bad' | 'calm';

/** `unfinished`: work is left that a run should have done. `person`: it is done, and needs one. `told`: it is over by itself, or soon. */
export type Weight = 'unfinished' | 'person' | 'told';

/** Who needs to act. */
export interface Rule {
  readonly who: string;
  /** What to do, as the end of a sentence. */
  readonly task: string;
  readonly weight: Weight;
}

export const ENGINEER = 'An engineer';
export const SENDER = 'The sender of the file';
const PAYEES = "The keeper of the payees' data";
export const ORDERS = 'The sender of the orders';

const RETRY =
  'check the data with the payee, then pay it again with paydrop retry, or close it with paydrop close if it will not be paid from here';

/** What was decided about a row that is no instruction. */
type OfRow = 'accepted' | 'duplicate';

interface Facts<Name extends string> {
  /** It has not come to its end. */
  readonly open?: true;
  /** Whether the provider has or had it; left out where it has not. */
  readonly there?: 'maybe' | 'yes';
  /** It ended, and the money is not with the payee. */
  readonly failed?: true;
  readonly tone: Tone;
  /** What became of the row. */
  readonly words: string;
  readonly need?: Rule;
  /** What may follow. Anything else is a broken promise of the program and stops it. */
  readonly next: readonly Exclude<Name, OfRow>[];
}

function table<Name extends string>(facts: Readonly<Record<Name, Facts<NoInfer<Name>>>>) {
  return facts;
}

/** In the order of a row's life, in which they are listed. */
const STATUSES = table({
  accepted: { tone: 'good', words: 'the order was taken in', next: [] },
  waiting: {
    open: true,
    tone: 'warn',
    words: 'its order is not there yet; it is sent once the order has come',
    need: { who: ORDERS, task: 'its order is not there yet: drop the orders file', weight: 'told' },
    next: ['scheduled', 'ready', 'rejected', 'cancelled'],
  },
  scheduled: {
    open: true,
    tone: 'calm',
    words: 'to be sent from its open date on',
    next: ['ready', 'cancelled'],
  },
  held: {
    open: true,
    tone: 'warn',
    words: 'held back, not sent; a person must release it',
    need: { who: ENGINEER, task: 'held back until a person releases it', weight: 'person' },
    next: ['ready', 'cancelled'],
  },
  ready: {
    open: true,
    tone: 'calm',
    words: 'to be sent with the next run',
    next: ['sending', 'scheduled', 'cancelled', 'unknown'],
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
      task: 'ask the provider whether it was paid, then record that with paydrop resolve',
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
  rejected: {
    tone: 'bad',
    words: 'not taken in',
    need: {
      who: SENDER,
      task: 'repair the .rejected.csv of the file and drop it back under its name, or close it with paydrop close --file',
      weight: 'person',
    },
    next: [],
  },
  duplicate: { tone: 'calm', words: 'the same as an earlier row', next: [] },
});

/** What a line of a file can come to: an instruction's status, or what was decided about the row itself. */
export type RowStatus = keyof typeof STATUSES;

export type InstructionStatus = Exclude<RowStatus, OfRow>;

export const ROW_STATUSES = Object.keys(STATUSES) as readonly RowStatus[];

export const INSTRUCTION_STATUSES = ROW_STATUSES.filter(
  (status): status is InstructionStatus => status !== 'accepted' && status !== 'duplicate',
);

/** Of a word that is no status, as an altered log may have it, nothing is so. */
export function factsOf(status: RowStatus): Facts<RowStatus> {
  return STATUSES[status] ?? { tone: 'calm', words: '', next: [] };
}

/** The instructions' statuses of which something is so. */
export function statusesWhere(
  isSo: (facts: Facts<RowStatus>, status: InstructionStatus) => boolean | undefined,
): readonly InstructionStatus[] {
  return INSTRUCTION_STATUSES.filter((status) => isSo(STATUSES[status], status));
}

/** Every status change there is. */
export const TRANSITIONS = Object.fromEntries(
  INSTRUCTION_STATUSES.map((status) => [status, STATUSES[status].next]),
) as Readonly<Record<InstructionStatus, readonly InstructionStatus[]>>;

/** Only a retry, with a new attempt number, leads on from these; a look-up that contradicts them leads to `manual`. By name, as messages list them. */
export const FINAL_FAILURES = statusesWhere(({ failed }) => failed).toSorted();

/** A row may still be updated or deleted in these: nothing of it has been handed to the provider. */
export const AMENDABLE = statusesWhere(({ open, there }) => open && !there);

/** … and in these at the provider, where its API can and it says that it has not processed it yet. */
export const AMENDABLE_AT_PROVIDER = statusesWhere(({ open, there }) => open && there === 'yes');

/** What can still move, and what ended without the money at the payee: a person is asked to do something about both. */
export const UNSETTLED = statusesWhere(({ open, failed }) => open || failed);

export function isOpen(status: RowStatus): boolean {
  return factsOf(status).open === true;
}

/** Back from a final failure, for another attempt. */
export function isRetry(from: InstructionStatus, to: InstructionStatus): boolean {
  return factsOf(from).failed === true && to === 'ready';
}

/** In the order of a row's life; what is no status comes first. */
export function byLife(a: string, b: string): number {
  const place = (status: string) => ROW_STATUSES.indexOf(status as RowStatus);
  return place(a) - place(b);
}
