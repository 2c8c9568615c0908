import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Store } from '../src/store/port.ts';
import { Sqlite as Database } from '../src/store/sqlite/connection.ts';
import { openStore } from '../src/store/sqlite/sqlite.ts';
import { newFile, START } from './support/records.ts';
import { temporaryFolder } from './support/workspace.ts';

const AT = '2026-11-21T02:00:00.000Z';
/** A store, and another writer that doesn't wait: what became of its try. */
function storeAndRival(): { store: Store; tryToWrite: () => void; tries: string[] } {
  const path = join(temporaryFolder(), 'paydrop.db');
  const store = openStore({ path });
  const rival = new Database(path, { timeout: 0 });
  onTestFinished(async () => {
    rival.close();
    await store.close();
  });
  const tries: string[] = [];
  const tryToWrite = () => {
    try {
      rival.exec("INSERT OR REPLACE INTO facts (name, value) VALUES ('rival', 'was here')");
      tries.push('written');
    } catch (error) {
      tries.push(error instanceof Database.SqliteError ? error.code : String(error));
    }
  };
  return { store, tryToWrite, tries };
}

/** Reading its items is the moment at which another connection tries to write. */
function whenRead<T>(items: T[], happens: () => void): T[] {
  return new Proxy(items, {
    get: (target, name, receiver) => {
      if (name === Symbol.iterator) happens();
      return Reflect.get(target, name, receiver);
    },
  });
}

describe('a write of the store keeps every other writer out from its beginning on', () => {
  it('when a file is registered', async () => {
    const { store, tryToWrite, tries } = storeAndRival();
    await store.registerFile({
      ...newFile('one'),
      get sha256() {
        tryToWrite();
        return 'hash';
      },
    });
    expect(new Set(tries)).toEqual(new Set(['SQLITE_BUSY']));
  });

  it('when rows are recorded', async () => {
    const { store, tryToWrite, tries } = storeAndRival();
    const { number } = await store.registerFile(newFile('one'));
    await store.recordRows(number, whenRead([], tryToWrite), START, { at: AT });
    expect(tries).toEqual(['SQLITE_BUSY']);
  });

  it('when statuses change', async () => {
    const { store, tryToWrite, tries } = storeAndRival();
    await store.apply(whenRead([], tryToWrite), { at: AT });
    expect(tries).toEqual(['SQLITE_BUSY']);
  });

  it('when a decision is noted', async () => {
    const { store, tryToWrite, tries } = storeAndRival();
    const decision = {
      by: 'A',
      get reason() {
        tryToWrite();
        return 'B';
      },
    };
    await store.noteDecision('a word', decision, { at: AT });
    expect(tries).toEqual(['SQLITE_BUSY']);
  });
});
