/**
 * Decides what an answer of the payout-order API means, by allow-list: whatever is not listed here as something else is
 * unknown (a submission) or unclear (a look-up). [D], [S] and [I] say where a rule comes from: [D] is the provider's
 * documentation, [S] was seen on servers of this API's family but is undocumented, [I] is inferred.
 */
import * as z from 'zod/mini';
import { PROVIDER_CODES } from '../../domain/provider-codes.ts';
import type { HttpOutcome, HttpResponse } from '../http.ts';
import { oneLine } from '../one-line.ts';
import type { BalanceOutcome, FoundStatus, LookUpOutcome, SubmitOutcome } from '../port.ts';
import { retryAfterMs } from '../retry-after.ts';
import { saysNothingFound, saysReferenceIsUsed, saysUsed, ungrouped } from '../words.ts';
import { type Envelope, messageOf, readEnvelope } from './envelope.ts';

/** [D] SUCCESS and PENDING: the order is taken, not paid. */
const ACCEPTED_CODES: readonly string[] = ['0x0200', '0x0206'];

/** [D] FAILURE and MISSING_PARAMETER: the order is refused. */
const REFUSED_CODES: readonly string[] = ['0x0202', '0x0203'];

/**
 * [S] Refusals come with HTTP 200; [I] 400 and 422 are what frameworks give a failed validation. No other is believed.
 */
const REFUSED_STATUSES: readonly number[] = [200, 400, 422];

/** [D] UNAUTHORIZED. */
const UNAUTHORIZED_CODE = '0x0201';

/**
 * [D] The field under which a 0x0203 reports a bad signature; [I] with any other code it isn't the row's fault either.
 */
const SIGNATURE_FIELD = 'signature';

/** [S] The field under which a used clientRefId is reported: evidence that an earlier request arrived. */
const REFERENCE_FIELD = 'clientRefId';

/**
 * [D] A look-up says that there is no such order with FAILURE and words such as "Order Not Found"; no status is named.
 * [S] 200 comes with failures too; [I] 404, and 400 for what can't be answered.
 */
const NOT_FOUND_CODE = '0x0202';
const NOT_FOUND_STATUSES: readonly number[] = [200, 400, 404];

/** [D] Codes that say nothing about the order of a look-up: the provider, or its connection, failed. */
const OUTAGE_CODES: readonly string[] = ['0x0204', '0x0205', '0x0503'];

/** [D] queued; [S] the other statuses of an order. [S] Letter case varies. */
const STATUSES: Readonly<Record<string, FoundStatus>> = {
  queued: 'submitted',
  processing: 'submitted',
  processed: 'paid',
  failed: 'failed',
  cancelled: 'failed',
  reversed: 'reversed',
};

/** [I] A look-up's code says that the look-up succeeded (0x0200) or, as webhooks do [D], how the order stands. */
const FOUND_CODES: Readonly<Record<FoundStatus, readonly string[]>> = {
  submitted: ['0x0200', '0x0206'],
  paid: ['0x0200'],
  failed: ['0x0200', '0x0202'],
  reversed: ['0x0200', '0x0207'],
};

/** What the documented codes are called in a message to an operator. */
const CODE_NAMES = new Map(PROVIDER_CODES.map(({ code, name }) => [code, name]));

const CREDENTIALS = 'the provider refuses our credentials: check the client key, the secret and the allowed addresses';
const SIGNATURE = 'the provider refuses our signature: check the client key and the salt key';

const reference = z.string().check(z.regex(/^[\x21-\x7e]{1,100}$/));
const text = z.nullish(z.string());
const orderStatus = z.pipe(
  z.string(),
  z.transform((status, { issues }): FoundStatus => {
    const word = status.toLowerCase();
    const known = Object.hasOwn(STATUSES, word) ? STATUSES[word] : undefined;
    if (known) return known;
    issues.push({ code: 'custom', message: 'not a known status', input: status });
    return z.NEVER;
  }),
);

/** [S] Amounts are strings and may be grouped; [D] webhooks state them as numbers. Both become plain text. */
const amount = z.pipe(
  z.pipe(z.union([z.string(), z.pipe(z.number(), z.transform(String))]), z.transform(ungrouped)),
  z.string().check(z.regex(/^[0-9]+(?:\.[0-9]+)?$/)),
);

