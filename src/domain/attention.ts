/**
 * Who needs to do what: the one place that says what needs a person, of a workspace, a run or a file. Status, pages, exit status and
 * log read it; nothing else decides it. Pure.
 */
import { ENGINEER, factsOf, ORDERS, ROW_STATUSES, type RowStatus, type Rule, SENDER, type Weight } from './status.ts';

/** What one can be asked about. The most urgent comes first, and is told first. */
export const CONCERNS = [
  'look-up-only',
  'other-provider',
  'inbox',
  'last-run',
  'unfinished-files',
  'unreported-files',
  'manual',
  'unknown',
  'unreadable',
  'reversed',
  'failed',
  'declined',
  'held',
  'waiting-too-long',
  'rejected',
  'refused-files',
  'irregular-files',
  'stuck',
  'waiting',
  'amendments',
] as const;

export type Concern = (typeof CONCERNS)[number];

export interface Need extends Rule {
  readonly concern: Concern;
  readonly count: number;
  /** Why, where that differs from case to case. */
  readonly why?: string;
}

/** What is so. What is left out is not there, or not known to who asks. */
export interface Situation {
  readonly byStatus?: ReadonlyMap<RowStatus, number>;
  /** Rejected rows that no later file has taken in or stands for, and no person has closed. */
  readonly toRepair?: number;
  /** Files that were not taken in, that no later one of the same name has replaced and no person has closed. */
  readonly refusedFiles?: number;
  /** The same of folders, links and other things that are no plain files. */
  readonly irregularFiles?: number;
  /** Payouts of which the last look-up got an answer that can't be read. */
  readonly unreadable?: number;
  /** Instructions that have waited for their order for longer than they may. */
  readonly waitingTooLong?: number;
  /** Rows that ask for a change at the provider and are not settled. */
  readonly amendments?: number;
  /** Why nothing is sent from this workspace. */
  readonly lookUpOnly?: string | undefined;
  /** Whose the records are, and whom the settings name instead. */
  readonly otherProvider?: string | undefined;
  /** Why nothing can be taken out of the inbox. */
  readonly inboxTrouble?: string | undefined;
  /** Entries of the inbox that can't be taken in. */
  readonly stuck?: number;
  /** Why the last run left work that it should have done. */
  readonly unfinished?: string | undefined;
  /** Files registered and not taken in to their end, with no run under way. */
  readonly unfinishedFiles?: number;
  /** Files whose reports are older than their records, with no run under way. */
  readonly unreportedFiles?: number;
}

/** Those of statuses are in their table. */
const OTHERS: Readonly<Record<Exclude<Concern, RowStatus>, Rule>> = {
  'look-up-only': {
    who: ENGINEER,
    task: 'nothing is sent until a person has checked the records and said so with paydrop audit accept',
    weight: 'unfinished',
  },
  'other-provider': {
    who: ENGINEER,
    task: 'nothing is sent until paydrop.json names that provider again, or a person has said with paydrop audit accept whose the records are',
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
  unreadable: {
    who: ENGINEER,
    task: "ask the provider what its answer means: it can't be read; paydrop show has it",
    weight: 'person',
  },
  'waiting-too-long': { who: ORDERS, task: 'the order has not come in time: drop the orders file', weight: 'person' },
  'refused-files': {
    who: SENDER,
    task: 'the receipt says why: repair the file and drop it under the same name, or close it with paydrop close --file',
    weight: 'person',
  },
  'irregular-files': {
    who: SENDER,
    task: 'a folder, a link or the like was moved to data/quarantine, unread: drop the files themselves, and close it with paydrop close --file',
    weight: 'person',
  },
  stuck: { who: ENGINEER, task: 'it stays where it is until it can be read and moved', weight: 'person' },
  amendments: { who: ENGINEER, task: 'nothing yet: each run asks the provider until they are settled', weight: 'told' },
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
    const rule = RULES[concern];
    if (count === 0 || !rule) return [];
    const why = whyOf(concern, situation);
    return [{ concern, count, ...rule, ...(why === undefined ? {} : { why }) }];
  });
}

function whyOf(concern: Concern, situation: Situation): string | undefined {
  const { lookUpOnly, otherProvider, inboxTrouble, unfinished } = situation;
  if (concern === 'look-up-only') return lookUpOnly;
  if (concern === 'other-provider') return otherProvider;
  if (concern === 'inbox') return inboxTrouble;
  return concern === 'last-run' ? unfinished : undefined;
}

/** Of all but the statuses of which each payout is one. */
function countsOf(situation: Situation): Partial<Record<Concern, number>> {
  const { byStatus, lookUpOnly, otherProvider, unfinished, waitingTooLong = 0, amendments = 0 } = situation;
  return {
    'look-up-only': lookUpOnly === undefined ? 0 : 1,
    'other-provider': otherProvider === undefined ? 0 : 1,
    inbox: situation.inboxTrouble === undefined ? 0 : 1,
    'last-run': unfinished === undefined ? 0 : 1,
    'unfinished-files': situation.unfinishedFiles ?? 0,
    'unreported-files': situation.unreportedFiles ?? 0,
    unreadable: situation.unreadable ?? 0,
    'waiting-too-long': waitingTooLong,
    rejected: situation.toRepair ?? 0,
    'refused-files': situation.refusedFiles ?? 0,
    'irregular-files': situation.irregularFiles ?? 0,
    stuck: situation.stuck ?? 0,
    waiting: Math.max(0, (byStatus?.get('waiting') ?? 0) - waitingTooLong),
    amendments,
  };
}

/** Of files that were not taken in and that nothing has replaced. What is no plain file can't come again under its name. */
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

/** Ended without the money at the payee: it is told by the run in which that happened, and needs a person until it is paid again. */
export function isLost(status: RowStatus): boolean {
  return factsOf(status).failed === true;
}

/** The weightiest of all; undefined where nothing needs a person. */
export function weightiest(needs: readonly Need[]): Exclude<Weight, 'told'> | undefined {
  for (const weight of ['unfinished', 'person'] as const)
    if (needs.some((need) => need.weight === weight)) return weight;
  return undefined;
}
