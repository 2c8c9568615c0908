/** What intake and amendments both write: a row of `rows`, and a row's content into its instruction. */
import { PAYOUT_FIELDS, statementOf } from '../../domain/instruction.ts';
import type { InstructionStatus } from '../../domain/status.ts';
import { columnOf } from '../conditions.ts';
import type { PayoutTerms, RowFields, Target } from '../port.ts';
import { storedInstruction } from '../stored.ts';
import type { Connection } from './connection.ts';
import { enterPayees, payeeRemover } from './payees.ts';
import { prepareStored } from './stored.ts';

/** Keeps what a row said of an instruction, unless an earlier row said the same. */
export function statementWriter(db: Connection): (instruction: number, statement: string, row: number) => void {
  const insert = db.prepare<[number, string, number]>(
    'INSERT INTO statements (instruction, statement, row) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
  );
  return (instruction, statement, row) => {
    insert.run(instruction, statement, row);
  };
}

/**
 * Replaces an instruction's content with that of a row, and keeps the replaced content as a statement. Returns how many
 * instructions changed: one, or none when the instruction is not what `target` says.
 */
export function contentWriter(
  db: Connection,
): (
  target: Target,
  row: number,
  stands: Partial<PayoutTerms> & Pick<PayoutTerms, 'content' | 'payout'> & { readonly status: InstructionStatus },
  raw: string | null,
  at: string,
) => number {
  const update = db.prepare<unknown[]>(`
    UPDATE instructions
    SET status = :status, version = version + 1, content_row = :row, updated_at = :at, code = '', message = '',
      answer = '', answer_since = '',
      first_content = coalesce(first_content, json_object(
        'amount', amount, 'amountMinor', CAST(amount_minor AS TEXT), 'currency', currency,
        'openDate', open_date, 'dueDate', due_date)),
      amount = :amount, amount_minor = :amountMinor, currency = :currency, open_date = :openDate, due_date = :dueDate,
      ${PAYOUT_FIELDS.map((name) => `${columnOf(name)} = :${name}, payout_${columnOf(name)} = :payout_${name}`).join()},
      managed = :managed, raw = :raw
    WHERE id = :id AND status = +:from AND version = :version`);
  const find = prepareStored<[number]>(db, 'i.id = ?');
  const keep = statementWriter(db);
  const removePayee = payeeRemover(db);
  const enterPayee = db.prepare<[number]>(enterPayees('i.id = ?'));
  return (target, row, { status, content, payout, amountMinor, currency }, raw, at) => {
    const found = find.get(target.id);
    removePayee(target.id);
    const { changes } = update.run({
      ...target,
      status,
      row,
      at,
      amount: content.amount,
      amountMinor: amountMinor ?? null,
      currency: currency ?? null,
      openDate: content.openDate,
      dueDate: content.dueDate,
      ...content.details,
      managed: content.managed ? JSON.stringify(content.managed) : null,
      ...Object.fromEntries(PAYOUT_FIELDS.map((name) => [`payout_${name}`, payout[name]])),
      raw,
    });
    enterPayee.run(target.id);
    if (found && changes > 0) {
      const { id, contentRow, content: replaced } = storedInstruction(found);
      keep(id, statementOf(contentRow === id ? 'CREATE' : 'UPDATE', replaced), contentRow);
    }
    return changes;
  };
}

export function rowInsert(db: Connection) {
  const insert = db.prepare<unknown[]>(`
    INSERT INTO rows (
      id, kind, customer_ref, order_ref, instruction_ref, amount, currency, open_date, due_date,
      target, made_version, raw, errors)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
  return (
    id: number,
    kind: string,
    fields: RowFields,
    target: number | null,
    madeVersion: number | null,
    raw: string | null,
    errors: string | null,
  ): void => {
    const { customerRef, orderRef, instructionRef, amount, currency, openDate, dueDate } = fields;
    insert.run(
      id,
      kind,
      customerRef,
      orderRef,
      instructionRef,
      amount,
      currency,
      openDate,
      dueDate,
      target,
      madeVersion,
      raw,
      errors,
    );
  };
}
