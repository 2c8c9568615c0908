import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import type { HttpOutcome } from '../../src/provider/http.ts';
import { collectProvider } from '../../src/provider/imburse/collect.ts';
import {
  COLLECT_ENDPOINTS,
  ENDPOINT_NAMES,
  type EndpointName,
  endpointProblem,
} from '../../src/provider/imburse/endpoints.ts';
import { CODE_COLUMNS } from '../../src/provider/imburse/errors.ts';
import type { AmendmentCalls, OrderCalls, Provider, RecordCalls } from '../../src/provider/port.ts';
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

function collect(endpoints: Partial<Record<EndpointName, string>> = {}) {
  return collectProvider({ ...NOWHERE, endpoints, clock: stillClock, http }) as typeof provider;
}

beforeEach(() => {
  http = scriptedHttp();
  provider = collect();
});

const RECORD = {
  customerRef: 'C01',
  orderRef: 'REF1',
  instructionRef: 'PI01',
  amount: '210.00',
  openDate: '2026-11-20',
  dueDate: '2026-11-30',
  status: 'READY',
  canUpdate: true,
};
const ORDER_RECORD = {
  customerRef: 'C01',
  orderRef: 'REF1',
  currency: 'INR',
  country: 'IN',
  scheme: '654eb81f-3a21-4a1e-9c0b-3b5c8f2d7e10',
  metadata: { branch: 'East', note: 'Zoë "7"' },
};
const refused = (...errorCodes: unknown[]) => ({ errorCodes });
const page = (status: number): HttpOutcome => ({ ...json(status, '<html>'), contentType: 'text/html' });
const line = () => http.calls.map(({ method, path }) => `${method} ${path}`);

async function submit(answer: HttpOutcome) {
  http.answer(answer);
  return provider.submit(provider.body(PAYOUT), PAYOUT, CORRELATION);
}
async function lookUp(answer: HttpOutcome) {
  http.answer(answer);
  return provider.lookUp(PAYOUT);
}
async function register(answer: HttpOutcome) {
  http.answer(answer);
  return provider.orders.register(provider.orders.body(ORDER, []), ORDER, CORRELATION);
}
async function update(answer: HttpOutcome) {
  http.answer(answer);
  return provider.amendments.update(provider.amendments.body(PAYOUT), PAYOUT, CORRELATION);
}
async function remove(answer: HttpOutcome) {
  http.answer(answer);
  return provider.amendments.remove(PAYOUT, CORRELATION);
}
async function lookUpOrder(answer: HttpOutcome) {
  http.answer(answer);
  return provider.orders.lookUp(ORDER);
}

describe('the body', () => {
  it('of an instruction holds reference, amount and dates', () => {
    expect(provider.body(PAYOUT)).toBe(
      '{"instructionRef":"PI01","amount":"210.00","openDate":"2026-11-20","dueDate":"2026-11-30"}',
    );
    expect(provider.amendments.body(PAYOUT)).toBe(provider.body(PAYOUT));
  });

  it('of a later attempt goes by its client reference', () => {
    expect(JSON.parse(provider.body({ ...PAYOUT, attempt: 2 })).instructionRef).toBe(PAYOUT.clientRefId);
  });

  it.each([
    ['INR', 1n, '0.01'],
    ['INR', 99_999_999_999_999n, '999999999999.99'],
    ['JPY', 210n, '210'],
    ['BHD', 2_505n, '2.505'],
  ])('states %s %s minor units as %s', (currency, amountMinor, amount) => {
    expect(JSON.parse(provider.body({ ...PAYOUT, currency, amountMinor })).amount).toBe(amount);
  });

  it('of an order holds its metadata, {} when it has none, and takes no instructions along', () => {
    expect(provider.orders.body(ORDER, [])).toBe(
      '{"orderRef":"REF1","currency":"INR","country":"IN","scheme":"{654EB81F-3A21-4A1E-9C0B-3B5C8F2D7E10}","metadata":{"branch":"East","note":"Zoë \\"7\\""}}',
    );
    expect(provider.orders.body({ ...ORDER, metadata: [] }, [])).toMatch(/"metadata":\{\}\}$/);
    expect(provider.orders.mostRiders).toBe(0);
  });

  it('of an order keeps its metadata in the order of the file, whatever the names', () => {
    const metadata = [
      ['zone', 'Z'],
      ['2026', 'year'],
      ['__proto__', 'p'],
      ['1', 'one'],
    ] as const;
    expect(provider.orders.body({ ...ORDER, metadata }, [])).toContain(
      ',"metadata":{"zone":"Z","2026":"year","__proto__":"p","1":"one"}}',
    );
  });
});

