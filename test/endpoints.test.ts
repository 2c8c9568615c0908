import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  COLLECT_ENDPOINTS,
  ENDPOINT_NAMES,
  endpointProblem,
  ORDER_MANAGEMENT_ENDPOINTS,
  requestLine,
} from '../src/provider/imburse/endpoints.ts';

const REFS = { customerRef: 'C1', orderRef: 'O/1', instructionRef: 'P 1' };

describe('an endpoint of the settings', () => {
  it.each(ENDPOINT_NAMES)('%s may be what it is by default', (name) => {
    expect(endpointProblem(COLLECT_ENDPOINTS[name], name)).toBeUndefined();
    expect(endpointProblem(ORDER_MANAGEMENT_ENDPOINTS[name], name)).toBeUndefined();
  });

  it.each([
    ['/v1/orders/{orderRef}', 'must be a verb and a path'],
    ['GET v1/orders/{orderRef}', 'must be a verb and a path'],
    ['DELETE /v1/orders/{orderRef}', 'must begin with GET'],
    ['GET /v1/orders', 'must have {orderRef}'],
    ['GET /v1/orders/{orderRef}/{instructionRef}', 'has the placeholder {instructionRef}'],
    ['GET /v1/orders/{orderRef}?all=1', 'or a query'],
    ['GET /v1/../orders/{orderRef}', 'has a path with "." or ".." in it'],
  ])('%s is refused for getOrder: %s', (text, problem) => {
    expect(endpointProblem(text, 'getOrder')).toContain(problem);
  });
});

describe('a request line', () => {
  it('has the references percent-encoded, each a part of the path of its own', () => {
    expect(requestLine(COLLECT_ENDPOINTS.getInstruction, REFS)).toEqual({
      method: 'GET',
      path: '/v1/collect/customer/C1/order/O%2F1/instruction/P%201',
    });
  });

  it('is not made of a reference that would lead elsewhere', () => {
    for (const orderRef of ['', '.', '..']) {
      expect(requestLine(ORDER_MANAGEMENT_ENDPOINTS.getOrder, { ...REFS, orderRef })).toBeUndefined();
    }
  });

  it('never has more parts than its endpoint, whatever the references are', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (orderRef) => {
        const line = requestLine(ORDER_MANAGEMENT_ENDPOINTS.getOrder, { ...REFS, orderRef });
        expect(line?.path.split('/').length ?? 4).toBe(4);
      }),
    );
  });
});
