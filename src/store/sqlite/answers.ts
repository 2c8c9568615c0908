/**
 * Answers of look-ups that did not settle a payout. Each is kept with its payout, and entered in the payout's history
 * when its words differ from the last answer.
 */
import type { KeptAnswer, Moment, Store } from '../port.ts';
import type { Connection } from './connection.ts';
import { staleMarker } from './files.ts';
import type { Trail } from './trail.ts';

type AnswerVerbs = Pick<Store, 'keepAnswers' | 'keepOrderAnswer'>;

export function answerVerbs(db: Connection, trail: Trail): AnswerVerbs {
  const current = db.prepare<[number, number], { status: string; answer: string; since: string }>(
    'SELECT status, answer, answer_since AS since FROM instructions WHERE id = ? AND version = ?',
  );
  const update = db.prepare<[string, string, number]>(
    'UPDATE instructions SET answer = ?, answer_since = ? WHERE id = ?',
  );
  const ofOrder = db.prepare<[string, number]>(
    "UPDATE orders SET registration_answer_since = ? WHERE id = ? AND registration = 'unknown'",
  );
  const stale = staleMarker(db);

  const keep = db.transaction((answers: readonly KeptAnswer[], moment: Moment) => {
    const append = trail.appending(moment);
    const toReport = new Set<number>();
    const late: KeptAnswer[] = [];
    for (const kept of answers) {
      const { id, version, answer, since } = kept;
      const before = current.get(id, version);
      if (!before) {
        late.push(kept);
        continue;
      }
      update.run(answer, since, id);
      const isSame = answer === before.answer;
      // Reports show an answer for as long as it isn't settled.
      if (!isSame || (since === '') !== (before.since === '')) toReport.add(id);
      if (isSame) continue;
      append({ type: 'answer', from: before.status, to: before.status, message: answer }, id);
    }
    stale(toReport);
    return late;
  });

  return {
    keepAnswers: async (answers, moment) => keep.immediate(answers, moment),
    async keepOrderAnswer(order, since) {
      ofOrder.run(since, order);
    },
  };
}
