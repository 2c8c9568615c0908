/** Machines at work on the same records on PostgreSQL, and what tests have them do. */
import pg from 'pg';
import { rowId } from '../../src/domain/instruction.ts';
import type { AmendmentChange, Store } from '../../src/store/port.ts';
import { openStore } from '../../src/store/postgres/postgres.ts';
import { newDatabase } from './postgres.ts';
import { newFile, readyRow, START } from './records.ts';

const DATE = '2026-11-21';
const MOMENT = { at: `${DATE}T02:00:00.000Z` };

export interface AtWork<Name extends string> {
  readonly stores: Readonly<Record<Name, Store>>;
  /** A connection of no machine. */
  readonly beside: pg.Client;
}

/** On new records. Whoever asks closes them. */
export async function machinesAtWork<Name extends string>(...names: Name[]): Promise<AtWork<Name>> {
  const address = await newDatabase();
  const stores = {} as Record<Name, Store>;
  for (const name of names) stores[name] = await openStore({ address, machine: name, atWork: { version: '1.0.0' } });
  const beside = new pg.Client({ connectionString: address });
  await beside.connect();
  await beside.query('SET search_path TO paydrop');
  return { stores, beside };
}

/** A payout that the provider has, and a row that deletes it: returns the change with which a machine asks for that. */
export async function askingToDelete(store: Store): Promise<AmendmentChange> {
  const instructionRef = 'DELETED';
  const sent = await store.registerFile(newFile('sent'));
  await store.recordRows(sent.number, [readyRow(2, instructionRef)], { ...START, line: 2, rows: 1 }, MOMENT);
  await store.finishFile(sent.number, undefined, MOMENT);
  const id = rowId(sent.number, 2);
  const intent = { clientRefId: instructionRef, body: '{}', bodySha256: 'the same', late: false, businessDate: DATE };
  await store.claim([{ changes: [{ id, version: 1, from: 'ready', to: 'sending', intent }] }], MOMENT);
  const accepted = { id, version: 2, from: 'sending', to: 'submitted', sent: { outcome: 'accepted' } } as const;
  await store.settle({ changes: [accepted] }, MOMENT);

  const { number } = await store.registerFile(newFile('deletes'));
  const target = { id, from: 'submitted', version: 3 } as const;
  const references = { customerRef: 'C', orderRef: 'O', instructionRef };
  const fields = { ...references, amount: '', currency: '', openDate: '', dueDate: '' };
  const row = { kind: 'amending', line: 2, target, raw: [], becomes: undefined, fields } as const;
  await store.recordRows(number, [row], { ...START, line: 2, rows: 1 }, MOMENT);
  await store.finishFile(number, undefined, MOMENT);
  const to = { kind: 'asked', bodySha256: 'the same', correlationId: 'trace' } as const;
  return { row: rowId(number, 2), target, sends: 0, to };
}
