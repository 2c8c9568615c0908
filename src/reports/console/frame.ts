/** What every page of the console has around it: the way to the other pages, who is signed in, and what was just done. */
import type { ReportContext } from '../context.ts';
import { documentOf, type Html, html } from '../html.ts';
import { shortened } from '../table.ts';
import { oneLine } from '../words.ts';

export const STYLE_PATH = '/style.css';

/** The pages of the console, in the order of its menu. */
export const PLACES = {
  '/': 'Now',
  '/held': 'Held back',
  '/needs': 'Needs a person',
  '/search': 'Search',
  '/files': 'Files',
  '/runs': 'Runs',
  '/machines': 'Machines',
  '/settings': 'Settings',
} as const;

export type Place = keyof typeof PLACES;

/** What a person has just done, by the name that an address may have. */
export const DONE = {
  approved: 'Your yes is recorded. What has every yes that it needs is sent by the next run that may send it.',
  refused: 'Your no is recorded: it is cancelled, and never sent.',
  resolved: 'Your decision is recorded.',
  retried: 'It is ready to be paid again, by the next run that may send it.',
  closed: 'It is closed. Nothing is paid or changed by that.',
  paused: 'Paused: nothing is sent from the next request on. A request under way is finished.',
  resumed: 'Resumed: the next run sends what is due.',
} as const;

export type Done = keyof typeof DONE;

/** Who looks at a page. */
export interface Frame {
  readonly context: ReportContext;
  /** Undefined for who has not signed in. */
  readonly person: string | undefined;
  /** Which entry of the menu it belongs to. */
  readonly place: Place | undefined;
  readonly done?: Done | undefined;
  /** Why the sending is paused, as the beginning of a sentence. */
  readonly paused?: string | undefined;
}

/** A page with a title, and all that it says. */
export interface Shown {
  readonly title: string;
  /** Below the title, in few words. */
  readonly lead?: Html | string;
  readonly body: Html;
}

export function consolePage({ title, lead, body }: Shown, frame: Frame): string {
  const { context, person, done, paused } = frame;
  const whole = html`<a class="skip" href="#main">Skip to the content</a>
<div class="sheet">
<header>
${person === undefined ? '' : menu(frame, person)}
${paused === undefined ? '' : html`<p class="notice warn"><strong>Sending is ${shortened(oneLine(paused))}.</strong></p>`}
${done === undefined ? '' : html`<p class="notice good" role="status">${DONE[done]}</p>`}
<h1>${title}</h1>
${lead === undefined || lead === '' ? '' : html`<p class="soft">${lead}</p>`}
</header>
<main id="main" tabindex="-1">
${body}
</main>
</div>`;
  const style = html`
<link rel="stylesheet" href="${STYLE_PATH}">`;
  return documentOf(title, context.provider.sandbox, { first: '', last: style, body: whole });
}

function menu({ place }: Frame, person: string): Html {
  const links = Object.entries(PLACES).map(
    ([path, name]) => html`<li><a href="${path}"${path === place ? html` aria-current="page"` : ''}>${name}</a></li>`,
  );
  return html`<div class="top"><nav aria-label="Console"><ul class="menu">${links}</ul></nav>
<form class="who" method="post" action="/sign-out"><span class="soft small">Signed in as <bdi>${shortened(oneLine(person))}</bdi></span> <button class="quiet">Sign out</button></form></div>`;
}

/** Leads to the next page of a list, or to its beginning. */
export function pager(
  path: string,
  query: Readonly<Record<string, string>>,
  next: number | undefined,
  key: string,
): Html {
  const first = addressOf(path, query);
  const on =
    next === undefined
      ? ''
      : html`<a rel="next" href="${addressOf(path, { ...query, [key]: String(next) })}">Go on</a>`;
  return html`<nav aria-label="Pages of the list"><p class="pager"><a href="${first}">From the beginning</a>${on}</p></nav>`;
}

/** A path with a query. Values that are empty are left out. */
export function addressOf(path: string, query: Readonly<Record<string, string>>): string {
  const given = Object.entries(query).filter(([, value]) => value !== '');
  const text = new URLSearchParams(given).toString();
  return text === '' ? path : `${path}?${text}`;
}

/** Where the console shows a payout. */
export function payoutAddress(ref: { customerRef: string; orderRef: string; instructionRef: string }): string {
  return addressOf('/payout', { ref: [ref.customerRef, ref.orderRef, ref.instructionRef].join('/') });
}

export function fileAddress(number: number): string {
  return addressOf('/file', { number: String(number) });
}

/** Where the console serves a report of the outbox. */
export const REPORTS = '/reports/';

/** A field of a form with its label. */
export function field(label: string, name: string, more: Html, hint: string = ''): Html {
  const id = `field-${name}`;
  const described = hint === '' ? '' : html` aria-describedby="${id}-hint"`;
  return html`<p class="field"><label for="${id}">${label}</label><input id="${id}" name="${name}"${described} ${more}>${hint === '' ? '' : html`<span id="${id}-hint" class="soft small">${hint}</span>`}</p>`;
}

/** Why, for every decision; and the ticket that has the case. */
export function whyFields(id: string): Html {
  return html`<p class="field"><label for="why-${id}">Reason</label><input id="why-${id}" name="reason" required maxlength="1000" autocomplete="off" dir="auto"></p>
<p class="field"><label for="ticket-${id}">Ticket <span class="soft">(if there is one)</span></label><input id="ticket-${id}" name="ticket" maxlength="100" autocomplete="off"></p>`;
}
