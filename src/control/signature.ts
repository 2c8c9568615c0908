/**
 * Checks the signature that `ssh-keygen -Y sign -n paydrop` makes of a file (PROTOCOL.sshsig and PROTOCOL.u2f of OpenSSH),
 * against keys that are known. It is strict: a signature has one way to be written, and everything else is refused.
 */
import { type BinaryLike, createHash, verify } from 'node:crypto';
import { readSshKey, type SshKey, strictBase64 } from '../platform/ssh-key.ts';
import { openWire, type Wire } from '../platform/ssh-wire.ts';

/** What the signer says a signature is for. One that was made for anything else does not count. */
const NAMESPACE = 'paydrop';

export type Verdict =
  | { readonly kind: 'good'; readonly key: SshKey }
  /** `why` ends the sentence "the signature …". */
  | { readonly kind: 'unreadable'; readonly why: string }
  | { readonly kind: 'several' }
  | { readonly kind: 'other-namespace'; readonly namespace: string }
  /** `why` ends the sentence "the key …". */
  | { readonly kind: 'refused-key'; readonly why: string }
  | { readonly kind: 'unknown-key'; readonly fingerprint: string }
  /** Made by a security key without a touch. */
  | { readonly kind: 'untouched'; readonly key: SshKey }
  | { readonly kind: 'other-bytes'; readonly key: SshKey }
  /** The bytes are those that were signed but for their line ends. */
  | { readonly kind: 'other-line-ends'; readonly key: SshKey; readonly signed: LineEnd; readonly found: LineEnd };

type LineEnd = 'LF' | 'CR LF';

type Refusal = Exclude<Verdict, { readonly kind: 'good' }>;

interface Signature {
  readonly key: SshKey;
  readonly hash: 'sha256' | 'sha512';
  readonly check: Check;
}

/** Whether the signature fits what was signed, as {@link signedData} makes it. */
interface Check {
  readonly fits: (data: Buffer) => boolean;
  readonly isUntouched?: boolean;
}

const BEGIN = '-----BEGIN SSH SIGNATURE-----';
const END = '-----END SSH SIGNATURE-----';
const MAGIC = 'SSHSIG';
const VERSION = 1;
/** A signature by the longest RSA key takes a quarter of it. */
const MOST_ARMORED = 24_000;
const MOST_NAME = 255;
const MOST_BLOB = 8_000;

const FOREIGN = 'is none that ssh-keygen -Y sign makes';
const DAMAGED = 'is damaged: sign the file again';

/** Whether `armored`, the bytes of a `.sig` file, is a signature of exactly `bytes`, made with one of the `keys`. */
export function checkSignature(armored: Buffer, bytes: Buffer, keys: readonly SshKey[]): Verdict {
  const signature = readSignature(armored, keys);
  if ('kind' in signature) return signature;
  const { key, hash, check } = signature;
  const fits = (content: BinaryLike) => doesFit(check, signedData(content, hash));
  if (fits(bytes)) return check.isUntouched === true ? { kind: 'untouched', key } : { kind: 'good', key };
  // Each byte is one character, so that bytes which are no text stay as they are.
  const withLf = bytes.toString('latin1').replaceAll('\r\n', '\n');
  if (fits(Buffer.from(withLf, 'latin1'))) return { kind: 'other-line-ends', key, signed: 'LF', found: 'CR LF' };
  const withCrLf = withLf.replaceAll('\n', '\r\n');
  if (fits(Buffer.from(withCrLf, 'latin1'))) return { kind: 'other-line-ends', key, signed: 'CR LF', found: 'LF' };
  return { kind: 'other-bytes', key };
}

/** What OpenSSL can't work with does not fit: no dropped file ends a pass. */
function doesFit({ fits }: Check, data: Buffer): boolean {
  try {
    return fits(data);
  } catch {
    return false;
  }
}

