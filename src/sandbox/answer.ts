/** The payout-order API's answers. */
import { type Answer, type Dialect, JSON_TYPE } from './call.ts';

/** Field → what is wrong with it. */
export type FieldErrors = Readonly<Record<string, readonly string[]>>;

function envelope(status: number, code: string, message: string | FieldErrors, data?: object): Answer {
  const word = code === '0x0200' ? 'SUCCESS' : 'FAILURE';
  return { status, headers: JSON_TYPE, body: JSON.stringify({ code, message, status: word, ...(data && { data }) }) };
}

export function success(message: string, data: object): Answer {
  return envelope(200, '0x0200', message, data);
}

/** [S] Failures come with HTTP 200 too. */
export function invalid(fields: FieldErrors): Answer {
  return envelope(200, '0x0203', fields);
}

/** [D] FAILURE: the order is not taken. */
export function declined(message: string): Answer {
  return envelope(200, '0x0202', message);
}

export function unauthorized(status = 401): Answer {
  return envelope(status, '0x0201', 'Unauthorized');
}

export function badSignature(): Answer {
  return invalid({ signature: ['The signature is invalid.'] });
}

/** [D] The words; [S] [I] the statuses 200, 400 and 404 have all been seen or are expected with them. */
export function notFound({ status = 404, message = 'Order Not Found' } = {}): Answer {
  return envelope(status, '0x0202', message);
}

export const PAYOUT_ORDERS_DIALECT: Dialect = {
  error: (status) => envelope(status, '0x0205', 'Something went wrong'),
  rateLimited: () => envelope(429, '0x0202', 'Too Many Attempts.'),
  unauthorized,
  badSignature,
  decline: ({ status = 200, code = '0x0202', message }) => envelope(status, code, message),
  serviceOff: () => envelope(503, '0x0503', 'The service is currently off'),
  notFound,
  misdirected: (answer) => ({
    ...answer,
    body: answer.body.replace(/("clientRefId":")[^"]*/, '$1ANOTHERREFERENCE'),
  }),
};
