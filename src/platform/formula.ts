/**
 * Protection against cells that a spreadsheet would run as a formula. Reports put one `'` in front of such a cell, and
 * in front of a cell that already looks protected. Taking exactly one away therefore always gives the original back: a
 * rejected row can be repaired and dropped again without growing apostrophes. The triggers are those of OWASP's "CSV
 * injection", with the full-width forms, NUL, and blanks before the trigger.
 */
const NEEDS_PROTECTION = /^'*(?:\s*[=+\-@\0＝＋－＠]|[\t\r\n])/;
const IS_PROTECTED = /^'+(?:\s*[=+\-@\0＝＋－＠]|[\t\r\n])/;

export function escapeFormula(text: string): string {
  // Nearly every cell begins with a letter or a digit, and needs no further check.
  const first = text.charCodeAt(0);
  if ((first >= 0x30 && first <= 0x39) || (first >= 0x41 && first <= 0x5a) || (first >= 0x61 && first <= 0x7a))
    return text;
  return NEEDS_PROTECTION.test(text) ? `'${text}` : text;
}

/** The exact inverse of {@link escapeFormula}. */
export function unescapeFormula(text: string): string {
  return IS_PROTECTED.test(text) ? text.slice(1) : text;
}
