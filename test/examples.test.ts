/** Every block in the documentation is run by a test, or stands here with the reason why it is not. */
import { createHash, createHmac } from 'node:crypto';
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { NOTIFY_EVENTS } from '../src/domain/notification.ts';
import { REGISTRATION_CHANGES } from '../src/domain/order.ts';
import { checkScript } from '../src/sandbox/sandbox.ts';
import { parseSettings } from '../src/settings/settings.ts';
import HMACS from './provider/imburse-hmac.json' with { type: 'json' };
import SIGNATURES from './provider/payout-signatures.json' with { type: 'json' };
import { builtProgram } from './support/cli.ts';
import { exampleMachine } from './support/example-machine.ts';
import { examplesIn, firstDifference, pages, shownIn } from './support/examples.ts';
import { ROOT } from './support/mutation.ts';
import { instruction, instructions, needs, ORDERS, testWorkspace } from './support/workspace.ts';

const program = builtProgram();
const EXAMPLES = pages().flatMap(examplesIn);
const textOf = (page: string) => readFileSync(join(ROOT, page), 'utf8');
const codes = (text: string) => [...text.matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code);

/** The blocks under a heading. */
function blocks(page: string, heading: string): string[] {
  return EXAMPLES.flatMap((one) => (one.page === page && one.heading === heading ? [one.text] : []));
}

const HERE = 'test/examples.test.ts';
const COMMANDS = 'test/examples-commands.test.ts “has no example that no test runs”';
const CRON = 'test/operating.test.ts “has cron make a pass that is silent while all is well”';
const OPERATING = 'test/operating-restore.test.ts';
const POSTGRES = 'test/on-postgres.test.ts';
const SCRIPT = `not run: it installs packages and runs all tests; ${HERE} “stands in .ci/run”`;

