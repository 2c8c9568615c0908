/** What look-ups answered that did not settle a payout: kept with it, and told in its history when the words are others. */
import type { KeptAnswer, Store } from '../store.ts';
import type { Connection } from './connection.ts';
import { staleMarker } from './files.ts';
import { OPEN } from './reading.ts';
import type { Trail } from './trail.ts';

type AnswerVerbs = Pick<Store, 'keepAnswers' | 'keepOrderAnswer' | 'countFutureAsNow'>;

export function answerVerbs(db: Connection, trail: Trail): AnswerVerbs {
  const standing = db.prepare<[number, number], { status: string; answer: string }>(
    'SELECT status, answer FROM instructions WHERE id = ? AND version = ?',
  );
  const update = db.prepare<[string, string, number]>(
    'UPDATE instructions SET answer = ?, answer_since = ? WHERE id = ?',
  );
  const ofOrder = db.prepare<[string, number]>('UPDATE orders SET registration_answer_since = ? WHERE id = ?');
  const stale = staleMarker(db);

  const keep = db.transaction((answers: readonly KeptAnswer[], at: string) => {
    const append = trail.appending();
    const told = new Set<number>();
    for (const { id, version, answer, since } of answers) {
      const before = standing.get(id, version);
      if (!before) throw new Error(`Instruction ${id} can't keep an answer: it isn't in version ${version}`);
      update.run(answer, since, id);
      if (answer === before.answer) continue;
      append({ type: 'answer', at, from: before.status, to: before.status, message: answer }, id);
      told.add(id);
    }
    stale(told);
  });

  return {
    async keepAnswers(answers, at) {
      keep.immediate(answers, at);
    },
    async keepOrderAnswer(order, since) {
      ofOrder.run(since, order);
    },
    countFutureAsNow: futureCounter(db),
  };
}

/** Only what is waited for: an unclear send or refusal of what is in doubt, and answers that age. */
function futureCounter(db: Connection): Store['countFutureAsNow'] {
  const inDoubt = `status = 'unknown' AND ${OPEN.replace('i.status', 'status')}`;
  const statements = [
    `UPDATE instructions SET unclear_at = min(unclear_at, :at), refused_at = min(refused_at, :at)
     WHERE ${inDoubt} AND (unclear_at > :at OR refused_at > :at)`,
    `UPDATE instructions SET answer_since = :at WHERE answer <> '' AND answer_since > :at`,
    `UPDATE orders SET registration_unclear_at = min(registration_unclear_at, :at),
       registration_refused_at = min(registration_refused_at, :at),
       registration_answer_since = min(registration_answer_since, :at)
     WHERE (registration = 'sending' OR registration = 'unknown') AND
       max(registration_unclear_at, registration_refused_at, registration_answer_since) > :at`,
  ].map((sql) => db.prepare<{ at: string }>(sql));
  const count = db.transaction((at: string) => {
    for (const statement of statements) statement.run({ at });
  });
  return async (at) => {
    count.immediate(at);
  };
}
