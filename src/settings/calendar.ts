/** `calendar` of paydrop.json: banking days and the cut-off, with the holidays that a file of the workspace lists. */
import { resolve } from 'node:path';
import * as z from 'zod/mini';
import { isBlank, unwanted, unwantedControl } from '../domain/characters.ts';
import { clockAt } from '../platform/clock.ts';
import { firstMinute } from './schedule.ts';
import { type Loaded, textOf } from './text.ts';
import { described, forEditors, list, MOST_CHARACTERS, part, rule, textLike } from './values.ts';

/** The first is day 0, as dates have it. */
const WEEKDAYS = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'] as const;
type Weekday = (typeof WEEKDAYS)[number];
const WEEKEND: readonly Weekday[] = ['saturday', 'sunday'];

/** Of a file with more problems only the first are named. */
const PROBLEMS_NAMED = 10;
const LONGEST_NAME = 200;
const SHOWN_CHARACTERS = 50;

export interface Calendar {
  /** `all`: each day is a banking day. */
  readonly days: 'all' | 'banking';
  /** Days of the week that are no banking days; 0 is Sunday. */
  readonly weekend: ReadonlySet<number>;
  /** Dates that are no banking days, with the name of each; the name may be empty. */
  readonly holidays: ReadonlyMap<string, string>;
  /** From this minute of the day on nothing is sent. */
  readonly cutOff: number | undefined;
}

/** It goes on after a problem, so that the problem names the place of the date in its list. */
const holiday = forEditors(z.string().check(rule(dateProblem, { continue: true })), {
  pattern: /^\d{4}-\d{2}-\d{2}$/.source,
});
const listedIn = forEditors(
  z.string().check(
    z.maxLength(MOST_CHARACTERS),
    rule(
      (value) => {
        const character = unwantedControl(value);
        if (character !== undefined) return `expected text without control characters, found ${character}`;
        return isBlank(value) ? 'expected the name of a file' : undefined;
      },
      { continue: true },
    ),
  ),
  { minLength: 1 },
);
const timeOfDay = textLike(
  /^(?!00:00)([01]\d|2[0-3]):[0-5]\d$/,
  'expected a time of the day such as "16:30", from "00:01" to "23:59"',
);

/** How `calendar` is written in paydrop.json. */
export const calendarSchema = part({
  days: z._default(z.enum(['all', 'banking'], 'expected "all" or "banking"'), 'all'),
  weekend: described(
    z.optional(
      z
        .array(z.enum(WEEKDAYS, 'expected a day of the week such as "saturday"'))
        .check(z.maxLength(WEEKDAYS.length - 1, 'expected at most six days: with all seven nothing is ever sent')),
    ),
    'default ["saturday", "sunday"]; with "days": "banking"',
  ),
  holidays: described(
    z.optional(
      z.union([list(holiday, 'expected at least one date'), listedIn], 'expected a list of dates, or a file name'),
    ),
    'dates, or the name of a file with one date per line; with "days": "banking"',
  ),
  cutOff: described(z.optional(timeOfDay), 'from this time of the day on nothing is sent; default: none'),
});

/** As paydrop.json has it, once its schema is checked. */
interface Given {
  readonly days: Calendar['days'];
  readonly weekend?: readonly Weekday[] | undefined;
  readonly holidays?: string | readonly string[] | undefined;
  readonly cutOff?: string | undefined;
}

interface Sending {
  readonly submit: 'nightly' | 'on-arrival';
  readonly nightly: string;
}

/** Throws UnavailableError where the file of holidays can't be read now but may be later. */
export function readCalendar(given: Given, workspace: string, sending: Sending): Loaded<Calendar> {
  const { days, weekend = WEEKEND, cutOff: until } = given;
  const cutOff = until === undefined ? undefined : minuteOf(until);
  const problems = [...unused(given), ...nightsTooLate(cutOff, sending)];
  const holidays = problems.length > 0 ? NO_HOLIDAYS : holidaysOf(given.holidays, workspace);
  if (!holidays.ok) return holidays;
  if (problems.length > 0) return { ok: false, problems };
  const closed = new Set(days === 'all' ? [] : weekend.map((day) => WEEKDAYS.indexOf(day)));
  return { ok: true, value: { days, weekend: closed, holidays: holidays.value, cutOff } };
}