/** Each page and heading with blocks: by what each of them is run, or why it is not. */
const RUN_BY: Readonly<Record<string, readonly string[]>> = {
  'README.md: paydrop': [SCRIPT],
  'README.md: For the person who runs it': [CRON],
  'CONTRIBUTING.md: Set up': [SCRIPT],
  'ARCHITECTURE.md: The flow': [
    'test/docs.test.ts “that are modules in ARCHITECTURE.md and docs/internals.md exist, and every room stands there”',
  ],
  'docs/control.md: Approve by dropping a signed file': [
    'test/signature.test.ts “is made as docs/control.md says”',
    'test/signature.test.ts “is made as docs/control.md says”',
  ],
  ...Object.fromEntries(
    [...Object.keys(NOTIFY_EVENTS), 'What payouts look like'].map((heading) => [
      `docs/notifications.md: ${heading}`,
      ['test/notify/page.test.ts “shows one body of each event, as a receiver gets it”'],
    ]),
  ),
  'docs/notifications.md: Settings': ['test/notify/page.test.ts “shows settings that are settings”'],
  'docs/notifications.md: Mail': [
    'test/notify/mail.test.ts “is the one that docs/notifications.md shows: who needs to do what, each apart, at a time of the schedule”',
  ],
  'docs/notifications.md: Check the signature': [
    'test/notify/page.test.ts “shows a command that makes a secret”',
    'test/notify/page.test.ts “checks a signature in Node as it says”',
  ],
  'docs/operating.md: Install': [`${OPERATING} “installs a workspace in which doctor finds nothing wrong”`],
  'docs/operating.md: From the package': ['not run: it downloads packages; test/package.test.ts “holds the program”'],
  'docs/operating.md: From the sandbox to a real provider': [
    'test/operating.test.ts “puts secrets into files that only the service can read”',
  ],
  'docs/operating.md: The service': [
    'not run: it writes into /etc; test/package.test.ts “is one that systemd takes”',
    'test/operating.test.ts “loads the secrets for commands by hand in one line, from the file of the unit”',
  ],
  'docs/operating.md: Or cron': [CRON],
  'docs/operating.md: Containers': [
    'not run: it needs a container engine; test/package.test.ts “runs the service as a user without rights”',
  ],
  'docs/operating.md: Commands by hand': [
    'test/operating.test.ts “loads the secrets for commands by hand in one line”',
  ],
  'docs/operating.md: Monitor': ['test/operating.test.ts “says how it is to a monitor, and closes a month”'],
  'docs/operating.md: Month-end': ['test/operating.test.ts “says how it is to a monitor, and closes a month”'],
  'docs/operating.md: A group that drops files and reads reports': [
    'test/operating.test.ts “gives a group its folders”',
  ],
  'docs/machines.md: One unit a machine': [
    'not run: it belongs into /etc; test/package.test.ts “is one that systemd takes”',
  ],
  'docs/machines.md: Set it up': [
    'not run: it makes a role and a database at a server; test/support/postgres.ts “CREATE DATABASE”',
    'test/operating.test.ts “puts secrets into files that only the service can read”',
    'test/operating.test.ts “loads the secrets for commands by hand in one line, from the file of the unit”',
    `${POSTGRES} “are made by paydrop init for a new workspace”`,
    `${POSTGRES} “are named by the settings that docs/machines.md shows”`,
  ],
  'docs/machines.md: Take a workspace over': [
    `${POSTGRES} “are taken over in one command, which says what it copied and which line to write”`,
  ],
  'docs/machines.md: Upgrade': [`${POSTGRES} “that was dumped and put back as the page says is doubted, and sound”`],
  'docs/operating.md: Records on PostgreSQL': [
    `${POSTGRES} “that was dumped and put back as the page says is doubted, and sound”`,
    `${POSTGRES} “that was dumped and put back as the page says is doubted, and sound”`,
  ],
  'docs/operating.md: Upgrade': [`${OPERATING} “upgrades, with a backup before”`],
  'docs/operating.md: Back up and restore': [
    `${OPERATING} “backs up and restores, and what is restored sends nothing”`,
    `${OPERATING} “backs up and restores, and what is restored sends nothing”`,
  ],
  'docs/operating.md: Move to another machine': [
    `${OPERATING} “moves to another machine, which sends once a person has accepted”`,
    `${OPERATING} “moves to another machine, which sends once a person has accepted”`,
  ],
  'docs/operating.md: Retention': [
    `${OPERATING} “forgets what is old, after it has said what that is and was told yes”`,
  ],
  'docs/monitoring.md: Over HTTP': [
    'test/http.test.ts “are those that docs/monitoring.md shows”',
    'test/http.test.ts “are those that docs/monitoring.md shows”',
  ],
  'docs/monitoring.md: Metrics': [
    'not run: it writes where another program looks; test/metrics.test.ts “is written after each pass, whole”',
  ],
  'docs/monitoring.md: Alerts': ['test/prometheus.test.ts “ring for what they name, and for nothing before it”'],
  'docs/providers.md: payout-orders': [`${HERE} “are those of the signature”`],
  'docs/providers.md: order-management and collect': [`${HERE} “are those of the HMAC”`],
  'docs/providers.md: How orders are registered': [`${HERE} “are those of an order at the provider”`],
  'docs/operating.md: Bank holidays and cut-off': [`${HERE} “are read, with the file of holidays”`],
  'docs/reports.md: receipt.json': [`${HERE} “bring about the receipt that the documentation shows”`],
  'docs/settings.md: Calendar': [
    `${HERE} “are read, with the file of holidays”`,
    `${HERE} “are read, with the file of holidays”`,
  ],
  'docs/settings.md: Control': [`${HERE} “hold what they name”`],
  'docs/settings.md: Settings': [`${HERE} “are refused as the page shows”`, `${HERE} “are read”`],
};

