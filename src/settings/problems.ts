/** Problems of paydrop.json in our own sentences. Each names the key and what was expected. */
import { createRequire } from 'node:module';
import type * as z from 'zod/mini';

type Path = readonly PropertyKey[];

/** Loaded only when a name has no exact match. */
const nearMisses = (): typeof import('fastest-levenshtein') => createRequire(import.meta.url)('fastest-levenshtein');

const SHOWN_CHARACTERS = 100;

/** The sentence for an issue for which the setting has no sentence of its own. */
export function sentence(issue: z.core.$ZodRawIssue): string | undefined {
  const { input } = issue;
  if (issue.code === 'invalid_type') return `Invalid input: expected ${issue.expected}, received ${typeOf(input)}`;
  if (issue.code === 'too_big')
    return `expected at most ${issue.maximum} characters, found ${[...String(input)].length}`;
  return undefined;
}

/**
 * Problems for the issues that `schema` found. Only the first problem of each setting is reported. `whole` is the name
 * of the settings as a whole.
 */
export function problemsOf(issues: readonly z.core.$ZodIssue[], schema: z.ZodMiniObject, whole: string): string[] {
  const firstProblems = new Map<string, string>();
  for (const issue of issues)
    for (const [path, problem] of problemsIn(issue, schema)) {
      const key = JSON.stringify(path);
      if (!firstProblems.has(key))
        firstProblems.set(key, `${path.length > 0 ? path.map(beginningOf).join('.') : whole}: ${problem}`);
    }
  return [...firstProblems.values()];
}

function problemsIn(issue: z.core.$ZodIssue, schema: z.ZodMiniObject): (readonly [Path, string])[] {
  const { code, path } = issue;
  if (code === 'invalid_key') return [[path, issue.issues[0]?.message ?? issue.message]];
  if (code !== 'unrecognized_keys') return [[path, issue.message]];
  const known = namesIn(schema, path);
  return issue.keys.map((name) => {
    const nearest = [...path, nearMisses().closest(name, known)].join('.');
    return [[...path, name], `there is no such setting; the nearest is ${nearest}`];
  });
}

/** The names of the settings in the group at `path`. */
function namesIn(schema: z.ZodMiniObject, path: Path): string[] {
  const group = path.reduce<z.core.$ZodType>((outer, name) => memberOf(outer, name), schema);
  const { options = [] } = group._zod.def as { readonly options?: readonly z.core.$ZodType[] };
  return [group, ...options].flatMap((one) => Object.keys((one as Partial<z.ZodMiniObject>).shape ?? {}));
}

/** The schema of one setting in a group, or of one entry of a record, without its default. */
function memberOf(group: z.core.$ZodType, name: PropertyKey): z.core.$ZodType {
  const { shape, valueType, element } = (group as z.ZodMiniObject | z.ZodMiniRecord | z.ZodMiniArray)._zod.def as {
    readonly shape?: Readonly<Record<PropertyKey, z.core.$ZodType>>;
    readonly valueType?: z.core.$ZodType;
    readonly element?: z.core.$ZodType;
  };
  const member = shape?.[name] ?? valueType ?? element;
  if (!member) throw new Error(`there is no ${String(name)} in this group`);
  const { innerType } = member._zod.def as { readonly innerType?: z.core.$ZodType };
  return innerType ?? member;
}

/** Shortens a name, so that it does not outweigh the rest of the message. */
function beginningOf(name: PropertyKey): string {
  const text = String(name);
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
}

function typeOf(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;
}
