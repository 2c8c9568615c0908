/**
 * Who needs to do what: the open needs of a file, as attention.ts finds them, each with the person who can act on it.
 */

import { attention, type Need, refusedFiles } from '../domain/attention.ts';
import { describeCode } from '../domain/codes.ts';
import { whoAndWhy } from '../domain/decision.ts';
import { sixDigits } from '../domain/file-number.ts';
import { byLife, FINAL_FAILURES } from '../domain/status.ts';
import type { FileRecord } from '../store/store.ts';
import { fileReportNames } from './context.ts';
import { type Html, html } from './html.ts';
import { fileLink, linkTo, shortened, unbroken } from './table.ts';
import { rowsToRepair, type Summary } from './totals.ts';
import { openByStatus } from './verdict.ts';
import { count, oneLine, QUARANTINE, totalsRowsLeftOut, were } from './words.ts';

/** `related`: the files that repair this one. */
export function tasks(file: FileRecord, summary: Summary, related: readonly FileRecord[]): Html {
  const open = byPerson(needsOf(file, summary));
  return html`<section aria-labelledby="tasks">
<h2 id="tasks">Who needs to do what</h2>
${open.size === 0 ? html`<p>Nothing to do.</p>` : html`<ul class="tasks">${[...open].map(([who, needs]) => item(who, texts(needs, file, summary)))}</ul>`}
${settled(file, summary, related)}
</section>`;
}

function needsOf(file: FileRecord, summary: Summary): Need[] {
  const refused =
    !file.closed && file.problem !== undefined && file.duplicateOf === undefined && !summary.byStatus.has('rejected');
  return attention({
    byStatus: openByStatus(summary),
    toRepair: rowsToRepair(file, summary),
    ...refusedFiles(refused ? [file] : []),
  });
}

/** The person who can correct what came with the file is first. */
function byPerson(needs: readonly Need[]): Map<string, Need[]> {
  const open = new Map<string, Need[]>();
  for (const need of [...needs].sort((a, b) => byLife(b.concern, a.concern)))
    open.set(need.who, [...(open.get(need.who) ?? []), need]);
  return open;
}

function item(who: string, what: readonly Html[]): Html {
  return html`<li><p class="who">${who}</p><div class="what">${what.map((text) => html`<p>${text}</p>`)}</div></li>`;
}

function texts(needs: readonly Need[], file: FileRecord, summary: Summary): Html[] {
  const isLost = ({ concern }: Need) => FINAL_FAILURES.some((status) => status === concern);
  const lost = needs.filter(isLost);
  const others = needs.filter((need) => !isLost(need));
  return [...(lost.length > 0 ? forPayeeData(lost) : []), ...others.flatMap((need) => textOf(need, file, summary))];
}

