/** The sandbox's answers: the payout-order API's envelope, and what a fault makes of one. */
import type { Fault } from './faults.ts';

/** The faults that are nothing but another answer; the others are in how an answer leaves. */
type AnsweringFault = Exclude<
  Fault,
  { kind: 'refuse' | 'delay' | 'reset' | 'silence' | 'truncated' | 'garbage' | 'drip' | 'wrong-echo' }
>;

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Field → what is wrong with it. */
export type FieldErrors = Readonly<Record<string, readonly string[]>>;

const JSON_TYPE = { 'content-type': 'application/json' };

const PAGE = '<!DOCTYPE html><html><head><title>Please wait</title></head><body>Checking your browser.</body></html>';

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

export function unauthorized(status = 401): Answer {
  return envelope(status, '0x0201', 'Unauthorized');
}

export function badSignature(): Answer {
  return invalid({ signature: ['The signature is invalid.'] });
}

export function notFound(): Answer {
  return envelope(404, '0x0202', 'No record found');
}

/** What a fault answers instead of the API. */
export function faultAnswer(fault: AnsweringFault): Answer {
  switch (fault.kind) {
    case 'html':
      return { status: fault.status, headers: { 'content-type': 'text/html; charset=utf-8' }, body: PAGE };
    case 'error':
      return envelope(fault.status, '0x0205', 'Something went wrong');
    case 'redirect':
      return { status: fault.status, headers: { location: fault.location }, body: '' };
    case 'rate-limit':
      return withHeader(envelope(429, '0x0202', 'Too Many Attempts.'), 'retry-after', fault.retryAfter);
    case 'unauthorized':
      return unauthorized(fault.status);
    case 'bad-signature':
      return badSignature();
    case 'decline':
      return envelope(fault.status, fault.code, fault.message);
    case 'service-off':
      return envelope(503, '0x0503', 'The service is currently off');
    case 'not-found':
      return notFound();
  }
}

/** The same answer about an order that nobody asked for. */
export function misdirected(answer: Answer): Answer {
  return { ...answer, body: answer.body.replace(/("clientRefId":")[^"]*/, '$1ANOTHERREFERENCE') };
}

function withHeader(answer: Answer, name: string, value: string): Answer {
  return { ...answer, headers: { ...answer.headers, [name]: value } };
}
