/** What is held back: payouts to judge and what they are like, what persons have said, and what was sent on a day. */
import { rowPlace } from '../../domain/instruction.ts';
import { fileRange } from '../file-record.ts';
import { COUNTS, NOT_IN_DOUBT, ON_ITS_WAY, statedIn, UNSENT, updatedIn } from '../judging.ts';
import type { Control, PayoutToJudge, Resemblance, SentTo } from '../port.ts';
import { storedInstruction } from '../stored.ts';
import { alikeVerbs } from './alike.ts';
import { applyChanges } from './changes.ts';
import { hasNotArrived } from './conditions.ts';
import type { Connection, Session } from './connection.ts';
import { decisionVerbs } from './decisions.ts';
import { type Me, requireStanding } from './me.ts';
import { enterPayees, payeeOf, payeeVerbs } from './payees.ts';
import { arrays, column, insertion, statement } from './statement.ts';
import { storedStatement } from './stored.ts';
import { inTurn, type Writing } from './trail.ts';

type Range = [first: number, last: number];

const RANGE = '$1 AND $2';
const UPDATED = updatedIn(RANGE);
const STATED = statedIn(RANGE);

export function controlVerbs(db: Connection, writing: Writing, me: Me): Control {
  return {
    ...judgingVerbs(db, me),
    ...readingVerbs(db),
    ...alikeVerbs(db),
    ...decisionVerbs(db, writing),
    hold: holder(writing, me),
    ...payeeVerbs(db),
    ...sentVerbs(db),
  };
}

function rangeOf(file: number): Range {
  const { first, last } = fileRange(file);
  return [first, last];
}

const TO_JUDGE = column<[], number>('SELECT number FROM files WHERE judged <> 1 AND done ORDER BY number');
const JUDGE_ANEW = statement(`
  UPDATE files SET judged = 0 WHERE number IN (
    SELECT content_row >> 32 FROM instructions WHERE ${hasNotArrived('status')} AND status IN (${UNSENT}))`);
const BEGIN = statement<[file: number]>('UPDATE files SET judged = 2 WHERE number = $1');
const ENTER_STATED = statement<Range>(enterPayees(`i.id BETWEEN ${RANGE} AND i.content_row = i.id`));
const ENTER_UPDATED = statement<Range>(enterPayees(`i.id IN (${UPDATED})`));
const CLEAR = statement<Range>(`
  DELETE FROM resemblances r WHERE r.instruction IN (${UPDATED})
    OR r.instruction BETWEEN ${RANGE} AND r.instruction = (SELECT content_row FROM instructions WHERE id = r.instruction)`);
const keepResemblances = insertion<[instruction: number, other: number, code: string]>('resemblances', {
  instruction: 'bigint',
  other: 'bigint',
  code: 'text',
});
const END = statement<[shows: boolean, file: number]>(`
  UPDATE files SET judged = CASE judged WHEN 2 THEN 1 ELSE judged END, judged_once = true,
    revision = revision + CASE WHEN $1 THEN 1 ELSE 0 END
  WHERE number = $2`);
const RESEMBLANCES = statement<Range, { code: Resemblance['code']; count: number; first: number }>(`
  SELECT r.code, count(*) AS count, min(i.content_row) AS first
  FROM resemblances r JOIN instructions i ON i.id = r.instruction
  WHERE r.instruction BETWEEN ${RANGE} AND i.content_row = i.id OR r.instruction IN (${UPDATED})
  GROUP BY 1 ORDER BY 1`);

type JudgingVerbs = Pick<Control, 'filesToJudge' | 'judgeAllAnew' | 'beginJudging' | 'judged' | 'resemblancesOf'>;

function judgingVerbs(db: Connection, me: Me): JudgingVerbs {
  /** A machine that was taken for gone no longer judges alone. */
  const whileStanding = (work: (session: Session) => Promise<void>) =>
    inTurn(db, async (session) => {
      await requireStanding(session, me);
      await work(session);
    });
  return {
    filesToJudge: () => TO_JUDGE.all(db),
    judgeAllAnew: () =>
      whileStanding(async (session) => {
        await JUDGE_ANEW.run(session);
      }),
    beginJudging: (file) =>
      whileStanding(async (session) => {
        await BEGIN.run(session, file);
        await ENTER_STATED.run(session, ...rangeOf(file));
        await ENTER_UPDATED.run(session, ...rangeOf(file));
      }),
    judged: (file, found) =>
      whileStanding(async (session) => {
        const cleared = await CLEAR.run(session, ...rangeOf(file));
        await keepResemblances(
          session,
          found.map(({ instruction, other, code }) => [instruction, other, code]),
        );
        await END.run(session, cleared + found.length > 0, file);
      }),
    resemblancesOf: async (file) =>
      (await RESEMBLANCES.all(db, ...rangeOf(file))).map(({ code, count, first }) => ({
        ...{ code, count },
        firstLine: rowPlace(first).line,
      })),
  };
}

