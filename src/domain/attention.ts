/**
 * Who needs to do what. This is the one place that says what needs a person, in a workspace, a run or a file. The
 * status command, the pages, the exit status and the log read it, and nothing else decides it. Pure.
 */
import { grouped } from './money.ts';
import {
  APPROVER,
  ENGINEER,
  factsOf,
  ORDERS,
  ROW_STATUSES,
  type RowStatus,
  type Rule,
  SENDER,
  type Weight,
} from './status.ts';

/** All concerns that may need a person. The most urgent comes first, and is shown first. */
export const CONCERNS = [
  'look-up-only',
  'other-provider',
  'paused',
  'inbox',
  'last-run',
  'unfinished-files',
  'unreported-files',
  'foreign-index',
  'manual',
  'unknown',
  'unreadable',
  'reversed',
  'failed',
  'declined',
  'held',
  'refused-decisions',
  'waiting-too-long',
  'rejected',
  'refused-files',
  'irregular-files',
  'stuck',
  'waiting',
  'amendments',
  'holidays-end',
] as const;

export type Concern = (typeof CONCERNS)[number];

export interface Need extends Omit<Rule, 'tasks'> {
  readonly concern: Concern;
  readonly count: number;
  /** The cause, where it differs from case to case. */
  readonly why?: string;
}

/**
 * The state of a workspace, a run or a file. A field that is left out does not apply, or the caller does not know it.
 */
export interface Situation {
  readonly byStatus?: ReadonlyMap<RowStatus, number>;
  /** Rejected rows that no later file has taken in or stands for, and no person has closed. */
  readonly toRepair?: number;
  /**
   * Files that were not taken in, were not replaced by a later one of the same name and were not closed by a person.
   */
  readonly refusedFiles?: number;
  /** The same for folders, links and other entries that are no plain files. */
  readonly irregularFiles?: number;
  /** Payouts whose last look-up got an answer that can't be read. */
  readonly unreadable?: number;
  /** Why what is held can't be approved as the settings are. */
  readonly unapprovable?: string | undefined;
  /**
   * The answers to dropped decisions that were refused, and that no later decision about what is still held has replaced:
   * their names in the outbox, oldest first.
   */
  readonly refusedDecisions?: readonly string[];
  /** Instructions that have waited for their order for longer than the settings allow. */
  readonly waitingTooLong?: number;
  /** Rows that ask for a change at the provider and are not settled yet. */
  readonly amendments?: number;
  /** Why nothing is sent from this workspace. */
  readonly lookUpOnly?: string | undefined;
  /** The provider of the records, and the provider that the settings name instead. */
  readonly otherProvider?: string | undefined;
  /** Why a person has paused the sending. */
  readonly paused?: string | undefined;
  /** That the list of holidays runs out: what its last date is. */
  readonly holidaysEnd?: string | undefined;
  /** Why files can't be taken out of the inbox. */
  readonly inboxTrouble?: string | undefined;
  /** Entries of the inbox that can't be taken in. */
  readonly stuck?: number;
  /** Why the last run left work undone that it should have done. */
  readonly unfinished?: string | undefined;
  /** Files that are registered and not fully taken in, with no run under way. */
  readonly unfinishedFiles?: number;
  /** Files whose reports are older than their records, with no run under way. */
  readonly unreportedFiles?: number;
  /** Why the page over all files could not be written: what has its name in the outbox is not paydrop's. */
  readonly foreignIndex?: string | undefined;
}