/** Why the signature does not count, as a sentence without its full stop. */
export function signatureProblem(refusal: Refusal): string {
  switch (refusal.kind) {
    case 'unreadable':
      return `the signature ${refusal.why}`;
    case 'several':
      return 'the .sig file has more than one signature: each person signs and drops a copy of their own';
    case 'other-namespace':
      return `the signature was made for "${refusal.namespace}": sign with ssh-keygen -Y sign -n ${NAMESPACE}`;
    case 'refused-key':
      return `the key of the signature ${refusal.why}`;
    case 'unknown-key':
      return `the key ${refusal.fingerprint} belongs to no person in the settings`;
    case 'untouched':
      return `the security key ${refusal.key.fingerprint} was not touched when it signed`;
    case 'other-bytes':
      return `the signature does not fit the file: it was changed after it was signed, or another file was signed`;
    case 'other-line-ends':
      return `the file's line ends were changed on the way (${refusal.signed} when it was signed, ${refusal.found} now): send it in a way that leaves it as it is, such as in a zip file`;
  }
}

function unreadable(why: string): Refusal {
  return { kind: 'unreadable', why };
}

function readSignature(armored: Buffer, keys: readonly SshKey[]): Signature | Refusal {
  const blob = blobIn(armored);
  if (!Buffer.isBuffer(blob)) return blob;
  const wire = openWire(blob);
  if (wire.fixed(MAGIC.length).toString('latin1') !== MAGIC) return unreadable(FOREIGN);
  if (wire.uint32() !== VERSION) return unreadable(FOREIGN);
  const keyBlob = wire.string(MOST_BLOB);
  const namespace = wire.name(MOST_NAME);
  const reserved = wire.string(MOST_NAME);
  const hash = wire.name(MOST_NAME);
  const made = wire.string(MOST_BLOB);
  if (!wire.isWhole()) return unreadable(DAMAGED);
  if (reserved.length > 0) return unreadable(FOREIGN);
  if (namespace !== NAMESPACE) return { kind: 'other-namespace', namespace };
  if (hash !== 'sha256' && hash !== 'sha512')
    return unreadable(`has the hash ${hash}: only sha256 and sha512 are taken`);
  const key = keys.find((known) => known.blob.equals(keyBlob));
  if (!key) return refusalOfKey(keyBlob);
  const check = checkBy(key, made);
  return typeof check === 'string' ? unreadable(check) : { key, hash, check };
}

function refusalOfKey(blob: Buffer): Refusal {
  const read = readSshKey(blob);
  if (read.ok) return { kind: 'unknown-key', fingerprint: read.key.fingerprint };
  return read.isKind ? { kind: 'refused-key', why: read.why } : unreadable(DAMAGED);
}

/** The bytes between the first and the last line of a `.sig` file. Its line ends may be of either kind. */
function blobIn(armored: Buffer): Buffer | Refusal {
  if (armored.length === 0) return unreadable('is empty');
  // One that is this long may still be several.
  const text = armored.subarray(0, MOST_ARMORED + 1).toString('latin1');
  if (!text.startsWith(BEGIN)) return unreadable(FOREIGN);
  if (text.includes(BEGIN, BEGIN.length)) return { kind: 'several' };
  const lines = text.split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  if (text.length > MOST_ARMORED || lines.at(0) !== BEGIN || lines.at(-1) !== END) return unreadable(DAMAGED);
  return strictBase64(lines.slice(1, -1).join('')) ?? unreadable(DAMAGED);
}

/** What is signed of the content (PROTOCOL.sshsig, section 3). */
function signedData(content: BinaryLike, hash: Signature['hash']): Buffer {
  const digest = createHash(hash).update(content).digest();
  return Buffer.concat([Buffer.from(MAGIC), ...[NAMESPACE, '', hash, digest].flatMap(asString)]);
}

function asString(value: string | Buffer): readonly Buffer[] {
  const bytes = Buffer.from(value as string);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return [length, bytes];
}

