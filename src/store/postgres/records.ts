/** The records as a whole: how they are backed up, and whether they are sound. */
import { UsageError } from '../../platform/failures.ts';
import type { Store } from '../port.ts';
import { type Connection, SCHEMA, type Session } from './connection.ts';
import { column } from './statement.ts';
import { damaged } from './trouble.ts';

export function recordVerbs(db: Connection, where: string): Pick<Store, 'backupTo' | 'damage'> {
  return {
    async backupTo() {
      throw new UsageError(
        `${where} is backed up by its own means: pg_dump --format=custom --schema=${SCHEMA} --file=FILE "$(cat /etc/paydrop/database-url)" (the address of the database), or a base backup of the server with its log; paydrop backup --whole has the part of this machine (docs/operating.md, "Records on PostgreSQL")`,
      );
    },
    async damage() {
      const found = await db.reading(firstFinding);
      return found === undefined ? undefined : damaged(where, found);
    },
  };
}

const OF_SCHEMA = `'${SCHEMA}'::regnamespace`;

/** Each gives what is wrong, in words; nothing where all is well. The cheap ones come first. */
const CHECKS = [
  // Entries and head are written by the same statement.
  `SELECT 'the audit log ends with entry ' || coalesce(last.seq, 0) || ', and its head says ' || head.seq
   FROM audit_head head LEFT JOIN (SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1) AS last ON true
   WHERE head.seq <> coalesce(last.seq, 0) OR head.hash <> coalesce(last.hash, decode(repeat('00', 32), 'hex'))`,
  `SELECT 'the audit log has no head' WHERE NOT EXISTS (SELECT 1 FROM audit_head)`,
  // What a repair by hand, or a restore that was cut off, leaves behind.
  `SELECT 'the index ' || relname || ' is not valid' FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
   WHERE relnamespace = ${OF_SCHEMA} AND NOT (indisvalid AND indisready)`,
  `SELECT 'the constraint ' || conname || ' was not checked' FROM pg_constraint
   WHERE connamespace = ${OF_SCHEMA} AND NOT convalidated`,
  `SELECT 'a trigger of ' || relname || ' is off (' || tgname || ')' FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
   WHERE relnamespace = ${OF_SCHEMA} AND tgenabled NOT IN ('O', 'A')`,
  `SELECT 'the trigger ' || name || ' is missing' FROM (VALUES ('audit_never_changed'), ('instruction_refs_freed')) AS t (name)
   WHERE NOT EXISTS (
     SELECT 1 FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
     WHERE relnamespace = ${OF_SCHEMA} AND tgname = name)`,
  // Each row that was read of a file is in one of these tables.
  `WITH ids (id) AS (
     SELECT id FROM orders UNION ALL SELECT id FROM instructions UNION ALL SELECT id FROM rows
     UNION ALL SELECT id FROM amendments
   ), found AS (SELECT id >> 32 AS file, count(*) AS rows FROM ids GROUP BY 1)
   SELECT 'file ' || coalesce(number, found.file) || ' has ' || coalesce(found.rows, 0) || ' rows instead of '
     || coalesce((progress::json ->> 'rows')::bigint, 0)
   FROM files FULL JOIN found ON found.file = files.number
   WHERE coalesce((progress::json ->> 'rows')::bigint, 0) <> coalesce(found.rows, 0)
   ORDER BY coalesce(number, found.file)`,
  // An instruction holds its references as long as it isn't rejected.
  `SELECT 'instruction ' || i.id || ' does not hold its references' FROM instructions i
   JOIN files ON files.number = i.id >> 32 AND files.done
   LEFT JOIN instruction_refs held ON held.customer_ref = i.customer_ref AND held.order_ref = i.order_ref
     AND held.instruction_ref = i.instruction_ref AND held.instruction = i.id
   WHERE i.holds_refs AND held.instruction IS NULL
   ORDER BY i.id`,
].map((sql) => column<[], string>(`${sql} LIMIT 1`));

async function firstFinding(session: Session): Promise<string | undefined> {
  for (const check of CHECKS) {
    const found = await check.get(session);
    if (found !== undefined) return found;
  }
  return undefined;
}
