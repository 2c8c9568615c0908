/**
 * The console: pages about what paydrop does, and forms in which a person decides. It is served by `watch`, in the
 * process that sends payouts: what it reads is read a page at a time, and actions come one after another. A pause waits
 * for no other action, and no action waits while the provider is asked for another one.
 */
import { systemClock } from '../platform/clock.ts';
import { consolePages } from '../reports/reports.ts';
import type { Settings } from '../settings/settings.ts';
import { ACTIONS, act } from './console/actions.ts';
import { formOf, isOwnRequest, sessionCookie, sessionToken } from './console/guard.ts';
import * as pages from './console/pages.ts';
import { reportOf } from './console/reports.ts';
import { openLine, openTurn, type Turn } from './console/turn.ts';
import { pageFor, pageForAnyone, seeOther, type Visit } from './console/visit.ts';
import type { Answer, Route, WebRequest } from './http.ts';
import { workspaceSettings } from './place.ts';
import { endSession, openSession, personOfLink, SESSION_HOURS, signedIn } from './sign-in.ts';
import type { Site } from './site.ts';

type Page = (visit: Visit, kept: pages.Kept) => Promise<Answer>;

const PAGES: Readonly<Record<string, Page>> = {
  '/': pages.home,
  '/held': pages.held,
  '/needs': pages.needs,
  '/search': pages.search,
  '/files': pages.files,
  '/file': pages.file,
  '/payout': pages.payout,
  '/runs': pages.runs,
  '/machines': pages.machines,
  '/settings': pages.settingsShown,
  '/explain': pages.explained,
};

export function consoleRoute(site: Site): Route {
  const kept = pages.keepStanding();
  const [acting, asking, pausing] = [openTurn(), openTurn(), openTurn()];
  const searching = openLine({ all: MOST_SEARCHES, each: MOST_SEARCHES_OF_ONE });
  const turnOf = (path: string) => (PAUSES.includes(path) ? pausing : ASKS.includes(path) ? asking : acting);
  return async (request) => {
    const { pathname } = request.url;
    const { STYLE_PATH, REPORTS, CONSOLE_STYLE } = await consolePages();
    if (pathname === STYLE_PATH) return { status: 200, headers: STYLE_HEADERS, body: CONSOLE_STYLE };
    const page = Object.hasOwn(PAGES, pathname) ? PAGES[pathname] : undefined;
    const action = Object.hasOwn(ACTIONS, pathname) ? ACTIONS[pathname] : undefined;
    const report = pathname.startsWith(REPORTS) ? pathname.slice(REPORTS.length) : undefined;
    const isOurs = page || action || report !== undefined || ['/sign-in', '/sign-out'].includes(pathname);
    if (!isOurs) return undefined;
    const found = await visitorOf(site, request);
    if ('status' in found) return found;
    const { visit, settings } = found;
    if (request.method === 'POST') {
      if (!isOwnRequest(request)) return strange(site, settings);
      if (pathname === '/sign-in') return signIn(site, request, settings);
      if (!visit) return signedOut(settings);
      if (pathname === '/sign-out') return signOut(visit, request);
      if (!action) return { ...NOT_SO, headers: { allow: 'GET, HEAD' } };
      return acted(visit, request, action, { kept, turn: turnOf(pathname), deciding: acting });
    }
    if (request.method !== 'GET') return { ...NOT_SO, headers: { allow: 'GET, HEAD, POST' } };
    if (pathname === '/sign-in') return signInForm(site, request, settings);
    if (!visit) return signedOut(settings);
    if (report !== undefined) return reportPage(visit, report);
    if (!page) return { ...NOT_SO, headers: { allow: 'POST' } };
    if (page !== pages.search) return page(visit, kept);
    const searched = await searching(sessionToken(request) ?? '', visit.gone, () => page(visit, kept));
    if (typeof searched !== 'string') return searched;
    return pages.notSearched(visit, { why: FULL[searched], retryAfterS: SEARCH_AGAIN_S });
  };
}

/** Under way and waiting, of all and of one session: each takes seconds, so that the last is answered in time. */
const MOST_SEARCHES = 6;
const MOST_SEARCHES_OF_ONE = 3;
const SEARCH_AGAIN_S = 5;
const FULL = {
  'full of one': 'Your earlier searches are still under way. Wait for one of them, or close its page, and try again.',
  full: 'Other people search, too, and too many wait already. Try again in a few seconds.',
} as const;

const STYLE_HEADERS = { 'content-type': 'text/css; charset=utf-8' };
const NOT_SO = { status: 405, body: 'method not allowed\n' };
const FORBIDDEN = 403;
/** From the request on: before the server's own limit for an answer. */
const ACT_MS = 20_000;
/** They have a turn of their own, because a pause is for when something else goes wrong. */
const PAUSES = ['/pause', '/resume'];
/** They ask the provider first, and decide in turn with the other actions after that. */
const ASKS = ['/retry'];
const AWAY: Answer = { status: 503, body: 'The records are out of reach. Try again in a moment.\n' };
const UNREADABLE: Answer = { status: 503, body: 'The settings can not be read. paydrop doctor says why.\n' };

