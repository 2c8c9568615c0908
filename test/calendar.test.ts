/** Banking days and the cut-off: what they stop, what goes on, and that receipts foresee what passes then do. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { passJson, printPass } from '../src/commands/pass-text.ts';
import { status } from '../src/commands/status.ts';
import {
  calendarTold,
  closedAt,
  closedNow,
  closedText,
  holidaysEnd,
  whyNoBankingDay,
} from '../src/control/calendar.ts';
import { dayAfter, instantAt, localTime } from '../src/platform/clock.ts';
import type { Output } from '../src/platform/terminal.ts';
import { nightlyDue } from '../src/settings/schedule.ts';
import type { Calendar } from '../src/settings/settings.ts';
import { ALL } from './support/sample.ts';
import {
  API_FILES,
  instruction,
  instructions,
  needs,
  ORDERS,
  passWith,
  type TestWorkspace,
  testWorkspace,
  timesTaken,
} from './support/workspace.ts';

const BANKING: Calendar = {
  days: 'banking',
  weekend: new Set([0, 6]),
  holidays: new Map([
    ['2026-01-26', 'Republic Day'],
    ['2026-03-04', ''],
  ]),
  cutOff: 16 * 60 + 30,
};
const ALL_DAYS: Calendar = { days: 'all', weekend: new Set(), holidays: new Map(), cutOff: undefined };
const at = (time: string) => Date.parse(time);
const closed = (date: string, time: string, calendar = BANKING, zone = 'UTC') =>
  closedAt(calendar, [date], at(time), zone);

describe('a banking day', () => {
  it.each([
    ['2026-11-27', undefined],
    ['2026-11-28', '28 November is a Saturday'],
    ['2026-11-29', '29 November is a Sunday'],
    ['2026-01-26', '26 January is a holiday: Republic Day'],
    ['2026-03-04', '4 March is a holiday'],
    ['2028-02-29', undefined],
  ])('%s: %s', (date, why) => {
    expect(whyNoBankingDay(BANKING, date)).toBe(why);
    expect(whyNoBankingDay(ALL_DAYS, date)).toBeUndefined();
  });

  it('is named as the next one, over weekends and holidays', () => {
    const sunday = closed('2026-11-29', '2026-11-29T10:00:00Z');
    expect(sunday).toEqual({ why: '29 November is a Sunday', next: '2026-11-30' });
    expect(sunday && closedText(sunday)).toBe(
      'Nothing is sent today: 29 November is a Sunday. The next banking day is 30 November.',
    );
    const never = { ...BANKING, weekend: new Set([0, 1, 2, 3, 4, 5, 6]) };
    expect(closedText({ why: 'w', ...closed('2026-11-29', '2026-11-29T10:00:00Z', never), next: undefined })).toContain(
      'No banking day comes within a year.',
    );
  });
});

describe('the cut-off', () => {
  it('is open until the very instant, and closed from it on', () => {
    expect(closed('2026-11-27', '2026-11-27T16:29:59.999Z')).toBeUndefined();
    expect(closed('2026-11-27', '2026-11-27T16:30:00Z')).toEqual({
      why: '27 November is past its cut-off, 16:30',
      next: '2026-11-30',
    });
    expect(closed('2026-11-27', '2026-11-27T23:59:59Z')).toBeDefined();
  });

  it('goes by the clock of the zone', () => {
    expect(closed('2026-11-27', '2026-11-27T10:59:59Z', BANKING, 'Asia/Kolkata')).toBeUndefined();
    expect(closed('2026-11-27', '2026-11-27T11:00:00Z', BANKING, 'Asia/Kolkata')).toBeDefined();
  });

  it('holds when clocks are put back past it, and comes when they are put forward past it', () => {
    const night = { ...ALL_DAYS, cutOff: 2 * 60 + 30 };
    const open = (time: string) => closed('2026-10-25', time, night, 'Europe/Berlin') === undefined;
    // 02:29, 02:30, and an hour later both again.
    expect(['00:29', '00:30', '01:15', '01:30'].map((minute) => open(`2026-10-25T${minute}:00Z`))).toEqual([
      ...[true, false, false, false],
    ]);
    const spring = (time: string) => closed('2026-03-29', time, night, 'Europe/Berlin') === undefined;
    expect([spring('2026-03-29T00:59:59Z'), spring('2026-03-29T01:00:00Z')]).toEqual([true, false]);
  });

  it('is asked for on each day where all days are open', () => {
    const late = { ...ALL_DAYS, cutOff: 990 };
    expect(closed('2026-11-28', '2026-11-28T16:00:00Z', late)).toBeUndefined();
    expect(closed('2026-11-28', '2026-11-28T17:00:00Z', late)?.next).toBe('2026-11-29');
  });
});

const ZONES = ['UTC', 'Asia/Kolkata', 'Europe/Berlin', 'America/New_York', 'Africa/Cairo', 'Australia/Lord_Howe'];
/** Clock changes, leap days and the year's last day are among them. */
const NEAR = ['2026-03-29', '2026-10-25', '2026-03-08', '2026-11-01', '2026-04-24', '2028-02-29', '2026-12-31'];
const anInstant = fc
  .tuple(fc.constantFrom(...NEAR), fc.integer({ min: -5 * 1440, max: 5 * 1440 }))
  .map(([date, minutes]) => at(`${date}T00:00:00Z`) + minutes * 60_000);
