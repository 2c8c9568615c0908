/** The people who may decide: their rights, their keys, and up to which amounts. */
import * as z from 'zod/mini';
import { isBlank, trimBlanks, unwanted } from '../domain/characters.ts';
import { readSshKeyLine, type SshKey } from '../platform/ssh-key.ts';
import { type Amounts, amounts, amountsFrom } from './amounts.ts';
import { described, forEditors, list, rule, text } from './values.ts';

export interface Person {
  readonly name: string;
  readonly may: ReadonlySet<'approve' | 'settle'>;
  /** At least one. No other person has any of them. */
  readonly keys: readonly SshKey[];
  /** The owner of the files that this person drops. No other person has it. */
  readonly user: string;
  /** The largest payout of each currency; in others there is none. Undefined: payouts of any amount. */
  readonly upTo: Amounts | undefined;
}

const name = text.check(
  rule((value) => {
    if (isBlank(value)) return 'expected the name of a person';
    const character = unwanted(value);
    if (character !== undefined) return `expected a name without characters that don't show, found ${character}`;
    return trimBlanks(value) === value ? undefined : 'expected a name without blanks at its beginning and end';
  }),
);

const key = forEditors(
  z.string('expected the line of a .pub file as text').check(
    rule((value) => {
      const read = readSshKeyLine(value);
      return read.ok ? undefined : read.why;
    }),
  ),
  { description: 'the line of a .pub file, such as "ssh-ed25519 AAAA… anna"', pattern: '^\\s*\\S+[ \\t]+\\S+' },
);

const person = z.strictObject({
  may: described(
    list(z.enum(['approve', 'settle'], 'expected "approve" or "settle"'), 'expected "approve", "settle" or both'),
    'what a signed decision of this person can do',
  ),
  keys: list(key, 'expected at least one key: a decision counts when it is signed'),
  user: described(z.optional(name), 'the owner of the files that this person drops; default: the name'),
  upTo: z.optional(amounts),
});

type Accepted = z.infer<typeof person>;

export const people = z.record(name, person).check(({ value, issues }) => {
  for (const [place, message] of [...sharedKeys(value), ...sharedUsers(value)])
    issues.push({ code: 'custom', message, input: value, path: [...place] });
});

/** The people of a record that {@link people} has accepted. */
export function peopleFrom(accepted: Readonly<Record<string, Accepted>>): readonly Person[] {
  return Object.entries(accepted).map(([name, { may, keys, user, upTo }]) => ({
    name,
    may: new Set(may),
    keys: keys.map((line) => {
      const read = readSshKeyLine(line);
      if (!read.ok) throw new Error(`a key of ${name} was not checked`);
      return read.key;
    }),
    user: user ?? name,
    upTo: upTo && amountsFrom(upTo),
  }));
}

type Place = readonly (string | number)[];
type Problem = readonly [Place, string];

/** A key stands for one person. Its comment means nothing. */
function sharedKeys(people: Readonly<Record<string, Accepted>>): Problem[] {
  const found = Object.entries(people).flatMap(([name, { keys }]) =>
    keys.map((line, at): [Place, string] => {
      const read = readSshKeyLine(line);
      return [[name, 'keys', at], read.ok ? read.key.fingerprint : line];
    }),
  );
  return repeated(found, (first) => `is the same key as people.${first}, and a key stands for one person once`);
}

function sharedUsers(people: Readonly<Record<string, Accepted>>): Problem[] {
  const found = Object.entries(people).map(([name, { user = name }]): [Place, string] => [[name, 'user'], user]);
  return repeated(found, (first, user) => `"${user}" is people.${first} already, and a user is one person`);
}

/** A problem for each value that an earlier place has. */
function repeated(
  found: readonly (readonly [Place, string])[],
  problem: (first: string, value: string) => string,
): Problem[] {
  const first = new Map<string, string>();
  return found.flatMap(([place, value]) => {
    const earlier = first.get(value);
    if (earlier === undefined) first.set(value, place.join('.'));
    return earlier === undefined ? [] : [[place, problem(earlier, value)] as const];
  });
}
