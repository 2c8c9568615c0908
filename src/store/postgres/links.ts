/** Finds how rows depend on each other, for all rows of a page at once. */
import type { RowStatus } from '../../domain/status.ts';
import { type Amendment, type Links, linksBy, type Made } from '../links.ts';
import type { OtherRow } from '../port.ts';
import type { Session } from './connection.ts';
import { arrays, statement } from './statement.ts';

const STATUSES = arrays<[ids: number[]], [id: number, status: RowStatus]>(`
  SELECT id, 'accepted' FROM orders WHERE id = ANY ($1::bigint[])
  UNION ALL
  SELECT id, CASE WHEN content_row = id THEN status ELSE 'replaced' END FROM instructions WHERE id = ANY ($1::bigint[])
  UNION ALL
  SELECT rows.id, CASE rows.kind
    WHEN 'updated' THEN CASE WHEN i.content_row = rows.id THEN i.status ELSE 'replaced' END
    WHEN 'deleted' THEN 'accepted'
    ELSE rows.kind
  END
  FROM rows LEFT JOIN instructions i ON i.id = rows.target
  WHERE rows.id = ANY ($1::bigint[])
  UNION ALL
  SELECT id, 'waiting' FROM amendments WHERE id = ANY ($1::bigint[])`);

const NEXT_AMENDMENTS = statement<[instructions: number[], versions: number[]], Amendment & Made>(`
  SELECT asked.instruction, asked.version, next.id, next.kind, next.received_at AS "receivedAt"
  FROM unnest($1::bigint[], $2::bigint[]) AS asked (instruction, version)
  CROSS JOIN LATERAL (
    SELECT rows.id, rows.kind, files.received_at
    FROM rows JOIN files ON files.number = rows.id >> 32
    WHERE rows.target = asked.instruction AND rows.made_version > asked.version
    ORDER BY rows.made_version LIMIT 1) AS next`);

const MADE = statement<[ids: number[]], Made & { id: number }>(`
  SELECT id, target AS instruction, made_version AS version
  FROM rows WHERE id = ANY ($1::bigint[]) AND kind = 'updated'`);

const NEXT_WITH_REFERENCES = arrays<[instructions: number[]], [instruction: number, taker: number | null]>(`
  SELECT i.id, coalesce(
    (SELECT min(n.id) FROM instructions n
     WHERE n.customer_ref = i.customer_ref AND n.order_ref = i.order_ref AND n.instruction_ref = i.instruction_ref
       AND NOT n.holds_refs AND n.id > i.id),
    (SELECT instruction FROM instruction_refs r
     WHERE r.customer_ref = i.customer_ref AND r.order_ref = i.order_ref AND r.instruction_ref = i.instruction_ref
       AND r.instruction > i.id))
  FROM instructions i WHERE i.id = ANY ($1::bigint[])`);

/** What `show` asks of other rows. */
class Asked {
  readonly statuses = new Set<number>();
  readonly repeated = new Set<number>();
  readonly successors = new Map<string, Made>();

  get isNothing(): boolean {
    return this.statuses.size + this.repeated.size + this.successors.size === 0;
  }

  addSuccessor(instruction: number, version: number): void {
    this.successors.set(key(instruction, version), { instruction, version });
  }
}

/**
 * Shows rows with their links. What `show` asks for must not depend on the answers: it is called once to learn what it
 * asks, and again with the answers, unless it asked nothing.
 */
export async function withLinks<Shown>(session: Session, show: (links: Links) => Shown): Promise<Shown> {
  const asked = new Asked();
  const shown = show(noting(asked));
  return asked.isNothing ? shown : show(await answers(session, asked));
}

function noting(asked: Asked): Links {
  const other = (id: number, how: OtherRow['how']): OtherRow => {
    asked.statuses.add(id);
    return { file: 0, line: 0, status: 'accepted', how };
  };
  return {
    statusOf: (id) => other(id, 'repeats').status,
    other,
    successor(instruction, version) {
      asked.addSuccessor(instruction, version);
      return undefined;
    },
    repeated(id) {
      asked.repeated.add(id);
      return other(id, 'repeats');
    },
  };
}

async function answers(session: Session, asked: Asked): Promise<Links> {
  const repeated = [...asked.repeated];
  const made = new Map<number, Made>();
  const takers = new Map<number, number>();
  if (repeated.length > 0) {
    for (const { id, ...of } of await MADE.all(session, repeated)) made.set(id, of);
    const of = repeated.map((id) => made.get(id) ?? { instruction: id, version: 0 });
    for (const { instruction, version } of of) asked.addSuccessor(instruction, version);
    const instructions = [...new Set(of.map(({ instruction }) => instruction))];
    for (const [id, taker] of await NEXT_WITH_REFERENCES.all(session, instructions))
      if (taker !== null) takers.set(id, taker);
  }
  const amendments = await amendmentsAfter(session, [...asked.successors.values()]);
  const ids = new Set([...asked.statuses, ...takers.values(), ...[...amendments.values()].map(({ id }) => id)]);
  const statuses = new Map(await STATUSES.all(session, [...ids]));
  return linksBy({
    status: (id) => statuses.get(id),
    nextAmendment: (instruction, version) => amendments.get(key(instruction, version)),
    made: (id) => made.get(id),
    nextWithItsReferences: (instruction) => takers.get(instruction),
  });
}

async function amendmentsAfter(session: Session, asked: readonly Made[]): Promise<Map<string, Amendment>> {
  if (asked.length === 0) return new Map();
  const found = await NEXT_AMENDMENTS.all(
    session,
    asked.map(({ instruction }) => instruction),
    asked.map(({ version }) => version),
  );
  return new Map(found.map(({ instruction, version, ...next }) => [key(instruction, version), next]));
}

function key(instruction: number, version: number): string {
  return `${instruction} ${version}`;
}
