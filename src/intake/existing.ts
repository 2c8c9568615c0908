/** The instruction that holds a row's references already, and whether the row states anything new about it. */

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

/** The instruction as the store has it, or as an earlier row of the file makes it. */
export type Existing = Pick<
  StoredInstruction,
  | 'id'
  | 'version'
  | 'status'
  | 'content'
  | 'payout'
  | 'amountMinor'
  | 'currency'
  | 'contentRow'
  | 'sends'
  | 'amendment'
  | 'forgotten'
> & {
  /** The statements about it that no longer stand, each with its row (Store.statementsOf). */
  readonly replaced: ReadonlyMap<string, number>;
};

export const NOTHING_REPLACED: ReadonlyMap<string, number> = new Map();

/**
 * The last instruction with a row's references, where no instruction holds them now. It was taken in and rejected
 * later, because its order never came, or came with a currency that its amount doesn't fit.
 */
export type Lapsed = Pick<StoredInstruction, 'id' | 'content' | 'contentRow' | 'forgotten'> &
  Pick<Existing, 'replaced'>;

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

/** Why a row is a duplicate. */
export interface Repetition {
  readonly original: number;
  readonly restates?: NonNullable<Extract<RowRecord, { kind: 'duplicate' }>['restates']>;
}

/**
 * The row that stated the same, if there is one. The row that created an instruction asked for no change. So an UPDATE
 * that brings the created content back is new the first time. But an UPDATE that came while that content stood changed
 * nothing then, and changes nothing when it comes again.
 */
export function repetitionOf(
  existing: Existing,
  action: 'CREATE' | 'UPDATE',
  content: InstructionContent,
): Repetition | undefined {
  const { id, contentRow, replaced, amendment } = existing;
  const stands = states(existing, content);
  if (stands && (action === 'CREATE' || contentRow !== id)) return { original: contentRow };
  const original = replaced.size === 0 ? undefined : rowThatStated(replaced, action, content);
  if (original !== undefined) return { original };
  // While the provider is being asked for a change, an UPDATE to the content that stands would take that change back.
  if (!stands || amendment) return undefined;
  return { original: contentRow, restates: { instruction: id, statement: statementOf('UPDATE', content) } };
}

function rowThatStated(
  replaced: Existing['replaced'],
  action: 'CREATE' | 'UPDATE',
  content: InstructionContent,
): number | undefined {
  const actions = action === 'UPDATE' ? (['UPDATE'] as const) : (['CREATE', 'UPDATE'] as const);
  return actions
    .flatMap((stated) => [statementOf(stated, content), earlierStatementOf(stated, content)])
    .map((statement) => replaced.get(statement))
    .find((row) => row !== undefined);
}

export type After = NonNullable<Extract<RowRecord, { kind: 'instruction' }>['after']>;

/** What becomes of a row whose references no instruction holds. */
type Anew =
  | Repetition
  /** The row is taken in as a new instruction. */
  | { readonly after?: After }
  | 'not-found';

/**
 * An instruction that was rejected after it was taken in may be dropped once more with its last content, or be repaired
 * by a row of the same kind. Content that was replaced by then stays replaced. The last content stays replaced too,
 * once another row has taken its place.
 */
export function statedAnew(
  lapsed: Lapsed | undefined,
  row: number,
  action: 'CREATE' | 'UPDATE',
  content: InstructionContent,
): Anew {
  if (!lapsed) return action === 'CREATE' ? {} : 'not-found';
  const wasUpdated = lapsed.contentRow !== lapsed.id || restated(lapsed);
  const isLast = states(lapsed, content) && (action === 'CREATE' || wasUpdated);
  const original = isLast ? undefined : rowThatStated(lapsed.replaced, action, content);
  if (original !== undefined) return { original };
  if (action === 'UPDATE' && !wasUpdated) return 'not-found';
  const last = leftOf(lapsed)?.at(-1) ?? statementOf(wasUpdated ? 'UPDATE' : 'CREATE', lapsed.content);
  const statements = [...lapsed.replaced, [last, lapsed.contentRow], [statementOf(action, content), row]] as const;
  return { after: { lapsed: lapsed.id, statements: new Map(statements) } };
}

type Stating = Pick<Lapsed, 'content' | 'contentRow' | 'forgotten' | 'replaced'>;

/** What is left of the content that stands, once it was forgotten: its statements. Undefined while it is there. */
function leftOf({ contentRow, forgotten, replaced }: Stating): string[] | undefined {
  return forgotten && [...replaced].filter(([, row]) => row === contentRow).map(([statement]) => statement);
}

/** Whether the content that stands is this one. */
function states(existing: Stating, content: InstructionContent): boolean {
  const left = leftOf(existing);
  if (!left) return sameContent(existing.content, content);
  return left.includes(statementOf('CREATE', content)) || left.includes(statementOf('UPDATE', content));
}

/** Whether an UPDATE has stated the created content again. */
function restated(lapsed: Stating): boolean {
  const left = leftOf(lapsed);
  return left?.some((one) => one.startsWith('UPDATE ')) ?? lapsed.replaced.has(statementOf('UPDATE', lapsed.content));
}

/** The replaced statements, once other content stands. */
export function replacedWith({ id, content, contentRow, replaced }: Existing): Existing['replaced'] {
  return new Map([[statementOf(contentRow === id ? 'CREATE' : 'UPDATE', content), contentRow], ...replaced]);
}

/** Nothing of it has ever been sent to the provider, not even in a request that turned out not to have left. */
export function isAmendable({ status, sends }: Existing): boolean {
  return AMENDABLE.includes(status) && sends === 0;
}

/** The provider has clearly taken it, and the API can change payouts that are not processed yet. */
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
