/** What can happen to one request, drawn from the seed. */
import type { Answer, Dialect, TokenLife } from '../../src/sandbox/call.ts';
import type { On } from '../../src/sandbox/faults.ts';
import type { HabitName } from '../../src/sandbox/habits.ts';
import type { Asked, SimulatedApi } from './api.ts';
import type { Chance } from './chance.ts';

/** One request's way: when it arrives at the provider, and what its sender hears of it. */
export interface Course {
  /** The milliseconds until each arrival; a duplicated request arrives twice, a lost request never. */
  readonly arrives: readonly number[];
  /** What the sender hears, or that nothing complete ever comes. */
  readonly heard:
    | { readonly kind: 'answer'; readonly of: number }
    | { readonly kind: 'altered'; readonly alter: (answer: Answer) => Answer }
    | { readonly kind: 'instead'; readonly answer: Answer }
    | { readonly kind: 'broken'; readonly message: string; readonly afterMs: number }
    | { readonly kind: 'silence' }
    | { readonly kind: 'not-sent' };
  /** Nothing more may be sent in this pass once it is heard. */
  readonly stopsTheLine?: true;
  /** Of the token that is given out. */
  readonly tokenLife?: TokenLife;
}

export interface Weather {
  /** Part of the requests that meet a fault. */
  readonly rate: number;
  /** The faults there are in this world: other worlds have others. */
  readonly posts: readonly string[];
  readonly gets: readonly string[];
  readonly tokens: readonly string[];
  /** A request may arrive this late. */
  readonly latestMs: number;
  /** A payout that was taken may stay invisible to look-ups for this time. */
  readonly lagMs: number;
  /** Never so late, nor lagging so long, that the quarantine is over by then. */
  readonly keepsToTheQuarantine: boolean;
  /** Whether a request may be refused that is accepted when it comes again. */
  readonly mayDecline: boolean;
}

const NEAR = [20];
const page = (status: number): Answer => ({
  status,
  headers: { 'content-type': 'text/html' },
  body: '<html>wait</html>',
});
const redirect = (status: number): Answer => ({ status, headers: { location: '/elsewhere' }, body: '' });
const rateLimit = (dialect: Dialect, after: string): Answer => {
  const answer = dialect.rateLimited();
  return { ...answer, headers: { ...answer.headers, 'retry-after': after } };
};
const json = (body: string, status = 200): Answer => ({
  status,
  headers: { 'content-type': 'application/json' },
  body,
});
const instead = (answer: Answer, arrives: readonly number[] = []): Course => ({
  arrives,
  heard: { kind: 'instead', answer },
});
const broken = (message: string, arrives: readonly number[] = [], afterMs = 30): Course => ({
  arrives,
  heard: { kind: 'broken', message, afterMs },
});

interface Met {
  readonly on: On;
  readonly api: SimulatedApi;
  readonly dialect: Dialect;
  readonly weather: Weather;
}

type Draw = (chance: Chance, met: Met) => Course;

const either = (chance: Chance) => (chance.strikes(0.5) ? NEAR : []);

const CHANGES: readonly On[] = ['update', 'delete'];
const ODD_BODIES: readonly Answer[] = [
  json(''),
  json('[]'),
  json('null'),
  json('{"code":"0x0200","message":"ok","status":"SUCCESS"}'),
  json('{"code":"0x9999","message":"?","status":"SUCCESS","data":{}}'),
  json('{"code":"0x0200","code":"0x0202","message":"ok","status":"SUCCESS","data":{"status":"who knows"}}'),
];
const ODD_ANSWERS: readonly Answer[] = [...ODD_BODIES, { status: 204, headers: {}, body: '' }];