/** The rules of concerns that are no statuses. The rules of statuses are in the table of statuses. */
const OTHERS: Readonly<Record<Exclude<Concern, RowStatus>, Rule>> = {
  'look-up-only': {
    who: ENGINEER,
    task: 'nothing is sent until a person has checked the records and said so: paydrop audit accept --reason TEXT',
    weight: 'unfinished',
  },
  'other-provider': {
    who: ENGINEER,
    task: 'nothing is sent until paydrop.json names that provider again, or a person has said whose the records are: paydrop audit accept --provider same-account (or other-account) --reason TEXT',
    weight: 'unfinished',
  },
  paused: {
    who: ENGINEER,
    task: 'end the pause once that is right: paydrop resume --reason TEXT',
    weight: 'unfinished',
  },
  inbox: { who: ENGINEER, task: 'see to it that paydrop may read and write its inbox', weight: 'unfinished' },
  'last-run': { who: ENGINEER, task: 'mend what stopped it, then start paydrop run', weight: 'unfinished' },
  'unfinished-files': {
    who: ENGINEER,
    task: 'start paydrop run: it goes on where it was cut off',
    weight: 'unfinished',
  },
  'unreported-files': { who: ENGINEER, task: 'start paydrop run: it writes their reports', weight: 'unfinished' },
  'foreign-index': {
    who: ENGINEER,
    task: 'move it away; the next run writes the page',
    weight: 'unfinished',
  },
  unreadable: {
    who: ENGINEER,
    task: "ask the provider what its answer means: it can't be read; paydrop show has it",
    weight: 'person',
  },
  'refused-decisions': {
    who: APPROVER,
    task: 'read the answer, then decide anew',
    tasks: 'read the answers, then decide anew',
    weight: 'person',
  },
  'waiting-too-long': { who: ORDERS, task: 'the order has not come in time: drop the orders file', weight: 'person' },
  'refused-files': {
    who: SENDER,
    task: 'the receipt says why: repair the file and drop it under the same name, or close it: paydrop close --file NUMBER --reason TEXT',
    weight: 'person',
  },
  'irregular-files': {
    who: SENDER,
    task: 'a folder, a link or the like was moved to data/quarantine, unread: drop the files themselves, and close it: paydrop close --file NUMBER --reason TEXT',
    weight: 'person',
  },
  stuck: { who: ENGINEER, task: 'it stays where it is until it can be read and moved', weight: 'person' },
  amendments: { who: ENGINEER, task: 'nothing yet: each run asks the provider until they are settled', weight: 'told' },
  'holidays-end': {
    who: ENGINEER,
    task: 'add the dates to come: what is due is sent on each later day that is no weekend',
    weight: 'told',
  },
};

const RULES: Readonly<Partial<Record<string, Rule>>> = {
  ...OTHERS,
  ...Object.fromEntries(ROW_STATUSES.map((status) => [status, factsOf(status).need])),
};

/** Everything that needs a person, most urgent first. */
export function attention(situation: Situation): Need[] {
  const counts = countsOf(situation);
  return CONCERNS.flatMap((concern) => {
    const count = counts[concern] ?? situation.byStatus?.get(concern as RowStatus) ?? 0;
    if (count === 0) return [];
    const rule = RULES[concern];
    if (!rule) throw new Error(`no rule says who acts on ${concern}`);
    const why = whyOf(concern, situation);
    const { who, task, tasks = task, weight } = rule;
    return [{ concern, count, who, task: count === 1 ? task : tasks, weight, ...(why === undefined ? {} : { why }) }];
  });
}

function whyOf(concern: Concern, situation: Situation): string | undefined {
  const { lookUpOnly, otherProvider, inboxTrouble, unfinished } = situation;
  if (concern === 'look-up-only') return lookUpOnly;
  if (concern === 'other-provider') return otherProvider;
  if (concern === 'held') return situation.unapprovable;
  if (concern === 'refused-decisions') return answersText(situation.refusedDecisions ?? []);
  if (concern === 'paused') return situation.paused;
  if (concern === 'inbox') return inboxTrouble;
  if (concern === 'holidays-end') return situation.holidaysEnd;
  if (concern === 'foreign-index') return situation.foreignIndex;
  if (concern !== 'last-run') return undefined;
  return wasPaused(unfinished) ? unfinished?.slice(0, -UNTIL_RESUMED.length) : unfinished;
}

const NAMED_ANSWERS = 3;

/** The latest ones. */
function answersText(names: readonly string[]): string {
  const latest = names.slice(-NAMED_ANSWERS);
  const others = latest.length < names.length ? ' and earlier ones' : '';
  return `${latest.join(', ')}${others} ${names.length === 1 ? 'says' : 'say'} why`;
}

const UNTIL_RESUMED = '. Nothing is sent until paydrop resume';

/** Why a run sends nothing while a person has paused the sending, with what ends that. */
export function untilResumed(paused: string | undefined): string | undefined {
  return paused === undefined ? undefined : paused + UNTIL_RESUMED;
}

/** Whether a run was kept from its end by a pause alone. */
function wasPaused(unfinished: string | undefined): boolean {
  return unfinished?.endsWith(UNTIL_RESUMED) === true;
}

