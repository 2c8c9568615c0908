/** How often what happened: the simulation's account of itself. */
export type Tally = Record<string, number>;

export function count(tally: Tally, what: string, times = 1): void {
  tally[what] = (tally[what] ?? 0) + times;
}

export function addTo(sum: Tally, more: Readonly<Tally>): void {
  for (const [what, times] of Object.entries(more)) count(sum, what, times);
}
