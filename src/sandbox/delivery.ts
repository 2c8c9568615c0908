/** Sends an answer from the sandbox: whole, or as a fault changes it. */
import type { ServerResponse } from 'node:http';
import type { Clock } from '../platform/clock.ts';
import type { Answer, Call, Dialect } from './call.ts';
import type { Fault } from './faults.ts';

/** The faults that only replace the answer. The other faults change how the answer is sent. */
type AnsweringFault = Exclude<
  Fault,
  {
    kind:
      | 'refuse'
      | 'delay'
      | 'reset'
      | 'silence'
      | 'truncated'
      | 'garbage'
      | 'drip'
      | 'wrong-echo'
      | 'states'
      | 'short-token';
  }
>;

const NOT_HTTP = 'SSH-2.0-OpenSSH_9.6\r\n';

const PAGE = '<!DOCTYPE html><html><head><title>Please wait</title></head><body>Checking your browser.</body></html>';

/**
 * Answers one request. `call.act` lets the request take effect and returns the API's answer. A fault decides whether
 * the request takes effect, and what the client sees of the answer. Resolves when nothing more will be written, and
 * soon after `closing` aborts.
 */
export async function deliver(
  response: ServerResponse,
  call: Call,
  fault: Fault | undefined,
  clock: Clock,
  closing: AbortSignal,
): Promise<void> {
  const act = () => call.act();
  if (!fault) return send(response, act());
  if ('accept' in fault && fault.accept) act();
  switch (fault.kind) {
    case 'delay':
      return send(response, act());
    case 'refuse':
      return reset(response);
    case 'reset':
      act();
      return reset(response);
    case 'silence':
      return;
    case 'truncated':
      return breakOff(response, act());
    case 'garbage':
      response.socket?.end(NOT_HTTP);
      return;
    case 'drip':
      return drip(response, act(), () => clock.sleep(fault.ms, closing), closing);
    case 'wrong-echo':
      return send(response, call.dialect.misdirected(act()));
    case 'states':
      return send(response, stating(act(), fault));
    case 'short-token':
      return send(response, call.act(fault));
    default:
      return send(response, faultAnswer(fault, call.dialect));
  }
}

/** What a fault answers instead of the API. */
function faultAnswer(fault: AnsweringFault, dialect: Dialect): Answer {
  switch (fault.kind) {
    case 'html':
      return { status: fault.status, headers: { 'content-type': 'text/html; charset=utf-8' }, body: PAGE };
    case 'error':
      return dialect.error(fault.status);
    case 'redirect':
      return { status: fault.status, headers: { location: fault.location }, body: '' };
    case 'rate-limit':
      return withHeader(dialect.rateLimited(), 'retry-after', fault.retryAfter);
    case 'unauthorized':
      return dialect.unauthorized(fault.status);
    case 'bad-signature':
      return dialect.badSignature();
    case 'decline':
      return dialect.decline(fault);
    case 'service-off':
      return dialect.serviceOff();
    case 'not-found':
      return dialect.notFound(fault);
  }
}

/** The members of a record that name customers. */
const NAMING_CUSTOMERS = ['customerRef', 'customerDefaults', 'instructions'];

/** The answer with another status, amount or customer in its record. The record is the whole body, or its `data`. */
function stating(answer: Answer, { status, amount, customerRef }: Extract<Fault, { kind: 'states' }>): Answer {
  if (answer.status >= 400) return answer;
  const whole = JSON.parse(answer.body) as Record<string, unknown>;
  const record = (whole['data'] ?? whole) as object;
  Object.assign(record, status !== undefined && { status }, amount !== undefined && { amount });
  if (customerRef === null) for (const name of NAMING_CUSTOMERS) Reflect.deleteProperty(record, name);
  else if (customerRef !== undefined) Object.assign(record, { customerRef });
  return { ...answer, body: JSON.stringify(whole) };
}

function withHeader(answer: Answer, name: string, value: string): Answer {
  return { ...answer, headers: { ...answer.headers, [name]: value } };
}

function send(response: ServerResponse, answer: Answer): void {
  sendHead(response, answer).end(answer.body);
}

function reset(response: ServerResponse): void {
  response.socket?.resetAndDestroy();
}

function sendHead(response: ServerResponse, { status, headers, body }: Answer): ServerResponse {
  return response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) });
}

function breakOff(response: ServerResponse, answer: Answer): void {
  const half = answer.body.slice(0, answer.body.length / 2);
  sendHead(response, answer).write(half, () => response.socket?.end());
}

async function drip(
  response: ServerResponse,
  answer: Answer,
  wait: () => Promise<void>,
  closing: AbortSignal,
): Promise<void> {
  sendHead(response, answer);
  for (const byte of Buffer.from(answer.body)) {
    if (closing.aborted || response.destroyed) return;
    response.write(Buffer.of(byte));
    await wait();
  }
  response.end();
}
