import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { PAYOUT_ORDERS } from '../src/domain/api/payout-orders.ts';
import { UnavailableError } from '../src/platform/failures.ts';
import { loadSecrets, loadSettings, parseSettings } from '../src/settings/settings.ts';
import { temporaryFolder } from './support/workspace.ts';

describe('settings', () => {
  it('are all defaults when there is no paydrop.json', () => {
    const loaded = loadSettings(temporaryFolder());
    expect(loaded).toMatchObject({
      ok: true,
      value: {
        provider: { api: 'payout-orders', baseUrl: 'sandbox', concurrency: 16, timeoutMs: 30_000, quarantineMs: 2_000 },
        submit: 'nightly',
        schedule: { nightly: '0 2 * * *' },
        intake: { settleMs: 2_000, maxFileBytes: 2e9, maxRows: 20_000_000, waitForOrderMs: 86_400_000 },
      },
    });
  });

  it.each<[string, object, string]>([
    [
      'an unknown key, with the nearest known one',
      { inbx: 'x' },
      'inbx: there is no such setting; the nearest is inbox',
    ],
    [
      'an unknown key inside a group',
      { provider: { concurency: 3 } },
      'provider.concurency: there is no such setting; the nearest is provider.concurrency',
    ],
    [
      'a text with a blank at its end that is no space',
      { payout: { narration: 'Rent\u00a0' } },
      "payout.narration: expected text without characters that don't show, found U+00A0 (no-break space) at character 5",
    ],
    ['a text of blanks alone', { payout: { remark: ' ' } }, 'payout.remark: expected some text'],
    ['a wrong type', { provider: { concurrency: '3' } }, 'provider.concurrency: expected a whole number from 1 to 256'],
    [
      'a duration without a unit',
      { provider: { timeout: '30' } },
      'provider.timeout: expected a duration such as "30s", "15m" or "24h"',
    ],
    [
      'plain http to another machine',
      { provider: { baseUrl: 'http://pay.example' } },
      'provider.baseUrl: expected "sandbox" or an https URL without a path (http only for this machine)',
    ],
    [
      'an address that other machines reach without TLS',
      { http: { listen: '0.0.0.0:8480' } },
      'http.listen: "0.0.0.0:8480" can be reached by other machines, so a proxy that ends TLS must stand before it: name its address in http.publicUrl, such as "https://payouts.example.com", or listen at "127.0.0.1:8480"',
    ],
    [
      'a name to listen at, which may come to stand for any machine',
      { http: { listen: 'payouts.example.com:8480' } },
      'http.listen: expected an IP address and a port such as "127.0.0.1:8480"',
    ],
    [
      'half an address to listen at',
      { http: { listen: '127.1:8480' } },
      'http.listen: expected an IP address and a port such as "127.0.0.1:8480"',
    ],
    [
      'a port that does not exist',
      { http: { listen: '127.0.0.1:65536' } },
      'http.listen: expected an IP address and a port such as "127.0.0.1:8480"',
    ],
    [
      'a public address without TLS',
      { http: { listen: '127.0.0.1:8480', publicUrl: 'http://payouts.example.com' } },
      'http.publicUrl: expected an https URL without a path such as "https://payouts.example.com"',
    ],
    [
      'a public address of nothing that is served',
      { http: { publicUrl: 'https://payouts.example.com' } },
      'http.publicUrl: has no effect without http.listen',
    ],
    ['a text for yes or no', { reports: { bom: 'yes' } }, 'reports.bom: expected true or false'],
    [
      'a number that is too large',
      { intake: { maxRows: 3e7 } },
      'intake.maxRows: expected a whole number from 1 to 20000000',
    ],
    [
      'a number with decimals',
      { provider: { concurrency: 1.5 } },
      'provider.concurrency: expected a whole number from 1 to 256',
    ],
    ['null', { inbox: null }, 'inbox: Invalid input: expected string, received null'],
    ['an empty name', { inbox: '' }, 'inbox: expected the name of a folder'],
    ['a word that is none of those', { submit: 'daily' }, 'submit: expected "nightly" or "on-arrival"'],
    ['a text for a group', { provider: 'sandbox' }, 'provider: Invalid input: expected object, received string'],
    ['no group at all', [], 'paydrop.json: Invalid input: expected object, received array'],
    [
      'a text for a list',
      { provider: { currencies: 'INR' } },
      'provider.currencies: Invalid input: expected array, received string',
    ],
    ['an empty list', { provider: { currencies: [] } }, 'provider.currencies: expected at least one currency'],
    [
      'the place in a list',
      { provider: { currencies: ['INR', 'inr'] } },
      'provider.currencies.1: expected ISO 4217 codes such as "INR"',
    ],
    [
      'a column without a heading',
      { columns: { '': 'amount' } },
      'columns.: "" is no name: it has no letter, digit or sign to be told by',
    ],
    [
      'a column whose heading is like none at all',
      { columns: { ' - _': 'amount' } },
      'columns. - _: " - _" is no name: it has no letter, digit or sign to be told by',
    ],
    [
      'a column that stands for nothing',
      { columns: { Betrag: '' } },
      'columns.Betrag: Too small: expected string to have >=1 characters',
    ],
    [
      'two settings for one heading',
      { columns: { 'Pay out': 'amount', PAY_OUT: 'dueDate' } },
      'columns.PAY_OUT: "PAY_OUT" and "Pay out" are the same name; leave one of the two out',
    ],
    [
      'two settings for one heading of a strange name',
      { columns: JSON.parse('{"proto": "amount", "__proto__": "dueDate"}') },
      'columns.__proto__: "__proto__" and "proto" are the same name; leave one of the two out',
    ],
    [
      'a heading that an object of JavaScript takes for something else',
      { columns: JSON.parse('{"__proto__": "amount"}') },
      'columns.__proto__: "__proto__" is no name that a column can have',
    ],
    [
      'an unknown key of a strange name',
      { provider: JSON.parse('{"__proto__": {}}') },
      'provider.__proto__: there is no such setting; the nearest is provider.api',
    ],
    [
      'one problem of a setting that has several',
      { provider: { currencies: '' } },
      'provider.currencies: Invalid input: expected array, received string',
    ],
    ['columns as a list', { columns: [] }, 'columns: Invalid input: expected record, received array'],
    [
      'a zone that does not exist',
      { schedule: { timeZone: 'Mars/Base' } },
      'schedule.timeZone: expected an IANA time zone such as "Asia/Kolkata"',
    ],
    [
      'a schedule by the second',
      { schedule: { nightly: '* * * * * *' } },
      'schedule.nightly: expected a cron expression of five fields such as "0 2 * * *"',
    ],
    [
      'a folder with a NUL in its name',
      { data: 'inbox\u0000' },
      'data: expected text without control characters, found U+0000 at character 6',
    ],
    [
      'an address with a line end, which URLs drop',
      { provider: { baseUrl: 'https://pay.exa\nmple', currencies: ['INR'] } },
      'provider.baseUrl: expected text without control characters, found U+000A at character 16',
    ],
    [
      'half a character',
      { inbox: 'a\ud800' },
      'inbox: expected text without control characters, found U+D800 at character 2',
    ],
    [
      'a folder of nothing but blanks',
      { outbox: ' \t ' },
      'outbox: expected text without control characters, found U+0009 at character 2',
    ],
    ['a folder without a name', { outbox: '  ' }, 'outbox: expected the name of a folder'],
    [
      'a name that no folder can have',
      { inbox: `/srv/${'ä'.repeat(128)}` },
      'inbox: expected names of at most 255 bytes, which is the most a folder can have',
    ],
    [
      'a text without end',
      { schedule: { timeZone: 'x'.repeat(100_000) } },
      'schedule.timeZone: expected at most 1000 characters, found 100000',
    ],
    [
      'a key without end by its beginning',
      { ['x'.repeat(100_000)]: 1 },
      `${'x'.repeat(100)}…: there is no such setting; the nearest is inbox`,
    ],
    [
      'a glob with a control character',
      { intake: { ignore: ['*.bak', 'a\u0007'] } },
      'intake.ignore.1: expected text without control characters, found U+0007 at character 2',
    ],
    [
      'a heading with a line end',
      { columns: { 'Amount\n(INR)': 'amount' } },
      'columns.Amount\n(INR): expected text without control characters, found U+000A at character 7',
    ],
    [
      'an account that no header can carry',
      { provider: { accountId: 'Kto 1' } },
      'provider.accountId: expected ASCII characters that show, without blanks',
    ],
    [
      'a deadline beyond what a timer can be set to',
      { provider: { timeout: '30d' } },
      'provider.timeout: expected at most 1d',
    ],
    [
      'a tier for an unknown currency',
      { control: { approvals: [{ from: { XYZ: '1' }, people: 1 }] } },
      'control.approvals.0.from.XYZ: expected an ISO 4217 code such as "INR" as the name of the amount',
    ],
    [
      'a tier with too many decimals',
      {
        control: {
          approvals: [
            { from: { INR: '1' }, people: 1 },
            { from: { INR: '2.005' }, people: 2 },
          ],
        },
      },
      'control.approvals.1.from.INR: expected at most 2 decimals, which is what INR has',
    ],
    [
      'a tier below zero',
      { control: { approvals: [{ from: { INR: '-1' }, people: 1 }] } },
      'control.approvals.0.from.INR: expected an amount as text such as "500000.00"',
    ],
    [
      'a tier without an amount',
      { control: { approvals: [{ people: 1 }] } },
      'control.approvals.0.from: Invalid input: expected record, received undefined',
    ],
    [
      'a tier without a currency',
      { control: { approvals: [{ from: {}, people: 1 }] } },
      'control.approvals.0.from: expected at least one currency, such as {"INR": "500000.00"}',
    ],
    ...[0, 10, 1.5, '1'].map((people): [string, object, string] => [
      `a tier for ${people} people`,
      { control: { approvals: [{ from: { INR: '1' }, people }] } },
      'control.approvals.0.people: expected a whole number from 1 to 9',
    ]),
    [
      'a tier that begins where one with fewer people does',
      {
        control: {
          approvals: [
            { from: { INR: '5' }, people: 1 },
            { from: { INR: '5.00', USD: '1' }, people: 2 },
          ],
        },
      },
      'control.approvals.1.from.INR: overlaps with tier 1: the tier with more people must begin at a larger amount',
    ],
    [
      'a tier that begins above one with more people',
      {
        control: {
          approvals: [
            { from: { INR: '5' }, people: 2 },
            { from: { INR: '6' }, people: 1 },
          ],
        },
      },
      'control.approvals.1.from.INR: overlaps with tier 1: the tier with more people must begin at a larger amount',
    ],
    [
      'two tiers with as many people',
      {
        control: {
          approvals: [
            { from: { INR: '5' }, people: 1 },
            { from: { USD: '6' }, people: 1 },
          ],
        },
      },
      'control.approvals.1.people: tier 1 asks for 1 too: make one tier of the two',
    ],
    ...['payout', 'file', 'day', 'payeeDay'].flatMap((limit): [string, object, string][] => [
      [
        `a limit of a ${limit} as a number`,
        { control: { limits: { [limit]: { INR: 5 } } } },
        `control.limits.${limit}.INR: expected an amount as text such as "500000.00"`,
      ],
      [
        `a limit of a ${limit} without a currency`,
        { control: { limits: { [limit]: {} } } },
        `control.limits.${limit}: expected at least one currency, such as {"INR": "500000.00"}`,
      ],
      [
        `a limit of a ${limit} with too many decimals`,
        { control: { limits: { [limit]: { JPY: '0.5' } } } },
        `control.limits.${limit}.JPY: expected at most 0 decimals, which is what JPY has`,
      ],
    ]),
    [
      'an unknown limit',
      { control: { limits: { month: { INR: '5' } } } },
      'control.limits.month: there is no such setting; the nearest is control.limits.payout',
    ],
    [
      'an unknown word for new payees',
      { control: { newPayees: 'ask' } },
      'control.newPayees: expected "pay" or "hold"',
    ],
    [
      'an unknown word for possible duplicates',
      { control: { possibleDuplicates: 'accept' } },
      'control.possibleDuplicates: expected "warn", "hold" or "off"',
    ],
    ...[-1, 367, 1.5].map((days): [string, object, string] => [
      `possible duplicates within ${days} days`,
      { control: { possibleDuplicateDays: days } },
      'control.possibleDuplicateDays: expected a whole number from 0 to 366',
    ]),
    [
      'an unknown word for the last line',
      { control: { lastLine: 'warn' } },
      'control.lastLine: expected "hold" or "accept"',
    ],
    [
      'an unknown word for dates',
      { control: { implausibleDates: 'off' } },
      'control.implausibleDates: expected "hold" or "accept"',
    ],
    [
      'a wait beyond all dates',
      { intake: { waitForOrder: '999999999d' } },
      'intake.waitForOrder: expected at most 3650d',
    ],
  ])('name %s', (_, json, problem) => {
    expect(parseSettings(json, '.')).toEqual({ ok: false, problems: [problem] });
  });

  it('name every problem, in the order of the settings and the unknown ones last', () => {
    const loaded = parseSettings({ dat: 'x', submit: 'x', inbox: 3, provider: { concurency: 3, timeout: '3' } }, '.');
    const problems = loaded.ok ? [] : loaded.problems.map((problem) => problem.split(':')[0]);
    expect(problems).toEqual(['inbox', 'provider.timeout', 'provider.concurency', 'submit', 'dat']);
  });

  it('name what is wrong with each heading', () => {
    const columns = { 'Pay out': 'amount', PAY_OUT: '', Betrag: 3, '-': 'dueDate' };
    const loaded = parseSettings({ columns }, '.');
    const problems = loaded.ok ? [] : loaded.problems.map((problem) => problem.split(':')[0]);
    expect(problems.sort()).toEqual(['columns.-', 'columns.Betrag', 'columns.PAY_OUT', 'columns.PAY_OUT']);
  });

  it('take for a heading what objects have of themselves', () => {
    const columns = { constructor: 'amount', toString: 'dueDate' };
    expect(parseSettings({ columns }, '.')).toMatchObject({ ok: true, value: { columns } });
  });

  it.each(['UTC', 'Europe/Berlin', 'Asia/Kolkata', 'asia/kolkata'])('take %s for a zone', (timeZone) => {
    expect(parseSettings({ schedule: { timeZone } }, '.')).toMatchObject({
      ok: true,
      value: { schedule: { timeZone } },
    });
  });

  it("have the system's zone when they name none", () => {
    const { timeZone } = new Intl.DateTimeFormat().resolvedOptions();
    expect(parseSettings({}, '.')).toMatchObject({ ok: true, value: { schedule: { timeZone } } });
  });

  it('must name the currencies of a real provider', () => {
    const problems = parseSettings({ provider: { baseUrl: 'https://pay.example' } }, '.');
    expect(problems).toMatchObject({ ok: false, problems: [expect.stringContaining('provider.currencies')] });
    const accepted = parseSettings({ provider: { baseUrl: 'https://pay.example', currencies: ['INR'] } }, '.');
    expect(accepted).toMatchObject({ ok: true, value: { provider: { quarantineMs: 900_000 } } });
  });

  it('are refused when one is given twice, which JSON itself allows', () => {
    const folder = temporaryFolder();
    const columns = '{"A:\\"{": "amount", "B": "A:\\"{", "A:\\u0022{": "dueDate"}';
    writeFileSync(join(folder, 'paydrop.json'), `{"provider": {"currencies": ["B", "B"]}, "columns": ${columns}}`);
    expect(loadSettings(folder)).toEqual({
      ok: false,
      problems: ['columns.A:"{: is given twice; leave one of the two out'],
    });
  });

  it('say what is wrong with a file that is not JSON', () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'paydrop.json'), '{"inbox": ');
    expect(loadSettings(folder)).toMatchObject({ ok: false, problems: [expect.stringContaining('is not JSON')] });
  });

  it.each<[string, Buffer, string | undefined]>([
    [
      'with the byte order mark that editors on Windows write',
      Buffer.from('\ufeff{"submit": "on-arrival"}'),
      undefined,
    ],
    [
      'as UTF-16',
      Buffer.from('\ufeff{"submit": "on-arrival"}', 'utf16le'),
      'is UTF-16, not UTF-8: save it again as UTF-8',
    ],
    ['as UTF-16 without a mark', Buffer.from('{"submit": "on-arrival"}', 'utf16le'), 'is UTF-16, not UTF-8'],
    ['as UTF-16 of the other order', Buffer.from('\ufeff{}', 'utf16le').swap16(), 'is UTF-16, not UTF-8'],
    ['as Latin-1', Buffer.from('{"inbox": "Zürich"}', 'latin1'), 'is not UTF-8: save it again as UTF-8'],
    ['of more than a megabyte', Buffer.alloc(1_000_001, ' '), 'is larger than 1 MB'],
  ])('are read, or it is said why they are not: %s', (_, bytes, problem) => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'paydrop.json'), bytes);
    expect(loadSettings(folder)).toMatchObject(
      problem === undefined
        ? { ok: true, value: { submit: 'on-arrival' } }
        : { ok: false, problems: [expect.stringContaining(problem)] },
    );
  });
});

