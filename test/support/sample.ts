/**
 * `npm test` takes a sample of what is tried at very many points; `TESTS=all npm test` takes every one, as .ci/run does.
 * docs/reliability.md says what is in the sample.
 */
export const ALL = process.env['TESTS'] === 'all';

/**
 * Every `every`-th of a test's rows, beginning with the one at index `first`; with TESTS=all each of them. Tests that
 * vary the same thing begin at different rows, so that each row comes up in one of them.
 */
export function sampled<T extends [unknown] | NonNullable<unknown>>(
  rows: readonly T[],
  every: number,
  first = 0,
): readonly T[] {
  return rows.filter((_, at) => ALL || at % every === first % every);
}