const NO_HOLIDAYS: Loaded<ReadonlyMap<string, string>> = { ok: true, value: new Map() };

/** A weekend that is set and not asked for would be taken for one that is kept. */
function unused(given: Given): string[] {
  if (given.days === 'banking') return [];
  return (['weekend', 'holidays'] as const)
    .filter((name) => given[name] !== undefined)
    .map((name) => `calendar.${name}: has no effect, because calendar.days is "all"; set calendar.days to "banking"`);
}

/** A nightly run that begins after the cut-off would never send anything. */
function nightsTooLate(cutOff: number | undefined, { submit, nightly }: Sending): string[] {
  if (cutOff === undefined || submit !== 'nightly') return [];
  const begins = firstMinute(nightly);
  if (begins < cutOff) return [];
  return [
    `calendar.cutOff: nothing would ever be sent, because the nightly run begins at ${clockAt(begins)} and the cut-off is ${clockAt(cutOff)}`,
  ];
}

function minuteOf(time: string): number {
  const [hours = '', minutes = ''] = time.split(':');
  return Number(hours) * 60 + Number(minutes);
}

function holidaysOf(given: Given['holidays'], workspace: string): Loaded<ReadonlyMap<string, string>> {
  if (given === undefined) return NO_HOLIDAYS;
  if (typeof given !== 'string')
    return collected(given.map((date, at) => ({ date, name: '', place: `calendar.holidays.${at}` })));
  const path = resolve(workspace, given);
  const read = textOf(path, 'a list of holidays');
  if (!read) return { ok: false, problems: [`calendar.holidays: there is no file ${path}`] };
  if (!read.ok) return { ok: false, problems: read.problems.map((problem) => `calendar.holidays: ${problem}`) };
  return collected(listed(read.value, path));
}

interface Holiday {
  readonly date: string;
  readonly name: string;
  /** Where it is given. */
  readonly place: string;
}

/** One date a line, with its name behind it. What follows a `#` is a comment. */
function listed(text: string, path: string): Holiday[] {
  return text.split(/\r\n|\n|\r/).flatMap((line, at) => {
    const [stated = ''] = line.split('#');
    const [, date = '', name = ''] = /^[ \t]*([^ \t,;]*)[ \t,;]*(.*?)[ \t]*$/.exec(stated) ?? [];
    return date === '' && name === '' ? [] : [{ date, name, place: `${path}, line ${at + 1}` }];
  });
}

function collected(given: readonly Holiday[]): Loaded<ReadonlyMap<string, string>> {
  const places = new Map<string, string>();
  const holidays = new Map<string, string>();
  const problems: string[] = [];
  for (const { date, name, place } of given) {
    const before = places.get(date);
    const problem = dateProblem(date) ?? nameProblem(name) ?? (before && `${date} is given twice: see ${before}`);
    if (problem !== undefined) problems.push(`${place}: ${problem}`);
    places.set(date, place);
    holidays.set(date, name);
  }
  if (problems.length === 0) return { ok: true, value: holidays };
  const more = problems.length - PROBLEMS_NAMED;
  return {
    ok: false,
    problems: [...problems.slice(0, PROBLEMS_NAMED), ...(more > 0 ? [`and ${more} more lines like these`] : [])],
  };
}

/** What is wrong with a date of the list; undefined where it is a day that exists. */
function dateProblem(text: string): string | undefined {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text))
    return `expected a date such as "2026-01-26", found "${text.slice(0, SHOWN_CHARACTERS)}"`;
  const day = new Date(`${text}T00:00:00Z`);
  const exists = !Number.isNaN(day.getTime()) && day.toISOString().slice(0, 10) === text;
  return exists ? undefined : `there is no day ${text}`;
}

function nameProblem(name: string): string | undefined {
  if (name.length > LONGEST_NAME) return `expected a name of at most ${LONGEST_NAME} characters`;
  const character = unwanted(name);
  return character && `expected a name without characters that don't show, found ${character}`;
}
