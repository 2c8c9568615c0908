/** Public keys of OpenSSH: the line that `ssh-keygen` writes into `NAME.pub`, and the bytes in it. */
import type { JsonWebKey, KeyObject } from 'node:crypto';
import { sha256Base64 } from './digest.ts';
import { openWire, type Wire } from './ssh-wire.ts';

export interface SshKey {
  readonly type: SshKeyType;
  /** As it stands in signatures. */
  readonly blob: Buffer;
  /** `SHA256:…`, as `ssh-keygen -l` prints it. */
  readonly fingerprint: string;
  readonly publicKey: KeyObject;
  /** Of a key that lives in a security key: what it was made for, such as `ssh:`. Empty for other keys. */
  readonly application: string;
}

export type KeyRead =
  | { readonly ok: true; readonly key: SshKey }
  /** `isKind`: it is a key, of a kind that is refused. `why` ends the sentence "the key …". */
  | { readonly ok: false; readonly isKind: boolean; readonly why: string };

interface Curve {
  /** Its name in a JSON Web Key. */
  readonly name: string;
  readonly digits: number;
}

const CURVES = {
  nistp256: { name: 'P-256', digits: 32 },
  nistp384: { name: 'P-384', digits: 48 },
  nistp521: { name: 'P-521', digits: 66 },
} as const satisfies Readonly<Record<string, Curve>>;

/** The points of Ed25519 whose order is 1, 2, 4 or 8, in each way to write them, without the sign. */
const WEAK_POINTS: ReadonlySet<string> = new Set([
  '00'.repeat(32),
  `01${'00'.repeat(31)}`,
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  `ec${'ff'.repeat(30)}7f`,
  `ed${'ff'.repeat(30)}7f`,
  `ee${'ff'.repeat(30)}7f`,
]);

/** What a kind of key holds after its name. */
const KINDS = {
  'ssh-ed25519': (wire: Wire) => ({ jwk: edwards(wire) }),
  'ecdsa-sha2-nistp256': (wire: Wire) => ({ jwk: onCurve(wire, 'nistp256') }),
  'ecdsa-sha2-nistp384': (wire: Wire) => ({ jwk: onCurve(wire, 'nistp384') }),
  'ecdsa-sha2-nistp521': (wire: Wire) => ({ jwk: onCurve(wire, 'nistp521') }),
  'ssh-rsa': (wire: Wire) => ({ jwk: rsa(wire) }),
  'sk-ssh-ed25519@openssh.com': (wire: Wire) => ({ jwk: edwards(wire), application: wire.name(MOST_NAME) }),
  'sk-ecdsa-sha2-nistp256@openssh.com': (wire: Wire) => ({
    jwk: onCurve(wire, 'nistp256'),
    application: wire.name(MOST_NAME),
  }),
} satisfies Readonly<Record<string, (wire: Wire) => { jwk: JsonWebKey | string; application?: string }>>;

type SshKeyType = keyof typeof KINDS;

const MOST_NAME = 255;
/** The longest RSA keys that are used: 16384 bits. */
const MOST_DIGITS = 2_048;
const LEAST_RSA_BITS = 2_048;
/** An RSA exponent is 65537 nearly always. A long one makes each check slow. */
const MOST_EXPONENT = 8;
/** A line with the longest key and a long comment. */
const LONGEST_LINE = 4_000;

const UNREADABLE = 'can\'t be read: copy the whole line of the .pub file, such as "ssh-ed25519 AAAA… anna"';

/** Reads a line such as `ssh-ed25519 AAAA… anna@desk`. The comment means nothing. */
export function readSshKeyLine(line: string): KeyRead {
  const plain = line.trim();
  // A second line would be a second key, which is not looked at.
  const isLine = plain.length <= LONGEST_LINE && !/[\0-\x08\x0a-\x1f]/.test(plain);
  const [type = '', base64 = ''] = isLine ? plain.split(/[ \t]+/) : [];
  const blob = strictBase64(base64);
  if (!blob || blob.length === 0) return { ok: false, isKind: false, why: UNREADABLE };
  const read = readSshKey(blob);
  return read.ok && read.key.type !== type ? { ok: false, isKind: false, why: UNREADABLE } : read;
}

/** Reads the bytes of a key. */
export function readSshKey(blob: Buffer): KeyRead {
  const wire = openWire(blob);
  const type = wire.name(MOST_NAME);
  if (type === '') return { ok: false, isKind: false, why: UNREADABLE };
  if (!isKnownType(type)) return { ok: false, isKind: true, why: `is of the kind ${type}, which is not taken` };
  const { jwk, application = '' }: { jwk: JsonWebKey | string; application?: string } = KINDS[type](wire);
  if (!wire.isWhole()) return { ok: false, isKind: false, why: UNREADABLE };
  if (typeof jwk === 'string') return { ok: false, isKind: jwk !== UNREADABLE, why: jwk };
  const publicKey = publicKeyOf(jwk);
  if (!publicKey) return { ok: false, isKind: false, why: UNREADABLE };
  return { ok: true, key: { type, blob, fingerprint: `SHA256:${sha256Base64(blob)}`, publicKey, application } };
}

/** The bytes of base64 that is written in the one right way. */
export function strictBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : undefined;
}

function isKnownType(type: string): type is SshKeyType {
  return Object.hasOwn(KINDS, type);
}

function edwards(wire: Wire): JsonWebKey | string {
  const point = wire.string(32);
  // Signatures of such a key can be made by anyone. All zeros are one, as in an example that was left as it was.
  if (WEAK_POINTS.has(withoutSign(point))) return 'is none that anyone holds: it is a placeholder';
  return { kty: 'OKP', crv: 'Ed25519', x: point.toString('base64url') };
}

function onCurve(wire: Wire, curve: keyof typeof CURVES): JsonWebKey | string {
  const { name, digits } = CURVES[curve];
  const named = wire.name(MOST_NAME);
  const form = wire.uint32() === 1 + 2 * digits ? wire.byte() : 0;
  const x = wire.fixed(digits);
  const y = wire.fixed(digits);
  // 4 says that both coordinates follow. OpenSSH writes no other form.
  if (named !== curve || form !== 4) return UNREADABLE;
  return { kty: 'EC', crv: name, x: x.toString('base64url'), y: y.toString('base64url') };
}

function rsa(wire: Wire): JsonWebKey | string {
  const e = wire.positive(MOST_EXPONENT);
  const n = wire.positive(MOST_DIGITS);
  const bits = n.length * 8 - Math.clz32(n[0] ?? 0) + 24;
  if (n.length > 0 && bits < LEAST_RSA_BITS)
    return `is an RSA key of ${bits} bits, and fewer than ${LEAST_RSA_BITS} are not taken`;
  const isOdd = ((e.at(-1) ?? 0) & (n.at(-1) ?? 0) & 1) === 1;
  if (!isOdd || (e.length === 1 && e[0] === 1)) return UNREADABLE;
  return { kty: 'RSA', n: n.toString('base64url'), e: e.toString('base64url') };
}

/** Undefined where the point is not on its curve. */
function publicKeyOf(key: JsonWebKey): KeyObject | undefined {
  try {
    return process.getBuiltinModule('node:crypto').createPublicKey({ key, format: 'jwk' });
  } catch {
    return undefined;
  }
}

function withoutSign(point: Buffer): string {
  const copy = Buffer.from(point);
  if (copy.length === 32) copy[31] = (copy[31] ?? 0) & 0x7f;
  return copy.toString('hex');
}
