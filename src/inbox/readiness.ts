/**
 * Which entries of the inbox are ready. An entry is ready when it hasn't changed (size, times, inode, kind) for the
 * settle time, measured on a clock that can't jump. It is also ready when `NAME.done` lies beside it. The file's own
 * times are compared for equality only, so a wrong clock can't make a growing file look old.
 */
import type { BigIntStats } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { isDecisionName } from '../domain/decision.ts';
import { isErrno } from '../platform/durable.ts';
import { isOfOneEntry, type StuckEntries } from './stuck.ts';

/**
 * Names of unfinished or auxiliary files that editors, browsers, copying programs and file managers write beside or
 * before the final file.
 */
const UNFINISHED =
  /^(?:\.|~\$)|~$|\.(?:tmp|temp|part|partial|filepart|crdownload|download|uploading)$|^(?:thumbs\.db|desktop\.ini)$/i;
const SIDE_SUFFIXES = ['.sha256', '.done'];
/** Beside a decision. */
const SIGNATURE = '.sig';
/** A signature is dropped right after its decision. A decision without one is taken in after this many settle times. */
const UNSIGNED_TIMES = 30;

/** The content of the inbox now. Names are in bytes, as the folder has them. */
export interface Scan {
  readonly ready: readonly Buffer[];
  /** Entries that are still changing, or not unchanged for long enough yet. */
  readonly settling: number;
  /**
   * Entries whose name says that they are not for paydrop (`.x`, `~$x`, `x.part`, …, `intake.ignore`), and side files
   * whose file is missing.
   */
  readonly leftAlone: readonly string[];
}

export interface ReadinessRules {
  readonly settleMs: number;
  /** Decides by the name alone. */
  readonly isLeftAlone: (name: Buffer) => boolean;
}

export interface Entry {
  readonly name: Buffer;
  readonly state: string;
}

export interface Observation {
  readonly state: string;
  readonly sinceMs: number;
}

/**
 * Returns a function that says whether a name is to be left alone. In a glob `*` stands for any characters and `?` for
 * one. Letter case doesn't matter.
 */
export function leavesAlone(globs: readonly string[]): (name: Buffer) => boolean {
  const patterns = globs.map((glob) => {
    const parts = glob.normalize().replace(/[\\^$.|+()[\]{}]/g, '\\$&');
    return new RegExp(`^${parts.replace(/\*+/g, '.*').replaceAll('?', '.')}$`, 'isu');
  });
  return (name) => {
    if (UNFINISHED.test(name.toString('latin1'))) return true;
    const text = name.toString('utf8').normalize();
    return patterns.some((pattern) => pattern.test(text));
  };
}

/** Text for a name in any encoding, without characters that could disturb a terminal or a reader. */
export function displayName(name: Buffer): string {
  return name.toString('utf8').replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\ufffd]/gu, (character) => {
    return `\\u{${character.codePointAt(0)?.toString(16) ?? ''}}`;
  });
}

/** The names of a file's side files. */
export function sideFilesOf(name: Buffer): Buffer[] {
  return suffixesOf(name.toString('latin1')).map((suffix) => Buffer.concat([name, Buffer.from(suffix)]));
}

function suffixesOf(name: string): string[] {
  return isDecisionName(name) ? [...SIDE_SUFFIXES, SIGNATURE] : SIDE_SUFFIXES;
}

/** Every entry with all that distinguishes its states, and the entries that can't even be looked at. */
export async function observe(inbox: string): Promise<{ entries: Entry[]; unseen: { name: Buffer; error: Error }[] }> {
  const entries: Entry[] = [];
  const unseen: { name: Buffer; error: Error }[] = [];
  for (const name of await readdir(inbox, { encoding: 'buffer' })) {
    try {
      const stats = await lstat(Buffer.concat([Buffer.from(`${inbox}/`), name]), { bigint: true });
      entries.push({ name, state: stateOf(stats) });
    } catch (error) {
      if (isErrno(error, 'ENOENT')) continue;
      if (!isOfOneEntry(error)) throw error;
      unseen.push({ name, error });
    }
  }
  entries.sort((a, b) => Buffer.compare(a.name, b.name));
  return { entries, unseen };
}

/** The state in which an entry is after it could not be taken: what was moved and put back shows that. */
export async function stateNow(inbox: string, name: Buffer): Promise<string> {
  const of = async (entry: Buffer) => {
    const stats = await lstat(Buffer.concat([Buffer.from(`${inbox}/`), entry]), { bigint: true }).catch(
      () => undefined,
    );
    return stats ? stateOf(stats) : '';
  };
  const state = await of(name);
  return wholeState(
    name,
    state,
    isDecisionName(key(name)) ? await of(Buffer.concat([name, Buffer.from(SIGNATURE)])) : '',
  );
}

/** The signature is a part of a decision. */
function wholeState(name: Buffer, state: string, signature: string): string {
  return isDecisionName(key(name)) ? `${state} ${signature}` : state;
}

/** Decides on one look at the inbox. `seen` holds what earlier looks saw, and is brought up to date. */
export function readiness(
  entries: readonly Entry[],
  seen: Map<string, Observation>,
  stuck: Pick<StuckEntries, 'waits'>,
  nowMs: number,
  { settleMs, isLeftAlone }: ReadinessRules,
): Scan {
  const present = new Map(entries.map(({ name, state }) => [key(name), state]));
  for (const known of seen.keys()) if (!present.has(known)) seen.delete(known);

  const ready: Buffer[] = [];
  const leftAlone: string[] = [];
  let settling = 0;
  for (const { name, state } of entries) {
    if (isLeftAlone(name) || isSideFile(name.toString('latin1'))) {
      if (!belongsToPresent(name, present)) leftAlone.push(displayName(name));
      continue;
    }
    const beside = (suffix: string) => present.get(key(name) + suffix);
    const signature = isDecisionName(key(name)) ? (beside(SIGNATURE) ?? '') : undefined;
    const whole = wholeState(name, state, signature ?? '');
    const before = seen.get(key(name));
    const since = before?.state === whole ? before.sinceMs : nowMs;
    seen.set(key(name), { state: whole, sinceMs: since });
    if (stuck.waits(key(name), whole, nowMs)) continue;
    const waitMs = signature === '' ? UNSIGNED_TIMES * settleMs : settleMs;
    if (beside('.done') !== undefined || nowMs - since >= waitMs) ready.push(name);
    else settling++;
  }
  return { ready, settling, leftAlone };
}

function isSideFile(text: string): boolean {
  return ownerOf(text) !== undefined;
}

/** The name of the file that a side file is beside. */
function ownerOf(text: string): string | undefined {
  for (const suffix of [...SIDE_SUFFIXES, SIGNATURE]) {
    const owner = text.slice(0, -suffix.length);
    if (owner !== '' && text === owner + suffix && suffixesOf(owner).includes(suffix)) return owner;
  }
  return undefined;
}

function belongsToPresent(side: Buffer, present: ReadonlyMap<string, string>): boolean {
  const owner = ownerOf(side.toString('latin1'));
  return owner !== undefined && present.has(owner);
}

/** A name as a map key. latin1 keeps every byte. */
export function key(name: Buffer): string {
  return name.toString('latin1');
}

function stateOf(stats: BigIntStats): string {
  return [stats.ino, stats.mode, stats.nlink, stats.size, stats.mtimeNs, stats.ctimeNs].join(' ');
}
