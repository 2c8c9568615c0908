import { describe, expect, it } from 'vitest';
import { hmacAuthorization } from '../../src/provider/imburse/hmac.ts';
import VECTORS from './imburse-hmac.json' with { type: 'json' };

const KEYS = { publicKey: 'PK', privateKey: 'AAECAw==' };

describe('the HMAC of a request', () => {
  it.each(VECTORS)(
    'is the documented one: $name',
    ({ publicKey, privateKey, nonce, epochSeconds, body, ...wanted }) => {
      const authorization = hmacAuthorization({ publicKey, privateKey }, { nonce, epochSeconds, body });
      expect(authorization).toBe(wanted.authorization);
      expect(authorization.endsWith(`:${wanted.signature}`)).toBe(true);
    },
  );

  it('takes the seconds as a number too', () => {
    const request = { nonce: 'n', body: '' };
    expect(hmacAuthorization(KEYS, { ...request, epochSeconds: 1_535_617_532 })).toBe(
      hmacAuthorization(KEYS, { ...request, epochSeconds: '1535617532' }),
    );
  });

  it('changes with the body, the moment, the nonce and either key', () => {
    const request = { nonce: 'n', epochSeconds: 1, body: '{}' };
    const all = [
      hmacAuthorization(KEYS, request),
      hmacAuthorization(KEYS, { ...request, body: '' }),
      hmacAuthorization(KEYS, { ...request, epochSeconds: 2 }),
      hmacAuthorization(KEYS, { ...request, nonce: 'm' }),
      hmacAuthorization({ ...KEYS, publicKey: 'QK' }, request),
      hmacAuthorization({ ...KEYS, privateKey: 'AAECBA==' }, request),
    ];
    expect(new Set(all.map((header) => header.split(':').at(-1))).size).toBe(all.length);
  });
});