const aSending = fc.record({
  submit: fc.constantFrom('nightly' as const, 'on-arrival' as const),
  schedule: fc.record({
    nightly: fc.constantFrom('0 2 * * *', '30 2 * * *', '0 15 * * 1-5', '0 0 * * *'),
    timeZone: fc.constantFrom(...ZONES),
  }),
  calendar: fc.record({
    days: fc.constantFrom('all' as const, 'banking' as const),
    weekend: fc.uniqueArray(fc.integer({ min: 0, max: 6 }), { maxLength: 3 }).map((days) => new Set(days)),
    holidays: fc
      .subarray(NEAR.flatMap((date) => [date, dayAfter(date)]))
      .map((days) => new Map(days.map((d) => [d, '']))),
    cutOff: fc.constantFrom(undefined, 930, 150),
  }),
});

describe('what is foreseen', () => {
  it('is the first moment at which a pass sends, whatever calendar, zone and time', () => {
    fc.assert(
      fc.property(aSending, anInstant, fc.integer({ min: -3, max: 9 }), (sending, fromMs, ahead) => {
        const { schedule, calendar, submit } = sending;
        const { timeZone } = schedule;
        const today = localTime(fromMs, timeZone).date;
        const openDate = new Date(at(`${today}T00:00:00Z`) + ahead * 86_400_000).toISOString().slice(0, 10);
        const { atMs, why } = calendarTold(sending).releaseOf(openDate, fromMs);
        /** Whether a pass of the service that is made at a time sends what is open from that date. */
        const sends = (ms: number) => {
          const { date } = localTime(ms, timeZone);
          const isDue = submit === 'on-arrival' || nightlyDue(ms, dayBefore(date), schedule) === date;
          return isDue && date >= openDate && closedNow(sending, ms) === undefined;
        };
        if (atMs === undefined) {
          expect(why).toContain('nothing is sent within a year');
          return;
        }
        expect(sends(atMs)).toBe(true);
        expect(atMs).toBeGreaterThanOrEqual(fromMs);
        // A night is made up for all day, so a night that had begun before is none that is still to come.
        const hasBegun = (date: string) =>
          submit === 'nightly' && nightlyDue(fromMs, dayBefore(date), schedule) === date;
        const step = atMs - fromMs > 20 * 86_400_000 ? 10 * 3_600_000 : 1_200_000;
        for (let ms = fromMs + 1; ms < atMs; ms += step)
          expect(sends(ms) && !hasBegun(localTime(ms, timeZone).date)).toBe(false);
        if (submit === 'on-arrival' && atMs > fromMs) expect(sends(atMs - 60_000)).toBe(false);
        if (calendar.days === 'all' && calendar.cutOff === undefined) expect(why).toBe('');
      }),
      { numRuns: ALL ? 300 : 30 },
    );
  });

  function dayBefore(date: string): string {
    return localTime(at(`${date}T00:00:00Z`) - 1, 'UTC').date;
  }

  it.each([
    [
      '2026-11-27',
      '2026-11-27T12:00:00Z',
      'nightly',
      '2026-11-30T02:00:00Z',
      '28 November is a Saturday, 29 November is a Sunday',
    ],
    ['2026-11-30', '2026-11-27T12:00:00Z', 'nightly', '2026-11-30T02:00:00Z', ''],
    ['2026-12-31', '2026-12-31T01:00:00Z', 'nightly', '2026-12-31T02:00:00Z', ''],
    ['2026-12-31', '2026-12-31T02:00:00Z', 'nightly', '2027-01-01T02:00:00Z', ''],
    ['2026-11-27', '2026-11-27T12:00:00Z', 'on-arrival', '2026-11-27T12:00:00Z', ''],
    [
      '2026-11-26',
      '2026-11-26T17:00:00Z',
      'on-arrival',
      '2026-11-27T00:00:00Z',
      '26 November is past its cut-off, 16:30',
    ],
    [
      '2028-02-28',
      '2028-02-28T17:00:00Z',
      'on-arrival',
      '2028-02-29T00:00:00Z',
      '28 February is past its cut-off, 16:30',
    ],
  ] as const)('for %s, as from %s, %s: %s', (openDate, from, submit, release, why) => {
    const sending = { submit, schedule: { nightly: '0 2 * * *', timeZone: 'UTC' }, calendar: BANKING };
    expect(calendarTold(sending).releaseOf(openDate, at(from))).toEqual({ atMs: at(release), why });
  });

  it('is nothing where no night of a year is open, and for a date beyond all calendars', () => {
    const schedule = { nightly: '0 2 * * 0', timeZone: 'UTC' };
    const { releaseOf } = calendarTold({ submit: 'nightly', schedule, calendar: BANKING });
    expect(releaseOf('2026-11-27', at('2026-11-27T12:00:00Z'))).toEqual({
      atMs: undefined,
      why: expect.stringMatching(/^nothing is sent within a year: 29 November is a Sunday, .*, and \d+ more days$/),
    });
    expect(releaseOf('9999-12-31', at('2026-11-27T12:00:00Z')).atMs).toBeUndefined();
  });
});

