/** What a row of an instructions file must look like. */
import { z } from 'zod';
import type { Action } from '../instruction.ts';
import { isPayable, parseAmount, parseDecimal } from '../money.ts';
import { decisive, emptyOr, isDate, isPresent, reference, rule } from './cells.ts';
import { COUNTRY, CURRENCY, metadataSchema, SCHEME } from './orders.ts';

const ACTIONS: readonly Action[] = ['CREATE', 'UPDATE', 'DELETE'];
/** Purposes and modes of the payout-order API; a mode may be all upper or all lower case there. */
const PURPOSES = ['reimbursement', 'salary_disbursement', 'bonus', 'incentive', 'others', 'refund'];
const MODES = ['IMPS', 'NEFT', 'RTGS', 'UPI'];

const references = {
  customerRef: reference('CUSTOMER_REF'),
  orderRef: reference('ORDER_REF'),
  instructionRef: reference('INSTRUCTION_REF'),
};

export const instructionSchema = z.object({
  ...references,
  amount: z.string().check(
    decisive(isPresent, 'AMOUNT_IS_REQUIRED'),
    decisive((text) => parseDecimal(text) !== undefined, 'AMOUNT_FORMAT_NOT_RECOGNISED'),
    rule(isPayableText, 'AMOUNT_OUT_OF_RANGE'),
  ),
  openDate: z
    .string()
    .check(decisive(isPresent, 'OPEN_DATE_IS_REQUIRED'), rule(isDate, 'OPEN_DATE_FORMAT_NOT_RECOGNISED')),
  dueDate: z
    .string()
    .check(decisive(isPresent, 'DUE_DATE_IS_REQUIRED'), rule(isDate, 'DUE_DATE_FORMAT_NOT_RECOGNISED')),
  action: z.string().check(rule((text) => actionOf(text) !== undefined, 'ACTION_NOT_RECOGNISED')),
  purpose: z.string().check(rule(emptyOr(PURPOSES), 'PURPOSE_NOT_RECOGNISED')),
  mode: z.string().check(rule(emptyOr([...MODES, ...MODES.map((mode) => mode.toLowerCase())]), 'MODE_NOT_RECOGNISED')),
  // The payout API only pays out; DEBIT, which order management knows too, would collect.
  direction: z.string().check(rule(emptyOr(['CREDIT']), 'DIRECTION_NOT_RECOGNISED')),
});

/** As order management takes them: with an order's three and metadata of their own, and money collected as well as paid. */
export const managedSchema = instructionSchema.extend({
  direction: z.string().check(rule(emptyOr(['CREDIT', 'DEBIT']), 'DIRECTION_NOT_RECOGNISED')),
  currency: z.string().check(...CURRENCY),
  country: z.string().check(...COUNTRY),
  scheme: z.string().check(SCHEME),
  settledByDate: z.string().check(rule((text) => text === '' || isDate(text), 'SETTLED_BY_DATE_FORMAT_NOT_RECOGNISED')),
  metadata: metadataSchema,
});

/** A DELETE only needs to say which instruction it means. */
export const deletionSchema = z.object(references);

/** What a row asks for, in any case; nothing said is CREATE. Undefined for another word. */
export function actionOf(text: string): Action | undefined {
  if (text === '') return 'CREATE';
  const upper = text.toUpperCase();
  return ACTIONS.find((action) => action === upper);
}

function isPayableText(text: string): boolean {
  const amount = parseAmount(text);
  return amount !== undefined && isPayable(amount);
}
