/** The verdict on a file as things are now: what was decided when it came, and the worst that has become of it since. */

import { isLost } from '../domain/attention.ts';
import { grouped } from '../domain/money.ts';
import { byLife, ROW_STATUSES, type RowStatus, type Tone, type Verdict } from '../domain/status.ts';
import type { FileRecord } from '../store/store.ts';
import { rowsToRepair, type Summary, verdictOf } from './totals.ts';
import { count } from './words.ts';

/** What was decided when the file came. */
export const VERDICTS: Readonly<Record<Verdict, { readonly word: string; readonly tone: Tone }>> = {
  accepted: { word: 'Accepted', tone: 'good' },
  partially_accepted: { word: 'Partially accepted', tone: 'warn' },
  rejected: { word: 'Rejected', tone: 'bad' },
  duplicate: { word: 'Duplicate', tone: 'calm' },
};

export interface Headline {
  readonly tone: Tone;
  /** `Accepted; 3 payouts did not arrive` */
  readonly word: string;
  /** How payouts were lost that are not closed; empty where none was. */
  readonly lost: string;
}

const UNCLEAR: readonly RowStatus[] = ['unknown', 'manual'];
const LOST = ROW_STATUSES.filter(isLost);

/** The worst comes first, and gives the tone. */
export function headline(file: FileRecord, summary: Summary): Headline {
  const { word, tone } = VERDICTS[verdictOf(file, summary)];
  const open = openByStatus(summary);
  const sum = (statuses: readonly RowStatus[]) => statuses.reduce((all, status) => all + (open.get(status) ?? 0), 0);
  const lost = sum(LOST);
  const unclear = sum(UNCLEAR);
  const held = sum(['held']);
  const toRepair = rowsToRepair(file, summary);
  const states: [rows: number, tone: Tone, text: string][] = [
    [lost, 'bad', `${count(lost, 'payout')} did not arrive`],
    [unclear, 'warn', `${count(unclear, 'payout is', 'payouts are')} unclear`],
    [held, 'warn', `${count(held, 'payout needs', 'payouts need')} an approver`],
    [toRepair, tone, toCorrect(toRepair - summary.rejectedForOthers, summary)],
  ];
  const due = states.filter(([rows]) => rows > 0);
  const [worst] = due;
  if (!worst) return { lost: '', ...settled(file, summary) };
  const all = tone === 'bad' ? 'bad' : worst[1];
  return { tone: all, word: `${word}; ${due.map(([, , text]) => text).join(', ')}`, lost: howLost(open) };
}

/** Rows that are rejected only for others need no correction. Where no row has an error, a totals row keeps them out. */
function toCorrect(own: number, { totalsRows }: Summary): string {
  return own > 0 ? `${count(own, 'row')} to correct` : `${count(totalsRows, 'totals row')} to remove`;
}

/** Without what persons have closed, and without rows that wait for the provider instead of an order. */
export function openByStatus({ byStatus, closed, asked }: Summary): Map<RowStatus, number> {
  const open = new Map([...byStatus].map(([status, rows]) => [status, rows - (closed.get(status) ?? 0)]));
  return open.set('waiting', (open.get('waiting') ?? 0) - asked);
}

/** For a file of which nothing needs attention. */
function settled(file: FileRecord, summary: Summary): Omit<Headline, 'lost'> {
  const verdict = verdictOf(file, summary);
  const { word, tone } = VERDICTS[verdict];
  if (verdict === 'duplicate') return { word, tone };
  const closed = [...summary.closed].reduce((all, [status, rows]) => all + (status === 'rejected' ? 0 : rows), 0);
  if (file.problem && !summary.byStatus.has('rejected'))
    return file.closed ? { word: `${word}; closed`, tone: 'calm' } : { word, tone };
  const parts = [
    verdict === 'accepted' ? '' : 'nothing left to correct',
    closed > 0 ? `${count(closed, 'payout')} closed` : '',
  ].filter((part) => part !== '');
  return parts.length === 0 ? { word, tone } : { word: `${word}; ${parts.join(', ')}`, tone: 'calm' };
}

/** `1 payout was reversed, 2 failed` */
function howLost(open: ReadonlyMap<RowStatus, number>): string {
  return LOST.filter((status) => (open.get(status) ?? 0) > 0)
    .sort(byLife)
    .map((status, at) => {
      const payouts = open.get(status) ?? 0;
      const number = at === 0 ? count(payouts, 'payout') : grouped(String(payouts));
      const verb = status === 'failed' ? '' : payouts === 1 ? ' was' : ' were';
      return `${number}${verb} ${status}`;
    })
    .join(', ');
}