describe('the request', () => {
  it('goes to the documented paths, and to the assumed ones by default', async () => {
    await submit(json(500, ''));
    await register(json(500, ''));
    await lookUp(json(500, ''));
    await lookUpOrder(json(500, ''));
    await update(json(500, ''));
    await remove(json(500, ''));
    const order = '/v1/collect/customer/C01/order/REF1';
    expect(line()).toEqual([
      `POST ${order}/instruction`,
      'POST /v1/collect/customer/C01/order',
      `GET ${order}/instruction/PI01`,
      `GET ${order}`,
      `PUT ${order}/instruction/PI01`,
      `DELETE ${order}/instruction/PI01`,
    ]);
  });

  it('asks for each record and its history', async () => {
    http.answer(json(200, [{ at: 'x' }]));
    const { records } = provider;
    expect(await records.customer('C01')).toEqual({ kind: 'found', value: [{ at: 'x' }] });
    await records.order(ORDER);
    await records.instruction({ ...PAYOUT, attempt: 2 });
    await records.customerHistory('C01');
    await records.orderHistory(ORDER);
    await records.instructionHistory(PAYOUT);
    const order = '/v1/collect/customer/C01/order/REF1';
    expect(line()).toEqual([
      'GET /v1/collect/customer/C01',
      `GET ${order}`,
      `GET ${order}/instruction/${PAYOUT.clientRefId}`,
      'GET /v1/collect/customer/C01/audit',
      `GET ${order}/audit`,
      `GET ${order}/instruction/PI01/audit`,
    ]);
  });

  it('goes where the settings say, with references percent-encoded', async () => {
    const ref = { ...PAYOUT, orderRef: 'a/b?c', instructionRef: 'Zoë' };
    http.answer(json(500, ''));
    provider = collect({ updateInstruction: 'PATCH /v2/{customerRef}/{orderRef}/{instructionRef}' });
    await provider.amendments.update(provider.body(ref), ref, CORRELATION);
    expect(line()).toEqual(['PATCH /v2/C01/a%2Fb%3Fc/Zo%C3%AB']);
  });

  it.each(['.', '..', ''])('does not leave for the reference "%s", which would change the path', async (orderRef) => {
    const ref = { ...PAYOUT, orderRef };
    expect(await provider.submit(provider.body(ref), ref, CORRELATION)).toMatchObject({ kind: 'not-sent' });
    expect(await provider.amendments.remove(ref, CORRELATION)).toMatchObject({ kind: 'not-sent' });
    expect(await provider.lookUp(ref)).toMatchObject({ kind: 'unclear' });
    expect(http.calls).toEqual([]);
  });
});