/** [D] The status is `queued`; one that isn't known, or says that the order failed at once, is left to a look-up. */
const acceptedOrder = z.object({
  clientRefId: reference,
  orderRefId: reference,
  status: z.optional(orderStatus.check(z.refine((status) => status === 'submitted' || status === 'paid'))),
});

/** [S] A bank reference is also called utr, a failure's text also reason. */
const foundOrder = z.object({
  clientRefId: reference,
  orderRefId: reference,
  status: orderStatus,
  amount,
  bankReference: text,
  utr: text,
  failedMessage: text,
  reason: text,
});

/** The outcome of a submission under `clientRefId`. `nowMs` is the wall clock, for a Retry-After that is a date. */
export function submitOutcome(outcome: HttpOutcome, clientRefId: string, nowMs: number): SubmitOutcome {
  if (outcome.kind === 'not-sent') return outcome;
  if (outcome.kind === 'unclear') return { kind: 'unknown', message: outcome.message };
  const judged = judgeSubmission(outcome, clientRefId);
  const waitMs = retryAfterMs(outcome.retryAfter, nowMs);
  return judged.kind === 'unknown' && waitMs !== undefined ? { ...judged, retryAfterMs: waitMs } : judged;
}

function judgeSubmission(response: HttpResponse, clientRefId: string): SubmitOutcome {
  const httpStatus = response.status;
  const envelope = readEnvelope(response);
  const stopLine = reasonToStop(response, envelope);
  const unknown = (message: string, stop = stopLine): SubmitOutcome => ({
    kind: 'unknown',
    message,
    httpStatus,
    ...(envelope && { code: envelope.code }),
    ...(stop && { stopLine: stop }),
  });

  if (!envelope || stopLine) return unknown(describe(response, envelope));
  const { code, data } = envelope;
  if (typeof data['clientRefId'] === 'string' && data['clientRefId'] !== clientRefId) {
    return unknown('the answer is about another order', 'the provider answered about another order than the one sent');
  }
  if (isSuccess(httpStatus) && ACCEPTED_CODES.includes(code)) {
    const order = acceptedOrder.safeParse(data).data;
    if (order?.clientRefId === clientRefId) {
      return { kind: 'accepted', orderRefId: order.orderRefId, httpStatus, code };
    }
  }
  if (REFUSED_STATUSES.includes(httpStatus) && REFUSED_CODES.includes(code) && !carriesOrder(envelope)) {
    if (saysAlreadyUsed(envelope)) return unknown(`the provider already knows this reference: ${messageOf(envelope)}`);
    return { kind: 'declined', httpStatus, code, message: messageOf(envelope) || named(code) };
  }
  return unknown(describe(response, envelope));
}

/**
 * The outcome of a look-up. The caller compares whether it found the right payout. `nowMs` is the wall clock, for a
 * Retry-After that is a date.
 */
export function lookUpOutcome(outcome: HttpOutcome, clientRefId: string, nowMs: number): LookUpOutcome {
  if (outcome.kind !== 'response') return { kind: 'unclear', message: outcome.message };
  const envelope = readEnvelope(outcome);
  const stopLine = reasonToStop(outcome, envelope);
  const waitMs = retryAfterMs(outcome.retryAfter, nowMs);
  const unclear: LookUpOutcome = {
    kind: 'unclear',
    message: describe(outcome, envelope),
    ...(stopLine && { stopLine }),
    ...(waitMs !== undefined && { retryAfterMs: waitMs }),
    ...(envelope && !stopLine && isAboutOrder(outcome.status, envelope, clientRefId) && { answered: true }),
  };

  if (!envelope || stopLine) return unclear;
  if (saysNotFound(outcome.status, envelope)) return { kind: 'not-found' };
  const order = foundOrder.safeParse(envelope.data).data;
  if (!order || !isSuccess(outcome.status) || !FOUND_CODES[order.status].includes(envelope.code)) return unclear;
  const { orderRefId, status } = order;
  return {
    kind: 'found',
    status,
    orderRefId,
    clientRefId: order.clientRefId,
    amount: order.amount,
    bankReference: oneLine(order.bankReference || order.utr || ''),
    message: status === 'failed' || status === 'reversed' ? whyNotPaid(order, envelope.data['status']) : '',
  };
}

