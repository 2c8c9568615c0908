/** Checks that a file is UTF-8 from the first byte to the last. Chunks may be cut anywhere. */
import { isUtf8 } from 'node:buffer';

export interface EncodingCheck {
  /** The first byte that isn't UTF-8, in this chunk or in an unfinished character before it. */
  push(chunk: Buffer): BadByte | undefined;
  /** A character that the end of the file cuts off. */
  end(): BadByte | undefined;
}

export interface BadByte {
  /** In the file. */
  readonly offset: number;
  readonly byte: number;
  /** The byte begins a character that the end of the file cuts off. */
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

/** The number of bytes at the end that begin a character which needs more bytes than there are. */
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

/** The number of bytes of the character that begins with this byte; 0 for a byte that begins no character. */
function characterLength(first: number): number {
  if (first < 0x80) return 1;
  if (first < 0xc2) return 0;
  if (first < 0xe0) return 2;
  if (first < 0xf0) return 3;
  return first < 0xf5 ? 4 : 0;
}
