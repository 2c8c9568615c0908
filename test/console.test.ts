/** The console over the wire: who may see and do what, and what must fail. */
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { personWith } from '../fixtures/people.ts';
import { pass } from '../src/pipeline/pass.ts';
import { systemClock } from '../src/platform/clock.ts';
import { Sqlite as Database } from '../src/store/sqlite/connection.ts';
import { fieldIn, openConsole, type TestConsole } from './support/console.ts';
import { dropped, PAYS, row } from './support/held.ts';
import { sampled } from './support/sample.ts';
import { sent } from './support/wire.ts';
import {
  API_FILES,
  instruction,
  instructions,
  madeOnce,
  ONE_PASS,
  ORDERS,
  type TestWorkspace,
  testWorkspace,
} from './support/workspace.ts';

const HOLD_ALL = { control: { approvals: [{ from: { INR: '0.01' }, people: 1 }] } };
const PEOPLE = {
  ...HOLD_ALL,
  people: {
    anna: personWith('anna', { may: ['approve', 'settle'] }),
    ben: personWith('ben'),
    carl: personWith('carl'),
  },
};

const ROWS = [row('P1', '100.00'), row('P2', '200.00')];
const twoHeld = madeOnce(() => passed(HOLD_ALL, ROWS));

async function passed(settings: object, rows: readonly string[]): Promise<TestWorkspace> {
  const workspace = dropped(settings, ...rows);
  await workspace.pass();
  return workspace;
}

function withHeld(settings: object = HOLD_ALL, ...rows: string[]): Promise<TestWorkspace> {
  return settings === HOLD_ALL && rows.length === 0 ? twoHeld() : passed(settings, rows.length === 0 ? ROWS : rows);
}

const WHY = { reason: 'compared with the invoice' };

async function statusOf({ tools }: TestConsole, instructionRef: string): Promise<string | undefined> {
  const [found] = await tools.store.findInstructions([{ customerRef: 'C1', orderRef: 'O1', instructionRef }]);
  return found?.status;
}

async function decided({ tools }: TestConsole, instructionRef: string): Promise<Record<string, unknown>> {
  const [found] = await tools.store.findInstructions([{ customerRef: 'C1', orderRef: 'O1', instructionRef }]);
  const history = await tools.store.historyOf(found?.id ?? 0);
  return JSON.parse(history.findLast(({ body }) => JSON.parse(body).by !== undefined)?.body ?? '{}');
}

describe('a link', () => {
  it('signs a person in once, for eight hours, with a cookie that no script and no other site can use', async () => {
    const console = await openConsole(testWorkspace());
    const link = await console.link('anna');
    const page = await (await fetch(link)).text();
    expect(page).toContain('signs you in as <strong><bdi>anna</bdi></strong>');
    const token = fieldIn(page, 'token');
    const first = await console.send('', '/sign-in', { token });
    expect([first.status, first.headers.get('location')]).toEqual([303, '/']);
    expect(first.headers.get('set-cookie')).toMatch(
      /^__Host-paydrop=[\w-]{43}; Path=\/; Secure; HttpOnly; SameSite=Strict; Max-Age=28800$/,
    );
    const again = await console.send('', '/sign-in', { token });
    expect([again.status, again.headers.get('set-cookie')]).toEqual([403, null]);
    expect(await again.text()).toContain('was used, is too old, or was never made');
    expect((await fetch(link)).status).toBe(403);
    expect(console.logged.join()).not.toContain(token);
  });

  it('is refused when it is late', async () => {
    const workspace = testWorkspace();
    const console = await openConsole(workspace);
    const token = new URL(await console.link('anna')).searchParams.get('token') ?? '';
    workspace.clock.advance(10 * 60_000);
    expect((await console.send('', '/sign-in', { token })).status).toBe(403);
  });

  it('is not kept, nor is the session: only their digests are', async () => {
    const workspace = await withHeld();
    const console = await openConsole(workspace);
    const token = new URL(await console.link('anna')).searchParams.get('token') ?? '';
    const cookie = await console.signedIn('anna');
    const files = ['paydrop.db', 'paydrop.db-wal'].map((name) => workspace.path('data', name)).filter(existsSync);
    const bytes = files.map((path) => readFileSync(path, 'latin1')).join();
    expect(bytes).not.toContain(token);
    expect(bytes).not.toContain(cookie.split('=')[1]);
  });

  it.each([
    ['of nobody in the settings', 'stranger', 'names no such person'],
    ['of another person than who has signed', 'ben', "none of ben's in the settings"],
  ] as const)('%s is not made', async (_, person, why) => {
    const console = await openConsole(testWorkspace(PEOPLE));
    const { signedLinkFor } = await import('../src/service/sign-in.ts');
    const { signatureOf } = await import('../fixtures/people.ts');
    const asking = { ...console.tools, settings: console.tools.settings };
    const made = signedLinkFor(asking, person, async (bytes) => Buffer.from(signatureOf(bytes, 'anna')));
    await expect(made).rejects.toThrow(why);
  });
});