const CURVES = {
  'ecdsa-sha2-nistp256': { hash: 'sha256', digits: 32 },
  'ecdsa-sha2-nistp384': { hash: 'sha384', digits: 48 },
  'ecdsa-sha2-nistp521': { hash: 'sha512', digits: 66 },
} as const;
const RSA_HASHES: Readonly<Record<string, string>> = { 'rsa-sha2-256': 'sha256', 'rsa-sha2-512': 'sha512' };
const ED25519_LENGTH = 64;

/** Reads the innermost signature, which must be of the key's own kind; or says what is wrong with it. */
function checkBy(key: SshKey, made: Buffer): Check | string {
  const wire = openWire(made);
  const type = wire.name(MOST_NAME);
  const { publicKey } = key;
  if (key.type === 'ssh-rsa') return rsaCheck(key, type, wire);
  if (type !== key.type) return DAMAGED;
  switch (key.type) {
    case 'ssh-ed25519': {
      const signature = wire.string(ED25519_LENGTH);
      return wire.isWhole() ? { fits: (data) => verify(null, data, publicKey, signature) } : DAMAGED;
    }
    case 'sk-ssh-ed25519@openssh.com': {
      const signature = wire.string(ED25519_LENGTH);
      return securityKeyCheck(key, wire, (data) => verify(null, data, publicKey, signature));
    }
    case 'sk-ecdsa-sha2-nistp256@openssh.com': {
      const signature = pointPair(wire, 32);
      if (!signature) return DAMAGED;
      return securityKeyCheck(key, wire, (data) => verifiedOnCurve(key, 'sha256', data, signature));
    }
    default: {
      const { hash, digits } = CURVES[key.type];
      const signature = pointPair(wire, digits);
      if (!signature || !wire.isWhole()) return DAMAGED;
      return { fits: (data) => verifiedOnCurve(key, hash, data, signature) };
    }
  }
}

function rsaCheck({ publicKey }: SshKey, type: string, wire: Wire): Check | string {
  const hash = RSA_HASHES[type];
  const signature = wire.string(MOST_BLOB);
  if (type === 'ssh-rsa') return 'uses SHA-1, which is not taken: sign with a newer ssh-keygen';
  if (hash === undefined || !wire.isWhole()) return DAMAGED;
  const bits = publicKey.asymmetricKeyDetails?.modulusLength ?? 0;
  // With a zero more or less at its beginning the number is the same, and the signature another file.
  if (signature.length !== Math.ceil(bits / 8)) return DAMAGED;
  return { fits: (data) => verify(hash, data, publicKey, signature) };
}

/** The two numbers of an ECDSA signature, each with all its digits; undefined where one is zero or too long. */
function pointPair(wire: Wire, digits: number): Buffer | undefined {
  const inner = openWire(wire.string(2 * (digits + 5)));
  const numbers = [inner.positive(digits), inner.positive(digits)];
  if (!inner.isWhole()) return undefined;
  return Buffer.concat(numbers.flatMap((number) => [Buffer.alloc(digits - number.length), number]));
}

function verifiedOnCurve({ publicKey }: SshKey, hash: string, data: Buffer, signature: Buffer): boolean {
  return verify(hash, data, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature);
}

const USER_PRESENT = 1;

/** A security key signs what it was made for, its flags and a counter, with the hash of the data (PROTOCOL.u2f). */
function securityKeyCheck({ application }: SshKey, wire: Wire, fits: Check['fits']): Check | string {
  const flags = wire.byte();
  const flagsAndCounter = Buffer.concat([Buffer.from([flags]), wire.fixed(4)]);
  if (!wire.isWhole()) return DAMAGED;
  const sha256 = (bytes: BinaryLike) => createHash('sha256').update(bytes).digest();
  return {
    fits: (data) => fits(Buffer.concat([sha256(application), flagsAndCounter, sha256(data)])),
    isUntouched: (flags & USER_PRESENT) === 0,
  };
}
