/** Records a file's rows: one transaction for each batch, together with how far the file has been read. */
import { contentDigest, instructionKey, PAYOUT_FIELDS, rowId } from '../../domain/instruction.ts';
import { orderDigest } from '../../domain/order.ts';
import { assertAmendable, rowEvent, standingOf } from '../change-rules.ts';
import { columnOf } from '../conditions.ts';
import type { IntakeProgress, Moment, RowRecord, Store } from '../port.ts';
import { askForAmendment } from './amendments.ts';
import type { Connection, WriteSession } from './connection.ts';
import { HOLDERS } from './finding.ts';
import { type Me, requireStanding } from './me.ts';
import { markStale } from './stale.ts';
import { insertion, loading, statement } from './statement.ts';
import type { Append, Writing } from './trail.ts';
import { refusalOf } from './trouble.ts';
import { keepStatements, type PlainRow, writeContent, writeRows } from './writers.ts';

type Row<Kind extends RowRecord['kind']> = Extract<RowRecord, { kind: Kind }>;
/** A row with its id. */
type Placed<Kind extends RowRecord['kind']> = Row<Kind> & { readonly id: number };

/** Thrown to roll a batch back: what it was decided by has changed since. */
const STALE = new Error('What the batch was decided by has changed');

/** A reference that was free when the batch was decided is taken now. */
const TAKEN = ['instruction_refs_taken', 'orders_by_refs'];

const PROCEED = statement<[progress: string, number: number]>(
  'UPDATE files SET progress = $1 WHERE number = $2 AND NOT done',
);

export function intakeVerbs(db: Connection, writing: Writing, me: Me): Pick<Store, 'recordRows'> {
  return {
    async recordRows(file, rows, upTo, moment) {
      const placed = rows.map((row) => ({ ...row, id: rowId(file, row.line) }));
      const recordIn = async (session: WriteSession, append?: Append) => {
        // Another machine may have adopted the files of one that was taken for gone.
        await requireStanding(session, me);
        await record(session, append, file, placed, upTo, moment);
      };
      try {
        // What changes no instruction and looks at nothing needs no place in the audit log, and waits for no other writer.
        if (placed.every(isNew)) await db.writing((session) => recordIn(session));
        else await writing(moment, recordIn);
        return 'recorded';
      } catch (error) {
        if (error === STALE || TAKEN.includes(refusalOf(error).constraint)) return 'stale';
        throw error;
      }
    },
  };
}

function isNew(row: RowRecord): boolean {
  return (
    (row.kind === 'order' && !row.ofTenant) ||
    row.kind === 'rejected' ||
    row.kind === 'duplicate' ||
    (row.kind === 'instruction' && !row.after)
  );
}

async function record(
  session: WriteSession,
  append: Append | undefined,
  file: number,
  rows: readonly (RowRecord & { id: number })[],
  progress: IntakeProgress,
  moment: Moment,
): Promise<void> {
  const of = <Kind extends RowRecord['kind']>(...kinds: Kind[]) =>
    rows.filter((row): row is Placed<Kind> => (kinds as string[]).includes(row.kind));
  const instructions = of('instruction');
  const plain = of('rejected', 'duplicate');
  const orders = of('order');
  await requireOfTenant(session, orders);
  await insertOrders(session, orders);
  await insertInstructions(session, instructions);
  // Other machines take in files at the same time, so references are taken at once, also those of unrepeated rows.
  await enterReferences(session, byReferences(instructions));
  await writeRows(session, plain.map(plainRow));
  await insertConflicts(
    session,
    plain.flatMap((row) => (row.kind === 'rejected' && row.holder !== undefined ? [[row.id, row.holder]] : [])),
  );
  await keepStatements(session, rows.flatMap(statementsIn));
  const amended = new Set(instructions.flatMap(({ after }) => (after ? [after.lapsed] : [])));
  if (append) {
    for (const row of of('updated', 'deleted', 'amending')) {
      if (row.kind === 'amending') {
        if (!(await askForAmendment(session, append, file, row))) throw STALE;
        continue;
      }
      await amend(session, append, row, moment);
      amended.add(row.target.id);
    }
    await markStale(session, amended);
  }
  if ((await PROCEED.run(session, JSON.stringify(progress), file)) !== 1)
    throw new Error(`Rows of file ${file} can't be recorded: it is not being taken in`);
}

/** No constraint of the tables keeps two customers from one reference: which API the orders are for is a setting. */
async function requireOfTenant(session: WriteSession, rows: readonly Row<'order'>[]): Promise<void> {
  const orders = rows.flatMap(({ order, ofTenant }) => (ofTenant ? [order] : []));
  if (orders.length === 0) return;
  const refs = orders.map(({ orderRef }) => orderRef);
  const holders = await HOLDERS.all(session, refs);
  if (orders.some(({ customerRef }, at) => (holders[at] ?? customerRef) !== customerRef)) throw STALE;
}

