/** What every adapter has in common where links and sessions of the console are kept. */

/** One new link removes no more than these. */
export const MOST_REMOVED = 100;

/**
 * SQL: a link that was not used and is late by then, or a session that has ended. What a person has signed for a session
 * stays: the audit log has the hash of its signature alone, with each decision of the session.
 */
export const NO_USE = (at: string) =>
  `(session IS NULL AND expires_at <= ${at} OR statement = '' AND ends_at <= ${at})`;
