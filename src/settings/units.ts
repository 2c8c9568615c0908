/** The units of paydrop.json: `15m`, `2GB`. */

const DURATION_UNITS_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const SIZE_UNITS = { B: 1, KB: 1e3, MB: 1e6, GB: 1e9 } as const;

export function durationMs(text: string): number {
  return amountOf(text, DURATION_UNITS_MS);
}

export function sizeBytes(text: string): number {
  return amountOf(text, SIZE_UNITS);
}

function amountOf<Units extends Readonly<Record<string, number>>>(text: string, units: Units): number {
  const [, digits, unit = ''] = /^(\d+)(\D+)$/.exec(text) ?? [];
  return Number(digits) * (units[unit] ?? Number.NaN);
}
