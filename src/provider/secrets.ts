/** What of an answer may be read on: a provider may repeat what it was asked with, and nothing of that may come into records. */
import { asciiJson } from './signature.ts';

/** Shorter ones would be found in words that are none. */
const SHORTEST_SECRET = 8;

/** The text with `[secret]` in place of every secret: as it is, in base64, and in JSON, as PHP writes it too. */
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
  const base64 = Buffer.from(secret).toString('base64').replace(/=+$/, '');
  // Most secrets are letters and digits, which are the same in any JSON.
  if (/^\w*$/.test(secret + base64)) return [secret, base64];
  const spelled = [secret, base64].flatMap((text) => {
    const json = JSON.stringify(text).slice(1, -1);
    const ascii = asciiJson(json);
    return [text, json, ascii, json.replaceAll('/', '\\/'), ascii.replaceAll('/', '\\/')];
  });
  return [...new Set(spelled)];
}
