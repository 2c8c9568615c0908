/**
 * A network of its own: a bridge with an address for the server and one for the provider, and namespaces that are joined
 * to it. To a program each namespace is another host. All of it carries the process id in its name, and goes in the end.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Tests of networks have these addresses for themselves (RFC 2544). */
const NET = `198.18.${process.pid % 250}`;
const PREFIX = `pd${process.pid}`;
const BRIDGE = `${PREFIX}b`;
/** Where `ip netns exec` looks for the files of /etc that a namespace has of its own. */
const FILES = '/etc/netns';

export const SERVER_NAME = 'db.paydrop.test';
export const PROVIDER_NAME = 'provider.paydrop.test';
/** Leads to the server, but its certificate does not have it. */
export const WRONG_NAME = 'other.paydrop.test';

export const SERVER_ADDRESS = `${NET}.1`;
export const PROVIDER_ADDRESS = `${NET}.2`;

/** As the server's rules have it. */
export const NETWORK = `${NET}.0/24`;

export interface Namespace {
  readonly name: string;
  readonly address: string;
}

export const FIRST: Namespace = { name: `${PREFIX}n1`, address: `${NET}.11` };
export const SECOND: Namespace = { name: `${PREFIX}n2`, address: `${NET}.12` };

/** Whether this process may make one here. */
export function canMakeNetwork(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  try {
    ip('netns', 'add', `${PREFIX}x`);
    ip('netns', 'del', `${PREFIX}x`);
    return true;
  } catch {
    return false;
  }
}

export function makeNetwork(): void {
  ip('link', 'add', BRIDGE, 'type', 'bridge');
  for (const address of [SERVER_ADDRESS, PROVIDER_ADDRESS]) ip('addr', 'add', `${address}/24`, 'dev', BRIDGE);
  ip('link', 'set', BRIDGE, 'up');
  for (const [at, { name, address }] of [FIRST, SECOND].entries()) {
    const ends = [`${PREFIX}v${at}`, `${PREFIX}w${at}`] as const;
    ip('netns', 'add', name);
    ip('link', 'add', ends[0], 'type', 'veth', 'peer', 'name', ends[1], 'netns', name);
    ip('link', 'set', ends[0], 'master', BRIDGE, 'up');
    ip('-n', name, 'addr', 'add', `${address}/24`, 'dev', ends[1]);
    for (const link of ['lo', ends[1]]) ip('-n', name, 'link', 'set', link, 'up');
    mkdirSync(join(FILES, name), { recursive: true });
    const names = [`127.0.0.1 localhost`, `${SERVER_ADDRESS} ${SERVER_NAME} ${WRONG_NAME}`];
    writeFileSync(join(FILES, name, 'hosts'), [...names, `${PROVIDER_ADDRESS} ${PROVIDER_NAME}`, ''].join('\n'));
  }
}

/** Whatever there is of it. */
export function removeNetwork(): void {
  for (const { name } of [FIRST, SECOND]) {
    tried(() => ip('netns', 'del', name));
    rmSync(join(FILES, name), { recursive: true, force: true });
  }
  tried(() => ip('link', 'del', BRIDGE));
  for (const at of [0, 1]) tried(() => ip('link', 'del', `${PREFIX}v${at}`));
  tried(() => execFileSync('rmdir', [FILES], { stdio: 'ignore' }));
}

/** From here on the namespace does not reach the server, and it does not notice. It reaches the provider as before. */
export function cutFromServer({ name }: Namespace): void {
  ip('-n', name, 'route', 'add', 'blackhole', `${SERVER_ADDRESS}/32`);
}

export function joinToServer({ name }: Namespace): void {
  tried(() => ip('-n', name, 'route', 'del', 'blackhole', `${SERVER_ADDRESS}/32`));
}

/** What starts a program in the namespace. It becomes that program, so its process id is the program's. */
export function inNamespace({ name }: Namespace): [program: string, ...args: string[]] {
  return ['ip', 'netns', 'exec', name];
}

function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

function tried(what: () => void): void {
  try {
    what();
  } catch {
    // It is not there.
  }
}
