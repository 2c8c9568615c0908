/** The signature of Standard Webhooks, by the vectors that come with the specification. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { keysIn, signatures } from '../../src/service/notify/signature.ts';

const VECTOR = JSON.parse(readFileSync(new URL('./standard-webhooks.json', import.meta.url), 'utf8')) as {
  readonly secret: string;
  readonly id: string;
  readonly timestamp: number;
  readonly payload: string;
  readonly signature: string;
};
const OTHER = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

describe('a signature', () => {
  it('is that of the vector of Standard Webhooks', () => {
    const { secret, id, timestamp, payload, signature } = VECTOR;
    expect(signatures(keysIn(secret), id, timestamp, payload)).toBe(signature);
  });

  it('is made with each secret while one is changed for another, and the receiver may check either', () => {
    const { secret, id, timestamp, payload, signature } = VECTOR;
    const made = signatures(keysIn(` ${OTHER}\n${secret} `), id, timestamp, payload).split(' ');
    expect(made).toHaveLength(2);
    expect(made[1]).toBe(signature);
    expect(made[0]).toMatch(/^v1,[A-Za-z0-9+/]{43}=$/);
    expect(made[0]).not.toBe(signature);
  });
});

describe('a secret', () => {
  it.each([
    ['without its prefix', 'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'],
    ['of fewer bytes than 24', `whsec_${Buffer.alloc(23).toString('base64')}`],
    ['of more bytes than 64', `whsec_${Buffer.alloc(65).toString('base64')}`],
    ['that is no base64', 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS!'],
    ['of which one of two is wrong', `${OTHER} whsec_short`],
    ['that is empty', '  '],
  ])('%s is refused, and not repeated', (_, secret) => {
    let message = '';
    try {
      keysIn(secret);
    } catch (error) {
      message = (error as Error).message;
    }
    expect(message).toBe(
      'PAYDROP_NOTIFY_SECRET: expected whsec_ and 24 to 64 bytes in base64; several with blanks between them',
    );
  });
});
