/** Decisions that were dropped and refused: what an operator reads of them as long as they matter. */
import type { DecisionFileRecord, Store } from '../store/store.ts';
import { decisionAnswerName } from './context.ts';
import { type Html, html } from './html.ts';
import { linkTo, shortened } from './table.ts';
import { count, oneLine } from './words.ts';

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

/** A page names the latest of them, at most so many. */
const NAMED = 5;

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

/** A line for each, with the link to its answer. */
export function refusedLines(refused: readonly RefusedDecision[]): Html[] {
  const latest = refused.slice(-NAMED);
  const others = refused.length - latest.length;
  return [
    ...latest.map(
      ({ name, why, answer }) =>
        html`<p>The decision <code>${shortened(oneLine(name))}</code> was refused: ${shortened(oneLine(why))}. ${linkTo(answer)}</p>`,
    ),
    ...(others > 0 ? [html`<p>${count(others, 'earlier decision')} refused as well.</p>`] : []),
  ];
}
