/** UPDATE and DELETE rows that wait for the provider: the provider is asked, and then they are done or refused. */
import { rowId } from '../../domain/instruction.ts';
import { amendedEvent, askedForEvent, assertAmendableAtProvider, isAsDecided } from '../change-rules.ts';
import type { AmendmentChange, Moment, RowFields, RowRecord, Store } from '../port.ts';
import { readTerms, writeTerms } from '../stored.ts';
import type { Connection } from './connection.ts';
import { staleMarker } from './files.ts';
import { lateRejection, lateRepair } from './repairs.ts';
import type { Trail } from './trail.ts';
import { contentWriter, rowInsert } from './writers.ts';

type Amending = Extract<RowRecord, { kind: 'amending' }>;

interface AmendmentRow {
  id: number;
  kind: 'updated' | 'deleted';
  fields: string;
  raw: string;
  content: string | null;
  sends: number;
}

/**
 * Records that a row asks for a change. Returns false when the instruction has changed since that was decided, or
 * another row has asked first. Call it inside a write transaction.
 */
export function amendmentAsker(db: Connection, trail: Trail): (file: number, row: Amending, moment: Moment) => boolean {
  const same = db.prepare<[number, string, number], number>(
    'SELECT 1 FROM instructions WHERE id = ? AND status = +? AND version = ?',
  );
  const insert = db.prepare<[number, number, string, string, string, string | null]>(`
    INSERT INTO amendments (id, instruction, kind, fields, raw, content) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (instruction) DO NOTHING`);
  return (file, row, moment) => {
    const { line, fields, raw, target, becomes } = row;
    const { id: instruction, from, version } = target;
    assertAmendableAtProvider(target);
    if (!same.get(instruction, from, version)) return false;
    const id = rowId(file, line);
    const kind = becomes ? 'updated' : 'deleted';
    const content = becomes ? writeTerms(becomes) : null;
    if (insert.run(id, instruction, kind, JSON.stringify(fields), JSON.stringify(raw), content).changes !== 1)
      return false;
    trail.append(moment, askedForEvent(id, row), instruction);
    return true;
  };
}

export function amendmentVerbs(db: Connection, trail: Trail): Pick<Store, 'amend'> {
  const find = db.prepare<[number, number, string, number], AmendmentRow>(`
    SELECT a.id, a.kind, a.fields, a.raw, a.content, a.sends FROM amendments a JOIN instructions i ON i.id = a.instruction
    WHERE a.id = ? AND i.id = ? AND i.status = +? AND i.version = ?`);
  const asked = db.prepare<[number]>('UPDATE amendments SET sends = sends + 1 WHERE id = ?');
  const clear = db.prepare<[number]>(
    "UPDATE instructions SET answer = '', answer_since = '' WHERE id = ? AND answer <> ''",
  );
  const settled = db.prepare<[number]>('DELETE FROM amendments WHERE id = ?');
  const become = contentWriter(db);
  const cancel = db.prepare<[string, number, string, number]>(`
    UPDATE instructions SET status = 'cancelled', version = version + 1, updated_at = ?, answer = '', answer_since = ''
    WHERE id = ? AND status = +? AND version = ?`);
  const insert = rowInsert(db);
  const stale = staleMarker(db);
  const staleFile = db.prepare<[number]>('UPDATE files SET revision = revision + 1 WHERE number = ? >> 32');
  const reject = lateRejection(db);
  const markRepaired = lateRepair(db);

  function settle(open: AmendmentRow, { target, to }: AmendmentChange, moment: Moment): void {
    const { at } = moment;
    const { id, from, version } = target;
    const fields = JSON.parse(open.fields) as RowFields;
    settled.run(open.id);
    staleFile.run(open.id);
    // The kept answer was about this row, which is settled now.
    clear.run(id);
    if (to.kind === 'refused') {
      insert(open.id, 'rejected', fields, null, null, open.raw, JSON.stringify(to.errors));
      reject(open.id);
      const errors = to.errors.map(({ code }) => code);
      trail.append(moment, { type: 'amendment', from, to: from, row: open.id, step: 'refused', errors }, id);
      return;
    }
    const becomes = open.content === null ? undefined : readTerms(open.content);
    const changes = becomes
      ? become({ id, from, version }, open.id, { ...becomes, status: from }, null, at)
      : cancel.run(at, id, from, version).changes;
    if (changes !== 1) throw new Error(`Instruction ${id} can't be changed: it isn't ${from} in version ${version}`);
    insert(open.id, open.kind, fields, id, version + 1, null, null);
    trail.append(moment, amendedEvent(open.id, target, fields, becomes), id);
    stale([id]);
    markRepaired(open.id);
  }

  const record = (change: AmendmentChange, moment: Moment): boolean => {
    const { row, target, to } = change;
    const { id, from, version } = target;
    const open = find.get(row, id, from, version);
    if (!open || !isAsDecided(change, open)) return false;
    if (to.kind !== 'asked') settle(open, change, moment);
    else {
      asked.run(row);
      const { bodySha256, correlationId } = to;
      trail.append(moment, { type: 'amendment', from, to: from, step: 'asked', row, bodySha256, correlationId }, id);
    }
    return true;
  };

  const amend = db.transaction((changes: readonly AmendmentChange[], moment: Moment) =>
    changes.filter((change) => !record(change, moment)),
  );

  return { amend: async (changes, moment) => amend.immediate(changes, moment) };
}