describe('a session', () => {
  it('sees nothing without its cookie, and nothing any more once it has ended', async () => {
    const workspace = await withHeld();
    const console = await openConsole(workspace);
    for (const path of ['/', '/held', '/search', '/payout?ref=C1/O1/P1', '/reports/index.html', '/settings'])
      expect([path, (await fetch(new URL(path, console.url))).status]).toEqual([path, 403]);
    const cookie = await console.signedIn('anna');
    expect(await console.page(cookie, '/held')).toContain('P1');
    const out = await console.send(cookie, '/sign-out', {});
    expect(out.headers.get('set-cookie')).toContain('Max-Age=0');
    expect(await console.page(cookie, '/held')).not.toContain('P1');
    const other = await console.signedIn('anna');
    workspace.clock.advance(8 * 3_600_000);
    expect(await console.page(other, '/held')).toContain('Not signed in');
  });

  it.each([
    ['leaves the people', { people: { ben: personWith('ben') } }],
    ['has another key', { people: { anna: personWith('stranger') } }],
    ['is named, and nobody else, where there were none before', { people: {} }],
  ])('ends when its person %s', async (_, change) => {
    const workspace = await withHeld(PEOPLE);
    const console = await openConsole(workspace);
    const cookie = await console.signedIn('anna');
    const version = fieldIn(await console.page(cookie, '/held'), 'payout');
    const settings = JSON.parse(readFileSync(workspace.path('paydrop.json'), 'utf8'));
    writeFileSync(workspace.path('paydrop.json'), JSON.stringify({ ...settings, ...change }));
    const answer = await console.send(cookie, '/decide', { payout: version, word: 'yes', ...WHY });
    expect(answer.status).toBe(403);
    expect(await statusOf(console, 'P1')).toBe('held');
    expect(await console.page(cookie, '/held')).not.toContain('P1');
  });

  it('that nobody has signed ends when the settings name people', async () => {
    const workspace = await withHeld();
    const console = await openConsole(workspace);
    const cookie = await console.signedIn('anna');
    const settings = JSON.parse(readFileSync(workspace.path('paydrop.json'), 'utf8'));
    writeFileSync(workspace.path('paydrop.json'), JSON.stringify({ ...settings, ...PEOPLE }));
    expect(await console.page(cookie, '/held')).toContain('Not signed in');
  });

  it('that is only written into the records, and that no key has signed, is none', async () => {
    const console = await openConsole(await withHeld(PEOPLE));
    const { sha256 } = await import('../src/platform/digest.ts');
    const statement = '{"format":"paydrop sign-in","person":"anna"}';
    await console.tools.store.keepSignIn({
      ...{ link: sha256('link'), person: 'anna', account: '', statement, signature: 'none' },
      ...{ madeAt: '2026-03-02T00:00:00.000Z', expiresAt: '2027-03-02T00:00:00.000Z' },
    });
    expect((await console.send('', '/sign-in', { token: 'link' })).status).toBe(403);
    await console.tools.store.openSession(
      sha256('link'),
      sha256('s'),
      '2026-03-02T00:00:00.000Z',
      '2027-01-01T00:00:00.000Z',
    );
    expect(await console.page('__Host-paydrop=s', '/held')).toContain('Not signed in');
  });

  it('that is opened again in the records counts no longer than its person has signed for', async () => {
    const workspace = await withHeld(PEOPLE);
    const console = await openConsole(workspace);
    const { sha256 } = await import('../src/platform/digest.ts');
    const started = workspace.clock.now();
    await console.send(await console.signedIn('anna'), '/sign-out', {});
    const db = new Database(workspace.path('data', 'paydrop.db'));
    const forging = db.prepare("UPDATE sign_ins SET session = ?, opened_at = '2020-01-01', ends_at = '2099-01-01'");
    expect(forging.run(sha256('x')).changes).toBe(1);
    db.close();
    const forged = '__Host-paydrop=x';
    const reach = async (at: number) => {
      workspace.clock.setWall(new Date(at).toISOString());
      return (await console.page(forged, '/held')).includes('P1');
    };
    const signedForMs = 10 * 60_000 + 8 * 3_600_000;
    expect(await reach(started + signedForMs - 1)).toBe(true);
    const payout = fieldIn(await console.page(forged, '/held'), 'payout');
    expect(await reach(started + signedForMs)).toBe(false);
    expect(await reach(started - 1)).toBe(false);
    expect((await console.send(forged, '/decide', { payout, word: 'yes', ...WHY })).status).toBe(403);
    expect(await statusOf(console, 'P1')).toBe('held');
  });
});

