/** Queries for orders and instructions: by reference, by status, as sums, and as results. */

import { rowPlace } from '../../domain/instruction.ts';
import { NOT_ARRIVED } from '../../domain/status.ts';
import { UNCLEAR_ORDER } from '../conditions.ts';
import type { Store, WithHistory } from '../port.ts';
import { WHOLE } from '../share.ts';
import { type OrderRow, type StoredRow, storedInstruction, storedOrder } from '../stored.ts';
import { isClosed } from './closings.ts';
import { hasNotArrived } from './conditions.ts';
import type { Connection } from './connection.ts';
import { countVerbs } from './counts.ts';
import { resultReader } from './results.ts';
import { digestOf, prepareStored } from './stored.ts';

const SELECT_ORDERS = `SELECT orders.*, ${digestOf('orders')} AS digest_due FROM orders`;

export function findingVerbs(
  db: Connection,
): Pick<
  Store,
  'findOrders' | 'orderHolders' | 'aboutOrders' | 'findInstructions' | 'lapsedInstructions' | 'statementsOf'
> {
  return { ...orderFindingVerbs(db), ...instructionFindingVerbs(db) };
}

function orderFindingVerbs(db: Connection): Pick<Store, 'findOrders' | 'orderHolders' | 'aboutOrders'> {
  const order = db.prepare<[string, string], OrderRow>(`${SELECT_ORDERS} WHERE customer_ref = ? AND order_ref = ?`);
  const orders = db.transaction((refs: Parameters<Store['findOrders']>[0]) =>
    refs.map(({ customerRef, orderRef }) => {
      const row = order.get(customerRef, orderRef);
      return row && storedOrder(row);
    }),
  );
  // One statement answers all: files have hundreds of thousands of orders, and each call costs as much as a look.
  const aboutOrder = db
    .prepare<[string, string], [currency: string | null, hasInstructions: 0 | 1]>(`
      SELECT
        (SELECT currency FROM orders WHERE customer_ref = asked.customer AND order_ref = asked.reference),
        coalesce(
          (SELECT 1 FROM instruction_refs WHERE customer_ref = asked.customer AND order_ref = asked.reference LIMIT 1),
          (SELECT 1 FROM instructions INDEXED BY instructions_rejected_by_refs
           WHERE customer_ref = asked.customer AND order_ref = asked.reference AND holds_refs = 0 LIMIT 1),
          0)
      FROM (SELECT ? AS customer, ? AS reference) AS asked`)
    .raw();
  const orderHolder = db
    .prepare<[string], string>('SELECT customer_ref FROM orders WHERE order_ref = ? ORDER BY id LIMIT 1')
    .pluck();
  const orderHolders = db.transaction((orderRefs: readonly string[]) => orderRefs.map((ref) => orderHolder.get(ref)));
  const about = db.transaction((refs: Parameters<Store['aboutOrders']>[0]) =>
    refs.map(({ customerRef, orderRef }) => {
      const [currency, hasInstructions] = aboutOrder.get(customerRef, orderRef) ?? [];
      return { currency: currency ?? undefined, hasInstructions: hasInstructions === 1 };
    }),
  );
  return {
    findOrders: async (refs) => orders(refs),
    orderHolders: async (orderRefs) => orderHolders(orderRefs),
    aboutOrders: async (refs) => about(refs),
  };
}

function instructionFindingVerbs(
  db: Connection,
): Pick<Store, 'findInstructions' | 'lapsedInstructions' | 'statementsOf'> {
  // Nearly always there is none, so one look at the references must be enough.
  const holder = db
    .prepare<[string, string, string], number>(
      'SELECT instruction FROM instruction_refs WHERE customer_ref = ? AND order_ref = ? AND instruction_ref = ?',
    )
    .pluck();
  const instruction = prepareStored<[number]>(db, 'i.id = ?');
  const instructions = db.transaction((refs: Parameters<Store['findInstructions']>[0]) =>
    refs.map(({ customerRef, orderRef, instructionRef }) => {
      const id = holder.get(customerRef, orderRef, instructionRef);
      const row = id === undefined ? undefined : instruction.get(id);
      return row && storedInstruction(row);
    }),
  );
  const lastRejected = db
    .prepare<[string, string, string], number>(`
      SELECT id FROM instructions INDEXED BY instructions_rejected_by_refs
      WHERE customer_ref = ? AND order_ref = ? AND instruction_ref = ? AND holds_refs = 0
      ORDER BY id DESC LIMIT 1`)
    .pluck();
  const lapsed = db.transaction((refs: Parameters<Store['lapsedInstructions']>[0]) =>
    refs.map(({ customerRef, orderRef, instructionRef }) => {
      const id = lastRejected.get(customerRef, orderRef, instructionRef);
      const row = id === undefined ? undefined : instruction.get(id);
      return row && storedInstruction(row);
    }),
  );
  const statement = db
    .prepare<[number], [statement: string, row: number]>('SELECT statement, row FROM statements WHERE instruction = ?')
    .raw();
  const statements = db.transaction((ids: readonly number[]) => ids.map((id) => new Map(statement.all(id))));
  return {
    findInstructions: async (refs) => instructions(refs),
    lapsedInstructions: async (refs) => lapsed(refs),
    statementsOf: async (ids) => statements(ids),
  };
}