const insertOrders = loading(
  'orders',
  [
    ...['id', 'customer_ref', 'order_ref', 'currency', 'country', 'scheme'],
    ...['metadata', 'customer_defaults', 'content_digest'],
  ],
  ({ id, order }: Placed<'order'>) => {
    const { customerRef, orderRef, currency, country, scheme, metadata, customerDefaults } = order;
    const defaults = customerDefaults ? JSON.stringify(customerDefaults) : null;
    const digest = orderDigest(order);
    return [id, customerRef, orderRef, currency, country, scheme, JSON.stringify(metadata), defaults, digest];
  },
);

const PAYOUT_COLUMNS = PAYOUT_FIELDS.map(columnOf);

const insertInstructions = loading(
  'instructions',
  [
    ...['id', 'content_row', 'status', 'customer_ref', 'order_ref', 'instruction_ref', 'amount', 'amount_minor'],
    ...['currency', 'open_date', 'due_date', ...PAYOUT_COLUMNS, 'managed'],
    ...[...PAYOUT_COLUMNS.map((name) => `payout_${name}`), 'raw', 'content_digest'],
  ],
  ({ id, status, ref, content, payout, amountMinor, currency, raw }: Placed<'instruction'>) => [
    id,
    id,
    status,
    ref.customerRef,
    ref.orderRef,
    ref.instructionRef,
    content.amount,
    amountMinor,
    currency ?? null,
    content.openDate,
    content.dueDate,
    ...PAYOUT_FIELDS.map((name) => content.details[name]),
    content.managed ? JSON.stringify(content.managed) : null,
    ...PAYOUT_FIELDS.map((name) => payout[name]),
    status === 'waiting' ? JSON.stringify(raw) : null,
    contentDigest({ status, currency: currency ?? '', ref, content, payout }),
  ],
);

const enterReferences = loading(
  'instruction_refs',
  ['customer_ref', 'order_ref', 'instruction_ref', 'instruction'],
  ({ id, ref }: Pick<Placed<'instruction'>, 'id' | 'ref'>) => [ref.customerRef, ref.orderRef, ref.instructionRef, id],
);

/** In the order of their references, so that two machines never wait for each other. */
function byReferences(rows: readonly Placed<'instruction'>[]): Pick<Placed<'instruction'>, 'id' | 'ref'>[] {
  const keyed = rows.map(({ id, ref }) => ({ id, ref, key: instructionKey(ref) }));
  return keyed.sort((one, other) => (one.key < other.key ? -1 : 1));
}

const insertConflicts = insertion<number[]>('conflicts', { '"row"': 'bigint', holder: 'bigint' });

function plainRow(row: Placed<'rejected' | 'duplicate'>): PlainRow {
  const { id, kind, fields } = row;
  if (row.kind === 'duplicate') return { id, kind, fields, target: row.original };
  return { id, kind, fields, raw: JSON.stringify(row.raw), errors: JSON.stringify(row.errors) };
}

/** What a row says of an instruction that doesn't stand any more, or that is said again. */
function statementsIn(row: RowRecord & { id: number }): [instruction: number, statement: string, row: number][] {
  if (row.kind === 'instruction' && row.after)
    return [...row.after.statements].map(([statement, by]) => [row.id, statement, by]);
  if (row.kind === 'duplicate' && row.restates)
    return [[row.restates.instruction, row.restates.statement, row.original]];
  return [];
}

const CANCEL = statement<[at: string, id: number, from: string, version: number]>(`
  UPDATE instructions SET status = 'cancelled', version = version + 1, raw = NULL, updated_at = $1
  WHERE id = $2 AND status = $3 AND version = $4`);

/**
 * UPDATE and DELETE rows: the instruction changes if it has not changed since that was decided. Each is a change of
 * status like any other.
 */
async function amend(
  session: WriteSession,
  append: Append,
  row: Placed<'updated' | 'deleted'>,
  { at }: Moment,
): Promise<void> {
  const { id, target, kind, fields } = row;
  assertAmendable(target, row.kind === 'deleted' ? 'cancelled' : row.status);
  const changes =
    row.kind === 'deleted'
      ? await CANCEL.run(session, at, target.id, target.from, target.version)
      : await writeContent(
          session,
          target,
          id,
          standingOf(row),
          row.status === 'waiting' ? JSON.stringify(row.raw) : null,
          at,
        );
  if (changes !== 1) throw STALE;
  await writeRows(session, [{ id, kind, fields, target: target.id, madeVersion: target.version + 1 }]);
  append(rowEvent(id, row), target.id);
}
