/** Which known name is meant by one that is none. */
import { distance } from 'fastest-levenshtein';

/**
 * The known name that a slip of the hand makes into `asked`: at most every third of its characters differs, and one
 * always may. Undefined where no name is so near: a far one would mislead. `plain` is how both are compared.
 */
export function nearest(
  asked: string,
  known: readonly string[],
  plain: (name: string) => string = (name) => name,
): string | undefined {
  return known
    .map((name) => ({ name, away: distance(plain(asked), plain(name)) }))
    .filter(({ name, away }) => away <= Math.max(1, Math.floor(name.length / 3)))
    .toSorted((a, b) => a.away - b.away)[0]?.name;
}
