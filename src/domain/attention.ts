/**
 * Who needs to do what: the one place that says what needs a person, of a workspace, a run or a file. Status, pages, exit status and
 * log read it; nothing else decides it. Pure.
 */
import type { RowStatus } from './instruction.ts';

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

/** `unfinished`: work is left that a run should have done. `person`: it is done, and needs one. `told`: it is over by itself, or soon. */
export type Weight = 'unfinished' | 'person' | 'told';

export interface Need {
  readonly concern: Concern;
  readonly count: number;
  readonly who: string;
  /** What to do, as the end of a sentence. */
  readonly task: string;
  readonly weight: Weight;
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

interface Rule {
  readonly who: string;
  readonly task: string;
  readonly weight: Weight;
}

const ENGINEER = 'An engineer';
const SENDER = 'The sender of the file';
const PAYEES = "The keeper of the payees' data";
const ORDERS = 'The sender of the orders';

const RETRY =
  'check the data with the payee, then pay it again with paydrop retry, or close it with paydrop close if it will not be paid from here';

const RULES: Readonly<Record<Concern, Rule>> = {
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
  manual: {
    who: ENGINEER,
    task: 'ask the provider whether it was paid, then record that with paydrop resolve',
    weight: 'person',
  },
  unknown: {
    who: ENGINEER,
    task: 'it may have been paid: pay it no other way; it is looked up at every run until that is clear',
    weight: 'person',
  },
  unreadable: {
    who: ENGINEER,
    task: "ask the provider what its answer means: it can't be read; paydrop show has it",
    weight: 'person',
  },
  reversed: { who: PAYEES, task: `the money came back: ${RETRY}`, weight: 'person' },
  failed: { who: PAYEES, task: `it did not reach the payee: ${RETRY}`, weight: 'person' },
  declined: { who: PAYEES, task: `the provider refused it: ${RETRY}`, weight: 'person' },
  held: { who: ENGINEER, task: 'held back until a person releases it', weight: 'person' },
  'waiting-too-long': { who: ORDERS, task: 'the order has not come in time: drop the orders file', weight: 'person' },
  rejected: {
    who: SENDER,
    task: 'repair the .rejected.csv of the file and drop it back under its name, or close it with paydrop close --file',
    weight: 'person',
  },
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
  waiting: { who: ORDERS, task: 'its order is not there yet: drop the orders file', weight: 'told' },
  amendments: { who: ENGINEER, task: 'nothing yet: each run asks the provider until they are settled', weight: 'told' },
};

/** Everything that needs a person, most urgent first. */
export function attention(situation: Situation): Need[] {
  const counts = countsOf(situation);
  return CONCERNS.flatMap((concern) => {
    const count = counts[concern];
    if (count === 0) return [];
    const why = whyOf(concern, situation);
    return [{ concern, count, ...RULES[concern], ...(why === undefined ? {} : { why }) }];
  });
}

function whyOf(concern: Concern, situation: Situation): string | undefined {
  const { lookUpOnly, otherProvider, inboxTrouble, unfinished } = situation;
  if (concern === 'look-up-only') return lookUpOnly;
  if (concern === 'other-provider') return otherProvider;
  if (concern === 'inbox') return inboxTrouble;
  return concern === 'last-run' ? unfinished : undefined;
}

function countsOf(situation: Situation): Record<Concern, number> {
  const { byStatus, lookUpOnly, otherProvider, unfinished, waitingTooLong = 0, amendments = 0 } = situation;
  const inStatus = (status: RowStatus) => byStatus?.get(status) ?? 0;
  return {
    'look-up-only': lookUpOnly === undefined ? 0 : 1,
    'other-provider': otherProvider === undefined ? 0 : 1,
    inbox: situation.inboxTrouble === undefined ? 0 : 1,
    'last-run': unfinished === undefined ? 0 : 1,
    'unfinished-files': situation.unfinishedFiles ?? 0,
    'unreported-files': situation.unreportedFiles ?? 0,
    manual: inStatus('manual'),
    unknown: inStatus('unknown'),
    unreadable: situation.unreadable ?? 0,
    reversed: inStatus('reversed'),
    failed: inStatus('failed'),
    declined: inStatus('declined'),
    held: inStatus('held'),
    'waiting-too-long': waitingTooLong,
    rejected: situation.toRepair ?? 0,
    'refused-files': situation.refusedFiles ?? 0,
    'irregular-files': situation.irregularFiles ?? 0,
    stuck: situation.stuck ?? 0,
    waiting: Math.max(0, inStatus('waiting') - waitingTooLong),
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
  return (CONCERNS as readonly string[]).includes(status) && RULES[status as Concern].weight === 'person';
}

/** Ended without the money at the payee: it is told by the run in which that happened, and needs a person until it is paid again. */
export function isLost(status: RowStatus): boolean {
  return RULES[status as Concern]?.who === PAYEES;
}

/** The weightiest of all; undefined where nothing needs a person. */
export function weightiest(needs: readonly Need[]): Exclude<Weight, 'told'> | undefined {
  for (const weight of ['unfinished', 'person'] as const)
    if (needs.some((need) => need.weight === weight)) return weight;
  return undefined;
}
