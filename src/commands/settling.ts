/**
 * Decisions that settle what look-ups can't, or pay again. Where the settings name people, such a decision is signed by a
 * person who may settle, as an approval is.
 */
import type { InstructionRef } from '../domain/instruction.ts';
import { settler } from '../pipeline/pipeline.ts';
import { timestamp } from '../platform/clock.ts';
import { UsageError } from '../platform/failures.ts';
import { signWith } from '../platform/ssh-keygen.ts';
import type { Settings } from '../settings/settings.ts';
import type { Decision, Store, Timing } from '../store/store.ts';
import { checkWhoSays, type DecisionOptions, personWith } from './person.ts';

export interface SettlingOptions extends DecisionOptions {
  /** The key to sign with, where the settings name people. */
  readonly key?: string;
}

interface Opened extends Pick<Timing, 'clock'> {
  readonly store: Store;
  readonly settings: Settings;
}

/** `what` says what is decided, about these payouts. Throws a UsageError where the person may not decide it. */
export async function settlingBy(
  { store, settings, clock }: Opened,
  options: SettlingOptions,
  what: string,
  refs: readonly InstructionRef[] = [],
): Promise<Decision> {
  const { people } = settings;
  checkWhoSays(people, options);
  const { key } = options;
  if (people.length === 0) return personWith(options);
  if (key === undefined)
    throw new UsageError(
      '--key FILE: paydrop.json names people, so this counts when one of them who may settle signs it. Name the key file, or its .pub with the agent',
    );
  const { reason, ticket } = personWith({ ...options, by: 'the signer' });
  const about = refs.map(({ customerRef, orderRef, instructionRef }) => `${customerRef}/${orderRef}/${instructionRef}`);
  const statement = { format: 'paydrop settlement', version: 1, at: timestamp(clock.now()), what, about, reason };
  const bytes = Buffer.from(`${JSON.stringify(statement, undefined, 2)}\n`);
  const signature = await signWith(key, bytes);
  const signer = await settler({ store, settings }, { signature, bytes }, refs);
  if (typeof signer === 'string') throw new UsageError(signer);
  return { ...signer, reason, ...(ticket !== undefined && { ticket }) };
}
