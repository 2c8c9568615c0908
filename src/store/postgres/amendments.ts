/** UPDATE and DELETE rows that wait for the provider: the provider is asked, and then they are done or refused. */
import { rowId } from '../../domain/instruction.ts';
import { amendedEvent, askedForEvent, assertAmendableAtProvider, isAsDecided } from '../change-rules.ts';
import type { AmendmentChange, Moment, RowFields, RowRecord, Store } from '../port.ts';
import { readTerms, writeTerms } from '../stored.ts';
import { serverTime } from './conditions.ts';
import type { WriteSession } from './connection.ts';
import { type Me, requireStanding } from './me.ts';
import { markRepairedLate, rejectLate } from './repairs.ts';
import { markStale } from './stale.ts';
import { statement } from './statement.ts';
import type { Append, Writing } from './trail.ts';
import { writeContent, writeRows } from './writers.ts';

type Amending = Extract<RowRecord, { kind: 'amending' }>;

// Nothing is inserted when the instruction has changed since that was decided, or another row has asked first.
const ASK = statement<
  [
    id: number,
    kind: 'updated' | 'deleted',
    fields: string,
    raw: string,
    content: string | null,
    instruction: number,
    from: string,
    version: number,
  ]
>(`
  INSERT INTO amendments (id, kind, fields, raw, content, instruction)
  SELECT $1, $2, $3, $4, $5, id FROM instructions WHERE id = $6 AND status = $7 AND version = $8
  ON CONFLICT (instruction) DO NOTHING`);

/**
 * Records that a row asks for a change. Returns false when the instruction has changed since that was decided, or
 * another row has asked first. Call it inside a write transaction.
 */
export async function askForAmendment(
  session: WriteSession,
  append: Append,
  file: number,
  row: Amending,
): Promise<boolean> {
  const { line, fields, raw, target, becomes } = row;
  assertAmendableAtProvider(target);
  const id = rowId(file, line);
  const asked = await ASK.run(
    session,
    id,
    becomes ? 'updated' : 'deleted',
    JSON.stringify(fields),
    JSON.stringify(raw),
    becomes ? writeTerms(becomes) : null,
    target.id,
    target.from,
    target.version,
  );
  if (asked !== 1) return false;
  append(askedForEvent(id, row), target.id);
  return true;
}

interface AmendmentRow {
  readonly id: number;
  readonly kind: 'updated' | 'deleted';
  readonly fields: string;
  readonly raw: string;
  readonly content: string | null;
  readonly sends: number;
}

const FIND = statement<[row: number, instruction: number, from: string, version: number], AmendmentRow>(`
  SELECT a.id, a.kind, a.fields, a.raw, a.content, a.sends FROM amendments a JOIN instructions i ON i.id = a.instruction
  WHERE a.id = $1 AND i.id = $2 AND i.status = $3 AND i.version = $4`);
const ASKED = statement<[row: number, machine: number | null]>(
  `UPDATE amendments SET sends = sends + 1, machine = $2, machine_asked_at = ${serverTime()} WHERE id = $1`,
);
const SETTLED = statement<[row: number]>('DELETE FROM amendments WHERE id = $1');
const STALE_FILE = statement<[row: number]>('UPDATE files SET revision = revision + 1 WHERE number = $1::bigint >> 32');
const CLEAR_ANSWER = statement<[instruction: number]>(
  "UPDATE instructions SET answer = '', answer_since = '' WHERE id = $1 AND answer <> ''",
);
const CANCEL = statement<[at: string, id: number, from: string, version: number]>(`
  UPDATE instructions SET status = 'cancelled', version = version + 1, updated_at = $1, answer = '', answer_since = ''
  WHERE id = $2 AND status = $3 AND version = $4`);

export function amendmentVerbs(writing: Writing, me: Me): Pick<Store, 'amend'> {
  return {
    amend: (changes, moment) =>
      writing(moment, async (session, append) => {
        // What a machine that was taken for gone has judged, others may have judged anew.
        if (changes.some(({ to }) => to.kind === 'asked')) await requireStanding(session, me);
        const late: AmendmentChange[] = [];
        for (const change of changes) if (!(await amend(session, append, change, moment, me))) late.push(change);
        return late;
      }),
  };
}

/** False where it comes too late. */
async function amend(
  session: WriteSession,
  append: Append,
  change: AmendmentChange,
  { at }: Moment,
  me: Me,
): Promise<boolean> {
  const { row, target, to } = change;
  const { id, from, version } = target;
  const open = await FIND.get(session, row, id, from, version);
  if (!open || !isAsDecided(change, open)) return false;
  if (to.kind === 'asked') {
    await ASKED.run(session, row, me.session?.id ?? null);
    const { bodySha256, correlationId } = to;
    append({ type: 'amendment', from, to: from, step: 'asked', row, bodySha256, correlationId }, id);
    return true;
  }
  await SETTLED.run(session, row);
  await STALE_FILE.run(session, row);
  // The kept answer was about this row, which is settled now.
  await CLEAR_ANSWER.run(session, id);
  const fields = JSON.parse(open.fields) as RowFields;
  if (to.kind === 'refused') {
    await writeRows(session, [{ id: row, kind: 'rejected', fields, raw: open.raw, errors: JSON.stringify(to.errors) }]);
    await rejectLate(session, [row]);
    const errors = to.errors.map(({ code }) => code);
    append({ type: 'amendment', from, to: from, row, step: 'refused', errors }, id);
    return true;
  }
  await carryOut(session, open, fields, change, at);
  const becomes = open.content === null ? undefined : readTerms(open.content);
  append(amendedEvent(row, target, fields, becomes), id);
  await markStale(session, [id]);
  await markRepairedLate(session, row);
  return true;
}

async function carryOut(
  session: WriteSession,
  open: AmendmentRow,
  fields: RowFields,
  { row, target }: AmendmentChange,
  at: string,
): Promise<void> {
  const { id, from, version } = target;
  const becomes = open.content === null ? undefined : readTerms(open.content);
  const changes = becomes
    ? await writeContent(session, target, row, { ...becomes, status: from }, null, at)
    : await CANCEL.run(session, at, id, from, version);
  if (changes !== 1) throw new Error(`Instruction ${id} can't be changed: it isn't ${from} in version ${version}`);
  await writeRows(session, [{ id: row, kind: open.kind, fields, target: id, madeVersion: version + 1 }]);
}
