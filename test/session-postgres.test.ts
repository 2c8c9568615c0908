/** A machine at work with records on PostgreSQL: what makes it one, and what ends that. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { whyNotSend } from '../src/pipeline/pass/gate.ts';
import { systemClock } from '../src/platform/clock.ts';
import { openForAsking } from '../src/service/account.ts';
import { openOrMake } from '../src/service/opening.ts';
import { openAlone, settingsOf } from '../src/service/records.ts';
import { type OpenWorkspace, openWorkspace } from '../src/service/workspace.ts';
import type { Store } from '../src/store/port.ts';
import { readAddress } from '../src/store/postgres/address.ts';
import { connect } from '../src/store/postgres/connection.ts';
import { MIGRATIONS, prepareSchema } from '../src/store/postgres/migrations.ts';
import { openStore, type PostgresOptions } from '../src/store/postgres/postgres.ts';
import { endLookUpOnly, lookUpOnly } from '../src/store/store.ts';
import { emptyDatabase, newDatabase, sharedServer } from './support/postgres.ts';
import { lossyWayTo } from './support/postgres-proxy.ts';
import { hasPostgres } from './support/postgres-server.ts';
import { newFile } from './support/records.ts';
import { ALL } from './support/sample.ts';
import { type TestWorkspace, testWorkspace } from './support/workspace.ts';

const PATIENCE = { timeout: 10_000, interval: 20 };
const AT = '2026-11-21T02:00:00.000Z';
/** Asks again at once. */
const clock = { ...systemClock, sleep: () => new Promise<void>((resolve) => setImmediate(resolve)) };

async function open(address: string, options: Partial<PostgresOptions> = {}): Promise<Store> {
  const store = await openStore({ address, clock, ...options });
  onTestFinished(() => store.close());
  return store;
}

const atWork = (name: string, version = '1') => ({ machine: name, atWork: { version } });

async function query<Row>(address: string, text: string): Promise<Row[]> {
  return (await sharedServer()).query<Row>(new URL(address).pathname.slice(1), text);
}