describe('an endpoint of the settings', () => {
  it.each(ENDPOINT_NAMES)('%s has a default that can be used', (name) => {
    expect(endpointProblem(COLLECT_ENDPOINTS[name], name)).toBeUndefined();
  });

  it.each<[EndpointName, string, RegExp]>([
    ['getOrder', '/v1/{orderRef}', /verb and a path/],
    ['getOrder', 'GET v1/{orderRef}', /verb and a path/],
    ['getOrder', 'GET  /v1/{orderRef}', /verb and a path/],
    ['getOrder', 'GET /v1/{orderRef} x', /verb and a path/],
    ['getOrder', 'DELETE /v1/{orderRef}', /begin with GET, not DELETE/],
    ['deleteInstruction', 'GET /{orderRef}/{instructionRef}', /begin with DELETE or POST, not GET/],
    ['getOrder', 'GET /v1/{order}', /placeholder \{order\}; there are \{customerRef\} and \{orderRef\}/],
    ['getCustomer', 'GET /v1/{orderRef}', /there is only \{customerRef\}/],
    ['getInstruction', 'GET /v1/{instructionRef}', /must have \{orderRef\}/],
    ['getInstruction', 'GET /v1/x', /must have \{orderRef\} and \{instructionRef\}/],
    ['getOrder', 'GET /v1/{orderRef}?full=1', /percent-encoded, or a query/],
    ['getOrder', 'GET /v1/{orderRef', /must have \{orderRef\}/],
    ['getOrder', 'GET /v1/}{orderRef}', /percent-encoded/],
    ['getOrder', 'GET /v1/../{orderRef}', /"\." or "\.\."/],
  ])('%s is refused as "%s"', (name, text, problem) => {
    expect(endpointProblem(text, name)).toMatch(problem);
    expect(() => collect({ [name]: text })).toThrow(problem);
  });
});

describe('a submission is accepted', () => {
  it('with 200 and the instruction', async () => {
    expect(await submit(json(200, RECORD))).toEqual({
      kind: 'accepted',
      orderRefId: '',
      httpStatus: 200,
      code: 'READY',
    });
  });

  it.each([
    ['its reference alone', { instructionRef: 'PI01' }],
    ['the amount as a number', { ...RECORD, amount: 210 }],
    ['the amount in other digits', { ...RECORD, amount: '0210.0' }],
    ['no errors in it', { ...RECORD, errorCodes: [] }],
    ['what it does not state as null', { ...RECORD, customerRef: null }],
  ])('with %s', async (_, record) => {
    expect(await submit(json(200, record))).toMatchObject({ kind: 'accepted' });
  });

  it('an order as well, a change with 204 too', async () => {
    expect(await register(json(200, ORDER_RECORD))).toMatchObject({ kind: 'accepted', httpStatus: 200 });
    expect(await update(json(200, RECORD))).toMatchObject({ kind: 'accepted' });
    expect(await update(json(204, ''))).toMatchObject({ kind: 'accepted', httpStatus: 204 });
    expect(await remove(json(204, ''))).toMatchObject({ kind: 'accepted' });
    expect(await remove(json(200, {}))).toMatchObject({ kind: 'accepted' });
    expect(await remove(json(200, { ...RECORD, status: 'VOID' }))).toMatchObject({ kind: 'accepted' });
  });
});

describe('a submission is declined', () => {
  it('by published codes, all of them in the message', async () => {
    expect(await submit(json(400, refused('AMOUNT_OUT_OF_RANGE', 'DUE_DATE_IS_REQUIRED')))).toEqual({
      kind: 'declined',
      httpStatus: 400,
      code: 'AMOUNT_OUT_OF_RANGE',
      message:
        'AMOUNT_OUT_OF_RANGE: The amount must be greater than zero and at most 999,999,999,999.99 (column amount); DUE_DATE_IS_REQUIRED: The due date is missing (column dueDate)',
    });
    expect(await register(json(400, refused('CURRENCY_IS_REQUIRED')))).toMatchObject({ code: 'CURRENCY_IS_REQUIRED' });
  });

  it('by an unpublished code, passed through', async () => {
    expect(await submit(json(400, refused('LIMIT_REACHED', 'toString')))).toMatchObject({
      kind: 'declined',
      code: 'LIMIT_REACHED',
      message: 'LIMIT_REACHED; toString',
    });
  });

  it('with a message of at most 300 characters', async () => {
    const outcome = await submit(json(400, refused(...[...CODE_COLUMNS.keys()])));
    expect('message' in outcome && outcome.message.length).toBe(300);
  });

  it('as a change, when the payout was processed already', async () => {
    for (const change of [update, remove])
      expect(await change(json(409, refused('INSTRUCTION_ALREADY_PROCESSED')))).toMatchObject({
        kind: 'declined',
        code: 'INSTRUCTION_ALREADY_PROCESSED',
      });
  });
});

