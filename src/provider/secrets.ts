/** What of an answer may be read on: a provider may repeat what it was asked with, and nothing of that may come into records. */
import { isUtf8 } from 'node:buffer';
import { asciiJson } from './json.ts';

/** Shorter ones would be found in words that are none. */
const SHORTEST_SECRET = 8;

/** The text with `[secret]` in place of every secret: as it is, in base64, in hexadecimal, and in JSON, as PHP
 * writes it too; and of what it is the base64 of. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  return secretRemover(secrets)(text);
}

/** As {@link withoutSecrets} for the same secrets again and again; `passing` are those of one text. */
export function secretRemover(secrets: readonly string[]): (text: string, ...passing: readonly string[]) => string {
  const lasting = secrets.flatMap(spellings);
  return (text, ...passing) =>
    passing.reduce((shown, secret) => without(shown, spellings(secret)), without(text, lasting));
}

function without(text: string, spelled: readonly string[]): string {
  return spelled.reduce((shown, one) => (shown.includes(one) ? shown.replaceAll(one, '[secret]') : shown), text);
}

function spellings(secret: string): string[] {
  if (secret.length < SHORTEST_SECRET) return [];
  const spelled = [...spellingsOf(Buffer.from(secret)), ...spellingsOf(decoded(secret))];
  return [...new Set(spelled.flatMap(inJson))];
}

/** What a key that is handed out in base64 stands for: the bytes that requests are signed with. Nothing of another secret. */
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
  // Most secrets are letters and digits, which are the same in any JSON.
  if (/^\w*$/.test(text)) return [text];
  const json = JSON.stringify(text).slice(1, -1);
  const ascii = asciiJson(json);
  return [text, json, ascii, json.replaceAll('/', '\\/'), ascii.replaceAll('/', '\\/')];
}
