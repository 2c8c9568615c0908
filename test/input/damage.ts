/** A small file of either kind, to be cut and flipped at every byte, and what that leaves of its lines. */
import { physicalLines } from './accounting.ts';
import type { Accepted, Line } from './files.ts';

type SmallFile = (tag: string) => readonly Line[];

const SCHEME = '0b9f8a52-5d0c-4a57-9f0e-3a4f6c1d2e70';
const NOTHING = { instructionRef: '', amount: '', openDate: '', dueDate: '' };

/** With a quoted cell, a value that a flip cuts in two, a bad row, both line ends, a blank line, and the amount last. */
const smallInstructions: SmallFile = (tag) => [
  line('narration,customerRef,orderRef,instructionRef,openDate,dueDate,amount', '\n'),
  line(`a*b,C1,O-INR,${tag}.2,2026-03-02,2026-03-02,210.00`, '\r\n', payout(`${tag}.2`, '210.00', 'a*b')),
  line('', '\n'),
  {
    text: `,C1,O-INR,${tag}.4,2026-02-30,2026-03-02,7`,
    end: '\n',
    fate: { kind: 'rejected', codes: ['OPEN_DATE_FORMAT_NOT_RECOGNISED'] },
  },
  line(`"x, ""y""",C1,O-INR,${tag}.8,2026-03-02,2026-03-02,35`, '\n', payout(`${tag}.8`, '35.00', 'x, "y"')),
];

const smallOrders: SmallFile = (tag) => [
  line('customerRef,orderRef,currency,country,scheme', '\r\n'),
  line(`"C1",${tag}.2,INR,IN,${SCHEME}`, '\n', order(`${tag}.2`, SCHEME)),
  { text: `C1,${tag}.4,INR,UK,${SCHEME}`, end: '\n', fate: { kind: 'rejected', codes: ['COUNTRY_NOT_RECOGNISED'] } },
  line(`C1,${tag}.8,INR,IN,{${SCHEME}}`, '\n', order(`${tag}.8`, `{${SCHEME}}`)),
];

export const SMALL = { instructions: smallInstructions, orders: smallOrders };

function line(text: string, end: '\n' | '\r\n', row?: Accepted): Line {
  return { text, end, fate: row ? { kind: 'accepted', row } : { kind: 'none' } };
}

function payout(instructionRef: string, amount: string, narration: string): Accepted {
  const [openDate, dueDate] = ['2026-03-02', '2026-03-02'];
  const details = { contactId: '', purpose: '', mode: '', narration, remark: '' };
  const ref = { customerRef: 'C1', orderRef: 'O-INR', instructionRef };
  const content = { amount: amount.replace('.00', ''), openDate, dueDate, details };
  return { ...ref, status: 'ready', amount, currency: 'INR', openDate, dueDate, content };
}

function order(orderRef: string, scheme: string): Accepted {
  const content = { country: 'IN', scheme, metadata: [] };
  return { ...NOTHING, status: 'accepted', customerRef: 'C1', orderRef, currency: 'INR', content };
}

/** Of digits that flipped bits never lead to from one tag to another, all of one length. */
export function safeTag(n: number): string {
  return [...n.toString(5).padStart(6, '0')].map((digit) => String(Number(digit) * 2)).join('');
}

export function smallBytes(lines: readonly Line[]): Buffer {
  return Buffer.from(lines.map(({ text, end }) => text + end).join(''));
}

/** The lines of the damaged file: those that are the original's come to what they came to, whatever the others say. */
export function survivors(lines: readonly Line[], damaged: Buffer): Line[] {
  const whole = new Map(lines.map((each) => [each.text, each.fate]));
  return physicalLines(damaged).map(({ text, blank }, at) => ({
    text,
    end: '\n',
    fate: blank || at === 0 ? { kind: 'none' } : (whole.get(text) ?? { kind: 'any' }),
  }));
}
