/** Records a file's rows: one transaction for each batch, together with how far the file has been read. */
import { contentDigest, PAYOUT_FIELDS, rowId } from '../../domain/instruction.ts';
import { orderDigest } from '../../domain/order.ts';
import { assertAmendable, rowEvent, standingOf } from '../change-rules.ts';
import { columnOf } from '../conditions.ts';
import type { IntakeProgress, Moment, RowRecord, Store } from '../port.ts';
import { amendmentAsker } from './amendments.ts';
import type { Connection } from './connection.ts';
import { staleMarker } from './files.ts';
import { isSqliteError } from './library.ts';
import type { Trail } from './trail.ts';
import { contentWriter, rowInsert, statementWriter } from './writers.ts';

type Row<Kind extends RowRecord['kind']> = Extract<RowRecord, { kind: Kind }>;
type Writer<Kind extends RowRecord['kind']> = (id: number, row: Row<Kind>, moment: Moment) => void;

/** Thrown to roll a batch back: what it was decided by has changed since. */
const STALE = new Error('What the batch was decided by has changed');

export function intakeVerbs(db: Connection, trail: Trail): Pick<Store, 'recordRows'> {
  const order = orderWriter(db);
  const instruction = instructionWriter(db);
  const keep = statementWriter(db);
  const plain = plainWriter(db);
  const amendment = amendmentWriter(db, trail);
  const ask = amendmentAsker(db, trail);
  const markStale = staleMarker(db);
  const proceed = db.prepare<[string, number]>('UPDATE files SET progress = ? WHERE number = ? AND done = 0');

  const record = db.transaction(
    (file: number, rows: readonly RowRecord[], progress: IntakeProgress, moment: Moment) => {
      const amended = new Set<number>();
      for (const row of rows) {
        const id = rowId(file, row.line);
        switch (row.kind) {
          case 'order':
            order(id, row, moment);
            break;
          case 'instruction':
            instruction(id, row, moment);
            if (row.after) {
              for (const [statement, by] of row.after.statements) keep(id, statement, by);
              amended.add(row.after.lapsed);
            }
            break;
          case 'rejected':
          case 'duplicate':
            plain(id, row);
            break;
          case 'updated':
          case 'deleted':
            amendment(id, row, moment);
            amended.add(row.target.id);
            break;
          case 'amending':
            if (!ask(file, row, moment)) throw STALE;
        }
      }
      markStale(amended);
      if (proceed.run(JSON.stringify(progress), file).changes !== 1) {
        throw new Error(`Rows of file ${file} can't be recorded: it is not being taken in`);
      }
    },
  );

  return {
    async recordRows(file, rows, progress, moment) {
      try {
        record.immediate(file, rows, progress, moment);
        return 'recorded';
      } catch (error) {
        if (error === STALE || isReferenceTaken(error)) return 'stale';
        throw error;
      }
    },
  };
}

/**
 * A reference that was free when the batch was decided is taken now. A row that is recorded twice fails with another
 * error.
 */
function isReferenceTaken(error: unknown): boolean {
  if (!isSqliteError(error)) return false;
  return error.code === 'SQLITE_CONSTRAINT_UNIQUE' || error.message.includes('instruction_refs.');
}

function orderWriter(db: Connection): Writer<'order'> {
  const insert = db.prepare<unknown[]>(`
    INSERT INTO orders (id, customer_ref, order_ref, currency, country, scheme, metadata, customer_defaults, content_digest)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`);
  const holder = db
    .prepare<[string], string>('SELECT customer_ref FROM orders WHERE order_ref = ? ORDER BY id LIMIT 1')
    .pluck();
  return (id, { order, ofTenant }) => {
    if (ofTenant && (holder.get(order.orderRef) ?? order.customerRef) !== order.customerRef) throw STALE;
    const { customerRef, orderRef, currency, country, scheme, metadata, customerDefaults } = order;
    const defaults = customerDefaults ? JSON.stringify(customerDefaults) : null;
    const digest = orderDigest(order);
    insert.run(id, customerRef, orderRef, currency, country, scheme, JSON.stringify(metadata), defaults, digest);
  };
}

function instructionWriter(db: Connection): Writer<'instruction'> {
  const enter = db.prepare<[string, string, string, number]>(
    'INSERT INTO instruction_refs (customer_ref, order_ref, instruction_ref, instruction) VALUES (?, ?, ?, ?)',
  );
  const columns = PAYOUT_FIELDS.map(columnOf);
  const insert = db.prepare<unknown[]>(`
    INSERT INTO instructions (
      id, content_row, status, customer_ref, order_ref, instruction_ref,
      amount, amount_minor, currency, open_date, due_date,
      ${columns.join()}, managed, ${columns.map((column) => `payout_${column}`).join()},
      raw, content_digest)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
  return (id, { status, ref, content, payout, amountMinor, currency, raw, unrepeated = false }) => {
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
      ...PAYOUT_FIELDS.map((name) => details[name]),
      content.managed ? JSON.stringify(content.managed) : null,
      ...PAYOUT_FIELDS.map((name) => payout[name]),
      status === 'waiting' ? JSON.stringify(raw) : null,
      contentDigest({ status, currency: currency ?? '', ref, content, payout }),
    );
    // References of unrepeated rows are entered when the file is finished (files.ts).
    if (!unrepeated) enter.run(ref.customerRef, ref.orderRef, ref.instructionRef, id);
  };
}

function plainWriter(db: Connection): (id: number, row: Row<'rejected' | 'duplicate'>) => void {
  const insert = rowInsert(db);
  const keep = statementWriter(db);
  const conflict = db.prepare<[number, number]>('INSERT INTO conflicts (row, holder) VALUES (?, ?)');
  return (id, row) => {
    if (row.kind === 'duplicate') {
      insert(id, row.kind, row.fields, row.original, null, null, null);
      if (row.restates) keep(row.restates.instruction, row.restates.statement, row.original);
      return;
    }
    insert(id, row.kind, row.fields, null, null, JSON.stringify(row.raw), JSON.stringify(row.errors));
    if (row.holder !== undefined) conflict.run(id, row.holder);
  };
}

/**
 * UPDATE and DELETE rows: the instruction changes if it has not changed since that was decided. Each is a change of
 * status like any other.
 */
function amendmentWriter(
  db: Connection,
  trail: Trail,
): (id: number, row: Row<'updated' | 'deleted'>, moment: Moment) => void {
  const insert = rowInsert(db);
  const update = contentWriter(db);
  const cancel = db.prepare<[string, number, string, number]>(`
    UPDATE instructions SET status = 'cancelled', version = version + 1, raw = NULL, updated_at = ?
    WHERE id = ? AND status = +? AND version = ?`);

  return (id, row, moment) => {
    const { at } = moment;
    const { target } = row;
    const to = row.kind === 'deleted' ? 'cancelled' : row.status;
    assertAmendable(target, to);
    const changes =
      row.kind === 'deleted'
        ? cancel.run(at, target.id, target.from, target.version).changes
        : update(target, id, standingOf(row), row.status === 'waiting' ? JSON.stringify(row.raw) : null, at);
    if (changes !== 1) throw STALE;
    const version = target.version + 1;
    insert(id, row.kind, row.fields, target.id, version, null, null);
    trail.append(moment, rowEvent(id, row), target.id);
  };
}
