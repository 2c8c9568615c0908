/** Compares what a provider's record states with what paydrop asked for. */
import { currencyExponent } from '../../domain/iso.ts';
import { compare, formatDecimal, parseDecimal } from '../../domain/money.ts';
import type { Metadata } from '../../domain/order.ts';
import type { HttpResponse } from '../http.ts';
import { isRecord, jsonOf, numbersAsWritten } from '../json.ts';
import type { Stated } from '../port.ts';
import { ungrouped } from '../words.ts';

/** A record in which each amount is the text that the provider wrote. */
export type ProviderRecord = Readonly<Record<string, unknown>>;

/** The record that an answer shows; undefined when it shows none. */
export function recordOf(response: HttpResponse): ProviderRecord | undefined {
  if (!jsonOf(response)) return undefined;
  const value: unknown = JSON.parse(numbersAsWritten(response.body, 'amount'));
  return isRecord(value) ? value : undefined;
}

/** What a record must not contradict. Only the members that are there are compared. */
export interface Expected {
  readonly customerRef?: string;
  readonly orderRef?: string;
  readonly instructionRef?: string;
  readonly amount?: string;
  readonly currency?: string;
  readonly direction?: string;
}

const WORDS: readonly (readonly [member: keyof Expected, words: string])[] = [
  ['customerRef', 'customer reference'],
  ['orderRef', 'order reference'],
  ['instructionRef', 'instruction reference'],
  ['amount', 'amount'],
  ['currency', 'currency'],
  ['direction', 'direction'],
];

/** The first member in which a record differs, such as `currency USD`; undefined when it contradicts nothing. */
export function contradiction(record: ProviderRecord, expected: Expected): string | undefined {
  for (const [member, words] of WORDS) {
    const ours = expected[member];
    const theirs = stated(record, member);
    if (ours === undefined || theirs === undefined) continue;
    const same = member === 'amount' ? sameAmount(theirs, ours) : theirs === ours;
    if (!same) return `${words} ${typeof theirs === 'string' ? theirs : 'in another form'}`;
  }
  return undefined;
}

/** Whether a record states any expected member: then it is about something of ours. */
export function recognizes(record: ProviderRecord, expected: Expected): boolean {
  return WORDS.some(([member]) => expected[member] !== undefined && stated(record, member) !== undefined);
}

/** The value of a member; undefined if the member is missing or null. */
export function stated(record: ProviderRecord, member: string): unknown {
  return Object.hasOwn(record, member) ? (record[member] ?? undefined) : undefined;
}

/**
 * A payout's members in one spelling, both for what paydrop sends and for what either generation shows. [D] In an
 * answer, scheme and financial instrument are objects, a date has a time, and metadata is spelled `metaData`.
 */
export function statesOf(record: ProviderRecord): Stated {
  const amount = parseDecimal(plainAmount(stated(record, 'amount')) ?? '');
  const metadata = stated(record, 'metadata') ?? stated(record, 'metaData');
  const members: Record<string, unknown> = {
    amount: amount && formatDecimal(amount),
    currency: stated(record, 'currency'),
    country: stated(record, 'country'),
    direction: stated(record, 'direction'),
    openDate: day(stated(record, 'openDate')),
    dueDate: day(stated(record, 'dueDate')),
    settledByDate: day(stated(record, 'settledByDate')),
    scheme: bare(stated(record, 'scheme') ?? within(record, 'Scheme', 'schemeId')),
    financialInstrumentId:
      stated(record, 'financialInstrumentId') ?? within(record, 'financialInstrument', 'financialInstrumentId'),
  };
  // The provider shows all metadata or none: a name that is missing beside others is not there.
  if (isRecord(metadata)) {
    members['metadata'] = '';
    for (const [name, value] of Object.entries(metadata)) members[`metadata.${name}`] = value;
  }
  return Object.fromEntries(
    Object.entries(members).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])),
  );
}

function within(record: ProviderRecord, member: string, name: string): unknown {
  const inner = stated(record, member);
  return isRecord(inner) ? stated(inner, name) : undefined;
}

function day(value: unknown): unknown {
  return typeof value === 'string' ? value.slice(0, 'YYYY-MM-DD'.length) : undefined;
}

function sameAmount(theirs: unknown, ours: string): boolean {
  const a = parseDecimal(plainAmount(theirs) ?? '');
  const b = parseDecimal(ours);
  return a !== undefined && b !== undefined && compare(a, b) === 0;
}

/** Digits, a point, and the exponent that some JSON writers add to a number. */
const AMOUNT = /^([0-9]{1,20})(?:\.([0-9]{1,20}))?(?:[eE]([+-]?[0-9]{1,2}))?$/;

/**
 * The exact amount in plain digits: `210.00`, `1,25,000.00` as `125000.00`, `210.1`, `2.1E+2` as `210`. Undefined if
 * the value is no amount.
 */
export function plainAmount(value: unknown): string | undefined {
  const [, whole, fraction = '', exponent] = AMOUNT.exec(typeof value === 'string' ? ungrouped(value) : '') ?? [];
  if (whole === undefined) return undefined;
  if (exponent === undefined) return fraction === '' ? whole : `${whole}.${fraction}`;
  const scale = fraction.length - Number.parseInt(exponent, 10);
  const units = BigInt(whole + fraction);
  return scale < 0
    ? formatDecimal({ units: units * 10n ** BigInt(-scale), scale: 0 })
    : formatDecimal({ units, scale });
}

/** Plain digits with the currency's decimals: `210.00`, `210` (JPY), `2.505` (BHD). */
export function wireAmount(minor: bigint, currency: string): string {
  const exponent = currencyExponent(currency);
  if (exponent === undefined) throw new Error(`${currency} is no ISO 4217 currency, yet a payout in it was validated`);
  return formatDecimal({ units: minor, scale: exponent });
}

/**
 * A JSON object with these members in this order. It isn't made from a JavaScript object, which would put names like
 * `2026` before all others.
 */
export function metadataJson(metadata: Metadata): string {
  return `{${metadata.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',')}}`;
}

/** The JSON of `members`, with `metadata` after them. There must be at least one member. */
export function jsonWithMetadata(members: object, metadata: Metadata): string {
  return `${JSON.stringify(members).slice(0, -1)},"metadata":${metadataJson(metadata)}}`;
}

/** `its metadata differs in a, b`; empty when it doesn't differ or none is stated. */
export function metadataDifference(theirs: unknown, ours: Metadata): string[] {
  if (theirs === undefined) return [];
  if (!isRecord(theirs)) return ['its metadata is in another form'];
  const wanted = new Map(ours);
  const names = new Set([...wanted.keys(), ...Object.keys(theirs)]);
  const differing = [...names].filter((name) => stated(theirs, name) !== wanted.get(name));
  return differing.length === 0 ? [] : [`its metadata differs in ${differing.join(', ')}`];
}

/**
 * The difference in one text of an order, if the provider states the text and it isn't ours. Ignores case and braces.
 */
export function textDifference(record: ProviderRecord, member: string, ours: string): string[] {
  const theirs = stated(record, member);
  if (theirs === undefined || bare(theirs) === bare(ours)) return [];
  return [`its ${member} is ${typeof theirs === 'string' ? theirs : 'in another form'}, ours is ${ours}`];
}

function bare(text: unknown): unknown {
  return typeof text === 'string' ? text.replace(/^\{(.*)\}$/, '$1').toUpperCase() : text;
}
