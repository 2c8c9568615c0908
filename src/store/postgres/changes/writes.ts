/** Writes changes of status: all of one kind at once. */
import { isRetry } from '../../../domain/status.ts';
import type { Changed } from '../../change-rules.ts';
import type { Change } from '../../port.ts';
import type { Session } from '../connection.ts';
import { arrays } from '../statement.ts';
import type { Times } from '../trail.ts';

type Type = 'boolean' | 'numeric' | 'text';
type Writer = (session: Session, times: Times, changes: readonly Change[]) => Promise<[id: number, ...Changed][]>;

/**
 * Each kind of change has columns of its own. `c` has the change, with what `also` gives of it by name and type; $1 is
 * the time as the caller has it, and $2 that on the clock that all machines go by.
 */
function writer(
  set: string,
  also: Readonly<Record<string, readonly [Type, (change: Change) => string | bigint | boolean | null]>> = {},
  where = '',
): Writer {
  const given = Object.entries(also);
  const names = ['id', 'before', 'version', 'next', 'code', 'message', ...given.map(([name]) => name)];
  const types = ['bigint', 'text', 'bigint', 'text', 'text', 'text', ...given.map(([, [type]]) => type)];
  const write = arrays<unknown[], [id: number, ...Changed]>(`
    UPDATE instructions i
    SET status = c.next, version = i.version + 1, updated_at = $1, code = c.code, message = c.message, ${set}
    FROM unnest(${types.map((type, at) => `$${at + 3}::${type}[]`).join(', ')}) AS c (${names.join(', ')})
    WHERE i.id = c.id AND i.status = c.before AND i.version = c.version AND $2 <> '' ${where}
    RETURNING i.id, i.attempt, i.sends`);
  return (session, { at, now }, changes) =>
    write.all(
      session,
      at,
      now,
      changes.map(({ id }) => id),
      changes.map(({ from }) => from),
      changes.map(({ version }) => version),
      changes.map(({ to }) => to),
      changes.map(({ code = '' }) => code),
      changes.map(({ message = '' }) => message),
      ...given.map(([, [, from]]) => changes.map(from)),
    );
}

const begin = writer('raw = NULL, sends = i.sends + 1, late = i.late OR c.is_late', {
  is_late: ['boolean', ({ intent }) => intent?.late === true],
});

const retry = writer(`
  raw = NULL, attempt = i.attempt + 1, order_ref_id = '', bank_reference = '', unclear_at = '', unclear_sends = 0,
  answer = '', answer_since = '', refused_at = '', refused_code = '', refused_message = ''`);

const AMOUNT = {
  due: ['numeric', ({ priced }: Change) => priced?.amountMinor ?? null],
  due_currency: ['text', ({ priced }: Change) => priced?.currency ?? null],
} as const;

const price = writer('raw = NULL, amount_minor = c.due, currency = c.due_currency', AMOUNT);

const reject = writer(
  `errors = c.causes, holds_refs = false,
    amount_minor = coalesce(c.due, i.amount_minor), currency = coalesce(c.due_currency, i.currency)`,
  { ...AMOUNT, causes: ['text', ({ errors = [] }) => JSON.stringify(errors)] },
);

const moveOn = writer(
  `raw = NULL,
    order_ref_id = coalesce(c.their_order, i.order_ref_id), bank_reference = coalesce(c.banks, i.bank_reference),
    submitted_at = CASE WHEN i.submitted_at = '' AND c.next = 'submitted' THEN $1 ELSE i.submitted_at END,
    unclear_sends = i.unclear_sends + CASE WHEN c.is_unclear THEN 1 ELSE 0 END,
    unclear_at = CASE WHEN c.is_unclear THEN $2 ELSE i.unclear_at END,
    answer = coalesce(c.kept_answer, CASE WHEN i.status = 'manual' THEN i.answer ELSE '' END), answer_since = '',
    refused_at = CASE WHEN c.no_code IS NULL THEN i.refused_at ELSE $1 END,
    refused_code = coalesce(c.no_code, i.refused_code), refused_message = coalesce(c.no_message, i.refused_message)`,
  {
    their_order: ['text', ({ orderRefId = null }) => orderRefId],
    banks: ['text', ({ bankReference = null }) => bankReference],
    is_unclear: ['boolean', ({ unclear = false }) => unclear],
    was_unclear_at: ['text', ({ unclearAt = null }) => unclearAt],
    kept_answer: ['text', ({ answer = null }) => answer],
    no_code: ['text', ({ refused }) => refused?.code ?? null],
    no_message: ['text', ({ refused }) => refused?.message ?? null],
  },
  'AND i.unclear_at = coalesce(c.was_unclear_at, i.unclear_at)',
);

function writerOf({ from, to, intent, priced }: Change): Writer {
  if (intent) return begin;
  if (to === 'rejected') return reject;
  if (priced) return price;
  return isRetry(from, to) ? retry : moveOn;
}

/**
 * Writes changes of different instructions, and returns what each has after it. An instruction that is not in its
 * `from` and version is left out.
 */
export async function writeChanges(
  session: Session,
  times: Times,
  changes: readonly Change[],
): Promise<Map<number, Changed>> {
  const byWriter = new Map<Writer, Change[]>();
  for (const change of changes) {
    const write = writerOf(change);
    const same = byWriter.get(write);
    if (same) same.push(change);
    else byWriter.set(write, [change]);
  }
  const changed = new Map<number, Changed>();
  for (const [write, same] of byWriter)
    for (const [id, attempt, sends] of await write(session, times, same)) changed.set(id, [attempt, sends]);
  return changed;
}
