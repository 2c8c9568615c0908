/**
 * What a setting may be, said once: the check whose problems name the setting, and the JSON Schema that tells an editor
 * the same. Every command reads the settings, and to load zod takes longer than all the rest of a short one.
 */
import { createRequire } from 'node:module';
import { isBlank, unwantedControl } from '../domain/characters.ts';

export interface Shape<Value> {
  /** JSON Schema 2020-12. */
  readonly schema: JsonSchema;
  /** The value with its defaults; of no use once a problem was told. Undefined stands for a setting that is not there. */
  read(value: unknown, at: readonly string[], tell: Tell): Value;
}

type JsonSchema = Readonly<Record<string, unknown>>;
type Tell = (at: readonly string[], problem: string) => void;
type Members = Readonly<Record<string, Shape<unknown>>>;

/** Loaded only when there is a name that needs it. */
const nearMisses = (): typeof import('fastest-levenshtein') => createRequire(import.meta.url)('fastest-levenshtein');

/** Says what is wrong with a text, if something is. */
type Rule = (text: string) => string | undefined;

/** In any text that is a setting, and in any name. */
const MOST_CHARACTERS = 1_000;
const SHOWN_CHARACTERS = 100;

const EMPTY = 'Too small: expected string to have >=1 characters';

/** Of any text: nothing that the system could take for its end, or could not take at all. */
function unusable(text: string): string | undefined {
  if (text.length > MOST_CHARACTERS) return `expected at most ${MOST_CHARACTERS} characters, found ${text.length}`;
  const character = unwantedControl(text);
  return character === undefined ? undefined : `expected text without control characters, found ${character}`;
}

export function text(rule: Rule = () => undefined, schema: JsonSchema = {}): Shape<string> {
  return {
    schema: { type: 'string', maxLength: MOST_CHARACTERS, ...schema },
    read(value, at, tell) {
      const problem = typeof value === 'string' ? (unusable(value) ?? rule(value)) : unlike('string', value);
      if (problem !== undefined) tell(at, problem);
      return value as string;
    },
  };
}

/** A text that a JSON Schema can't describe. */
export function textThat(accepts: (text: string) => boolean, expected: string): Shape<string> {
  return text((value) => (accepts(value) ? undefined : expected));
}

export function textLike(pattern: RegExp, expected: string): Shape<string> {
  return text((value) => (pattern.test(value) ? undefined : expected), { pattern: pattern.source });
}

export function someText(expected = EMPTY): Shape<string> {
  return text((value) => (isBlank(value) ? expected : undefined), { minLength: 1 });
}

export function oneOf<const Values extends readonly string[]>(values: Values, expected: string): Shape<Values[number]> {
  return {
    schema: { type: 'string', enum: values },
    read(value, at, tell) {
      if (!values.includes(value as string)) tell(at, expected);
      return value as Values[number];
    },
  };
}

/** A whole number from 1 on. */
export function count(most: number): Shape<number> {
  return {
    schema: { type: 'integer', minimum: 1, maximum: most },
    read(value, at, tell) {
      const number = value as number;
      const fits = Number.isInteger(value) && number >= 1 && number <= most;
      if (!fits) tell(at, `expected a whole number from 1 to ${most}`);
      return number;
    },
  };
}

/** At least one of them. */
export function list<Item>(item: Shape<Item>, expected: string): Shape<Item[]> {
  return {
    schema: { type: 'array', minItems: 1, items: item.schema },
    read(value, at, tell) {
      if (!Array.isArray(value)) tell(at, unlike('array', value));
      else if (value.length === 0) tell(at, expected);
      else for (const [place, one] of value.entries()) item.read(one, [...at, String(place)], tell);
      return value as Item[];
    },
  };
}

/** Names of the user's own, each for a text; neither may be empty, nor a name whose `form` is. Names of one `form` are the same name. */
export function dictionary(form: (name: string) => string): Shape<Readonly<Record<string, string>>> {
  const item = someText();
  const problemOf = (name: string): string | undefined => {
    const problem = unusable(name);
    if (problem !== undefined || form(name) !== '') return problem;
    return `"${name}" is no name: it has no letter, digit or sign to be told by`;
  };
  return {
    schema: { type: 'object', propertyNames: item.schema, additionalProperties: item.schema },
    read(value, at, tell) {
      if (!isObject(value)) tell(at, unlike('record', value));
      const given = Object.entries(isObject(value) ? value : {});
      const first = new Map<string, string>();
      const read = given.map(([name, one]) => {
        const earlier = first.get(form(name));
        first.set(form(name), earlier ?? name);
        if (earlier !== undefined)
          tell([...at, name], `"${name}" and "${earlier}" are the same name; leave one of the two out`);
        const problem = problemOf(name);
        if (problem === undefined) return [name, item.read(one, [...at, name], tell)] as const;
        tell([...at, beginningOf(name)], problem);
        return [name, ''];
      });
      return Object.fromEntries(read);
    },
  };
}

/** These settings and no others. */
export function group<Of extends Members>(
  members: Of,
): Shape<{ readonly [Name in keyof Of]: ReturnType<Of[Name]['read']> }> {
  const properties = Object.fromEntries(Object.entries(members).map(([name, { schema }]) => [name, schema]));
  return {
    schema: { type: 'object', properties, additionalProperties: false },
    read(value, at, tell) {
      const given = new Map(isObject(value) ? Object.entries(value) : []);
      if (!isObject(value)) tell(at, unlike('object', value));
      const read = Object.entries(members).map(([name, shape]) => {
        return [name, shape.read(given.get(name), [...at, name], tell)];
      });
      for (const name of given.keys()) {
        if (Object.hasOwn(members, name)) continue;
        const nearest = nearMisses().closest(name, Object.keys(members));
        tell([...at, beginningOf(name)], `there is no such setting; the nearest is ${[...at, nearest].join('.')}`);
      }
      return Object.fromEntries(read);
    },
  };
}

export function optional<Value>(shape: Shape<Value>): Shape<Value | undefined> {
  return { ...shape, read: (value, at, tell) => (value === undefined ? undefined : shape.read(value, at, tell)) };
}

/** A group that need not be there. */
export function part<Of extends Members>(members: Of): ReturnType<typeof group<Of>> {
  const all = group(members);
  return { schema: { default: {}, ...all.schema }, read: (value = {}, at, tell) => all.read(value, at, tell) };
}

/** `standard` is what a setting that is not there is read as, unchecked. */
export function withDefault<Value>(shape: Shape<Value>, standard: NoInfer<Value>): Shape<Value> {
  return {
    schema: { default: standard, ...shape.schema },
    read: (value, at, tell) => (value === undefined ? standard : shape.read(value, at, tell)),
  };
}

export function described<Value>(shape: Shape<Value>, description: string): Shape<Value> {
  return { ...shape, schema: { ...shape.schema, description } };
}

/** A name that is told must not be longer than all the rest. */
function beginningOf(name: string): string {
  return name.length > SHOWN_CHARACTERS ? `${name.slice(0, SHOWN_CHARACTERS)}…` : name;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function unlike(expected: string, value: unknown): string {
  const received = value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;
  return `Invalid input: expected ${expected}, received ${received}`;
}
