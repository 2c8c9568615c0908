/** JSON that says one thing only. */

/**
 * The value that `text` states, or undefined when it is no JSON or names a member of an object twice: JSON.parse keeps
 * the last of two, another reader the first, and an answer about money must not depend on the reader.
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

/** In valid JSON a string followed by a colon is a member's name, and every other colon stands inside a string. */
function membersWritten(text: string): number {
  let count = 0;
  for (const [, colon] of text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?/g)) if (colon) count++;
  return count;
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
