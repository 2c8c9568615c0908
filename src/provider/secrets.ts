/** What of an answer may be read on: a provider may repeat what it was asked with, and nothing of that may come into records. */
import { asciiJson } from './signature.ts';

/** Shorter ones would be found in words that are none. */
const SHORTEST_SECRET = 8;

/** The text with `[secret]` in place of every secret: as it is, in base64, and in JSON, as PHP writes it too. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  return secrets.flatMap(spellings).reduce((shown, secret) => shown.replaceAll(secret, '[secret]'), text);
}

function spellings(secret: string): string[] {
  if (secret.length < SHORTEST_SECRET) return [];
  const base64 = Buffer.from(secret).toString('base64').replace(/=+$/, '');
  return [secret, base64].flatMap((text) => {
    const json = JSON.stringify(text).slice(1, -1);
    const ascii = asciiJson(json);
    return [text, json, ascii, json.replaceAll('/', '\\/'), ascii.replaceAll('/', '\\/')];
  });
}
