/** What a row's references stand for already, and whether the row says anything that wasn't said of it before. */

import { API } from '../domain/api.ts';
import {
  earlierStatementOf,
  type InstructionContent,
  type InstructionRef,
  PAYOUT_FIELDS,
  statedByContent,
  statementOf,
} from '../domain/instruction.ts';
import { AMENDABLE, AMENDABLE_AT_PROVIDER } from '../domain/status.ts';
import type { Settings } from '../settings/settings.ts';
import type { RowRecord, Store, StoredInstruction } from '../store/store.ts';
import { differences } from './holders.ts';

/** As the store has it, or as an earlier row of the file makes it. */
export type Existing = Pick<
  StoredInstruction,
  'id' | 'version' | 'status' | 'content' | 'payout' | 'amountMinor' | 'currency' | 'contentRow' | 'sends' | 'amendment'
> & {
  /** What was said of it that doesn't stand any more, with the rows (Store.statementsOf). */
  readonly replaced: ReadonlyMap<string, number>;
};

export const NOTHING_REPLACED: ReadonlyMap<string, number> = new Map();

/**
 * The last instruction with a row's references where none holds them: it was rejected after all, for its order never came, or came with
 * another currency than its amount's.
 */
export type Lapsed = Pick<StoredInstruction, 'id' | 'content' | 'contentRow'> & Pick<Existing, 'replaced'>;

export async function lapsedOf(store: Store, refs: readonly InstructionRef[]): Promise<(Lapsed | undefined)[]> {
  return withReplaced(store, await store.lapsedInstructions(refs));
}

export async function existingOf(store: Store, refs: readonly InstructionRef[]): Promise<(Existing | undefined)[]> {
  return withReplaced(store, await store.findInstructions(refs));
}

async function withReplaced(
  store: Store,
  found: readonly (StoredInstruction | undefined)[],
): Promise<((StoredInstruction & Pick<Existing, 'replaced'>) | undefined)[]> {
  const ids = found.flatMap((instruction) => (instruction ? [instruction.id] : []));
  const replaced = ids.length === 0 ? [] : await store.statementsOf(ids);
  let next = 0;
  return found.map((instruction) => instruction && { ...instruction, replaced: replaced[next++] ?? NOTHING_REPLACED });
}

/** Of a row that is a duplicate. */
export interface SaidBefore {
  readonly original: number;
  readonly restates?: NonNullable<Extract<RowRecord, { kind: 'duplicate' }>['restates']>;
}

/**
 * The row that said the same, if one did. The row that created an instruction asked for no change: an UPDATE that brings its content
 * back is a new one, the first time. But one that came while that content stood changed nothing then, and doesn't when it comes again.
 */
export function saidBefore(
  { id, content: current, contentRow, replaced, amendment }: Existing,
  action: 'CREATE' | 'UPDATE',
  content: InstructionContent,
): SaidBefore | undefined {
  const stands = sameContent(current, content);
  if (stands && (action === 'CREATE' || contentRow !== id)) return { original: contentRow };
  const original = replaced.size === 0 ? undefined : saidOnce(replaced, action, content);
  if (original !== undefined) return { original };
  // Where the provider is being asked for a change, it would take that back.
  if (!stands || amendment) return undefined;
  return { original: contentRow, restates: { instruction: id, statement: statementOf('UPDATE', content) } };
}

function saidOnce(
  replaced: Existing['replaced'],
  action: 'CREATE' | 'UPDATE',
  content: InstructionContent,
): number | undefined {
  const actions = action === 'UPDATE' ? (['UPDATE'] as const) : (['CREATE', 'UPDATE'] as const);
  return actions
    .flatMap((said) => [statementOf(said, content), earlierStatementOf(said, content)])
    .map((statement) => replaced.get(statement))
    .find((row) => row !== undefined);
}

export type After = NonNullable<Extract<RowRecord, { kind: 'instruction' }>['after']>;

/** What a row comes to whose references nothing holds. */
type Anew =
  | SaidBefore
  /** It is taken in as an instruction of its own. */
  | { readonly after?: After }
  | 'not-found';

/**
 * What was rejected after all may be dropped once more as it stood last, or repaired by a row of the same kind. What had been replaced by
 * then stays replaced, and so does what stood last once another row has taken its place.
 */
export function saidAnew(
  lapsed: Lapsed | undefined,
  row: number,
  action: 'CREATE' | 'UPDATE',
  content: InstructionContent,
): Anew {
  if (!lapsed) return action === 'CREATE' ? {} : 'not-found';
  const wasUpdated = lapsed.contentRow !== lapsed.id || lapsed.replaced.has(statementOf('UPDATE', lapsed.content));
  const isLast = sameContent(lapsed.content, content) && (action === 'CREATE' || wasUpdated);
  const original = isLast ? undefined : saidOnce(lapsed.replaced, action, content);
  if (original !== undefined) return { original };
  if (action === 'UPDATE' && !wasUpdated) return 'not-found';
  const last = statementOf(wasUpdated ? 'UPDATE' : 'CREATE', lapsed.content);
  const statements = [...lapsed.replaced, [last, lapsed.contentRow], [statementOf(action, content), row]] as const;
  return { after: { lapsed: lapsed.id, statements: new Map(statements) } };
}

/** What was said of it once other content stands. */
export function replacedWith({ id, content, contentRow, replaced }: Existing): Existing['replaced'] {
  return new Map([[statementOf(contentRow === id ? 'CREATE' : 'UPDATE', content), contentRow], ...replaced]);
}

/** Nothing of it has gone to the provider, not even in a send that turned out not to have left. */
export function isAmendable({ status, sends }: Existing): boolean {
  return AMENDABLE.includes(status) && sends === 0;
}

/** The provider has clearly taken it, and its API can change what has not been processed. */
export function isAmendableAtProvider({ status }: Existing, { provider }: Settings): boolean {
  return API[provider.api].amends && AMENDABLE_AT_PROVIDER.includes(status);
}

export function sameContent(a: InstructionContent, b: InstructionContent): boolean {
  return (
    a.amount === b.amount &&
    a.openDate === b.openDate &&
    a.dueDate === b.dueDate &&
    PAYOUT_FIELDS.every((name) => a.details[name] === b.details[name]) &&
    (JSON.stringify(a.managed) === JSON.stringify(b.managed) ||
      differences(statedByContent(a), statedByContent(b), undefined) === '')
  );
}