describe('a decision', () => {
  it('is that of the command, by the person who is signed in', async () => {
    const console = await openConsole(await withHeld());
    const cookie = await console.signedIn('anna');
    const payout = fieldIn(await console.page(cookie, '/payout?ref=C1/O1/P1'), 'payout');
    const yes = await console.send(cookie, '/decide', { payout, word: 'yes', ...WHY, ticket: 'FIN-12' });
    expect([yes.status, yes.headers.get('location')]).toEqual([303, '/held?done=approved']);
    expect(await statusOf(console, 'P1')).toBe('ready');
    expect(await decided(console, 'P1')).toMatchObject({
      ...{ type: 'approved', by: 'anna', reason: WHY.reason, ticket: 'FIN-12', account: 'account of anna' },
    });
    expect(console.woken()).toBe(1);
    const other = fieldIn(await console.page(cookie, '/held'), 'payout');
    await console.send(cookie, '/decide', { payout: other, word: 'no', ...WHY });
    expect(await statusOf(console, 'P2')).toBe('cancelled');
  });

  it('is judged as signed where the settings name people: with the key, and the signature of the session', async () => {
    const console = await openConsole(await withHeld(PEOPLE));
    const cookie = await console.signedIn('anna');
    const payout = fieldIn(await console.page(cookie, '/held'), 'payout');
    expect((await console.send(cookie, '/decide', { payout, word: 'yes', ...WHY })).status).toBe(303);
    expect(await decided(console, 'P1')).toMatchObject({
      ...{
        type: 'approved',
        by: 'anna',
        key: expect.stringMatching(/^SHA256:/),
        signature: expect.stringMatching(/^[0-9a-f]{64}$/),
      },
    });
    expect(await statusOf(console, 'P1')).toBe('ready');
  });

  it.each([
    [
      'a person who may not',
      { people: { carl: personWith('carl'), ben: personWith('ben', { may: ['settle'] }) } },
      'ben',
      'ben may not approve',
    ],
    [
      'more than the person may',
      { people: { carl: personWith('carl'), ben: personWith('ben', { upTo: { INR: '50.00' } }) } },
      'ben',
      'more than ben may decide',
    ],
    [
      'a file of their own',
      { people: { carl: personWith('carl'), ben: personWith('ben') } },
      'carl',
      'carl dropped payouts.csv',
    ],
  ] as const)('of %s changes nothing, and says why', async (_, people, person, why) => {
    const console = await openConsole(await withHeld({ ...HOLD_ALL, ...people }));
    const cookie = await console.signedIn(person);
    const payout = fieldIn(await console.page(cookie, '/held'), 'payout');
    const answer = await console.send(cookie, '/decide', { payout, word: 'yes', ...WHY });
    expect(answer.status).toBe(409);
    expect(await answer.text()).toContain(why);
    expect(await statusOf(console, 'P1')).toBe('held');
  });

  it('is for what was seen: what has moved on since is told, and nothing is done twice', async () => {
    const twice = { control: { approvals: [{ from: { INR: '0.01' }, people: 2 }] } };
    const console = await openConsole(await withHeld(twice));
    const [anna, ben] = [await console.signedIn('anna'), await console.signedIn('ben')];
    const seen = fieldIn(await console.page(anna, '/held'), 'payout');
    const first = await console.send(anna, '/decide', { payout: seen, word: 'yes', ...WHY });
    expect(first.status).toBe(303);
    for (const cookie of [anna, ben]) {
      const again = await console.send(cookie, '/decide', { payout: seen, word: 'yes', ...WHY });
      expect(again.status).toBe(409);
      expect(await again.text()).toContain('it moved on meanwhile, and nothing was decided');
    }
    const now = fieldIn(await console.page(ben, '/held'), 'payout');
    expect((await console.send(anna, '/decide', { payout: now, word: 'yes', ...WHY })).status).toBe(409);
    expect((await console.send(ben, '/decide', { payout: now, word: 'yes', ...WHY })).status).toBe(303);
    expect(await statusOf(console, 'P1')).toBe('ready');
  });

  it.each(
    sampled(
      [
        ['no reason', { reason: ' ' }, 'say why'],
        ['a line end in the reason', { reason: 'a\r\nset-cookie: b=c' }, 'without control characters'],
        ['a reason that is too long', { reason: 'x'.repeat(1_001) }, 'at most 1000 characters'],
        ['nothing ticked', { ...WHY, payout: '' }, 'moved on meanwhile'],
        ['no word', { ...WHY, word: 'maybe' }, 'no form of the console'],
      ],
      2,
    ),
  )('with %s is refused', async (_, change, why) => {
    const console = await openConsole(await withHeld());
    const cookie = await console.signedIn('anna');
    const payout = fieldIn(await console.page(cookie, '/held'), 'payout');
    const answer = await console.send(cookie, '/decide', { payout, word: 'yes', ...change });
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(await answer.text()).toContain(why);
    expect(await statusOf(console, 'P1')).toBe('held');
  });

  it('pauses and resumes the sending, once', async () => {
    const workspace = await withHeld({});
    const console = await openConsole(workspace);
    const cookie = await console.signedIn('anna');
    const version = fieldIn(await console.page(cookie, '/'), 'version');
    expect((await console.send(cookie, '/pause', { version, ...WHY })).status).toBe(303);
    expect(await console.tools.store.fact('paused')).toContain('paused by anna at');
    expect((await console.send(cookie, '/pause', { version, ...WHY })).status).toBe(409);
    const page = await console.page(cookie, '/');
    expect(page).toContain('Sending is paused by anna');
    expect((await console.send(cookie, '/resume', { version: fieldIn(page, 'version'), ...WHY })).status).toBe(303);
    expect(await console.tools.store.fact('paused')).toBe('');
  });
});

