/** The Retry-After header (RFC 9110, 10.2.3). */

const SHORTEST_MS = 1_000;
const LONGEST_MS = 15 * 60_000;

const SECONDS = /^[0-9]{1,9}$/;
const HTTP_DATE = /^[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT$/;

/**
 * The milliseconds to wait, from seconds or an HTTP date, clamped to [1 s, 15 min]: a provider may slow paydrop down
 * but not stop it. Undefined without a header, or for any other text.
 */
export function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  const text = header?.trim() ?? '';
  let waitMs = Number.NaN;
  if (SECONDS.test(text)) waitMs = Number(text) * 1000;
  else if (HTTP_DATE.test(text)) waitMs = Date.parse(text) - nowMs;
  return Number.isNaN(waitMs) ? undefined : Math.min(Math.max(waitMs, SHORTEST_MS), LONGEST_MS);
}
