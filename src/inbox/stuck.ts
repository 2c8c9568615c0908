/**
 * Entries that can't be taken out of the inbox or read. They are reported and left where they are, and everything else
 * goes on.
 */
import { isErrno } from '../platform/durable.ts';

/** Errors that concern the whole machine, whichever entry met them first. */
const MACHINE_TROUBLE = ['ENOSPC', 'EDQUOT', 'EROFS', 'EMFILE', 'ENFILE', 'ENOMEM'];

/**
 * After this time a stuck entry is tried again. Its trouble may be over without a trace on the entry itself: a mount
 * that is gone, a folder that may be written again.
 */
const TRY_AGAIN_MS = 300_000;

/** The object stays the same for as long as nothing about it changes. */
export interface Stuck {
  /** As text, for people. */
  readonly name: string;
  readonly why: string;
}

/** The same for a later reader, with what shows whether it is still so. */
export interface StuckState extends Stuck {
  readonly key: string;
  /** The state of the entry when it was tried. Empty where the entry could not even be looked at. */
  readonly state: string;
}

export interface StuckEntries {
  /** Whether the entry has been tried in this very state, and not long ago. */
  waits(key: string, state: string, nowMs: number): boolean;
  note(key: string, tried: { readonly state: string; readonly nowMs: number }, name: string, error: Error): void;
  /** Forgets an entry that is gone, or that could be taken or read after all. */
  forget(key: string): void;
  forgetUnless(isKept: (key: string) => boolean): void;
  list(): Stuck[];
  states(): StuckState[];
}

/** Whether the error concerns this one entry: its owner, an attribute, a mount, a bad block. */
export function isOfOneEntry(error: unknown): error is NodeJS.ErrnoException {
  const { code } = (error ?? {}) as NodeJS.ErrnoException;
  return (
    error instanceof Error && code !== undefined && /^E[A-Z0-9]+$/.test(code) && !isErrno(error, ...MACHINE_TROUBLE)
  );
}

/** The text after a comma names paths of our own, which differ each time. */
export function stuckFor(name: string, { message }: Error): Stuck {
  return { name, why: message.split(',')[0] ?? message };
}

export function stuckEntries(): StuckEntries {
  const entries = new Map<string, { state: string; triedMs: number; stuck: Stuck }>();
  return {
    waits(key, state, nowMs) {
      const entry = entries.get(key);
      return entry?.state === state && nowMs - entry.triedMs < TRY_AGAIN_MS;
    },
    note(key, { state, nowMs }, name, error) {
      const now = stuckFor(name, error);
      const before = entries.get(key);
      const same = before?.state === state && before.stuck.why === now.why;
      entries.set(key, { state, triedMs: nowMs, stuck: same ? before.stuck : now });
    },
    forget: (key) => void entries.delete(key),
    forgetUnless(isKept) {
      for (const key of entries.keys()) if (!isKept(key)) entries.delete(key);
    },
    list: () => [...entries.values()].map(({ stuck }) => stuck),
    states: () => [...entries].map(([key, { state, stuck }]) => ({ ...stuck, key, state })),
  };
}
