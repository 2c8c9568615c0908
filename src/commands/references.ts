/** References as a person types them: `A/B/C`, or `A / B / C` as pages show them, with or without quotes. */
import type { InstructionRef } from '../domain/instruction.ts';
import { UsageError } from '../platform/failures.ts';

/** Each reference as `A/B/C`. No reference has a blank in it, so that blanks around a slash join what they divide. */
export function referencesIn(words: readonly string[]): string[] {
  const text = words
    .join(' ')
    .trim()
    .replace(/\s*\/\s*/g, '/');
  return text === '' ? [] : text.split(/\s+/);
}

/** For a command that takes one reference. */
export function oneReferenceIn(words: readonly string[]): string {
  const [asked = '', ...more] = referencesIn(words);
  if (more.length > 0) throw new UsageError(`${words.join(' ')}: expected one reference`);
  return asked;
}

/** The payout that CUSTOMER/ORDER/INSTRUCTION names. */
export function instructionRefIn(asked: string): InstructionRef {
  const [customerRef = '', orderRef = '', instructionRef = '', ...rest] = asked.split('/');
  if (!customerRef || !orderRef || !instructionRef || rest.length > 0)
    throw new UsageError(`${asked}: expected CUSTOMER/ORDER/INSTRUCTION`);
  return { customerRef, orderRef, instructionRef };
}
