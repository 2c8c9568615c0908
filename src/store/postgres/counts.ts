/** Counts the instructions of each file, and keeps the counts. */
import type { InstructionStatus, Verdict } from '../../domain/status.ts';
import {
  type ClosedPayouts,
  COUNTED,
  COUNTED_UP_TO,
  type Counted,
  type CountedFile,
  countedWith,
  type FileCount,
  type GlanceRow,
  glancesOf,
  SINCE,
  statusCountsOf,
  toCount,
  VERDICT,
} from '../counts.ts';
import type { StatusCount, Store } from '../port.ts';
import { hasNotArrived } from './conditions.ts';
import type { Connection, Session } from './connection.ts';
import { getFact } from './facts.ts';
import { arrays, column, statement } from './statement.ts';
import { LOCK_HEAD } from './trail.ts';

/** With the audit entry that the kept counts covered, as it was noted, and the one that these reach. */
type Reached = Counted & { readonly upTo: string | undefined; readonly seq: number };

const FILES = statement<[], CountedFile>(`SELECT ${COUNTED} FROM files WHERE kind = 'instructions'`);
const REACHED = column<[], number>('SELECT coalesce(max(seq), 0) FROM audit');
const MOVED = column<[after: number], number>(
  'SELECT DISTINCT instruction >> 32 FROM audit WHERE seq > $1 AND instruction IS NOT NULL',
);
const COUNT = arrays<
  [files: number[]],
  [file: number, status: InstructionStatus, currency: string, count: number, amountMinor: bigint]
>(`
  SELECT f.number, i.status, coalesce(i.currency, ''), count(*), coalesce(sum(i.amount_minor), 0)
  FROM unnest($1::bigint[]) AS f (number)
  JOIN instructions i ON i.id BETWEEN f.number << 32 AND (f.number + 1 << 32) - 1
  GROUP BY 1, 2, 3`);

/** Within one snapshot with the reading of the files. */
async function counted(session: Session, files: readonly CountedFile[]): Promise<Reached> {
  const seq = (await REACHED.get(session)) ?? 0;
  const upTo = await getFact(session, COUNTED_UP_TO);
  const outdated = toCount(files, await MOVED.all(session, Number(upTo ?? 0)));
  const fresh = new Map<number, FileCount[]>(outdated.map((file) => [file, []]));
  const counts = outdated.length === 0 ? [] : await COUNT.all(session, outdated);
  for (const [file, status, currency, count, amountMinor] of counts)
    fresh.get(file)?.push([status, currency, count, String(amountMinor)]);
  return { ...countedWith(files, fresh), upTo, seq };
}

const KEEP = statement<[files: number[], counts: string[]]>(`
  UPDATE files SET counts = given.counts
  FROM unnest($1::bigint[], $2::text[]) AS given (number, counts) WHERE files.number = given.number`);
const MOVE_ON = statement<[name: string, seq: string, from: string]>(
  'UPDATE facts SET value = $2 WHERE name = $1 AND value = $3',
);
const BEGIN = statement<[name: string, seq: string]>(
  'INSERT INTO facts (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING',
);

/**
 * Keeps what was counted anew, unless another machine has kept counts since these were read: then they may be older than
 * what is noted with the others. The chain's head is locked, as by all who change several files.
 */
async function keep(session: Session, { anew, upTo, seq }: Reached): Promise<void> {
  const changed =
    upTo === undefined
      ? await BEGIN.run(session, COUNTED_UP_TO, String(seq))
      : await MOVE_ON.run(session, COUNTED_UP_TO, String(seq), upTo);
  if (changed === 1) await KEEP.run(session, [...anew.keys()], [...anew.values()]);
}

const GLANCES = statement<[], GlanceRow>(`
  SELECT ${COUNTED}, kind IS NOT DISTINCT FROM 'instructions' AS "isCounted", name, problem::json ->> 'code' AS code,
    duplicate_of AS "duplicateOf", greatest(0, rejected - repaired - stood_for) AS "toRepair", reported > 0 AS reported,
    problem IS NOT NULL AND EXISTS (SELECT 1 FROM closings WHERE closings.file = files.number) AS closed
  FROM files ORDER BY number`);
const CLOSED_PAYOUTS = statement<[], ClosedPayouts>(`
  SELECT instructions.id >> 32 AS file, status, count(*) AS count
  FROM closings JOIN instructions
    ON instructions.version = closings.version AND instructions.id = closings.instruction
  GROUP BY 1, 2`);

const OLDEST = statement<[statuses: string[]], { status: InstructionStatus; since: string | null }>(`
  SELECT asked.status, (
    SELECT min(${SINCE}) FROM instructions i JOIN files ON files.number = i.id >> 32
    WHERE ${hasNotArrived('i.status')} AND i.status = asked.status) AS since
  FROM unnest($1::text[]) WITH ORDINALITY AS asked (status, place) ORDER BY place`);
const VERDICTS = statement<[], { verdict: Verdict; count: number }>(`
  SELECT ${VERDICT("(progress::json ->> 'rows')::bigint")} AS verdict, count(*) AS count
  FROM files WHERE done GROUP BY 1 ORDER BY 1`);

export function countVerbs(db: Connection): Pick<Store, 'statusCounts' | 'glances' | 'oldestIn' | 'verdictCounts'> {
  const kept = async (found: Reached): Promise<StatusCount[]> => {
    if (found.anew.size > 0 && !db.readonly) await db.writing((session) => keep(session, found), LOCK_HEAD);
    return statusCountsOf(found);
  };
  return {
    statusCounts: async () => kept(await db.reading(async (session) => counted(session, await FILES.all(session)))),
    oldestIn: async (statuses) =>
      (await OLDEST.all(db, [...statuses])).map(({ status, since }) => ({ status, since: since ?? undefined })),
    verdictCounts: () => VERDICTS.all(db),
    async glances() {
      const { found, files } = await db.reading(async (session) => {
        const rows = await GLANCES.all(session);
        const found = await counted(
          session,
          rows.filter(({ isCounted }) => isCounted),
        );
        return { found, files: glancesOf(rows, found, await CLOSED_PAYOUTS.all(session)) };
      });
      return { counts: await kept(found), files };
    },
  };
}
