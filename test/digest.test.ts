import { expect, it } from 'vitest';
import { openSha256, sha256, sha256Bytes } from '../src/platform/digest.ts';

/** FIPS 180-4, the examples of one and of two blocks. */
const KNOWN = {
  abc: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq:
    '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
};

it.each(Object.entries(KNOWN))(
  'the digest of %s is the published one, as hex, as bytes, and of pieces',
  (text, hex) => {
    expect(sha256(text)).toBe(hex);
    expect(sha256Bytes(text).toString('hex')).toBe(hex);
    const pieces = openSha256();
    for (const piece of text) pieces.update(piece);
    expect(pieces.digest('hex')).toBe(hex);
  },
);

it('is of the UTF-8 of a text', () => {
  expect(sha256('Straße')).toBe(openSha256().update(Buffer.from('Straße', 'utf8')).digest('hex'));
});
