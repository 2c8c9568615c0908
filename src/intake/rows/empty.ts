/**
 * Which lines have nothing but empty cells: blanks, and the commas and quotes around nothing that a spreadsheet leaves of rows
 * that were deleted. Told character by character, so that whoever reads bytes and whoever reads text say the same.
 */
import { isBlankCode } from '../../domain/characters.ts';

/** What is known of a line, or of a cell in it, so far. */
export type Emptiness = 'new cell' | 'blanks' | 'quoted' | 'quoted nothing' | 'CR at the end' | 'not empty';

const COMMA = 0x2c;
const QUOTE = 0x22;
const CR = 0x0d;

/** What is known after one character more. */
export function emptinessAfter(before: Emptiness, code: number): Emptiness {
  if (before === 'not empty' || before === 'CR at the end') return 'not empty';
  if (before === 'quoted') return code === QUOTE ? 'quoted nothing' : isBlankCode(code) ? 'quoted' : 'not empty';
  if (code === COMMA) return 'new cell';
  if (code === CR) return 'CR at the end';
  if (before === 'quoted nothing') return 'not empty';
  if (isBlankCode(code)) return 'blanks';
  return code === QUOTE && before === 'new cell' ? 'quoted' : 'not empty';
}

/** Whether a line that ends here is empty. `ended`: by an LF, before which one CR belongs to the line's end. */
export function endsEmpty(emptiness: Emptiness, ended: boolean): boolean {
  if (emptiness === 'CR at the end') return ended;
  return emptiness !== 'not empty' && emptiness !== 'quoted';
}

/** A line without its end. */
export function isEmptyLine(text: string): boolean {
  let emptiness: Emptiness = 'new cell';
  for (let at = 0; at < text.length; at++) {
    emptiness = emptinessAfter(emptiness, text.charCodeAt(at));
    if (emptiness === 'not empty') return false;
  }
  return endsEmpty(emptiness, false);
}
