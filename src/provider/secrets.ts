/** Removes secrets from answers: a provider may repeat what it was sent, and no secret may get into records. */
import { isUtf8 } from 'node:buffer';
import { asciiJson } from './json.ts';

/** Shorter secrets are not removed: they would match parts of ordinary words. */
const SHORTEST_SECRET = 8;

/**
 * The text with `[secret]` in place of every secret: as it is, in base64, in hexadecimal and in JSON, also as PHP
 * writes JSON. If a secret is base64, the bytes that it decodes to are removed in the same forms.
 */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  return secretRemover(secrets)(text);
}

/**
 * As {@link withoutSecrets}, for many texts with the same secrets. `digest` is a hexadecimal secret of one text only,
 * such as its signature. It is no key, so no bytes are decoded from it.
 */
export function secretRemover(secrets: readonly string[]): (text: string, digest?: string) => string {
  const lasting = secrets.flatMap(spellings);
  return (text, digest = '') => without(without(text, lasting), spellingsOf(Buffer.from(digest)));
}

function without(text: string, spelled: readonly string[]): string {
  return spelled.reduce((shown, one) => (shown.includes(one) ? shown.replaceAll(one, '[secret]') : shown), text);
}

function spellings(secret: string): string[] {
  if (secret.length < SHORTEST_SECRET) return [];
  const spelled = [...spellingsOf(Buffer.from(secret)), ...spellingsOf(decoded(secret))];
  return [...new Set(spelled.flatMap(inJson))];
}

/**
 * The bytes of a key that is handed out in base64: requests are signed with them. Empty for a secret that isn't base64.
 */
function decoded(secret: string): Buffer {
  const bytes = Buffer.from(secret, 'base64');
  const again = bytes.toString('base64').replace(/=+$/, '');
  const isBase64 = again === secret.replace(/=+$/, '').replaceAll('-', '+').replaceAll('_', '/');
  return isBase64 && bytes.length >= SHORTEST_SECRET ? bytes : Buffer.alloc(0);
}

/** The bytes as text, if they are text, in base64 of both alphabets, and in hexadecimal. */
function spellingsOf(bytes: Buffer): string[] {
  if (bytes.length === 0) return [];
  const hex = bytes.toString('hex');
  const base64 = bytes.toString('base64').replace(/=+$/, '');
  const text = isUtf8(bytes) ? bytes.toString() : bytes.toString('latin1');
  return [text, base64, bytes.toString('base64url'), hex, hex.toUpperCase()];
}

function inJson(text: string): string[] {
  // Most secrets have only letters and digits, which look the same in any JSON.
  if (/^\w*$/.test(text)) return [text];
  const json = JSON.stringify(text).slice(1, -1);
  const ascii = asciiJson(json);
  return [text, json, ascii, json.replaceAll('/', '\\/'), ascii.replaceAll('/', '\\/')];
}
