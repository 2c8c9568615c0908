/** UPDATE and DELETE rows that wait for the provider: the provider is asked, and then they are done or refused. */
import { rowId } from '../../domain/instruction.ts';
import { askedForEvent, assertAmendableAtProvider } from '../change-rules.ts';
import type { RowRecord } from '../port.ts';
import { writeTerms } from '../stored.ts';
import type { Session } from './connection.ts';
import { statement } from './statement.ts';
import type { Append } from './trail.ts';

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
export async function askForAmendment(session: Session, append: Append, file: number, row: Amending): Promise<boolean> {
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
