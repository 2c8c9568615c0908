/** This machine, as the verbs of the store know it. */
import { UnavailableError } from '../../platform/failures.ts';
import { serverTime } from './conditions.ts';
import type { Session } from './connection.ts';
import type { MachineSession } from './session.ts';
import { column, statement } from './statement.ts';

/** The machine on which this store is open. Without a session it only reads, or records what a person decides. */
export interface Me {
  readonly name?: string;
  readonly session?: MachineSession;
}

const STANDS = column<[id: number], boolean>('SELECT ended_at IS NULL FROM machines WHERE id = $1 FOR SHARE');

const TAKE_FOR_GONE = statement<[]>(`
  UPDATE machines SET ended_at = ${serverTime()} WHERE ended_at IS NULL AND id NOT IN (SELECT id FROM living_machines)`);

/** What the machines whose sessions have ended had in hand is the others' from here on. */
export async function takeForGone(session: Session): Promise<void> {
  await TAKE_FOR_GONE.run(session);
}

/** Whether no other machine has taken this one for gone. Until the transaction ends, none can. */
export async function isStanding(session: Session, { session: machine }: Me): Promise<boolean> {
  return machine === undefined || (await STANDS.get(session, machine.id)) === true;
}

export function takenForGone(): UnavailableError {
  return new UnavailableError(
    'another machine took this one for gone, because its connection to the database had ended: start it again',
  );
}

export async function requireStanding(session: Session, me: Me): Promise<void> {
  if (!(await isStanding(session, me))) throw takenForGone();
}