describe('a payout that needs a person', () => {
  const SETTLING = {
    people: { anna: personWith('anna', { may: ['settle'] }), carl: personWith('carl', { may: ['settle'] }) },
  };

  async function failed(settings: object = {}, refs: readonly string[] = ['P1']): Promise<TestConsole> {
    const workspace = dropped(settings, ...refs.map((ref) => row(ref, '100.00')));
    const faults = { fates: [{ fate: 'failed' as const }] };
    await workspace.pass({ faults });
    workspace.clock.advance(60_000);
    await workspace.pass({ faults });
    return openConsole(workspace);
  }

  async function manual(settings: object = {}): Promise<TestConsole> {
    const workspace = dropped(settings, row('P1', '100.00'));
    await workspace.pass({ faults: PAYS });
    const console = await openConsole(workspace);
    const [payout] = await console.tools.store.findInstructions([
      { customerRef: 'C1', orderRef: 'O1', instructionRef: 'P1' },
    ]);
    const { id = 0, version = 0, status } = payout ?? {};
    await console.tools.store.apply([{ id, version, from: status ?? 'paid', to: 'manual', message: 'unclear' }], {
      at: '2026-03-02T01:00:00.000Z',
    });
    return console;
  }

  const versionOf = async (console: TestConsole, cookie: string, action: string, ref = 'P1') =>
    fieldIn(await console.page(cookie, `/payout?ref=C1/O1/${ref}`), 'version', `action="/${action}"`);

  it('is paid again after the provider was asked, once', async () => {
    const console = await failed();
    const cookie = await console.signedIn('anna');
    expect(await console.page(cookie, '/needs?status=failed')).toContain('P1');
    const version = await versionOf(console, cookie, 'retry');
    const fields = { ref: 'C1/O1/P1', version, ...WHY };
    expect((await console.send(cookie, '/retry', fields)).status).toBe(303);
    expect(await statusOf(console, 'P1')).toBe('ready');
    expect(await decided(console, 'P1')).toMatchObject({ by: 'anna', from: 'failed', to: 'ready' });
    const again = await console.send(cookie, '/retry', fields);
    expect([again.status, await again.text()]).toEqual([409, expect.stringContaining('it moved on meanwhile')]);
  });

  function gate() {
    let open = (): void => undefined;
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    return { open, opened };
  }

  /** A look-up that the provider has got and answers when told to, and when the console stops waiting for it. */
  function hangingProvider(console: TestConsole) {
    const [asked, answered, late] = [gate(), gate(), gate()];
    const { lookUp } = console.tools.provider;
    let heard: Promise<unknown> = Promise.resolve();
    Object.assign(console.tools.provider, {
      lookUp: (ref: Parameters<typeof lookUp>[0]) => {
        asked.open();
        const answer = answered.opened.then(() => lookUp(ref));
        heard = answer;
        return answer;
      },
    });
    const sleep = systemClock.sleep;
    const sleeping = vi
      .spyOn(systemClock, 'sleep')
      .mockImplementation((ms, signal) => (ms === 20_000 ? late.opened : sleep(ms, signal)));
    onTestFinished(() => sleeping.mockRestore());
    return {
      asked: asked.opened,
      isLate: late.open,
      answer: async () => {
        answered.open();
        await heard;
      },
    };
  }

  it('is not paid again where the provider hangs, and an answer that comes later decides nothing', async () => {
    const console = await failed();
    const cookie = await console.signedIn('anna');
    const fields = { ref: 'C1/O1/P1', version: await versionOf(console, cookie, 'retry'), ...WHY };
    const provider = hangingProvider(console);
    const answers: [number, string][] = [];
    const retry = async () => {
      const answer = await console.send(cookie, '/retry', fields);
      answers.push([answer.status, await answer.text()]);
    };
    const both = Promise.all([retry(), provider.asked.then(retry)]);
    await provider.asked;
    provider.isLate();
    await vi.waitFor(() => expect(answers).toHaveLength(2), { timeout: 10_000 });
    await both;
    for (const answer of answers) expect(answer).toEqual([409, expect.stringContaining('nothing was decided')]);
    await provider.answer();
    await console.page(cookie, '/');
    expect(await statusOf(console, 'P1')).toBe('failed');
    expect((await console.send(cookie, '/close', fields)).status).toBe(303);
  });

  it('holds up no pause while the provider is asked', async () => {
    const console = await failed();
    const cookie = await console.signedIn('anna');
    const fields = { ref: 'C1/O1/P1', version: await versionOf(console, cookie, 'retry'), ...WHY };
    const version = fieldIn(await console.page(cookie, '/'), 'version');
    const provider = hangingProvider(console);
    const retry = console.send(cookie, '/retry', fields);
    await provider.asked;
    const pausing = console.send(cookie, '/pause', { version, ...WHY });
    await vi.waitFor(async () => expect(await console.tools.store.fact('paused')).toContain('paused by anna at'));
    expect((await pausing).status).toBe(303);
    const paused = fieldIn(await console.page(cookie, '/'), 'version');
    expect((await console.send(cookie, '/resume', { version: paused, ...WHY })).status).toBe(303);
    await provider.answer();
    expect((await retry).status).toBe(303);
    expect(await statusOf(console, 'P1')).toBe('ready');
  });

  it('holds up no decision about another while the provider is asked', async () => {
    const console = await failed({}, ['P1', 'P2']);
    const cookie = await console.signedIn('anna');
    const fields = { ref: 'C1/O1/P1', version: await versionOf(console, cookie, 'retry'), ...WHY };
    const other = { ref: 'C1/O1/P2', version: await versionOf(console, cookie, 'close', 'P2'), ...WHY };
    const provider = hangingProvider(console);
    const retry = console.send(cookie, '/retry', fields);
    await provider.asked;
    const closing = console.send(cookie, '/close', other);
    await vi.waitFor(async () => expect(await decided(console, 'P2')).toMatchObject({ by: 'anna', type: 'closed' }));
    expect((await closing).status).toBe(303);
    await provider.answer();
    expect((await retry).status).toBe(303);
    expect(await statusOf(console, 'P1')).toBe('ready');
  });

  it('is closed, once', async () => {
    const console = await failed();
    const cookie = await console.signedIn('anna');
    const fields = { ref: 'C1/O1/P1', version: await versionOf(console, cookie, 'close'), ...WHY };
    expect((await console.send(cookie, '/close', fields)).status).toBe(303);
    expect((await console.send(cookie, '/close', fields)).status).toBe(409);
    expect(await decided(console, 'P1')).toMatchObject({ by: 'anna', type: 'closed' });
  });

  it('is resolved, once', async () => {
    const console = await manual();
    const cookie = await console.signedIn('anna');
    const fields = { ref: 'C1/O1/P1', version: await versionOf(console, cookie, 'resolve'), ...WHY };
    expect((await console.send(cookie, '/resolve', { ...fields, paid: 'perhaps' })).status).toBe(409);
    expect((await console.send(cookie, '/resolve', { ...fields, paid: 'no' })).status).toBe(303);
    expect(await statusOf(console, 'P1')).toBe('failed');
    expect((await console.send(cookie, '/resolve', { ...fields, paid: 'yes' })).status).toBe(409);
    expect(await statusOf(console, 'P1')).toBe('failed');
  });

  it('is settled by who may settle it alone, with the key and the signature of the session', async () => {
    const console = await manual(SETTLING);
    const [anna, carl] = [await console.signedIn('anna'), await console.signedIn('carl')];
    const fields = { ref: 'C1/O1/P1', version: await versionOf(console, anna, 'resolve'), paid: 'yes', ...WHY };
    const own = await console.send(carl, '/resolve', fields);
    expect([own.status, await own.text()]).toEqual([409, expect.stringContaining('carl dropped payouts.csv')]);
    expect((await console.send(anna, '/resolve', fields)).status).toBe(303);
    expect(await decided(console, 'P1')).toMatchObject({
      ...{ by: 'anna', key: expect.stringMatching(/^SHA256:/), signature: expect.stringMatching(/^[0-9a-f]{64}$/) },
    });
  });
});

