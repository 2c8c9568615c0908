/** Decisions that were dropped and refused: what an operator reads of them as long as they matter. */
import type { DecisionFileRecord, Store } from '../store/store.ts';
import { decisionAnswerName } from './context.ts';

export interface RefusedDecision {
  readonly number: number;
  /** As it was dropped. */
  readonly name: string;
  /** The file that it is about; undefined where that can't be told. */
  readonly file: number | undefined;
  /** A sentence without its full stop. */
  readonly why: string;
  /** The name of the answer in the outbox. */
  readonly answer: string;
}

export async function refusedDecisions(store: Pick<Store, 'refusedDecisions' | 'file'>): Promise<RefusedDecision[]> {
  const found: RefusedDecision[] = [];
  for (const refused of await store.refusedDecisions()) found.push(await read(store, refused));
  return found;
}

async function read(
  store: Pick<Store, 'file'>,
  { number, name, file, answer }: DecisionFileRecord,
): Promise<RefusedDecision> {
  const about = file === undefined ? undefined : await store.file(file);
  const { reason: why = '' } = JSON.parse(answer) as { readonly reason?: string };
  return { number, name, file, why, answer: decisionAnswerName(about, name, number) };
}