/** Who asks, by what paydrop.json says now; nobody where `visit` is undefined. */
async function visitorOf(
  site: Site,
  request: WebRequest,
): Promise<{ visit: Visit | undefined; settings: Settings } | Answer> {
  const tools = site.tools();
  if (!tools) return AWAY;
  const read = workspaceSettings(tools.settings.workspace);
  if (!read.ok) return UNREADABLE;
  const settings = read.value;
  const token = sessionToken(request);
  const who = token === undefined ? undefined : await signedIn({ ...tools, settings }, token);
  return { settings, visit: who && { site, tools, settings, who, url: request.url, gone: request.gone } };
}

async function strange({ log }: Site, settings: Settings): Promise<Answer> {
  log.warn({}, 'a form that did not come from a page of the console was refused');
  const { problemPage } = await consolePages();
  const why = ['This did not come from a page of the console, so nothing was done. Send it from there.'];
  return pageForAnyone(settings, problemPage('Nothing was done', why, '/'), FORBIDDEN);
}

async function signedOut(settings: Settings, why = ''): Promise<Answer> {
  const { signedOutPage } = await consolePages();
  return pageForAnyone(settings, signedOutPage(why), FORBIDDEN);
}

const SPENT = 'This link does not sign in: it was used, is too old, or was never made.';

async function signInForm(site: Site, { url }: WebRequest, settings: Settings): Promise<Answer> {
  const token = url.searchParams.get('token') ?? '';
  const tools = site.tools();
  const person = tools && (await personOfLink({ ...tools, settings }, token));
  if (person === undefined) return signedOut(settings, SPENT);
  const { signInPage } = await consolePages();
  return pageForAnyone(settings, signInPage(person, token), 200);
}

async function signIn(site: Site, request: WebRequest, settings: Settings): Promise<Answer> {
  const token = (await formOf(request))?.get('token') ?? '';
  const tools = site.tools();
  const session = tools && (await openSession({ ...tools, settings }, token));
  if (session === undefined) {
    site.log.warn({}, 'a link to the console was refused: it was used, is too old, or was never made');
    return signedOut(settings, SPENT);
  }
  return seeOther('/', { 'set-cookie': sessionCookie(session, SESSION_HOURS) });
}

async function signOut({ tools, settings }: Visit, request: WebRequest): Promise<Answer> {
  await endSession({ ...tools, settings }, sessionToken(request) ?? '');
  return seeOther('/', { 'set-cookie': sessionCookie('', SESSION_HOURS) });
}

/**
 * Does what a form asks for, in its turn. The turn begins once the form has arrived, so that a slow form delays no other.
 * What takes too long is told that it is late, and then ends without a decision.
 */
async function acted(
  visit: Visit,
  request: WebRequest,
  action: (typeof ACTIONS)[string],
  { kept, turn, deciding }: { readonly kept: pages.Kept; readonly turn: Turn; readonly deciding: Turn },
): Promise<Answer> {
  const [late, ended] = [new AbortController(), new AbortController()];
  void systemClock.sleep(ACT_MS, ended.signal).then(() => late.abort());
  try {
    const form = await formOf(request);
    return await turn(() => done(visit, { request, form, late: late.signal, deciding }, action, kept));
  } finally {
    ended.abort();
  }
}

async function done(
  visit: Visit,
  {
    request,
    form,
    ...asked
  }: { request: WebRequest; form: URLSearchParams | undefined; late: AbortSignal; deciding: Turn },
  action: (typeof ACTIONS)[string],
  kept: pages.Kept,
): Promise<Answer> {
  const { problemPage } = await consolePages();
  if (!form)
    return pageFor(visit, problemPage('Nothing was done', ['This is no form of the console.'], '/'), undefined, 400);
  const outcome = await act(visit, action, { form, ...asked });
  kept.forget();
  if (!outcome.ok) {
    visit.site.log.warn({ action: request.url.pathname }, 'a decision in the console was not recorded');
    return pageFor(visit, problemPage('Nothing was done', outcome.why, outcome.back), undefined, outcome.status);
  }
  visit.site.log.info({ action: request.url.pathname }, 'decided in the console');
  visit.site.wake();
  const joined = outcome.to.includes('?') ? '&' : '?';
  return seeOther(`${outcome.to}${joined}done=${outcome.done}`);
}

async function reportPage(visit: Visit, name: string): Promise<Answer> {
  const { problemPage } = await consolePages();
  const report = await reportOf(visit.settings.outbox, name);
  if (report !== undefined && report !== 'too-large') return report;
  const why =
    report === 'too-large'
      ? 'It is too large to be shown here: it lies in the outbox.'
      : 'There is no such report in the outbox of this machine.';
  return pageFor(visit, problemPage('Not here', [why], '/files'), '/files', 404);
}
