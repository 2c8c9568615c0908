/** Why a payout is held back until a person has decided (control/reasons.ts). */
import type { Wording } from './entry.ts';

const DECIDE =
  'An approver looks at it with paydrop held, then lets it go with paydrop approve or ends it with paydrop refuse.';

export const HOLD_ENTRIES = [
  {
    code: 'APPROVAL_REQUIRED',
    columns: ['amount'],
    title: 'The amount needs the yes of another person',
    cause: 'A tier of control.approvals in paydrop.json asks for it, or a tier does not name the currency.',
    remedy: DECIDE,
    example: { wrong: '250000.00 sent by one person alone', right: '250000.00 with the yes of two people' },
  },
  {
    code: 'PAYOUT_LIMIT_EXCEEDED',
    columns: ['amount'],
    title: 'The payout is over the limit for one payout',
    cause:
      'An amount with a digit or a decimal point too many, or a payout that is larger than control.limits.payout allows.',
    remedy: DECIDE,
    example: { wrong: '2100000 where 21000.00 was meant', right: '21000.00' },
  },
  {
    code: 'FILE_LIMIT_EXCEEDED',
    columns: ['amount'],
    title: 'The payouts of the file come to more than the limit for one file',
    cause:
      'A file of another month or customer was added to this one, or the file is larger than control.limits.file allows.',
    remedy: DECIDE,
    example: { wrong: 'the salaries of two months in one file', right: 'a file for each month' },
  },
  {
    code: 'DAY_LIMIT_EXCEEDED',
    columns: ['amount'],
    title: 'More would be sent on the business date than its limit allows',
    cause: 'All that is sent on one business date stays within control.limits.day. What does not fit is held.',
    remedy: `It goes on another day by itself, once it fits. It goes sooner with a yes; what alone is over the limit needs one. ${DECIDE}`,
    example: { wrong: '1200000.00 on a day with a limit of 1000000.00', right: 'what fits today, the rest tomorrow' },
  },
  {
    code: 'PAYEE_LIMIT_EXCEEDED',
    columns: ['contactId'],
    title: 'More would be sent to the payee on the business date than the limit allows',
    cause: 'All that is sent to one payee on one business date stays within control.limits.payeeDay.',
    remedy: `It goes on another day by itself, once it fits. It goes sooner with a yes; what alone is over the limit needs one. ${DECIDE}`,
    example: { wrong: 'ten payouts of 99999.00 to one payee on one day', right: 'one payout that was approved' },
  },
  {
    code: 'PAYEE_NOT_KNOWN',
    columns: ['contactId'],
    title: 'Nothing was ever paid to this payee',
    cause: 'A new payee, or one whose number was mistyped; control.newPayees in paydrop.json asks to hold these.',
    remedy: `Compare the payee with the contract or the invoice. ${DECIDE}`,
    example: { wrong: 'contact-1008 where contact-1080 was meant', right: 'contact-1080' },
  },
  {
    code: 'POSSIBLE_DUPLICATE',
    columns: ['amount', 'contactId'],
    title: 'Another payout has the same payee, amount and currency, at nearly the same time',
    cause: 'The same payment came twice under two references, or the payee gets the same amount twice.',
    remedy: `Compare the two. Whether this is only pointed out ("warn") or holds the payout back ("hold") is set with control.possibleDuplicates. ${DECIDE}`,
    example: { wrong: 'PI-7 and RENT-NOV, both 900.00 to the same payee on one day', right: 'one of them' },
  },
  {
    code: 'REFERENCE_NEARLY_TAKEN',
    columns: ['instructionRef'],
    title: 'Another payout pays the same under references that look alike',
    cause: 'A spreadsheet dropped leading zeros or changed the letter case, or a letter was typed for a digit.',
    remedy: `If it is the same payment, refuse it. ${DECIDE}`,
    example: { wrong: 'PI-7 after PI-007, with the same payee, amount and dates', right: 'PI-007 once' },
  },
  {
    code: 'LAST_LINE_NOT_ENDED',
    columns: [],
    title: 'The last line of the file has no line end, so the payout may be cut off',
    cause: 'The file was copied only in part, or its program writes no line end after the last row.',
    remedy: `Drop a NAME.sha256 or NAME.done with the file, end its last line, or set control.lastLine to "accept". ${DECIDE}`,
    example: { wrong: '…,1000.0 at the end of the file, where 1000.00 was meant', right: '…,1000.00 and a line end' },
  },
  {
    code: 'DATE_NOT_PLAUSIBLE',
    columns: ['dueDate', 'openDate'],
    title: 'The payout was due over a year ago, or opens more than a year ahead',
    cause: 'A year was mistyped, or an old file was dropped.',
    remedy: `Correct the date with an UPDATE row. If the date is meant, say yes. ${DECIDE}`,
    example: { wrong: 'openDate 2062-11-20', right: 'openDate 2026-11-20' },
  },
] as const satisfies readonly (Wording & { readonly code: string })[];
