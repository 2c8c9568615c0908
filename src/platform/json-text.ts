/** What JSON.parse does not say of a text. All take a time that grows no faster than the text, whatever is in it. */

/** More problems than a person reads. */
const MOST_FOUND = 20;

/**
 * The names that occur twice in one object of `json`, which must be valid JSON: JSON.parse keeps the last without a word.
 * Each has its path, such as `rows.0.amount`.
 */
export function repeatedNames(json: string): string[] {
  const found: string[] = [];
  const open: { readonly names: Set<string> | undefined; last: string | number }[] = [];
  let isName = false;
  for (let at = 0; at < json.length && found.length < MOST_FOUND; at++) {
    const inner = open.at(-1);
    switch (json[at]) {
      case '{':
        open.push({ names: new Set(), last: '' });
        isName = true;
        break;
      case '[':
        open.push({ names: undefined, last: 0 });
        break;
      case '}':
      case ']':
        open.pop();
        break;
      case ',':
        isName = inner?.names !== undefined;
        if (typeof inner?.last === 'number') inner.last++;
        break;
      case '"': {
        const end = endOfString(json, at);
        if (isName && inner?.names) {
          const name = JSON.parse(json.slice(at, end + 1)) as string;
          inner.last = name;
          if (inner.names.has(name)) found.push(open.map(({ last }) => last).join('.'));
          inner.names.add(name);
        }
        isName = false;
        at = end;
      }
    }
  }
  return found;
}

/** Whether a text, of JSON or not, opens more than `levels` objects and lists within each other. */
export function isDeeper(text: string, levels: number): boolean {
  let level = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '"') at = endOfString(text, at);
    else if (character === '{' || character === '[') level++;
    else if (character === '}' || character === ']') level--;
    if (level > levels) return true;
  }
  return false;
}

/** Whether a text, of JSON or not, has more than `most` values: texts, numbers, objects, lists and others. */
export function hasMoreValues(text: string, most: number): boolean {
  let values = 1;
  for (let at = 0; at < text.length && values <= most; at++) {
    const character = text[at];
    if (character === '"') at = endOfString(text, at);
    // Each object and each list has one value more than it has commas, or none.
    else if (character === '{' || character === '[' || character === ',') values++;
  }
  return values > most;
}

/** The place of the quote that ends the string which begins at `start`; the text's end where none does. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let backslash = end - 1;
    while (text[backslash] === '\\') backslash--;
    if ((end - backslash) % 2 === 1) return end;
  }
  return text.length;
}
