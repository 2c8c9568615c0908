/** A way to a server that loses messages: what a network does at the worst moment. */
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** `cut`: both sides see the end. `silent`: the message is lost, and neither side sees anything. */
type Loss = 'answer-cut' | 'cut' | 'silent';

const SOCKET = '.s.PGSQL.5432';

export interface LossyWay {
  readonly address: string;
  /** Loses the next COMMIT, or the answer to it. */
  loseNextCommit(loss: Loss): void;
  close(): Promise<void>;
}

export async function lossyWayTo(address: string): Promise<LossyWay> {
  const folder = mkdtempSync(join(tmpdir(), 'paydrop-proxy-'));
  const url = new URL(address);
  const target = join(url.searchParams.get('host') ?? '', SOCKET);
  const sockets = new Set<Socket>();
  let loss: Loss | undefined;

  const server: Server = createServer((client) => {
    const backend = connect(target);
    for (const socket of [client, backend]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => sockets.delete(socket));
    }
    let isLost = false;
    client.on('data', (bytes) => {
      if (isLost) return;
      if (loss === undefined || !bytes.includes('COMMIT\0')) {
        backend.write(bytes);
        return;
      }
      isLost = true;
      if (loss === 'answer-cut') {
        backend.once('data', () => client.destroy());
        backend.write(bytes);
      } else if (loss === 'cut') {
        backend.destroy();
        client.destroy();
      }
      loss = undefined;
    });
    backend.on('data', (bytes) => {
      if (!isLost) client.write(bytes);
    });
    client.on('close', () => backend.destroy());
    backend.on('close', () => client.destroy());
  });
  await new Promise<void>((resolve) => server.listen(join(folder, SOCKET), resolve));
  url.searchParams.set('host', folder);
  return {
    address: url.href,
    loseNextCommit(next) {
      loss = next;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