/** What both kinds of request can meet. */
const COMMON: Readonly<Record<string, Draw>> = {
  refused: () => ({ arrives: [], heard: { kind: 'not-sent' } }),
  'lost, reset': () => broken('the connection broke'),
  'lost, silence': () => ({ arrives: [], heard: { kind: 'silence' } }),
  'taken, reset': () => broken('the connection broke', NEAR),
  'taken, silence': () => ({ arrives: NEAR, heard: { kind: 'silence' } }),
  truncated: () => ({
    arrives: NEAR,
    heard: { kind: 'altered', alter: (answer) => ({ ...answer, body: answer.body.slice(0, answer.body.length / 2) }) },
  }),
  'not HTTP': (chance) => broken('the answer was not HTTP', either(chance)),
  'a page': (chance) => instead(page(chance.pick([200, 403, 502])), either(chance)),
  'server error': (chance, { dialect }) => instead(dialect.error(chance.pick([500, 502, 503, 504])), either(chance)),
  'service off': (_, { dialect }) => instead(dialect.serviceOff()),
  'rate limit': (chance, { dialect }) =>
    instead(rateLimit(dialect, chance.pick(['1', '120', '99999', 'soon', '-5'])), either(chance)),
  redirect: (chance) => instead(redirect(chance.pick([302, 307, 308])), either(chance)),
  // Nothing with 204 is how a change is accepted.
  odd: (chance, { on }) => instead(chance.pick(CHANGES.includes(on) ? ODD_BODIES : ODD_ANSWERS), either(chance)),
  'credentials refused': (chance, { dialect }) => ({
    ...instead(dialect.unauthorized(chance.pick([401, 403])), either(chance)),
    stopsTheLine: true,
  }),
  'signature refused': (_, { dialect }) => ({ ...instead(dialect.badSignature()), stopsTheLine: true }),
  'wrong echo': (_, { dialect }) => ({ arrives: NEAR, heard: { kind: 'altered', alter: dialect.misdirected } }),
};

const POSTS: Readonly<Record<string, Draw>> = {
  ...COMMON,
  late: (chance, { weather: { latestMs } }) => ({
    arrives: [chance.between(1_000, latestMs)],
    heard: { kind: 'silence' },
  }),
  'late, reset': (chance, { weather: { latestMs } }) =>
    broken('the connection broke', [chance.between(1_000, latestMs)]),
  doubled: (chance, { weather: { latestMs } }) => ({
    arrives: [20, chance.strikes(0.5) ? 25 : chance.between(1_000, latestMs)],
    heard: { kind: 'answer', of: 0 },
  }),
  'doubled, second answer heard': () => ({ arrives: [20, 25], heard: { kind: 'answer', of: 1 } }),
  declined: (chance, { api, dialect }) => {
    const message = chance.pick(['Insufficient balance', 'Beneficiary is blocked', 'Daily limit already exhausted']);
    return instead(dialect.decline({ kind: 'decline', message, ...chance.pick(api.declines) }));
  },
};

const GETS: Readonly<Record<string, Draw>> = {
  ...COMMON,
  'not found although there': (chance, { api, dialect }) => {
    const message = chance.pick(['Order Not Found', 'No record found', 'No such transaction']);
    return instead(dialect.notFound({ status: chance.pick(api.notFoundStatuses), message }));
  },
  'spelt otherwise': () => ({ arrives: NEAR, heard: { kind: 'altered', alter: speltOtherwise } }),
  'words that can not be read': (_, { api }) => ({ arrives: NEAR, heard: { kind: 'altered', alter: api.unreadable } }),
  'another customer': () => ({
    arrives: NEAR,
    heard: { kind: 'altered', alter: (answer) => ofCustomer(answer, 'C9') },
  }),
  'no customer': () => ({
    arrives: NEAR,
    heard: { kind: 'altered', alter: (answer) => ofCustomer(answer, undefined) },
  }),
  'wrong amount': (_, { api }) => ({ arrives: NEAR, heard: { kind: 'altered', alter: api.misstated } }),
};

/** The same record of that customer, or without a customer. */
function ofCustomer(answer: Answer, customerRef: string | undefined): Answer {
  const whole = JSON.parse(answer.body) as Record<string, unknown>;
  if (answer.status !== 200 || !('customerRef' in whole || 'customerDefaults' in whole)) return answer;
  const { customerRef: _, customerDefaults: __, instructions: ___, ...rest } = whole;
  return { ...answer, body: JSON.stringify({ ...rest, customerRef }) };
}

/** The same status in other letters, the same amount with its thousands grouped as in India. */
function speltOtherwise(answer: Answer): Answer {
  const whole = JSON.parse(answer.body) as Record<string, unknown>;
  const record = Object(whole['data'] ?? whole) as Record<string, unknown>;
  const { status, amount } = record;
  if (typeof status === 'string')
    record['status'] = status === status.toUpperCase() ? status.toLowerCase() : status.toUpperCase();
  if (amount !== undefined) record['amount'] = String(amount).replace(/(\d)(?=(?:\d\d)*\d{3}(?:\.|$))/g, '$1,');
  return { ...answer, body: JSON.stringify(whole) };
}