describe('a form', () => {
  const from = (headers: Record<string, string>) => headers;

  it.each(
    sampled(
      [
        ['of another port of this machine', from({ 'sec-fetch-site': 'same-site', origin: 'http://127.0.0.1:1' })],
        ['of another port, that hides its origin', from({ 'sec-fetch-site': 'same-site', origin: 'null' })],
        ['of another site', from({ 'sec-fetch-site': 'cross-site', origin: 'https://example.com' })],
        ['that says nothing of where it comes from', from({})],
        ['of a browser that says nothing but another origin', from({ origin: 'http://127.0.0.1:1' })],
        ['of a browser that says nothing but no origin', from({ origin: 'null' })],
        ['that says two things', from({ 'sec-fetch-site': 'same-origin', origin: 'https://example.com' })],
      ],
      2,
    ),
  )('%s does nothing, though the cookie comes with it', async (_, headers) => {
    const console = await openConsole(await withHeld());
    const cookie = await console.signedIn('anna');
    const held = await console.page(cookie, '/held');
    const version = fieldIn(await console.page(cookie, '/'), 'version');
    const payout = fieldIn(held, 'payout');
    for (const [path, fields] of [
      ['/decide', { payout, word: 'yes' }],
      ['/pause', { version }],
      ['/sign-out', {}],
    ] as const)
      expect((await console.send(cookie, path, { ...fields, ...WHY }, headers)).status).toBe(403);
    expect(await statusOf(console, 'P1')).toBe('held');
    expect(await console.tools.store.fact('paused')).toBeUndefined();
    expect(await console.page(cookie, '/held')).toBe(held);
  });

  it.each([
    ['a person at the browser', () => from({ 'sec-fetch-site': 'none' })],
    ['a page of the console with the origin alone', ({ url }: TestConsole) => from({ origin: url.origin })],
  ])('of %s is taken', async (_, headers) => {
    const console = await openConsole(await withHeld());
    const cookie = await console.signedIn('anna');
    const version = fieldIn(await console.page(cookie, '/'), 'version');
    expect((await console.send(cookie, '/pause', { version, ...WHY }, headers(console))).status).toBe(303);
  });

  it('of another kind, or too large, does nothing', async () => {
    const console = await openConsole(await withHeld());
    const cookie = await console.signedIn('anna');
    const version = fieldIn(await console.page(cookie, '/'), 'version');
    const post = (body: string, type: string) =>
      fetch(new URL('/pause', console.url), {
        ...{ method: 'POST', body },
        headers: { cookie, 'content-type': type, 'sec-fetch-site': 'same-origin' },
      });
    expect((await post(JSON.stringify({ version, ...WHY }), 'application/json')).status).toBe(400);
    expect(
      (await post(`version=${version}&reason=${'x'.repeat(200_000)}`, 'application/x-www-form-urlencoded')).status,
    ).toBe(400);
    expect(await console.tools.store.fact('paused')).toBeUndefined();
  });

  it('that comes slowly holds up no other', async () => {
    const console = await openConsole(await withHeld());
    const cookie = await console.signedIn('anna');
    const payout = fieldIn(await console.page(cookie, '/held'), 'payout');
    const body = new URLSearchParams({ payout, word: 'no', ...WHY }).toString();
    const come = vi.spyOn(console.tools.store, 'session');
    const slow = request(new URL('/decide', console.url), {
      method: 'POST',
      headers: {
        ...{ cookie, 'sec-fetch-site': 'same-origin', 'content-length': body.length },
        'content-type': 'application/x-www-form-urlencoded',
      },
    });
    const answered = new Promise<number | undefined>((resolve, reject) => {
      slow.once('response', ({ statusCode }) => resolve(statusCode)).once('error', reject);
    });
    slow.write(body.slice(0, 10));
    await vi.waitFor(() => expect(come).toHaveBeenCalledOnce());
    expect((await console.send(cookie, '/decide', { payout, word: 'yes', ...WHY })).status).toBe(303);
    slow.end(body.slice(10));
    expect(await answered).toBe(409);
    expect(await statusOf(console, 'P1')).toBe('ready');
  });

  it('is never a page that is only asked for', async () => {
    const console = await openConsole(await withHeld());
    const cookie = await console.signedIn('anna');
    for (const path of ['/decide', '/pause', '/resume', '/retry', '/resolve', '/close', '/close-file', '/sign-out']) {
      const answer = await fetch(new URL(`${path}?reason=x`, console.url), { headers: { cookie } });
      expect([path, answer.status]).toEqual([path, 405]);
    }
  });
});

