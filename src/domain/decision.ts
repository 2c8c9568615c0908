/** A person's decision: in words, and the name of a file that holds one. */

/**
 * What a file manager or browser adds to the name of a copy may stand before the suffix. It may be of any length, so that
 * a name in bytes and the same name as text, with escapes for what is no text, are always of the same kind.
 */
const DECISION_NAME = /\.to-approve[^./]*\.json$/i;

/** A larger file is no decision. Some 40,000 rows fit. */
export const MOST_DECISION_BYTES = 20_000_000;

/** Whether a file of this name holds a decision, and not rows. */
export function isDecisionName(name: string): boolean {
  return DECISION_NAME.test(name);
}

/** `ana: the bank confirmed it (ticket FIN-12)` */
export function whoAndWhy(decision: {
  readonly by: string;
  readonly reason: string;
  readonly ticket?: string;
}): string {
  const { by, reason, ticket } = decision;
  return `${by}: ${reason}${ticket === undefined ? '' : ` (ticket ${ticket})`}`;
}