const TOKENS: Readonly<Record<string, Draw>> = {
  ...COMMON,
  'good for few requests': (chance) => ({
    ...CLEAR,
    tokenLife: { kind: 'short-token', ms: 3_600_000, requests: chance.below(3) },
  }),
  'soon over': (chance) => ({ ...CLEAR, tokenLife: { kind: 'short-token', ms: chance.pick([0, 60_001, 90_000]) } }),
};

const CLEAR: Course = { arrives: NEAR, heard: { kind: 'answer', of: 0 } };

export interface WeatherOptions {
  readonly quarantineMs: number;
  readonly timeoutMs: number;
  readonly keepsToTheQuarantine: boolean;
  /** A request that was refused may be paid when it comes again: not where others send the same payouts. */
  readonly mayDecline: boolean;
  readonly mayDouble: boolean;
}

/** A world has some of the faults, so that each also comes without the others. */
export function drawWeather(chance: Chance, options: WeatherOptions): Weather {
  const { quarantineMs, keepsToTheQuarantine, mayDecline, mayDouble } = options;
  const banned = (name: string) => (name === 'declined' && !mayDecline) || (name.startsWith('doubled') && !mayDouble);
  const some = (from: Readonly<Record<string, Draw>>) => {
    const odds = chance.pick([0.2, 0.5, 1]);
    return Object.keys(from).filter((name) => !banned(name) && chance.strikes(odds));
  };
  const most = keepsToTheQuarantine ? quarantineMs * 0.6 : quarantineMs * 3;
  return {
    rate: chance.pick([0.1, 0.3, 0.6, 0.9]),
    posts: some(POSTS),
    gets: some(GETS),
    tokens: some(TOKENS),
    latestMs: Math.floor(most * chance.pick([0.1, 0.5, 1])),
    mayDecline,
    lagMs: Math.floor((keepsToTheQuarantine ? quarantineMs * 0.3 : quarantineMs) * chance.pick([0, 0.3, 1])),
    keepsToTheQuarantine,
  };
}

export const FAIR: Weather = {
  rate: 0,
  posts: [],
  gets: [],
  tokens: [],
  latestMs: 0,
  lagMs: 0,
  keepsToTheQuarantine: true,
  mayDecline: false,
};

export function drawCourse(
  chance: Chance,
  api: SimulatedApi,
  weather: Weather,
  { on, dialect }: Pick<Asked, 'on' | 'dialect'>,
): { readonly name: string; readonly course: Course } {
  const [names, draws] = faultsOf(on, weather);
  if (names.length === 0 || !chance.strikes(weather.rate)) return { name: '', course: CLEAR };
  const name = chance.pick(names);
  // An order that is found to be another one is refused.
  if (on === 'order-get' && ['wrong echo', 'another customer'].includes(name) && !weather.mayDecline)
    return { name: '', course: CLEAR };
  const draw = draws[name] as Draw;
  return { name, course: draw(chance, { on, api, dialect, weather }) };
}

function faultsOf(on: On, { posts, gets, tokens }: Weather): [readonly string[], Readonly<Record<string, Draw>>] {
  if (on === 'token') return [tokens, TOKENS];
  return on === 'get' || on === 'order-get' ? [gets, GETS] : [posts, POSTS];
}

/**
 * What imitates each of the sandbox's habits here: one of the faults, of any request, or what the world counts under
 * that name. A failure that is taken back isn't drawn: if a person pays again after it, the payout is paid twice
 * through the provider's own fault, which no promise covers.
 */
export const HABITS_DRAWN: Readonly<Record<Exclude<HabitName, 'failure-taken-back'>, string>> = {
  'empty-account': 'account empty',
  'already-in-a-refusal': 'declined',
  'not-found-with-200': 'not found although there',
  forgets: 'spoiled: forgotten',
  'unknown-status': 'words that can not be read',
  'status-in-capitals': 'spelt otherwise',
  'grouped-amount': 'spelt otherwise',
  'part-returned': 'wrong amount',
  'firewall-page': 'a page',
  'look-up-later': 'rate limit',
  'lying-401': 'credentials refused',
  'another-customer': 'another customer',
  'no-customer': 'no customer',
  'lost-change': 'taken, reset',
};
