/** The one machine that may have these records. */
import type { MachineRecord, Store } from '../port.ts';
import { WHOLE } from '../share.ts';
import { hasNotArrived } from './conditions.ts';
import type { Connection } from './connection.ts';
import { IS_STALE } from './files.ts';

type InHand = Pick<MachineRecord, 'sending' | 'halfTaken' | 'toReport'>;

export function machineVerbs(db: Connection): Pick<Store, 'commonTime' | 'share' | 'turn' | 'hindrance' | 'machines'> {
  const inHand = db.prepare<[], InHand>(`
    SELECT
      (SELECT count(*) FROM instructions i WHERE ${hasNotArrived('i.status')} AND i.status = 'sending') AS sending,
      (SELECT count(*) FROM files WHERE done = 0) AS halfTaken,
      (SELECT count(*) FROM files WHERE ${IS_STALE}) AS toReport`);
  return {
    commonTime: async (ownMs) => ownMs,
    share: async () => WHOLE,
    turn: async () => 0,
    hindrance: async () => undefined,
    machines: async () => {
      const has = inHand.get() ?? { sending: 0, halfTaken: 0, toReport: 0 };
      return [{ name: '', version: '', since: '', alive: true, ...has }];
    },
  };
}
