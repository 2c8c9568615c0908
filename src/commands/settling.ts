/**
 * Decisions that settle what look-ups can't, or pay again. Where the settings name people, such a decision is signed by a
 * person who may settle, as an approval is.
 */
import { checkSignature, settlerOf } from '../control/control.ts';
import { type InstructionRef, rowPlace } from '../domain/instruction.ts';
import { timestamp } from '../platform/clock.ts';
import { openSha256 } from '../platform/digest.ts';
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
  const { people, control } = settings;
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
  const keys = people.flatMap((person) => person.keys);
  const verdict = await checkSignature(signature, bytes, keys);
  const signer = await settlerOf(verdict, await payoutsOf(store, refs), { people, maker: control.maker });
  if (typeof signer === 'string') throw new UsageError(signer);
  const { person, fingerprint } = signer;
  return {
    ...{ by: person.name, reason, ...(ticket !== undefined && { ticket }) },
    ...{ key: fingerprint, signature: openSha256().update(signature).digest('hex') },
  };
}

async function payoutsOf(store: Store, refs: readonly InstructionRef[]): Promise<Parameters<typeof settlerOf>[1]> {
  const payouts: Parameters<typeof settlerOf>[1][number][] = [];
  for (const payout of await store.findInstructions(refs)) {
    if (!payout) continue;
    const file = await store.file(rowPlace(payout.contentRow).file);
    const { amountMinor = 0n, currency = '' } = payout;
    const owner = file?.maker?.user ?? '';
    payouts.push({
      amountMinor,
      currency,
      file: file && { name: file.name, owner, ownerKeys: file.maker?.keys ?? [] },
    });
  }
  return payouts;
}