/** The counts of all concerns except those that are simply the status of a payout. */
function countsOf(situation: Situation): Partial<Record<Concern, number>> {
  const { byStatus, lookUpOnly, otherProvider, unfinished, waitingTooLong = 0, amendments = 0 } = situation;
  return {
    'look-up-only': lookUpOnly === undefined ? 0 : 1,
    'other-provider': otherProvider === undefined ? 0 : 1,
    paused: situation.paused === undefined ? 0 : 1,
    inbox: situation.inboxTrouble === undefined ? 0 : 1,
    'last-run': unfinished === undefined || (situation.paused !== undefined && wasPaused(unfinished)) ? 0 : 1,
    'unfinished-files': situation.unfinishedFiles ?? 0,
    'unreported-files': situation.unreportedFiles ?? 0,
    'foreign-index': situation.foreignIndex === undefined ? 0 : 1,
    unreadable: situation.unreadable ?? 0,
    'refused-decisions': situation.refusedDecisions?.length ?? 0,
    'waiting-too-long': waitingTooLong,
    rejected: situation.toRepair ?? 0,
    'refused-files': situation.refusedFiles ?? 0,
    'irregular-files': situation.irregularFiles ?? 0,
    stuck: situation.stuck ?? 0,
    waiting: Math.max(0, (byStatus?.get('waiting') ?? 0) - waitingTooLong),
    amendments,
    'holidays-end': situation.holidaysEnd === undefined ? 0 : 1,
  };
}

/** What a concern counts; of statuses that are not named the word is clear by itself. */
const COUNTED: Readonly<Partial<Record<Concern, readonly [one: string, more: string]>>> = {
  'unfinished-files': ['file not taken in to its end', 'files not taken in to their end'],
  'unreported-files': ['file with reports older than its records', 'files with reports older than their records'],
  manual: ['payout to be settled by a person', 'payouts to be settled by a person'],
  unknown: ['payout without a clear answer', 'payouts without a clear answer'],
  unreadable: ["payout with an answer that can't be read", "payouts with answers that can't be read"],
  held: ['payout held back', 'payouts held back'],
  'refused-decisions': ['decision was refused', 'decisions were refused'],
  'waiting-too-long': [
    'payout that has waited too long for its order',
    'payouts that have waited too long for an order',
  ],
  rejected: ['row to correct', 'rows to correct'],
  'refused-files': ['file not taken in', 'files not taken in'],
  'irregular-files': ['entry that is no plain file', 'entries that are no plain files'],
  stuck: ["entry of the inbox that can't be taken in", "entries of the inbox that can't be taken in"],
  waiting: ['payout without its order', 'payouts without their orders'],
  amendments: ['change asked of the provider', 'changes asked of the provider'],
};

const NOT_COUNTED: Readonly<Partial<Record<Concern, string>>> = {
  'look-up-only': 'Nothing is sent',
  'other-provider': 'Nothing is sent',
  paused: 'Nothing is sent',
  inbox: 'Nothing is taken in',
  'last-run': 'The last run is not finished',
  'foreign-index': 'The page over all files is not written',
  'holidays-end': 'The list of holidays runs out',
};

/** `2 payouts failed`, `1 row to correct`, `Nothing is sent`: the words of pages and commands alike. */
export function needed({ concern, count }: Pick<Need, 'concern' | 'count'>): string {
  const fixed = NOT_COUNTED[concern];
  if (fixed !== undefined) return fixed;
  const [one, more] = COUNTED[concern] ?? [`payout ${concern}`, `payouts ${concern}`];
  return `${grouped(String(count))} ${count === 1 ? one : more}`;
}

/**
 * Counts for files that were not taken in and not replaced. An entry that is no plain file can't come again under its
 * name, so it is counted apart.
 */
export function refusedFiles(
  files: readonly { readonly problem?: { readonly code: string } | undefined }[],
): Pick<Situation, 'refusedFiles' | 'irregularFiles'> {
  const irregularFiles = files.filter(({ problem }) => problem?.code === 'FILE_NOT_REGULAR').length;
  return { refusedFiles: files.length - irregularFiles, irregularFiles };
}

/** Whether a row in this status needs a person, by its status alone. */
export function needsPerson(status: RowStatus): boolean {
  return factsOf(status).need?.weight === 'person';
}

/**
 * Whether the payout ended without the money at the payee. The run in which that happened reports it. It needs a person
 * until it is paid again or closed.
 */
export function isLost(status: RowStatus): boolean {
  return factsOf(status).failed === true;
}

/** The greatest weight of all needs. Undefined where nothing needs a person. */
export function weightiest(needs: readonly Need[]): Exclude<Weight, 'told'> | undefined {
  for (const weight of ['unfinished', 'person'] as const)
    if (needs.some((need) => need.weight === weight)) return weight;
  return undefined;
}
