import { PassThrough } from 'node:stream';
import type { WriteStream } from 'node:tty';
import { describe, expect, it } from 'vitest';
import { openLog } from '../src/platform/log.ts';
import { terminalProgress } from '../src/platform/progress.ts';
import { outputOn, printableLines, printJson, shortName } from '../src/platform/terminal.ts';
import { testClock } from './support/clock.ts';

const ESCAPE = '\x1b';
const TAKE_AWAY = `\r${ESCAPE}[2K`;

/** A stream that keeps what is written to it, and says of itself whether it is a terminal. */
function screen(isTTY: boolean, columns = 80): WriteStream & { text(): string } {
  const stream = new PassThrough({ encoding: 'utf8' });
  let text = '';
  stream.on('data', (chunk: string) => {
    text += chunk;
  });
  return Object.assign(stream as unknown as WriteStream, { isTTY, columns, text: () => text });
}

describe('the progress of long work', () => {
  it('is shown from the first second on, at most ten times a second, on one line that goes away', () => {
    const clock = testClock();
    const terminal = screen(true);
    const progress = terminalProgress(terminal, clock);
    clock.advance(900);
    progress.report('sending payouts', 100);
    expect(terminal.text()).toBe('');
    clock.advance(100);
    progress.report('sending payouts', 1_234);
    clock.advance(99);
    progress.report('sending payouts', 1_500);
    clock.advance(1);
    progress.report('writing reports', 1, 3);
    progress.clear();
    progress.clear();
    expect(terminal.text()).toBe(`${TAKE_AWAY}sending payouts … 1,234${TAKE_AWAY}writing reports … 1 of 3${TAKE_AWAY}`);
  });

  it('is not shown in a pipe', () => {
    const clock = testClock();
    const pipe = screen(false);
    const progress = terminalProgress(pipe, clock);
    clock.advance(60_000);
    progress.report('sending payouts', 100);
    progress.clear();
    expect(pipe.text()).toBe('');
  });

  it('never fills more than its line, whatever a file is called', () => {
    const clock = testClock();
    const terminal = screen(true, 20);
    const progress = terminalProgress(terminal, clock);
    clock.advance(1_000);
    progress.report(`taking in \n${'🙂'.repeat(30)}`, 1, 2);
    expect(terminal.text()).toBe(`${TAKE_AWAY}taking in \ufffd${'🙂'.repeat(8)}`);
  });
});

