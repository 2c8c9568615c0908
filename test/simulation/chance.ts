/** Seeded chance: the same seed gives the same draws in the same order. */
export interface Chance {
  /** In [0, 1). */
  fraction(): number;
  /** 0, 1, …, below `end`. */
  below(end: number): number;
  /** From `least` to `most`, both included. */
  between(least: number, most: number): number;
  /** True with the probability `odds`, from 0 to 1. */
  strikes(odds: number): boolean;
  pick<T>(from: readonly T[]): T;
}

/** sfc32 over a spread seed. */
export function chance(seed: number): Chance {
  let a = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b);
  let b = Math.imul(seed ^ 0x243f6a88, 0xc2b2ae35);
  let c = Math.imul(seed ^ 0xb7e15162, 0x27d4eb2f);
  let count = 1;
  const next = () => {
    const sum = (((a + b) | 0) + count) | 0;
    count = (count + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  };
  for (let round = 0; round < 15; round++) next();
  const below = (end: number) => Math.floor(next() * end);
  return {
    fraction: next,
    below,
    between: (least, most) => least + below(most - least + 1),
    strikes: (odds) => next() < odds,
    pick: <T>(from: readonly T[]) => from[below(from.length)] as T,
  };
}
