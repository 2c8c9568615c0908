/** Two things side by side: taken in turns on one machine, told as the ratio of their medians. */
import type { Figures } from './programs.ts';

type Verdict = 'reaches its aim' | 'reaches at least' | 'misses' | 'not installed';

/** One line of the table. */
export interface Result {
  readonly name: string;
  readonly what: string;
  readonly against: string;
  readonly unit: 's' | 'MB' | '1/s';
  /** Absolute medians; `theirs` is missing where something is measured by itself. */
  readonly ours?: number;
  readonly theirs?: number;
  /** What the limits are about: ours / theirs, or ours where there is nothing to compare with. */
  readonly measured?: number;
  readonly atLeast: number;
  readonly aim: number;
  readonly rounds: number;
  readonly verdict: Verdict;
}

export interface Limits {
  readonly atLeast: number;
  readonly aim: number;
  /** A rate should be high, a time or a size low. */
  readonly higherIsBetter?: true;
}

export type Sides<Name extends string> = Readonly<Record<Name, readonly Figures[]>>;

/** Every side once, then every side once more: what disturbs the machine for a while disturbs all of them. */
export async function inTurns<Name extends string>(
  rounds: number,
  sides: Readonly<Record<Name, () => Promise<Figures>>>,
): Promise<Sides<Name>> {
  const names = Object.keys(sides) as Name[];
  const taken = Object.fromEntries(names.map((name) => [name, [] as Figures[]])) as Record<Name, Figures[]>;
  for (let round = 1; round <= rounds; round++)
    for (const name of names) {
      const figures = await sides[name]();
      taken[name].push(figures);
      const { seconds, peakMB } = figures;
      const memory = peakMB === 0 ? '' : `, ${peakMB.toFixed(0)} MB`;
      process.stderr.write(`  ${round}/${rounds} ${name}: ${seconds.toFixed(3)} s${memory}\n`);
    }
  return taken;
}

export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

export const secondsOf = (figures: readonly Figures[]): number => median(figures.map(({ seconds }) => seconds));
export const peakOf = (figures: readonly Figures[]): number => median(figures.map(({ peakMB }) => peakMB));

export function result(
  about: Pick<Result, 'name' | 'what' | 'against' | 'unit' | 'rounds'>,
  limits: Limits,
  ours: number,
  theirs?: number,
): Result {
  const measured = theirs === undefined ? ours : ours / theirs;
  const within = (limit: number) => (limits.higherIsBetter ? measured >= limit : measured <= limit);
  const verdict = within(limits.aim) ? 'reaches its aim' : within(limits.atLeast) ? 'reaches at least' : 'misses';
  const { atLeast, aim } = limits;
  return { ...about, ours, ...(theirs === undefined ? {} : { theirs }), measured, atLeast, aim, verdict };
}

export function notInstalled(about: Pick<Result, 'name' | 'what' | 'against' | 'unit'>, limits: Limits): Result {
  return { ...about, rounds: 0, atLeast: limits.atLeast, aim: limits.aim, verdict: 'not installed' };
}

export function table(results: readonly Result[]): string {
  const cells = results.map((result) => {
    const { what, against, measured, atLeast, aim, verdict, theirs, unit } = result;
    const show = (value: number) =>
      theirs === undefined && unit === 'MB' ? `${value.toFixed(0)} MB` : `${value.toFixed(2)} ×`;
    return [what, against, measured === undefined ? '–' : show(measured), show(atLeast), show(aim), verdict];
  });
  const lines = [['what', 'measured against', 'measured', 'at least', 'aim', 'verdict'], ...cells];
  const widths = (lines[0] ?? []).map((_, at) => Math.max(...lines.map((line) => line[at]?.length ?? 0)));
  const row = (line: readonly string[]) => `| ${line.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |`;
  const [head = [], ...body] = lines;
  return [row(head), row(widths.map((width) => '-'.repeat(width))), ...body.map(row)].join('\n');
}
