/** Finds names of settings that zod would drop silently, and headings that are given twice. */

/**
 * Problems of the headings of `columns`, each by itself and compared with the others. `form` turns a heading into the
 * form in which headings are compared.
 */
export function headingProblems(columns: unknown, form: (heading: string) => string): string[] {
  const first = new Map<string, string>();
  return Object.keys(columns ?? {}).flatMap((name) => {
    const earlier = first.get(form(name));
    first.set(form(name), earlier ?? name);
    if (earlier !== undefined)
      return `columns.${name}: "${name}" and "${earlier}" are the same name; leave one of the two out`;
    // JavaScript objects give `__proto__` another meaning, so zod leaves it out.
    return name === '__proto__' ? `columns.${name}: "${name}" is no name that a column can have` : [];
  });
}

/** The path of each name `__proto__` in the value, which zod leaves out of a record without a word. */
export function droppedNames(json: unknown): string[] {
  const found: string[] = [];
  const open: [value: unknown, path: string][] = [[json, '']];
  for (let next = open.pop(); next; next = open.pop()) {
    const [value, path] = next;
    if (typeof value !== 'object' || value === null) continue;
    for (const [name, inner] of Object.entries(value)) {
      if (name === '__proto__') found.push(`${path}${name}`);
      open.push([inner, `${path}${name}.`]);
    }
  }
  return found;
}
