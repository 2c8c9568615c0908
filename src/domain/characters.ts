/**
 * Which characters are blanks, and which don't show. From intake to sending, one rule holds: spaces and tabs at the
 * ends of a value are dropped, and no other character is.
 */

/** Whether the text is empty, or only spaces and tabs. */
export function isBlank(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (!isBlankCode(text.charCodeAt(at))) return false;
  return true;
}

/** A space or a tab. */
export function isBlankCode(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/** The text without the spaces and tabs at both ends. No other character counts as blank. */
export function trimBlanks(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlankCode(text.charCodeAt(start))) start++;
  while (end > start && isBlankCode(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

/** Matches nearly every text. Tests for classes of characters are slow. */
const ALL_SHOW = /^[ -~]*$/;

/**
 * Controls, line and paragraph separators, bidirectional overrides and isolates, a stray byte order mark, half a
 * character.
 */
const CONTROL = /[\p{Cc}\u2028-\u202E\u2066-\u2069\uFEFF\p{Cs}]/u;

/**
 * Blanks of other scripts, blanks without width, and letters that look like a blank. Within a text they are text. At
 * its ends they are a mistake.
 */
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

/** Whether a text has a character that shows. */
export function showsAnything(text: string): boolean {
  return text !== '' && !NOTHING_SHOWS.test(text);
}

/** The index of a character that no value may have, in a text trimmed of blanks. Undefined for nearly every text. */
function unwantedAt(text: string): number | undefined {
  if (allShow(text)) return undefined;
  const found = CONTROL.exec(text) ?? OTHER_BLANK_IN_FRONT.exec(text) ?? OTHER_BLANK_BEHIND.exec(text);
  return found?.index ?? (NOTHING_SHOWS.test(text) ? 0 : undefined);
}

/**
 * The first character that no value may have, in a text trimmed of blanks, by number and place. Such a character is a
 * control, or a blank other than a space at one of the ends. If no character of the text shows, it is the first
 * character.
 */
export function unwanted(text: string): string | undefined {
  const at = unwantedAt(text);
  return at === undefined ? undefined : placed(text, at);
}

/** As {@link unwanted}, but only for characters that are not allowed at any place. */
export function unwantedControl(text: string): string | undefined {
  if (allShow(text)) return undefined;
  const found = CONTROL.exec(text);
  return found ? placed(text, found.index) : undefined;
}

/**
 * The first character that doesn't show, or that looks like an ASCII one, by number and place. Controls are left out:
 * {@link unwantedControl} reports them.
 */
export function lookAlike(text: string): string | undefined {
  if (allShow(text)) return undefined;
  for (const { 0: character, index } of text.matchAll(/[^\0-\x7f]/gu))
    if (!CONTROL.test(character) && (nameOf(character) !== undefined || visible(character) !== character))
      return placed(text, index);
  return undefined;
}

/**
 * The text with its unseen characters as code points: those that don't show, or change how the rest of a line looks.
 * `<U+202E>`.
 */
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

/**
 * Names of characters that a person may have meant as something else. For a control the number says as much as a name.
 */
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

/** Kinds of characters that look like ASCII ones. */
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