const LAST_ROW = column<Range, number | null>(`
  SELECT greatest(
    (SELECT max(id) FROM instructions WHERE id BETWEEN ${RANGE}), (SELECT max(id) FROM rows WHERE id BETWEEN ${RANGE}))`);

const OF_AMENDMENTS = `amendments WHERE id BETWEEN ${RANGE} AND content IS NOT NULL`;
const AMENDED_TO = "(content::json ->> 'amountMinor')::numeric";

const SUMS = arrays<Range, [currency: string, minor: bigint]>(`
  WITH stated (currency, minor) AS (
    SELECT currency, amount_minor FROM instructions
    WHERE id BETWEEN ${RANGE} AND content_row = id AND ${COUNTS}
    UNION ALL
    SELECT currency, amount_minor FROM instructions WHERE id IN (${UPDATED}) AND ${COUNTS}
    UNION ALL
    SELECT content::json ->> 'currency', ${AMENDED_TO} FROM ${OF_AMENDMENTS}
  )
  SELECT currency, sum(minor) FROM stated GROUP BY 1`);
// Every amount is above zero. So all amounts of the file, in whatever currency and status, are no less than one sum.
const AT_MOST = column<Range, bigint>(`
  SELECT coalesce(sum(minor), 0) FROM (
    SELECT amount_minor AS minor FROM instructions WHERE id BETWEEN ${RANGE}
    UNION ALL
    SELECT amount_minor FROM instructions WHERE id IN (${UPDATED})
    UNION ALL
    SELECT ${AMENDED_TO} FROM ${OF_AMENDMENTS}
  ) AS amounts`);

const HELD = column<[afterId: number, limit: number], number>(`
  SELECT id FROM instructions
  WHERE ${hasNotArrived('status')} AND status = 'held' AND id > $1 ORDER BY id LIMIT $2`);

type Suspected = [
  ...Range,
  openAfter: string,
  dueBefore: string,
  row: number,
  unknownPayees: boolean,
  also: number[],
  currencies: string[],
  amounts: bigint[],
  otherAmounts: bigint | null,
];
const SUSPECTED = (where: string) => `
  SELECT i.id FROM instructions i
  LEFT JOIN unnest($8::text[], $9::numeric[]) AS bound (currency, minor) ON bound.currency = i.currency
  WHERE ${where} AND i.status IN (${UNSENT}) AND ${NOT_IN_DOUBT} AND (
    i.amount_minor >= coalesce(bound.minor, $10::numeric) OR i.open_date > $3 OR i.due_date < $4
    OR i.content_row = $5 OR i.id IN (SELECT id FROM also)
    OR $6 AND ${payeeOf('i')} IN (SELECT payee FROM unknown))`;
// The inner LIMIT makes it one look for each payee: as a join it may go through all that was ever paid.
const SUSPECTS = column<Suspected, number>(`
  WITH also (id) AS MATERIALIZED (SELECT unnest($7::bigint[])),
  unknown (payee) AS MATERIALIZED (
    SELECT payee FROM (
      SELECT DISTINCT ${payeeOf('i')} AS payee FROM (${STATED}) AS stated JOIN instructions i ON i.id = stated.id
    ) AS of_file
    WHERE (
      SELECT 1 FROM payees JOIN instructions paid ON paid.id = payees.instruction
      WHERE payees.payee = of_file.payee AND paid.status IN ('paid', 'reversed') LIMIT 1) IS NULL
  )
  ${SUSPECTED(`i.id BETWEEN ${RANGE} AND i.content_row = i.id`)}
  UNION ALL
  ${SUSPECTED(`i.id IN (${UPDATED})`)}
  ORDER BY 1`);

const RECORDS = storedStatement<[ids: number[]]>('i.id = ANY ($1::bigint[])');
const OWN = arrays<[ids: number[]], [id: number, payee: string, code: string, why: string]>(
  `SELECT i.id, ${payeeOf('i')}, i.code, i.message FROM instructions i WHERE i.id = ANY ($1::bigint[])`,
);
const KNOWN = column<[payees: string[]], string>(`
  SELECT payee FROM unnest($1::text[]) AS asked (payee) WHERE (
    SELECT 1 FROM payees JOIN instructions paid ON paid.id = payees.instruction
    WHERE payees.payee = asked.payee AND paid.status IN ('paid', 'reversed') LIMIT 1) IS NOT NULL`);

type ReadingVerbs = Pick<Control, 'suspects' | 'toJudge' | 'heldIds' | 'lastRowOf' | 'statedSums' | 'statesAtMost'>;

