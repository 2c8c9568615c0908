/** What intake and amendments both write: rows of `rows`, and a row's content into its instruction. */
import { PAYOUT_FIELDS, statementOf } from '../../domain/instruction.ts';
import type { InstructionStatus } from '../../domain/status.ts';
import { columnOf } from '../conditions.ts';
import type { PayoutTerms, RowFields, Target } from '../port.ts';
import { storedInstruction } from '../stored.ts';
import type { Session } from './connection.ts';
import { enterPayees, removePayee } from './payees.ts';
import { insertion, loading, statement } from './statement.ts';
import { storedStatement } from './stored.ts';

/** Keeps what rows said of an instruction, unless an earlier row said the same. */
export const keepStatements = insertion<[instruction: number, statement: string, row: number]>(
  'statements',
  { instruction: 'bigint', statement: 'text', '"row"': 'bigint' },
  'ON CONFLICT DO NOTHING',
);

const BEFORE = storedStatement<[id: number]>('i.id = $1');
const ENTER_PAYEE = statement<[id: number]>(enterPayees('i.id = $1'));

const FIELDS_AT = 12;
const fields = PAYOUT_FIELDS.map((name, at) => `${columnOf(name)} = $${FIELDS_AT + at}`);
const payoutFields = PAYOUT_FIELDS.map(
  (name, at) => `payout_${columnOf(name)} = $${FIELDS_AT + PAYOUT_FIELDS.length + at}`,
);
const UPDATE = statement<unknown[]>(`
  UPDATE instructions
  SET status = $4, version = version + 1, content_row = $5, updated_at = $6, code = '', message = '',
    answer = '', answer_since = '',
    first_content = coalesce(first_content, json_build_object(
      'amount', amount, 'amountMinor', amount_minor::text, 'currency', currency,
      'openDate', open_date, 'dueDate', due_date)::text),
    amount = $7, amount_minor = $8, currency = $9, open_date = $10, due_date = $11,
    ${[...fields, ...payoutFields].join(', ')},
    managed = $${FIELDS_AT + 2 * PAYOUT_FIELDS.length}, raw = $${FIELDS_AT + 2 * PAYOUT_FIELDS.length + 1}
  WHERE id = $1 AND status = $2 AND version = $3`);

/** What an instruction is to have. */
type Stands = Partial<PayoutTerms> & Pick<PayoutTerms, 'content' | 'payout'> & { readonly status: InstructionStatus };

/**
 * Replaces an instruction's content with that of a row, and keeps the replaced content as a statement. Returns how many
 * instructions changed: one, or none when the instruction is not what `target` says.
 */
export async function writeContent(
  session: Session,
  target: Target,
  row: number,
  { status, content, payout, amountMinor, currency }: Stands,
  raw: string | null,
  at: string,
): Promise<number> {
  const found = await BEFORE.get(session, target.id);
  await removePayee(session, target.id);
  const changes = await UPDATE.run(
    session,
    target.id,
    target.from,
    target.version,
    status,
    row,
    at,
    content.amount,
    amountMinor ?? null,
    currency ?? null,
    content.openDate,
    content.dueDate,
    ...PAYOUT_FIELDS.map((name) => content.details[name]),
    ...PAYOUT_FIELDS.map((name) => payout[name]),
    content.managed ? JSON.stringify(content.managed) : null,
    raw,
  );
  await ENTER_PAYEE.run(session, target.id);
  if (found && changes > 0) {
    const { id, contentRow, content: replaced } = storedInstruction(found);
    await keepStatements(session, [[id, statementOf(contentRow === id ? 'CREATE' : 'UPDATE', replaced), contentRow]]);
  }
  return changes;
}

/** A row of `rows`. What is absent is null. */
export interface PlainRow {
  readonly id: number;
  readonly kind: string;
  readonly fields: RowFields;
  readonly target?: number;
  readonly madeVersion?: number;
  readonly raw?: string;
  readonly errors?: string;
}

export const writeRows = loading(
  'rows',
  [
    ...['id', 'kind', 'customer_ref', 'order_ref', 'instruction_ref', 'amount', 'currency', 'open_date', 'due_date'],
    ...['target', 'made_version', 'raw', 'errors'],
  ],
  ({ id, kind, fields, target, madeVersion, raw, errors }: PlainRow) => [
    id,
    kind,
    fields.customerRef,
    fields.orderRef,
    fields.instructionRef,
    fields.amount,
    fields.currency,
    fields.openDate,
    fields.dueDate,
    target,
    madeVersion,
    raw,
    errors,
  ],
);
