/** `calendar` of paydrop.json, and the file that lists holidays. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Calendar, parseSettings } from '../src/settings/settings.ts';
import { temporaryFolder } from './support/workspace.ts';

const HAS_NO_EFFECT = 'has no effect, because calendar.days is "all"; set calendar.days to "banking"';

function read(calendar: object, others: object = {}, workspace = '/w'): Calendar | readonly string[] {
  const loaded = parseSettings({ calendar, ...others }, workspace);
  return loaded.ok ? loaded.value.calendar : loaded.problems;
}

/** What is read where the holidays are in a file of this text. */
function readFile(text: string | Uint8Array): Calendar | readonly string[] {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'holidays.txt'), text);
  const found = read({ days: 'banking', holidays: 'holidays.txt' }, {}, folder);
  return 'days' in found ? found : found.map((problem) => problem.replaceAll(`${folder}/`, ''));
}

describe('the calendar', () => {
  it('is open on each day, without a cut-off, unless it is set', () => {
    expect(read({})).toEqual({ days: 'all', weekend: new Set(), holidays: new Map(), cutOff: undefined });
  });

  it('of banking days has Saturday and Sunday for its weekend, unless another is set', () => {
    expect(read({ days: 'banking' })).toMatchObject({ days: 'banking', weekend: new Set([6, 0]) });
    expect(read({ days: 'banking', weekend: ['friday', 'saturday'] })).toMatchObject({ weekend: new Set([5, 6]) });
    expect(read({ days: 'banking', weekend: [] })).toMatchObject({ weekend: new Set() });
  });

  it('has a cut-off in minutes of the day, with all days too', () => {
    expect(read({ cutOff: '16:30' })).toMatchObject({ days: 'all', cutOff: 990 });
  });

  it.each<[string, object, string]>([
    ['other days', { days: 'weekdays' }, 'calendar.days: expected "all" or "banking"'],
    [
      'a day of the week that is misspelled',
      { days: 'banking', weekend: ['saturday', 'sonday'] },
      'calendar.weekend.1: expected a day of the week such as "saturday"',
    ],
    [
      'a weekend of seven days',
      { days: 'banking', weekend: ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] },
      'calendar.weekend: expected at most six days: with all seven nothing is ever sent',
    ],
    ...['25:00', '4:30 pm', '9:30', '16:60', '00:00', '24:00'].map((cutOff): [string, object, string] => [
      `the cut-off ${cutOff}`,
      { cutOff },
      'calendar.cutOff: expected a time of the day such as "16:30", from "00:01" to "23:59"',
    ]),
    [
      'a holiday in another form',
      { days: 'banking', holidays: ['2026-12-25', '26.01.2026'] },
      'calendar.holidays.1: expected a date such as "2026-01-26", found "26.01.2026"',
    ],
    [
      'a holiday that does not exist',
      { days: 'banking', holidays: ['2026-02-29'] },
      'calendar.holidays.0: there is no day 2026-02-29',
    ],
    [
      'a holiday that is given twice',
      { days: 'banking', holidays: ['2026-12-25', '2026-12-26', '2026-12-25'] },
      'calendar.holidays.2: 2026-12-25 is given twice: see calendar.holidays.0',
    ],
    ['no holidays', { days: 'banking', holidays: [] }, 'calendar.holidays: expected at least one date'],
    [
      'a number for holidays',
      { days: 'banking', holidays: 5 },
      'calendar.holidays: expected a list of dates, or a file name',
    ],
    ['a file of no name', { days: 'banking', holidays: ' ' }, 'calendar.holidays: expected the name of a file'],
    ['a weekend that is not asked for', { weekend: ['sunday'] }, `calendar.weekend: ${HAS_NO_EFFECT}`],
    ['holidays that are not asked for', { holidays: ['2026-12-25'] }, `calendar.holidays: ${HAS_NO_EFFECT}`],
  ])('refuses %s', (_, calendar, problem) => {
    expect(read(calendar)).toEqual([problem]);
  });

  it('refuses a cut-off that no nightly run comes before', () => {
    const problem =
      'calendar.cutOff: nothing would ever be sent, because the nightly run begins at 18:00 and the cut-off is 18:00';
    const schedule = { nightly: '0 18 * * *' };
    expect(read({ cutOff: '18:00' }, { schedule })).toEqual([problem]);
    expect(read({ cutOff: '18:01' }, { schedule })).toMatchObject({ cutOff: 1081 });
    expect(read({ cutOff: '18:00' }, { schedule, submit: 'on-arrival' })).toMatchObject({ cutOff: 1080 });
  });
});

describe('a file of holidays', () => {
  it('has one date per line, names and comments, with any line ends and a byte order mark', () => {
    const text = '\ufeff# Bank holidays\r\n\r\n2026-01-26 Republic Day # national\n2026-12-25\r 2026-03-04\t Holi \n';
    expect(readFile(text)).toMatchObject({
      holidays: new Map([
        ['2026-01-26', 'Republic Day'],
        ['2026-12-25', ''],
        ['2026-03-04', 'Holi'],
      ]),
    });
  });

  it.each<[string, string | Uint8Array, readonly string[]]>([
    [
      'a wrong date, with its line',
      '2026-01-26\n26.12.2026 Boxing Day\n',
      ['holidays.txt, line 2: expected a date such as "2026-01-26", found "26.12.2026"'],
    ],
    ['a date that does not exist', '2026-02-30 x\n', ['holidays.txt, line 1: there is no day 2026-02-30']],
    [
      'a date that comes twice, with both lines',
      '2026-12-25\n# and again\n2026-12-25 Christmas\n',
      ['holidays.txt, line 3: 2026-12-25 is given twice: see holidays.txt, line 1'],
    ],
    [
      'a name with a character that does not show',
      '2026-12-25 Christ\u0007mas\n',
      [
        expect.stringContaining(
          "holidays.txt, line 1: expected a name without characters that don't show, found U+0007",
        ),
      ],
    ],
    [
      'a name that is too long',
      `2026-12-25 ${'x'.repeat(201)}\n`,
      ['holidays.txt, line 1: expected a name of at most 200 characters'],
    ],
    [
      'another encoding',
      Uint8Array.from([0xff, 0xfe, 0x32, 0]),
      ['calendar.holidays: holidays.txt is UTF-16, not UTF-8: save it again as UTF-8'],
    ],
    [
      'a file that is no list',
      'x\n'.repeat(600_000),
      ["calendar.holidays: holidays.txt is larger than 1 MB: it can't be a list of holidays"],
    ],
  ])('is refused for %s', (_, text, problems) => {
    expect(readFile(text)).toEqual(problems);
  });

  it('with many problems names the first of them, and how many more there are', () => {
    const found = readFile('x\n'.repeat(25));
    expect(found).toHaveLength(11);
    expect((found as readonly string[])[10]).toBe('and 15 more lines like these');
  });

  it('is refused where it is missing, or no file', () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'days'));
    const calendar = (holidays: string) => ({ days: 'banking', holidays });
    expect(read(calendar('none.txt'), {}, folder)).toEqual([
      `calendar.holidays: there is no file ${join(folder, 'none.txt')}`,
    ]);
    expect(read(calendar('days'), {}, folder)).toEqual([
      expect.stringContaining(`calendar.holidays: ${join(folder, 'days')} can't be read`),
    ]);
  });
});
