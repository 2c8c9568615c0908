/** The audit log as a table. Entries are appended inside the transaction of the changes that they record. */

import { type Details, type NotifyEvent, PAUSED_BY_COMMAND } from '../../domain/notification.ts';
import { CHAIN_START, type ChainHead, nextEntry } from '../audit.ts';
import type { TrailEvent } from '../change-rules.ts';
import type { AuditEntry, Decision, Moment, Store } from '../port.ts';
import type { Connection } from './connection.ts';
import type { Notifier } from './notifications.ts';

/** `instruction` is the instruction or order whose history the event belongs to. */
type Append = (event: TrailEvent, instruction?: number) => void;

export interface Trail {
  /** Call inside a write transaction. */
  append(moment: Moment, event: TrailEvent, instruction?: number): void;
  /**
   * As `append`, for many entries of one moment. From this call to the end of the write transaction, append only by the returned
   * function.
   */
  appending(moment: Moment): Append;
  /** Call inside a write transaction: those who subscribe to the event get a notification. */
  notify(moment: Moment, event: NotifyEvent, details: Details): void;
  head(): ChainHead;
}

/** `notifier` sees each entry, after the change that it records. */
export function auditTrail(db: Connection, notifier: Notifier): Trail {
  const head = db.prepare<[], ChainHead>('SELECT seq, lower(hex(hash)) AS hash FROM audit ORDER BY seq DESC LIMIT 1');
  const insert = db.prepare<[number, number | null, number | null, string, string]>(
    'INSERT INTO audit (seq, run, instruction, body, hash) VALUES (?, ?, ?, ?, unhex(?))',
  );
  // The decision is in no run's report yet, whichever run is under way. The run that ends next takes it over (runs.ts).
  const decided = db.prepare<[number]>('INSERT INTO decisions (seq) VALUES (?)');

  const appending = ({ at, run }: Moment): Append => {
    let last: ChainHead = head.get() ?? CHAIN_START;
    return (event, instruction) => {
      // An event that has these names already keeps the order of its names.
      const entry = nextEntry(last, { ...event, at, run, instruction });
      insert.run(entry.seq, run ?? null, instruction ?? null, entry.body, entry.hash);
      if (event['by'] !== undefined) decided.run(entry.seq);
      notifier.entry(event, instruction, at);
      last = entry;
    };
  };

  return {
    append: (moment, event, instruction) => appending(moment)(event, instruction),
    appending,
    notify: ({ at }, event, details) => notifier.notify(event, details, at),
    head: () => head.get() ?? CHAIN_START,
  };
}

export function auditVerbs(
  db: Connection,
  trail: Trail,
): Pick<Store, 'historyOf' | 'historiesOf' | 'auditEntries' | 'auditHead' | 'noteDecision'> {
  const history = db.prepare<[number], AuditEntry>(
    'SELECT seq, body, lower(hex(hash)) AS hash FROM audit WHERE instruction = ? ORDER BY seq',
  );
  const entries = db.prepare<[number, number], AuditEntry>(
    'SELECT seq, body, lower(hex(hash)) AS hash FROM audit WHERE seq > ? ORDER BY seq LIMIT +?',
  );
  const note = db.transaction(
    (type: string, decision: Decision, moment: Moment, about: Readonly<Record<string, string>>) => {
      trail.append(moment, { ...about, type, ...decision });
      if (type === 'paused') trail.notify(moment, 'paused', PAUSED_BY_COMMAND);
    },
  );
  return {
    historyOf: async (instruction) => history.all(instruction),
    historiesOf: async (instructions) => instructions.map((instruction) => history.all(instruction)),
    auditEntries: async (afterSeq, limit) => entries.all(afterSeq, limit),
    auditHead: async () => trail.head(),
    async noteDecision(what, decision, moment, about = {}) {
      note.immediate(what, decision, moment, about);
    },
  };
}
