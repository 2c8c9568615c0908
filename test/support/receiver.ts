/** A receiver of notifications over HTTP, on this machine. */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface HttpReceiver {
  readonly url: string;
  readonly received: Received[];
  /** Resolves with the request of that number, the first being 1, once it has come. */
  nth(number: number): Promise<Received>;
}

/** `answer` ends the response, later or never. By default it says 204. */
export async function httpReceiver(
  answer: (response: ServerResponse, received: Received, nth: number) => void = (response) =>
    void response.writeHead(204).end(),
): Promise<HttpReceiver> {
  const received: Received[] = [];
  const waiting: { number: number; resolve: (one: Received) => void }[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url: path = '', headers } = request;
      const one = { method, path, headers, body: Buffer.concat(chunks).toString() };
      received.push(one);
      for (const { number, resolve } of waiting) if (number === received.length) resolve(one);
      answer(response, one, received.length);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    nth: (number) => {
      const one = received[number - 1];
      return one ? Promise.resolve(one) : new Promise((resolve) => waiting.push({ number, resolve }));
    },
  };
}

/** A secret as Standard Webhooks has it. */
export const NOTIFY_SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
