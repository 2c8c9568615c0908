/** What can't be taken out of the inbox or read: it is told and left, and everything else goes on. */
import { isErrno } from '../platform/durable.ts';

/** What concerns the whole machine, whichever entry met it first. */
const MACHINE_TROUBLE = ['ENOSPC', 'EDQUOT', 'EROFS', 'EMFILE', 'ENFILE', 'ENOMEM'];

/** What keeps an entry may be over without a trace on the entry itself: a mount that is gone, a folder that may be written again. */
const TRY_AGAIN_MS = 300_000;

/** The same object for as long as nothing about it changes. */
export interface Stuck {
  /** As text, for people. */
  readonly name: string;
  readonly why: string;
}

/** The same for whoever asks later, with what tells whether it still is so. */
export interface StuckState extends Stuck {
  readonly key: string;
  /** Of the entry when it was tried; empty where it could not even be looked at. */
  readonly state: string;
}

export interface StuckEntries {
  /** Whether it has been tried in this very state, and not long ago. */
  waits(key: string, state: string, nowMs: number): boolean;
  note(key: string, tried: { readonly state: string; readonly nowMs: number }, name: string, error: Error): void;
  /** It is gone, or could be had after all. */
  forget(key: string): void;
  forgetUnless(isKept: (key: string) => boolean): void;
  list(): Stuck[];
  states(): StuckState[];
}

/** Whether it is this one entry's trouble: its owner, an attribute, a mount, a bad block. */
export function isOfOneEntry(error: unknown): error is NodeJS.ErrnoException {
  const { code } = (error ?? {}) as NodeJS.ErrnoException;
  return (
    error instanceof Error && code !== undefined && /^E[A-Z0-9]+$/.test(code) && !isErrno(error, ...MACHINE_TROUBLE)
  );
}

/** What follows a comma names paths of ours, which are others each time. */
export function stuckFor(name: string, { message }: Error): Stuck {
  return { name, why: message.split(',')[0] ?? message };
}

export function stuckEntries(): StuckEntries {
  const entries = new Map<string, { state: string; triedMs: number; told: Stuck }>();
  return {
    waits(key, state, nowMs) {
      const entry = entries.get(key);
      return entry?.state === state && nowMs - entry.triedMs < TRY_AGAIN_MS;
    },
    note(key, { state, nowMs }, name, error) {
      const now = stuckFor(name, error);
      const before = entries.get(key);
      const same = before?.state === state && before.told.why === now.why;
      entries.set(key, { state, triedMs: nowMs, told: same ? before.told : now });
    },
    forget: (key) => void entries.delete(key),
    forgetUnless(isKept) {
      for (const key of entries.keys()) if (!isKept(key)) entries.delete(key);
    },
    list: () => [...entries.values()].map(({ told }) => told),
    states: () => [...entries].map(([key, { state, told }]) => ({ ...told, key, state })),
  };
}
