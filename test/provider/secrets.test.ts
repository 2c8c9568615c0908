import { randomBytes } from 'node:crypto';
import { describe, expect, it, test } from 'vitest';
import { secretRemover, withoutSecrets } from '../../src/provider/secrets.ts';

describe('a secret in an answer', () => {
  const bytes = Buffer.from('f3a1e77c00ff10b29d5e8841c6aa0b3df3a1e77c00ff10b29d5e8841c6aa0b3d', 'hex');
  const key = bytes.toString('base64');

  test.each([
    ['as it is', key],
    ['without padding', key.replace(/=+$/, '')],
    ['in JSON as PHP writes it', key.replaceAll('/', '\\/')],
    ['in base64 once more', Buffer.from(key).toString('base64')],
    ['decoded, in the alphabet of URLs', bytes.toString('base64url')],
    ['decoded, in hexadecimal', bytes.toString('hex')],
    ['decoded, in capitals', bytes.toString('hex').toUpperCase()],
    ['decoded, as bytes', bytes.toString('latin1')],
    ['decoded, as bytes in JSON', JSON.stringify(bytes.toString('latin1')).slice(1, -1)],
  ])('is masked %s', (_, spelled) => {
    const masked = withoutSecrets(`before ${spelled} after`, [key]);
    expect(masked).toMatch(/^before \[secret\](?:=|\\u003d)* after$/);
  });

  it('that decodes to words is masked as these words', () => {
    const words = 'correct horse battery';
    expect(withoutSecrets(`{"key":"${words}"}`, [Buffer.from(words).toString('base64')])).toBe('{"key":"[secret]"}');
  });

  it('is masked whatever its bytes', () => {
    for (let n = 0; n < 200; n++) {
      const random = randomBytes(32);
      const told = [random.toString('hex'), random.toString('base64url'), random.toString('base64')].join(' ');
      expect(withoutSecrets(told, [random.toString('base64')])).toMatch(/^\[secret\] \[secret\] \[secret\]=*$/);
    }
  });

  it('takes nothing else with it', () => {
    const text = '{"status":"processed","clientRefId":"ABC123","short":"abc"}';
    expect(withoutSecrets(text, [key, 'short', 'a-secret-with-dashes'])).toBe(text);
  });
});

describe('the signature of a request, in its answer', () => {
  const signature = '0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0';
  const bytes = Buffer.from(signature);

  test.each([
    ['as it is', signature],
    ['in base64', bytes.toString('base64').replace(/=+$/, '')],
    ['in hexadecimal', bytes.toString('hex')],
    ['in capitals', bytes.toString('hex').toUpperCase()],
  ])('is masked %s, and so are the lasting secrets', (_, spelled) => {
    const remove = secretRemover(['a-lasting-secret']);
    expect(remove(`{"a":"${spelled}","b":"a-lasting-secret"}`, signature)).toBe('{"a":"[secret]","b":"[secret]"}');
    expect(remove(spelled)).toBe(spelled);
  });
});
