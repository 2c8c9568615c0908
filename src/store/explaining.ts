/** How the failures of an adapter reach its callers: each with its cause in plain words, and what to do. */
import type { Store } from './port.ts';

/** The way out where the tables show that another program wrote them. */
export const UNRELEASED =
  'a version that was never released wrote it. Use that one, or restore the backup from before it (docs/operating.md, "Upgrade")';

/** The store, with each verb failing with the explained error. */
export function explaining<Verbs extends Partial<Store>>(store: Verbs, explained: (error: unknown) => unknown): Verbs {
  const verbs = Object.entries(store).map(([name, verb]: [string, unknown]) => {
    if (typeof verb !== 'function') return [name, verb];
    return [
      name,
      async (...args: unknown[]): Promise<unknown> => {
        try {
          return await verb(...args);
        } catch (error) {
          throw explained(error);
        }
      },
    ];
  });
  return Object.fromEntries(verbs) as Verbs;
}
