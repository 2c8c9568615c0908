import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import type { ManagedDetails } from '../../src/domain/instruction.ts';
import type { Order } from '../../src/domain/order.ts';
import type { HttpOutcome } from '../../src/provider/http.ts';
import { ENDPOINT_NAMES, endpointProblem, ORDER_MANAGEMENT_ENDPOINTS } from '../../src/provider/imburse/endpoints.ts';
import { orderManagementProvider } from '../../src/provider/imburse/order-management.ts';
import type { AmendmentCalls, OrderCalls, Payout, Provider, RecordCalls } from '../../src/provider/port.ts';
import {
  CORRELATION,
  json,
  NOWHERE,
  ORDER,
  PAYOUT,
  type ScriptedHttp,
  scriptedHttp,
  stillClock,
  strangeAnswers,
} from './scripted-http.ts';

let http: ScriptedHttp;
let provider: Provider & { orders: OrderCalls; amendments: AmendmentCalls; records: RecordCalls };

beforeEach(() => {
  http = scriptedHttp();
  provider = orderManagementProvider({ ...NOWHERE, clock: stillClock, http }) as typeof provider;
});

const MANAGED: ManagedDetails = {
  direction: 'DEBIT',
  financialInstrumentId: 'FI-1',
  currency: 'BHD',
  country: 'BH',
  scheme: '{754EB81F-3A21-4A1E-9C0B-3B5C8F2D7E10}',
  settledByDate: '2026-12-01',
  metadata: [['purpose', 'rent']],
};
const DEFAULTS = { financialInstrumentId: 'FI-9', schemeId: ORDER.scheme, metadata: [['team', 'a']] } as const;
const WITH_DEFAULTS: Order = { ...ORDER, customerDefaults: DEFAULTS };
const SECOND: Payout = { ...PAYOUT, instructionRef: 'PI02', amountMinor: 50n };

/** The documented oddities: an amount that is a number, metaData, Scheme, no reference of the instruction. */
const RECORD = {
  customerRef: 'C01',
  direction: 'CREDIT',
  amount: 210,
  currency: 'INR',
  country: 'IN',
  settledByDate: '2026-11-30T00:00:00Z',
  Scheme: { schemeId: ORDER.scheme, source: 'INSTRUCTION', canUpdate: true },
  financialInstrument: { financialInstrumentId: 'FI-9', source: 'CUSTOMER_DEFAULT', canUpdate: true },
  metaData: {},
  status: 'READY',
};
const ORDER_RECORD = { orderRef: 'REF1', metadata: Object.fromEntries(ORDER.metadata), customerDefaults: [] };
const refused = (...codes: unknown[]) => ({
  timestamp: '2026-11-20T12:00:00Z',
  correlationId: CORRELATION,
  errors: codes.map((errorCode) => ({ errorCode, message: 'words.', messageTemplate: 'words', metadata: {} })),
});
const line = () => http.calls.map(({ method, path }) => `${method} ${path}`);

async function submit(answer: HttpOutcome) {
  http.answer(answer);
  return provider.submit(provider.body(PAYOUT), PAYOUT, CORRELATION);
}
async function lookUp(answer: HttpOutcome) {
  http.answer(answer);
  return provider.lookUp(PAYOUT);
}
async function register(answer: HttpOutcome, riders: readonly Payout[] = []) {
  http.answer(answer);
  return provider.orders.register(provider.orders.body(ORDER, riders.map(provider.body)), ORDER, CORRELATION);
}
async function lookUpOrder(answer: HttpOutcome, order = ORDER) {
  http.answer(answer);
  return provider.orders.lookUp(order);
}

