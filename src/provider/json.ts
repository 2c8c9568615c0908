/** Reads JSON that has only one meaning. */
import type { HttpResponse } from './http.ts';

const JSON_TYPE = /^application\/json\s*(?:;|$)/i;

/** The JSON value of an answer; undefined unless both its header and its body are JSON. */
export function jsonOf({ contentType, body }: HttpResponse): { readonly value: unknown } | undefined {
  return JSON_TYPE.test(contentType) ? parseJson(body) : undefined;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * The value of a JSON text; undefined when it is no JSON or names a member of an object twice. JSON.parse keeps the
 * last of two members, another reader keeps the first, and an answer about money must not depend on the reader.
 */
export function parseJson(text: string): { readonly value: unknown } | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  return membersWritten(text) === membersKept(value) ? { value } : undefined;
}

/** A string; if it is the name of a member with a number, the number too. */
const STRING = /("(?:[^"\\]|\\.)*")(?:(\s*:\s*)(-?[0-9][0-9.eE+-]*))?/g;

/** Valid JSON in which every number called `member` becomes a string of the same digits: no floating-point money. */
export function numbersAsWritten(text: string, member: string): string {
  return text.replace(STRING, (whole, name: string, colon: string, number: string | undefined) =>
    number !== undefined && JSON.parse(name) === member ? `${name}${colon}"${number}"` : whole,
  );
}

/**
 * Counts the members in valid JSON: a string followed by a colon is a member's name, and every other colon is inside a
 * string.
 */
function membersWritten(text: string): number {
  const strings = text.match(/"(?:[^"\\]|\\.)*"(?:\s*:)?/g) ?? [];
  return strings.filter((string) => string.endsWith(':')).length;
}

function membersKept(value: unknown): number {
  let count = 0;
  const open = [value];
  while (open.length > 0) {
    const next = open.pop();
    if (typeof next !== 'object' || next === null) continue;
    const children = Object.values(next);
    if (!Array.isArray(next)) count += children.length;
    for (const child of children) open.push(child);
  }
  return count;
}

/** JSON text with every character beyond ASCII written as `\uXXXX`. */
export function asciiJson(json: string): string {
  return json.replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
