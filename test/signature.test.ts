/** Signatures of ssh-keygen: those that count, and why each other one does not. */
import { execFileSync } from 'node:child_process';
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkSignature, signatureProblem, type Verdict } from '../src/control/signature.ts';
import { readSshKeyLine, type SshKey } from '../src/platform/ssh-key.ts';
import { examplesIn } from './support/examples.ts';
import { ALL, sampled } from './support/sample.ts';
import { temporaryFolder } from './support/workspace.ts';

const FOLDER = join(import.meta.dirname, 'control', 'signatures');
const MESSAGE = readFileSync(join(FOLDER, 'message.json'));
const signature = (name: string) => readFileSync(join(FOLDER, `${name}.sig`));
const publicLine = (name: string) => readFileSync(join(FOLDER, `${name}.pub`), 'utf8');

function keyOf(line: string): SshKey {
  const read = readSshKeyLine(line);
  if (!read.ok) throw new Error(read.why);
  return read.key;
}

const KINDS = [
  ...['ed25519', 'ecdsa-256', 'ecdsa-384', 'ecdsa-521', 'rsa-2048', 'rsa-3072', 'sk-ed25519', 'sk-ecdsa'],
  ...['sk-ed25519-openssh', 'sk-ecdsa-openssh', 'sk-ed25519-openssh-pin', 'sk-ecdsa-openssh-pin'],
];
/** Their keys let a security key sign without a touch. */
const UNTOUCHED = ['sk-ed25519-openssh-untouched', 'sk-ecdsa-openssh-untouched'];
const KEYS = [...KINDS, ...UNTOUCHED].map((name) => keyOf(publicLine(name)));

function said(verdict: Verdict): string {
  return verdict.kind === 'good' ? 'good' : signatureProblem(verdict);
}

const checked = (armored: Buffer, bytes = MESSAGE) => checkSignature(armored, bytes, KEYS);