describe('the body of an instruction', () => {
  it('holds what the row says', () => {
    expect(provider.body({ ...PAYOUT, amountMinor: 2_505n, currency: 'BHD', managed: MANAGED })).toBe(
      '{"instructionRef":"PI01","customerRef":"C01","direction":"DEBIT","financialInstrumentId":"FI-1","amount":"2.505","currency":"BHD","country":"BH","settledByDate":"2026-12-01","scheme":"{754EB81F-3A21-4A1E-9C0B-3B5C8F2D7E10}","metadata":{"purpose":"rent"}}',
    );
  });

  it('holds CREDIT, what is the order’s, and the due date, where the row says nothing', () => {
    const { direction: _, ...silent } = { ...MANAGED, financialInstrumentId: '', currency: '', country: '' };
    const managed: ManagedDetails = { ...silent, direction: '', scheme: '', settledByDate: '', metadata: [] };
    const body =
      '{"instructionRef":"PI01","customerRef":"C01","direction":"CREDIT","amount":"210.00","currency":"INR","country":"IN","settledByDate":"2026-11-30","scheme":"{654EB81F-3A21-4A1E-9C0B-3B5C8F2D7E10}","metadata":{}}';
    expect(provider.body({ ...PAYOUT, managed })).toBe(body);
    expect(provider.body(PAYOUT)).toBe(body);
    expect(provider.amendments.body(PAYOUT)).toBe(body);
  });

  it('leaves the scheme to the customer’s default where the order names one', () => {
    const body = (payout: Payout) => JSON.parse(provider.body(payout));
    expect(body({ ...PAYOUT, order: WITH_DEFAULTS })).not.toHaveProperty('scheme');
    const none = { ...ORDER, customerDefaults: { ...DEFAULTS, schemeId: '' } };
    expect(body({ ...PAYOUT, order: none })).toMatchObject({ scheme: ORDER.scheme });
    const managed = { ...MANAGED, currency: 'INR' };
    expect(body({ ...PAYOUT, managed, order: WITH_DEFAULTS })).toMatchObject({ scheme: MANAGED.scheme });
  });

  it('keeps its metadata in the order of the file, whatever the names', () => {
    const metadata = [
      ['zone', 'Z'],
      ['2026', 'year'],
      ['__proto__', 'p'],
      ['1', 'one "1"'],
    ] as const;
    expect(provider.body({ ...PAYOUT, managed: { ...MANAGED, currency: 'INR', metadata } })).toContain(
      ',"metadata":{"zone":"Z","2026":"year","__proto__":"p","1":"one \\"1\\""}}',
    );
  });

  it('of a later attempt goes by its client reference', () => {
    expect(JSON.parse(provider.body({ ...PAYOUT, attempt: 3 })).instructionRef).toBe(PAYOUT.clientRefId);
  });

  it('is never one in another currency than the amount’s, nor one without its order', () => {
    expect(() => provider.body({ ...PAYOUT, managed: MANAGED })).toThrow('a payout of INR came as one of BHD');
    expect(() => provider.body({ ...PAYOUT, order: undefined })).toThrow(/without its order/);
  });
});

