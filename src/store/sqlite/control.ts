/** What is held back: payouts to judge and what they are like, what persons have said, and what was sent on a day. */
import { rowPlace } from '../../domain/instruction.ts';
import { fileRange } from '../file-record.ts';
import { COUNTS, NOT_IN_DOUBT, ON_ITS_WAY, statedIn, UNSENT, updatedIn } from '../judging.ts';
import type { Change, Control, Moment, PayoutToJudge, Resemblance, SentTo, Suspicion } from '../port.ts';
import { storedInstruction } from '../stored.ts';
import { alikeVerbs } from './alike.ts';
import type { Applier } from './changes.ts';
import { hasNotArrived } from './conditions.ts';
import type { Connection } from './connection.ts';
import { decisionVerbs } from './decisions.ts';
import { enterPayees, payeeOf, payeeVerbs } from './payees.ts';
import { prepareStored } from './stored.ts';
import type { Trail } from './trail.ts';

type Range = { readonly first: number; readonly last: number };

const RANGE = ':first AND :last';
const UPDATED = updatedIn(RANGE);
const STATED = statedIn(RANGE);

export function controlVerbs(db: Connection, trail: Trail, apply: Applier): Control {
  return {
    ...judgingVerbs(db),
    ...alikeVerbs(db),
    ...payeeVerbs(db),
    ...decisionVerbs(db, trail, apply),
    hold: holder(db, apply),
    ...sentVerbs(db),
  };
}

type JudgingVerbs = Pick<
  Control,
  | 'filesToJudge'
  | 'judgeAllAnew'
  | 'beginJudging'
  | 'suspects'
  | 'toJudge'
  | 'lastRowOf'
  | 'statedSums'
  | 'statesAtMost'
  | 'heldIds'
  | 'judged'
  | 'resemblancesOf'
>;

function judgingVerbs(db: Connection): JudgingVerbs {
  const files = db
    .prepare<[], number>('SELECT number FROM files WHERE judged <> 1 AND done = 1 ORDER BY number')
    .pluck();
  const anew = db.prepare<[]>(`
    UPDATE files SET judged = 0 WHERE number IN (
      SELECT content_row >> 32 FROM instructions INDEXED BY instructions_open
      WHERE ${hasNotArrived('status')} AND status IN (${UNSENT}))`);
  const toJudge = payoutReader(db);
  const held = db
    .prepare<[number, number], number>(`
      SELECT id FROM instructions INDEXED BY instructions_open
      WHERE ${hasNotArrived('status')} AND status = 'held' AND id > ? ORDER BY id LIMIT +?`)
    .pluck();
  const markJudged = db.prepare<[number, number]>(
    'UPDATE files SET judged = iif(judged = 2, 1, judged), revision = revision + ? WHERE number = ?',
  );
  const clear = db.prepare<Range>(`
    DELETE FROM resemblances WHERE instruction IN (${UPDATED})
      OR instruction BETWEEN :first AND :last
        AND instruction = (SELECT content_row FROM instructions WHERE id = resemblances.instruction)`);
  const keep = db.prepare<[number, number, string]>(
    'INSERT INTO resemblances (instruction, other, code) VALUES (?, ?, ?)',
  );
  const judged = db.transaction((file: number, resemblances: readonly Resemblance[]) => {
    const changed = clear.run(fileRange(file)).changes + resemblances.length;
    for (const { instruction, other, code } of resemblances) keep.run(instruction, other, code);
    markJudged.run(changed > 0 ? 1 : 0, file);
  });
  const resemblances = db.prepare<Range, { code: Resemblance['code']; count: number; first: number }>(`
    SELECT r.code, count(*) AS count, min(i.content_row) AS first
    FROM resemblances r CROSS JOIN instructions i ON i.id = r.instruction
    WHERE r.instruction BETWEEN :first AND :last AND i.content_row = i.id OR r.instruction IN (${UPDATED})
    GROUP BY 1 ORDER BY 1`);
  return {
    filesToJudge: async () => files.all(),
    async judgeAllAnew() {
      anew.run();
    },
    beginJudging: judgingBeginner(db),
    suspects: suspectsReader(db),
    toJudge: async (ids, payees) => toJudge(ids, payees),
    lastRowOf: lastRowReader(db),
    ...statedSumVerbs(db),
    heldIds: async (afterId, limit) => held.all(afterId, limit),
    async judged(file, found) {
      judged.immediate(file, found);
    },
    resemblancesOf: async (file) =>
      resemblances
        .all(fileRange(file))
        .map(({ code, count, first }) => ({ code, count, firstLine: rowPlace(first).line })),
  };
}

