/** What `paydrop doctor` says of time passing and of what an upgrade left. Everything else of it is in test/cli.test.ts. */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import http1 from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { doctor } from '../src/commands/doctor.ts';
import { CURRENCIES_PUBLISHED } from '../src/domain/iso.ts';
import type { Output } from '../src/platform/terminal.ts';
import { testClock } from './support/clock.ts';
import { testWorkspace } from './support/workspace.ts';

async function findings(today: string, settings: object = {}, left: readonly string[] = []): Promise<string[]> {
  const lines: string[] = [];
  const output: Output = {
    line: (text = '') => void lines.push(text),
    table: () => undefined,
    facts: () => undefined,
    style: (_, text) => text,
  };
  const { root: workspace, path } = testWorkspace(settings);
  for (const name of left) {
    mkdirSync(path('data'), { recursive: true });
    writeFileSync(path('data', name), '');
  }
  await doctor({ workspace, clock: testClock(`${today}T08:00:00Z`), output }, {});
  return lines;
}

describe('the list of currencies', () => {
  it('is named with its date', async () => {
    expect(await findings(CURRENCIES_PUBLISHED)).toContain(
      `ok       currency   ISO 4217 as published on ${CURRENCIES_PUBLISHED}`,
    );
  });

  it('is told to be old when more than a year has passed', async () => {
    const later = `${Number(CURRENCIES_PUBLISHED.slice(0, 4)) + 1}-12-31`;
    expect(await findings(later)).toContainEqual(expect.stringMatching(/^note {5}currency .* over a year ago$/));
  });

  it('refuses settings that name what was withdrawn', async () => {
    const settings = { provider: { currencies: ['INR', 'BGN'] } };
    expect(await findings(CURRENCIES_PUBLISHED, settings)).toContainEqual(
      expect.stringMatching(/^PROBLEM {2}currency .*: BGN$/),
    );
  });
});

describe('a line of Node', () => {
  it('that is past its end is a note, and no problem', async () => {
    expect(await findings('2040-01-01')).toContainEqual(expect.stringMatching(/^(?:note|ok) .*node /));
    expect(await findings('2026-01-01')).toContainEqual(expect.stringMatching(/^ok {7}node /));
  });
});

describe('the copies of the records that were made before upgrades', () => {
  it('are named, an interrupted one too', async () => {
    const left = ['before-schema-11.db', 'before-schema-12.db.part'];
    expect(await findings('2026-01-01', {}, left)).toContainEqual(
      expect.stringMatching(
        /^note {5}copies +before-schema-11\.db, before-schema-12\.db\.part in .* before an upgrade/,
      ),
    );
    expect((await findings('2026-01-01')).filter((line) => line.includes('copies'))).toEqual([]);
  });
});

describe('what is served over HTTP', () => {
  const http = async (settings: object, env: Record<string, string> = {}) => {
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
    onTestFinished(() => void vi.unstubAllEnvs());
    return (await findings('2026-03-02', settings)).filter((line) => line.includes(' http '));
  };

  it('is not spoken of where nothing is', async () => {
    expect(await http({})).toEqual([]);
  });

  it('is named, with what it lacks', async () => {
    expect(await http({ http: { listen: '127.0.0.1:0' } })).toEqual([
      'ok       http       paydrop watch will serve at 127.0.0.1:0',
      'note     http       /webhooks/payout-orders takes no webhooks, because PAYDROP_WEBHOOK_SECRET is not set',
      'note     http       http.publicUrl is not set, so only this machine can reach it, and the provider can not',
    ]);
  });

  it('is well with a secret, and a proxy before it', async () => {
    const settings = { http: { listen: '127.0.0.1:0', publicUrl: 'https://payouts.example.com' } };
    expect(await http(settings, { PAYDROP_WEBHOOK_SECRET: 'a-secret' })).toEqual([
      'ok       http       paydrop watch will serve at 127.0.0.1:0, behind https://payouts.example.com',
      'ok       http       /webhooks/payout-orders takes webhooks with the HMAC-sha256 of their bytes in "signature"',
    ]);
  });

  it('lacks the secret of the header that the settings name', async () => {
    const provider = { api: 'collect' };
    const settings = { provider, http: { listen: '127.0.0.1:0', webhooks: { header: 'X-Signature' } } };
    expect((await http(settings))[1]).toMatch(/^PROBLEM {2}http +PAYDROP_WEBHOOK_SECRET is not set: put the secret/);
    expect((await http({ provider, http: { listen: '127.0.0.1:0' } }))[1]).toBe(
      'note     http       /webhooks/imburse takes webhooks of anyone as hints, because http.webhooks.header is not set',
    );
  });

  it('is in the way of another program that has the port, and well where it is served', async () => {
    const other = createServer((socket) => socket.end('SSH-2.0-OpenSSH_9.6\r\n')).listen(0, '127.0.0.1');
    onTestFinished(() => void other.close());
    await new Promise((resolve) => other.once('listening', resolve));
    const { port } = other.address() as { port: number };
    const [taken] = await http({ http: { listen: `127.0.0.1:${port}` } });
    expect(taken).toMatch(/^PROBLEM {2}http +http\.listen: another program listens at 127\.0\.0\.1:\d+ already/);
    const ours = http1.createServer((_, response) => response.end('ok\n')).listen(0, '127.0.0.1');
    onTestFinished(() => void ours.close());
    await new Promise((resolve) => ours.once('listening', resolve));
    const at = `127.0.0.1:${(ours.address() as { port: number }).port}`;
    expect((await http({ http: { listen: at } }))[0]).toBe(`ok       http       served at ${at}`);
  });
});

