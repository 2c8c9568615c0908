/**
 * The anchor: how far the audit chain had come, written down outside the database before anything that it tells of leaves
 * this machine. A database that is behind it, or has another entry in its place, has forgotten promises: it was restored
 * from a backup, or tampered with. Then nothing may be sent on its word; see `lookUpOnly`.
 *
 * One line a time, `SEQ HASH`, appended and synced; the last complete one counts.
 */
import { constants } from 'node:fs';
import { type FileHandle, open, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isErrno, publishDurably, syncFolder } from '../platform/durable.ts';
import { CHAIN_START, type ChainHead } from './audit.ts';
import type { Store } from './port.ts';

/** Its name in the data folder. */
export const ANCHOR = 'anchor';

/** Begun anew, with the last line alone, when it has grown beyond this. */
const LARGEST_BYTES = 1_000_000;

/** The fact that keeps a workspace from sending until a person has said that its records may be trusted again. */
const LOOK_UP_ONLY = 'look-up-only';

export interface Anchor {
  last(): ChainHead | undefined;
  /**
   * On the disk when it resolves; one after another, whoever asks. A head before the last one is passed over: what it tells of has been
   * anchored with the last.
   */
  keep(head: ChainHead): Promise<void>;
  /** As `keep`, of a chain that a person has accepted: from here on it counts, though it is shorter. */
  restart(head: ChainHead): Promise<void>;
  /** After what is under way. */
  close(): Promise<void>;
}

export async function openAnchor(path: string): Promise<Anchor> {
  const text = await readIfThere(path);
  let last = lastLine(text);
  if (last?.seq === CHAIN_START.seq) await syncFirstLine(path);
  if (text.length > LARGEST_BYTES && last)
    await publishDurably(path, 0o600, false, (file) => file.writeFile(line(last as ChainHead)));
  let file: FileHandle | undefined;
  // Whatever a crash or an error left of a line is ended, so that ours stands alone.
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
      }),
    close: () => inTurn(async () => file?.close()),
  };
}

/** What stands in the file, for whoever only reads. Nothing is written: a service may have it open. */
export async function readAnchor(data: string): Promise<Pick<Anchor, 'last'>> {
  const last = lastLine(await readIfThere(join(data, ANCHOR)));
  return { last: () => last };
}

/**
 * Whoever wrote the first line may have been killed before it was on the disk. Should it be lost later, the records would be doubted
 * for want of an anchor; any other line may be lost, for the one before it does as well.
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

/** A store that anchors what it is told before anybody acts on it: the intents of a send, and the end of a run. */
export function anchored(store: Store, anchor: Anchor): Store {
  const keep = async () => {
    if ((await lookUpOnly(store)) === undefined) await anchor.keep(await store.auditHead());
  };
  return {
    ...store,
    apply: async (changes, at, orders = []) => {
      await store.apply(changes, at, orders);
      if ([...changes, ...orders].some(({ to }) => to === 'sending')) await keep();
    },
    amend: async (changes, at) => {
      await store.amend(changes, at);
      if (changes.some(({ to }) => to.kind === 'asked')) await keep();
    },
    endRun: async (...ending) => {
      const ended = await store.endRun(...ending);
      await keep();
      return ended;
    },
  };
}

/** Why this store's records can't be trusted, in a sentence; undefined when they are what was anchored. */
export async function distrust(store: Store, anchor: Pick<Anchor, 'last'>): Promise<string | undefined> {
  const last = anchor.last();
  const head = await store.auditHead();
  if (!last) {
    if (head.seq === 0) return undefined;
    return 'the anchor of the audit log is missing, so nobody can tell whether the database is the latest';
  }
  // Anchored while it was still empty, and nothing was sent since: there is nothing to have forgotten.
  if (last.seq === CHAIN_START.seq) return undefined;
  if (last.seq > head.seq)
    return `the database is older than its anchor (audit entry ${head.seq} of ${last.seq}): it was restored from a backup`;
  const [entry] = await store.auditEntries(last.seq - 1, 1);
  return entry?.hash === last.hash ? undefined : `audit entry ${last.seq} is not the one that was anchored`;
}

/**
 * As `distrust`, beside a service that may be writing. The anchor is read before the records, for it follows them; and doubt is looked
 * at twice, for the first line of a new anchor may have come in between.
 */
export async function distrustNow(store: Store, data: string): Promise<string | undefined> {
  const doubt = await distrust(store, await readAnchor(data));
  return doubt === undefined ? undefined : distrust(store, await readAnchor(data));
}

/** Why nothing may be sent from this workspace; undefined when it may. */
export function lookUpOnly(store: Store): Promise<string | undefined> {
  return store.fact(LOOK_UP_ONLY).then((reason) => reason || undefined);
}

/**
 * Whether these records were ever doubted. What was sent before that may be missing from them for ever, also once a person has
 * accepted them: its file may be dropped again at any time.
 */
export async function mayHaveForgotten(store: Pick<Store, 'fact'>): Promise<boolean> {
  return (await store.fact(LOOK_UP_ONLY)) !== undefined;
}

export function beginLookUpOnly(store: Store, reason: string): Promise<void> {
  return store.setFact(LOOK_UP_ONLY, reason);
}

/** On a person's word, which the caller has put into the audit log. */
export async function endLookUpOnly(store: Store, anchor: Anchor): Promise<void> {
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