const END_OF_TIME = '9999-12-31';

/** SQL: an id is in a share. */
function inShare(id: string): string {
  return `${id} % ? = ?`;
}

const NOT_ARRIVED_YET = hasNotArrived('i.status');
const BY_STATUS = 'INDEXED BY instructions_open';

type ListValues = [status: string, afterId: number, openDateUpTo: string, of: number, at: number, limit: number];

const IN_STATUS = `i.status = +? AND i.id > ? AND i.open_date <= ? AND ${inShare('i.id')} ORDER BY i.id LIMIT +?`;

/** Of payouts that were never sent, and of those that were sent before. */
function listsBySends(db: Connection, only: string) {
  const list = (sends: string) =>
    prepareStored<ListValues>(
      db,
      `${NOT_ARRIVED_YET} AND i.unclear_sends ${sends} AND ${only} ${IN_STATUS}`,
      BY_STATUS,
    );
  return { never: list('= 0'), again: list('> 0') };
}

export function listingVerbs(
  db: Connection,
): Pick<
  Store,
  | 'list'
  | 'interrupted'
  | 'unclearOrders'
  | 'amended'
  | 'askedElsewhere'
  | 'openQuestions'
  | keyof ReturnType<typeof countVerbs>
> {
  const open = prepareStored<ListValues>(db, `${NOT_ARRIVED_YET} AND ${IN_STATUS}`, BY_STATUS);
  const notClosed = prepareStored<ListValues>(
    db,
    `${NOT_ARRIVED_YET} AND NOT ${isClosed('i')} AND ${IN_STATUS}`,
    BY_STATUS,
  );
  const other = prepareStored<ListValues>(db, IN_STATUS);
  const all = listsBySends(db, '');
  const taken = listsBySends(db, '(SELECT done FROM files WHERE number = i.content_row >> 32) = 1 AND');
  const withCode = prepareStored<[code: string, ...ListValues]>(db, `i.code = ? AND ${IN_STATUS}`);
  const paidSince = prepareStored<[changedSince: string, ...ListValues]>(
    db,
    `i.status = 'paid' AND i.updated_at >= ? AND ${IN_STATUS}`,
    'INDEXED BY instructions_paid',
  );
  const doubtedSince = prepareStored<[changedSince: string, ...ListValues]>(
    db,
    `${NOT_ARRIVED_YET} AND i.refused_at <> '' AND i.updated_at >= ? AND ${IN_STATUS}`,
    BY_STATUS,
  );
  const withAnswer = prepareStored<ListValues>(
    db,
    `i.answer <> '' AND i.answer_since > '' AND ${IN_STATUS}`,
    'INDEXED BY instructions_answered',
  );
  const unclearWhere = (condition: string) => `
    ${SELECT_ORDERS} INDEXED BY orders_unclear
    WHERE ${UNCLEAR_ORDER} AND ${condition} ORDER BY id LIMIT +?`;
  const unclear = db.prepare<number[], OrderRow>(unclearWhere(`id > ? AND ${inShare('id')}`));
  const interrupted = db.prepare<[number], OrderRow>(unclearWhere("registration = 'sending'"));
  const amended = prepareStored<number[]>(
    db,
    `i.id IN (SELECT instruction FROM amendments) AND i.id > ? AND ${inShare('i.id')} ORDER BY i.id LIMIT +?`,
  );
  const questions = db.prepare<[], { unreadable: number; amendments: number }>(`
    SELECT
      (SELECT count(*) FROM instructions WHERE answer <> '' AND answer_since > '') AS unreadable,
      (SELECT count(*) FROM amendments) AS amendments`);
  return {
    openQuestions: async () => questions.get() ?? { unreadable: 0, amendments: 0 },
    interrupted: async (limit) => ({
      payouts: open.all('sending', 0, END_OF_TIME, 1, 0, limit).map(storedInstruction),
      orders: interrupted.all(limit).map(storedOrder),
    }),
    unclearOrders: async (afterId, limit, { of, at } = WHOLE) => unclear.all(afterId, of, at, limit).map(storedOrder),
    amended: async (afterId, limit, { of, at } = WHOLE) => amended.all(afterId, of, at, limit).map(storedInstruction),
    askedElsewhere: async () => false,
    async list(status, { afterId, limit, openDateUpTo = END_OF_TIME, share = WHOLE, ...only }) {
      const { changedSince, claimable, code, sentBefore, unclosed, unsettled } = only;
      // The files are all this machine's, which judges what is taken in.
      if (claimable === 'once-judged') return [];
      const values: ListValues = [status, afterId, openDateUpTo, share.of, share.at, limit];
      if (unclosed) return notClosed.all(...values).map(storedInstruction);
      if (unsettled) return withAnswer.all(...values).map(storedInstruction);
      if (code !== undefined) return withCode.all(code, ...values).map(storedInstruction);
      const { never, again } = claimable ? taken : all;
      if (sentBefore !== undefined) return (sentBefore ? again : never).all(...values).map(storedInstruction);
      if (changedSince === undefined)
        return (NOT_ARRIVED.includes(status) ? open : other).all(...values).map(storedInstruction);
      const since = { paid: paidSince, declined: doubtedSince }[status as string];
      if (!since) throw new Error(`${status} instructions can't be listed by their last change`);
      return since.all(changedSince, ...values).map(storedInstruction);
    },
    ...countVerbs(db),
  };
}