function endSessions(address: string): Promise<unknown> {
  return query(
    address,
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE datname = current_database() AND application_name = 'paydrop machine'`,
  );
}

async function works(workspace: TestWorkspace, address: string): Promise<OpenWorkspace> {
  const env = { ...KEYS, PAYDROP_DATABASE_URL: address };
  const tools = await openWorkspace({ workspace: workspace.root, env, clock: workspace.clock });
  onTestFinished(() => tools.close());
  return tools;
}

const KEYS = { PAYDROP_CLIENT_KEY: 'key', PAYDROP_CLIENT_SECRET: 'secret', PAYDROP_SALT_KEY: 'salt' };
/** Nothing listens there. */
const provider = { baseUrl: 'http://127.0.0.1:9', currencies: ['INR'] };
const onServer = (machine: string, more: object = { provider }) =>
  testWorkspace({ records: 'postgres', machine, ...more });

describe.skipIf(!hasPostgres)('a machine', () => {
  it.runIf(ALL)('that asks nothing for twenty seconds is given up by the server', { timeout: 40_000 }, async () => {
    const address = await newDatabase();
    const stands = vi.spyOn(systemClock, 'sleep').mockImplementation(() => new Promise(() => undefined));
    onTestFinished(() => stands.mockRestore());
    await open(address, atWork('pay-1'));
    const other = await open(address, { machine: 'pay-2' });
    const living = async () => (await other.machines()).filter(({ alive }) => alive).map(({ name }) => name);
    expect(await living()).toEqual(['pay-1']);
    await expect.poll(living, { timeout: 30_000, interval: 500 }).toEqual([]);
  });

  it('sends nothing once it stood still for ten seconds, before it has asked again whether it stands', async () => {
    const store = await open(await newDatabase(), atWork('pay-1'));
    expect(store.mayStillSend()).toBe(true);
    const later = systemClock.monotonic() + 11_000;
    const still = vi.spyOn(systemClock, 'monotonic').mockImplementation(() => later);
    onTestFinished(() => still.mockRestore());
    expect(store.mayStillSend()).toBe(false);
    expect(await store.hindrance()).toBeUndefined();
    expect(store.mayStillSend()).toBe(true);
  });

  it('has a name that no other living machine has', async () => {
    const address = await newDatabase();
    const first = await open(address, atWork('pay-1'));
    await expect(open(address, atWork('pay-1'))).rejects.toMatchObject({
      name: 'UsageError',
      message: expect.stringContaining('a machine named pay-1 is at work with these records'),
    });
    await open(address, atWork('pay-2'));
    await first.close();
    await open(address, atWork('pay-1'));
  });

  it('that comes back before the server has missed it waits for its name', async () => {
    const address = await newDatabase();
    const first = await open(address, atWork('pay-1'));
    let waits = 0;
    const waiting = {
      ...clock,
      sleep: async () => {
        if (++waits === 2) await first.close();
      },
    };
    await open(address, { ...atWork('pay-1'), clock: waiting });
    expect(waits).toBe(2);
  });

  it('learns before each request whether its session has ended', async () => {
    const address = await newDatabase();
    const store = await open(address, atWork('pay-1'));
    expect(await Promise.all([store.hindrance(), store.hindrance(), store.hindrance()])).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    await endSessions(address);
    expect(await store.hindrance()).toContain('its connection to the database has ended');
    expect(await store.hindrance()).toContain('its connection to the database has ended');
  });

  it('gives up what waits for an answer once the server has ended its session', async () => {
    const { sleep } = systemClock;
    const soon = vi.spyOn(systemClock, 'sleep').mockImplementation((ms, signal) => sleep(Math.min(ms, 300), signal));
    onTestFinished(() => soon.mockRestore());
    const address = await newDatabase();
    const way = await lossyWayTo(address);
    onTestFinished(() => way.close());
    const store = await open(way.address, atWork('pay-1'));
    way.loseNextCommit('silent');
    const refused = expect(store.registerFile(newFile('one'))).rejects.toThrow('the last change was not carried out');
    const waits = "SELECT 1 FROM pg_stat_activity WHERE state = 'idle in transaction' AND datname = current_database()";
    await vi.waitUntil(async () => (await query(address, waits)).length > 0, PATIENCE);
    await endSessions(address);
    await refused;
  }, 15_000);

  it('asks again where the answer may be from before a halt', async () => {
    const address = await newDatabase();
    // The second look at the clock, after the first answer, is a minute later.
    let asked = 0;
    const halted = { ...clock, monotonic: () => (++asked > 1 ? 60_000 : 0) };
    const store = await open(address, { ...atWork('pay-1'), clock: halted });
    asked = 0;
    expect(await store.hindrance()).toBeUndefined();
    expect(asked).toBe(4);
  });

  it('that was taken for gone neither claims, nor judges, nor lets go', async () => {
    const address = await newDatabase();
    const store = await open(address, atWork('pay-1'));
    const other = await open(address, atWork('pay-2'));
    await endSessions(address);
    await vi.waitFor(async () => expect((await other.machines()).filter(({ alive }) => alive)).toEqual([]), PATIENCE);
    const third = await open(address, atWork('pay-3'));
    await third.interrupted(1);
    const moment = { at: AT };
    const gone = { name: 'UnavailableError', message: expect.stringContaining('took this one for gone') };
    await expect(store.claim([], moment)).rejects.toMatchObject(gone);
    const change = { id: 1, version: 1, from: 'waiting', to: 'ready' } as const;
    await expect(store.settle({ changes: [change] }, moment)).rejects.toMatchObject(gone);
    await expect(store.hold([{ ...change, from: 'ready', to: 'held' }], moment)).rejects.toMatchObject(gone);
    await expect(store.judging('2026-11-20', async () => 'judged')).rejects.toMatchObject({ name: 'UnavailableError' });
    expect(await store.settle({ changes: [] }, moment)).toEqual({ changes: [], orders: [] });
  });

  it('keeps the tables as they are for as long as it lives: a newer program names it, and waits', async () => {
    const address = await newDatabase();
    const folder = mkdtempSync(join(tmpdir(), 'paydrop-newer-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const path = join(folder, 'newer.sql');
    writeFileSync(path, 'CREATE TABLE newer (id bigint); DROP TABLE newer');
    const newer = [...MIGRATIONS, pathToFileURL(path).href];
    const upgrade = () => prepareSchema(readAddress(address), 'kept', newer);
    const store = await open(address, atWork('pay-1', '0.9'));
    await expect(upgrade()).rejects.toMatchObject({
      name: 'UnavailableError',
      message: expect.stringContaining('stop pay-1 (paydrop 0.9) first'),
    });
    await store.close();
    await upgrade();
    await expect(open(address, atWork('pay-1', '0.9'))).rejects.toThrow(
      `has schema ${newer.length}, and this program knows ${MIGRATIONS.length}`,
    );
  });

  it('does not begin while something is done that must be done alone, which waits for no machine', async () => {
    const workspace = onServer('pay-1');
    const address = await newDatabase();
    vi.stubEnv('PAYDROP_DATABASE_URL', address);
    onTestFinished(() => void vi.unstubAllEnvs());
    const store = await open(address, atWork('pay-2'));
    await expect(openAlone(workspace.root)).rejects.toMatchObject({
      name: 'UnavailableError',
      message: expect.stringContaining('at work with these records: pay-2'),
    });
    await store.close();
    const alone = await openAlone(workspace.root);
    await expect(open(address, atWork('pay-2'))).rejects.toMatchObject({
      name: 'UnavailableError',
      message: expect.stringContaining('is being worked on alone'),
    });
    await alone.close();
    await open(address, atWork('pay-2'));
  });

  it('gives no number that stands in a name on any machine', async () => {
    const address = await newDatabase();
    const one = await open(address, atWork('pay-1'));
    const two = await open(address, atWork('pay-2'));
    await one.skipNumbers({ files: [40], runs: [50] });
    await two.skipNumbers({ files: [3], runs: [] });
    expect(await two.registerFile(newFile('one'))).toMatchObject({ number: 41 });
    expect(await one.startRun('run', '2026-11-21', { at: AT })).toMatchObject({ number: 51 });
  });
});

describe.skipIf(!hasPostgres)('a workspace with records on PostgreSQL', () => {
  it('is worked on by machines with an anchor each: one that joins doubts nothing, one that lost its anchor does', async () => {
    const address = await newDatabase();
    const first = await works(onServer('pay-1'), address);
    await first.store.registerFile(newFile('one'));
    const joining = onServer('pay-2');
    const second = await works(joining, address);
    expect(await lookUpOnly(second.store)).toBeUndefined();
    expect(second.anchor.last()).toEqual(await first.store.auditHead());
    await second.close();
    rmSync(joining.path('data', 'anchor'));
    expect(await lookUpOnly((await works(joining, address)).store)).toContain('the anchor of the audit log is missing');
  });

  it('sends nothing from a machine that doubts the records until they are accepted there, too', async () => {
    const address = await newDatabase();
    const doubting = onServer('pay-1');
    await (await works(doubting, address)).close();
    const other = await works(onServer('pay-2'), address);
    writeFileSync(doubting.path('data', 'anchor'), `99 ${'0'.repeat(64)}\n`);
    const tools = await works(doubting, address);
    const doubt = 'the database is older than its anchor (audit entry 0 of 99): it was restored from a backup';
    expect(await lookUpOnly(other.store)).toBe(`${doubt}; the machine pay-1 found that`);
    expect(await whyNotSend(other)).toContain(
      'the machine pay-1 found that. Nothing is sent until paydrop audit accept',
    );
    await endLookUpOnly(other.store, other.anchor);
    expect(await whyNotSend(other)).toBeUndefined();
    expect(await whyNotSend(tools)).toBe(`${doubt}. Nothing is sent until paydrop audit accept`);
    const { number } = (await tools.store.startRun('run', '2026-11-21', { at: AT })) ?? { number: 0 };
    await tools.store.endRun(number, { at: AT }, { open: [] });
    expect(tools.anchor.last()).toMatchObject({ seq: 99 });
    await endLookUpOnly(tools.store, tools.anchor);
    expect(await whyNotSend(tools)).toBeUndefined();
    expect(tools.anchor.last()).toEqual(await tools.store.auditHead());
  });

  it('is opened again as a new start would, without letting go of its folder', async () => {
    const address = await newDatabase();
    const workspace = onServer('pay-1');
    const tools = await works(workspace, address);
    await endSessions(address);
    await vi.waitFor(async () => expect(await tools.store.hindrance()).toBeDefined(), PATIENCE);
    const again = await tools.reopen();
    expect(await again.store.hindrance()).toBeUndefined();
    await expect(works(workspace, address)).rejects.toThrow('another paydrop is working on');
    await tools.close();
    expect((await (await open(address)).machines()).map(({ name, alive }) => [name, alive])).toEqual([
      ['pay-1', false],
    ]);
  });

  it('is not begun anew where its outbox has reports and the database has nothing', async () => {
    for (const database of [await newDatabase(), await emptyDatabase()]) {
      const workspace = onServer('pay-1');
      const tools = await works(workspace, await newDatabase());
      await tools.close();
      writeFileSync(workspace.path('outbox', 'run.000001.summary.html'), '');
      const opening = openOrMake(settingsOf(workspace.root), { env: { PAYDROP_DATABASE_URL: database } });
      await expect(opening).rejects.toMatchObject({
        name: 'UsageError',
        message: expect.stringMatching(
          /^the database that PAYDROP_DATABASE_URL names has no records, yet .*run\.000001/,
        ),
      });
    }
  });

  it('keeps what is about the folders of one machine apart from those of another', async () => {
    const address = await newDatabase();
    const one = await works(onServer('pay-1'), address);
    const two = await works(onServer('pay-2'), address);
    await one.store.setFact('stuck', 'on pay-1');
    await one.store.setFact('paused', 'on all');
    expect([await two.store.fact('stuck'), await two.store.fact('paused')]).toEqual([undefined, 'on all']);
  });
});

describe.skipIf(!hasPostgres)('the bundled sandbox', () => {
  const alone = (machine: string) => onServer(machine, {});
  const refused = (on: string, here: string) => ({
    name: 'UsageError',
    message: expect.stringMatching(
      new RegExp(`^the bundled sandbox of these records has its ledger on the machine ${on}, so ${here} would pay`),
    ),
  });

  it('is that of one machine, and any other that shares the records is refused', async () => {
    const address = await newDatabase();
    const workspace = alone('pay-1');
    await (await works(workspace, address)).close();
    await expect(works(alone('pay-2'), address)).rejects.toMatchObject(refused('pay-1', 'pay-2'));
    const tools = await works(workspace, address);
    await expect(works(alone('pay-2'), address)).rejects.toMatchObject(refused('pay-1', 'pay-2'));
    const settings = settingsOf(alone('pay-3').root);
    await expect(openForAsking(settings, {}, clock, tools.store)).rejects.toMatchObject(refused('pay-1', 'pay-3'));
    await tools.close();
    const asking = await openForAsking(settingsOf(workspace.root), {}, clock, await open(address));
    await asking.close();
  });

  it('is no machine’s while another one is at work that could make it its own as well', async () => {
    const address = await newDatabase();
    const other = await open(address, atWork('pay-1'));
    await expect(works(alone('pay-2'), address)).rejects.toMatchObject(refused('pay-1', 'pay-2'));
    await other.close();
    await works(alone('pay-2'), address);
  });
});

describe.skipIf(!hasPostgres)('an outbox', () => {
  it('is one machine’s: another is refused, and removes nothing that the first is writing', async () => {
    const address = await newDatabase();
    const first = onServer('pay-1');
    const tools = await works(first, address);
    writeFileSync(first.path('outbox', '.paydrop-half-written'), 'half');
    const second = onServer('pay-2', { provider, outbox: first.path('outbox') });
    const opening = () => works(second, address);
    await expect(opening()).rejects.toMatchObject({
      name: 'UsageError',
      message: `the outbox ${first.path('outbox')} is that of the machine pay-1 (its workspace ${first.root}): give pay-2 one of its own ("outbox" in paydrop.json); or, if no other machine writes there any more, remove ${first.path('outbox', '.machine')}`,
    });
    expect(existsSync(first.path('outbox', '.paydrop-half-written'))).toBe(true);
    await tools.close();
    await expect(opening()).rejects.toThrow('is that of the machine pay-1');
    await (await works(first, address)).close();
    expect(existsSync(first.path('outbox', '.paydrop-half-written'))).toBe(false);
    rmSync(first.path('outbox', '.machine'));
    await opening();
  });
});

describe.skipIf(!hasPostgres)('a transaction that the server gives up for another', () => {
  it('is begun anew, and both are carried out', async () => {
    const address = await newDatabase();
    await query(address, "INSERT INTO paydrop.facts (name, value) VALUES ('a', '0'), ('b', '0')");
    const db = connect({ address: readAddress(address) });
    onTestFinished(() => db.close());
    let begun = 0;
    let bothBegun = () => {};
    const both = new Promise<void>((resolve) => {
      bothBegun = resolve;
    });
    const raise = (first: string, second: string) =>
      db.writing(async (session) => {
        const add = (name: string) =>
          session.query({ text: `UPDATE facts SET value = value::int + 1 WHERE name = '${name}'` });
        await add(first);
        if (++begun === 2) bothBegun();
        await both;
        await add(second);
      });
    await Promise.all([raise('a', 'b'), raise('b', 'a')]);
    expect(begun).toBeGreaterThan(2);
    expect(await query(address, "SELECT value FROM paydrop.facts WHERE name IN ('a', 'b')")).toEqual([
      { value: '2' },
      { value: '2' },
    ]);
  });
});
