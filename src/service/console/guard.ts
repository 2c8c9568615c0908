/** Whether a request that changes something comes from a page of the console itself. */
import type { WebRequest } from '../http.ts';

/**
 * A browser says by itself where a request comes from, and no page can change that. `none` is a person at the browser.
 * A browser that says nothing of it must name the origin. Pages send no referrer, so that a form of theirs may come with
 * the origin `null`.
 */
export function isOwnRequest({ headers, url }: Pick<WebRequest, 'headers' | 'url'>): boolean {
  const site = headers['sec-fetch-site'];
  const { origin } = headers;
  if (site === undefined) return origin === url.origin;
  if (origin !== undefined && origin !== 'null' && origin !== url.origin) return false;
  return site === 'same-origin' || site === 'none';
}

const COOKIE = '__Host-paydrop';

/** The token of the session, as the browser sends it. */
export function sessionToken({ headers }: Pick<WebRequest, 'headers'>): string | undefined {
  for (const pair of (headers.cookie ?? '').split(';')) {
    const [name = '', value] = pair.trim().split('=', 2);
    if (name === COOKIE && value) return value;
  }
  return undefined;
}

/** Browsers take a cookie for secure connections alone over loopback, too. An empty token ends the session in the browser. */
export function sessionCookie(token: string, hours: number): string {
  const age = token === '' ? 0 : hours * 3_600;
  return `${COOKIE}=${token}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=${age}`;
}

/** A form has few fields, and a name may come more than once. A larger one is none of ours. */
const MOST_FORM_BYTES = 128 * 1024;
const FORM = 'application/x-www-form-urlencoded';

/** Undefined for what is no form of the console. */
export async function formOf({ headers, body }: WebRequest): Promise<URLSearchParams | undefined> {
  const [type = ''] = (headers['content-type'] ?? '').split(';');
  if (type.trim().toLowerCase() !== FORM) return undefined;
  const bytes = await body();
  if (bytes.length > MOST_FORM_BYTES) return undefined;
  return new URLSearchParams(bytes.toString('utf8'));
}
