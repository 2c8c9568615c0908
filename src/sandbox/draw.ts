/** Seeded chance: the same seed and subject always draw the same value, whatever was drawn before. */
import { createHash } from 'node:crypto';

/** The SHA-256 of the seed and the subject, in hex. */
export function drawHex(seed: string, ...subject: readonly (string | number)[]): string {
  return createHash('sha256')
    .update(JSON.stringify([seed, ...subject]))
    .digest('hex');
}

/** A number in [0, 1), evenly spread. */
export function drawFraction(seed: string, ...subject: readonly (string | number)[]): number {
  return Number.parseInt(drawHex(seed, ...subject).slice(0, 12), 16) / 2 ** 48;
}
