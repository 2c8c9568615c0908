/** Seeded chance: the same question gets the same answer, whatever else was asked before it. */
import { createHash } from 'node:crypto';

/** Hex SHA-256 of the seed and what it is drawn for. */
export function drawHex(seed: string, ...subject: readonly (string | number)[]): string {
  return createHash('sha256')
    .update(JSON.stringify([seed, ...subject]))
    .digest('hex');
}

/** Evenly spread in [0, 1). */
export function drawFraction(seed: string, ...subject: readonly (string | number)[]): number {
  return Number.parseInt(drawHex(seed, ...subject).slice(0, 12), 16) / 2 ** 48;
}