describe('a signature of ssh-keygen', () => {
  it.each([...KINDS, 'ed25519-sha256', 'rsa-2048-sha256'])('counts: %s', (name) => {
    const verdict = checked(signature(name));
    const kind = KINDS.findLast((one) => name.startsWith(one)) ?? '';
    expect(verdict).toMatchObject({ kind: 'good', key: { fingerprint: keyOf(publicLine(kind)).fingerprint } });
  });

  it.each<[string, string]>([
    ['ed25519-file', 'the signature was made for "file": sign with ssh-keygen -Y sign -n paydrop'],
    [
      'sk-ed25519-untouched',
      'the security key SHA256:fgLpaFaH98qgAiAZ4DwGzBY/UumqgDJwLlg9CsZRCH8 was not touched when it signed',
    ],
    [
      'sk-ecdsa-untouched',
      'the security key SHA256:cytrAwjoNU2mrIn9YkMzImw14bBvlko7+u83BdgqAI4 was not touched when it signed',
    ],
    ...UNTOUCHED.map((name): [string, string] => [
      name,
      `the security key ${keyOf(publicLine(name)).fingerprint} was not touched when it signed`,
    ]),
    ['rsa-1024', 'the key of the signature is an RSA key of 1024 bits, and fewer than 2048 are not taken'],
    ['dsa', 'the key of the signature is of the kind ssh-dss, which is not taken'],
    ['rsa-2048-sha1', 'the signature uses SHA-1, which is not taken: sign with a newer ssh-keygen'],
    [
      'ed25519-crlf',
      "the file's line ends were changed on the way (CR LF when it was signed, LF now): send it in a way that leaves it as it is, such as in a zip file",
    ],
  ])('is refused with the reason: %s', (name, reason) => {
    expect(said(checked(signature(name)))).toBe(reason);
  });

  it('is refused when its key is none of those that are known', () => {
    const verdict = checkSignature(signature('ed25519'), MESSAGE, KEYS.slice(1));
    expect(said(verdict)).toBe(
      'the key SHA256:zy1dNOFLzX7YduPnCO1ZRz50mw8SBTkx1z64z4v76tk belongs to no person in the settings',
    );
  });

  it.each(KINDS)('whose file had its line ends changed is told apart from a forged one: %s', (name) => {
    const mailed = Buffer.from(MESSAGE.toString().replaceAll('\n', '\r\n'));
    const mailedSignature = Buffer.from(signature(name).toString().replaceAll('\n', '\r\n'));
    for (const armored of [signature(name), mailedSignature])
      expect(checked(armored, mailed)).toMatchObject({ kind: 'other-line-ends', signed: 'LF', found: 'CR LF' });
    const forged = Buffer.from(mailed.toString().replace('12', '13'));
    expect(checked(signature(name), forged)).toMatchObject({ kind: 'other-bytes' });
  });

  it('of a file that is no text does not count for one with other bytes', () => {
    const bytes = Buffer.from([0xff, 0x0d, 0x0a, 0x00, 0xc3]);
    const key = newKey();
    expect(checkSignature(key.signed(bytes), bytes, [key.key])).toMatchObject({ kind: 'good' });
    const lf = Buffer.from([0xff, 0x0a, 0x00, 0xc3]);
    expect(checkSignature(key.signed(bytes), lf, [key.key])).toMatchObject({
      kind: 'other-line-ends',
      signed: 'CR LF',
    });
    const other = Buffer.from([0xfe, 0x0d, 0x0a, 0x00, 0xc3]);
    expect(checkSignature(key.signed(bytes), other, [key.key])).toMatchObject({ kind: 'other-bytes' });
  });

  it.each<[string, Buffer, string]>([
    ['is empty', Buffer.alloc(0), 'the signature is empty'],
    ['is a megabyte of garbage', Buffer.alloc(1e6, 'ab\n'), 'the signature is none that ssh-keygen -Y sign makes'],
    [
      'begins well and goes on as a megabyte of garbage',
      Buffer.concat([Buffer.from('-----BEGIN SSH SIGNATURE-----\n'), Buffer.alloc(1e6, 'ab\n')]),
      'the signature is damaged: sign the file again',
    ],
    [
      'is two in one file',
      Buffer.concat([signature('ed25519'), signature('ecdsa-256')]),
      'the .sig file has more than one signature: each person signs and drops a copy of their own',
    ],
    [
      'has more after its end',
      Buffer.concat([signature('ed25519'), Buffer.from('x')]),
      'the signature is damaged: sign the file again',
    ],
    [
      'is that of another program',
      Buffer.from('-----BEGIN PGP SIGNATURE-----\n\nAAAA\n-----END PGP SIGNATURE-----\n'),
      'the signature is none that ssh-keygen -Y sign makes',
    ],
  ])('is refused where it %s', (_, armored, reason) => {
    expect(said(checked(armored))).toBe(reason);
  });
});

/** The parts of a signature, to be put together in wrong ways. */
interface Parts {
  magic: string;
  version: number;
  key: Buffer;
  namespace: string;
  reserved: string;
  hash: string;
  type: string;
  /** What follows the type in the innermost signature. */
  made: Buffer;
  rest: string;
}

function string(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value as string);
  return Buffer.concat([number(bytes.length), bytes]);
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function armored({ magic, version, key, namespace, reserved, hash, type, made, rest }: Parts): Buffer {
  const blob = Buffer.concat([
    Buffer.from(magic),
    number(version),
    ...[key, namespace, reserved, hash, Buffer.concat([string(type), made])].map(string),
    Buffer.from(rest),
  ]);
  return Buffer.from(`-----BEGIN SSH SIGNATURE-----\n${blob.toString('base64')}\n-----END SSH SIGNATURE-----\n`);
}

