/** A person's decision in words. */

/** `ana: the bank confirmed it (ticket FIN-12)` */
export function whoAndWhy(decision: {
  readonly by: string;
  readonly reason: string;
  readonly ticket?: string;
}): string {
  const { by, reason, ticket } = decision;
  return `${by}: ${reason}${ticket === undefined ? '' : ` (ticket ${ticket})`}`;
}