/** [S] `payoutBalance` is what payouts are paid from; the main balance is not. */
const accountBalance = z.object({ payoutBalance: amount });

/** What the account has for payouts. */
export function balanceOutcome(outcome: HttpOutcome, nowMs: number): BalanceOutcome {
  if (outcome.kind !== 'response') return { kind: 'unclear', message: outcome.message };
  const envelope = readEnvelope(outcome);
  const stopLine = reasonToStop(outcome, envelope);
  const waitMs = retryAfterMs(outcome.retryAfter, nowMs);
  const account = envelope && accountBalance.safeParse(envelope.data).data;
  if (account && !stopLine && isSuccess(outcome.status) && envelope.code === FOUND_CODES.paid[0])
    return { kind: 'found', amount: account.payoutBalance };
  return {
    kind: 'unclear',
    message: describe(outcome, envelope),
    ...(stopLine && { stopLine }),
    ...(waitMs !== undefined && { retryAfterMs: waitMs }),
  };
}

/** [S] A cancelled order gives no reason; its status is one. */
function whyNotPaid({ failedMessage, reason }: z.infer<typeof foundOrder>, status: unknown): string {
  const cancelled = String(status).toLowerCase() === 'cancelled';
  return oneLine(failedMessage || reason || '') || (cancelled ? 'cancelled at the provider' : '');
}

function saysNotFound(status: number, envelope: Envelope): boolean {
  const fits = NOT_FOUND_STATUSES.includes(status) && envelope.code === NOT_FOUND_CODE;
  return fits && !carriesOrder(envelope) && saysNothingFound(envelope.text);
}

/** Whether an answer to a look-up is the API's word on the order that was asked for, whatever it says. */
function isAboutOrder(status: number, { code, data }: Envelope, clientRefId: string): boolean {
  const { clientRefId: named = clientRefId } = data;
  if (named !== clientRefId) return false;
  return (isSuccess(status) || NOT_FOUND_STATUSES.includes(status)) && !OUTAGE_CODES.includes(code);
}

/**
 * Why the fault is ours, not the row's, so that nothing more may be sent; undefined when it isn't. [S] 401 for our
 * credentials; [I] 403 for an address that isn't on the provider's list. A 403 with a page is a firewall's before the
 * provider: it may be about this one request.
 */
function reasonToStop({ status, body }: HttpResponse, envelope: Envelope | undefined): string | undefined {
  if (envelope?.code === UNAUTHORIZED_CODE) return CREDENTIALS;
  if (status === 401 || (status === 403 && (envelope || body === ''))) return CREDENTIALS;
  if (envelope?.fields.has(SIGNATURE_FIELD)) return SIGNATURE;
  return undefined;
}

/** A refusal or "not found" that names the provider's order contradicts itself. */
function carriesOrder({ data }: Envelope): boolean {
  return typeof data['orderRefId'] === 'string' && data['orderRefId'] !== '';
}

function saysAlreadyUsed({ text, fields }: Envelope): boolean {
  return (
    (fields.get(REFERENCE_FIELD) ?? []).some(saysUsed) ||
    [text, ...[...fields.values()].flat()].some(saysReferenceIsUsed)
  );
}

function describe({ status, contentType }: HttpResponse, envelope: Envelope | undefined): string {
  if (envelope) {
    const words = messageOf(envelope);
    return oneLine(`the answer was HTTP ${status}, ${named(envelope.code)}${words && `: ${words}`}${stated(envelope)}`);
  }
  if (status >= 300 && status < 400) return `the answer was HTTP ${status}, a redirect, which is never followed`;
  const what = /json/i.test(contentType) ? "not the API's JSON" : 'not JSON';
  return `the answer was HTTP ${status}, ${what}`;
}

/** What an unreadable answer states of an order, for a message. */
function stated({ data }: Envelope): string {
  const { status, amount } = data;
  const said = Object.entries({ status, amount }).filter(([, value]) => ['string', 'number'].includes(typeof value));
  return said.length === 0 ? '' : ` (${said.map(([name, value]) => `${name} ${JSON.stringify(value)}`).join(', ')})`;
}

function named(code: string): string {
  const name = CODE_NAMES.get(code);
  return name ? `code ${code} (${name})` : `code ${code}`;
}

function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}
