/** The Imburse APIs' answers: the two forms of their errors, and the answers of both generations to a fault. */
import { type Clock, timestamp } from '../platform/clock.ts';
import { type Answer, type Dialect, JSON_TYPE, type Received } from './call.ts';
import type { On } from './faults.ts';

/** Makes an error answer in a generation's own form. */
export type Refuse = (status: number, codes: readonly string[], message?: string) => Answer;

/** [D] First generation: only codes. */
export const codesAnswer: Refuse = (status, errorCodes) => json(status, { errorCodes });

/** [D] Second generation: an error names a code, but no field. */
export function detailedAnswer(correlationId: string, clock: Clock): Refuse {
  return (status, codes, message) => {
    const errors = codes.map((errorCode) => {
      const words = message ?? wordsOf(errorCode);
      return { errorCode, message: words, messageTemplate: words, metadata: {} };
    });
    return json(status, { timestamp: timestamp(clock.now()), correlationId, errors });
  };
}

export function json(status: number, value: object): Answer {
  return { status, headers: JSON_TYPE, body: JSON.stringify(value) };
}

export function correlationIdOf({ headers }: Received): string {
  const id = headers['x-correlation-id'];
  return typeof id === 'string' ? id : '';
}

/** The undocumented codes are our guess: no codes are published for these errors. */
export function imburseDialect(refuse: Refuse, on: On | 'other'): Dialect {
  const unauthorized = (status: number) => refuse(status, [status === 403 ? 'FORBIDDEN' : 'UNAUTHORIZED']);
  return {
    error: (status) => refuse(status, ['INTERNAL_SERVER_ERROR']),
    rateLimited: () => refuse(429, ['TOO_MANY_REQUESTS']),
    unauthorized,
    badSignature: () => unauthorized(401),
    decline: ({ status = 400, code = declineCode(on), message }) =>
      refuse(status, [code], typeof message === 'string' ? message : Object.values(message).flat().join(' ')),
    serviceOff: () => refuse(503, ['SERVICE_UNAVAILABLE']),
    notFound: ({ status = 404 } = {}) => refuse(status, [on === 'post' ? 'ORDER_NOT_FOUND' : 'NOT_FOUND']),
    misdirected: (answer) => ({ ...answer, body: misdirectedBody(answer.body) }),
  };
}

/** A documented code. */
function declineCode(on: On | 'other'): string {
  return on === 'order' ? 'SCHEME_FORMAT_NOT_RECOGNISED' : 'AMOUNT_OUT_OF_RANGE';
}

const ANOTHER_AMOUNT = 9_999_999;

/** Replaces the first of these that the answer has: the instruction's reference, the order's, the amount, the token. */
function misdirectedBody(body: string): string {
  const value = JSON.parse(body) as Record<string, unknown>;
  if ('instructionRef' in value) value['instructionRef'] = 'ANOTHERREFERENCE';
  else if ('orderRef' in value) value['orderRef'] = 'ANOTHERREFERENCE';
  else if ('amount' in value) value['amount'] = ANOTHER_AMOUNT;
  else if ('accessToken' in value) value['accessToken'] = 'ANOTHERTOKEN';
  return JSON.stringify(value);
}

function wordsOf(code: string): string {
  const words = code.toLowerCase().replaceAll('_', ' ');
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}.`;
}