describe('the body of an order', () => {
  it('has no instructions and no defaults, where there are none', () => {
    expect(provider.orders.body({ ...ORDER, metadata: [] }, [])).toBe(
      '{"orderRef":"REF1","instructions":[],"metadata":{},"customerDefaults":[]}',
    );
  });

  it('brings its riders along, byte for byte', () => {
    const riders = [provider.body(PAYOUT), '{ "odd" : "Zo\\u00eb" }'];
    const body = provider.orders.body(ORDER, riders);
    expect(body).toBe(
      `{"orderRef":"REF1","instructions":[${riders.join()}],"metadata":{"branch":"East","note":"Zoë \\"7\\""},"customerDefaults":[]}`,
    );
    expect(provider.orders.mostRiders).toBe(20);
  });

  it('keeps its metadata and the customer’s in the order of the file, whatever the names', () => {
    const name = fc.oneof(
      fc.string(),
      fc.nat().map(String),
      fc.constantFrom('__proto__', 'constructor', '"', '\ud800'),
    );
    const metadata = fc.uniqueArray(fc.tuple(name, fc.string()), { selector: ([key]) => key });
    const written = (pairs: readonly (readonly [string, string])[]) =>
      `"metadata":{${pairs.map((pair) => pair.map((text) => JSON.stringify(text)).join(':')).join()}}`;
    fc.assert(
      fc.property(metadata, metadata, (own, ofCustomer) => {
        const customerDefaults = { ...DEFAULTS, metadata: ofCustomer };
        const body = provider.orders.body({ ...ORDER, metadata: own, customerDefaults }, []);
        expect(body).toContain(`"instructions":[],${written(own)},"customerDefaults":[{`);
        if (ofCustomer.length > 0) expect(body).toContain(`,${written(ofCustomer)}}]}`);
        const said = JSON.parse(body);
        expect(said.metadata).toEqual(Object.fromEntries(own));
        expect(said.customerDefaults[0].metadata ?? {}).toEqual(Object.fromEntries(ofCustomer));
      }),
    );
  });

  it('names the customer’s defaults, without the empty ones', () => {
    const defaults = (customerDefaults: NonNullable<Order['customerDefaults']>) =>
      JSON.parse(provider.orders.body({ ...ORDER, customerDefaults }, [])).customerDefaults;
    expect(defaults(DEFAULTS)).toEqual([
      { customerRef: 'C01', financialInstrumentId: 'FI-9', schemeId: ORDER.scheme, metadata: { team: 'a' } },
    ]);
    expect(defaults({ financialInstrumentId: '', schemeId: '', metadata: [] })).toEqual([{ customerRef: 'C01' }]);
  });
});

describe('the request', () => {
  it('goes to the documented paths, and to the assumed ones by default', async () => {
    const { amendments, records } = provider;
    await register(json(500, ''));
    await submit(json(500, ''));
    await lookUp(json(500, ''));
    await lookUpOrder(json(500, ''));
    await amendments.update(amendments.body(PAYOUT), PAYOUT, CORRELATION);
    await amendments.remove(PAYOUT, CORRELATION);
    await records.customer('C01');
    await records.customerHistory('C01');
    await records.orderHistory(ORDER);
    await records.instructionHistory(PAYOUT);
    const base = '/v1/order-management';
    expect(line()).toEqual([
      `POST ${base}`,
      `POST ${base}/REF1/instruction`,
      `GET ${base}/REF1/instruction/PI01`,
      `GET ${base}/REF1`,
      `PUT ${base}/REF1/instruction/PI01`,
      `DELETE ${base}/REF1/instruction/PI01`,
      `GET ${base}/customer/C01`,
      `GET ${base}/customer/C01/audit`,
      `GET ${base}/REF1/audit`,
      `GET ${base}/REF1/instruction/PI01/audit`,
    ]);
  });

  it.each(ENDPOINT_NAMES)('%s has a default that can be used', (name) => {
    expect(endpointProblem(ORDER_MANAGEMENT_ENDPOINTS[name], name)).toBeUndefined();
  });
});

describe('a submission is accepted', () => {
  it('with 201 and the instruction, which states no reference of its own', async () => {
    expect(await submit(json(201, RECORD))).toEqual({
      kind: 'accepted',
      orderRefId: '',
      httpStatus: 201,
      code: 'READY',
    });
  });

  it('an order alone with 201, one with its instructions with 202', async () => {
    expect(await register(json(201, ORDER_RECORD))).toMatchObject({ kind: 'accepted', httpStatus: 201 });
    const instructions = [{ ...RECORD, amount: 0.5 }, RECORD];
    const reply = json(202, { ...ORDER_RECORD, instructions });
    expect(await register(reply, [PAYOUT, SECOND])).toMatchObject({ kind: 'accepted', httpStatus: 202 });
    expect(await register(json(202, ORDER_RECORD), [PAYOUT])).toMatchObject({ kind: 'accepted' });
  });

  it('a change with 200 or 204', async () => {
    const { amendments } = provider;
    http.answer(json(200, RECORD), json(204, ''));
    expect(await amendments.update(amendments.body(PAYOUT), PAYOUT, CORRELATION)).toMatchObject({ kind: 'accepted' });
    expect(await amendments.remove(PAYOUT, CORRELATION)).toMatchObject({ kind: 'accepted' });
  });
});