describe('a submission is unknown, and the line goes on', () => {
  it.each<[string, HttpOutcome, RegExp]>([
    ['a used reference', json(409, refused('INSTRUCTION_REF_ALREADY_EXISTS')), /already knows this reference: INSTR/],
    ['a used reference with 400', json(400, refused('INSTRUCTION_REF_ALREADY_EXISTS')), /already knows/],
    ['a used reference among other codes', json(400, refused('AMOUNT_IS_REQUIRED', 'DUPLICATE_REF')), /already knows/],
    ['an order of a customer', json(400, refused('ORDER_ALREADY_EXISTS_FOR_CUSTOMER')), /already knows/],
    ['a conflict of any code', json(409, refused('AMOUNT_IS_REQUIRED')), /already knows/],
    ['one that was processed already', json(409, refused('INSTRUCTION_ALREADY_PROCESSED')), /already knows/],
    ['an order that is not there', json(404, refused('ORDER_NOT_FOUND')), /HTTP 404, ORDER_NOT_FOUND: /],
    ['an order that is not there with 400', json(400, refused('ORDER_NOT_FOUND')), /ORDER_NOT_FOUND/],
    ['another status of success', json(201, RECORD), /HTTP 201/],
    ['no content', json(204, ''), /HTTP 204, without a body/],
    ['an empty answer', json(200, ''), /HTTP 200, without a body/],
    ['an answer that states nothing of ours', json(200, { ok: true }), /HTTP 200/],
    ['an answer that is no object', json(200, [RECORD]), /HTTP 200/],
    ['a status alone', json(200, { status: 'READY' }), /HTTP 200/],
    ['half an answer', json(200, JSON.stringify(RECORD).slice(0, -1)), /not the API's JSON/],
    ['two amounts', json(200, '{"instructionRef":"PI01","amount":"1","amount":"210.00"}'), /not the API's JSON/],
    ['success that states errors', json(200, { ...RECORD, errorCodes: ['X'] }), /HTTP 200/],
    ['one that failed at once', json(200, { ...RECORD, status: 'FAILED' }), /HTTP 200/],
    ['one that is void', json(200, { ...RECORD, status: 'VOID' }), /HTTP 200/],
    ['a status that is not known', json(200, { ...RECORD, status: 'toString' }), /HTTP 200/],
    ['402, which this generation does not document', json(402, refused('AMOUNT_IS_REQUIRED')), /HTTP 402/],
    ['422', json(422, refused('AMOUNT_IS_REQUIRED')), /HTTP 422/],
    ['no codes', json(400, refused()), /HTTP 400, not the API's JSON/],
    ['a code that is none', json(400, refused('AMOUNT_IS_REQUIRED', 7)), /not the API's JSON/],
    ["the other generation's errors", json(400, { errors: [{ errorCode: 'AMOUNT_IS_REQUIRED' }] }), /not the API's/],
    ['errors beside a record', json(400, { ...RECORD, errorCodes: ['AMOUNT_IS_REQUIRED'] }), /not the API's JSON/],
    ['a page', page(200), /HTTP 200, not JSON/],
    ['a page with 400', page(400), /HTTP 400, not JSON/],
    ['too many requests', json(429, refused('SLOW_DOWN')), /HTTP 429, SLOW_DOWN/],
    ['a server error that looks accepted', json(500, RECORD), /HTTP 500/],
    ['a server error that looks declined', json(500, refused('AMOUNT_IS_REQUIRED')), /HTTP 500, AMOUNT_IS_REQUIRED/],
    ['a redirect', json(307, ''), /HTTP 307, a redirect, which is never followed/],
    ['a broken connection', { kind: 'unclear', message: 'the connection broke' }, /^the connection broke$/],
  ])('%s', async (_, answer, message) => {
    const outcome = await submit(answer);
    expect(outcome).toMatchObject({ kind: 'unknown', message: expect.stringMatching(message) });
    if (answer.kind === 'response') expect(outcome).toMatchObject({ httpStatus: answer.status });
    expect(outcome).not.toHaveProperty('stopLine');
  });

  it('with the first code, and the wait that the provider asked for', async () => {
    expect(await submit(json(503, refused('SERVICE_OFF'), '30'))).toMatchObject({
      kind: 'unknown',
      code: 'SERVICE_OFF',
      retryAfterMs: 30_000,
    });
    expect(await submit(json(429, '', 'Fri, 20 Nov 2026 12:01:00 GMT'))).toMatchObject({ retryAfterMs: 60_000 });
    expect(await submit(json(429, '', 'tomorrow'))).not.toHaveProperty('retryAfterMs');
  });

  it('a change of something that is not there, a removal that leaves it as it was', async () => {
    expect(await update(json(404, refused('NOT_FOUND')))).toMatchObject({ kind: 'unknown', code: 'NOT_FOUND' });
    expect(await remove(json(404, refused('NOT_FOUND')))).toMatchObject({ kind: 'unknown' });
    expect(await remove(json(200, RECORD))).toMatchObject({ kind: 'unknown' });
    expect(await remove(json(409, refused('LOCKED')))).toMatchObject({ kind: 'unknown' });
    expect(await remove(json(204, 'text'))).toMatchObject({ kind: 'unknown' });
  });

  it('what never left is not sent', async () => {
    expect(await submit({ kind: 'not-sent', message: 'no connection' })).toEqual({
      kind: 'not-sent',
      message: 'no connection',
    });
  });
});

describe('a submission stops the line', () => {
  it.each<[string, HttpOutcome, RegExp]>([
    ['HTTP 401', json(401, ''), /credentials/],
    ['HTTP 403', json(403, ''), /credentials/],
    ['another instruction', json(200, { ...RECORD, instructionRef: 'PI02' }), /instruction reference PI02/],
    ['another order', json(200, { ...RECORD, orderRef: 'REF2' }), /order reference REF2/],
    ['another customer', json(200, { ...RECORD, customerRef: 'C02' }), /customer reference C02/],
    ['a reference that is a number', json(200, { ...RECORD, orderRef: 7 }), /order reference in another form/],
    ['a reference that is none', json(200, { ...RECORD, orderRef: ['REF1'] }), /order reference in another form/],
    ['another amount', json(200, { ...RECORD, amount: '2100.0' }), /amount 2100\.0/],
    ['another amount in its last digit', json(200, { ...RECORD, amount: 210.01 }), /amount 210\.01/],
  ])('on %s', async (_, answer, why) => {
    expect(await submit(answer)).toMatchObject({ kind: 'unknown', stopLine: expect.stringMatching(why) });
  });

  it('on an order in another currency', async () => {
    expect(await register(json(200, { ...ORDER_RECORD, currency: 'USD' }))).toMatchObject({
      kind: 'unknown',
      stopLine: expect.stringMatching(/currency USD/),
    });
  });

  it('on a change of another instruction', async () => {
    for (const change of [update, remove])
      expect(await change(json(200, { ...RECORD, instructionRef: 'PI02' }))).toMatchObject({
        kind: 'unknown',
        stopLine: expect.any(String),
      });
  });
});

describe('a look-up', () => {
  it.each([
    ['INCOMPLETE', 'submitted', true],
    ['READY', 'submitted', true],
    ['LATE', 'submitted', false],
    ['PROCESSING', 'submitted', false],
    ['SETTLED', 'paid', false],
    ['FAILED', 'failed', false],
  ])('reads %s as %s, updatable: %s', async (word, status, updatable) => {
    expect(await lookUp(json(200, { ...RECORD, status: word, canUpdate: true }))).toEqual({
      kind: 'found',
      status,
      orderRefId: '',
      clientRefId: PAYOUT.clientRefId,
      amount: '210.00',
      bankReference: '',
      message: '',
      updatable,
      failedOrReturned: word === 'FAILED',
      deleted: false,
      states: { amount: '210', openDate: '2026-11-20', dueDate: '2026-11-30' },
    });
  });

  it('reads VOID as failed, because it was deleted', async () => {
    expect(await lookUp(json(200, { ...RECORD, status: 'VOID' }))).toMatchObject({
      status: 'failed',
      deleted: true,
      updatable: false,
      message: 'deleted at the provider',
    });
  });

  it('believes the provider that it can no longer be updated', async () => {
    expect(await lookUp(json(200, { ...RECORD, canUpdate: false }))).toMatchObject({ updatable: false });
  });

  it.each([
    ['"210.00"', '210.00'],
    ['210', '210'],
    ['210.1', '210.1'],
    ['210.10', '210.10'],
    ['999999999999.99', '999999999999.99'],
    ['99999999999999999.99', '99999999999999999.99'],
    ['0.30000000000000004', '0.30000000000000004'],
    ['2.1E+2', '210'],
    ['2.1001e2', '210.01'],
    ['21000E-2', '210.00'],
  ])('brings the amount %s back as %s', async (written, amount) => {
    expect(await lookUp(json(200, `{"status":"READY","amount":${written}}`))).toMatchObject({ kind: 'found', amount });
  });

  it.each([
    ['another instruction', { instructionRef: 'PI02' }, 'instruction reference PI02'],
    ['another order', { orderRef: 'REF2' }, 'order reference REF2'],
    ['another customer', { customerRef: 'C02' }, 'customer reference C02'],
  ])('leaves %s for the caller to see', async (_, other, clientRefId) => {
    expect(await lookUp(json(200, { ...RECORD, ...other }))).toMatchObject({ kind: 'found', clientRefId });
  });

  it('brings back the currency where it is stated', async () => {
    expect(await lookUp(json(200, { ...RECORD, currency: 'USD' }))).toMatchObject({ currency: 'USD' });
    expect(await lookUp(json(200, RECORD))).not.toHaveProperty('currency');
  });

  it.each(['NOT_FOUND', 'ORDER_NOT_FOUND', 'INSTRUCTION_REF_NOT_FOUND'])(
    'finds nothing on 400 or 404 %s',
    async (code) => {
      for (const status of [400, 404]) expect(await lookUp(json(status, refused(code)))).toEqual({ kind: 'not-found' });
    },
  );

  it('reads a status in any letter case, COMPLETED, and grouped amounts', async () => {
    const record = { ...RECORD, status: 'Completed', amount: '1,25,000.00' };
    expect(await lookUp(json(200, record))).toMatchObject({ kind: 'found', status: 'paid', amount: '125000.00' });
    expect(await lookUp(json(200, { ...RECORD, status: 'ready' }))).toMatchObject({
      status: 'submitted',
      updatable: true,
    });
  });

  it('says that an unknown status concerns this payout alone, and what was said', async () => {
    expect(await lookUp(json(200, { ...RECORD, status: 'ON_HOLD' }))).toMatchObject({
      kind: 'unclear',
      answered: true,
      message: expect.stringMatching(/status "ON_HOLD"/),
    });
    for (const answer of [json(429, '', '9'), json(500, RECORD), page(404)])
      expect(await lookUp(answer)).not.toHaveProperty('answered');
    expect(await lookUp(json(429, '', '9'))).toMatchObject({ retryAfterMs: 9_000 });
  });

  it.each<[string, HttpOutcome]>([
    ['404 without the API', page(404)],
    ['404 without codes', json(404, {})],
    ['404 of a route', json(404, refused('ROUTE_NOT_FOUND'))],
    ['404 of other codes', json(404, refused('NOT_FOUND', 'AMOUNT_IS_REQUIRED'))],
    ['404 with a record', json(404, { ...RECORD, errorCodes: ['NOT_FOUND'] })],
    ['"not found" with 200', json(200, refused('NOT_FOUND'))],
    ['a status that is not known', json(200, { ...RECORD, status: 'PAID' })],
    ['no status', json(200, { ...RECORD, status: undefined })],
    ['no amount', json(200, { ...RECORD, amount: null })],
    ['a negative amount', json(200, { ...RECORD, amount: -210 })],
    ['an amount with commas in wrong places', json(200, { ...RECORD, amount: '1,21.00' })],
    ['another success', json(201, RECORD)],
    ['a server error', json(500, RECORD)],
    ['too many requests', json(429, '')],
    ['a broken connection', { kind: 'unclear', message: 'it broke' }],
  ])('is unclear on %s', async (_, answer) => {
    const outcome = await lookUp(answer);
    expect(outcome).toMatchObject({ kind: 'unclear', message: expect.stringMatching(/./) });
    expect(outcome).not.toHaveProperty('stopLine');
  });

  it.each([401, 403])('stops the line on %i', async (status) => {
    expect(await lookUp(json(status, ''))).toMatchObject({ kind: 'unclear', stopLine: expect.any(String) });
  });
});

describe('a look-up of an order', () => {
  it('finds ours, whatever the case and braces of its scheme', async () => {
    expect(await lookUpOrder(json(200, ORDER_RECORD))).toEqual({ kind: 'found', difference: '' });
  });

  it('compares what is stated', async () => {
    expect(await lookUpOrder(json(200, { orderRef: 'REF1', metadata: null }))).toEqual({
      kind: 'found',
      difference: '',
    });
  });

  it.each<[string, object, RegExp]>([
    ['another currency', { currency: 'USD' }, /^its currency is USD, ours is INR$/],
    ['another country', { country: 'LK' }, /^its country is LK, ours is IN$/],
    ['another scheme', { scheme: '754EB81F-3A21-4A1E-9C0B-3B5C8F2D7E10' }, /^its scheme is 754E/],
    ['other metadata', { metadata: { branch: 'West', note: 'Zoë "7"' } }, /^its metadata differs in branch$/],
    ['less metadata', { metadata: {} }, /differs in branch, note/],
    ['more metadata', { metadata: { ...ORDER_RECORD.metadata, more: '1' } }, /differs in more/],
    ['metadata that is none', { metadata: 'x' }, /metadata is in another form/],
    ['another customer', { customerRef: 'C02' }, /^it answers for customer reference C02$/],
    ['another order', { orderRef: 'REF2' }, /^it answers for order reference REF2$/],
    ['two things', { currency: 'USD', country: 7 }, /currency is USD.*; its country is in another form, ours is IN/],
  ])('says so: %s', async (_, changes, difference) => {
    expect(await lookUpOrder(json(200, { ...ORDER_RECORD, ...changes }))).toEqual({
      kind: 'found',
      difference: expect.stringMatching(difference),
    });
  });

  it('finds nothing, or no clear answer', async () => {
    expect(await lookUpOrder(json(404, refused('NOT_FOUND')))).toEqual({ kind: 'not-found' });
    expect(await lookUpOrder(json(200, { ok: true }))).toMatchObject({ kind: 'unclear' });
    expect(await lookUpOrder(page(404))).toMatchObject({ kind: 'unclear' });
  });
});

it('a record is shown as it is, or said not to be there', async () => {
  const show = (answer: HttpOutcome) => {
    http.answer(answer);
    return provider.records.order(ORDER);
  };
  expect(await show(json(200, { any: [1.5, 'x'] }))).toEqual({ kind: 'found', value: { any: [1.5, 'x'] } });
  expect(await show(json(404, refused('NOT_FOUND')))).toEqual({ kind: 'not-found' });
  expect(await show(page(200))).toMatchObject({ kind: 'unclear' });
  expect(await show(json(200, '7'))).toMatchObject({ kind: 'unclear' });
  expect(await show(json(500, {}))).toMatchObject({ kind: 'unclear' });
});

it('every published code has the column that it is about', () => {
  expect(Object.fromEntries(CODE_COLUMNS)).toEqual({
    ...reference('CUSTOMER_REF', 'customerRef'),
    ...reference('ORDER_REF', 'orderRef'),
    ...reference('INSTRUCTION_REF', 'instructionRef'),
    CURRENCY_IS_REQUIRED: 'currency',
    CURRENCY_LENGTH_OUT_OF_RANGE: 'currency',
    COUNTRY_IS_REQUIRED: 'country',
    COUNTRY_LENGTH_OUT_OF_RANGE: 'country',
    SCHEME_IS_REQUIRED: 'scheme',
    SCHEME_FORMAT_NOT_RECOGNISED: 'scheme',
    AMOUNT_IS_REQUIRED: 'amount',
    AMOUNT_FORMAT_NOT_RECOGNISED: 'amount',
    AMOUNT_OUT_OF_RANGE: 'amount',
    OPEN_DATE_IS_REQUIRED: 'openDate',
    OPEN_DATE_FORMAT_NOT_RECOGNISED: 'openDate',
    DUE_DATE_IS_REQUIRED: 'dueDate',
    DUE_DATE_FORMAT_NOT_RECOGNISED: 'dueDate',
  });

  function reference(prefix: string, column: string): Record<string, string> {
    const endings = ['IS_REQUIRED', 'LENGTH_OUT_OF_RANGE', 'CONTAINS_INVALID_CHARACTERS'];
    return Object.fromEntries(endings.map((ending) => [`${prefix}_${ending}`, column]));
  }
});

describe('whatever is not on the list', () => {
  const answers = strangeAnswers({
    codes: ['AMOUNT_IS_REQUIRED', 'INSTRUCTION_REF_ALREADY_EXISTS', 'NOT_FOUND', 'ORDER_NOT_FOUND', 'LIMIT_REACHED'],
    errors: (errorCodes) => ({ errorCodes }),
  });
  const JSON_TYPE = /^application\/json(?:;|$)/;

  it('is unknown as a submission', async () => {
    await fc.assert(
      fc.asyncProperty(answers, async (answer) => {
        const outcome = await submit(answer);
        if (outcome.kind === 'unknown') return;
        expect(answer.contentType).toMatch(JSON_TYPE);
        const body = JSON.parse(answer.body);
        if (outcome.kind === 'accepted') {
          expect(answer.status).toBe(200);
          expect([undefined, null, 'C01']).toContain(body.customerRef);
          expect([undefined, null, 'REF1']).toContain(body.orderRef);
          expect([undefined, null, 'PI01']).toContain(body.instructionRef);
          expect([undefined, null, '210.00', '210', 210]).toContain(body.amount);
          expect([undefined, 'READY', 'PROCESSING', 'SETTLED']).toContain(body.status?.toUpperCase());
          expect(body.errorCodes ?? []).toEqual([]);
          expect(body.customerRef ?? body.orderRef ?? body.instructionRef ?? body.amount).toBeDefined();
        } else {
          expect(outcome).toMatchObject({ kind: 'declined', code: body.errorCodes[0] });
          expect(answer.status).toBe(400);
          for (const code of body.errorCodes) expect(['AMOUNT_IS_REQUIRED', 'LIMIT_REACHED']).toContain(code);
          expect(body).not.toHaveProperty('amount');
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('is unclear as a look-up', async () => {
    await fc.assert(
      fc.asyncProperty(answers, async (answer) => {
        const [payout, order] = [await lookUp(answer), await lookUpOrder(answer)];
        for (const { kind } of [payout, order]) {
          if (kind === 'unclear') continue;
          expect(answer.contentType).toMatch(JSON_TYPE);
          expect(kind === 'found' ? [200] : [400, 404]).toContain(answer.status);
          if (kind === 'not-found')
            for (const code of JSON.parse(answer.body).errorCodes)
              expect(['NOT_FOUND', 'ORDER_NOT_FOUND']).toContain(code);
        }
        if (payout.kind === 'found')
          expect(['READY', 'PROCESSING', 'SETTLED', 'FAILED', 'VOID']).toContain(
            JSON.parse(answer.body).status.toUpperCase(),
          );
        if (order.kind === 'found') expect(JSON.parse(answer.body).orderRef).toEqual(expect.any(String));
      }),
      { numRuns: 1000 },
    );
  });

  it('is unknown as an order, a change or a removal', async () => {
    await fc.assert(
      fc.asyncProperty(answers, async (answer) => {
        for (const ask of [register, update, remove]) {
          const outcome = await ask(answer);
          if (outcome.kind === 'unknown') continue;
          if (outcome.kind === 'accepted') expect([200, 204]).toContain(answer.status);
          else expect([400, 409]).toContain(answer.status);
          if (answer.status === 204) expect(answer.body).toBe('');
          else expect(answer.contentType).toMatch(JSON_TYPE);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