/** A key, and the parts of a good signature by it. */
function newKey(type: 'ssh-ed25519' | 'ecdsa-sha2-nistp256' | 'ssh-rsa' = 'ssh-ed25519') {
  const { privateKey, publicKey } = pairOf(type);
  const blob = blobOf(type, publicKey);
  const key = keyOf(`${type} ${blob.toString('base64')} test`);
  const raw = (bytes: Buffer, namespace: string, hash: string) => {
    const digest = createHash(hash).update(bytes).digest();
    const data = Buffer.concat([Buffer.from('SSHSIG'), ...[namespace, '', hash, digest].map(string)]);
    if (type === 'ssh-ed25519') return sign(null, data, privateKey);
    if (type === 'ssh-rsa') return sign('sha512', data, privateKey);
    return sign('sha256', data, { key: privateKey, dsaEncoding: 'ieee-p1363' });
  };
  const parts = (bytes: Buffer): Parts => {
    const signed = raw(bytes, 'paydrop', 'sha512');
    const made =
      type === 'ecdsa-sha2-nistp256'
        ? pair(integer(signed.subarray(0, 32)), integer(signed.subarray(32)))
        : string(signed);
    const named = type === 'ssh-rsa' ? 'rsa-sha2-512' : type;
    const outer = { magic: 'SSHSIG', version: 1, key: blob, namespace: 'paydrop', reserved: '', hash: 'sha512' };
    return { ...outer, type: named, made, rest: '' };
  };
  return { key, blob, raw, parts, signed: (bytes: Buffer) => armored(parts(bytes)) };
}

