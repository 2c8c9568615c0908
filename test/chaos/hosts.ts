/** Every promise about several machines, seen with real processes on two network namespaces, a row after the other. */
import { chmodSync, chownSync, copyFileSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Server } from '../support/postgres-server.ts';
import { build } from './build.ts';
import { makeCertificates } from './hosts/certificates.ts';
import { FILES } from './hosts/files.ts';
import { Front } from './hosts/front.ts';
import { killAll } from './hosts/host.ts';
import { LOSSES } from './hosts/losses.ts';
import {
  canMakeNetwork,
  makeNetwork,
  NETWORK,
  PROVIDER_ADDRESS,
  PROVIDER_NAME,
  removeNetwork,
  SERVER_ADDRESS,
  SERVER_NAME,
} from './hosts/network.ts';
import { PASSWORD, ROLE, type Row, type Site } from './hosts/scene.ts';
import { SENDING } from './hosts/sending.ts';
import { SHARING } from './hosts/sharing.ts';

const ROWS: readonly Row[] = [...FILES, ...SENDING, ...LOSSES, ...SHARING];

/** Why it can't be seen here; undefined when it can. */
export function hostsNeed(): string | undefined {
  return canMakeNetwork() ? undefined : 'root and network namespaces are needed (ip of iproute2)';
}

/** Says a line for each row. `only` are numbers of rows; all when empty. Returns how many are not so. */
export async function seeHosts(place: string, only: readonly number[], say: (line: string) => void): Promise<number> {
  const { main } = await build(place);
  const server = new Server(join(place, 'server'));
  const front = new Front();
  const takeDown = () => {
    killAll();
    front.close();
    server.stopNow();
    removeNetwork();
  };
  const stopped = (signal: NodeJS.Signals) => {
    takeDown();
    process.kill(process.pid, signal);
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stopped);
  try {
    makeNetwork();
    const site = await makeSite(place, main, server, front);
    let wrong = 0;
    for (const [at, [promise, see]] of ROWS.entries()) {
      if (only.length > 0 && !only.includes(at + 1)) continue;
      const startedMs = performance.now();
      const [mark, seen] = await see(site, `row-${at + 1}`).then(
        (what) => ['ok', what] as const,
        (error: Error) => ['NOT SO', error.message] as const,
      );
      if (mark !== 'ok') wrong++;
      const seconds = ((performance.now() - startedMs) / 1_000).toFixed(0);
      say(`${String(at + 1).padStart(2)} ${mark}: ${promise}: ${seen} (${seconds} s)`);
    }
    return wrong;
  } finally {
    takeDown();
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, stopped);
  }
}

async function makeSite(place: string, main: string, server: Server, front: Front): Promise<Site> {
  const folder = join(place, 'hosts');
  mkdirSync(folder);
  const addresses = [SERVER_ADDRESS, PROVIDER_ADDRESS];
  const certificates = makeCertificates(folder, [SERVER_NAME, PROVIDER_NAME], addresses);
  await server.start();
  await server.query('postgres', `CREATE ROLE ${ROLE} LOGIN PASSWORD '${PASSWORD}'`);
  await server.stop();
  const serverSettings = serve(server, certificates);
  await server.resume(serverSettings);
  await front.open(PROVIDER_ADDRESS, certificates.tls);
  const date = new Date().toISOString().slice(0, 10);
  return { folder, main, server, front, certificates, date, serverSettings };
}

/** With TLS and a password over the network. Returns the settings that it starts with. */
function serve({ folder }: Server, { key, certificate }: Site['certificates']): string[] {
  const data = join(folder, 'data');
  const { uid, gid } = statSync(data);
  const own = (from: string, name: string) => {
    copyFileSync(from, join(data, name));
    chmodSync(join(data, name), 0o600);
    chownSync(join(data, name), uid, gid);
  };
  own(key, 'host.key');
  own(certificate, 'host.pem');
  writeFileSync(join(data, 'pg_hba.conf'), `local all all trust\nhostssl all all ${NETWORK} scram-sha-256\n`);
  return [`listen_addresses=${SERVER_ADDRESS}`, 'ssl=on', 'ssl_key_file=host.key', 'ssl_cert_file=host.pem'];
}
