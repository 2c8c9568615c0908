/**
 * What a webhook of a provider names. Its envelope is read loosely, because one family publishes none and the other
 * changes it, and because nothing follows from it but a look-up.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { unwantedControl } from '../domain/characters.ts';
import { isClientRef, type PayoutName } from '../domain/instruction.ts';
import { isRecord } from './json.ts';

/** How a webhook is signed: an HMAC of its bytes, as text in a header. */
export interface WebhookSignature {
  /** In small letters. */
  readonly header: string;
  readonly algorithm: 'sha256' | 'sha512' | 'sha1';
  readonly encoding: 'hex' | 'base64';
  readonly secret: string;
}

/** The payout-order API: api/payout-orders.md, "Webhooks". */
export const PAYOUT_ORDERS_SIGNATURE = { header: 'signature', algorithm: 'sha256', encoding: 'hex' } as const;

/** Compared in a time that does not tell how much of it is right. */
export function isSigned(body: Buffer, given: unknown, { algorithm, encoding, secret }: WebhookSignature): boolean {
  const due = createHmac(algorithm, secret).update(body).digest();
  const text = typeof given === 'string' ? given.trim() : '';
  const got = Buffer.from(text, encoding);
  // What is no text of that encoding is read up to there, and is too short.
  return got.length === due.length && timingSafeEqual(got, due);
}

/** In UTF-16 code units; longer ones are no references. */
const LONGEST_REF = 100;

/** The payouts of one body; it names no more than these. */
const MOST_NAMED = 1_000;

type Refs = Partial<Record<'clientrefid' | 'customerref' | 'orderref' | 'instructionref', string>>;

/**
 * The payouts that a body names, each once and at most MOST_NAMED; one body may have many events. Undefined where it is
 * no JSON. A client reference counts before the other references. An object inside of another one has the references of
 * that, too.
 */
export function payoutsNamed(body: Buffer): PayoutName[] | undefined {
  let read: unknown;
  try {
    read = JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
  const names = new Map<string, PayoutName>();
  const left: { readonly value: unknown; readonly around: Refs }[] = [{ value: read, around: {} }];
  for (let next = left.pop(); next && names.size < MOST_NAMED; next = left.pop()) {
    const { value, around } = next;
    if (typeof value !== 'object' || value === null) continue;
    const refs = isRecord(value) ? refsOf(value, around) : around;
    for (const name of isRecord(value) ? namesOf(refs, value) : []) names.set(JSON.stringify(name), name);
    for (const child of Object.values(value)) left.push({ value: child, around: refs });
  }
  return [...names.values()].slice(0, MOST_NAMED);
}

function refsOf(value: Record<string, unknown>, around: Refs): Refs {
  const refs: Record<string, string> = { ...around };
  for (const [name, ref] of Object.entries(value))
    if (typeof ref === 'string' && mayBeRef(ref)) {
      const key = name.toLowerCase();
      if (REFS.has(key)) refs[key] = ref;
    }
  return refs;
}

/** No reference of ours has a control in it, and no PostgreSQL server takes U+0000. */
function mayBeRef(text: string): boolean {
  return text !== '' && text.length <= LONGEST_REF && unwantedControl(text) === undefined;
}

const REFS: ReadonlySet<string> = new Set(['clientrefid', 'customerref', 'orderref', 'instructionref']);

/**
 * Only an object that has the decisive reference itself names a payout: not each one inside of it. Where a later attempt
 * was sent under its client reference, that is the instruction's reference there.
 */
function namesOf(refs: Refs, value: Record<string, unknown>): PayoutName[] {
  const own = new Set(Object.keys(value).map((name) => name.toLowerCase()));
  const { clientrefid, customerref, orderref, instructionref } = refs;
  if (clientrefid !== undefined && own.has('clientrefid')) return [{ clientRefId: clientrefid }];
  if (orderref === undefined || instructionref === undefined || !own.has('instructionref')) return [];
  const customer = customerref === undefined ? {} : { customerRef: customerref };
  const name = { ...customer, orderRef: orderref, instructionRef: instructionref };
  return isClientRef(instructionref) ? [name, { clientRefId: instructionref }] : [name];
}