describe('another name', () => {
  it('is not served, and a form under it does nothing: a page that has its name lead here learns and changes nothing', async () => {
    const console = await openConsole(await withHeld());
    const cookie = await console.signedIn('anna');
    const version = fieldIn(await console.page(cookie, '/'), 'version');
    const body = `version=${version}&reason=rebound`;
    const head = `Host: rebound.example:${console.url.port}\r\nCookie: ${cookie}\r\nConnection: close\r\n`;
    const page = await sent(console.url, `GET /held HTTP/1.1\r\n${head}\r\n`);
    expect(page).toMatch(/^HTTP\/1\.1 421 /);
    expect(page).not.toContain('P1');
    const form = 'Content-Type: application/x-www-form-urlencoded\r\n';
    const posted = await sent(
      console.url,
      `POST /pause HTTP/1.1\r\n${head}${form}Origin: http://rebound.example:${console.url.port}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    expect(posted).toMatch(/^HTTP\/1\.1 421 /);
    expect(await console.tools.store.fact('paused')).toBeUndefined();
  });
});

describe('every answer', () => {
  it('lets nothing in but its own style, nothing around it, and is kept nowhere', async () => {
    const console = await openConsole(await withHeld());
    const cookie = await console.signedIn('anna');
    for (const path of [
      '/',
      '/held',
      '/search',
      '/files',
      '/runs',
      '/machines',
      '/settings',
      '/needs',
      '/payout?ref=C1/O1/P1',
    ]) {
      const { status, headers } = await fetch(new URL(path, console.url), { headers: { cookie } });
      expect([path, status]).toEqual([path, 200]);
      expect(headers.get('content-security-policy')).toContain(
        "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'",
      );
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('referrer-policy')).toBe('no-referrer');
      expect(headers.get('cache-control')).toBe('no-store');
    }
  });

  it('has no markup in it but its own, whatever a file or the provider says', async () => {
    const evil = '<img src=x onerror=alert(1)>"\'</td><form action=/pause method=post>\u202Eevil';
    const workspace = testWorkspace({ control: { newPayees: 'hold' } });
    workspace.drop(
      'orders.csv',
      'customerRef,orderRef,currency,country,scheme\nC1,O1,INR,IN,0b9f8a52-5d0c-4a57-9f0e-3a4f6c1d2e70\n',
    );
    const cell = `"${evil.replaceAll('"', '""')}"`;
    workspace.drop(
      '<b>pay<b>.csv',
      `customerRef,orderRef,instructionRef,amount,openDate,dueDate,contactId,narration,remark\nC1,O1,P1,100.00,2026-03-02,2026-03-05,${cell.replace('\u202E', '')},${cell.replace('\u202E', '')},r\n${cell},O1,P2,1,2026-03-02,2026-03-05,a,b,c\n`,
    );
    await workspace.pass();
    const console = await openConsole(workspace);
    const cookie = await console.signedIn('anna');
    const reason = { reason: '<script>alert(2)</script>' };
    await console.send(cookie, '/decide', {
      payout: fieldIn(await console.page(cookie, '/held'), 'payout'),
      word: 'no',
      ...reason,
    });
    const asked = encodeURIComponent(evil);
    for (const path of [
      ...[
        '/',
        '/held',
        '/files',
        '/file?number=2',
        '/search',
        `/search?payee=${asked}&amount=${asked}`,
        `/explain?code=${asked}`,
      ],
      ...[
        `/payout?ref=${asked}`,
        '/payout?ref=C1/O1/P1',
        `/?done=${asked}`,
        `/sign-in?token=${asked}`,
        `/reports/${asked}`,
      ],
    ]) {
      const page = await console.page(cookie, path);
      expect(page).not.toMatch(/<img|<script|<b>pay|<form action=\/pause|\u202E/);
    }
    expect(await console.page(cookie, '/payout?ref=C1/O1/P1')).toContain('&lt;script&gt;alert(2)');
  });

  it('leads to no file but the reports', async () => {
    const workspace = await withHeld();
    const console = await openConsole(workspace);
    const cookie = await console.signedIn('anna');
    writeFileSync(workspace.path('outbox', '.machine.json'), 'hidden');
    symlinkSync(workspace.path('paydrop.json'), workspace.path('outbox', 'link.json'));
    mkdirSync(workspace.path('outbox', 'folder.json'));
    const at = (name: string) =>
      sent(
        console.url,
        `GET /reports/${name} HTTP/1.1\r\nHost: ${console.url.host}\r\nCookie: ${cookie}\r\nConnection: close\r\n\r\n`,
      );
    expect(await at('index.html')).toMatch(/^HTTP\/1\.1 200 /);
    for (const name of [
      ...[
        '../paydrop.json',
        '..%2fpaydrop.json',
        '%2e%2e/paydrop.json',
        '..%5cpaydrop.json',
        '/etc/passwd',
        '%00.json',
      ],
      ...['../data/paydrop.db', '.machine.json', 'link.json', 'folder.json', 'nothing.csv', 'index.html%00.csv', ''],
    ])
      expect([name, (await at(name)).slice(9, 12)]).toEqual([name, '404']);
  });

  it('has no header, and the log no line, that a request has written', async () => {
    const console = await openConsole(await withHeld());
    const cookie = await console.signedIn('anna');
    for (const path of [
      '/search?reference=a%0d%0aset-cookie:%20b=c',
      '/payout?ref=%0d%0ax-evil:%201',
      '/?done=%0d%0ax-evil:1',
    ]) {
      const answer = await fetch(new URL(path, console.url), { headers: { cookie } });
      expect(answer.headers.has('x-evil') || answer.headers.has('set-cookie')).toBe(false);
    }
    const fields = { ref: 'C1/O1/P1\r\nx-evil: 1', version: '1', paid: 'yes', ...WHY };
    const refused = await console.send(cookie, '/resolve', fields);
    expect([refused.status, refused.headers.has('x-evil')]).toEqual([409, false]);
    expect(console.logged.join('')).not.toMatch(/[\r\n]|x-evil/);
  });

  it('says no secret: of an address no more than where it leads', async () => {
    const { shownSettings } = await import('../src/settings/settings.ts');
    const workspace = testWorkspace({ provider: { baseUrl: 'https://pay.example.com', currencies: ['INR'] } });
    const shown = new Map(shownSettings(workspace.root).map(({ name, value, stated }) => [name, { value, stated }]));
    expect(shown.get('provider.baseUrl')).toEqual({ value: 'https://pay.example.com', stated: true });
    expect(shown.get('intake.settle')).toEqual({ value: '0s', stated: true });
    expect(shown.get('submit')).toEqual({ value: 'nightly', stated: false });
  });
});

describe('a search', () => {
  const ROWS = [row('P1', '100.00'), row('P2', '200.00'), row('P3', '100.00')];
  const lines = (page: string) => [...page.matchAll(/ref=C1%2FO1%2F(\w+)/g)].map(([, ref]) => ref);

  it.each(
    sampled(
      [
        ['a customer', 'reference=C1', ['P3', 'P2', 'P1']],
        ['an instruction', 'reference=C1/O1/P2', ['P2']],
        ['an instruction with blanks, as pages show it', 'reference=C1 / O1 / P2', ['P2']],
        ['an instruction reference alone', 'reference=P2', ['P2']],
        ['a payee and an amount', 'payee=C1&amount=100', ['P3', 'P1']],
        [
          'an amount with digits in groups, in a currency of any letter case',
          'amount=0,100.0&currency=inr',
          ['P3', 'P1'],
        ],
        ['a status', 'status=held', ['P3', 'P2', 'P1']],
        ['all of it', 'reference=C1&payee=C1&amount=200.00&currency=INR&status=held', ['P2']],
        ['nothing that is there', 'payee=nobody', []],
      ],
      2,
    ),
  )('finds by %s', async (_, query, found) => {
    const console = await openConsole(await withHeld(HOLD_ALL, ...ROWS));
    const page = await console.page(await console.signedIn('anna'), `/search?${query}`);
    expect(lines(page)).toEqual(found);
  });

  it('finds by the references of provider and bank', async () => {
    const workspace = dropped({}, row('P1', '100.00'), row('P2', '200.00'));
    for (let runs = 0; runs < 2; runs++) await workspace.pass({ faults: PAYS });
    const console = await openConsole(workspace);
    const cookie = await console.signedIn('anna');
    const [result] = workspace.rows('payouts.000002.result.csv');
    for (const name of ['clientRefId', 'orderRefId', 'bankReference']) {
      expect([name, result?.[name]]).not.toEqual([name, '']);
      expect(lines(await console.page(cookie, `/search?reference=${result?.[name]}`))).toEqual(['P1']);
    }
  });

  it.each([
    ['amount=1e3', 'Amount: &quot;1e3&quot; is not an amount'],
    ['currency=rupees', 'Currency: &quot;rupees&quot; is not a currency'],
    ['status=gone', 'there is no status &quot;gone&quot;'],
  ])('says what is wrong with %s', async (query, why) => {
    const console = await openConsole(testWorkspace());
    expect(await console.page(await console.signedIn('anna'), `/search?${query}`)).toContain(why);
  });

  /** A search for the amount 1 finds nothing and never ends. What was searched for, and who has asked so far. */
  async function endless() {
    const console = await openConsole(await withHeld(HOLD_ALL, ...ROWS));
    const { store } = console.tools;
    const { searchStep, session } = store;
    const begun = new Set<string | undefined>();
    let [asked, isOver] = [0, false];
    onTestFinished(() => {
      isOver = true;
    });
    Object.assign(store, {
      session: (...of: Parameters<typeof session>) => {
        asked++;
        return session(...of);
      },
      searchStep: async (...of: Parameters<typeof searchStep>) => {
        begun.add(of[0].amount);
        return of[0].amount === '1' && !isOver ? { found: [], next: 1 } : searchStep(...of);
      },
    });
    const leaving = new AbortController();
    const ask = (cookie: string, amount: string, signal: AbortSignal = leaving.signal) =>
      fetch(new URL(`/search?amount=${amount}`, console.url), { headers: { cookie }, signal });
    /** Searches of readers who wait until they leave. Resolves when they have all been let in. */
    const wait = async (cookie: string, ...amounts: string[]) => {
      const before = asked;
      for (const amount of amounts) void ask(cookie, amount).catch(() => undefined);
      await vi.waitUntil(() => asked === before + amounts.length && begun.size > 0);
    };
    return { console, begun, ask, wait, leave: () => leaving.abort() };
  }
  const STAYS = new AbortController().signal;

  it('ends when its reader has gone, and is not begun when the reader went before its turn', async () => {
    const { console, begun, ask, wait, leave } = await endless();
    const [anna, ben] = [await console.signedIn('anna'), await console.signedIn('ben')];
    await wait(anna, '1', '7');
    const other = ask(ben, '100', STAYS);
    leave();
    expect(lines(await (await other).text())).toEqual(['P3', 'P1']);
    expect([...begun]).toEqual(['1', '100']);
  });

  it('is answered at once where too many of its session wait, and of all; once they have gone there is room', async () => {
    const { console, ask, wait, leave } = await endless();
    const [anna, ben, carl] = [
      await console.signedIn('anna'),
      await console.signedIn('ben'),
      await console.signedIn('carl'),
    ];
    await wait(anna, '1', '1', '1');
    const refused = await ask(anna, '100', STAYS);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '5']);
    expect(await refused.text()).toContain('Your earlier searches are still under way');
    await wait(ben, '1', '1', '1');
    const full = await ask(carl, '100', STAYS);
    expect([full.status, full.headers.get('retry-after')]).toEqual([503, '5']);
    expect(await full.text()).toContain('Other people search, too');
    leave();
    const again = () => ask(anna, '100', STAYS);
    let answer = await again();
    for (let tries = 0; answer.status === 503 && tries < 1_000; tries++) answer = await again();
    expect(lines(await answer.text())).toEqual(['P3', 'P1']);
  });

  it('goes on where its page has ended, and so do files, runs, what is held and what needs a person', async () => {
    const many = Array.from({ length: 120 }, (_, at) => row(`P${at + 1}`, '100.00'));
    const workspace = await withHeld(HOLD_ALL, ...many);
    for (let files = 0; files < 55; files++) workspace.drop(`empty${files}.csv`, `orders ${files}`);
    await workspace.pass();
    const console = await openConsole(workspace);
    const cookie = await console.signedIn('anna');
    for (const [path, all, item] of [
      ['/search?status=held', 120, /<tr><th scope="row" class="reference">/g],
      ['/held', 120, /<label class="tick">/g],
      ['/files', 57, /<tr><th scope="row" class="nowrap">/g],
    ] as const) {
      let seen = 0;
      for (let next: string | undefined = path; next !== undefined; ) {
        const page: string = await console.page(cookie, next);
        seen += page.match(item)?.length ?? 0;
        next = /rel="next" href="([^"]+)"/.exec(page)?.[1]?.replaceAll('&amp;', '&');
      }
      expect([path, seen]).toEqual([path, all]);
    }
  });
});

