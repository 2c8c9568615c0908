/** The first Imburse generation: a customer's orders and their instructions. */

import { type Checked, type GenerationRules, type Place, placeOf, type Sent } from './imburse.ts';
import { codesAnswer } from './imburse-answer.ts';
import type { ImburseInstruction, ImburseOrder, NewInstruction, NewOrder } from './imburse-book.ts';
import {
  amountCodes,
  countryCodes,
  currencyCodes,
  dateCodes,
  metadataCodes,
  metadataOf,
  periodCodes,
  refCodes,
  schemeCodes,
  textOf,
} from './imburse-checks.ts';
import { canUpdate } from './imburse-life.ts';
import type { OrderTerms } from './ledger.ts';

export const COLLECT: GenerationRules = {
  api: 'collect',
  base: '/v1/collect',
  refuse: () => codesAnswer,
  place: (segments) => placeOf(segments, find),
  customerOf: ({ customerRef }) => customerRef,
  order,
  instruction,
  orderView,
  instructionView,
  created: { order: 200, orderWithInstructions: 200, instruction: 200 },
};

/** The path after the base: customer/{customerRef}[/order[/{orderRef}[/instruction[/{instructionRef}]]]] */
function find(segments: readonly string[]): Omit<Place, 'isHistory'> | undefined {
  const [customers, customerRef = '', orders, orderRef = '', instructions, instructionRef = ''] = segments;
  const isNamed = customers === 'customer' && (orders ?? 'order') === 'order';
  if (!isNamed || (instructions ?? 'instruction') !== 'instruction') return undefined;
  const levels = [undefined, 'customer', 'orders', 'order', 'instructions', 'instruction'] as const;
  const what = segments.length <= levels.length ? levels[segments.length - 1] : undefined;
  return what && { what, customerRef, orderRef, instructionRef };
}

function order({ customerRef }: Place, sent: Sent): Checked<Omit<NewOrder, 'bodySha256'>> {
  const orderRef = textOf(sent, 'orderRef');
  const [currency, country, scheme] = [textOf(sent, 'currency'), textOf(sent, 'country'), textOf(sent, 'scheme')];
  return {
    codes: [
      ...refCodes('CUSTOMER', customerRef),
      ...refCodes('ORDER', orderRef),
      ...currencyCodes(currency),
      ...countryCodes(country),
      ...schemeCodes(scheme),
      ...metadataCodes(sent['metadata']),
    ],
    value: {
      customerRef,
      orderRef,
      terms: { currency, country, scheme, metadata: metadataOf(sent['metadata']), customerDefaults: [] },
      instructions: [],
    },
  };
}

function instruction(
  { customerRef, orderRef, instructionRef: named }: Place,
  sent: Sent,
  terms: OrderTerms | undefined,
): Checked<Omit<NewInstruction, 'bodySha256'>> {
  const instructionRef = named || textOf(sent, 'instructionRef');
  const [openDate, dueDate] = [textOf(sent, 'openDate'), textOf(sent, 'dueDate')];
  const currency = terms?.currency ?? '';
  return {
    codes: [
      ...refCodes('CUSTOMER', customerRef),
      ...refCodes('ORDER', orderRef),
      ...refCodes('INSTRUCTION', instructionRef),
      ...amountCodes(sent['amount'], currency),
      ...dateCodes('OPEN', openDate),
      ...dateCodes('DUE', dueDate),
      ...periodCodes(openDate, dueDate),
    ],
    value: {
      customerRef,
      instructionRef,
      terms: {
        amount: textOf(sent, 'amount'),
        currency,
        openDate,
        dueDate,
        direction: '',
        financialInstrumentId: '',
        country: '',
        settledByDate: '',
        scheme: '',
        metadata: {},
      },
    },
  };
}

function orderView({ customerRef, orderRef, terms: { currency, country, scheme, metadata } }: ImburseOrder): object {
  return { customerRef, orderRef, currency, country, scheme, metadata };
}

function instructionView(instruction: ImburseInstruction): object {
  const { customerRef, order, instructionRef, terms, status } = instruction;
  const { amount, openDate, dueDate } = terms;
  const refs = { customerRef, orderRef: order.orderRef, instructionRef };
  return { ...refs, amount, openDate, dueDate, status, canUpdate: canUpdate(instruction.status) };
}
