/** Recognizes, by the first bytes, what a file is that isn't CSV in UTF-8. Nothing is ever unpacked. */

const MAGIC: readonly (readonly [bytes: readonly number[], what: string])[] = [
  [[0x50, 0x4b, 0x03, 0x04], 'an Excel workbook (.xlsx) or a zip archive'],
  [[0x50, 0x4b, 0x05, 0x06], 'an empty zip archive'],
  [[0x1f, 0x8b], 'a gzip archive'],
  [[0x25, 0x50, 0x44, 0x46], 'a PDF document'],
  [[0xd0, 0xcf, 0x11, 0xe0], 'an old Excel workbook (.xls) or another old Office document'],
];

/** The type of the file in words; undefined when the file may be text. */
export function foreignType(head: Buffer): string | undefined {
  const found = MAGIC.find(([bytes]) => bytes.every((byte, at) => head[at] === byte));
  if (found) return found[1];
  return /^\uFEFF?\s*</.test(head.toString('utf8')) ? 'a web page or an XML document' : undefined;
}

/**
 * The name of an encoding with two or four bytes a character, by its byte order mark or the zero bytes of Latin
 * letters.
 */
export function wideEncoding(head: Buffer): string | undefined {
  if (startsWith(head, [0xff, 0xfe, 0, 0]) || startsWith(head, [0, 0, 0xfe, 0xff])) return 'UTF-32';
  if (startsWith(head, [0xff, 0xfe]) || startsWith(head, [0xfe, 0xff])) return 'UTF-16';
  const even = shareOfZeros(head, 0);
  const odd = shareOfZeros(head, 1);
  return even > MOSTLY !== odd > MOSTLY ? 'UTF-16 or UTF-32' : undefined;
}

const MOSTLY = 0.9;

/** The share of zero bytes among the bytes at even (0) or odd (1) places. */
function shareOfZeros(head: Buffer, parity: 0 | 1): number {
  const places = (head.length + 1 - parity) >> 1;
  let zeros = 0;
  for (let at = parity; at < head.length; at += 2) if (head[at] === 0) zeros++;
  return places === 0 ? 0 : zeros / places;
}

function startsWith(head: Buffer, bytes: readonly number[]): boolean {
  return bytes.every((byte, at) => head[at] === byte);
}
