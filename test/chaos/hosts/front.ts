/**
 * The provider as other hosts reach it: TLS in front of the sandbox, which listens on loopback alone. Notes each request
 * with when it came, from where, and how many there were at once.
 */
import { once } from 'node:events';
import { Agent, request as forward, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { pause } from '../patience.ts';

export interface Request {
  /** On a clock that does not jump. */
  readonly atMs: number;
  /** The address of the host. */
  readonly from: string;
  /** A payout is sent by a POST, and looked up by a GET. */
  readonly method: string;
}

export class Front {
  /** Where the sandbox listens. */
  target = 0;
  /** How long each request takes: half of it before it reaches the sandbox, half after that. */
  takesMs = 0;
  /** Answers these requests with 503 itself. */
  fails: 'GET' | 'none' = 'none';
  requests: Request[] = [];
  /** The most requests that were under way at one time. */
  most = 0;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #underWay = new Set<Request>();
  #server: Server | undefined;

  get port(): number {
    const address = this.#server?.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  async open(host: string, tls: { readonly key: string; readonly cert: string }): Promise<void> {
    this.#server = createServer(tls, (request, response) => {
      void this.#serve(request, response).catch(() => response.destroy());
    });
    this.#server.listen(0, host);
    await once(this.#server, 'listening');
  }

  /** As if nothing had been asked yet. */
  begin(target: number): void {
    Object.assign(this, { target, takesMs: 0, fails: 'none', requests: [], most: 0 });
  }

  /** How many payouts are being sent. */
  sending(from?: string): number {
    return [...this.#underWay].filter((one) => one.method === 'POST' && (from ?? one.from) === one.from).length;
  }

  /** Payouts that were sent after that moment. */
  sentSince(atMs: number, from?: string): Request[] {
    return this.requests.filter((one) => one.method === 'POST' && one.atMs > atMs && (from ?? one.from) === one.from);
  }

  close(): void {
    this.#server?.closeAllConnections();
    this.#server?.close();
    this.#agent.destroy();
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '', headers, socket } = incoming;
    const request = { atMs: performance.now(), from: socket.remoteAddress ?? '', method };
    this.requests.push(request);
    this.#underWay.add(request);
    this.most = Math.max(this.most, this.#underWay.size);
    response.on('close', () => this.#underWay.delete(request));
    const body: Buffer[] = [];
    for await (const chunk of incoming as AsyncIterable<Buffer>) body.push(chunk);
    await pause(this.takesMs / 2);
    if (response.destroyed) return;
    if (this.fails === method) {
      response.writeHead(503).end();
      return;
    }
    const asked = forward({ host: '127.0.0.1', port: this.target, method, path: url, headers, agent: this.#agent });
    asked.end(Buffer.concat(body));
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    const said: Buffer[] = [];
    for await (const chunk of answer as AsyncIterable<Buffer>) said.push(chunk);
    await pause(this.takesMs / 2);
    // From here on its host may begin another one.
    this.#underWay.delete(request);
    response.writeHead(answer.statusCode ?? 500, answer.headers).end(Buffer.concat(said));
  }
}