describe('the list of what needs a person', () => {
  it.each([
    ['payout-orders', 'C1'],
    ['order-management', 'FI-1'],
  ] as const)('shows the payee and the time of the last change, as a search does (%s)', async (api, payee) => {
    const workspace = testWorkspace({ provider: { api } });
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', API_FILES[api].instructions('P1'));
    const faults = { fates: [{ fate: 'failed' as const }] };
    await workspace.pass({ faults });
    workspace.clock.advance(3_600_000);
    await workspace.pass({ faults });
    const console = await openConsole(workspace);
    const cookie = await console.signedIn('anna');
    const rowOn = async (path: string) =>
      /<tr><th scope="row" class="reference">.*<\/tr>/.exec(await console.page(cookie, path))?.[0];
    const listed = await rowOn('/needs?status=failed');
    expect(listed).toContain(`<bdi>${payee}</bdi>`);
    expect(listed).toBe(await rowOn('/search?status=failed'));
  });
});

describe('the page of settings', () => {
  const NOTIFY = { to: { command: ['/bin/true'] }, on: ['paused'] };

  it.each([
    ['an event of a receiver', { notify: [{ ...NOTIFY, on: ['paused', 'run.finished'] }] }],
    ['a currency', { provider: { currencies: ['INR', 'EUR'] } }],
    ['a limit', { control: { limits: { day: { INR: '100.00' } } } }],
  ])('says that the service was started with other settings, where %s was added', async (_, change) => {
    const settings = { notify: [NOTIFY], provider: { currencies: ['INR'] } };
    const workspace = testWorkspace(settings);
    const console = await openConsole(workspace);
    const cookie = await console.signedIn('anna');
    const stale = 'The service was started with other settings';
    expect(await console.page(cookie, '/settings')).not.toContain(stale);
    const stated = JSON.parse(readFileSync(workspace.path('paydrop.json'), 'utf8'));
    writeFileSync(workspace.path('paydrop.json'), JSON.stringify({ ...stated, ...change }));
    expect(await console.page(cookie, '/settings')).toContain(stale);
  });
});