describe('output', () => {
  it('cuts a long name for a table in its middle, by what it takes on the screen', () => {
    expect(shortName('x'.repeat(60))).toBe('x'.repeat(60));
    const long = shortName(`payouts-${'x'.repeat(240)}-november.csv`);
    expect(long).toBe(`payouts-${'x'.repeat(21)}…${'x'.repeat(16)}-november.csv`);
    expect(shortName(`${'支'.repeat(40)}.csv`)).toBe(`${'支'.repeat(14)}…${'支'.repeat(12)}.csv`);
    expect(shortName(`${'🙂'.repeat(40)}`)).toBe(`${'🙂'.repeat(14)}…${'🙂'.repeat(14)}`);
  });

  it('aligns a table by what its cells take on the screen', () => {
    const terminal = screen(false);
    outputOn(terminal, {}).table(
      ['Name', '>Rows', 'Verdict'],
      [
        ['orders.csv', '7', 'accepted'],
        ['支払い.csv', '1200', ''],
        ['e\u0301te\u0301.csv', '30', 'rejected'],
      ],
    );
    expect(terminal.text().split('\n')).toEqual([
      'Name        Rows  Verdict',
      'orders.csv     7  accepted',
      '支払い.csv  1200',
      'e\u0301te\u0301.csv       30  rejected',
      '',
    ]);
  });

  it('leaves facts out that say nothing', () => {
    const terminal = screen(false);
    outputOn(terminal, {}).facts([
      ['Status', 'paid'],
      ['Bank reference', ''],
      ['Sent', 'once'],
    ]);
    expect(terminal.text()).toBe('Status  paid\nSent    once\n');
  });

  it.each([
    ['a terminal', true, {}, `${ESCAPE}[31mPROBLEM${ESCAPE}[39m\n`],
    ['a terminal with NO_COLOR', true, { NO_COLOR: '1' }, 'PROBLEM\n'],
    ['a terminal with an empty NO_COLOR', true, { NO_COLOR: '' }, `${ESCAPE}[31mPROBLEM${ESCAPE}[39m\n`],
    ['a dumb terminal', true, { TERM: 'dumb' }, 'PROBLEM\n'],
    ['a pipe', false, {}, 'PROBLEM\n'],
  ])('on %s is coloured as it should be', (_, isTTY, env, expected) => {
    const stream = screen(isTTY);
    const output = outputOn(stream, env);
    output.line(output.style('red', 'PROBLEM'));
    expect(stream.text()).toBe(expected);
  });

  it.each([true, false])('lets nothing that came from outside disturb the terminal (terminal: %s)', (isTTY) => {
    const stream = screen(isTTY);
    const output = outputOn(stream, { TERM: 'xterm' });
    const evil = `a${ESCAPE}[2J${ESCAPE}]0;title\x07b\r\u202ec\u009b2J`;
    output.line(evil);
    output.table(['Name'], [[evil]]);
    output.facts([['Name', evil]]);
    const shown = stream.text().replaceAll(/\x1b\[(?:2|22)m/g, '');
    expect(shown).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/);
    expect(shown).toContain('a\ufffd[2J\ufffd]0;title\ufffdb\ufffd\ufffdc\ufffd2J');
  });

  it('prints JSON with amounts as text and maps as objects', () => {
    const stream = screen(false);
    printJson(stream, { amountMinor: 12_345_678_901_234_567_890n, rows: new Map([['paid', 2]]) });
    expect(JSON.parse(stream.text())).toEqual({ amountMinor: '12345678901234567890', rows: { paid: 2 } });
  });
});

describe('JSON that may be printed on a terminal', () => {
  const evil = 'a\u009b2J\u202eb\u2028c\u2066\u200d\x7f\u{e0001}\ud800é😀\x1b[31m\n';

  it('says the same with escapes, and has nothing else that disturbs it', () => {
    const stream = screen(false);
    printJson(stream, { [evil]: [evil] });
    expect(stream.text()).not.toMatch(/[^\n -~é😀]/u);
    expect(stream.text()).toContain('a\\u009b2J\\u202eb\\u2028c');
    expect(JSON.parse(stream.text())).toEqual({ [evil]: [evil] });
  });

  it('is the log in a pipe, too', () => {
    const pipe = screen(false);
    openLog(pipe, testClock()).warn({ name: evil }, evil);
    expect(pipe.text()).not.toMatch(/[^\n -~é😀]/u);
    expect(JSON.parse(pipe.text())).toMatchObject({ name: evil, msg: evil });
  });
});

it('a text of several lines keeps its line ends and nothing else that moves the cursor', () => {
  expect(printableLines('a\u009b\nb\r\n')).toBe('a\ufffd\nb\ufffd\n');
});

describe('the log', () => {
  const facts = { run: 7, files: 2, moved: { paid: 3, failed: 1 } };

  it('is a line of JSON each in a pipe', () => {
    const pipe = screen(false);
    const log = openLog(pipe, testClock('2026-03-02T02:00:13Z'));
    log.info(facts, 'pass done');
    log.error({}, 'one line\nand not two');
    expect(
      pipe
        .text()
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([
      { level: 'info', time: '2026-03-02T02:00:13.000Z', ...facts, msg: 'pass done' },
      { level: 'error', time: '2026-03-02T02:00:13.000Z', msg: 'one line\nand not two' },
    ]);
  });

  it('is a line to read on a terminal', () => {
    const terminal = screen(true);
    const log = openLog(terminal, testClock('2026-03-02T02:00:13Z'));
    log.warn(facts, 'pass done');
    log.info({ name: `x${ESCAPE}[2J` }, 'taken in');
    expect(terminal.text()).toBe(
      '02:00:13 warn  pass done (run 7, files 2, moved paid 3, failed 1)\n02:00:13 info  taken in (name x\ufffd[2J)\n',
    );
  });
});
