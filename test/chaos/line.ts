/** The line between a machine and the server: it is cut, silent or away, and loses what is about to be committed. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

/** What happens at a COMMIT: before it reaches the server, or once it is done and before the machine hears of it. */
export interface Trap {
  readonly when: 'before' | 'after';
  /** Whether the connection is lost then. */
  readonly cuts: boolean;
  readonly springs?: () => void;
}

/** Where machines on other hosts come to it: they ask for TLS, which ends here. */
export interface Outside {
  readonly host: string;
  readonly tls: { readonly key: string; readonly cert: string };
}

interface Pair {
  readonly client: Socket;
  readonly backend: Socket;
}

export class Line {
  /** The number of connections that were made over it. */
  connections = 0;
  port = 0;
  readonly #target: string;
  readonly #outside: Outside | undefined;
  readonly #pairs = new Set<Pair>();
  #server: Server | undefined;
  #isAway = false;
  #isSilent = false;
  #trap: Trap | undefined;

  /** `target` is the server's socket. */
  constructor(target: string, outside?: Outside) {
    this.#target = target;
    this.#outside = outside;
  }

  async open(): Promise<void> {
    this.#server = createServer((client) => this.#join(client));
    this.#server.listen(0, this.#outside?.host ?? '127.0.0.1');
    await once(this.#server, 'listening');
    this.port = (this.#server.address() as AddressInfo).port;
  }

  trap(trap: Trap): void {
    this.#trap = trap;
  }

  /** Ends every connection. Returns how many there were. */
  cut(how: 'end' | 'reset'): number {
    const cut = this.#pairs.size;
    for (const pair of this.#pairs) lose(pair, how);
    return cut;
  }

  /** From here on it refuses every connection. */
  goAway(): number {
    this.#isAway = true;
    return this.cut('reset');
  }

  /** From here on nothing comes through, and neither side sees anything. */
  fallSilent(): number {
    this.#isSilent = true;
    return this.#pairs.size;
  }

  /** As it was at the beginning. What was silent is lost. */
  recover(): void {
    if (this.#isSilent) this.cut('reset');
    this.#isSilent = false;
    this.#isAway = false;
    this.#trap = undefined;
  }

  async close(): Promise<void> {
    this.cut('reset');
    await new Promise((resolve) => this.#server?.close(resolve));
  }

  #join(client: Socket): void {
    if (this.#isAway) {
      client.resetAndDestroy();
      return;
    }
    this.connections++;
    const pair = { client, backend: connect(this.#target) };
    this.#pairs.add(pair);
    for (const socket of [client, pair.backend]) {
      socket.on('error', () => {});
      socket.on('close', () => {
        this.#pairs.delete(pair);
        lose(pair, 'end');
      });
    }
    if (this.#outside) this.#endTls(pair, this.#outside);
    else this.#carry(pair, client);
  }

  /** The first that a program sends is that it wants TLS. */
  #endTls(pair: Pair, { tls }: Outside): void {
    pair.client.once('data', () => {
      pair.client.write('S');
      const within = new TLSSocket(pair.client, { isServer: true, ...tls });
      within.on('error', () => {});
      this.#carry(pair, within);
    });
  }

  /** `client` is where the bytes of the pair's client can be read. */
  #carry(pair: Pair, client: Socket): void {
    let atAnswer: Trap | undefined;
    client.on('data', (bytes) => {
      if (this.#isSilent) return;
      const trap = bytes.includes('COMMIT\0') ? this.#sprung() : undefined;
      if (trap?.when === 'before') {
        trap.springs?.();
        if (trap.cuts) {
          lose(pair, 'reset');
          return;
        }
      } else if (trap) atAnswer = trap;
      pair.backend.write(bytes);
    });
    pair.backend.on('data', (bytes) => {
      if (this.#isSilent) return;
      const trap = atAnswer;
      atAnswer = undefined;
      trap?.springs?.();
      if (trap?.cuts) lose(pair, 'reset');
      else client.write(bytes);
    });
  }

  #sprung(): Trap | undefined {
    const trap = this.#trap;
    this.#trap = undefined;
    return trap;
  }
}

function lose({ client, backend }: Pair, how: 'end' | 'reset'): void {
  if (how === 'reset' && !client.destroyed) client.resetAndDestroy();
  client.destroy();
  backend.destroy();
}
