/** Pages of the console that are mostly text: signing in, one file, settings, what a code means, and why not. */
import type { Explained } from '../../domain/explained.ts';
import { sixDigits } from '../../domain/file-number.ts';
import { grouped } from '../../domain/money.ts';
import type { FileRecord } from '../../store/store.ts';
import type { ReportContext } from '../context.ts';
import { type Html, html } from '../html.ts';
import { shortened, timeOf } from '../table.ts';
import { oneLine, problemOf } from '../words.ts';
import { addressOf, REPORTS, type Shown, whyFields } from './frame.ts';
import { fileState } from './lists.ts';

export function signInPage(person: string, token: string): Shown {
  return {
    title: 'Sign in',
    body: html`<p>This link signs you in as <strong><bdi>${shortened(oneLine(person))}</bdi></strong>, once.</p>
<form method="post" action="/sign-in">
<input type="hidden" name="token" value="${token}">
<p class="buttons"><button class="main">Sign in</button></p>
</form>`,
  };
}

/** For who has not signed in. */
export function signedOutPage(why: string): Shown {
  return {
    title: 'Not signed in',
    body: html`<p>${why}</p>
<p>On the machine, <code>paydrop sign-in NAME</code> makes a link that signs you in.</p>`,
  };
}

/** Why something was not done or is not there. `back` is where a person may look. */
export function problemPage(title: string, why: readonly string[], back: string): Shown {
  return {
    title,
    body: html`<div role="alert">${why.map((text) => html`<p class="notice bad">${shortened(oneLine(text))}</p>`)}</div>
<p><a href="${back}">See how it stands now</a></p>`,
  };
}

export interface FileShown {
  readonly file: FileRecord;
  /** Its reports that are in the outbox of this machine. */
  readonly reports: readonly string[];
  /** What a person may close of it, as a form sends it back; undefined where nothing is open. */
  readonly toClose: string | undefined;
}

export function fileShownPage({ file, reports, toClose }: FileShown, context: ReportContext): Shown {
  const { number, name, kind, receivedAt, businessDate, sha256, size, progress, problem, toRepair } = file;
  const facts: (readonly [string, Html | string])[] = [
    ['State', fileState(file)],
    ['Received', timeOf(receivedAt, context)],
    ['Kind', kind ?? 'not recognised'],
    ['Business date', businessDate],
    ['Rows', grouped(String(progress.rows))],
    ['Size', `${grouped(String(size))} bytes`],
    ['SHA-256', html`<code>${sha256 || 'not read'}</code>`],
    ...(problem ? [['Why it was not taken in', shortened(problemOf(problem))] as const] : []),
    ...(toRepair > 0 ? [['Rejected rows to correct', grouped(String(toRepair))] as const] : []),
  ];
  const from = number * 2 ** 32;
  return {
    title: shortened(oneLine(name)),
    lead: `File ${sixDigits(number)}`,
    body: html`<section aria-labelledby="facts"><h2 id="facts">The file</h2>
<dl class="facts-list">${facts.map(([term, text]) => html`<div><dt>${term}</dt><dd>${text}</dd></div>`)}</dl>
</section>
<section aria-labelledby="reports"><h2 id="reports">Its reports</h2>
${reports.length === 0 ? html`<p>There is none in the outbox of this machine.</p>` : html`<ul>${reports.map((one) => html`<li><a href="${REPORTS}${one}"><code>${one}</code></a></li>`)}</ul>`}
</section>
<section aria-labelledby="payouts"><h2 id="payouts">Its payouts</h2>
<p><a href="${addressOf('/search', { before: String(from + 2 ** 32) })}">The payouts of this file and of those before it</a></p>
<p><a href="${addressOf('/held', { after: String(from) })}">What is held back, from this file on</a></p>
</section>
${toClose === undefined ? '' : closeForm(number, toClose)}`,
  };
}

function closeForm(number: number, version: string): Html {
  return html`<section aria-labelledby="close"><h2 id="close">Close it</h2>
<p>What was rejected of it will not be corrected. Nothing is paid or changed by that.</p>
<form class="act" method="post" action="/close-file">
<input type="hidden" name="number" value="${number}">
<input type="hidden" name="version" value="${version}">
${whyFields('close')}
<p class="buttons"><button>Close it</button></p>
</form></section>`;
}

/** A setting by its name in paydrop.json, and whether the file states it. */
export interface ShownSetting {
  readonly name: string;
  readonly value: string;
  readonly stated: boolean;
}

export function settingsPage(settings: readonly ShownSetting[], stale: boolean): Shown {
  return {
    title: 'Settings',
    lead: 'As paydrop.json says now; they are changed there. Secrets are never shown, and of an address no more than where it leads.',
    body: html`${stale ? html`<p class="notice warn">The service was started with other settings. Who may decide is as it stands here; everything else changes when paydrop watch is started again.</p>` : ''}
<section aria-labelledby="all"><h2 id="all">All settings</h2>
<dl class="facts-list">${settings.map(({ name, value, stated }) => html`<div><dt><code>${shortened(oneLine(name))}</code></dt><dd>${shortened(oneLine(value)) || '–'}${stated ? '' : html` <span class="soft small">(default)</span>`}</dd></div>`)}</dl>
</section>`,
  };
}

export function explainPage({ code, title, facts }: Explained): Shown {
  return {
    title: code,
    lead: title,
    body: html`<dl class="facts-list">${facts.map(([name, text]) => html`<div><dt>${name}</dt><dd>${text}</dd></div>`)}</dl>`,
  };
}
