/** Secrets come from the environment, or from files that the environment names. They never come from paydrop.json. */
import { readFileSync, statSync } from 'node:fs';
import { inspect } from 'node:util';
import { API, APIS } from '../domain/api.ts';
import type { Loaded } from './text.ts';

/** The environment variables of secrets that belong to no API of a provider. */
export const SECRETS = {
  webhooks: 'PAYDROP_WEBHOOK_SECRET',
  database: 'PAYDROP_DATABASE_URL',
  notify: 'PAYDROP_NOTIFY_SECRET',
  mail: 'PAYDROP_SMTP_URL',
} as const;

/** All of them, with those of the APIs. What is none of them is no secret of paydrop. */
export const SECRET_VARIABLES: readonly string[] = [
  ...new Set(APIS.flatMap((api) => Object.values(API[api].secrets))),
  ...Object.values(SECRETS),
];

/** A secret that does not appear in a log, a report or an error when it is printed. */
class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return '[secret]';
  }

  toJSON(): string {
    return '[secret]';
  }

  [inspect.custom](): string {
    return '[secret]';
  }
}

/**
 * Secrets under our names for them. Each comes from the variable NAME, which is one of {@link SECRET_VARIABLES}, or from
 * the file that NAME_FILE points to.
 */
export function loadSecrets<Names extends Readonly<Record<string, string>>>(
  env: NodeJS.ProcessEnv,
  names: Names,
): Loaded<Readonly<Record<keyof Names, Secret>>> {
  const problems: string[] = [];
  const value = Object.fromEntries(
    Object.entries(names).map(([key, name]) => {
      const found = readSecret(env, name);
      if (typeof found !== 'string') return [key, found];
      problems.push(found);
      return [key, new Secret('')];
    }),
  );
  return problems.length > 0
    ? { ok: false, problems }
    : { ok: true, value: value as Readonly<Record<keyof Names, Secret>> };
}

/** Whether it comes from anywhere, readable or not. */
export function isSecretSet(env: NodeJS.ProcessEnv, name: string): boolean {
  return Boolean(env[name] || env[`${name}_FILE`]);
}

function readSecret(env: NodeJS.ProcessEnv, name: string): Secret | string {
  if (!SECRET_VARIABLES.includes(name)) throw new Error(`${name} is not among the secrets`);
  const file = env[`${name}_FILE`];
  if (env[name] && file) return `${name} and ${name}_FILE are both set: keep one`;
  if (env[name]) return new Secret(env[name]);
  if (!file) return `${name} is not set: put the secret into it, or the path of a file that holds it into ${name}_FILE`;
  try {
    if ((statSync(file).mode & 0o077) !== 0)
      return `${name}_FILE: ${file} can be read by others than its owner; chmod 600 it`;
    const text = readFileSync(file, 'utf8').trim();
    return text === '' ? `${name}_FILE: ${file} is empty` : new Secret(text);
  } catch (error) {
    // The message does not repeat the value of the variable, which may be the secret itself by mistake.
    return `${name}_FILE: what it names can't be read (${(error as NodeJS.ErrnoException).code}); it must be the path of a file`;
  }
}
