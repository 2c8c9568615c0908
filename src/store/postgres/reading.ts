/** Instructions and orders by id: in a status, or with their histories. */
import { NOT_ARRIVED } from '../../domain/status.ts';
import { UNCLEAR_ORDER } from '../conditions.ts';
import type { Store, WithHistory } from '../port.ts';
import { WHOLE } from '../share.ts';
import { storedInstruction, storedOrder } from '../stored.ts';
import { hasNotArrived, isClosed, serverTime } from './conditions.ts';
import type { Connection, Session } from './connection.ts';
import type { Me } from './me.ts';
import { column, statement } from './statement.ts';
import { orderStatement, storedStatement } from './stored.ts';

type ListValues = [status: string, afterId: number, openDateUpTo: string, limit: number, of: number, at: number];

const IN_STATUS = 'i.status = $1 AND i.id > $2 AND i.open_date <= $3 AND i.id % $5 = $6';
const PAGE = 'ORDER BY i.id LIMIT $4';
const OPEN = `${hasNotArrived('i.status')} AND ${IN_STATUS}`;

const LIST_OPEN = storedStatement<ListValues>(`${OPEN} ${PAGE}`);
const LIST_UNCLOSED = storedStatement<ListValues>(`${OPEN} AND NOT ${isClosed('i')} ${PAGE}`);
const LIST_OTHER = storedStatement<ListValues>(`${IN_STATUS} ${PAGE}`);
const LIST_NEVER_SENT = storedStatement<ListValues>(`${OPEN} AND i.unclear_sends = 0 ${PAGE}`);
const LIST_SENT_BEFORE = storedStatement<ListValues>(`${OPEN} AND i.unclear_sends > 0 ${PAGE}`);
/** SQL: a condition on the file of the row whose content stands; false without a file. A join would read all files. */
const ofFile = (condition: string) =>
  `coalesce((SELECT ${condition} FROM files f WHERE f.number = i.content_row >> 32), false)`;
const IS_CLAIMABLE = {
  now: ofFile('f.judged_once OR f.done AND (f.machine IS NULL OR f.machine = $7)'),
  'once-judged': ofFile('f.done AND NOT f.judged_once AND f.machine <> $7'),
};
const LIST_CLAIMABLE = listClaimable(IS_CLAIMABLE.now);
const LIST_ONCE_JUDGED = listClaimable(IS_CLAIMABLE['once-judged']);
const LIST_UNSETTLED = storedStatement<ListValues>(`i.answer <> '' AND i.answer_since > '' AND ${IN_STATUS} ${PAGE}`);
const LIST_WITH_CODE = storedStatement<[...ListValues, code: string]>(`${IN_STATUS} AND i.code = $7 ${PAGE}`);
const LIST_PAID_SINCE = storedStatement<[...ListValues, since: string]>(
  `i.status = 'paid' AND i.updated_at >= $7 AND ${IN_STATUS} ${PAGE}`,
);
const LIST_DOUBTED_SINCE = storedStatement<[...ListValues, since: string]>(
  `${OPEN} AND i.refused_at <> '' AND i.updated_at >= $7 ${PAGE}`,
);

type Page = [afterId: number, limit: number, of: number, at: number];
const UNCLEAR_ORDERS = orderStatement<Page>(`WHERE ${UNCLEAR_ORDER} AND id > $1 AND id % $3 = $4 ORDER BY id LIMIT $2`);
// Of an amendment a: the machine that asked for it last.
const IS_AT_WORK = 'a.machine IN (SELECT id FROM living_machines)';
const isAnothers = (name: string) => `(SELECT m.name FROM machines m WHERE m.id = a.machine) <> nullif(${name}, '')`;
/** SQL: so lately that its request may not have left yet, though it is no longer at work: it may not have noticed. */
const IS_LATE = `a.machine_asked_at > ${serverTime('1 minute')}`;
/** SQL: another machine than that of the name $5 asked for it of late. */
const IS_OTHERS = `(${isAnothers('$5')} AND (
  ${IS_LATE} OR a.machine_asked_at > ${serverTime('10 minutes')} AND ${IS_AT_WORK}))`;
const ASKED_ELSEWHERE = column<[machine: string], boolean>(`
  SELECT EXISTS (SELECT 1 FROM amendments a WHERE ${isAnothers('$1')} AND ${IS_LATE} AND NOT ${IS_AT_WORK})`);
const AMENDED = storedStatement<[...Page, machine: string]>(`
  i.id IN (SELECT instruction FROM amendments a WHERE ${IS_OTHERS} IS NOT TRUE)
  AND i.id > $1 AND i.id % $3 = $4 ORDER BY i.id LIMIT $2`);