describe('each block in the documentation', () => {
  it('is run by a test, or has a reason why it is not', () => {
    const treated = EXAMPLES.filter(({ page }) => page !== 'docs/commands.md').map(
      ({ page, heading }) => `${page}: ${heading}`,
    );
    const named = Object.entries(RUN_BY).flatMap(([place, tests]) => tests.map(() => place));
    expect(treated.toSorted()).toEqual(named.toSorted());
    for (const run of [...Object.values(RUN_BY).flat(), COMMANDS]) {
      const [, file = '', title = ''] = /(test\/[\w./-]+) “([^”]+)”$/.exec(run) ?? [];
      expect(existsSync(join(ROOT, file)) && textOf(file).includes(title), run).toBe(true);
    }
  });

  it('is of a kind that is known: commands, settings, rules of another program, or a few lines of Node', () => {
    expect(EXAMPLES.filter(({ language }) => !['', 'sh', 'json', 'yaml', 'js'].includes(language))).toEqual([]);
    expect(EXAMPLES.length).toBeGreaterThan(40);
  });

  it('stands in .ci/run where it installs and tries the project', () => {
    const lines = [...blocks('README.md', 'paydrop'), ...blocks('CONTRIBUTING.md', 'Set up')].flatMap((text) =>
      text.split('\n').flatMap((line) => line.replace(/ {2,}#.*/, '').split(' && ')),
    );
    const commands = lines.filter((line) => !/^(?:git clone|cd) /.test(line));
    // `npm run check` is the lint and the tests.
    const script = `${textOf('.ci/run')}npm run check\n.ci/run\n`;
    expect(commands.filter((command) => !script.includes(`${command}\n`))).toEqual([]);
  });
});

describe('the formulas in docs/providers.md', () => {
  const sha256 = (data: string | Buffer) => createHash('sha256').update(data).digest();

  /** The value of what the page writes, with these names in it. */
  function value(formula: string, names: Readonly<Record<string, unknown>>): unknown {
    return new Function(...Object.keys(names), `return ${formula}`)(...Object.values(names));
  }

  it('are those of the signature', () => {
    const [block = ''] = blocks('docs/providers.md', 'payout-orders');
    for (const { method, path, clientKey, saltKey, json, signature } of SIGNATURES) {
      const [, formula = ''] = new RegExp(`^${method} +(.*)$`, 'm').exec(block) ?? [];
      const tools = {
        sha256_hex: (text: string) => sha256(text).toString('hex'),
        base64: (text: string) => Buffer.from(text).toString('base64'),
      };
      expect(value(formula, { ...tools, body: json, path, clientKey, saltKey })).toBe(signature);
    }
  });

  it('are those of the HMAC', () => {
    const [block = ''] = blocks('docs/providers.md', 'order-management and collect');
    const formula = (name: string) => new RegExp(`^${name} +(.*)$`, 'm').exec(block)?.[1] ?? '';
    for (const { body, publicKey, privateKey, nonce, epochSeconds, authorization } of HMACS) {
      const [hash = ''] = formula('bodyHash').split(', or nothing');
      const bodyHash = body === '' ? '' : value(hash, { base64, SHA256: sha256, body });
      const parts = { publicKey, nonce, epochSeconds, bodyHash };
      const filled = (text: string) =>
        text.replace(/\w+/g, (name) => String((parts as Record<string, unknown>)[name] ?? name));
      const toSign = filled(formula('toSign').split(' ')[0] ?? '');
      const [, open = '', signed = ''] = /^Authorization: (.*:)(base64\(.*\))$/.exec(formula('header')) ?? [];
      const tools = {
        base64,
        base64decode: (text: string) => Buffer.from(text, 'base64'),
        HMAC_SHA256: (key: Buffer, text: string) => createHmac('sha256', key).update(text).digest(),
      };
      expect(filled(open) + value(signed, { ...tools, privateKey, toSign })).toBe(authorization);
    }
  });

  function base64(data: Buffer): string {
    return data.toString('base64');
  }
});

describe('the ways in docs/providers.md', () => {
  it('are those of an order at the provider', () => {
    const [drawn = ''] = blocks('docs/providers.md', 'How orders are registered');
    const [, after = ''] = drawn.split('none ─→ sending');
    const ways = [...after.matchAll(/[┬├└]→ (\w+)(?: +─→ ([\w |]+?)(?: {2}|$))?/gm)];
    expect(ways.map(([, to]) => to)).toEqual(['registered', 'refused', 'unknown']);
    const allowed: Readonly<Record<string, readonly string[]>> = REGISTRATION_CHANGES;
    expect(allowed['none']).toContain('sending');
    for (const [, to = '', further] of ways) {
      expect(allowed['sending']).toContain(to);
      expect(allowed[to]).toEqual(expect.arrayContaining(further?.split(' | ') ?? []));
    }
  });
});

describe('the settings in docs/settings.md', () => {
  const [refused, json] = EXAMPLES.filter(({ page }) => page === 'docs/settings.md');

  it('are refused as the page shows', async () => {
    const machine = exampleMachine(program, { provider: { concurency: 4 } });
    const [shown] = refused ? shownIn(refused) : [];
    const { status, said } = await machine.run(shown?.command ?? '', { at: '2026-03-03T02:00:13Z' });
    expect([status, firstDifference(shown?.output ?? '', said)]).toEqual([2, undefined]);
  });

  it('are read', () => {
    expect(parseSettings(JSON.parse(json?.text ?? ''), '.')).toMatchObject({ ok: true });
  });
});

describe('what the sandbox says to put into paydrop.json', () => {
  it('is read', () => {
    const lines =
      blocks('docs/commands.md', 'sandbox')
        .join('\n')
        .match(/^ *"provider": .*$/gm) ?? [];
    expect(lines).toHaveLength(2);
    for (const line of lines) expect(parseSettings(JSON.parse(`{${line}}`), '.')).toMatchObject({ ok: true });
  });
});

describe('JSON within a sentence', () => {
  it('is a script of faults that the sandbox takes', () => {
    const scripts = pages()
      .filter((page) => page !== 'CHANGELOG.md')
      .flatMap((page) => codes(textOf(page)).filter((code) => /^\{ ?"(?!Payout Amount|anna|INR)/.test(code)));
    expect(scripts.length).toBeGreaterThan(1);
    for (const script of scripts) expect(checkScript(JSON.parse(script)), script).toHaveProperty('script');
  });
});

describe('README.md', () => {
  it('leads from templates to a paid file, command by command', async () => {
    const machine = exampleMachine(program);
    const [, list = ''] = textOf('README.md').split('Start with templates:');
    const commands = codes(list.split('\n\n')[0] ?? '').filter((code) => code.startsWith('npx paydrop'));
    const [init = '', validate = '', run = ''] = commands.map((code) => code.replace('npx ', ''));
    const at = { at: '2026-03-03T02:00:13Z', cwd: 'srv' };
    expect(await machine.run(init, at)).toMatchObject({ status: 0 });
    const templates = machine.path('srv/payouts/templates');
    expect(await machine.run(validate.replace('FILE…', 'payouts/templates/*.csv'), at)).toMatchObject({ status: 0 });
    cpSync(templates, machine.path('srv/payouts/inbox'), { recursive: true });
    writeFileSync(machine.path('srv/payouts/inbox/orders.csv.done'), '');
    writeFileSync(machine.path('srv/payouts/inbox/instructions.csv.done'), '');
    expect(await machine.run(run, at)).toMatchObject({ status: 0 });
    expect((await machine.run(run, at)).said).toMatch(/^paid/m);
  });
});

describe('docs/files.md', () => {
  const page = textOf('docs/files.md');
  const sentence = (begin: string) => codes(page.slice(page.indexOf(begin)).split('\n\n')[0] ?? '');

  it('names what is left alone in the inbox', async () => {
    const [dot = '', office = '', ...ends] = sentence('Names that start with');
    const names = ends.map((end) => (/^[\w]/.test(end) ? end : `payouts.csv${end.toUpperCase()}`));
    names.push(`${dot}payouts.csv`, `${office}payouts.csv`);
    const workspace = testWorkspace({ intake: { ignore: ['intake.ignore'] } });
    for (const name of names) workspace.drop(name, ORDERS);
    await workspace.pass();
    expect(names.length).toBeGreaterThan(12);
    expect(readdirSync(workspace.path('inbox')).toSorted()).toEqual(names.toSorted());
  });

  it('names copies that count as the repair', async () => {
    const names = [...new Set(sentence('Repair the rows in'))].filter((name) => name.startsWith('STEM.'));
    expect(names).toHaveLength(4);
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', instructions(...names.map((_, at) => instruction(`P${at}`, 'x'))));
    await workspace.pass();
    for (const [at, name] of names.entries())
      workspace.drop(name.replace('STEM.N', 'payouts.000002'), instructions(instruction(`Q${at}`)));
    await workspace.pass();
    expect(await needs(workspace)).toEqual([]);
  });

  it('shows headings, amounts and leftovers that are taken as it says', async () => {
    const spelt = codes(/written with or without capitals.*?(\(.*?\))/s.exec(page)?.[1] ?? '');
    const totals = codes(/^\| a totals row (\(.*?\))/m.exec(page)?.[1] ?? '');
    const separator = codes(/^\| (`sep=.*?`)/m.exec(page)?.[1] ?? '').join();
    const [amount = '', same = ''] = codes(/with the same content (\(.*?\))/.exec(page)?.[1] ?? '');
    const ending = codes(/for a comma without quotes looks the same: (`.*?`)/.exec(page)?.[1] ?? '').join();
    expect([spelt.length, totals.length, separator, ending]).toEqual([2, 2, 'sep=,', '1,000.00,']);
    const workspace = testWorkspace();
    workspace.drop('orders.csv', ORDERS);
    for (const [at, heading] of spelt.entries())
      workspace.drop(`a${at + 1}.csv`, instructions(instruction(`H${at}`)).replace('customerRef', heading));
    workspace.drop('b.csv', `${separator}\n${instructions(instruction('P1', amount))}`);
    await workspace.pass();
    workspace.drop('c.csv', instructions(instruction('P1', same), ...totals.map((total) => `${total},,,,,,`)));
    workspace.drop(
      'd.csv',
      `customerRef,orderRef,instructionRef,openDate,dueDate,amount,mode\nC1,O1,P2,2026-03-02,2026-03-06,${ending}\n`,
    );
    await workspace.pass();
    const outcome = (name: string) =>
      workspace.rows(name).map(({ status = '', code = '' }) => `${status} ${code}`.trim());
    expect(['a1.000001', 'a2.000002', 'b.000003'].map((name) => outcome(`${name}.result.csv`))).toEqual([
      ['paid'],
      ['paid'],
      ['paid'],
    ]);
    expect(outcome('c.000005.result.csv')).toEqual([
      'duplicate',
      ...totals.map(() => 'rejected TOTALS_ROW_NOT_ALLOWED'),
    ]);
    expect(outcome('d.000006.result.csv')).toEqual(['rejected COLUMN_COUNT_MISMATCH']);
  });
});

describe('docs/reports.md', () => {
  it('quotes verdicts that the page of such a file has', async () => {
    const [, quoted = ''] = textOf('docs/reports.md').split('**The verdict is that of now.**');
    const [lost = '', unclear = ''] = codes(quoted.split('\n* ')[0] ?? '').map((code) => code.replaceAll('\n', ' '));
    const many = (of: string, words: RegExp) => Array.from({ length: Number(words.exec(of)?.[1]) }, (_, at) => at);
    const [failing, doubtful, wrong] = [
      many(lost, /(\d+) payouts/),
      many(unclear, /(\d+) payout/),
      many(unclear, /(\d+) rows/),
    ];
    const workspace = testWorkspace();
    workspace.drop('a-orders.csv', ORDERS);
    workspace.drop('b.csv', instructions(...failing.map((at) => instruction(`L${at}`))));
    const rows = [...doubtful.map((at) => instruction(`U${at}`)), ...wrong.map((at) => instruction(`W${at}`, 'x'))];
    workspace.drop('c.csv', instructions(...rows));
    await workspace.pass({
      faults: {
        faults: [
          { on: 'post', narration: 'L*', fault: { kind: 'decline' } },
          { on: 'post', narration: 'U*', fault: { kind: 'error', status: 502 } },
        ],
      },
    });
    expect(workspace.read('b.000002.report.html')).toContain(lost);
    expect(workspace.read('c.000003.report.html')).toContain(unclear);
  });
});

describe('commands for those who work on the project', () => {
  it('name test files that are there, and options that the benchmark has', () => {
    const named = pages().flatMap((page) => codes(textOf(page)));
    const tests = named.flatMap((code) =>
      (/^npx vitest run (?!-)(.*)$/.exec(code)?.[1] ?? '').split(' ').filter(Boolean),
    );
    expect(tests.length).toBeGreaterThan(3);
    expect(tests.filter((file) => file.startsWith('test/') && !existsSync(join(ROOT, file)))).toEqual([]);
    const options = codes(textOf('docs/performance.md')).flatMap(
      (code) => code.match(/(?<=^-- |^npm run bench -- )--[a-z]+/) ?? [],
    );
    expect(options.length).toBeGreaterThan(2);
    expect(options.filter((option) => !textOf('test/bench.ts').includes(option.slice(2)))).toEqual([]);
  });
});

describe('settings of control in the documentation', () => {
  it('hold what they name', async () => {
    const [text = ''] = blocks('docs/settings.md', 'Control');
    const workspace = testWorkspace(JSON.parse(text) as object);
    workspace.drop('orders.csv', ORDERS);
    workspace.drop('payouts.csv', instructions(instruction('P1')));
    await workspace.pass();
    const row = workspace.read('payouts.000002.result.csv').split('\n')[1];
    expect(row).toContain(',held,APPROVAL_REQUIRED PAYEE_NOT_KNOWN,');
  });
});

describe('calendars in the documentation', () => {
  const [settings = '', holidays = ''] = blocks('docs/settings.md', 'Calendar');

  it('are read, with the file of holidays', () => {
    const { root } = testWorkspace();
    writeFileSync(join(root, 'holidays.txt'), holidays);
    for (const text of [settings, ...blocks('docs/operating.md', 'Bank holidays and cut-off')])
      expect(parseSettings(JSON.parse(text), root)).toMatchObject({
        ok: true,
        value: {
          calendar: {
            days: 'banking',
            cutOff: 990,
            holidays: new Map([
              ['2026-01-26', 'Republic Day'],
              ['2026-12-25', 'Christmas'],
            ]),
          },
        },
      });
  });

  it('bring about the receipt that the documentation shows', async () => {
    const workspace = testWorkspace(JSON.parse(settings));
    writeFileSync(workspace.path('holidays.txt'), holidays);
    workspace.clock.setWall('2026-11-27T12:00:00Z');
    workspace.drop('orders.csv', ORDERS);
    const rows = [
      instruction('P1', '1000', '2026-11-27', '2026-12-01'),
      instruction('P2', '250', '2026-11-28', '2026-12-01'),
    ];
    workspace.drop('payouts.csv', instructions(...rows, 'C9,O9,P3,90,2026-11-27,2026-12-01,P3'));
    await workspace.pass({ kind: 'arrival', businessDate: '2026-11-27', send: false });
    const [shown = ''] = blocks('docs/reports.md', 'receipt.json');
    const { releases } = JSON.parse(workspace.read('payouts.000002.receipt.json'));
    expect({ releases }).toEqual(JSON.parse(shown));
  });
});
