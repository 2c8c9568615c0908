/** The errors of rejected rows, counted by code, and by cause: one cause may give a row two errors. */
import type { ResultRow } from '../store/store.ts';

/** At most this many lines are named for a cause. */
export const LINES_NAMED = 5;

interface Cause {
  /** One code, or the two that a row has for one cause. */
  readonly codes: readonly string[];
  /** In how many rows, or how often where a row has the code several times. */
  readonly count: number;
  /** The first lines, at most {@link LINES_NAMED}. */
  readonly lines: readonly number[];
}

/** Causes by their codes, separated by blanks. */
export type Causes = ReadonlyMap<string, Omit<Cause, 'codes'>>;

export interface ErrorsFound {
  /** How often each code occurs, most frequent first. */
  readonly errors: readonly { readonly code: string; readonly count: number }[];
  /** The same errors by cause, most frequent first. */
  readonly causes: readonly Cause[];
}

export function openCauses(): {
  add(row: Pick<ResultRow, 'line' | 'errors'>): void;
  include(causes: Causes): void;
  part(): Causes;
  found(): ErrorsFound;
} {
  const causes = new Map<string, { count: number; lines: number[] }>();
  const note = (key: string, count: number, lines: readonly number[]) => {
    const known = causes.get(key) ?? { count: 0, lines: [] };
    causes.set(key, known);
    known.count += count;
    for (const line of lines)
      if (known.lines.length < LINES_NAMED && known.lines.at(-1) !== line) known.lines.push(line);
  };
  return {
    add({ line, errors }) {
      const codes: readonly string[] = errors.map(({ code }) => code);
      for (const code of codes) {
        if (codes.length > 1 && codes.includes(openDateTwin(code))) continue;
        const twin = codes.length > 1 && dueDateTwin(code);
        note(twin && codes.includes(twin) ? `${code} ${twin}` : code, 1, [line]);
      }
    },
    include(others) {
      for (const [key, { count, lines }] of others) note(key, count, lines);
    },
    part: () => causes,
    found: () => {
      const byCode = new Map<string, number>();
      const all = [...causes].map(([key, { count, lines }]): Cause => ({ codes: key.split(' '), count, lines }));
      for (const { codes, count } of all) for (const code of codes) byCode.set(code, (byCode.get(code) ?? 0) + count);
      const errors = [...byCode].map(([code, count]) => ({ code, count }));
      return {
        errors: errors.sort((a, b) => b.count - a.count || (a.code < b.code ? -1 : 1)),
        causes: all.sort((a, b) => b.count - a.count || (a.codes.join(' ') < b.codes.join(' ') ? -1 : 1)),
      };
    },
  };
}

/** A spreadsheet that rewrites dates, or leaves them out, does so in both columns. */
function dueDateTwin(code: string): string {
  return code.startsWith('OPEN_DATE_') ? code.replace('OPEN', 'DUE') : '';
}

function openDateTwin(code: string): string {
  return code.startsWith('DUE_DATE_') ? code.replace('DUE', 'OPEN') : '';
}
