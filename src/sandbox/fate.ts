/** How payouts and instructions end: drawn from seed and reference unless the script fixes it. */
import { drawFraction } from './draw.ts';
import { type Fate, type FateRule, matches, type Subject } from './faults.ts';

/** Of a hundred payouts, about 96 are processed for good, 2.5 fail, and 1.5 are processed and later reversed. */
const FAILED_FROM = 0.96;
const REVERSED_FROM = 0.985;

const FAILURES = [
  'Beneficiary account is closed',
  'Beneficiary account number is invalid',
  'Beneficiary bank is not available',
  'Beneficiary name does not match the account',
  'Transfer limit of the beneficiary exceeded',
];

const RETURNS = [
  'Returned by the beneficiary bank: account is frozen',
  'Returned by the beneficiary bank: credit could not be applied',
];

/** `message` is the reason if it fails or is reversed. */
export function fateOf(
  reference: string,
  about: Subject,
  seed: string,
  rules: readonly FateRule[],
): { fate: Fate; message: string } {
  const rule = rules.find((candidate) => matches(candidate, about));
  const drawn = drawFraction(seed, 'fate', reference);
  const fate = rule?.fate ?? (drawn < FAILED_FROM ? 'processed' : drawn < REVERSED_FROM ? 'failed' : 'reversed');
  const texts = fate === 'reversed' ? RETURNS : FAILURES;
  const text = texts[Math.floor(drawFraction(seed, 'text', reference) * texts.length)] ?? '';
  return { fate, message: rule?.message ?? text };
}
