/**
 * SHA-256. Node's crypto is loaded at the first hash. Loading it takes a twentieth of the time of a command that only
 * reads, and such a command hashes nothing.
 */
import type { Hash } from 'node:crypto';

let loaded: typeof import('node:crypto') | undefined;

function crypto(): typeof import('node:crypto') {
  loaded ??= process.getBuiltinModule('node:crypto');
  return loaded;
}

/** The digest of the text's UTF-8, in hex. */
export function sha256(text: string): string {
  return crypto().hash('sha256', text, 'hex');
}

export function sha256Bytes(text: string): Buffer {
  return crypto().hash('sha256', text, 'buffer');
}

/** A hash for content that comes in pieces. */
export function openSha256(): Hash {
  return crypto().createHash('sha256');
}

/** In base64 without padding, as fingerprints of SSH keys are written. */
export function sha256Base64(bytes: Buffer): string {
  return crypto().hash('sha256', bytes, 'base64').replace(/=+$/, '');
}