function textOf(need: Need, file: FileRecord, summary: Summary): Html[] {
  const { concern, count: payouts, task } = need;
  switch (concern) {
    case 'rejected':
      return forSender(file, summary);
    case 'refused-files': {
      const { code = '' } = file.problem ?? {};
      const remedy = describeCode(code)?.remedy ?? '';
      return [
        html`No row was read, nothing was paid. ${remedy}`,
        html`<code>${code}</code>`,
        html`Once it is dropped under the same name and taken in, this is over. Under another name, or if it will not come again, close it: <code>${unbroken(`paydrop close --file ${file.number} --reason TEXT`)}</code>`,
      ];
    }
    case 'irregular-files':
      return [
        html`It was moved, unread, to <code>${QUARANTINE}</code>. ${describeCode('FILE_NOT_REGULAR')?.remedy ?? ''} Then close this one: <code>${unbroken(`paydrop close --file ${file.number} --reason TEXT`)}</code>`,
      ];
    case 'manual':
      return [
        html`${count(payouts, 'payout')} without a clear answer: find out with the provider whether it was paid, then record it with <code>paydrop resolve CUSTOMER/ORDER/INSTRUCTION</code> and <code>--paid</code> or <code class="nowrap">--not-paid</code>, each with <code>${unbroken('--reason TEXT')}</code>.`,
      ];
    case 'unknown':
      return [
        html`${count(payouts, 'payout')} being looked up after an unclear answer. It may have been paid: don't pay it another way. Look into it if it stays so for more than a day.`,
      ];
    case 'held':
      return [html`${count(payouts, 'payout')} held back: “Needs an approver” below has the reasons and the commands.`];
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
  const own = rowsToRepair(file, summary) - others;
  const rejected = linkTo(fileReportNames(file).rejected);
  const back = html`leave the <code>errors</code> column, drop the file back into the inbox under its name.`;
  return [
    own > 0
      ? html`${count(own, 'row')} to correct in ${rejected}; ${back}`
      : html`${summary.totalsRows === 1 ? 'The totals row' : 'The totals rows'} to remove from ${rejected}; ${back}`,
    ...(others > 0
      ? [
          html`${count(others, 'row')} without an error of ${others === 1 ? 'its' : 'their'} own ${others === 1 ? 'goes' : 'go'} along in it.`,
        ]
      : []),
    html`Dropping the whole file again does no harm: rows already taken in are recognised and not paid twice.`,
    html`Rows that will not be corrected are closed: <code class="copy">paydrop close --file ${file.number} --reason TEXT</code>`,
  ];
}

function forPayeeData(needs: readonly Need[]): Html[] {
  const each = needs.map(({ concern, count: payouts }) => `${count(payouts, 'payout')} ${concern}`).join(', ');
  return [
    html`${each}. Check the payee's account, name and bank with the payee; the rows below say what the provider answered.`,
    html`A payout that did not arrive is paid again only when you say so: <code>${unbroken('paydrop retry CUSTOMER/ORDER/INSTRUCTION --reason TEXT')}</code>`,
    html`One that will not be paid again from here is closed: <code>${unbroken('paydrop close CUSTOMER/ORDER/INSTRUCTION --reason TEXT')}</code>`,
  ];
}

/** Rows that need no person any more, or never did. */
function settled(file: FileRecord, summary: Summary, related: readonly FileRecord[]): Html {
  const { takenInWith, repairedWith, totalsRows, closed } = summary;
  const { stoodFor = 0 } = file;
  const rejected = closed.get('rejected') ?? 0;
  const lines: (Html | string)[] = [
    sum(takenInWith) > 0
      ? html`${were(sum(takenInWith), 'rejected row')} taken in since: ${eachFile(takenInWith, related)}.`
      : '',
    sum(repairedWith) > 0
      ? html`${were(sum(repairedWith), 'rejected row')} dropped again since: ${eachFile(repairedWith, related)}, whose page says what became of ${sum(repairedWith) === 1 ? 'it' : 'them'}.`
      : '',
    stoodFor > 0
      ? `Up to ${count(stoodFor, 'rejected row')} came again with other references, so it can't be told which.`
      : '',
    totalsRows > 0 && file.problem === undefined ? totalsRowsLeftOut(summary) : '',
    file.closed ? closedText(file.closed, rejected) : '',
  ];
  return html`${lines.filter((text) => text !== '').map((text) => html`<p class="soft">${text}</p>`)}`;
}

function closedText(decision: NonNullable<FileRecord['closed']>, rejected: number): string {
  const what = rejected === 0 ? '' : ` ${count(rejected, 'rejected row')} will not be repaired.`;
  return shortened(oneLine(`Closed by ${whoAndWhy(decision)}`)) + (what && `.${what}`);
}

function eachFile(rows: ReadonlyMap<number, number>, related: readonly FileRecord[]): Html {
  const each = [...rows].map(([number, some], at) => {
    const file = related.find((other) => other.number === number);
    return html`${at === 0 ? '' : ', '}${count(some, 'row')} with ${file ? fileLink(file) : `file ${sixDigits(number)}`}`;
  });
  return html`${each}`;
}

function sum(rows: ReadonlyMap<number, number>): number {
  return [...rows.values()].reduce((all, some) => all + some, 0);
}
