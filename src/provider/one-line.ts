/** The provider's texts get into reports: each is one line that a person can read. */
const TEXT_LENGTH = 300;

/** A provider's text in a form for reports: no control characters, single blanks, at most 300 characters. */
export function oneLine(text: string): string {
  const line = text.replace(/[\p{C}\p{Z}]+/gu, ' ').trim();
  return line.length > TEXT_LENGTH ? `${line.slice(0, TEXT_LENGTH - 1)}…` : line;
}
