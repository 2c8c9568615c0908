/**
 * Decides what an answer of an Imburse API means, by allow-list, for both generations: whatever is not listed here as
 * something else is unknown (a request that changes something) or unclear (a look-up). [D] and [I] say where a rule
 * comes from: [D] is the provider's documentation, [I] is inferred.
 */

import type { HttpResponse } from '../http.ts';
import { isRecord, jsonOf } from '../json.ts';
import { oneLine } from '../one-line.ts';
import type { FoundStatus, LookUpOutcome, OrderFound, RemoteRecord, SubmitOutcome, Unclear, Unknown } from '../port.ts';
import { retryAfterMs } from '../retry-after.ts';
import type { ImburseOutcome } from './client.ts';
import {
  arePublished,
  type ErrorReader,
  messageOf,
  type ProviderError,
  saysEarlierArrival,
  saysNotFound,
  saysSomethingMissing,
} from './errors.ts';
import {
  contradiction,
  type Expected,
  type ProviderRecord,
  plainAmount,
  recognizes,
  recordOf,
  stated,
  statesOf,
} from './records.ts';
import { CREDENTIALS } from './token.ts';

/** [D] The statuses of an instruction; [I] in any letter case. COMPLETED was added later. */
const STATUSES: Readonly<Record<string, FoundStatus>> = {
  INCOMPLETE: 'submitted',
  READY: 'submitted',
  LATE: 'submitted',
  PROCESSING: 'submitted',
  SETTLED: 'paid',
  COMPLETED: 'paid',
  FAILED: 'failed',
  VOID: 'failed',
};

/** [D] 400 in the newer version, 404 in the older one; only with the documented code. */
const NOT_FOUND_STATUSES: readonly number[] = [400, 404];

/** [D] The statuses in which an instruction can be updated. */
const UPDATABLE: readonly string[] = ['INCOMPLETE', 'READY'];

/** [I] Money that was paid and came back has this status too: there is no other word for it. */
const RETURNED = 'FAILED';

/** [I] A deleted instruction can still be looked up, with this status. */
const DELETED = 'VOID';

/** [I] The only code of a 409 (or 400) that refuses a change: the payout is unchanged. */
const ALREADY_PROCESSED = 'INSTRUCTION_ALREADY_PROCESSED';
const ALREADY_PROCESSED_STATUSES: readonly number[] = [400, 409];

/** What a request asks for, and which answers to it are on the allow-list. */
export interface Asked {
  readonly what: 'order' | 'instruction' | 'update' | 'removal';
  readonly expected: Expected;
  /** With an order: what is expected of each instruction that rode along. */
  readonly riders?: readonly Expected[];
  readonly acceptedStatuses: readonly number[];
  readonly refusedStatuses: readonly number[];
  readonly readErrors: ErrorReader;
}

/** The outcome of a request that changes something. `nowMs` is the wall clock, for a Retry-After that is a date. */
export function submitOutcome(outcome: ImburseOutcome, asked: Asked, nowMs: number): SubmitOutcome {
  if (outcome.kind === 'not-sent') return outcome;
  if (outcome.kind === 'unclear') return { ...outcome, kind: 'unknown' };
  const { response, repeated } = outcome;
  const judged = isUnauthorized(response, asked.readErrors)
    ? unknown(response, undefined, { stopLine: CREDENTIALS })
    : (acceptance(response, asked) ?? judgeErrors(response, asked, repeated));
  const waitMs = retryAfterMs(response.retryAfter, nowMs);
  if (judged.kind === 'declined' && repeated) return { ...judged, afterUnclear: true };
  return judged.kind === 'unknown' && waitMs !== undefined ? { ...judged, retryAfterMs: waitMs } : judged;
}

/** Undefined when the answer has no status that accepts. */
function acceptance(response: HttpResponse, asked: Asked): SubmitOutcome | undefined {
  const { status, body } = response;
  if (!asked.acceptedStatuses.includes(status)) return undefined;
  const accepted = { kind: 'accepted', orderRefId: '', httpStatus: status } as const;
  if (status === 204) return body === '' ? { ...accepted, code: '' } : unknown(response, undefined);
  const record = recordOf(response);
  if (!record) return unknown(response, undefined);
  const differs = contradiction(record, asked.expected) ?? ridersContradiction(record, asked.riders ?? []);
  if (differs !== undefined) {
    const about = `the provider answered about something else than what was sent: ${oneLine(differs)}`;
    return unknown(response, undefined, { message: about, stopLine: about });
  }
  const taken = asked.what === 'removal' || recognizes(record, asked.expected);
  if (!taken || carriesErrors(record) || !statusFits(record, asked)) return unknown(response, undefined);
  const code = stated(record, 'status');
  return { ...accepted, code: typeof code === 'string' ? code : '' };
}

/** [I] An instruction that is void or failed at once doesn't fit, nor does an unknown status: a look-up decides. */
function statusFits(record: ProviderRecord, { what, riders = [] }: Asked): boolean {
  const status = stated(record, 'status');
  if (what === 'order') {
    const replies = stated(record, 'instructions');
    return (
      !Array.isArray(replies) ||
      (replies.length === riders.length && replies.every((reply) => isRecord(reply) && isTaken(reply)))
    );
  }
  if (what === 'removal') return status === undefined || wordOf(status) === DELETED;
  return isTaken(record);
}

