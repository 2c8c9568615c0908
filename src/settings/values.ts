/** The kinds of values that settings have, and how they are checked. */
import * as z from 'zod/mini';
import { isBlank, unwantedControl } from '../domain/characters.ts';

/** In any text that is a setting, and in any name. */
export const MOST_CHARACTERS = 1_000;

/** What only the JSON Schema says of a setting, for editors. A command that reads settings doesn't need it. */
export const FOR_EDITORS = new Map<z.core.$ZodType, z.core.JSONSchema.BaseSchema>();

/** Any text. It holds no character that the system could take for its end, or could not accept at all. */
export const text = z.string().check(
  z.maxLength(MOST_CHARACTERS, { abort: true }),
  rule((value) => {
    const character = unwantedControl(value);
    return character === undefined ? undefined : `expected text without control characters, found ${character}`;
  }),
);
const EMPTY = 'Too small: expected string to have >=1 characters';
export const someText = forEditors(text.check(rule((value) => (isBlank(value) ? EMPTY : undefined))), { minLength: 1 });

/** Settings that belong together, each of which may be left out, and so may all. */
export function part<Of extends z.core.$ZodShape>(members: Of) {
  return z.prefault(z.strictObject(members), {} as never);
}

/** Tells editors more of a setting. */
export function forEditors<Setting extends z.core.$ZodType>(
  setting: Setting,
  more: z.core.JSONSchema.BaseSchema,
): Setting {
  FOR_EDITORS.set(setting, more);
  return setting;
}

export function described<Setting extends z.core.$ZodType>(setting: Setting, description: string): Setting {
  return forEditors(setting, { ...FOR_EDITORS.get(setting), description });
}

/** `problemOf` says what is wrong with a text, if something is. */
export function rule(
  problemOf: (text: string) => string | undefined,
  after: { readonly continue?: boolean } = {},
): z.core.CheckFn<string> {
  return ({ value, issues }) => {
    const message = problemOf(value);
    if (message !== undefined) issues.push({ code: 'custom', message, input: value, ...after });
  };
}

/** A text that a JSON Schema can't describe. */
export function textThat(accepts: (text: string) => boolean, expected: string) {
  return text.check(rule((value) => (accepts(value) ? undefined : expected)));
}

/** Undefined where the text is no URL, or has more than an origin. */
export function originOf(text: string): URL | undefined {
  const url = URL.parse(text);
  if (!url || url.username || url.password || url.pathname !== '/' || url.search || url.hash) return undefined;
  return url;
}

export function textLike(pattern: RegExp, expected: string) {
  return forEditors(
    textThat((value) => pattern.test(value), expected),
    { pattern: pattern.source },
  );
}

/** At least one of them. */
export function list<Item extends z.core.$ZodType>(item: Item, expected: string) {
  return z.array(item).check(z.minLength(1, expected));
}

/** Whether a host, as an address or as a URL has it, is this machine. */
export function isLoopback(host: string): boolean {
  const isSix = host === '::1' || host === '[::1]';
  return host === 'localhost' || isSix || /^127(?:\.\d{1,3}){3}$/.test(host);
}

const THIS_MACHINE = new Set(['127.0.0.1', 'localhost', '[::1]']);

/** Over TLS, or to this machine; without a name and password, which are secrets. */
export function isSafeUrl({ protocol, hostname, username, password, hash }: URL): boolean {
  if (username || password || hash) return false;
  return protocol === 'https:' || (protocol === 'http:' && THIS_MACHINE.has(hostname));
}
