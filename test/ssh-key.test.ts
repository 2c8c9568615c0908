/** Public keys as ssh-keygen writes them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readSshKey, readSshKeyLine } from '../src/platform/ssh-key.ts';

const FOLDER = join(import.meta.dirname, 'control', 'signatures');
const lineOf = (name: string) => readFileSync(join(FOLDER, `${name}.pub`), 'utf8');
const blobOf = (name: string) => Buffer.from(lineOf(name).split(' ')[1] ?? '', 'base64');
const UNREADABLE = 'can\'t be read: copy the whole line of the .pub file, such as "ssh-ed25519 AAAA… anna"';
const REFUSED = ['dsa', 'rsa-1024'];

const problem = (line: string) => {
  const read = readSshKeyLine(line);
  return read.ok ? 'none' : read.why;
};

describe('a public key', () => {
  const fingerprints = readFileSync(join(FOLDER, 'fingerprints.txt'), 'utf8').trim().split('\n');

  it.each(fingerprints.map((line) => line.split(' ')))(
    'has the fingerprint that ssh-keygen prints: %s',
    (name = '', print) => {
      const read = readSshKeyLine(lineOf(name));
      if (REFUSED.includes(name)) expect(read).toMatchObject({ ok: false, isKind: true });
      else expect(read).toMatchObject({ ok: true, key: { fingerprint: print } });
    },
  );

  it('has its fingerprint in the list', () => {
    const names = readdirSync(FOLDER).filter((name) => name.endsWith('.pub'));
    expect(fingerprints.map((line) => `${line.split(' ')[0]}.pub`).sort()).toEqual(names.sort());
  });

  it('is the same whatever its comment is', () => {
    const [type, base64] = lineOf('ed25519').split(' ');
    const read = readSshKeyLine(`  ${type}\t${base64}   anna at her desk `);
    expect(read.ok && read.key.fingerprint).toBe('SHA256:zy1dNOFLzX7YduPnCO1ZRz50mw8SBTkx1z64z4v76tk');
    expect(problem(`${type} ${base64}`)).toBe('none');
  });

  const [TYPE, BASE64 = ''] = lineOf('ed25519').split(' ');
  const certificate = Buffer.concat([Buffer.from([0, 0, 0, 32]), Buffer.from('ssh-ed25519-cert-v01@openssh.com')]);
  const placeholder = Buffer.concat([blobOf('ed25519').subarray(0, 19), Buffer.alloc(32)]);

  it.each<[string, string, string]>([
    ['nothing', '', UNREADABLE],
    ['a word', 'anna', UNREADABLE],
    ['its base64 alone', BASE64, UNREADABLE],
    ['one that was cut off', `${TYPE} ${BASE64.slice(0, -4)} anna`, UNREADABLE],
    ['one with a dot from a text', `${TYPE} AAAA… anna`, UNREADABLE],
    ['one under the name of another kind', `ssh-rsa ${BASE64}`, UNREADABLE],
    ['one with options before it', `no-pty ${TYPE} ${BASE64}`, UNREADABLE],
    ['one without end', `${TYPE} ${BASE64} ${'x'.repeat(5_000)}`, UNREADABLE],
    ['two of them', `${lineOf('ed25519')}${lineOf('ecdsa-256')}`, UNREADABLE],
    ['a private key', '-----BEGIN OPENSSH PRIVATE KEY-----', UNREADABLE],
    ['one of DSA', lineOf('dsa'), 'is of the kind ssh-dss, which is not taken'],
    [
      'a certificate',
      `x ${certificate.toString('base64')}`,
      'is of the kind ssh-ed25519-cert-v01@openssh.com, which is not taken',
    ],
    ['a short one of RSA', lineOf('rsa-1024'), 'is an RSA key of 1024 bits, and fewer than 2048 are not taken'],
    ['one of zeros', `${TYPE} ${placeholder.toString('base64')}`, 'is none that anyone holds: it is a placeholder'],
  ])('is refused where it is %s', (_, line, why) => {
    expect(problem(line)).toBe(why);
  });

  it('is refused when it makes signatures of anything possible', () => {
    const neutral = Buffer.from(blobOf('ed25519'));
    neutral.fill(0, 19);
    neutral[19] = 1;
    expect(readSshKey(neutral)).toMatchObject({ ok: false, isKind: true });
  });

  it('is refused when its point is on no curve', () => {
    for (const name of ['ecdsa-256', 'ecdsa-384', 'ecdsa-521', 'sk-ecdsa']) {
      const blob = blobOf(name);
      const at = blob.indexOf('nistp') + 30;
      blob[at] = (blob[at] ?? 0) ^ 1;
      expect(readSshKey(blob), name).toMatchObject({ ok: false, why: UNREADABLE });
    }
  });

  it.each(['ed25519', 'ecdsa-256', 'rsa-2048', 'sk-ed25519', 'sk-ecdsa'])(
    'is refused when it ends early, or goes on: %s',
    (name) => {
      const blob = blobOf(name);
      for (let length = 0; length < blob.length; length++)
        expect(readSshKey(blob.subarray(0, length)), `${length} bytes`).toMatchObject({ ok: false });
      expect(readSshKey(Buffer.concat([blob, Buffer.alloc(1)]))).toMatchObject({ ok: false });
    },
  );

  it('gets a reason whatever its bytes are', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => !readSshKey(Buffer.from(bytes)).ok));
    fc.assert(fc.property(fc.string(), (line) => !readSshKeyLine(line).ok));
  });
});