function isTaken(record: ProviderRecord): boolean {
  const status = stated(record, 'status');
  return status === undefined || ['submitted', 'paid'].includes(meaningOf(wordOf(status)) ?? '');
}

/** [I] The instructions in the answer may come in any order, so each must fit a rider of its own. */
function ridersContradiction(record: ProviderRecord, riders: readonly Expected[]): string | undefined {
  const replies = stated(record, 'instructions');
  if (!Array.isArray(replies)) return undefined;
  const open = [...riders];
  for (const reply of replies as readonly ProviderRecord[]) {
    const at = open.findIndex((rider) => contradiction(Object(reply), rider) === undefined);
    if (at < 0) return 'an instruction that was not in the order';
    open.splice(at, 1);
  }
  return undefined;
}

/**
 * A refusal needs its documented status and form. It may state any code, with two exceptions. A code for something that
 * was there before is evidence of an earlier arrival. A code for something that isn't there can only mean the order,
 * which was registered before: the order is looked up, and sent again once "not found" may be believed. If a request
 * was sent twice because the first answer was 401, only a published code is believed: what is invalid now was invalid
 * then.
 */
function judgeErrors(response: HttpResponse, asked: Asked, repeated: boolean): SubmitOutcome {
  const errors = errorsOf(response, asked.readErrors);
  if (!errors) return unknown(response, undefined);
  const refusal = { kind: 'declined', httpStatus: response.status, code: errors[0]?.code ?? '' } as const;
  if (!repeated && isTooLate(response.status, asked, errors)) return { ...refusal, message: messageOf(errors) };
  if (response.status === 409 || saysEarlierArrival(errors)) {
    return unknown(response, errors, { message: `the provider already knows this reference: ${messageOf(errors)}` });
  }
  const isRefused = asked.refusedStatuses.includes(response.status) && !saysSomethingMissing(errors);
  if (!isRefused || (repeated && !arePublished(errors))) return unknown(response, errors);
  return { ...refusal, message: messageOf(errors) };
}

function isTooLate(status: number, { what }: Asked, errors: readonly ProviderError[]): boolean {
  const isChange = what === 'update' || what === 'removal';
  return (
    isChange && ALREADY_PROCESSED_STATUSES.includes(status) && errors.every(({ code }) => code === ALREADY_PROCESSED)
  );
}

/** Other customers may use the same reference, so the record may be theirs: it doesn't count as ours. */
const NOT_SAID_WHOSE: Unclear = {
  kind: 'unclear',
  message: 'the provider has a record under this reference, and does not say of which customer it is',
  answered: true,
};

/** What reading an answer needs. `nowMs` is the wall clock, for a Retry-After that is a date. */
interface Reading {
  readonly readErrors: ErrorReader;
  readonly nowMs: number;
}

/** The outcome of a look-up of one instruction. `expected` are the references that it was looked up by. */
export function lookUpOutcome(
  outcome: ImburseOutcome,
  expected: Expected,
  clientRefId: string,
  reading: Reading,
  saysWhose: (record: ProviderRecord) => boolean,
): LookUpOutcome {
  return readFound<LookUpOutcome>(outcome, reading, (record) => {
    const word = wordOf(stated(record, 'status'));
    const status = meaningOf(word);
    const amount = plainAmount(stated(record, 'amount'));
    if (status === undefined || amount === undefined) return undefined;
    if (!saysWhose(record)) return NOT_SAID_WHOSE;
    const currency = stated(record, 'currency');
    return {
      kind: 'found',
      status,
      orderRefId: '',
      clientRefId: oneLine(contradiction(record, expected) ?? clientRefId),
      amount,
      ...(typeof currency === 'string' && { currency: oneLine(currency) }),
      bankReference: '',
      states: statesOf(record),
      message: word === DELETED ? 'deleted at the provider' : '',
      updatable: UPDATABLE.includes(word) && stated(record, 'canUpdate') !== false,
      failedOrReturned: word === RETURNED,
      deleted: word === DELETED,
    };
  });
}

/**
 * The outcome of a look-up of one order. `differences` says how a record differs from ours, apart from its references.
 */
export function orderOutcome(
  outcome: ImburseOutcome,
  expected: Expected,
  reading: Reading,
  differences: (record: ProviderRecord) => readonly string[],
  saysWhose: (record: ProviderRecord) => boolean,
): OrderFound {
  return readFound<OrderFound>(outcome, reading, (record) => {
    if (typeof stated(record, 'orderRef') !== 'string') return undefined;
    const other = contradiction(record, expected);
    const all = [...(other === undefined ? [] : [`it answers for ${other}`]), ...differences(record)];
    if (all.length === 0 && !saysWhose(record)) return NOT_SAID_WHOSE;
    return { kind: 'found', difference: oneLine(all.join('; ')) };
  });
}

