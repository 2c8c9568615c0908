/**
 * The anchor: how far the audit chain has come, written outside the database before anything that its entries record
 * leaves this machine. A database that is behind its anchor, or has another entry in its place, has forgotten promises:
 * it was restored from a backup, or tampered with. Then nothing may be sent on the strength of its records; see
 * `lookUpOnly`.
 *
 * Each line is `SEQ HASH`, appended and synced. The last complete line counts.
 */
import { constants } from 'node:fs';
import { type FileHandle, open, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isErrno, publishDurably, syncFolder } from '../platform/durable.ts';
import { CHAIN_START, type ChainHead } from './audit.ts';
import type { Store } from './port.ts';

/** The anchor's file name in the data folder. */
export const ANCHOR = 'anchor';

/** An anchor that is larger than this when it is opened is replaced by a file with its last line alone. */
const LARGEST_BYTES = 1_000_000;

/** Name of the noted fact that this machine, which shares the records with others, has begun its anchor. */
const ANCHORED = 'anchored';

/** Name of the noted fact that keeps a workspace from sending until a person has decided to trust its records again. */
const LOOK_UP_ONLY = 'look-up-only';

/**
 * Name of the noted fact that these records were restored from a backup. Its anchor may be of the same moment, and so
 * shows nothing of what was sent since.
 */
const RESTORED = 'restored';

/**
 * Name of the noted fact that the last pass of look-up-only mode looked up everything that may be sent after it. Its
 * value is the anchor of then, because records that were put back by hand may have it from an earlier time.
 */
const LOOKED_UP = 'looked-up';

export interface Anchor {
  last(): ChainHead | undefined;
  /**
   * Resolves once the head is on the disk. Calls are served one after another. A head that is not later than the last
   * one is skipped, because what it records is anchored with the last one.
   */
  keep(head: ChainHead): Promise<void>;
  /**
   * As `keep`, for a chain that a person has accepted: its head counts from here on, even if it is earlier than the
   * last one. It ends the doubt of this machine.
   */
  restart(head: ChainHead): Promise<void>;
  /** This machine doubts the records, because of this anchor. Another machine that accepts them does not end that. */
  doubt(why: string): void;
  doubted(): string | undefined;
  /** Closes the file once the writes under way are done. */
  close(): Promise<void>;
}

export async function openAnchor(path: string): Promise<Anchor> {
  const text = await readIfThere(path);
  let last = lastLine(text);
  if (last?.seq === CHAIN_START.seq) await syncFirstLine(path);
  if (text.length > LARGEST_BYTES && last)
    await publishDurably(path, 0o600, false, (file) => file.writeFile(line(last as ChainHead)));
  let file: FileHandle | undefined;
  // A crash or an error may have left a part of a line. A line break ends that part, so that the next line is complete.
  let isCut = text !== '' && !text.endsWith('\n');
  const write = async (head: ChainHead): Promise<void> => {
    if (!file) {
      file = await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND, 0o600);
      await syncFolder(dirname(path));
    }
    const begin = isCut ? '\n' : '';
    isCut = true;
    await file.appendFile(begin + line(head));
    isCut = false;
    await file.datasync();
    last = head;
  };
  let why: string | undefined;
  let underWay: Promise<unknown> = Promise.resolve();
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    const done = underWay.then(work);
    underWay = done.catch(() => undefined);
    return done;
  };
  return {
    last: () => last,
    keep: (head) =>
      inTurn(async () => {
        if (!last || head.seq > last.seq) await write(head);
      }),
    restart: (head) =>
      inTurn(async () => {
        if (head.seq !== last?.seq || head.hash !== last.hash) await write(head);
        why = undefined;
      }),
    doubt: (found) => {
      why = found;
    },
    doubted: () => why,
    close: () => inTurn(async () => file?.close()),
  };
}

/**
 * The last line of the anchor, for a caller that only reads. Nothing is written, because a service may have the file
 * open.
 */
export async function readAnchor(data: string): Promise<Pick<Anchor, 'last'>> {
  const last = lastLine(await readIfThere(join(data, ANCHOR)));
  return { last: () => last };
}

/**
 * The process that wrote the first line may have been killed before the line was on the disk. If that line were lost
 * later, the records would be distrusted because their anchor is missing. Any other line may be lost, because the line
 * before it serves as well.
 */
async function syncFirstLine(path: string): Promise<void> {
  const file = await open(path, constants.O_RDONLY);
  try {
    await file.datasync();
  } finally {
    await file.close();
  }
  await syncFolder(dirname(path));
}

/**
 * A store that anchors what it records before the caller acts on it: the intents of a send, and the end of a run. While
 * this machine doubts the records by its anchor, it is in look-up-only mode, also where another machine has ended that.
 */
export function anchored(store: Store, anchor: Anchor): Store {
  const fact: Store['fact'] = async (name) => {
    const value = await store.fact(name);
    return name === LOOK_UP_ONLY ? value || (anchor.doubted() ?? value) : value;
  };
  const keep = async () => {
    if ((await lookUpOnly({ fact })) === undefined) await anchor.keep(await store.auditHead());
  };
  return {
    ...store,
    fact,
    apply: async (changes, moment, orders = []) => {
      await store.apply(changes, moment, orders);
      if ([...changes, ...orders].some(({ to }) => to === 'sending')) await keep();
    },
    claim: async (...claiming) => {
      const claimed = await store.claim(...claiming);
      if (claimed.includes(true)) await keep();
      return claimed;
    },
    amend: async (changes, moment) => {
      const late = await store.amend(changes, moment);
      if (changes.some(({ to }) => to.kind === 'asked')) await keep();
      return late;
    },
    endRun: async (...ending) => {
      const ended = await store.endRun(...ending);
      await keep();
      return ended;
    },
  };
}

