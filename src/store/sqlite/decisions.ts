/** What persons decide about held payouts: kept with the audit entry and, where it came in a file, with that file. */
import { rowPlace } from '../../domain/instruction.ts';
import {
  type ApprovalRow,
  approvalsById,
  approvedEvent,
  type DecisionFileRow,
  decisionFileRecord,
  type LargestRow,
  largestHeld,
  refusedEvent,
} from '../decisions.ts';
import { fileRange } from '../file-record.ts';
import type { Control, DecisionFileRecord } from '../port.ts';
import type { Applier } from './changes.ts';
import type { Connection } from './connection.ts';
import { staleMarker } from './files.ts';
import { refusedDecisions } from './refused-decisions.ts';
import type { Trail } from './trail.ts';

type DecisionVerbs = Pick<
  Control,
  'approvalsOf' | 'decide' | 'noteRefused' | 'refusedDecisions' | 'largestHeld' | 'decisionFile' | 'decisionFilesAbout'
>;

/** Thrown to roll a decision back: what was decided about has changed. */
const STALE = new Error('What was decided about has changed');

export function decisionVerbs(db: Connection, trail: Trail, apply: Applier): DecisionVerbs {
  // A yes is what the log says: a row without its entry is none.
  const given = db.prepare<[string], ApprovalRow>(`
    SELECT approvals.instruction, body ->> 'contentRow' AS contentRow, body ->> 'attempt' AS attempt, body ->> 'seen' AS seen, body ->> 'code' AS reasons,
      body ->> 'by' AS person, coalesce(body ->> 'key', '') AS key, coalesce(body ->> 'account', '') AS account
    FROM json_each(?) AS asked CROSS JOIN approvals ON approvals.instruction = asked.value
    JOIN audit ON audit.seq = approvals.seq AND audit.instruction = approvals.instruction
    WHERE body ->> 'type' = 'approved' ORDER BY approvals.seq`);
  const decide = decider(db, trail, apply);
  const keepFile = fileKeeper(db);
  const standing = refusedDecisions(db);
  // The page of the file shows it.
  const markStale = db.prepare<[number]>('UPDATE files SET revision = revision + 1 WHERE number = ?');
  const refused = db.transaction((...[file, why, moment]: Parameters<Control['noteRefused']>) => {
    const number = keepFile(file);
    standing.add(number, file.file);
    if (file.file !== undefined) markStale.run(file.file);
    trail.append(moment, refusedEvent(number, file, why));
  });
  const select = 'SELECT number, claim, name, business_date AS businessDate, file, answer FROM decision_files';
  const byClaim = db.prepare<[string], DecisionFileRow>(`${select} WHERE claim = ?`);
  const about = db.prepare<[number], DecisionFileRow>(`${select} WHERE file = ? ORDER BY number`);
  const byNumber = db.prepare<[number], DecisionFileRow>(`${select} WHERE number = ?`);
  return {
    approvalsOf: async (ids) => approvalsById(ids, given.all(JSON.stringify([...new Set(ids)]))),
    async decide(...asked) {
      try {
        decide(...asked);
        return 'decided';
      } catch (error) {
        if (error === STALE) return 'stale';
        throw error;
      }
    },
    async noteRefused(...asked) {
      refused.immediate(...asked);
    },
    refusedDecisions: async () =>
      standing.standing().flatMap((number) => {
        const row = byNumber.get(number);
        return row ? [decisionFileRecord(row)] : [];
      }),
    largestHeld: largestHeldReader(db),
    async decisionFile(claim) {
      const row = byClaim.get(claim);
      return row && decisionFileRecord(row);
    },
    decisionFilesAbout: async (file) => about.all(file).map(decisionFileRecord),
  };
}

function largestHeldReader(db: Connection): Control['largestHeld'] {
  type Row = Omit<LargestRow, 'file'> & { file: bigint };
  const largest = db
    .prepare<{ first: number; last: number }, Row>(`
      SELECT content_row >> 32 AS file, currency, max(amount_minor) AS amountMinor, code AS codes FROM instructions
      WHERE status = 'held' AND content_row BETWEEN :first AND :last AND amount_minor IS NOT NULL
      GROUP BY 1, 2, code ORDER BY 1, 2, code`)
    .safeIntegers();
  return async (file) => {
    const range = file === undefined ? { first: 0, last: Number.MAX_SAFE_INTEGER } : fileRange(file);
    return largest.all(range).map((row) => largestHeld({ ...row, file: Number(row.file) }));
  };
}

function decider(db: Connection, trail: Trail, apply: Applier) {
  const keep = db.prepare<[number, number]>('INSERT INTO approvals (seq, instruction) VALUES (?, ?)');
  const isHeld = db
    .prepare<[number, number], 1>("SELECT 1 FROM instructions WHERE id = ? AND status = 'held' AND version = ?")
    .pluck();
  const markStale = staleMarker(db);
  const keepFile = fileKeeper(db);
  const refused = refusedDecisions(db);
  // What was shown with the payout may not be all any more.
  const judgeAnew = db.prepare<[number]>('UPDATE files SET judged = 0 WHERE number = ?');
  const decide = db.transaction((...[payouts, decision, moment, file]: Parameters<Control['decide']>) => {
    const number = file && keepFile(file);
    refused.replace(payouts.map(({ change }) => change.id));
    for (const payout of payouts) {
      const { id, version } = payout.change;
      if (isHeld.get(id, version) === undefined) throw STALE;
      if (!payout.yes) continue;
      trail.append(moment, approvedEvent(payout, payout.yes, decision, number), id);
      keep.run(trail.head().seq, id);
    }
    apply(
      payouts.flatMap(({ change }) => (change.to === 'held' ? [] : [change])),
      moment,
      [],
    );
    markStale(payouts.map(({ change }) => change.id));
    const stating = payouts.flatMap(({ yes }) => (yes ? [rowPlace(yes.contentRow).file] : []));
    for (const number of new Set(stating)) judgeAnew.run(number);
  });
  return decide.immediate;
}

/** Keeps a dropped decision, and returns its number. */
function fileKeeper(db: Connection): (file: Omit<DecisionFileRecord, 'number'>) => number {
  const insert = db
    .prepare<[string, string, string, number | null, string], number>(`
      INSERT INTO decision_files (claim, name, business_date, file, answer) VALUES (?, ?, ?, ?, ?) RETURNING number`)
    .pluck();
  return ({ claim, name, businessDate, file, answer }) => {
    const number = insert.get(claim, name, businessDate, file ?? null, answer);
    if (number === undefined) throw new Error(`Keeping the decision ${claim} gave no number`);
    return number;
  };
}