/** What verify.ts compares: each record with its history, both read at one moment. */
export function replayVerbs(db: Connection): Pick<Store, 'instructionsWithHistory' | 'ordersWithHistory'> {
  const instructions = prepareStored<[number, number]>(db, 'i.id > ? ORDER BY i.id LIMIT +?');
  const orders = db.prepare<[number, number], OrderRow>(`${SELECT_ORDERS} WHERE id > ? ORDER BY id LIMIT +?`);
  const bodies = db.prepare<[number, number], { about: number; body: string }>(
    'SELECT instruction AS about, body FROM audit WHERE instruction BETWEEN ? AND ? ORDER BY instruction, seq',
  );
  const withHistory = <Of extends { id: number }>(records: readonly Of[]): WithHistory<Of>[] => {
    const [first, last] = [records[0], records.at(-1)];
    const histories = new Map<number, { body: string }[]>(records.map(({ id }) => [id, []]));
    if (first && last)
      for (const { about, body } of bodies.iterate(first.id, last.id)) histories.get(about)?.push({ body });
    return records.map((record) => ({ record, history: histories.get(record.id) ?? [] }));
  };
  const instructionPage = db.transaction((afterId: number, limit: number) =>
    withHistory(instructions.all(afterId, limit).map(storedInstruction)),
  );
  const orderPage = db.transaction((afterId: number, limit: number) =>
    withHistory(orders.all(afterId, limit).map(storedOrder)),
  );
  return {
    instructionsWithHistory: async (afterId, limit) => instructionPage(afterId, limit),
    ordersWithHistory: async (afterId, limit) => orderPage(afterId, limit),
  };
}

export function lookUpVerbs(db: Connection): Pick<Store, 'resultRows' | 'instructionsOf' | 'ordersOf'> {
  const resultRows = resultReader(db);
  const rows = db.transaction(resultRows);
  const byRefs = instructionsByRefs(db);
  const instructions = db.transaction((ref: Parameters<Store['instructionsOf']>[0], limit: number) =>
    byRefs(ref, limit).map((row) => {
      const instruction = storedInstruction(row);
      const { id, contentRow } = instruction;
      const { file, line } = rowPlace(contentRow);
      const [result] = resultRows(file, line - 1, 1);
      if (!result) throw new Error(`Instruction ${id} has its content from row ${contentRow}, which is missing`);
      return { ...result, ...instruction, currency: result.currency, file };
    }),
  );
  const ordersOfCustomer = db.prepare<[string, number], OrderRow>(
    `${SELECT_ORDERS} WHERE customer_ref = ? ORDER BY order_ref LIMIT +?`,
  );
  const oneOrder = db.prepare<[string, string, number], OrderRow>(
    `${SELECT_ORDERS} WHERE customer_ref = ? AND order_ref = ? LIMIT +?`,
  );
  return {
    resultRows: async (file, afterLine, limit) => rows(file, afterLine, limit),
    instructionsOf: async (ref, limit) => instructions(ref, limit),
    async ordersOf({ customerRef, orderRef }, limit) {
      const found =
        orderRef === undefined ? ordersOfCustomer.all(customerRef, limit) : oneOrder.all(customerRef, orderRef, limit);
      return found.map(storedOrder);
    },
  };
}

/**
 * Finds instructions by as many references as are given. The holders of the references come first, then rejected ones.
 */
function instructionsByRefs(db: Connection) {
  const columns = ['customer_ref = ?', 'order_ref = ?', 'instruction_ref = ?'];
  const byRefs = 'customer_ref, order_ref, instruction_ref';
  const statements = columns.map((_, index) => {
    const given = columns.slice(0, index + 1).join(' AND ');
    const holders = `SELECT instruction FROM instruction_refs WHERE ${given} ORDER BY ${byRefs} LIMIT +?`;
    const rejected = `SELECT id FROM instructions WHERE ${given} AND holds_refs = 0 ORDER BY ${byRefs}, id LIMIT +?`;
    return [holders, rejected].map((ids) =>
      prepareStored<unknown[]>(db, `i.id IN (${ids}) ORDER BY i.customer_ref, i.order_ref, i.instruction_ref, i.id`),
    );
  });
  return (ref: Parameters<Store['instructionsOf']>[0], limit: number): StoredRow[] => {
    const given = [ref.customerRef, ref.orderRef, ref.instructionRef].filter((text) => text !== undefined);
    const found = (statements[given.length - 1] ?? []).flatMap((statement) => statement.all(...given, limit));
    return found.slice(0, limit);
  };
}
