/**
 * Which characters are blanks, and which don't show. One notion of both from intake to wire: spaces and tabs at the ends of
 * a value are dropped, and no other character ever is.
 */

/** Nothing, or nothing but spaces and tabs. */
export function isBlank(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (!isBlankCode(text.charCodeAt(at))) return false;
  return true;
}

/** A space or a tab. */
export function isBlankCode(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/** Without the spaces and tabs at both ends; nothing else counts as blank. */
export function trimBlanks(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlankCode(text.charCodeAt(start))) start++;
  while (end > start && isBlankCode(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

/** What nearly every text is made of. To ask about classes of characters is slow. */
const ALL_SHOW = /^[ -~]*$/;

/** Controls, line and paragraph separators, bidirectional overrides and isolates, a stray mark, halves of a character. */
const CONTROL = /[\p{Cc}\u2028-\u202E\u2066-\u2069\uFEFF\p{Cs}]/u;

/** Blanks of other scripts and of no width, and letters that look like one. Within a text they are text, at its ends they are a mistake. */
const OTHER_BLANK = '\\p{Zs}\\u00AD\\u115F\\u1160\\u180E\\u200B\\u2060\\u2800\\u3164\\uFFA0';
const OTHER_BLANK_IN_FRONT = new RegExp(`^(?! )[${OTHER_BLANK}]`, 'u');
const OTHER_BLANK_BEHIND = new RegExp(`(?! )[${OTHER_BLANK}]$`, 'u');

const DOES_NOT_SHOW = `\\p{Cc}\\p{Cf}\\p{Cs}\\p{Zl}\\p{Zp}${OTHER_BLANK}`;
const NOTHING_SHOWS = new RegExp(`^[${DOES_NOT_SHOW}\\p{Default_Ignorable_Code_Point}]+$`, 'u');
const EACH_UNSEEN = new RegExp(`(?! )[${DOES_NOT_SHOW}]`, 'gu');

/** Whether a text is plain ASCII that shows. */
export function allShow(text: string): boolean {
  return ALL_SHOW.test(text);
}

/** Where a text, trimmed of blanks, has a character that no value may have: undefined for nearly every text. */
function unwantedAt(text: string): number | undefined {
  if (allShow(text)) return undefined;
  const found = CONTROL.exec(text) ?? OTHER_BLANK_IN_FRONT.exec(text) ?? OTHER_BLANK_BEHIND.exec(text);
  return found?.index ?? (NOTHING_SHOWS.test(text) ? 0 : undefined);
}

/**
 * The first character of a text, trimmed of blanks, that no value may have, by number and place: a control; a blank that is no
 * space at one of its ends; any, where nothing of the text shows.
 */
export function unwanted(text: string): string | undefined {
  const at = unwantedAt(text);
  return at === undefined ? undefined : placed(text, at);
}

/** As {@link unwanted}, of the characters alone that may stand nowhere. */
export function unwantedControl(text: string): string | undefined {
  if (allShow(text)) return undefined;
  const found = CONTROL.exec(text);
  return found ? placed(text, found.index) : undefined;
}

/**
 * The first character that doesn't show, or looks like one of ASCII, by number and place; controls left out, of which
 * {@link unwantedControl} tells.
 */
export function lookAlike(text: string): string | undefined {
  if (allShow(text)) return undefined;
  for (const { 0: character, index } of text.matchAll(/[^\0-\x7f]/gu))
    if (!CONTROL.test(character) && (nameOf(character) !== undefined || visible(character) !== character))
      return placed(text, index);
  return undefined;
}

/** Characters that don't show, or change how the rest of a line looks, as their code points: `<U+202E>`. */
export function visible(text: string): string {
  return allShow(text) ? text : text.replace(EACH_UNSEEN, (character) => `<${numbered(character)}>`);
}

/** `U+00A0 (no-break space) at character 7` */
function placed(text: string, index: number): string {
  const character = String.fromCodePoint(text.codePointAt(index) ?? 0);
  const called = nameOf(character);
  return `${numbered(character)}${called === undefined ? '' : ` (${called})`} at character ${[...text.slice(0, index)].length + 1}`;
}

function numbered(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
}

/** Of those that a person may have meant as something else; a control's number says as much as its name. */
const NAMES: Readonly<Record<string, string>> = {
  '\u00a0': 'no-break space',
  '\u00ad': 'soft hyphen',
  '\u2002': 'en space',
  '\u2003': 'em space',
  '\u2007': 'figure space',
  '\u2009': 'thin space',
  '\u200b': 'zero-width space',
  '\u200c': 'zero-width non-joiner',
  '\u200d': 'zero-width joiner',
  '\u200e': 'left-to-right mark',
  '\u200f': 'right-to-left mark',
  '\u2010': 'hyphen',
  '\u2011': 'no-break hyphen',
  '\u2013': 'en dash',
  '\u2014': 'em dash',
  '\u202f': 'narrow no-break space',
  '\u2060': 'word joiner',
  '\u2212': 'minus sign',
  '\u3000': 'ideographic space',
};

/** What characters that look like ones of ASCII belong to. */
const KINDS: readonly (readonly [members: RegExp, name: string])[] = [
  [/^\p{Zs}$/u, 'a kind of space'],
  [/^[\uFF01-\uFF5E]$/u, 'full width'],
  [/^\p{Script=Cyrillic}$/u, 'Cyrillic'],
  [/^\p{Script=Greek}$/u, 'Greek'],
  [/^\p{Script=Armenian}$/u, 'Armenian'],
  [/^\p{Script=Cherokee}$/u, 'Cherokee'],
  [/^\p{Nd}$/u, "another script's digit"],
  [/^\p{M}$/u, 'combining mark'],
];

function nameOf(character: string): string | undefined {
  return NAMES[character] ?? KINDS.find(([members]) => members.test(character))?.[1];
}