function readingVerbs(db: Connection): ReadingVerbs {
  return {
    suspects: (file, { amounts, otherAmounts, openAfter, dueBefore, row = 0, unknownPayees }, also) =>
      SUSPECTS.all(
        db,
        ...rangeOf(file),
        openAfter,
        dueBefore,
        row,
        unknownPayees,
        [...also],
        [...amounts.keys()],
        [...amounts.values()],
        otherAmounts ?? null,
      ),
    toJudge: async (ids, payees) => (ids.length === 0 ? [] : db.reading((session) => toJudge(session, ids, payees))),
    heldIds: (afterId, limit) => HELD.all(db, afterId, limit),
    lastRowOf: async (file) => (await LAST_ROW.get(db, ...rangeOf(file))) ?? undefined,
    statedSums: async (file) => new Map(await SUMS.all(db, ...rangeOf(file))),
    statesAtMost: async (file) => (await AT_MOST.get(db, ...rangeOf(file))) ?? 0n,
  };
}

/** Payouts with their payees, and whether anything was paid to them. */
async function toJudge(
  session: Session,
  ids: readonly number[],
  payees = new Map<string, boolean>(),
): Promise<PayoutToJudge[]> {
  const asked = [...new Set(ids)];
  const records = new Map((await RECORDS.all(session, asked)).map((row) => [row[0], storedInstruction(row)]));
  const own = new Map((await OWN.all(session, asked)).map(([id, ...rest]) => [id, rest]));
  const others = new Set([...own.values()].map(([payee]) => payee).filter((payee) => !payees.has(payee)));
  const known = new Set(others.size === 0 ? [] : await KNOWN.all(session, [...others]));
  for (const payee of others) payees.set(payee, known.has(payee));
  return ids.flatMap((id): PayoutToJudge[] => {
    const record = records.get(id);
    const [payee, code, why] = own.get(id) ?? ['', '', ''];
    return record ? [{ ...record, payee, payeeIsKnown: payees.get(payee) === true, code, why }] : [];
  });
}

const STANDING = column<[ids: number[], statuses: string[], versions: number[]], number>(`
  SELECT i.id FROM instructions i
  JOIN unnest($1::bigint[], $2::text[], $3::bigint[]) AS asked (id, status, version)
    ON asked.id = i.id AND asked.status = i.status AND asked.version = i.version`);

function holder(writing: Writing, me: Me): Control['hold'] {
  return async (changes, moment) => {
    if (changes.length === 0) return;
    await writing(moment, async (session, append, times) => {
      // A machine that was taken for gone no longer judges alone.
      await requireStanding(session, me);
      const standing = new Set(
        await STANDING.all(
          session,
          changes.map(({ id }) => id),
          changes.map(({ from }) => from),
          changes.map(({ version }) => version),
        ),
      );
      const still = changes.filter(({ id }) => standing.has(id));
      await applyChanges(session, append, times, still);
    });
  };
}

const UNSENT_HERE = (condition: string) => `
  SELECT i.id FROM instructions i
  WHERE ${condition} AND i.status IN (${ON_ITS_WAY}) AND i.sends = 0 AND i.updated_at >= $2`;
const SENT_ON = arrays<[date: string, since: string], [payee: string, currency: string, minor: bigint]>(`
  WITH sent (id) AS (
    SELECT instruction FROM sends WHERE business_date = $1 AND business_date <> ''
    UNION
    ${UNSENT_HERE(hasNotArrived('i.status'))}
    UNION
    ${UNSENT_HERE("i.status = 'paid'")}
  ), amounts (payee, currency, minor) AS (
    SELECT ${payeeOf('i')}, i.currency,
      greatest(i.amount_minor, coalesce((a.content::json ->> 'amountMinor')::numeric, 0))
    FROM sent JOIN instructions i ON i.id = sent.id
    LEFT JOIN amendments a ON a.instruction = i.id AND a.sends > 0
    WHERE i.status IN (${ON_ITS_WAY})
  )
  SELECT payee, currency, sum(minor) FROM amounts GROUP BY 1, 2 ORDER BY 1, 2`);
const SENT_DATES = column<[instruction: number], string>(
  "SELECT DISTINCT business_date FROM sends WHERE instruction = $1 AND business_date <> '' ORDER BY 1",
);

/**
 * A payout that records learned of only by looking it up has no send: it counts on the date on which that was. A change
 * of a payout that was asked for counts with what it adds, as long as it may be made.
 */
function sentVerbs(db: Connection): Pick<Control, 'sentOn' | 'sentDates'> {
  return {
    sentOn: async (date, since) =>
      (await SENT_ON.all(db, date, since)).map(
        ([payee, currency, amountMinor]): SentTo => ({ payee, currency, amountMinor }),
      ),
    sentDates: (instruction) => SENT_DATES.all(db, instruction),
  };
}