function pairOf(type: string) {
  if (type === 'ssh-ed25519') return generateKeyPairSync('ed25519');
  if (type === 'ssh-rsa') return generateKeyPairSync('rsa', { modulusLength: 2048 });
  return generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

function blobOf(type: string, publicKey: KeyObject): Buffer {
  const { x = '', y = '', n = '', e = '' } = publicKey.export({ format: 'jwk' });
  const bytes = (text: string) => Buffer.from(text, 'base64url');
  if (type === 'ssh-ed25519') return Buffer.concat([type, bytes(x)].map(string));
  if (type === 'ssh-rsa') return Buffer.concat([string(type), integer(bytes(e)), integer(bytes(n))]);
  return Buffer.concat([type, 'nistp256', Buffer.concat([Buffer.from([4]), bytes(x), bytes(y)])].map(string));
}

/** A positive integer as SSH writes it. */
function integer(digits: Buffer): Buffer {
  const first = digits.findIndex((digit) => digit !== 0);
  const plain = first < 0 ? Buffer.alloc(0) : digits.subarray(first);
  return string((plain[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.alloc(1), plain]) : plain);
}

function pair(r: Buffer, s: Buffer): Buffer {
  return string(Buffer.concat([r, s]));
}

describe('a signature that was tampered with', () => {
  const good = newKey();
  const ecdsa = newKey('ecdsa-sha2-nistp256');
  const rsa = newKey('ssh-rsa');
  const keys = [good.key, ecdsa.key, rsa.key];
  const verdictOf = (parts: Parts) => checkSignature(armored(parts), MESSAGE, keys);
  const numbers = (() => {
    const { made } = ecdsa.parts(MESSAGE);
    const inner = made.subarray(4);
    const length = 4 + inner.readUInt32BE();
    return { r: inner.subarray(0, length), s: inner.subarray(length) };
  })();
  /** The number of points of P-256, which no number of a signature reaches. */
  const ORDER = Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551', 'hex');

  it('would count as it was', () => {
    for (const one of [good, ecdsa, rsa]) expect(verdictOf(one.parts(MESSAGE)).kind).toBe('good');
  });

  const MADE_FOR_RSA = rsa.parts(MESSAGE).made.subarray(4);
  it.each<[string, Partial<Parts>, Verdict['kind'], typeof good?]>([
    ['of another format', { magic: 'SSHSIX' }, 'unreadable'],
    ['of version 0', { version: 0 }, 'unreadable'],
    ['of a later version', { version: 2 }, 'unreadable'],
    ['with something in the reserved field', { reserved: 'x' }, 'unreadable'],
    ['with bytes after its end', { rest: '\0' }, 'unreadable'],
    ['with another namespace in its text alone', { namespace: 'file' }, 'other-namespace'],
    ['without a namespace', { namespace: '' }, 'other-namespace'],
    ['with the namespace and a NUL', { namespace: 'paydrop\0' }, 'unreadable'],
    ['with the other hash', { hash: 'sha256' }, 'other-bytes'],
    ['with a hash that is not taken', { hash: 'sha1' }, 'unreadable'],
    ['with a hash in capitals', { hash: 'SHA512' }, 'unreadable'],
    ['of another kind than its key', { type: 'ecdsa-sha2-nistp256' }, 'unreadable'],
    ['with the key of another person', { key: ecdsa.blob }, 'unreadable'],
    ['with a key of the same kind that is not known', { key: newKey().blob }, 'unknown-key'],
    ['with a key that has bytes after its end', { key: Buffer.concat([good.blob, Buffer.alloc(1)]) }, 'unreadable'],
    ['of 63 bytes', { made: string(good.raw(MESSAGE, 'paydrop', 'sha512').subarray(1)) }, 'other-bytes'],
    ['of 65 bytes', { made: string(Buffer.alloc(65)) }, 'unreadable'],
    ['of nothing', { made: string('') }, 'other-bytes'],
    ['of zeros', { made: string(Buffer.alloc(64)) }, 'other-bytes'],
    ['with r zero', { made: pair(string(''), numbers.s) }, 'unreadable', ecdsa],
    ['with s zero', { made: pair(numbers.r, string('')) }, 'unreadable', ecdsa],
    ['with s zero in one byte', { made: pair(numbers.r, string(Buffer.alloc(1))) }, 'unreadable', ecdsa],
    ['with r the order of the curve', { made: pair(integer(ORDER), numbers.s) }, 'other-bytes', ecdsa],
    ['with r too long', { made: pair(string(Buffer.alloc(33, 1)), numbers.s) }, 'unreadable', ecdsa],
    ['with r negative', { made: pair(string(Buffer.alloc(32, 0xff)), numbers.s) }, 'unreadable', ecdsa],
    [
      'with a zero before r',
      { made: pair(string(Buffer.concat([Buffer.alloc(2), numbers.r.subarray(4)])), numbers.s) },
      'unreadable',
      ecdsa,
    ],
    ['with a third number', { made: string(Buffer.concat([numbers.r, numbers.s, string('')])) }, 'unreadable', ecdsa],
    [
      'by RSA with a zero before it',
      { made: string(Buffer.concat([Buffer.alloc(1), MADE_FOR_RSA])) },
      'unreadable',
      rsa,
    ],
    ['by RSA without its last byte', { made: string(MADE_FOR_RSA.subarray(0, -1)) }, 'unreadable', rsa],
    ['by RSA and SHA-1', { type: 'ssh-rsa' }, 'unreadable', rsa],
    ['by RSA with the other hash', { type: 'rsa-sha2-256' }, 'other-bytes', rsa],
    ['by RSA with a kind of its own', { type: 'rsa-sha2-384' }, 'unreadable', rsa],
  ])('is refused: %s', (_, change, kind, by = good) => {
    expect(verdictOf({ ...by.parts(MESSAGE), ...change }).kind).toBe(kind);
  });

  it.each(KINDS)('is refused with any bit flipped: %s', (name) => {
    const blob = Buffer.from(signature(name).toString().split('\n').slice(1, -2).join(''), 'base64');
    const wrap = (bytes: Buffer) =>
      Buffer.from(`-----BEGIN SSH SIGNATURE-----\n${bytes.toString('base64')}\n-----END SSH SIGNATURE-----\n`);
    expect(checked(wrap(blob)).kind).toBe('good');
    // Every bit of the slow kinds would take seconds. No step is a multiple of two: each bit of a byte comes up.
    const step = (['ecdsa-384', 'ecdsa-521', 'rsa-3072'].includes(name) ? 13 : 1) * (ALL ? 1 : 9);
    for (let bit = 0; bit < blob.length * 8; bit += step) {
      const flipped = Buffer.from(blob);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const verdict = checked(wrap(flipped));
      expect(said(verdict), `bit ${bit}`).not.toBe('good');
    }
  });

  it.each(['ed25519', 'rsa-2048', 'sk-ecdsa'])(
    'is refused when it ends at any byte, or has a byte changed: %s',
    (name) => {
      const whole = signature(name);
      // The last byte is the line end, which may be missing.
      for (let length = 0; length < whole.length - 1; length++)
        expect(checked(whole.subarray(0, length)).kind, `${length} bytes`).not.toBe('good');
      expect(checked(whole.subarray(0, -1)).kind).toBe('good');
      for (let at = 0; at < whole.length - 1; at++) {
        const changed = Buffer.from(whole);
        changed[at] = (changed[at] ?? 0) ^ 1;
        expect(checked(changed).kind, `byte ${at}`).not.toBe('good');
      }
    },
  );

  it('is refused when any bit of the file is flipped', () => {
    const { key, signed } = good;
    for (let bit = 0; bit < MESSAGE.length * 8; bit += ALL ? 1 : 9) {
      const flipped = Buffer.from(MESSAGE);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(checkSignature(signed(MESSAGE), flipped, [key]).kind).toBe('other-bytes');
    }
  });

  it('gets a reason whatever its bytes are', () => {
    const blobs = fc.uint8Array({ maxLength: 600 }).map((bytes) => {
      const body = Buffer.concat([Buffer.from('SSHSIG\0\0\0\u0001', 'latin1'), string(good.blob), Buffer.from(bytes)]);
      return Buffer.from(`-----BEGIN SSH SIGNATURE-----\n${body.toString('base64')}\n-----END SSH SIGNATURE-----\n`);
    });
    const anything = fc.oneof(blobs, fc.uint8Array({ maxLength: 600 }).map(Buffer.from));
    fc.assert(fc.property(anything, (bytes) => said(checkSignature(bytes, MESSAGE, keys)).length > 10));
  });
});

const hasSshKeygen = existsSync('/usr/bin/ssh-keygen');
if (!hasSshKeygen) process.stderr.write('SKIPPED: without ssh-keygen nothing is signed to test with\n');

describe.skipIf(!hasSshKeygen)('what the installed ssh-keygen signs', () => {
  const TYPES = [
    ['ed25519', '256'],
    ['ecdsa', '256'],
    ['ecdsa', '384'],
    ['ecdsa', '521'],
    ['rsa', '2048'],
  ] as const;

  it.each(TYPES)('counts, and no other file does: %s %s', (type, bits) => {
    const folder = temporaryFolder();
    const path = join(folder, 'key');
    execFileSync('ssh-keygen', ['-q', '-t', type, '-b', bits, '-N', '', '-C', 'a comment', '-f', path]);
    const key = keyOf(readFileSync(`${path}.pub`, 'utf8'));
    const [, fingerprint] = execFileSync('ssh-keygen', ['-l', '-f', path], { encoding: 'utf8' }).split(' ');
    expect(key.fingerprint).toBe(fingerprint);
    for (const length of sampled([0, 1, 64, 1_000, 100_000], 2)) {
      const message = randomBytes(length);
      const file = join(folder, `${length}.json`);
      writeFileSync(file, message);
      execFileSync('ssh-keygen', ['-q', '-Y', 'sign', '-n', 'paydrop', '-f', path, file], { stdio: 'ignore' });
      const armored = readFileSync(`${file}.sig`);
      expect(checkSignature(armored, message, [key])).toMatchObject({ kind: 'good' });
      expect(checkSignature(armored, Buffer.concat([message, Buffer.from('x')]), [key]).kind).toBe('other-bytes');
    }
  });

  it('is made as docs/control.md says', () => {
    const home = temporaryFolder();
    mkdirSync(join(home, '.ssh'));
    const name = 'payouts.000012.to-approve.json';
    writeFileSync(join(home, name), MESSAGE);
    const [make, fingerprint = '', signs = ''] = examplesIn('docs/control.md').flatMap(({ text }) => text.split('\n'));
    // In place of typing a passphrase.
    const run = (command: string) =>
      execFileSync('sh', ['-c', command], {
        cwd: home,
        env: { ...process.env, HOME: home },
        encoding: 'utf8',
        stdio: 'pipe',
      });
    run(`${make} -q -N ''`);
    const key = keyOf(readFileSync(join(home, '.ssh', 'paydrop.pub'), 'utf8'));
    expect(run(fingerprint)).toContain(key.fingerprint);
    run(signs);
    const armored = readFileSync(join(home, `${name}.sig`));
    expect(checkSignature(armored, MESSAGE, [key])).toMatchObject({ kind: 'good' });
  });
});