describe('a submission is declined', () => {
  it.each([400, 402])('with %i and the documented errors', async (status) => {
    expect(await submit(json(status, refused('AMOUNT_OUT_OF_RANGE', 'LIMIT_REACHED')))).toEqual({
      kind: 'declined',
      httpStatus: status,
      code: 'AMOUNT_OUT_OF_RANGE',
      message: 'AMOUNT_OUT_OF_RANGE: words (column amount); LIMIT_REACHED: words',
    });
  });

  it('with our words for a code that comes without any, in one line', async () => {
    const errors = [
      { errorCode: 'DUE_DATE_IS_REQUIRED', message: null },
      { errorCode: 'NEW_CODE', message: ' two\nlines ' },
    ];
    expect(await submit(json(400, { errors }))).toMatchObject({
      message: 'DUE_DATE_IS_REQUIRED: The due date is missing (column dueDate); NEW_CODE: two lines',
    });
  });

  it('an order with all its instructions', async () => {
    expect(await register(json(400, refused('AMOUNT_IS_REQUIRED')), [PAYOUT])).toMatchObject({ kind: 'declined' });
  });
});

describe('a submission is unknown, and the line goes on', () => {
  it.each<[string, HttpOutcome, RegExp]>([
    ['a used reference', json(409, refused('INSTRUCTION_REF_ALREADY_EXISTS')), /already knows this reference/],
    ['402 that says it exists', json(402, refused('INSTRUCTION_REF_ALREADY_EXISTS')), /already knows/],
    [
      'words that say so',
      json(400, { errors: [{ errorCode: 'X', message: 'The reference is already used' }] }),
      /already knows/,
    ],
    ['an order that is not there', json(404, refused('ORDER_NOT_FOUND')), /HTTP 404, ORDER_NOT_FOUND: words/],
    ['200, which is not documented', json(200, RECORD), /HTTP 200/],
    ['202 without riders', json(202, RECORD), /HTTP 202/],
    ['one that failed at once', json(201, { ...RECORD, status: 'FAILED' }), /HTTP 201/],
    ["the other generation's errors", json(400, { errorCodes: ['AMOUNT_IS_REQUIRED'] }), /not the API's JSON/],
    ['errors without codes', json(400, { errors: [{ message: 'x' }] }), /not the API's JSON/],
    ['no errors', json(400, { errors: [] }), /not the API's JSON/],
    ['too many requests', json(429, refused('TOO_MANY_REQUESTS')), /HTTP 429/],
    ['a server error', json(503, ''), /HTTP 503/],
  ])('%s', async (_, answer, message) => {
    const outcome = await submit(answer);
    expect(outcome).toMatchObject({ kind: 'unknown', message: expect.stringMatching(message) });
    expect(outcome).not.toHaveProperty('stopLine');
  });

  it.each<[string, HttpOutcome]>([
    ['the status of an order alone', json(201, ORDER_RECORD)],
    ['fewer instructions', json(202, { ...ORDER_RECORD, instructions: [RECORD] })],
    ['an instruction that failed', json(202, { ...ORDER_RECORD, instructions: [RECORD, { status: 'FAILED' }] })],
    ['an instruction that is none', json(202, { ...ORDER_RECORD, instructions: [RECORD, null] })],
    ['a used order reference', json(409, refused('ORDER_REF_ALREADY_EXISTS'))],
  ])('an order with its instructions: %s', async (_, answer) => {
    const outcome = await register(answer, [PAYOUT, SECOND]);
    expect(outcome).toMatchObject({ kind: 'unknown' });
    expect(outcome).not.toHaveProperty('stopLine');
  });
});

describe('a submission stops the line', () => {
  it.each<[string, object, RegExp]>([
    ['another customer', { customerRef: 'C02' }, /customer reference C02/],
    ['another amount', { amount: 2100 }, /amount 2100/],
    ['another currency', { currency: 'USD' }, /currency USD/],
    ['another direction', { direction: 'DEBIT' }, /direction DEBIT/],
  ])('on %s', async (_, changes, why) => {
    expect(await submit(json(201, { ...RECORD, ...changes }))).toMatchObject({
      kind: 'unknown',
      stopLine: expect.stringMatching(why),
    });
  });

  it('on an order with an instruction that was not in it, or another order', async () => {
    const instructions = [RECORD, RECORD];
    expect(await register(json(202, { ...ORDER_RECORD, instructions }), [PAYOUT, SECOND])).toMatchObject({
      stopLine: expect.stringMatching(/an instruction that was not in the order/),
    });
    expect(await register(json(201, { ...ORDER_RECORD, orderRef: 'REF2' }))).toMatchObject({
      stopLine: expect.stringMatching(/order reference REF2/),
    });
  });
});

describe('a look-up', () => {
  it('brings back amount and currency, and our reference, which the API does not state', async () => {
    expect(await lookUp(json(200, { ...RECORD, amount: 210.1 }))).toEqual({
      kind: 'found',
      status: 'submitted',
      orderRefId: '',
      clientRefId: PAYOUT.clientRefId,
      amount: '210.1',
      currency: 'INR',
      bankReference: '',
      message: '',
      updatable: true,
      failedOrReturned: false,
      deleted: false,
      states: {
        ...{ amount: '210.1', currency: 'INR', country: 'IN', direction: 'CREDIT', settledByDate: '2026-11-30' },
        ...{ scheme: '654EB81F-3A21-4A1E-9C0B-3B5C8F2D7E10', financialInstrumentId: 'FI-9', metadata: '' },
      },
    });
  });

  it('finds nothing only where the API itself says so, with 400 or 404', async () => {
    for (const status of [400, 404])
      expect(await lookUp(json(status, refused('NOT_FOUND')))).toEqual({ kind: 'not-found' });
    expect(await lookUp(json(200, refused('NOT_FOUND')))).toMatchObject({ kind: 'unclear' });
    expect(await lookUp(json(404, { errorCodes: ['NOT_FOUND'] }))).toMatchObject({ kind: 'unclear' });
  });

  it('shows another customer', async () => {
    expect(await lookUp(json(200, { ...RECORD, customerRef: 'C02' }))).toMatchObject({
      clientRefId: 'customer reference C02',
    });
  });

  it('is unclear where the record does not say of which customer it is: references are the tenant’s', async () => {
    for (const customerRef of [undefined, null])
      expect(await lookUp(json(200, { ...RECORD, customerRef }))).toEqual({
        kind: 'unclear',
        message: expect.stringContaining('does not say of which customer it is'),
        answered: true,
      });
  });
});

describe('a look-up of an order', () => {
  it('compares metadata and the customer’s defaults, nothing that is not part of it', async () => {
    const record = { ...ORDER_RECORD, currency: 'USD' };
    expect(await lookUpOrder(json(200, record))).toEqual({ kind: 'found', difference: '' });
    const own = { customerRef: 'C01', financialInstrumentId: 'FI-9', schemeId: ORDER.scheme.toLowerCase() };
    const customerDefaults = [{ customerRef: 'C02', schemeId: 'x' }, own];
    for (const order of [ORDER, WITH_DEFAULTS])
      expect(await lookUpOrder(json(200, { ...record, customerDefaults }), order)).toMatchObject({ difference: '' });
  });

  const theirs = [{ customerRef: 'C02', status: 'READY' }];

  it.each<[string, object, Order, object]>([
    ['has an instruction of ours', { instructions: [...theirs, { customerRef: 'C01' }] }, ORDER, { difference: '' }],
    ['names our customer itself', { customerRef: 'C01' }, WITH_DEFAULTS, { difference: '' }],
    ['has nothing of any customer, as what we sent', { instructions: [] }, ORDER, { difference: '' }],
    [
      'has instructions of another customer alone',
      { instructions: theirs },
      ORDER,
      { difference: 'it is of the customer C02, not of C01' },
    ],
    [
      'has defaults of another customer alone',
      { customerDefaults: theirs },
      WITH_DEFAULTS,
      { difference: 'it is of the customer C02, not of C01' },
    ],
    ['has nothing of any customer, though we sent defaults', {}, WITH_DEFAULTS, { kind: 'unclear', answered: true }],
    ['says nothing of customers', { customerDefaults: undefined }, ORDER, { kind: 'unclear', answered: true }],
  ])('tells whose it is: it %s', async (_, changes, order, expected) => {
    expect(await lookUpOrder(json(200, { ...ORDER_RECORD, ...changes }), order)).toMatchObject(expected);
  });

  it.each<[string, object, RegExp]>([
    ['other metadata', { metadata: {} }, /^its metadata differs in branch, note$/],
    [
      'metadata of a strange name',
      { metadata: { ...ORDER_RECORD.metadata, ['__proto__']: 'x' } },
      /^its metadata differs in __proto__$/,
    ],
    [
      'money that goes elsewhere',
      { customerDefaults: [{ customerRef: 'C01', financialInstrumentId: 'FI-8' }] },
      /^in the customer's defaults, its financialInstrumentId is FI-8, ours is FI-9$/,
    ],
    [
      'other default metadata',
      { customerDefaults: [{ customerRef: 'C01', metadata: { team: 'b' } }] },
      /defaults, its metadata differs in team$/,
    ],
  ])('says what differs: %s', async (_, changes, difference) => {
    expect(await lookUpOrder(json(200, { ...ORDER_RECORD, ...changes }), WITH_DEFAULTS)).toEqual({
      kind: 'found',
      difference: expect.stringMatching(difference),
    });
  });
});

describe('whatever is not on the list', () => {
  const answers = strangeAnswers({
    codes: ['AMOUNT_IS_REQUIRED', 'INSTRUCTION_REF_ALREADY_EXISTS', 'NOT_FOUND', 'LIMIT_REACHED'],
    errors: (codes) => ({ errors: codes.map((errorCode) => ({ errorCode, message: 'words' })) }),
  });
  const JSON_TYPE = /^application\/json(?:;|$)/;

  it('is unknown as a submission, alone or in an order', async () => {
    await fc.assert(
      fc.asyncProperty(answers, async (answer) => {
        const alone = await submit(answer);
        const order = await register(answer);
        const riding = await register(answer, [PAYOUT]);
        for (const [outcome, status] of [[alone, 201] as const, [order, 201] as const, [riding, 202] as const]) {
          if (outcome.kind === 'unknown') continue;
          expect(answer.contentType).toMatch(JSON_TYPE);
          const body = JSON.parse(answer.body);
          if (outcome.kind === 'accepted') {
            expect(answer.status).toBe(status);
            expect([undefined, null, 'C01']).toContain(body.customerRef);
            expect([undefined, null, 'REF1']).toContain(body.orderRef);
            expect(body.errors ?? []).toEqual([]);
          } else {
            expect(outcome.kind).toBe('declined');
            expect([400, 402]).toContain(answer.status);
            for (const { errorCode } of body.errors)
              expect(['AMOUNT_IS_REQUIRED', 'LIMIT_REACHED']).toContain(errorCode);
          }
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('is unclear as a look-up', async () => {
    await fc.assert(
      fc.asyncProperty(answers, async (answer) => {
        for (const { kind } of [await lookUp(answer), await lookUpOrder(answer, WITH_DEFAULTS)]) {
          if (kind === 'unclear') continue;
          expect(answer.contentType).toMatch(JSON_TYPE);
          expect(kind === 'found' ? [200] : [400, 404]).toContain(answer.status);
          if (kind === 'not-found')
            for (const { errorCode } of JSON.parse(answer.body).errors) expect(errorCode).toBe('NOT_FOUND');
        }
      }),
      { numRuns: 1000 },
    );
  });
});
