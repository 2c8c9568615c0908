/** What is given twice, of which one would be dropped and nothing said. */

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}:]/g;

/** Keys that `json`, which is valid, has twice in one object, each with the path to it: `columns.Betrag`. */
export function repeatedKeys(json: string): string[] {
  const repeated: string[] = [];
  const open: { readonly keys: Set<string>; last: string }[] = [];
  let text = '';
  for (const [token] of json.matchAll(TOKEN)) {
    const object = open.at(-1);
    if (token === '{') open.push({ keys: new Set(), last: '' });
    else if (token === '}') open.pop();
    else if (token !== ':') text = JSON.parse(token);
    else if (object) {
      object.last = text;
      if (object.keys.has(text)) repeated.push(open.map(({ last }) => last).join('.'));
      object.keys.add(text);
    }
  }
  return repeated;
}

/** What is wrong with the headings of `columns`, each as the file has it and taken with the others. `form` is what they are compared in. */
export function headingProblems(columns: unknown, form: (heading: string) => string): string[] {
  const first = new Map<string, string>();
  return Object.keys(columns ?? {}).flatMap((name) => {
    const earlier = first.get(form(name));
    first.set(form(name), earlier ?? name);
    if (earlier !== undefined)
      return `columns.${name}: "${name}" and "${earlier}" are the same name; leave one of the two out`;
    // An object of JavaScript takes it for something else, so zod leaves it out.
    return name === '__proto__' ? `columns.${name}: "${name}" is no name that a column can have` : [];
  });
}