/** The record for a person to read, whatever it states. */
export function remoteRecord(outcome: ImburseOutcome, reading: Reading): RemoteRecord {
  const found = (response: HttpResponse): RemoteRecord | undefined => {
    const value = response.status === 200 ? jsonOf(response)?.value : undefined;
    return typeof value === 'object' && value !== null ? { kind: 'found', value } : undefined;
  };
  return readAnswer(outcome, reading, found);
}

function readFound<Found>(
  outcome: ImburseOutcome,
  reading: Reading,
  read: (record: ProviderRecord) => Found | undefined,
): Found | { kind: 'not-found' } | Unclear {
  return readAnswer(outcome, reading, (response) => {
    const record = response.status === 200 ? recordOf(response) : undefined;
    return record && !carriesErrors(record) ? read(record) : undefined;
  });
}

function readAnswer<Found>(
  outcome: ImburseOutcome,
  { readErrors, nowMs }: Reading,
  read: (response: HttpResponse) => Found | undefined,
): Found | { kind: 'not-found' } | Unclear {
  if (outcome.kind !== 'response') {
    const { message, stopLine } = outcome;
    const waitMs = 'retryAfterMs' in outcome ? outcome.retryAfterMs : undefined;
    return {
      kind: 'unclear',
      message,
      ...(stopLine !== undefined && { stopLine }),
      ...(waitMs !== undefined && { retryAfterMs: waitMs }),
    };
  }
  const { response } = outcome;
  if (isUnauthorized(response, readErrors))
    return { kind: 'unclear', message: describe(response, undefined), stopLine: CREDENTIALS };
  const errors = errorsOf(response, readErrors);
  if (NOT_FOUND_STATUSES.includes(response.status) && errors && saysNotFound(errors)) return { kind: 'not-found' };
  const waitMs = retryAfterMs(response.retryAfter, nowMs);
  const found = read(response);
  if (found) return found;
  return {
    kind: 'unclear',
    message: `${describe(response, errors)}${statement(response)}`,
    ...(waitMs !== undefined && { retryAfterMs: waitMs }),
    ...((errors ? NOT_FOUND_STATUSES.includes(response.status) : isRecordLike(response)) && { answered: true }),
  };
}

/**
 * [D] 401; [I] 403 for an account or tenant that isn't ours. A 403 with a web page comes from a firewall, and may be
 * about this one request.
 */
function isUnauthorized(response: HttpResponse, readErrors: ErrorReader): boolean {
  if (response.status !== 403) return response.status === 401;
  return response.body === '' || readErrors(jsonOf(response)?.value) !== undefined;
}

/** Whether an answer is complete and shows a record, whatever the record states. */
function isRecordLike(response: HttpResponse): boolean {
  const record = response.status === 200 ? recordOf(response) : undefined;
  return record !== undefined && ['status', 'amount'].some((member) => stated(record, member) !== undefined);
}

/** What an unreadable record states, for a message. */
function statement(response: HttpResponse): string {
  const record = response.status === 200 ? recordOf(response) : undefined;
  const parts = ['status', 'amount'].flatMap((member) => {
    const value = record && stated(record, member);
    return typeof value === 'string' ? [`${member} ${JSON.stringify(oneLine(value))}`] : [];
  });
  return parts.length === 0 ? '' : ` (${parts.join(', ')})`;
}

/** Also undefined for errors beside a record: such an answer contradicts itself. */
function errorsOf(response: HttpResponse, readErrors: ErrorReader): readonly ProviderError[] | undefined {
  const value = jsonOf(response)?.value;
  const errors = readErrors(value);
  return errors && !RECORD_MEMBERS.some((member) => Object.hasOwn(Object(value), member)) ? errors : undefined;
}

const RECORD_MEMBERS = ['customerRef', 'orderRef', 'instructionRef', 'amount', 'status', 'instructions'];

function carriesErrors(record: ProviderRecord): boolean {
  return ['errorCodes', 'errors'].some((member) => {
    const errors = stated(record, member);
    return errors !== undefined && !(Array.isArray(errors) && errors.length === 0);
  });
}

function wordOf(status: unknown): string {
  return typeof status === 'string' ? status.toUpperCase() : '';
}

function meaningOf(word: string): FoundStatus | undefined {
  return Object.hasOwn(STATUSES, word) ? STATUSES[word] : undefined;
}

function unknown(
  response: HttpResponse,
  errors: readonly ProviderError[] | undefined,
  more: Pick<Partial<Unknown>, 'message' | 'stopLine'> = {},
): Unknown {
  const code = errors?.[0]?.code;
  return {
    kind: 'unknown',
    message: describe(response, errors),
    httpStatus: response.status,
    ...(code !== undefined && { code }),
    ...more,
  };
}

function describe({ status, contentType, body }: HttpResponse, errors: readonly ProviderError[] | undefined): string {
  const answer = `the answer was HTTP ${status}`;
  if (errors) return oneLine(`${answer}, ${messageOf(errors)}`);
  if (status >= 300 && status < 400) return `${answer}, a redirect, which is never followed`;
  if (status === 401 || status === 403) return answer;
  if (body === '') return `${answer}, without a body`;
  return `${answer}, ${/json/i.test(contentType) ? "not the API's JSON" : 'not JSON'}`;
}
