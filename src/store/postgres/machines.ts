/** The machines that share the records: which are alive, what each has in hand, and what is left of those that are gone. */

import { UNCLEAR_ORDER } from '../conditions.ts';
import type { MachineRecord, Share, Store } from '../port.ts';
import { WHOLE } from '../share.ts';
import { storedInstruction, storedOrder } from '../stored.ts';
import { hasNotArrived } from './conditions.ts';
import type { Connection } from './connection.ts';
import { type Me, takeForGone } from './me.ts';
import { type ServerClock, serverNow } from './server-clock.ts';
import { IS_STALE_AT_HOME } from './stale.ts';
import { column, statement } from './statement.ts';
import { orderStatement, storedStatement } from './stored.ts';

/** What this machine has in `sending` is left from a pass of its own that was cut off: it asks before anything else. */
const PAYOUTS = storedStatement<[limit: number, self: number]>(`
  ${hasNotArrived('i.status')} AND i.status = 'sending' AND NOT EXISTS (
    SELECT 1 FROM sends s JOIN machines m ON m.id = s.machine
    WHERE s.instruction = i.id AND s.send = i.sends AND m.ended_at IS NULL AND m.id <> $2)
  ORDER BY i.id LIMIT $1`);
const ORDERS = orderStatement<[limit: number, self: number]>(`
  WHERE ${UNCLEAR_ORDER} AND registration = 'sending'
    AND NOT EXISTS (SELECT 1 FROM machines m WHERE m.id = orders.machine AND m.ended_at IS NULL AND m.id <> $2)
  ORDER BY id LIMIT $1`);

const LIVING = column<[], number>('SELECT id FROM living_machines ORDER BY id');
const LIVING_IN = column<[run: number], number>(`
  SELECT l.id FROM living_machines l JOIN run_machines r ON r.machine = l.id WHERE r.run = $1 ORDER BY l.id`);
/** No more turns are ever taken ahead. Where the server's clock went back, this is how long the requests wait for it. */
const MOST_TURNS = 1_000;
const TURN = column<[gapMs: number], number>(`
  UPDATE pace SET next_at =
    greatest(least(next_at, clock_timestamp() + ${MOST_TURNS} * $1 * interval '1 millisecond'), clock_timestamp())
    + $1 * interval '1 millisecond'
  RETURNING extract(epoch FROM next_at - clock_timestamp())::float8 * 1000 - $1`);

interface MachineRow extends Omit<MachineRecord, 'sending' | 'halfTaken' | 'toReport'> {
  readonly sending: number;
  readonly halfTaken: number;
  readonly toReport: number;
}

/** Of each name the latest start. */
const MACHINES = statement<[], MachineRow>(`
  WITH latest AS (SELECT DISTINCT ON (name) * FROM machines ORDER BY name, id DESC)
  SELECT name, version, started_at AS since, id IN (SELECT id FROM living_machines) AS alive,
    (SELECT count(*) FROM instructions i JOIN sends s ON s.instruction = i.id AND s.send = i.sends
      WHERE ${hasNotArrived('i.status')} AND i.status = 'sending' AND s.machine = latest.id) AS sending,
    (SELECT count(*) FROM files WHERE NOT done AND files.machine = latest.name) AS "halfTaken",
    (SELECT count(*) FROM files WHERE ${IS_STALE_AT_HOME} AND files.machine = latest.name) AS "toReport"
  FROM latest ORDER BY name`);

export function machineVerbs(
  db: Connection,
  { session: machine }: Me,
  serverClock: ServerClock | undefined,
): Pick<Store, 'commonTime' | 'interrupted' | 'share' | 'turn' | 'hindrance' | 'machines'> {
  return {
    commonTime: async () => serverClock?.now() ?? serverNow(db),
    async interrupted(limit) {
      await db.writing(takeForGone);
      return {
        payouts: (await PAYOUTS.all(db, limit, machine?.id ?? 0)).map(storedInstruction),
        orders: (await ORDERS.all(db, limit, machine?.id ?? 0)).map(storedOrder),
      };
    },
    async share(run): Promise<Share> {
      if (!machine) return WHOLE;
      const living = run === undefined ? await LIVING.all(db) : await LIVING_IN.all(db, run);
      const at = living.indexOf(machine.id);
      return at < 0 ? { at: 0, of: living.length + 1 } : { at, of: living.length };
    },
    turn: async (gapMs) => Math.max(0, (await TURN.get(db, gapMs)) ?? 0),
    hindrance: async () => machine?.hindrance(),
    machines: () => MACHINES.all(db),
  };
}
