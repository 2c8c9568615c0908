/** What needs whom: a file's open ends, as attention.ts finds them, each with the person who can do something about it. */
import { attention, type Concern, type Need } from '../attention.ts';
import { describeCode } from '../codes.ts';
import type { FileRecord } from '../store.ts';
import { fileReportNames, sixDigits } from './context.ts';
import { type Html, html } from './html.ts';
import type { Summary } from './totals.ts';
import { count } from './words.ts';

export function tasks(file: FileRecord, summary: Summary): Html {
  const open = byPerson(needsOf(file, summary));
  return html`<section aria-labelledby="tasks">
<h2 id="tasks">What needs whom</h2>
${open.size === 0 ? html`<p>Nothing needs anybody.</p>` : html`<ul class="tasks">${[...open].map(([who, needs]) => item(who, texts(needs, file, summary)))}</ul>`}
${repaired(summary)}
</section>`;
}

function needsOf(file: FileRecord, summary: Summary): Need[] {
  const refused = file.problem !== undefined && file.duplicateOf === undefined && !summary.byStatus.has('rejected');
  return attention({
    byStatus: new Map([...summary.byStatus, ['waiting', (summary.byStatus.get('waiting') ?? 0) - summary.asked]]),
    toRepair: toRepair(summary),
    refusedFiles: refused ? 1 : 0,
  });
}

/** First who can mend what came with the file. */
const FIRST: readonly Concern[] = [
  'waiting',
  'held',
  'unknown',
  'manual',
  'reversed',
  'failed',
  'declined',
  'rejected',
];

function byPerson(needs: readonly Need[]): Map<string, Need[]> {
  const open = new Map<string, Need[]>();
  for (const need of [...needs].sort((a, b) => FIRST.indexOf(b.concern) - FIRST.indexOf(a.concern)))
    open.set(need.who, [...(open.get(need.who) ?? []), need]);
  return open;
}

function item(who: string, what: readonly Html[]): Html {
  return html`<li><p class="who">${who}</p><div class="what">${what.map((text) => html`<p>${text}</p>`)}</div></li>`;
}

function texts(needs: readonly Need[], file: FileRecord, summary: Summary): Html[] {
  const lost = needs.filter(({ concern }) => LOST.has(concern));
  const others = needs.filter(({ concern }) => !LOST.has(concern));
  return [...(lost.length > 0 ? forPayeeData(lost) : []), ...others.flatMap((need) => textOf(need, file, summary))];
}

/** One text for all of them. */
const LOST: ReadonlySet<Concern> = new Set<Concern>(['declined', 'failed', 'reversed']);

function textOf(need: Need, file: FileRecord, summary: Summary): Html[] {
  const { concern, count: payouts, task } = need;
  switch (concern) {
    case 'rejected':
      return forSender(file, summary);
    case 'refused-files': {
      const { code = '' } = file.problem ?? {};
      const remedy = describeCode(code)?.remedy ?? '';
      return [html`No row was read, nothing was paid. ${remedy}`, html`<code>${code}</code>`];
    }
    case 'manual':
      return [
        html`${count(payouts, 'payout')} without a clear answer: find out with the provider whether it was paid, then record it with <code>paydrop resolve CUSTOMER/ORDER/INSTRUCTION</code> and <code>--paid</code> or <code>--not-paid</code>, each with <code>--reason TEXT</code>.`,
      ];
    case 'unknown':
      return [
        html`${count(payouts, 'payout')} being looked up after an unclear answer. It may have been paid: don't pay it another way. Look into it if it stays so for more than a day.`,
      ];
    case 'held':
      return [html`${count(payouts, 'payout')} held back. Nothing is sent until a person releases it.`];
    case 'waiting':
      return [
        html`${count(payouts, 'instruction')} without an order so far. Drop the orders file; an instruction that has waited too long is rejected.`,
      ];
    default:
      return [html`${count(payouts, 'payout')}: ${task}.`];
  }
}

function forSender(file: FileRecord, summary: Summary): Html[] {
  const others = summary.rejectedForOthers;
  return [
    html`Repair ${count(toRepair(summary) - others, 'row')} in <code>${fileReportNames(file).rejected}</code> and drop that file into the inbox as it is. Its last column says what is wrong with each row and may stay.`,
    ...(others > 0
      ? [
          html`${count(others, 'row')} without an error of ${others === 1 ? 'its' : 'their'} own ${others === 1 ? 'goes' : 'go'} along in it.`,
        ]
      : []),
    html`Dropping the whole file again does no harm: rows already taken in are recognised and not paid twice.`,
  ];
}

function forPayeeData(needs: readonly Need[]): Html[] {
  const each = needs.map(({ concern, count: payouts }) => `${count(payouts, 'payout')} ${concern}`).join(', ');
  return [
    html`${each}. Check the payee's account, name and bank with the payee; the rows below say what the provider answered.`,
    html`What finally failed is paid again on a person's word only: <code>paydrop retry CUSTOMER/ORDER/INSTRUCTION</code>`,
  ];
}

function toRepair({ byStatus, takenInWith }: Summary): number {
  return (byStatus.get('rejected') ?? 0) - sum(takenInWith);
}

/** What was to be repaired and is. */
function repaired({ takenInWith }: Summary): Html | '' {
  if (takenInWith.size === 0) return '';
  const each = [...takenInWith].map(([file, rows]) => `${count(rows, 'row')} with file ${sixDigits(file)}`).join(', ');
  const rows = sum(takenInWith);
  return html`<p class="soft">${count(rows, 'rejected row')} ${rows === 1 ? 'was' : 'were'} taken in since: ${each}.</p>`;
}

function sum(rows: ReadonlyMap<number, number>): number {
  return [...rows.values()].reduce((all, some) => all + some, 0);
}
