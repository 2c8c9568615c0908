/** What needs whom: a file's open ends, each with the person who can do something about it. */
import { describeCode } from '../codes.ts';
import type { RowStatus } from '../instruction.ts';
import type { FileRecord } from '../store.ts';
import { fileReportNames } from './context.ts';
import { type Html, html } from './html.ts';
import type { Summary } from './totals.ts';
import { count } from './words.ts';

interface Task {
  readonly who: string;
  readonly what: readonly Html[];
}

const PAYEE_STATUSES = ['declined', 'failed', 'reversed'] as const;

export function tasks(file: FileRecord, summary: Summary): Html {
  const open = [
    ...fromSender(file, summary),
    ...fromPayeeData(summary),
    ...fromEngineer(summary),
    ...fromOrders(summary),
  ];
  return html`<section aria-labelledby="tasks">
<h2 id="tasks">What needs whom</h2>
${open.length === 0 ? html`<p>Nothing needs anybody.</p>` : html`<ul class="tasks">${open.map(item)}</ul>`}
</section>`;
}

function item({ who, what }: Task): Html {
  return html`<li><p class="who">${who}</p><div class="what">${what.map((text) => html`<p>${text}</p>`)}</div></li>`;
}

function fromSender(file: FileRecord, summary: Summary): Task[] {
  const who = 'Whoever sent the file';
  const rejected = rows(summary, 'rejected');
  const others = summary.rejectedForOthers;
  if (rejected > 0)
    return [
      {
        who,
        what: [
          html`Repair ${count(rejected - others, 'row')} in <code>${fileReportNames(file).rejected}</code> and drop that file into the inbox as it is. Its last column says what is wrong with each row and may stay.`,
          ...(others > 0
            ? [
                html`${count(others, 'row')} without an error of ${others === 1 ? 'its' : 'their'} own ${others === 1 ? 'goes' : 'go'} along in it.`,
              ]
            : []),
          html`Dropping the whole file again does no harm: rows already taken in are recognised and not paid twice.`,
        ],
      },
    ];
  if (!file.problem || file.duplicateOf !== undefined) return [];
  const known = describeCode(file.problem.code);
  return [
    {
      who,
      what: [html`No row was read, nothing was paid. ${known?.remedy ?? ''}`, html`<code>${file.problem.code}</code>`],
    },
  ];
}

function fromPayeeData(summary: Summary): Task[] {
  const found = PAYEE_STATUSES.filter((status) => rows(summary, status) > 0);
  if (found.length === 0) return [];
  const each = found.map((status) => `${count(rows(summary, status), 'payout')} ${status}`).join(', ');
  return [
    {
      who: "Whoever keeps the payees' data",
      what: [
        html`${each}. Check the payee's account, name and bank with the payee; the rows below say what the provider answered.`,
        html`What finally failed is paid again on a person's word only: <code>paydrop retry CUSTOMER/ORDER/INSTRUCTION</code>`,
      ],
    },
  ];
}

function fromEngineer(summary: Summary): Task[] {
  const who = 'An engineer';
  const unknown = rows(summary, 'unknown');
  const manual = rows(summary, 'manual');
  const held = rows(summary, 'held');
  const what = [
    ...(manual > 0
      ? [
          html`${count(manual, 'payout')} without a clear answer: find out with the provider whether it was paid, then record it with <code>paydrop resolve CUSTOMER/ORDER/INSTRUCTION</code> and <code>--paid</code> or <code>--not-paid</code>, each with <code>--reason TEXT</code>.`,
        ]
      : []),
    ...(unknown > 0
      ? [
          html`${count(unknown, 'payout')} being looked up after an unclear answer. It may have been paid: don't pay it another way. Look into it if it stays so for more than a day.`,
        ]
      : []),
    ...(held > 0 ? [html`${count(held, 'payout')} held back. Nothing is sent until a person releases it.`] : []),
  ];
  return what.length === 0 ? [] : [{ who, what }];
}

function fromOrders(summary: Summary): Task[] {
  const waiting = rows(summary, 'waiting') - summary.asked;
  if (waiting === 0) return [];
  return [
    {
      who: 'Whoever sends the orders',
      what: [
        html`${count(waiting, 'instruction')} without an order so far. Drop the orders file; an instruction that has waited too long is rejected.`,
      ],
    },
  ];
}

function rows(summary: Summary, status: RowStatus): number {
  return summary.byStatus.get(status) ?? 0;
}
