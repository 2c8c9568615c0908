/** Which refused decisions still matter: those that no later decision about the same file has replaced. */
import { type DecisionFileRow, MOST_REFUSED, REFUSED_DECISIONS } from '../decisions.ts';
import type { Session } from './connection.ts';
import { getFact, setFact } from './facts.ts';
import { statement } from './statement.ts';

const KEPT = statement<[numbers: number[]], { number: number; file: number | null }>(
  'SELECT number, file FROM decision_files WHERE number = ANY ($1::bigint[]) ORDER BY number',
);
const FILES_OF = statement<[instructions: number[]], { file: number }>(
  'SELECT DISTINCT content_row >> 32 AS file FROM instructions WHERE id = ANY ($1::bigint[])',
);
const STANDING = statement<[numbers: number[]], DecisionFileRow>(`
  SELECT number, claim, name, business_date AS "businessDate", file, answer FROM decision_files d
  WHERE number = ANY ($1::bigint[]) AND EXISTS (
    SELECT 1 FROM instructions i WHERE i.status = 'held' AND (d.file IS NULL OR i.content_row >> 32 = d.file))
  ORDER BY number`);

async function numbers(session: Session): Promise<number[]> {
  return JSON.parse((await getFact(session, REFUSED_DECISIONS)) || '[]') as number[];
}

async function keep(session: Session, kept: readonly number[]): Promise<void> {
  await setFact(session, REFUSED_DECISIONS, kept.length === 0 ? '' : JSON.stringify(kept));
}

/** Those that are about another file; a decision about no file is replaced by any. */
async function without(session: Session, files: ReadonlySet<number | null>): Promise<number[]> {
  const kept = await KEPT.all(session, await numbers(session));
  return kept.flatMap(({ number, file }) => (file === null || files.has(file) ? [] : [number]));
}

/** In the transaction that records one: `file` undefined for a decision about no file. */
export async function addRefused(session: Session, number: number, file: number | undefined): Promise<void> {
  await keep(session, [...(await without(session, new Set([file ?? null]))), number].slice(-MOST_REFUSED));
}

/** In the transaction that records a decision about held payouts. */
export async function replaceRefused(session: Session, instructions: readonly number[]): Promise<void> {
  if ((await numbers(session)).length === 0) return;
  const files = (await FILES_OF.all(session, [...instructions])).map(({ file }) => file);
  await keep(session, await without(session, new Set(files)));
}

/** Those whose file has held payouts. */
export async function standingRefused(session: Session): Promise<DecisionFileRow[]> {
  const kept = await numbers(session);
  return kept.length === 0 ? [] : STANDING.all(session, kept);
}
