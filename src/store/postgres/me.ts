/** This machine, as the verbs of the store know it. */
import { UnavailableError } from '../../platform/failures.ts';
import type { Session } from './connection.ts';
import type { MachineSession } from './session.ts';
import { column } from './statement.ts';

/** The machine on which this store is open. Without a session it only reads, or records what a person decides. */
export interface Me {
  readonly name?: string;
  readonly session?: MachineSession;
}

const STANDS = column<[id: number], boolean>('SELECT ended_at IS NULL FROM machines WHERE id = $1 FOR SHARE');

/** Throws where another machine has taken this one for gone. Until the transaction ends, none can. */
export async function requireStanding(session: Session, { session: machine }: Me): Promise<void> {
  if (machine && !(await STANDS.get(session, machine.id)))
    throw new UnavailableError(
      'another machine took this one for gone, because its connection to the database had ended: start it again',
    );
}
