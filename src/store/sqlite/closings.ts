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
import type { Closing, Decision, Moment, Store, Target } from '../port.ts';
import type { Connection } from './connection.ts';
import { staleMarker } from './files.ts';
import { settling } from './repairs.ts';
import type { Trail } from './trail.ts';

type ClosingVerbs = Pick<Store, 'closePayouts' | 'closeFile' | 'closedPayouts' | 'closedCounts' | 'closings'>;

/** Thrown to roll everything back: something has changed since the closing was decided. */
const STALE = new Error('What is to be closed has changed');

/**
 * SQL: whether a person has closed an instruction in its present version. An instruction that changes later is open
 * again.
 */
export const isClosed = (instruction: string) =>
  `EXISTS (SELECT 1 FROM closings WHERE closings.instruction = ${instruction}.id AND closings.version = ${instruction}.version)`;

export function closingVerbs(db: Connection, trail: Trail): ClosingVerbs {
  const payouts = payoutCloser(db, trail);
  const file = fileCloser(db, trail);
  const by = db
    .prepare<[number], string>(`
      SELECT body FROM closings JOIN instructions ON instructions.id = closings.instruction
        AND instructions.version = closings.version JOIN audit ON audit.seq = closings.seq
      WHERE closings.instruction = ?`)
    .pluck();
  const closedOf = db.transaction((ids: readonly number[]) =>
    ids.map((id) => {
      const body = by.get(id);
      return body === undefined ? undefined : payoutClosedBy(body);
    }),
  );
  const counts = db.prepare<[], { status: InstructionStatus; count: number }>(`
    SELECT status, count(*) AS count FROM closings CROSS JOIN instructions
      ON instructions.id = closings.instruction AND instructions.version = closings.version
    GROUP BY status`);
  const between = db.prepare<[number, number], Closing>(
    'SELECT seq, instruction, version, file, rows FROM closings WHERE seq > ? AND seq <= ? ORDER BY seq',
  );
  return {
    closePayouts: async (targets, decision, moment) => unlessStale(() => payouts(targets, decision, moment)),
    closeFile: async (number, rows, decision, moment) => unlessStale(() => file(number, rows, decision, moment)),
    closedPayouts: async (ids) => closedOf(ids),
    closedCounts: async () => counts.all(),
    closings: async (afterSeq, upToSeq) => between.all(afterSeq, upToSeq),
  };
}

function unlessStale(close: () => void): 'closed' | 'stale' {
  try {
    close();
    return 'closed';
  } catch (error) {
    if (error === STALE) return 'stale';
    throw error;
  }
}

function payoutCloser(db: Connection, trail: Trail) {
  const isUnchanged = db
    .prepare<[number, string, number], 1>(
      `SELECT 1 FROM instructions i WHERE id = ? AND status = +? AND version = ? AND NOT ${isClosed('i')}`,
    )
    .pluck();
  const keep = db.prepare<[number, number, number]>(
    'INSERT INTO closings (seq, instruction, version) VALUES (?, ?, ?)',
  );
  const markStale = staleMarker(db);
  const close = db.transaction((targets: readonly Target[], decision: Decision, moment: Moment) => {
    for (const target of targets) {
      const { id, version, from } = target;
      assertClosable(target);
      if (isUnchanged.get(id, from, version) === undefined) throw STALE;
      trail.append(moment, closedEvent(target, decision), id);
      keep.run(trail.head().seq, id, version);
    }
    markStale(targets.map(({ id }) => id));
  });
  return close.immediate;
}

function fileCloser(db: Connection, trail: Trail) {
  const stateOf = db.prepare<[number], ClosableFile>(`
    SELECT done, iif(duplicate_of IS NULL, problem ->> 'code', 'FILE_ALREADY_PROCESSED') AS code,
      max(0, rejected - repaired - stood_for) AS open,
      EXISTS (SELECT 1 FROM closings WHERE closings.file = files.number) AS closed
    FROM files WHERE number = ?`);
  const settle = settling(db);
  const keep = db.prepare<[number, number, number]>('INSERT INTO closings (seq, file, rows) VALUES (?, ?, ?)');
  const close = db.transaction((file: number, rows: number, decision: Decision, moment: Moment) => {
    const state = stateOf.get(file);
    if (!isClosable(state, rows)) throw STALE;
    trail.append(moment, fileClosedEvent(file, rows, state, decision));
    keep.run(trail.head().seq, file, rows);
    settle(file, undefined);
  });
  return close.immediate;
}