describe('the calendar', () => {
  const calendar = async (today: string, settings: object) =>
    (await findings(today, { calendar: settings })).filter((line) => line.includes(' calendar '));

  it('is not spoken of where each day is open to its end', async () => {
    expect(await calendar('2026-03-01', {})).toEqual([]);
  });

  it('says why nothing is sent today, and that there are no holidays', async () => {
    expect(await calendar('2026-03-01', { days: 'banking' })).toEqual([
      'ok       calendar   Nothing is sent today: 1 March is a Sunday. The next banking day is 2 March.',
      'note     calendar   no calendar.holidays: what is due is sent on bank holidays, too',
    ]);
  });

  it('says that the list of holidays runs out', async () => {
    const settings = { days: 'banking', holidays: ['2026-03-25'] };
    expect(await calendar('2026-03-02', settings)).toEqual([
      'ok       calendar   today is open for sending',
      'note     calendar   the last of calendar.holidays is 2026-03-25: add the dates to come',
    ]);
    expect(await calendar('2026-01-24', settings)).toHaveLength(1);
  });

  it('that can not be read is a problem with its settings', async () => {
    expect(await findings('2026-03-02', { calendar: { cutOff: '4:30 pm' } })).toContainEqual(
      expect.stringMatching(/^PROBLEM {2}settings +calendar\.cutOff: expected a time of the day/),
    );
  });
});

describe('the people who decide', () => {
  const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB0QjEG/sj+uhD3gzywqSRC6RLjbKzbakoYCS72EXBpz anna';
  const OTHER_KEY = readFileSync(join(import.meta.dirname, 'control', 'signatures', 'ed25519.pub'), 'utf8').trim();
  const approvals = (people: number) => [{ from: { INR: '0.01' }, people }];

  it('without a name are a note where approvals are asked for', async () => {
    expect(await findings('2026-01-01', { control: { approvals: approvals(1) } })).toContainEqual(
      expect.stringMatching(/^note {5}people .*none is named/),
    );
    expect((await findings('2026-01-01')).filter((line) => / people /.test(line))).toEqual([]);
  });

  it('are a problem where fewer may approve than must', async () => {
    const settings = { people: { anna: { may: ['approve'], keys: [KEY] } }, control: { approvals: approvals(2) } };
    expect(await findings('2026-01-01', settings)).toContainEqual(
      expect.stringMatching(
        /^PROBLEM {2}people {5}1 may approve, 0 may settle, and control.approvals asks for the yes of 2/,
      ),
    );
  });

  it('are a problem where too few may approve the amount of a tier', async () => {
    const upTo = { INR: '499.99' };
    const people = { anna: { may: ['approve'], keys: [KEY] }, ben: { may: ['approve'], keys: [OTHER_KEY], upTo } };
    const tiers = [{ from: { INR: '500.00' }, people: 2 }];
    expect(await findings('2026-01-01', { people, control: { approvals: tiers } })).toContainEqual(
      expect.stringMatching(/^PROBLEM {2}people .*, and 2 people must approve 500\.00 INR, and only anna may$/),
    );
    expect(await findings('2026-01-01', { people, control: { approvals: approvals(1) } })).toContainEqual(
      expect.stringMatching(/^ok {7}people .*2 may approve, 0 may settle$/),
    );
  });

  it('who may drop and approve a file are a note, where the settings allow that', async () => {
    const settings = { people: { anna: { may: ['approve'], keys: [KEY] } }, control: { maker: 'anyone' } };
    expect(await findings('2026-01-01', settings)).toContainEqual(
      expect.stringMatching(/^note .*control.maker is "anyone"/),
    );
  });
});
