/** Records each send before it leaves, and how it ended. */
import type { Changed } from '../../change-rules.ts';
import type { Change } from '../../port.ts';
import type { Session } from '../connection.ts';
import { column, insertion, statement } from '../statement.ts';

type Intended = readonly [Change, NonNullable<Change['intent']>, Changed];

const FIX = column<
  [ids: number[], attempts: number[], clientRefIds: string[], bodies: string[], hashes: string[]],
  number
>(`
  INSERT INTO attempts (instruction, attempt, client_ref_id, body, body_sha256)
  SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[])
  ON CONFLICT (instruction, attempt) DO NOTHING
  RETURNING instruction`);

interface Fixed {
  readonly instruction: number;
  readonly clientRefId: string;
  readonly bodySha256: string;
}

const FIXED = statement<[ids: number[], attempts: number[]], Fixed>(`
  SELECT instruction, client_ref_id AS "clientRefId", body_sha256 AS "bodySha256" FROM attempts
  JOIN unnest($1::bigint[], $2::bigint[]) AS given (instruction, attempt) USING (instruction, attempt)`);

const insertSends = insertion<unknown[]>('sends', {
  instruction: 'bigint',
  send: 'bigint',
  attempt: 'bigint',
  began_at: 'text',
  correlation_id: 'text',
  business_date: 'text',
  machine: 'bigint',
});

/** Every send of an attempt has the same reference and the same bytes. */
export async function beginSends(
  session: Session,
  at: string,
  changes: readonly Change[],
  changed: ReadonlyMap<number, Changed>,
  machine: number | undefined,
): Promise<void> {
  const intended = changes.flatMap((change): Intended[] => {
    const now = changed.get(change.id);
    return change.intent && now ? [[change, change.intent, now]] : [];
  });
  if (intended.length === 0) return;
  const isNew = new Set(
    await FIX.all(
      session,
      intended.map(([{ id }]) => id),
      intended.map(([, , [attempt]]) => attempt),
      intended.map(([, { clientRefId }]) => clientRefId),
      intended.map(([, { body }]) => body),
      intended.map(([, { bodySha256 }]) => bodySha256),
    ),
  );
  await requireSame(
    session,
    intended.filter(([{ id }]) => !isNew.has(id)),
  );
  await insertSends(
    session,
    intended.map(([{ id }, { correlationId = '', businessDate }, [attempt, send]]) => [
      id,
      send,
      attempt,
      at,
      correlationId,
      businessDate,
      machine ?? null,
    ]),
  );
}

async function requireSame(session: Session, again: readonly Intended[]): Promise<void> {
  if (again.length === 0) return;
  const rows = await FIXED.all(
    session,
    again.map(([{ id }]) => id),
    again.map(([, , [attempt]]) => attempt),
  );
  const fixed = new Map(rows.map((row) => [row.instruction, row]));
  for (const [{ id }, { clientRefId, bodySha256 }, [attempt]] of again) {
    const before = fixed.get(id);
    if (before?.clientRefId !== clientRefId || before.bodySha256 !== bodySha256)
      throw new Error(`Instruction ${id} would be sent again in attempt ${attempt} with another reference or body`);
  }
}

const END = column<
  [at: string, ids: number[], sends: number[], outcomes: string[], httpStatuses: (number | null)[]],
  number
>(`
  UPDATE sends s SET ended_at = $1, outcome = e.outcome, http_status = e.http_status
  FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::int[]) AS e (instruction, send, outcome, http_status)
  WHERE s.instruction = e.instruction AND s.send = e.send AND s.ended_at IS NULL
  RETURNING s.instruction`);

export async function endSends(
  session: Session,
  at: string,
  changes: readonly Change[],
  changed: ReadonlyMap<number, Changed>,
): Promise<void> {
  const ended = changes.flatMap(({ id, sent }) => {
    const now = changed.get(id);
    return sent && now ? [{ id, ...sent, send: now[1] }] : [];
  });
  if (ended.length === 0) return;
  const found = new Set(
    await END.all(
      session,
      at,
      ended.map(({ id }) => id),
      ended.map(({ send }) => send),
      ended.map(({ outcome }) => outcome),
      ended.map(({ httpStatus = null }) => httpStatus),
    ),
  );
  const lost = ended.find(({ id }) => !found.has(id));
  if (lost) throw new Error(`Instruction ${lost.id} has no send under way that could have ended`);
}