/**
 * Why this store's records can't be trusted, in a sentence; undefined when they match the anchor, and are not restored
 * from a backup.
 */
export async function distrust(store: Store, anchor: Pick<Anchor, 'last'>): Promise<string | undefined> {
  return (await store.fact(RESTORED)) || outOfStep(store, anchor);
}

/** How the records do not match the anchor, in a sentence. */
export async function outOfStep(store: Store, anchor: Pick<Anchor, 'last'>): Promise<string | undefined> {
  const last = anchor.last();
  const head = await store.auditHead();
  if (!last) {
    if (head.seq === 0) return undefined;
    return 'the anchor of the audit log is missing, so it is not known whether the database is the latest';
  }
  // The anchor was written while the log was still empty, and nothing was sent since: nothing can have been forgotten.
  if (last.seq === CHAIN_START.seq) return undefined;
  if (last.seq > head.seq)
    return `the database is older than its anchor (audit entry ${head.seq} of ${last.seq}): it was restored from a backup`;
  const [entry] = await store.auditEntries(last.seq - 1, 1);
  return entry?.hash === last.hash ? undefined : `audit entry ${last.seq} is not the one that was anchored`;
}

/**
 * Begins the anchor of a machine that is new among those that share these records: they are older than it. From then on
 * an anchor that is missing is a doubt, as with records that one machine has.
 */
export async function beginOwnAnchor(records: Store, anchor: Anchor): Promise<void> {
  if ((await records.fact(ANCHORED)) !== undefined) return;
  if (anchor.last() === undefined) await anchor.keep(await records.auditHead());
  await records.setFact(ANCHORED, 'yes');
}

/**
 * As `distrust`, while a service may be writing. The anchor is read before the records, because it is written after
 * them. A doubt is checked a second time, because the first line of a new anchor may have been written in between. A
 * machine that is new among those that share the records has no anchor before its first pass.
 */
export async function distrustNow(store: Store, { data, records }: Place): Promise<string | undefined> {
  const anchor = await readAnchor(data);
  const isNew = records === 'postgres' && anchor.last() === undefined && (await store.fact(ANCHORED)) === undefined;
  if (isNew || (await distrust(store, anchor)) === undefined) return undefined;
  return distrust(store, await readAnchor(data));
}

/** Where a workspace has its anchor and its records, as the settings say it. */
interface Place {
  readonly data: string;
  readonly records: 'sqlite' | 'postgres';
}

/** Why nothing may be sent from this workspace; undefined when it may. */
export function lookUpOnly(store: Pick<Store, 'fact'>): Promise<string | undefined> {
  return store.fact(LOOK_UP_ONLY).then((reason) => reason || undefined);
}

/**
 * Whether these records were ever distrusted. What was sent before that may be missing from them for ever, even after a
 * person has accepted them: its file may be dropped again at any time.
 */
export async function mayHaveForgotten(store: Pick<Store, 'fact'>): Promise<boolean> {
  return (await store.fact(LOOK_UP_ONLY)) !== undefined;
}

/** Whether the last pass looked up everything that would be sent if a person accepted these records now. */
export async function isLookedUp(store: Pick<Store, 'fact'>, anchor: Pick<Anchor, 'last'>): Promise<boolean> {
  return (await store.fact(LOOKED_UP)) === line(anchor.last() ?? CHAIN_START);
}

/**
 * Notes whether everything that may be sent is looked up. A pass denies it when it begins, because it may take in or
 * release more.
 */
export async function noteLookedUp(
  store: Pick<Store, 'fact' | 'setFact'>,
  data: string,
  isAll: boolean,
): Promise<void> {
  const value = isAll ? line((await readAnchor(data)).last() ?? CHAIN_START) : '';
  if (((await store.fact(LOOKED_UP)) ?? '') !== value) await store.setFact(LOOKED_UP, value);
}

export function beginLookUpOnly(store: Store, reason: string): Promise<void> {
  return store.setFact(LOOK_UP_ONLY, reason);
}

/** Marks records that were restored from a backup, whatever their anchor says. `reason` is a sentence without its stop. */
export async function doubtRestored(store: Pick<Store, 'setFact'>, reason: string): Promise<void> {
  await store.setFact(LOOKED_UP, '');
  await store.setFact(RESTORED, reason);
}

/** Allows sending again by a person's decision, which the caller has put into the audit log. */
export async function endLookUpOnly(store: Store, anchor: Anchor): Promise<void> {
  await store.setFact(LOOKED_UP, '');
  await store.setFact(RESTORED, '');
  await store.setFact(LOOK_UP_ONLY, '');
  await anchor.restart(await store.auditHead());
}

function line({ seq, hash }: ChainHead): string {
  return `${seq} ${hash}\n`;
}

function lastLine(text: string): ChainHead | undefined {
  const lines = text.split('\n').slice(0, -1);
  for (const candidate of lines.reverse()) {
    const [, seq, hash] = /^(\d{1,15}) ([0-9a-f]{64})$/.exec(candidate) ?? [];
    if (seq && hash) return { seq: Number(seq), hash };
  }
  return undefined;
}

async function readIfThere(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return '';
    throw error;
  }
}
