/** Who decides: the person behind a command, for the auditor who asks a year later. */
import { userInfo } from 'node:os';
import { UsageError } from '../platform/failures.ts';
import { printable } from '../platform/terminal.ts';
import type { Decision } from '../store/store.ts';

export interface DecisionOptions {
  readonly reason: string;
  readonly by?: string;
  readonly ticket?: string;
}

/** The account that runs the process. */
interface Account {
  readonly uid: number;
  /** Undefined for a user without an entry in the user database, as in a container. */
  readonly name: string | undefined;
}

/**
 * Says that an option does not count here, where a person may believe that it does: who decides is said by the key where
 * the settings name people, and by the account or `--by` where they don't.
 */
export function checkWhoSays(
  people: readonly unknown[],
  { by, key }: { readonly by?: string; readonly key?: string },
): void {
  if (people.length > 0 && by !== undefined)
    throw new UsageError('--by NAME: paydrop.json names people, so the key says who decides. Leave --by out');
  if (people.length === 0 && key !== undefined)
    throw new UsageError('--key FILE: paydrop.json names no people, so nothing is signed. Leave --key out');
}

type Environment = Readonly<Record<string, string | undefined>>;

const ROOT = 0;
const LONGEST = 100;

/** A decision of the person who started the command. Throws a UsageError when nothing says who that is. */
export function personWith(options: DecisionOptions): Decision {
  const reason = options.reason.trim();
  if (reason === '') throw new UsageError('--reason: say why, for the auditor who asks a year later');
  const by = personNamed(options.by, account(), process.env);
  const ticket = options.ticket === undefined ? undefined : oneWord('--ticket', options.ticket);
  return { by, reason, ...(ticket !== undefined && { ticket }) };
}

/**
 * The name that the audit log gets: of `--by`, else of the user who called sudo or doas, else of the account. An account
 * of its own name is named as well where the person has another one: `ana (as paydrop)`. Root is no person, and neither
 * is an account without a name.
 */
export function personNamed(by: string | undefined, { uid, name }: Account, env: Environment): string {
  const called = [env['SUDO_USER'], env['DOAS_USER']].find((one) => one !== undefined && one !== '' && one !== 'root');
  const stated = by === undefined ? called : oneWord('--by', by);
  const own = uid === ROOT ? undefined : name;
  if (stated === undefined && own === undefined)
    throw new UsageError(
      `--by NAME: say who decides this. The audit log keeps a person's name, and ${uid === ROOT ? 'root' : `uid ${uid}, which has no name here,`} is not one`,
    );
  if (stated === undefined || stated === own) return own ?? '';
  return uid === ROOT ? stated : `${stated} (as ${own ?? `uid ${uid}`})`;
}

function oneWord(option: string, text: string): string {
  const stated = text.trim();
  if (stated === '' || stated.length > LONGEST || printable(stated) !== stated)
    throw new UsageError(`${option}: expected 1 to ${LONGEST} characters in one line`);
  return stated;
}

/** The account as it counts: by its number, which stays the same whatever it is called. */
export function accountThatCounts(): string {
  const { uid, name } = account();
  return uid < 0 ? (name ?? '') : `uid ${uid}`;
}

function account(): Account {
  const uid = process.getuid?.() ?? -1;
  try {
    return { uid, name: userInfo().username };
  } catch {
    return { uid, name: undefined };
  }
}