function judgingBeginner(db: Connection): Control['beginJudging'] {
  const enterStated = db.prepare<Range>(enterPayees('i.id BETWEEN :first AND :last AND i.content_row = i.id'));
  const enterUpdated = db.prepare<Range>(enterPayees(`i.id IN (${UPDATED})`));
  const mark = db.prepare<[number]>('UPDATE files SET judged = 2 WHERE number = ?');
  const begin = db.transaction((file: number) => {
    mark.run(file);
    enterStated.run(fileRange(file));
    enterUpdated.run(fileRange(file));
  });
  return async (file) => {
    begin.immediate(file);
  };
}

function lastRowReader(db: Connection): Control['lastRowOf'] {
  const lastRow = db
    .prepare<Range, number | null>(`
      SELECT max(id) FROM (
        SELECT max(id) AS id FROM instructions WHERE id BETWEEN :first AND :last
        UNION ALL
        SELECT max(id) FROM rows WHERE id BETWEEN :first AND :last)`)
    .pluck();
  return async (file) => lastRow.get(fileRange(file)) ?? undefined;
}

/** Payouts with their payees, and whether anything was paid to them. */
function payoutReader(db: Connection): (...args: Parameters<Control['toJudge']>) => PayoutToJudge[] {
  const known = db.prepare<[string], 1>(`
    SELECT 1 FROM payees CROSS JOIN instructions paid ON paid.id = payees.instruction
    WHERE payees.payee = ? AND paid.status IN ('paid', 'reversed') LIMIT 1`);
  type Own = [payee: string, code: string, why: string];
  const own = db
    .prepare<[number], Own>(`SELECT ${payeeOf('i')}, code, message FROM instructions i WHERE i.id = ?`)
    .raw();
  const record = prepareStored<[number]>(db, 'i.id = ?');
  return db.transaction((ids: readonly number[], payees = new Map<string, boolean>()) => {
    const isKnown = (payee: string) => {
      const found = payees.get(payee) ?? known.get(payee) !== undefined;
      payees.set(payee, found);
      return found;
    };
    return ids.flatMap((id): PayoutToJudge[] => {
      const row = record.get(id);
      const [payee, code, why] = own.get(id) ?? ['', '', ''];
      return row ? [{ ...storedInstruction(row), payee, payeeIsKnown: isKnown(payee), code, why }] : [];
    });
  });
}

function statedSumVerbs(db: Connection): Pick<Control, 'statedSums' | 'statesAtMost'> {
  const sums = db
    .prepare<Range, [currency: string, high: bigint, low: bigint]>(`
      WITH stated (currency, minor) AS (
        SELECT currency, amount_minor FROM instructions
        WHERE id BETWEEN :first AND :last AND content_row = id AND ${COUNTS}
        UNION ALL
        SELECT currency, amount_minor FROM instructions WHERE id IN (${UPDATED}) AND ${COUNTS}
        UNION ALL
        SELECT content ->> 'currency', CAST(content ->> 'amountMinor' AS INTEGER) FROM amendments
        WHERE id BETWEEN :first AND :last AND content IS NOT NULL
      )
      SELECT currency, sum(minor >> 32), sum(minor & 0xFFFFFFFF) FROM stated GROUP BY 1`)
    .raw()
    .safeIntegers();
  // Every amount is above zero. So all amounts of the file, in whatever currency and status, are no less than one sum.
  const all = db
    .prepare<Range, [high: bigint, low: bigint]>(`
      WITH amounts (minor) AS (
        SELECT amount_minor FROM instructions WHERE id BETWEEN :first AND :last
        UNION ALL
        SELECT amount_minor FROM instructions WHERE id IN (${UPDATED})
        UNION ALL
        SELECT CAST(content ->> 'amountMinor' AS INTEGER) FROM amendments
        WHERE id BETWEEN :first AND :last AND content IS NOT NULL
      )
      SELECT coalesce(sum(minor >> 32), 0), coalesce(sum(minor & 0xFFFFFFFF), 0) FROM amounts`)
    .raw()
    .safeIntegers();
  return {
    statedSums: async (file) =>
      new Map(sums.all(fileRange(file)).map(([currency, high, low]) => [currency, (high << 32n) + low])),
    async statesAtMost(file) {
      const [high, low] = all.get(fileRange(file)) ?? [0n, 0n];
      return (high << 32n) + low;
    },
  };
}

/**
 * One look at each payout of the file. Amounts by currency stand in the query itself: as values each would be looked up.
 * What few payouts have is asked first: the columns that all have stand far behind in their rows.
 */
