import { describe, expect, it } from 'vitest';
import { encodeOrder, signGet, signPost } from '../../src/provider/payout-orders/signature.ts';
import vectors from './payout-signatures.json' with { type: 'json' };

describe('the signature of the payout-order API', () => {
  for (const { name, method, path, clientKey, saltKey, fields, json, signature } of vectors) {
    it(`agrees with PHP: ${name}`, () => {
      const keys = { clientKey, saltKey };
      if (method === 'GET') return expect(signGet(path, keys)).toBe(signature);
      const encoded = encodeOrder(fields ?? expect.fail('a POST vector has fields'));
      expect(encoded).toBe(json);
      expect(signPost(encoded, path, keys)).toBe(signature);
    });
  }

  it('signs the fields in the documented order, whatever order they were given in', () => {
    const fields = {
      clientRefId: 'R',
      remark: 'r',
      narration: 'n',
      mode: 'UPI',
      purpose: 'others',
      amount: '1',
      contactId: '',
    };
    expect(encodeOrder(fields)).toBe(
      '{"contactId":"","amount":"1","purpose":"others","mode":"UPI","narration":"n","remark":"r","clientRefId":"R"}',
    );
  });
});
