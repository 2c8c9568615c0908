/** What can happen to one request, drawn from the seed. */
import type { Answer } from '../../src/sandbox/call.ts';
import type { SimulatedApi } from './apis.ts';
import type { Chance } from './chance.ts';

/** One request's way: when it arrives at the provider, and what its sender hears of it. */
export interface Course {
  /** After so many milliseconds each; a duplicated request arrives twice, a lost one never. */
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
}

export interface Weather {
  /** Part of the requests that meet a fault. */
  readonly rate: number;
  /** The faults there are in this world: other worlds have others. */
  readonly posts: readonly string[];
  readonly gets: readonly string[];
  /** A request may arrive this late. */
  readonly latestMs: number;
  /** A payout that was taken may stay invisible to look-ups for so long. */
  readonly lagMs: number;
  /** Never so late, nor lagging so long, that the quarantine is over by then. */
  readonly keepsToTheQuarantine: boolean;
}

const NEAR = [20];
const page = (status: number): Answer => ({
  status,
  headers: { 'content-type': 'text/html' },
  body: '<html>wait</html>',
});
const redirect = (status: number): Answer => ({ status, headers: { location: '/elsewhere' }, body: '' });
const rateLimit = (api: SimulatedApi, after: string): Answer => {
  const answer = api.dialect.rateLimited();
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

type Draw = (chance: Chance, api: SimulatedApi, weather: Weather) => Course;

const either = (chance: Chance) => (chance.strikes(0.5) ? NEAR : []);

const ODD_ANSWERS: readonly Answer[] = [
  json(''),
  json('[]'),
  json('null'),
  json('{"code":"0x0200","message":"ok","status":"SUCCESS"}'),
  json('{"code":"0x9999","message":"?","status":"SUCCESS","data":{}}'),
  json('{"code":"0x0200","code":"0x0202","message":"ok","status":"SUCCESS","data":{"status":"who knows"}}'),
  { status: 204, headers: {}, body: '' },
];

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
  'server error': (chance, api) => instead(api.dialect.error(chance.pick([500, 502, 503, 504])), either(chance)),
  'service off': (_, api) => instead(api.dialect.serviceOff()),
  'rate limit': (chance, api) =>
    instead(rateLimit(api, chance.pick(['1', '120', '99999', 'soon', '-5'])), either(chance)),
  redirect: (chance) => instead(redirect(chance.pick([302, 307, 308])), either(chance)),
  odd: (chance) => instead(chance.pick(ODD_ANSWERS), either(chance)),
  'credentials refused': (chance, api) => ({
    ...instead(api.dialect.unauthorized(chance.pick([401, 403]))),
    stopsTheLine: true,
  }),
  'signature refused': (_, api) => ({ ...instead(api.dialect.badSignature()), stopsTheLine: true }),
  'wrong echo': (_, api) => ({ arrives: NEAR, heard: { kind: 'altered', alter: api.dialect.misdirected } }),
};

const POSTS: Readonly<Record<string, Draw>> = {
  ...COMMON,
  late: (chance, _, { latestMs }) => ({ arrives: [chance.between(1_000, latestMs)], heard: { kind: 'silence' } }),
  'late, reset': (chance, _, { latestMs }) => broken('the connection broke', [chance.between(1_000, latestMs)]),
  doubled: (chance, _, { latestMs }) => ({
    arrives: [20, chance.strikes(0.5) ? 25 : chance.between(1_000, latestMs)],
    heard: { kind: 'answer', of: 0 },
  }),
  'doubled, second answer heard': () => ({ arrives: [20, 25], heard: { kind: 'answer', of: 1 } }),
  declined: (chance, api) =>
    instead(
      api.dialect.decline({
        kind: 'decline',
        code: chance.pick(['0x0202', '0x0203']),
        message: chance.pick(['Insufficient balance', 'Beneficiary is blocked']),
        status: chance.pick([200, 400, 422]),
      }),
    ),
};

const GETS: Readonly<Record<string, Draw>> = {
  ...COMMON,
  'not found although there': (_, api) => instead(api.dialect.notFound()),
  'wrong amount': (_, api) => ({ arrives: NEAR, heard: { kind: 'altered', alter: api.misstated } }),
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
    latestMs: Math.floor(most * chance.pick([0.1, 0.5, 1])),
    lagMs: Math.floor((keepsToTheQuarantine ? quarantineMs * 0.3 : quarantineMs) * chance.pick([0, 0.3, 1])),
    keepsToTheQuarantine,
  };
}

export const FAIR: Weather = { rate: 0, posts: [], gets: [], latestMs: 0, lagMs: 0, keepsToTheQuarantine: true };

export function drawCourse(
  chance: Chance,
  api: SimulatedApi,
  weather: Weather,
  on: 'post' | 'get',
): { readonly name: string; readonly course: Course } {
  const names = on === 'post' ? weather.posts : weather.gets;
  if (names.length === 0 || !chance.strikes(weather.rate)) return { name: '', course: CLEAR };
  const name = chance.pick(names);
  const draw = (on === 'post' ? POSTS : GETS)[name] as Draw;
  return { name, course: draw(chance, api, weather) };
}
