/** The numbers of files and runs: see store/numbers.ts. */
import { highestTaken, type Numbered } from '../numbers.ts';
import type { Store } from '../port.ts';
import type { Connection } from './connection.ts';
import { setOwnFact } from './facts.ts';
import type { Me } from './me.ts';
import { column } from './statement.ts';

/**
 * SQL for the next number: after the last, and after those that a restored backup has forgotten. Each machine knows what
 * stands in its own outbox and archive, so the highest of all counts.
 */
export function nextNumber(table: Numbered): string {
  return `(
    SELECT greatest(
      coalesce((SELECT max(number) FROM ${table}), 0),
      coalesce((SELECT max(value::bigint) FROM machine_facts WHERE name = '${table}-skipped'), 0)) + 1)`;
}

const LAST = {
  files: column<[], number>('SELECT coalesce(max(number), 0) FROM files'),
  runs: column<[], number>('SELECT coalesce(max(number), 0) FROM runs'),
};

export function numberSkipper(db: Connection, { name: machine = '' }: Me): Store['skipNumbers'] {
  return (taken) =>
    db.writing(async (session) => {
      const skip = async (table: Numbered): Promise<number> => {
        const highest = highestTaken(taken[table], (await LAST[table].get(session)) ?? 0);
        await setOwnFact(session, `${table}-skipped`, String(highest), machine);
        return highest;
      };
      return { files: await skip('files'), runs: await skip('runs') };
    });
}
