/**
 * The run of what comes after its own run has ended: a machine that was taken for gone still tells what became of its
 * requests, and the others may have ended and reported that run. Nothing belongs to a run after its end, so this begins a
 * run on arrival, in which no machine is. The next pass ends and reports it.
 */
import { requireNumber } from '../numbers.ts';
import type { Session } from './connection.ts';
import { nextNumber } from './numbers.ts';
import { column, statement } from './statement.ts';

export interface LaterRun {
  readonly number: number;
  /** Once; then it does nothing. */
  begin(): Promise<void>;
}

const NEXT = column<[], number>(`SELECT ${nextNumber('runs')}`);
const BEGIN = statement<[number: number, businessDate: string, startedAt: string]>(
  "INSERT INTO runs (number, kind, business_date, started_at) VALUES ($1, 'arrival', $2, $3)",
);

/** For use where the chain's head is locked: no other run gets the number. */
export async function laterRun(session: Session, businessDate: string, at: string): Promise<LaterRun> {
  const number = (await NEXT.get(session)) ?? 1;
  requireNumber(number);
  let hasBegun = false;
  return {
    number,
    async begin() {
      if (hasBegun) return;
      hasBegun = true;
      await BEGIN.run(session, number, businessDate, at);
    },
  };
}
