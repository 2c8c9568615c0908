/** One request to the console by a person who is signed in. */
import { pausedBy, pauseFileIn } from '../../control/control.ts';
import type { Tools } from '../../pipeline/pipeline.ts';
import { consolePages } from '../../reports/reports.ts';
import type { Settings } from '../../settings/settings.ts';
import type { Answer } from '../http.ts';
import { reportContext } from '../publishing.ts';
import type { SignedIn } from '../sign-in.ts';
import type { Site } from '../site.ts';

export interface Visit {
  readonly site: Site;
  readonly tools: Tools;
  /** As paydrop.json is now: who may decide is asked anew at each request. */
  readonly settings: Settings;
  readonly who: SignedIn;
  readonly url: URL;
  /** Aborts when the browser has gone, or the page is too late. */
  readonly gone: AbortSignal;
}

type Pages = Awaited<ReturnType<typeof consolePages>>;
type Shown = Parameters<Pages['consolePage']>[0];
type Place = NonNullable<Parameters<Pages['consolePage']>[1]['place']>;

const POLICY = "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

const HTML = {
  'content-security-policy': POLICY,
  'content-type': 'text/html; charset=utf-8',
  'cross-origin-opener-policy': 'same-origin',
  'x-frame-options': 'DENY',
};

/** A page for a person who is signed in. */
export async function pageFor(visit: Visit, shown: Shown, place: Place | undefined, status = 200): Promise<Answer> {
  const { consolePage, DONE } = await consolePages();
  const { settings, who, url } = visit;
  const asked = url.searchParams.get('done') ?? '';
  const done = Object.keys(DONE).find((name): name is keyof typeof DONE => name === asked);
  const context = reportContext(settings);
  const paused = await pausedNow(visit);
  return { status, headers: HTML, body: consolePage(shown, { context, person: who.person, place, done, paused }) };
}

/** A page for who has not signed in. */
export async function pageForAnyone(settings: Settings, shown: Shown, status: number): Promise<Answer> {
  const { consolePage } = await consolePages();
  const frame = { context: reportContext(settings), person: undefined, place: undefined };
  return { status, headers: HTML, body: consolePage(shown, frame) };
}

/** Why the sending is paused, as the beginning of a sentence. */
export function pausedNow({ tools, settings }: Pick<Visit, 'tools' | 'settings'>): Promise<string | undefined> {
  return pausedBy(tools.store, () => pauseFileIn(settings.workspace));
}

/** After something was done: the browser asks for the page that shows it. */
export function seeOther(address: string, headers: Answer['headers'] = {}): Answer {
  return { status: 303, headers: { ...headers, location: address } };
}

/** A number in a query or a form; undefined for what is none. */
export function numberIn(text: string | null): number | undefined {
  return text !== null && /^\d{1,16}$/.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : undefined;
}
