/** `/healthz` and `/readyz` of a service that runs. */
import { renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { healthRoute } from '../src/service/health.ts';
import type { WebRequest } from '../src/service/http.ts';
import { openSite } from '../src/service/site.ts';
import { beginLookUpOnly } from '../src/store/store.ts';
import { builtProgram, type Running } from './support/cli.ts';
import { instruction, instructions, ORDERS, type TestWorkspace, testWorkspace } from './support/workspace.ts';

const program = builtProgram();
const PATIENCE = { timeout: 15_000, interval: 20 };
const MINUTE = 60_000;

interface Watched extends Running {
  /** Status and body. */
  ask(path: string): Promise<string>;
}

async function watched({ root }: TestWorkspace): Promise<Watched> {
  const service = program.start(['watch', '--workspace', root]);
  await service.says('serving over HTTP');
  const url = /"url":"([^"]+)"/.exec(service.stderr())?.[1] ?? '';
  const ask = async (path: string) => {
    const answer = await fetch(url + path);
    return `${answer.status} ${await answer.text()}`;
  };
  return { ...service, ask };
}

const served = () => testWorkspace({ http: { listen: '127.0.0.1:0' } });

describe('a service that runs', () => {
  it('is well and ready, and nothing else is there', async () => {
    const { ask } = await watched(served());
    expect(await ask('/healthz')).toBe('200 ok\n');
    expect(await ask('/readyz')).toBe('200 ready\n');
    expect(await ask('/nothing')).toBe('404 not found\n');
  });

  it('is well and not ready while its inbox is away', async () => {
    const workspace = served();
    const { ask } = await watched(workspace);
    renameSync(workspace.path('inbox'), workspace.path('elsewhere'));
    writeFileSync(workspace.path('inbox'), '');
    await vi.waitFor(async () => expect(await ask('/readyz')).toBe('503 the inbox can not be read\n'), PATIENCE);
    expect(await ask('/healthz')).toBe('200 ok\n');
  });

  it('ends well while a peer holds a connection', async () => {
    const { ask, process, ended } = await watched(served());
    await ask('/healthz');
    process.kill('SIGTERM');
    expect((await ended).status).toBe(0);
  });

  it('does not begin where its port is taken, and says so in one sentence', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void taken.close());
    await new Promise((resolve) => taken.once('listening', resolve));
    const { port } = taken.address() as { port: number };
    const { root } = testWorkspace({ http: { listen: `127.0.0.1:${port}` } });
    const { status, stderr } = await program.run(['watch', '--workspace', root]);
    expect(status).toBe(3);
    expect(stderr).toContain(`another program listens at 127.0.0.1:${port} already; end it, or name another port`);
  });
});

describe('what is asked of a service', () => {
  const request = (path: string): WebRequest => ({
    method: 'GET',
    url: new URL(path, 'http://localhost'),
    headers: {},
    body: async () => Buffer.alloc(0),
    gone: new AbortController().signal,
  });
  const LOG = { info: () => undefined, warn: () => undefined, error: () => undefined };

  async function opened(workspace: TestWorkspace) {
    const tools = await workspace.open();
    onTestFinished(() => tools.close());
    const site = openSite({ ...tools, log: LOG }, () => undefined);
    const route = healthRoute(site);
    const ask = async (path: string) => (await route(request(path)))?.body;
    return { tools, site, ask };
  }

  it('is answered as still after a quarter of an hour without any progress', async () => {
    const workspace = testWorkspace();
    const { site, ask, tools } = await opened(workspace);
    const told = site.opened(tools);
    workspace.clock.advance(15 * MINUTE);
    told.progress.report('sending payouts', 1);
    workspace.clock.advance(15 * MINUTE);
    expect(await ask('/healthz')).toBe('ok\n');
    workspace.clock.advance(MINUTE);
    expect(await ask('/healthz')).toBe('the service has not got on for 960 seconds\n');
    site.progressed();
    expect(await ask('/healthz')).toBe('ok\n');
  });

  it('is not ready without its records', async () => {
    const { site, ask, tools } = await opened(testWorkspace());
    expect(await ask('/readyz')).toBe('the records are out of reach\n');
    site.opened(tools);
    expect(await ask('/readyz')).toBe('ready\n');
    site.gone();
    expect(await ask('/readyz')).toBe('the records are out of reach\n');
  });

  it('is not ready while its records are in doubt, and names none of them', async () => {
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', instructions(instruction('P1')));
    await workspace.pass();
    const { site, ask, tools } = await opened(workspace);
    site.opened(tools);
    await beginLookUpOnly(tools.store, 'they were restored by other means');
    expect(await ask('/readyz')).toBe('the records are in doubt: payouts are only looked up\n');
  });
});
