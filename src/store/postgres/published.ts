/** Which reports are in the outbox. */
import type { Session } from './connection.ts';
import { statement } from './statement.ts';

const KEEP = statement<[about: 'file' | 'run', number: number, names: string[], hashes: string[]]>(`
  INSERT INTO published (about, number, name, sha256)
  SELECT $1, $2, name, sha256 FROM unnest($3::text[], $4::text[]) AS report (name, sha256)
  ON CONFLICT (about, number, name) DO UPDATE SET sha256 = excluded.sha256`);

/** Records reports of a file or a run; a report of the same name is replaced. Call it inside a write transaction. */
export async function publish(
  session: Session,
  about: 'file' | 'run',
  number: number,
  reports: readonly { name: string; sha256: string }[],
): Promise<void> {
  if (reports.length === 0) return;
  const byName = new Map(reports.map(({ name, sha256 }) => [name, sha256]));
  await KEEP.run(session, about, number, [...byName.keys()], [...byName.values()]);
}
