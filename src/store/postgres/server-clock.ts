/**
 * The server's clock: what is unclear is dated by it, and a quarantine is measured by it, so that it does not matter how
 * far the clocks of machines are apart.
 */
import type { Clock } from '../../platform/clock.ts';
import { serverTime } from './conditions.ts';
import type { Session } from './connection.ts';
import { column } from './statement.ts';

/** Stands in for that of the server. */
export type ServerClock = Pick<Clock, 'now'>;

const NOW = column<[], string>(`SELECT ${serverTime()}`);

export async function serverNow(session: Session): Promise<number> {
  const now = await NOW.get(session);
  if (now === undefined) throw new Error('The server does not tell its time');
  return Date.parse(now);
}
