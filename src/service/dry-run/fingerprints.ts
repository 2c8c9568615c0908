/**
 * Which of a great many payouts have payee, amount and currency in common, in eight bytes a payout. Each is kept as a
 * number that is the same for the same three. That two others have one number is not to be expected even once in a file,
 * and makes no payout look unlike another: it only has both looked at more closely.
 */
export interface Fingerprints {
  /** False when there is no room for it. */
  add(fingerprint: number): boolean;
  /** Sorts what was added: nothing may be added after it. */
  sorted(): SortedFingerprints;
}

export interface SortedFingerprints {
  has(fingerprint: number): boolean;
  /** Those that were added more than once. */
  repeated(): Generator<number>;
}

/** A whole number of 53 bits. Both halves are mixed at the end: payees that are numbered must not meet. */
export function fingerprintOf(payee: string, currency: string, amountMinor: bigint): number {
  let high = 0xdeadbeef;
  let low = 0x41c6ce57;
  const mix = (text: string) => {
    for (let at = 0; at < text.length; at++) {
      const character = text.charCodeAt(at);
      high = Math.imul(high ^ character, 0x9e3779b1);
      low = Math.imul(low ^ character, 0x5f356495);
    }
  };
  mix(`${currency} ${amountMinor} `);
  mix(payee);
  const mixedHigh = Math.imul(high ^ (high >>> 16), 0x85ebca6b) ^ Math.imul(low ^ (low >>> 13), 0xc2b2ae35);
  const mixedLow = Math.imul(low ^ (low >>> 16), 0x85ebca6b) ^ Math.imul(mixedHigh ^ (mixedHigh >>> 13), 0xc2b2ae35);
  return (mixedHigh >>> 11) * 2 ** 32 + (mixedLow >>> 0);
}

/** For at most this many. Memory is taken as they come. */
export function openFingerprints(most: number): Fingerprints {
  const all = new Float64Array(most);
  let count = 0;
  return {
    add(fingerprint) {
      if (count === most) return false;
      all[count++] = fingerprint;
      return true;
    },
    sorted() {
      const sorted = all.subarray(0, count).sort();
      return {
        has: (fingerprint) => sorted[firstFrom(sorted, fingerprint)] === fingerprint,
        *repeated() {
          for (let at = 1; at < sorted.length; at++) {
            const fingerprint = sorted[at] as number;
            if (fingerprint === sorted[at - 1]) yield fingerprint;
          }
        },
      };
    },
  };
}

/** Where the first number that is not below `wanted` stands. */
function firstFrom(sorted: Float64Array, wanted: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] as number) < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}