describe('secrets', () => {
  const three = { PAYDROP_CLIENT_KEY: 'canary-a', PAYDROP_CLIENT_SECRET: 'canary-b', PAYDROP_SALT_KEY: 'canary-c' };

  it('come from the environment', () => {
    const loaded = loadSecrets(three, PAYOUT_ORDERS.secrets);
    expect(loaded.ok && loaded.value.saltKey.reveal()).toBe('canary-c');
  });

  it('come from a file that only its owner can read', () => {
    const path = join(temporaryFolder(), 'salt');
    writeFileSync(path, 'canary-file\n', { mode: 0o600 });
    const env = { ...three, PAYDROP_SALT_KEY: undefined, PAYDROP_SALT_KEY_FILE: path };
    const loaded = loadSecrets(env, PAYOUT_ORDERS.secrets);
    expect(loaded.ok && loaded.value.saltKey.reveal()).toBe('canary-file');
    chmodSync(path, 0o644);
    expect(loadSecrets(env, PAYOUT_ORDERS.secrets)).toMatchObject({
      ok: false,
      problems: [expect.stringContaining('chmod 600')],
    });
  });

  it('are all named when they are missing', () => {
    expect(loadSecrets({}, PAYOUT_ORDERS.secrets)).toMatchObject({ ok: false, problems: { length: 3 } });
  });

  it('never show in anything printed', () => {
    const loaded = loadSecrets(three, PAYOUT_ORDERS.secrets);
    expect(
      inspect(loaded, { depth: 9 }) + JSON.stringify(loaded) + (loaded.ok ? `${loaded.value.clientKey}` : ''),
    ).not.toContain('canary');
  });
});

describe('a paydrop.json that can not be read', () => {
  it('is a person’s business where only a person can change that', () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'paydrop.json'));
    expect(loadSettings(folder)).toMatchObject({ ok: false, problems: [expect.stringContaining('EISDIR')] });
  });

  it('is refused when it is not a plain file, without waiting for one', () => {
    const folder = temporaryFolder();
    execFileSync('mkfifo', [join(folder, 'paydrop.json')]);
    expect(loadSettings(folder)).toMatchObject({ ok: false, problems: [expect.stringContaining('not a plain file')] });
  });

  // A process's own memory has no byte at the place where reading begins: EIO.
  it.runIf(existsSync('/proc/self/mem'))('is tried again later where it may be over soon', () => {
    const folder = temporaryFolder();
    symlinkSync('/proc/self/mem', join(folder, 'paydrop.json'));
    expect(() => loadSettings(folder)).toThrow(UnavailableError);
  });
});
