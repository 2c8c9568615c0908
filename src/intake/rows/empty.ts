/**
 * Recognizes lines that have only empty cells: blanks, and the commas and quotes around nothing that a spreadsheet
 * leaves of deleted rows. Works character by character, so that readers of bytes and readers of text get the same
 * answer.
 */
import { isBlankCode } from '../../domain/characters.ts';

/** What is known so far of a line and its current cell. */
export type Emptiness = 'new cell' | 'blanks' | 'quoted' | 'quoted nothing' | 'CR at the end' | 'not empty';

const COMMA = 0x2c;
const QUOTE = 0x22;
const CR = 0x0d;

/** What is known after one more character. */
export function emptinessAfter(before: Emptiness, code: number): Emptiness {
  if (before === 'not empty' || before === 'CR at the end') return 'not empty';
  if (before === 'quoted') return code === QUOTE ? 'quoted nothing' : isBlankCode(code) ? 'quoted' : 'not empty';
  if (code === COMMA) return 'new cell';
  if (code === CR) return 'CR at the end';
  if (before === 'quoted nothing') return 'not empty';
  if (isBlankCode(code)) return 'blanks';
  return code === QUOTE && before === 'new cell' ? 'quoted' : 'not empty';
}

/**
 * Whether a line that ends here is empty. `ended`: an LF ends it, and one CR before the LF is part of the line's end.
 */
export function endsEmpty(emptiness: Emptiness, ended: boolean): boolean {
  if (emptiness === 'CR at the end') return ended;
  return emptiness !== 'not empty' && emptiness !== 'quoted';
}

/** `text` is a line without its line end. */
export function isEmptyLine(text: string): boolean {
  let emptiness: Emptiness = 'new cell';
  for (let at = 0; at < text.length; at++) {
    emptiness = emptinessAfter(emptiness, text.charCodeAt(at));
    if (emptiness === 'not empty') return false;
  }
  return endsEmpty(emptiness, false);
}
