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
import { applyChanges } from './changes.ts';
import type { Connection, Session } from './connection.ts';
import { addRefused, replaceRefused, standingRefused } from './refused-decisions.ts';
import { markStale } from './stale.ts';
import { column, insertion, statement } from './statement.ts';
import type { Append, Times, Writing } from './trail.ts';

type DecisionVerbs = Pick<
  Control,
  'approvalsOf' | 'decide' | 'noteRefused' | 'refusedDecisions' | 'largestHeld' | 'decisionFile' | 'decisionFilesAbout'
>;

// A yes is what the log says: a row without its entry is none.
const GIVEN = statement<[ids: number[]], ApprovalRow>(`
  SELECT approvals.instruction, (body::json ->> 'contentRow')::bigint AS "contentRow",
    (body::json ->> 'attempt')::bigint AS attempt, body::json ->> 'seen' AS seen, body::json ->> 'code' AS reasons,
    body::json ->> 'by' AS person, coalesce(body::json ->> 'key', '') AS key,
    coalesce(body::json ->> 'account', '') AS account
  FROM approvals CROSS JOIN LATERAL (
    SELECT body FROM audit WHERE audit.seq = approvals.seq AND audit.instruction = approvals.instruction OFFSET 0
  ) AS told
  WHERE approvals.instruction = ANY ($1::bigint[]) AND body::json ->> 'type' = 'approved'
  ORDER BY approvals.seq`);

// The page of the file shows it.
const TELL = statement<[file: number]>('UPDATE files SET revision = revision + 1 WHERE number = $1');
const LARGEST = statement<[first: number, last: number], LargestRow>(`
  SELECT content_row >> 32 AS file, currency, max(amount_minor) AS "amountMinor", code AS codes FROM instructions
  WHERE status = 'held' AND content_row BETWEEN $1 AND $2 AND amount_minor IS NOT NULL
  GROUP BY 1, 2, code ORDER BY 1, 2, code`);

const SELECT_FILES = 'SELECT number, claim, name, business_date AS "businessDate", file, answer FROM decision_files';
const BY_CLAIM = statement<[claim: string], DecisionFileRow>(`${SELECT_FILES} WHERE claim = $1`);
const ABOUT = statement<[file: number], DecisionFileRow>(`${SELECT_FILES} WHERE file = $1 ORDER BY number`);

export function decisionVerbs(db: Connection, writing: Writing): DecisionVerbs {
  return {
    approvalsOf: async (ids) => (ids.length === 0 ? [] : approvalsById(ids, await GIVEN.all(db, [...ids]))),
    decide: (payouts, decision, moment, file) =>
      writing(moment, (session, append, times) => decide(session, append, times, [payouts, decision, file])),
    noteRefused: (file, why, moment) =>
      writing(moment, async (session, append) => {
        const number = await keepFile(session, file);
        await addRefused(session, number, file.file);
        if (file.file !== undefined) await TELL.run(session, file.file);
        append(refusedEvent(number, file, why));
      }),
    refusedDecisions: () => db.reading(async (session) => (await standingRefused(session)).map(decisionFileRecord)),
    async largestHeld(file) {
      const { first, last } = file === undefined ? { first: 0, last: Number.MAX_SAFE_INTEGER } : fileRange(file);
      return (await LARGEST.all(db, first, last)).map(largestHeld);
    },
    async decisionFile(claim) {
      const row = await BY_CLAIM.get(db, claim);
      return row && decisionFileRecord(row);
    },
    decisionFilesAbout: async (file) => (await ABOUT.all(db, file)).map(decisionFileRecord),
  };
}

const STILL_HELD = column<[ids: number[], versions: number[]], number>(`
  SELECT count(*) FROM instructions i
  JOIN unnest($1::bigint[], $2::bigint[]) AS asked (id, version) ON asked.id = i.id AND asked.version = i.version
  WHERE i.status = 'held'`);
const keepApprovals = insertion<[seq: number, instruction: number]>('approvals', {
  seq: 'bigint',
  instruction: 'bigint',
});
// What was shown with the payout may not be all any more.
const JUDGE_ANEW = statement<[files: number[]]>('UPDATE files SET judged = 0 WHERE number = ANY ($1::bigint[])');

type Decide = Parameters<Control['decide']>;
type Parts = [Decide[0], Decide[1], Decide[3]];

async function decide(
  session: Session,
  append: Append,
  times: Times,
  [payouts, decision, file]: Parts,
): Promise<'decided' | 'stale'> {
  const ids = payouts.map(({ change }) => change.id);
  const versions = payouts.map(({ change }) => change.version);
  if ((await STILL_HELD.get(session, ids, versions)) !== payouts.length) return 'stale';
  const number = file && (await keepFile(session, file));
  await replaceRefused(session, ids);
  const approved = payouts.flatMap((payout): [number, number][] => {
    if (!payout.yes) return [];
    const { id } = payout.change;
    return [[append(approvedEvent(payout, payout.yes, decision, number), id), id]];
  });
  await keepApprovals(session, approved);
  const moving = payouts.flatMap(({ change }) => (change.to === 'held' ? [] : [change]));
  await applyChanges(session, append, times, moving);
  await markStale(session, ids);
  const stating = payouts.flatMap(({ yes }) => (yes ? [rowPlace(yes.contentRow).file] : []));
  if (stating.length > 0) await JUDGE_ANEW.run(session, [...new Set(stating)]);
  return 'decided';
}

// The lock on the audit chain's head keeps two transactions from taking one number.
const KEEP_FILE = column<[claim: string, name: string, date: string, file: number | null, answer: string], number>(`
  INSERT INTO decision_files (number, claim, name, business_date, file, answer)
  VALUES ((SELECT coalesce(max(number), 0) + 1 FROM decision_files), $1, $2, $3, $4, $5) RETURNING number`);

/** Keeps a dropped decision, and returns its number. */
async function keepFile(
  session: Session,
  { claim, name, businessDate, file, answer }: Omit<DecisionFileRecord, 'number'>,
): Promise<number> {
  const number = await KEEP_FILE.get(session, claim, name, businessDate, file ?? null, answer);
  if (number === undefined) throw new Error(`Keeping the decision ${claim} gave no number`);
  return number;
}