const WEEKDAYS = { calendar: { days: 'banking' } };
const SUNDAY = '2026-03-01';
const WHY = 'Nothing is sent today: 1 March is a Sunday. The next banking day is 2 March.';

function dropped(settings: object): TestWorkspace {
  const workspace = testWorkspace(settings);
  workspace.drop('orders.csv', ORDERS);
  workspace.drop(
    'payouts.csv',
    instructions(...['P1', 'P2', 'P3'].map((ref) => instruction(ref, '210', '2026-02-27'))),
  );
  return workspace;
}

const statuses = (workspace: TestWorkspace) => workspace.rows('payouts.000002.result.csv').map(({ status }) => status);
const receipt = (workspace: TestWorkspace) => JSON.parse(workspace.read('payouts.000002.receipt.json'));
const RECORDED = ['ready', 'ready', 'ready'];

describe('on a day that is no banking day', () => {
  it('files are taken in and reported, nothing leaves, and the pass is done and says why', async () => {
    const workspace = dropped(WEEKDAYS);
    const summary = await workspace.pass({ businessDate: SUNDAY });
    expect(timesTaken(workspace.ledger())).toEqual({});
    expect(statuses(workspace)).toEqual(RECORDED);
    expect(summary).toMatchObject({ closed: WHY, unfinished: undefined, needs: [], sent: 0 });
    expect(workspace.read('run.000001.summary.html')).toContain(
      'Nothing was sent: 1 March is a Sunday. The next banking day is 2 March.',
    );
  });

  it('what was sent before is looked up, and becomes paid', async () => {
    const workspace = dropped(WEEKDAYS);
    await workspace.pass({ lookUp: false });
    for (const _ of [1, 2, 3])
      await workspace.pass({ businessDate: '2026-03-07', faults: { fates: [{ fate: 'processed' }] } });
    expect(statuses(workspace)).toEqual(['paid', 'paid', 'paid']);
  });

  it('a nightly run is done, and the next one on a banking day sends what is due', async () => {
    const workspace = dropped(WEEKDAYS);
    workspace.clock.setWall('2026-03-01T02:00:00Z');
    const sunday = await workspace.pass({ kind: 'nightly', businessDate: SUNDAY });
    expect(sunday.closed).toBe(WHY);
    await expect(workspace.pass({ kind: 'nightly', businessDate: SUNDAY })).rejects.toThrow('done already');
    workspace.clock.setWall('2026-03-02T02:00:00Z');
    const monday = await workspace.pass({ kind: 'nightly', businessDate: '2026-03-02', lookUp: false });
    expect(monday).toMatchObject({ closed: undefined, sent: 3 });
    expect(timesTaken(workspace.ledger())).toEqual({ P1: 1, P2: 1, P3: 1 });
  });

  it('a night that is made up for sends nothing once the clock has come to that day', async () => {
    const workspace = dropped(WEEKDAYS);
    workspace.clock.setWall('2026-02-28T00:10:00Z');
    const friday = await workspace.pass({ kind: 'nightly', businessDate: '2026-02-27' });
    expect(friday.closed).toContain('28 February is a Saturday');
    expect(timesTaken(workspace.ledger())).toEqual({});
  });

  it('the date that a person gives decides, and not that of the clock', async () => {
    const workspace = dropped(WEEKDAYS);
    workspace.clock.setWall('2026-03-01T12:00:00Z');
    expect((await workspace.pass({ businessDate: '2026-02-27', lookUp: false })).sent).toBe(3);
  });

  it('a holiday is named', async () => {
    const workspace = dropped({ calendar: { days: 'banking', holidays: ['2026-03-02', '2026-12-25'] } });
    expect((await workspace.pass()).closed).toBe(
      'Nothing is sent today: 2 March is a holiday. The next banking day is 3 March.',
    );
    expect(timesTaken(workspace.ledger())).toEqual({});
  });

  it.each(['collect', 'order-management'] as const)('no order is made at the %s API', async (api) => {
    const workspace = testWorkspace({ provider: { api }, ...WEEKDAYS });
    workspace.drop('orders.csv', API_FILES[api].orders);
    workspace.drop('payouts.csv', API_FILES[api].instructions('P1'));
    await workspace.pass({ businessDate: '2026-03-07' });
    expect(workspace.ledger()).toEqual([]);
  });

  it.each(['collect', 'order-management'] as const)('no change is asked for at the %s API', async (api) => {
    const workspace = testWorkspace({ provider: { api }, ...WEEKDAYS });
    const changeable = { fates: [{ fate: 'ready' as const }] };
    workspace.drop('orders.csv', API_FILES[api].orders);
    workspace.drop('payouts.csv', API_FILES[api].instructions('P1'));
    await workspace.pass({ faults: changeable });
    const header = 'action,customerRef,orderRef,instructionRef,amount,openDate,dueDate';
    workspace.drop('change.csv', `${header}\nDELETE,C1,O1,P1,,,\n`);
    const saturday = await workspace.pass({ faults: changeable, businessDate: '2026-03-07' });
    expect(saturday).toMatchObject({ unfinished: undefined, closed: expect.stringContaining('7 March is a Saturday') });
    expect(workspace.ledger().map(({ kind }) => kind)).not.toContain('instruction-deleted');
    await workspace.pass({ faults: changeable, businessDate: '2026-03-09' });
    expect(workspace.ledger().map(({ kind }) => kind)).toContain('instruction-deleted');
  });
});

