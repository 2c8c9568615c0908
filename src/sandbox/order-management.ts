/**
 * The second Imburse generation: a tenant's orders, with or without instructions, and the defaults that these inherit.
 */

import { formatDecimal, parseDecimal } from '../domain/money.ts';
import type { Clock } from '../platform/clock.ts';
import { type Checked, type GenerationRules, type Place, placeOf, type Sent } from './imburse.ts';
import { detailedAnswer } from './imburse-answer.ts';
import type { ImburseInstruction, ImburseOrder, NewInstruction, NewOrder } from './imburse-book.ts';
import {
  amountCodes,
  countryCodes,
  currencyCodes,
  directionCodes,
  metadataCodes,
  metadataOf,
  refCodes,
  schemeCodes,
  settledByCodes,
  textOf,
} from './imburse-checks.ts';
import { canUpdate, defaultsOf } from './imburse-life.ts';
import type { OrderTerms } from './ledger.ts';

/** The clock gives the timestamps of errors. */
export function orderManagement(clock: Clock): GenerationRules {
  return {
    api: 'order-management',
    base: '/v1/order-management',
    refuse: (correlationId) => detailedAnswer(correlationId, clock),
    place: (segments) => placeOf(segments, find),
    customerOf: (_, sent) =>
      textOf(sent, 'customerRef') || firstCustomer(sent['customerDefaults']) || firstCustomer(sent['instructions']),
    order,
    instruction,
    orderView,
    instructionView,
    created: { order: 201, orderWithInstructions: 202, instruction: 201 },
  };
}

/** The path after the base: empty, customer/{customerRef}, or {orderRef}[/instruction[/{instructionRef}]] */
function find(segments: readonly string[]): Omit<Place, 'isHistory'> | undefined {
  const [first = '', second = '', third = ''] = segments;
  const nowhere = { customerRef: '', orderRef: '', instructionRef: '' };
  if (segments.length === 0) return { ...nowhere, what: 'orders' };
  if (segments.length === 1) return { ...nowhere, what: 'order', orderRef: first };
  if (segments.length === 2 && first === 'customer') return { ...nowhere, what: 'customer', customerRef: second };
  if (second !== 'instruction') return undefined;
  if (segments.length === 2) return { ...nowhere, what: 'instructions', orderRef: first };
  return segments.length === 3
    ? { ...nowhere, what: 'instruction', orderRef: first, instructionRef: third }
    : undefined;
}

function order(_: Place, sent: Sent): Checked<Omit<NewOrder, 'bodySha256'>> {
  const orderRef = textOf(sent, 'orderRef');
  const customerDefaults = listOf(sent['customerDefaults']).map((one) => ({
    customerRef: textOf(one, 'customerRef'),
    financialInstrumentId: textOf(one, 'financialInstrumentId'),
    schemeId: textOf(one, 'schemeId'),
    metadata: metadataOf(one['metadata']),
  }));
  const codes = listOf(sent['customerDefaults']).flatMap((one) => [
    ...refCodes('CUSTOMER', textOf(one, 'customerRef')),
    ...(textOf(one, 'schemeId') === '' ? [] : schemeCodes(textOf(one, 'schemeId'))),
    ...metadataCodes(one['metadata']),
  ]);
  return {
    codes: [...refCodes('ORDER', orderRef), ...metadataCodes(sent['metadata']), ...codes],
    value: {
      customerRef: customerDefaults[0]?.customerRef ?? '',
      orderRef,
      terms: { currency: '', country: '', scheme: '', metadata: metadataOf(sent['metadata']), customerDefaults },
      instructions: [],
    },
  };
}

/** [D] All members are mandatory except the date, the metadata, and those that the customer's defaults state. */
function instruction(
  { customerRef: known, orderRef, instructionRef: named }: Place,
  sent: Sent,
  terms: OrderTerms | undefined,
): Checked<Omit<NewInstruction, 'bodySha256'>> {
  const customerRef = known || textOf(sent, 'customerRef');
  const instructionRef = named || textOf(sent, 'instructionRef');
  const [direction, currency, country] = [textOf(sent, 'direction'), textOf(sent, 'currency'), textOf(sent, 'country')];
  const [scheme, settledByDate] = [textOf(sent, 'scheme'), textOf(sent, 'settledByDate')];
  const inherited = terms && defaultsOf(terms, customerRef);
  return {
    codes: [
      ...refCodes('CUSTOMER', customerRef),
      ...refCodes('ORDER', orderRef),
      ...refCodes('INSTRUCTION', instructionRef),
      ...directionCodes(direction),
      ...amountCodes(sent['amount'], currency),
      ...currencyCodes(currency),
      ...countryCodes(country),
      ...settledByCodes(settledByDate),
      ...schemeCodes(scheme || (inherited?.schemeId ?? '')),
      ...metadataCodes(sent['metadata']),
    ],
    value: {
      customerRef,
      instructionRef,
      terms: {
        amount: textOf(sent, 'amount'),
        currency,
        openDate: '',
        dueDate: '',
        direction,
        financialInstrumentId: textOf(sent, 'financialInstrumentId'),
        country,
        settledByDate,
        scheme,
        metadata: metadataOf(sent['metadata']),
      },
    },
  };
}

function orderView({ orderRef, terms: { metadata, customerDefaults }, instructions }: ImburseOrder): object {
  return { orderRef, metadata, customerDefaults, instructions: [...instructions.values()].map(instructionView) };
}

/**
 * [D] The documented oddities: the amount is a number, the date has a time, `Scheme` has a capital, `metaData` is
 * spelled like this, and the instruction's own reference is missing.
 */
function instructionView(instruction: ImburseInstruction): object {
  const { order, customerRef, terms, status } = instruction;
  const { direction, currency, country, settledByDate } = terms;
  const defaults = defaultsOf(order.terms, customerRef);
  const can = canUpdate(instruction.status);
  const scheme = inherit(terms.scheme, defaults?.schemeId);
  const payee = inherit(terms.financialInstrumentId, defaults?.financialInstrumentId);
  return {
    customerRef,
    direction,
    amount: asNumber(terms.amount),
    currency,
    country,
    ...(settledByDate && { settledByDate: `${settledByDate}T00:00:00Z` }),
    ...(scheme && { Scheme: { schemeId: scheme.value, source: scheme.source, canUpdate: can } }),
    ...(payee && { financialInstrument: { financialInstrumentId: payee.value, source: payee.source, canUpdate: can } }),
    metaData: { ...defaults?.metadata, ...terms.metadata },
    status,
  };
}

function inherit(own: string, byDefault: string | undefined): { value: string; source: string } | undefined {
  if (own) return { value: own, source: 'INSTRUCTION' };
  return byDefault ? { value: byDefault, source: 'CUSTOMER_DEFAULT' } : undefined;
}

/** The largest amount has fifteen digits, and a JSON number holds fifteen digits exactly. */
function asNumber(text: string): unknown {
  const decimal = parseDecimal(text);
  return decimal && JSON.parse(formatDecimal(decimal));
}

function firstCustomer(sent: unknown): string {
  const [first] = listOf(sent);
  return first ? textOf(first, 'customerRef') : '';
}

function listOf(sent: unknown): Sent[] {
  return Array.isArray(sent)
    ? sent.map((one: unknown) => (typeof one === 'object' && one !== null ? { ...one } : {}))
    : [];
}
