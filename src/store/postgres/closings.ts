/**
 * What a person has closed, because it needs nothing more here. No status changes: the closing is recorded with the
 * person and the reason, and what is closed is no longer asked for.
 */
import type { InstructionStatus } from '../../domain/status.ts';
import {
  assertClosable,
  type ClosableFile,
  closedEvent,
  fileClosedEvent,
  isClosable,
  payoutClosedBy,
} from '../closings.ts';
import type { Closing, Store } from '../port.ts';
import { isClosed } from './conditions.ts';
import type { Connection } from './connection.ts';
import { settle } from './repairs.ts';
import { markStale } from './stale.ts';
import { arrays, column, insertion, statement } from './statement.ts';
import type { Writing } from './trail.ts';

type ClosingVerbs = Pick<Store, 'closePayouts' | 'closeFile' | 'closedPayouts' | 'closedCounts' | 'closings'>;

const UNCHANGED = column<[ids: number[], statuses: string[], versions: number[]], number>(`
  SELECT i.id FROM unnest($1::bigint[], $2::text[], $3::bigint[]) AS asked (id, status, version)
  JOIN instructions i ON i.id = asked.id AND i.status = asked.status AND i.version = asked.version
  WHERE NOT ${isClosed('i')}`);
const insertPayouts = insertion<[seq: number, instruction: number, version: number]>('closings', {
  seq: 'bigint',
  instruction: 'bigint',
  version: 'bigint',
});

const CLOSABLE_FILE = statement<[number: number], ClosableFile>(`
  SELECT done, CASE WHEN duplicate_of IS NULL THEN problem::json ->> 'code' ELSE 'FILE_ALREADY_PROCESSED' END AS code,
    greatest(0, rejected - repaired - stood_for) AS open,
    EXISTS (SELECT 1 FROM closings WHERE closings.file = files.number) AS closed
  FROM files WHERE number = $1`);
const INSERT_FILE = statement<[seq: number, file: number, rows: number]>(
  'INSERT INTO closings (seq, file, rows) VALUES ($1, $2, $3)',
);

const CLOSED_BY = arrays<[ids: number[]], [id: number, body: string]>(`
  SELECT i.id, audit.body FROM closings
  JOIN instructions i ON i.id = closings.instruction AND i.version = closings.version
  JOIN audit ON audit.seq = closings.seq
  WHERE closings.instruction = ANY ($1::bigint[])`);
const COUNTS = statement<[], { status: InstructionStatus; count: number }>(`
  SELECT status, count(*) AS count
  FROM closings JOIN instructions i ON i.id = closings.instruction AND i.version = closings.version
  GROUP BY status ORDER BY status`);
const BETWEEN = statement<[after: number, upTo: number], Closing>(
  'SELECT seq, instruction, version, file, rows FROM closings WHERE seq > $1 AND seq <= $2 ORDER BY seq',
);

export function closingVerbs(db: Connection, writing: Writing): ClosingVerbs {
  return {
    closePayouts: payoutCloser(writing),
    closeFile: (file, rows, decision, moment) =>
      writing(moment, async (session, append) => {
        const found = await CLOSABLE_FILE.get(session, file);
        if (!isClosable(found, rows)) return 'stale';
        await INSERT_FILE.run(session, append(fileClosedEvent(file, rows, found, decision)), file, rows);
        await settle(session, file, undefined);
        return 'closed';
      }),
    async closedPayouts(ids) {
      const closed = new Map(await CLOSED_BY.all(db, [...ids]));
      return ids.map((id) => {
        const body = closed.get(id);
        return body === undefined ? undefined : payoutClosedBy(body);
      });
    },
    closedCounts: () => COUNTS.all(db),
    closings: (afterSeq, upToSeq) => BETWEEN.all(db, afterSeq, upToSeq),
  };
}

function payoutCloser(writing: Writing): Store['closePayouts'] {
  return (targets, decision, moment) =>
    writing(moment, async (session, append) => {
      targets.forEach(assertClosable);
      const ids = targets.map(({ id }) => id);
      const found = await UNCHANGED.all(
        session,
        ids,
        targets.map(({ from }) => from),
        targets.map(({ version }) => version),
      );
      if (new Set(found).size < targets.length) return 'stale';
      await insertPayouts(
        session,
        targets.map((target) => [append(closedEvent(target, decision), target.id), target.id, target.version]),
      );
      await markStale(session, ids);
      return 'closed';
    });
}
