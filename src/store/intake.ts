/** A file's rows on their way in: one transaction a batch, with how far the file has been read. */
import Database from 'better-sqlite3';
import { AMENDABLE, rowId, TRANSITIONS } from '../instruction.ts';
import type { IntakeProgress, RowFields, RowRecord, Store, Target } from '../store.ts';
import type { Connection } from './connection.ts';
import { staleMarker } from './files.ts';
import type { Trail } from './trail.ts';

type Row<Kind extends RowRecord['kind']> = Extract<RowRecord, { kind: Kind }>;
type Writer<Kind extends RowRecord['kind']> = (id: number, row: Row<Kind>, at: string) => void;

/** Thrown to roll a batch back: an instruction it amends has changed since that was decided. */
const STALE = new Error('An instruction to be amended has changed');

export function intakeVerbs(db: Connection, trail: Trail): Pick<Store, 'recordRows'> {
  const order = orderWriter(db);
  const instruction = instructionWriter(db);
  const plain = plainWriter(db);
  const amendment = amendmentWriter(db, trail);
  const markStale = staleMarker(db);
  const proceed = db.prepare<[string, number]>('UPDATE files SET progress = ? WHERE number = ? AND done = 0');

  const record = db.transaction((file: number, rows: readonly RowRecord[], progress: IntakeProgress, at: string) => {
    const amended = new Set<number>();
    for (const row of rows) {
      const id = rowId(file, row.line);
      switch (row.kind) {
        case 'order':
          order(id, row, at);
          break;
        case 'instruction':
          instruction(id, row, at);
          break;
        case 'rejected':
        case 'duplicate':
          plain(id, row);
          break;
        case 'updated':
        case 'deleted':
          amendment(id, row, at);
          amended.add(row.target.id);
      }
    }
    markStale(amended);
    if (proceed.run(JSON.stringify(progress), file).changes !== 1) {
      throw new Error(`Rows of file ${file} can't be recorded: it is not being taken in`);
    }
  });

  return {
    async recordRows(file, rows, progress, at) {
      try {
        record.immediate(file, rows, progress, at);
        return 'recorded';
      } catch (error) {
        if (error === STALE || isReferenceTaken(error)) return 'stale';
        throw error;
      }
    },
  };
}

/** A reference that was free when the batch was decided is taken now. (A row recorded twice is another error.) */
function isReferenceTaken(error: unknown): boolean {
  return error instanceof Database.SqliteError && error.code === 'SQLITE_CONSTRAINT_UNIQUE';
}

function orderWriter(db: Connection): Writer<'order'> {
  const insert = db.prepare<unknown[]>(`
    INSERT INTO orders (id, customer_ref, order_ref, currency, country, scheme, metadata)
    VALUES (?, ?, ?, ?, ?, ?, ?)`);
  return (id, { order }) => {
    const { customerRef, orderRef, currency, country, scheme, metadata } = order;
    insert.run(id, customerRef, orderRef, currency, country, scheme, JSON.stringify(metadata));
  };
}

function instructionWriter(db: Connection): Writer<'instruction'> {
  const insert = db.prepare<unknown[]>(`
    INSERT INTO instructions (
      id, content_row, status, customer_ref, order_ref, instruction_ref,
      amount, amount_minor, currency, open_date, due_date,
      contact_id, purpose, mode, narration, remark,
      payout_contact_id, payout_purpose, payout_mode, payout_narration, payout_remark,
      raw)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
  return (id, { status, ref, content, payout, amountMinor, currency, raw }) => {
    const { details } = content;
    insert.run(
      id,
      id,
      status,
      ref.customerRef,
      ref.orderRef,
      ref.instructionRef,
      content.amount,
      amountMinor ?? null,
      currency ?? null,
      content.openDate,
      content.dueDate,
      details.contactId,
      details.purpose,
      details.mode,
      details.narration,
      details.remark,
      payout.contactId,
      payout.purpose,
      payout.mode,
      payout.narration,
      payout.remark,
      status === 'waiting' ? JSON.stringify(raw) : null,
    );
  };
}

function plainWriter(db: Connection): (id: number, row: Row<'rejected' | 'duplicate'>) => void {
  const insert = rowInsert(db);
  return (id, row) => {
    if (row.kind === 'duplicate') insert(id, row.kind, row.fields, row.original, null, null, null);
    else insert(id, row.kind, row.fields, null, null, JSON.stringify(row.raw), JSON.stringify(row.errors));
  };
}

/** UPDATE and DELETE rows: the instruction changes if it still is what it was, and that is a change of status like any. */
function amendmentWriter(
  db: Connection,
  trail: Trail,
): (id: number, row: Row<'updated' | 'deleted'>, at: string) => void {
  const insert = rowInsert(db);
  const update = updateWriter(db);
  const cancel = db.prepare<[string, number, string, number]>(`
    UPDATE instructions SET status = 'cancelled', version = version + 1, raw = NULL, updated_at = ?
    WHERE id = ? AND status = ? AND version = ?`);

  return (id, row, at) => {
    const { target } = row;
    const to = row.kind === 'deleted' ? 'cancelled' : row.status;
    assertAmendable(target, to);
    const changes =
      row.kind === 'deleted' ? cancel.run(at, target.id, target.from, target.version).changes : update(id, row, at);
    if (changes !== 1) throw STALE;
    const version = target.version + 1;
    insert(id, row.kind, row.fields, target.id, version, null, null);
    trail.append({ type: 'status', at, from: target.from, to, version, row: id, amendment: row.kind }, target.id);
  };
}

function assertAmendable({ id, from }: Target, to: Row<'updated'>['status'] | 'cancelled'): void {
  if (!AMENDABLE.includes(from)) throw new Error(`Instruction ${id} may not be amended: it is ${from}`);
  if (from !== to && !TRANSITIONS[from].includes(to)) {
    throw new Error(`Instruction ${id} may not go from ${from} to ${to}`);
  }
}

/** Returns how many instructions changed: one, or none when it isn't what it was. */
function updateWriter(db: Connection): (id: number, row: Row<'updated'>, at: string) => number {
  const update = db.prepare<unknown[]>(`
    UPDATE instructions
    SET status = :status, version = version + 1, content_row = :row, updated_at = :at, code = '', message = '',
      first_content = coalesce(first_content, json_object(
        'amount', amount, 'amountMinor', CAST(amount_minor AS TEXT), 'currency', currency,
        'openDate', open_date, 'dueDate', due_date)),
      amount = :amount, amount_minor = :amountMinor, currency = :currency, open_date = :openDate, due_date = :dueDate,
      contact_id = :contactId, purpose = :purpose, mode = :mode, narration = :narration, remark = :remark,
      payout_contact_id = :payoutContactId, payout_purpose = :payoutPurpose, payout_mode = :payoutMode,
      payout_narration = :payoutNarration, payout_remark = :payoutRemark,
      raw = :raw
    WHERE id = :id AND status = :from AND version = :version`);
  return (row, { target, status, content, payout, amountMinor, currency, raw }, at) =>
    update.run({
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
      payoutContactId: payout.contactId,
      payoutPurpose: payout.purpose,
      payoutMode: payout.mode,
      payoutNarration: payout.narration,
      payoutRemark: payout.remark,
      raw: status === 'waiting' ? JSON.stringify(raw) : null,
    }).changes;
}

function rowInsert(db: Connection) {
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
