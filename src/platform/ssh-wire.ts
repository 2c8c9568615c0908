/** Reads the binary format of SSH (RFC 4251, section 5), strictly and within limits. */

/**
 * Reads one value after the other. What isn't there, is longer than allowed or is not written in the one right way reads
 * as empty or 0 from then on, and {@link Wire.isWhole} says so at the end.
 */
export interface Wire {
  byte(): number;
  uint32(): number;
  /** Bytes without a length before them. */
  fixed(length: number): Buffer;
  string(most: number): Buffer;
  /** A string of ASCII characters that show. */
  name(most: number): string;
  /** The digits of an integer greater than zero, without a zero at the beginning. */
  positive(most: number): Buffer;
  /** Whether every value was there, and nothing is left. */
  isWhole(): boolean;
}

const NOTHING = Buffer.alloc(0);
const VISIBLE = /^[!-~]*$/;

export function openWire(bytes: Buffer): Wire {
  let at = 0;
  let isBroken = false;
  const broken = () => {
    isBroken = true;
    return NOTHING;
  };
  const wire: Wire = {
    byte: () => wire.fixed(1)[0] ?? 0,
    uint32() {
      const four = wire.fixed(4);
      return four.length === 4 ? four.readUInt32BE() : 0;
    },
    fixed(length) {
      if (isBroken || length > bytes.length - at) return broken();
      at += length;
      return bytes.subarray(at - length, at);
    },
    string(most) {
      const length = wire.uint32();
      return length > most ? broken() : wire.fixed(length);
    },
    name(most) {
      const text = wire.string(most).toString('latin1');
      return VISIBLE.test(text) ? text : broken().toString();
    },
    positive(most) {
      const digits = wire.string(most + 1);
      const [first = 0, second = 0] = digits;
      if (digits.length === 0 || first >= 0x80 || (first === 0 && second < 0x80)) return broken();
      const plain = first === 0 ? digits.subarray(1) : digits;
      return plain.length > most ? broken() : plain;
    },
    isWhole: () => !isBroken && at === bytes.length,
  };
  return wire;
}