const QUESTIONS = statement<[], { unreadable: number; amendments: number }>(`
  SELECT
    (SELECT count(*) FROM instructions WHERE answer <> '' AND answer_since > '') AS unreadable,
    (SELECT count(*) FROM amendments) AS amendments`);

function listClaimable(condition: string) {
  const list = (sends: string) =>
    storedStatement<[...ListValues, machine: string]>(`${OPEN} AND i.unclear_sends ${sends} AND ${condition} ${PAGE}`);
  return { neverSent: list('= 0'), sentBefore: list('> 0') };
}

export function listingVerbs(
  db: Connection,
  { name: machine = '' }: Me,
): Pick<Store, 'list' | 'unclearOrders' | 'amended' | 'askedElsewhere' | 'openQuestions'> {
  const list: Store['list'] = async (
    status,
    { afterId, limit, openDateUpTo = '9999-12-31', share = WHOLE, ...only },
  ) => {
    const { changedSince, claimable, code, sentBefore, unclosed, unsettled } = only;
    const values: ListValues = [status, afterId, openDateUpTo, limit, share.of, share.at];
    const read = () => {
      if (unclosed) return LIST_UNCLOSED.all(db, ...values);
      if (unsettled) return LIST_UNSETTLED.all(db, ...values);
      if (code !== undefined) return LIST_WITH_CODE.all(db, ...values, code);
      if (claimable !== undefined) {
        const lists = claimable === 'now' ? LIST_CLAIMABLE : LIST_ONCE_JUDGED;
        return (sentBefore ? lists.sentBefore : lists.neverSent).all(db, ...values, machine);
      }
      if (sentBefore !== undefined) return (sentBefore ? LIST_SENT_BEFORE : LIST_NEVER_SENT).all(db, ...values);
      if (changedSince === undefined) return (NOT_ARRIVED.includes(status) ? LIST_OPEN : LIST_OTHER).all(db, ...values);
      const since = { paid: LIST_PAID_SINCE, declined: LIST_DOUBTED_SINCE }[status as string];
      if (!since) throw new Error(`${status} instructions can't be listed by their last change`);
      return since.all(db, ...values, changedSince);
    };
    return (await read()).map(storedInstruction);
  };
  return {
    list,
    unclearOrders: async (afterId, limit, { of, at } = WHOLE) =>
      (await UNCLEAR_ORDERS.all(db, afterId, limit, of, at)).map(storedOrder),
    amended: async (afterId, limit, { of, at } = WHOLE) =>
      (await AMENDED.all(db, afterId, limit, of, at, machine)).map(storedInstruction),
    askedElsewhere: async () => (await ASKED_ELSEWHERE.get(db, machine)) === true,
    openQuestions: async () => (await QUESTIONS.get(db)) ?? { unreadable: 0, amendments: 0 },
  };
}

const INSTRUCTIONS_AFTER = storedStatement<[afterId: number, limit: number]>('i.id > $1 ORDER BY i.id LIMIT $2');
const ORDERS_AFTER = orderStatement<[afterId: number, limit: number]>('WHERE id > $1 ORDER BY id LIMIT $2');
const BODIES = statement<[first: number, last: number], { about: number; body: string }>(`
  SELECT instruction AS about, body FROM audit WHERE instruction BETWEEN $1 AND $2 ORDER BY instruction, seq`);

/** What verify.ts compares: each record with its history, both read at one moment. */
export function replayVerbs(db: Connection): Pick<Store, 'instructionsWithHistory' | 'ordersWithHistory'> {
  return {
    instructionsWithHistory: (afterId, limit) =>
      db.reading(async (session) =>
        withHistory(session, (await INSTRUCTIONS_AFTER.all(session, afterId, limit)).map(storedInstruction)),
      ),
    ordersWithHistory: (afterId, limit) =>
      db.reading(async (session) =>
        withHistory(session, (await ORDERS_AFTER.all(session, afterId, limit)).map(storedOrder)),
      ),
  };
}

async function withHistory<Of extends { id: number }>(
  session: Session,
  records: readonly Of[],
): Promise<WithHistory<Of>[]> {
  const [first, last] = [records[0], records.at(-1)];
  const histories = new Map<number, { body: string }[]>(records.map(({ id }) => [id, []]));
  if (first && last)
    for (const { about, body } of await BODIES.all(session, first.id, last.id)) histories.get(about)?.push({ body });
  return records.map((record) => ({ record, history: histories.get(record.id) ?? [] }));
}
