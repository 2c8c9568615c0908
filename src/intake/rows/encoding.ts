/** Is it UTF-8 from the first byte to the last? Asked chunk by chunk, wherever the chunks are cut. */
import { isUtf8 } from 'node:buffer';

export interface EncodingCheck {
  /** The offset in the file of the first byte that isn't UTF-8, in this or an unfinished character before it. */
  push(chunk: Buffer): BadByte | undefined;
  /** A character that the end of the file cuts off. */
  end(): BadByte | undefined;
}

export interface BadByte {
  readonly offset: number;
  readonly byte: number;
  /** It begins a character whose rest is beyond the end of the file. */
  readonly cutOff: boolean;
}

export function createEncodingCheck(): EncodingCheck {
  /** The beginning of a character, at most three bytes, whose rest is in the next chunk. */
  let unfinished = Buffer.alloc(0);
  let checked = 0;

  const badByteIn = (bytes: Buffer, cutOff: boolean): BadByte | undefined => {
    if (isUtf8(bytes)) return undefined;
    const at = firstBadCharacter(bytes);
    return { offset: checked + at, byte: bytes[at] as number, cutOff };
  };
  return {
    push(chunk) {
      const bytes = unfinished.length > 0 ? Buffer.concat([unfinished, chunk]) : chunk;
      const whole = bytes.subarray(0, bytes.length - unfinishedLength(bytes));
      const bad = badByteIn(whole, false);
      checked += whole.length;
      unfinished = Buffer.from(bytes.subarray(whole.length));
      return bad;
    },
    end: () => badByteIn(unfinished, true),
  };
}

/** How many bytes at the end begin a character that needs more bytes than there are. */
function unfinishedLength(bytes: Buffer): number {
  for (let length = 1; length <= Math.min(3, bytes.length); length++) {
    const byte = bytes[bytes.length - length] as number;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) return characterLength(byte) > length ? length : 0;
  }
  return 0;
}

function firstBadCharacter(bytes: Buffer): number {
  let at = 0;
  while (at < bytes.length) {
    const length = characterLength(bytes[at] as number);
    if (length > 1 && !isUtf8(bytes.subarray(at, at + length))) break;
    if (length === 0) break;
    at += length;
  }
  return at;
}

/** How many bytes the character has that begins with this one; 0 for a byte that begins none. */
function characterLength(first: number): number {
  if (first < 0x80) return 1;
  if (first < 0xc2) return 0;
  if (first < 0xe0) return 2;
  if (first < 0xf0) return 3;
  return first < 0xf5 ? 4 : 0;
}