describe('what stands now', () => {
  it('is read again when it was decided, and not each time while reading it takes long', async () => {
    const workspace = await withHeld();
    const console = await openConsole(workspace);
    const cookie = await console.signedIn('anna');
    let [read, takesMs] = [0, 100];
    const { glances } = console.tools.store;
    Object.assign(console.tools.store, {
      glances: async () => {
        read++;
        workspace.clock.advance(takesMs);
        return glances();
      },
    });
    await Promise.all([console.page(cookie, '/'), console.page(cookie, '/'), console.page(cookie, '/needs')]);
    expect(read).toBe(1);
    workspace.clock.advance(9_000);
    await console.page(cookie, '/');
    expect(read).toBe(1);
    workspace.clock.advance(2_000);
    await console.page(cookie, '/');
    expect(read).toBe(2);
    takesMs = 1_000;
    const payout = fieldIn(await console.page(cookie, '/held'), 'payout');
    await console.send(cookie, '/decide', { payout, word: 'yes', ...WHY });
    await console.page(cookie, '/');
    expect(read).toBe(3);
    await console.send(cookie, '/decide', { payout, word: 'yes', ...WHY });
    await console.page(cookie, '/');
    expect(read).toBe(3);
  });

  it('names the run that is under way, and what it has half done is no need of anybody', async () => {
    const console = await openConsole(await withHeld());
    const cookie = await console.signedIn('anna');
    await console.tools.store.startRun('run', '2026-03-03', { at: '2026-03-03T01:00:00.000Z' });
    expect(await console.page(cookie, '/')).toContain('Run 000002 is under way, for 2026-03-03');
  });
});

describe('a decision while a pass goes on', () => {
  it('takes its turn, is kept, and counts in the next one; the pass goes on as ever', async () => {
    const workspace = dropped(HOLD_ALL, row('P1', '100.00'));
    await workspace.pass();
    workspace.drop('more.csv', instructions(...Array.from({ length: 200 }, (_, at) => instruction(`M${at}`, '10.00'))));
    const console = await openConsole(workspace);
    const cookie = await console.signedIn('anna');
    const payout = fieldIn(await console.page(cookie, '/held'), 'payout');
    const under = pass(console.tools, ONE_PASS);
    const answers = await Promise.all([
      ...Array.from({ length: 5 }, () => console.send(cookie, '/decide', { payout, word: 'yes', ...WHY })),
      console.page(cookie, '/search?status=held').then(() => undefined),
    ]);
    expect((await under)?.unfinished).toBeUndefined();
    expect(answers.flatMap((answer) => answer?.status ?? []).sort()).toEqual([303, 409, 409, 409, 409]);
    await pass(console.tools, ONE_PASS);
    expect(['submitted', 'paid']).toContain(await statusOf(console, 'P1'));
    expect(workspace.ledger().filter(({ kind }) => kind === 'accepted')).toHaveLength(1);
  });
});