describe('what commands say', () => {
  function screen(): { lines: string[]; output: Output } {
    const lines: string[] = [];
    const line = (text = '') => void lines.push(text);
    return { lines, output: { line, table: () => undefined, facts: () => undefined, style: (_, text) => text } };
  }

  it('on such a day is why nothing is sent: of a run, its JSON, and the status before and after it', async () => {
    const workspace = dropped(WEEKDAYS);
    workspace.clock.setWall('2026-03-01T12:00:00Z');
    const told = async () => {
      const { lines, output } = screen();
      expect(await status({ workspace: workspace.root, clock: workspace.clock, output }, { check: true })).toBe(0);
      return lines;
    };
    expect(await told()).toContain(WHY);
    const summary = await workspace.pass({ businessDate: SUNDAY });
    const { lines, output } = screen();
    printPass(output, summary, true, 'outbox');
    expect(lines).toContain(WHY);
    expect(passJson(summary, true, 'outbox')).toMatchObject({ closed: WHY, unfinished: null, needs: [] });
    expect(await told()).toContain(WHY);
    workspace.clock.setWall('2026-03-02T12:00:00Z');
    expect((await told()).filter((line) => line.includes('Nothing is sent'))).toEqual([]);
  });
});

describe('a cut-off that comes while payouts are being sent', () => {
  const CUT_OFF = { calendar: { cutOff: '16:30' } };

  it.each([1, 4])('stops the next request, with %i at once: what is in flight is finished', async (concurrency) => {
    const workspace = dropped({ ...CUT_OFF, provider: { concurrency } });
    const { clock } = workspace;
    clock.setWall('2026-03-02T16:29:59.999Z');
    const summary = await passWith(
      workspace,
      ({ provider }) => ({
        provider: {
          ...provider,
          submit: async (...asked) => {
            const answer = await provider.submit(...asked);
            clock.setWall('2026-03-02T16:30:00Z');
            return answer;
          },
        },
      }),
      { lookUp: false },
    );
    // A pass begins with a single request.
    expect(timesTaken(workspace.ledger())).toEqual({ P1: 1 });
    expect(statuses(workspace)).toEqual(['submitted', 'ready', 'ready']);
    expect(summary).toMatchObject({
      unfinished: undefined,
      closed: 'Nothing is sent today: 2 March is past its cut-off, 16:30. The next banking day is 3 March.',
    });
    expect(workspace.read('run.000001.summary.html')).toContain('At the end of the run nothing was sent any more');
    clock.setWall('2026-03-03T02:00:00Z');
    await workspace.pass({ businessDate: '2026-03-03', lookUp: false });
    expect(timesTaken(workspace.ledger())).toEqual({ P1: 1, P2: 1, P3: 1 });
  });

  it('stops a change that is about to be asked for, which then does not count as asked for', async () => {
    const workspace = testWorkspace({ ...CUT_OFF, provider: { api: 'collect' } });
    const changeable = { fates: [{ fate: 'ready' as const }] };
    workspace.drop('orders.csv', API_FILES.collect.orders);
    workspace.drop('payouts.csv', API_FILES.collect.instructions('P1'));
    await workspace.pass({ faults: changeable });
    const header = 'action,customerRef,orderRef,instructionRef,amount,openDate,dueDate';
    workspace.drop('change.csv', `${header}\nDELETE,C1,O1,P1,,,\n`);
    const summary = await passWith(
      workspace,
      ({ provider }) => ({
        provider: {
          ...provider,
          lookUp: async (instruction) => {
            workspace.clock.setWall('2026-03-02T16:30:00Z');
            return provider.lookUp(instruction);
          },
        },
      }),
      { faults: changeable, lookUp: false },
    );
    expect(summary).toMatchObject({ unfinished: undefined, closed: expect.stringContaining('cut-off') });
    const tools = await workspace.open();
    const [asked] = await tools.store.amended(0, 10);
    await tools.close();
    expect(asked?.amendment).toMatchObject({ sends: 0 });
  });

  it('leaves another reason for which the line stopped unfinished', async () => {
    const workspace = dropped(CUT_OFF);
    const summary = await passWith(workspace, ({ provider }) => ({
      provider: {
        ...provider,
        submit: async () => {
          workspace.clock.setWall('2026-03-02T16:30:00Z');
          return { kind: 'not-sent', message: 'the key is refused', stopLine: 'the key is refused' };
        },
      },
    }));
    expect(summary?.unfinished).toContain('the key is refused');
  });
});