function suspectsReader(db: Connection): Control['suspects'] {
  type Values = Range & { openAfter: string; dueBefore: string; row: number; also: string };
  const unknown = `
    unknown (payee) AS MATERIALIZED (
      SELECT payee FROM (
        SELECT DISTINCT ${payeeOf('i')} AS payee FROM (${STATED}) AS stated CROSS JOIN instructions i ON i.id = stated.id
      ) AS of_file
      WHERE (
        SELECT 1 FROM payees CROSS JOIN instructions paid ON paid.id = payees.instruction
        WHERE payees.payee = of_file.payee AND paid.status IN ('paid', 'reversed') LIMIT 1) IS NULL
    )`;
  return async (file, suspicion, also) => {
    const { openAfter, dueBefore, row = 0, unknownPayees } = suspicion;
    const suspects = (where: string) => `
      SELECT i.id FROM instructions i
      WHERE ${where} AND (
        ${amountsOf(suspicion)} OR i.open_date > :openAfter OR i.due_date < :dueBefore OR i.content_row = :row
        ${unknownPayees ? `OR ${payeeOf('i')} IN (SELECT payee FROM unknown)` : ''}
        ${also.size > 0 ? 'OR i.id IN (SELECT value FROM also)' : ''}
      ) AND i.status IN (${UNSENT}) AND ${NOT_IN_DOUBT}`;
    const find = db
      .prepare<Values, number>(`
        WITH also (value) AS MATERIALIZED (SELECT value FROM json_each(:also))
        ${unknownPayees ? `, ${unknown}` : ''}
        ${suspects('i.id BETWEEN :first AND :last')} AND i.content_row = i.id
        UNION ALL
        ${suspects(`i.id IN (${UPDATED})`)}
        ORDER BY 1`)
      .pluck();
    return find.all({ ...fileRange(file), openAfter, dueBefore, row, also: JSON.stringify([...also]) });
  };
}

function amountsOf({ amounts, otherAmounts }: Suspicion): string {
  const cases = [...amounts].map(([currency, from]) => `WHEN '${codeOf(currency)}' THEN i.amount_minor >= ${from}`);
  const other = otherAmounts === undefined ? '0' : `i.amount_minor >= ${otherAmounts}`;
  return cases.length === 0 ? other : `CASE i.currency ${cases.join(' ')} ELSE ${other} END`;
}

function codeOf(currency: string): string {
  if (!/^[A-Z]{3}$/.test(currency)) throw new Error(`${currency} is no currency`);
  return currency;
}

function holder(db: Connection, apply: Applier): Control['hold'] {
  const stands = db
    .prepare<[number, string, number], 1>('SELECT 1 FROM instructions WHERE id = ? AND status = +? AND version = ?')
    .pluck();
  const hold = db.transaction((changes: readonly Change[], moment: Moment) =>
    apply(
      changes.filter(({ id, from, version }) => stands.get(id, from, version) !== undefined),
      moment,
      [],
    ),
  );
  return async (changes, moment) => {
    hold.immediate(changes, moment);
  };
}

/**
 * A payout that records learned of only by looking it up has no send: it counts on the date on which that was. A change
 * of a payout that was asked for counts with what it adds, as long as it may be made.
 */
function sentVerbs(db: Connection): Pick<Control, 'sentOn' | 'sentDates'> {
  type SumRow = [payee: string, currency: string, high: bigint, low: bigint];
  const unsentHere = (index: string, condition: string) => `
    SELECT i.id FROM instructions i INDEXED BY ${index}
    WHERE ${condition} AND i.status IN (${ON_ITS_WAY}) AND i.sends = 0 AND i.updated_at >= :since`;
  const sums = db
    .prepare<{ date: string; since: string }, SumRow>(`
      WITH sent (id) AS (
        SELECT instruction FROM sends WHERE business_date = :date AND business_date <> ''
        UNION
        ${unsentHere('instructions_open', hasNotArrived('i.status'))}
        UNION
        ${unsentHere('instructions_paid', "i.status = 'paid'")}
      ), amounts (payee, currency, minor) AS (
        SELECT ${payeeOf('i')}, i.currency, max(i.amount_minor, coalesce(CAST(a.content ->> 'amountMinor' AS INTEGER), 0))
        FROM sent CROSS JOIN instructions i ON i.id = sent.id
        LEFT JOIN amendments a ON a.instruction = i.id AND a.sends > 0
        WHERE i.status IN (${ON_ITS_WAY})
      )
      SELECT payee, currency, sum(minor >> 32), sum(minor & 0xFFFFFFFF) FROM amounts GROUP BY 1, 2`)
    .raw()
    .safeIntegers();
  const dates = db
    .prepare<[number], string>(
      "SELECT DISTINCT business_date FROM sends WHERE instruction = ? AND business_date <> '' ORDER BY 1",
    )
    .pluck();
  return {
    sentOn: async (date, since) =>
      sums
        .all({ date, since })
        .map(([payee, currency, high, low]): SentTo => ({ payee, currency, amountMinor: (high << 32n) + low })),
    sentDates: async (instruction) => dates.all(instruction),
  };
}
