/** Keys that a text of JSON gives twice in one object: JSON.parse keeps the last one and says nothing. */

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}:]/g;

/** `json` is valid. Each key with the path to it: `columns.Betrag`. */
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