describe('a receipt', () => {
  it('foresees when each row is sent and why not sooner, and passes then do as it says', async () => {
    const workspace = testWorkspace({
      ...WEEKDAYS,
      schedule: { timeZone: 'Asia/Kolkata' },
      intake: { waitForOrder: '9d' },
    });
    workspace.clock.setWall('2026-02-27T10:00:00Z');
    workspace.drop('orders.csv', ORDERS);
    const rows = ['2026-02-27', '2026-02-28', '2026-03-02', '2026-03-03'];
    workspace.drop(
      'payouts.csv',
      instructions(
        ...rows.map((date, at) => instruction(`P${at}`, `${at + 1}0.5`, date)),
        'C9,O9,P9,1.5,2026-03-02,2026-03-06,P9',
      ),
    );
    const watching = { kind: 'arrival', businessDate: '2026-02-27', send: false, lookUp: false } as const;
    await workspace.pass(watching);
    const monday = { at: '2026-03-02T02:00:00+05:30', rows: 3, amounts: { INR: '61.50' } };
    const tuesday = { at: '2026-03-03T02:00:00+05:30', rows: 1, amounts: { INR: '40.50' } };
    expect(receipt(workspace).releases).toEqual([
      { ...monday, why: '28 February is a Saturday, 1 March is a Sunday' },
      tuesday,
      { at: null, rows: 1, amounts: { 'not known': '1.5' }, why: 'their order has not come' },
    ]);
    expect(workspace.read('payouts.000002.report.html')).toContain('with the nightly run of');
    for (const [date, sent] of [
      ['2026-02-28', 0],
      ['2026-03-01', 0],
      ['2026-03-02', 3],
      ['2026-03-03', 4],
    ] as const) {
      workspace.clock.setWall(new Date(instantAt(date, 120, 'Asia/Kolkata')).toISOString());
      await workspace.pass({ kind: 'nightly', businessDate: date, lookUp: false });
      expect(Object.keys(timesTaken(workspace.ledger())).length).toBe(sent);
      if (sent === 0) expect(receipt(workspace).releases).toMatchObject([monday, tuesday, { at: null, rows: 1 }]);
    }
  });

  it('has no releases once nothing of the file is unsent', async () => {
    const workspace = dropped(WEEKDAYS);
    await workspace.pass({ lookUp: false });
    expect(receipt(workspace).releases).toBeUndefined();
  });

  it('is the same when it is written again later', async () => {
    const workspace = dropped(WEEKDAYS);
    await workspace.pass({ businessDate: SUNDAY });
    const first = workspace.read('payouts.000002.receipt.json');
    workspace.clock.advance(3 * 86_400_000);
    const { store, settings, report, close } = await workspace.open();
    const { publishReportsOf } = await import('../src/reports/reports.ts');
    await publishReportsOf(store, 2, settings.outbox, report);
    await close();
    expect(workspace.read('payouts.000002.receipt.json')).toBe(first);
  });
});

describe('a list of holidays', () => {
  const sending = (...dates: string[]) => ({
    submit: 'nightly' as const,
    schedule: { nightly: '0 2 * * *', timeZone: 'UTC' },
    calendar: { ...BANKING, holidays: new Map(dates.map((date) => [date, ''])) },
  });

  it('runs out when its last date is less than 60 days ahead', () => {
    const now = at('2026-03-02T12:00:00Z');
    expect(holidaysEnd(sending('2026-05-01', '2026-01-26'), now)).toBeUndefined();
    expect(holidaysEnd(sending('2026-04-30', '2026-01-26'), now)).toBe('the last of calendar.holidays is 2026-04-30');
    expect(holidaysEnd(sending(), now)).toBeUndefined();
  });

  it('that runs out is told, and changes neither what is sent nor the exit status', async () => {
    const workspace = dropped({ calendar: { days: 'banking', holidays: ['2026-03-25'] } });
    const summary = await workspace.pass({ lookUp: false });
    expect(summary.sent).toBe(3);
    expect(summary.needs).toEqual([expect.objectContaining({ concern: 'holidays-end', weight: 'told' })]);
    expect(await needs(workspace)).toContain('1 holidays-end');
  });
});
