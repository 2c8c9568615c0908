/** The provider's texts end up in reports: one line, of a length a person reads. */
const TEXT_LENGTH = 300;

/** Free text of the provider's made fit for a report: no control characters, single blanks, at most 300 characters. */
export function oneLine(text: string): string {
  const line = text.replace(/[\p{C}\p{Z}]+/gu, ' ').trim();
  return line.length > TEXT_LENGTH ? `${line.slice(0, TEXT_LENGTH - 1)}…` : line;
}
