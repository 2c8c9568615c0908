/** The audit log as a table. Entries are appended inside the transaction of the changes that they record. */
import { type AuditEvent, CHAIN_START, type ChainHead, nextEntry } from '../audit.ts';
import type { AuditEntry, Decision, Store } from '../port.ts';
import type { Connection } from './connection.ts';

/** `instruction` is the instruction or order whose history the event belongs to. */
type Append = (event: AuditEvent, instruction?: number) => void;

export interface Trail {
  /** Call inside a write transaction. */
  readonly append: Append;
  /**
   * As `append`, for many entries. From this call to the end of the write transaction, append only by the returned
   * function.
   */
  appending(): Append;
  /** The run that entries belong to from now on; undefined between runs. */
  enter(run: number | undefined): void;
  current(): number | undefined;
  head(): ChainHead;
}

export function auditTrail(db: Connection): Trail {
  const head = db.prepare<[], ChainHead>('SELECT seq, lower(hex(hash)) AS hash FROM audit ORDER BY seq DESC LIMIT 1');
  const insert = db.prepare<[number, number | null, number | null, string, string]>(
    'INSERT INTO audit (seq, run, instruction, body, hash) VALUES (?, ?, ?, ?, unhex(?))',
  );
  // The decision is in no run's report yet, whichever run is under way. The run that ends next takes it over (runs.ts).
  const decided = db.prepare<[number]>('INSERT INTO decisions (seq) VALUES (?)');
  // After a crash, the changes that clean up belong to the run that was cut off.
  let run = db
    .prepare<[], number>(
      'SELECT number FROM runs WHERE reported = 0 AND finished_at IS NULL ORDER BY number DESC LIMIT 1',
    )
    .pluck()
    .get();

  const appending = (): Append => {
    let last: ChainHead = head.get() ?? CHAIN_START;
    return (event, instruction) => {
      // An event that has both of these names already keeps the order of its names.
      const entry = nextEntry(last, { ...event, run, instruction });
      insert.run(entry.seq, run ?? null, instruction ?? null, entry.body, entry.hash);
      if (event['by'] !== undefined) decided.run(entry.seq);
      last = entry;
    };
  };

  return {
    append: (event, instruction) => appending()(event, instruction),
    appending,
    enter(number) {
      run = number;
    },
    current: () => run,
    head: () => head.get() ?? CHAIN_START,
  };
}

export function auditVerbs(
  db: Connection,
  trail: Trail,
): Pick<Store, 'historyOf' | 'auditEntries' | 'auditHead' | 'noteDecision'> {
  const history = db.prepare<[number], AuditEntry>(
    'SELECT seq, body, lower(hex(hash)) AS hash FROM audit WHERE instruction = ? ORDER BY seq',
  );
  const entries = db.prepare<[number, number], AuditEntry>(
    'SELECT seq, body, lower(hex(hash)) AS hash FROM audit WHERE seq > ? ORDER BY seq LIMIT +?',
  );
  const note = db.transaction((type: string, decision: Decision, at: string, about: Readonly<Record<string, string>>) =>
    trail.append({ ...about, type, at, ...decision }),
  );
  return {
    historyOf: async (instruction) => history.all(instruction),
    auditEntries: async (afterSeq, limit) => entries.all(afterSeq, limit),
    auditHead: async () => trail.head(),
    async noteDecision(what, decision, at, about = {}) {
      note.immediate(what, decision, at, about);
    },
  };
}
