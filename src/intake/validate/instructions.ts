/** The rules for the rows of an instructions file. */
import type { Action } from '../../domain/instruction.ts';
import { isDecimal, isPayable, parseAmount } from '../../domain/money.ts';
import { decisive, emptyOr, isDate, isPresent, type Rules, reference, rule } from './cells.ts';
import { COUNTRY, CURRENCY, SCHEME } from './orders.ts';

const ACTIONS: readonly Action[] = ['CREATE', 'UPDATE', 'DELETE'];
/** Purposes and modes of the payout-order API. A mode may be all upper or all lower case. */
const PURPOSES = ['reimbursement', 'salary_disbursement', 'bonus', 'incentive', 'others', 'refund'];
const MODES = ['IMPS', 'NEFT', 'RTGS', 'UPI'];

/** A DELETE only needs to say which instruction it means. */
export const DELETION: Rules = [
  ['customerRef', reference('CUSTOMER_REF')],
  ['orderRef', reference('ORDER_REF')],
  ['instructionRef', reference('INSTRUCTION_REF')],
];

const COMMON: Rules = [
  ...DELETION,
  [
    'amount',
    [
      decisive(isPresent, 'AMOUNT_IS_REQUIRED'),
      decisive(isDecimal, 'AMOUNT_FORMAT_NOT_RECOGNISED'),
      rule(isPayableText, 'AMOUNT_OUT_OF_RANGE'),
    ],
  ],
  ['openDate', [decisive(isPresent, 'OPEN_DATE_IS_REQUIRED'), rule(isDate, 'OPEN_DATE_FORMAT_NOT_RECOGNISED')]],
  ['dueDate', [decisive(isPresent, 'DUE_DATE_IS_REQUIRED'), rule(isDate, 'DUE_DATE_FORMAT_NOT_RECOGNISED')]],
  ['action', [rule((text) => actionOf(text) !== undefined, 'ACTION_NOT_RECOGNISED')]],
  ['purpose', [rule(emptyOr(PURPOSES), 'PURPOSE_NOT_RECOGNISED')]],
  ['mode', [rule(emptyOr([...MODES, ...MODES.map((mode) => mode.toLowerCase())]), 'MODE_NOT_RECOGNISED')]],
];

export const INSTRUCTION: Rules = [
  ...COMMON,
  // The payout API only pays out; DEBIT, which order management knows too, would collect.
  ['direction', [rule(emptyOr(['CREDIT']), 'DIRECTION_NOT_RECOGNISED')]],
];

/** For order management: a row may have a currency, country, scheme and metadata of its own, and may collect money. */
export const MANAGED_INSTRUCTION: Rules = [
  ...COMMON,
  ['direction', [rule(emptyOr(['CREDIT', 'DEBIT']), 'DIRECTION_NOT_RECOGNISED')]],
  ['currency', CURRENCY],
  ['country', COUNTRY],
  ['scheme', [SCHEME]],
  ['settledByDate', [rule((text) => text === '' || isDate(text), 'SETTLED_BY_DATE_FORMAT_NOT_RECOGNISED')]],
];

/** The action that a cell names, in any letter case; an empty cell is CREATE. Undefined for another word. */
export function actionOf(text: string): Action | undefined {
  if (text === '') return 'CREATE';
  const upper = text.toUpperCase();
  return ACTIONS.find((action) => action === upper);
}

function isPayableText(text: string): boolean {
  const amount = parseAmount(text);
  return amount !== undefined && isPayable(amount);
}
