/**
 * Answers of look-ups that did not settle a payout. Each is kept with its payout, and entered in the payout's history
 * when its words differ from the last answer.
 */
import type { InstructionStatus } from '../../domain/status.ts';
import type { KeptAnswer, Store } from '../port.ts';
import type { Connection, Session } from './connection.ts';
import { markStale } from './stale.ts';
import { statement } from './statement.ts';
import type { Append, Writing } from './trail.ts';

interface Current {
  readonly id: number;
  readonly status: InstructionStatus;
  readonly answer: string;
  readonly since: string;
}

const CURRENT = statement<[ids: number[], versions: number[]], Current>(`
  SELECT i.id, i.status, i.answer, i.answer_since AS since FROM instructions i
  JOIN unnest($1::bigint[], $2::bigint[]) AS given (id, version) ON given.id = i.id AND given.version = i.version`);
const UPDATE = statement<[ids: number[], answers: string[], since: string[]]>(`
  UPDATE instructions i SET answer = given.answer, answer_since = given.since
  FROM unnest($1::bigint[], $2::text[], $3::text[]) AS given (id, answer, since) WHERE i.id = given.id`);
const OF_ORDER = statement<[since: string, id: number]>(
  "UPDATE orders SET registration_answer_since = $1 WHERE id = $2 AND registration = 'unknown'",
);

export function answerVerbs(db: Connection, writing: Writing): Pick<Store, 'keepAnswers' | 'keepOrderAnswer'> {
  return {
    keepAnswers: (answers, moment) => writing(moment, (session, append) => keep(session, append, answers)),
    keepOrderAnswer: (order, since) =>
      db.writing(async (session) => {
        await OF_ORDER.run(session, since, order);
      }),
  };
}

/** Returns those that come too late. */
async function keep(session: Session, append: Append, answers: readonly KeptAnswer[]): Promise<KeptAnswer[]> {
  const ids = answers.map(({ id }) => id);
  const rows = await CURRENT.all(
    session,
    ids,
    answers.map(({ version }) => version),
  );
  const current = new Map(rows.map((row) => [row.id, row]));
  const toReport = new Set<number>();
  const kept = answers.filter(({ id }) => current.has(id));
  for (const { id, answer, since } of kept) {
    const before = current.get(id);
    if (!before) continue;
    const isSame = answer === before.answer;
    // Reports show an answer for as long as it isn't settled.
    if (!isSame || (since === '') !== (before.since === '')) toReport.add(id);
    if (!isSame) append({ type: 'answer', from: before.status, to: before.status, message: answer }, id);
    current.set(id, { ...before, answer, since });
  }
  const last = new Map(kept.map((one) => [one.id, one]));
  await UPDATE.run(
    session,
    [...last.keys()],
    [...last.values()].map(({ answer }) => answer),
    [...last.values()].map(({ since }) => since),
  );
  await markStale(session, toReport);
  return answers.filter((one) => !kept.includes(one));
}
