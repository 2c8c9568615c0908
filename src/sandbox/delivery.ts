/** How an answer leaves the sandbox: whole, or as a fault mangles it. */
import type { ServerResponse } from 'node:http';
import type { Clock } from '../clock.ts';
import { type Answer, faultAnswer, misdirected } from './answer.ts';
import type { Fault } from './faults.ts';

const NOT_HTTP = 'SSH-2.0-OpenSSH_9.6\r\n';

/**
 * Answers one request. `act` lets it take effect and is what the API says; a fault decides whether that happens, and what
 * of it can be seen. Resolves when nothing more will be written, and soon after `closing` aborts.
 */
export async function deliver(
  response: ServerResponse,
  act: () => Answer,
  fault: Fault | undefined,
  clock: Clock,
  closing: AbortSignal,
): Promise<void> {
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
      return send(response, misdirected(act()));
    default:
      return send(response, faultAnswer(fault));
  }
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
