/** One request to the sandbox, for any of its APIs: what it is about, what it does, and how the API states errors. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Fault, On, Subject } from './faults.ts';
import type { Generation } from './ledger.ts';

export interface Received {
  readonly method: string;
  /** As in the request line, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** How long a token is valid, and for how many requests. */
export type TokenLife = Extract<Fault, { kind: 'short-token' }>;

export interface Call {
  readonly api: 'payout-orders' | 'identity' | Generation;
  /** Faults strike every kind of request except `other`. */
  readonly on: On | 'other';
  readonly about: Subject;
  /**
   * Whether the books hold what the request is about. If not, it may be about something sent that never took effect.
   */
  readonly isKnown: boolean;
  /** The answer repeats it; empty for none. */
  readonly correlationId: string;
  /** Lets the request take effect; returns the API's answer. */
  act(tokenLife?: TokenLife): Answer;
  readonly dialect: Dialect;
}

/** The answers to faults, in the form of one API. */
export interface Dialect {
  error(status: number): Answer;
  rateLimited(): Answer;
  unauthorized(status: number): Answer;
  badSignature(): Answer;
  decline(fault: Extract<Fault, { kind: 'decline' }>): Answer;
  serviceOff(): Answer;
  notFound(fault?: Partial<Pick<Extract<Fault, { kind: 'not-found' }>, 'status' | 'message'>>): Answer;
  /** The same answer, about something other than the request. */
  misdirected(answer: Answer): Answer;
}

export const JSON_TYPE = { 'content-type': 'application/json' };

/** The JSON object in a body; an empty one when there is none. */
export function parseObject(body: Buffer): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body.toString());
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

/**
 * The key under which requests are counted and chance is drawn for a payout, instruction or order. Order management
 * finds its orders without the customer.
 */
export function referenceOf(api: Call['api'], { clientRefId, customerRef, orderRef, instructionRef }: Subject): string {
  switch (api) {
    case 'payout-orders':
      return clientRefId;
    case 'identity':
      return api;
    case 'collect':
      return [api, customerRef, orderRef, instructionRef].join(' ');
    case 'order-management':
      return [api, orderRef, instructionRef].join(' ');
  }
}
