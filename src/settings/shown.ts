/** The settings as the console shows them: each by its name in paydrop.json, and nothing that may hold a secret. */
import { join } from 'node:path';
import * as z from 'zod/mini';
import { schema } from './schema.ts';
import { SETTINGS_FILE, settingsText } from './text.ts';

interface ShownSetting {
  /** Such as `intake.settle`. */
  readonly name: string;
  readonly value: string;
  /** Whether the file states it; else it is the default. */
  readonly stated: boolean;
}

/** All settings of a workspace whose paydrop.json can be read; none where it can't. */
export function shownSettings(workspace: string): readonly ShownSetting[] {
  const text = settingsText(join(workspace, SETTINGS_FILE));
  if (!text.ok) return [];
  const json = JSON.parse(text.value) as unknown;
  const read = z.safeParse(schema, json, { jitless: true });
  return read.success ? shown(read.data, json, []) : [];
}

function shown(value: unknown, stated: unknown, path: readonly string[]): ShownSetting[] {
  if (value === undefined) return [];
  if (isPlain(value) && Object.keys(value).length > 0)
    return Object.entries(value).flatMap(([name, part]) =>
      shown(part, isPlain(stated) ? stated[name] : undefined, [...path, name]),
    );
  const text = typeof value === 'string' ? harmless(value) : JSON.stringify(harmless(value));
  return [{ name: path.join('.'), value: String(text), stated: stated !== undefined }];
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * An address may have a token in its path or query, and a command one in its arguments: of an address its origin is
 * shown, and of a command its program.
 */
function harmless(value: unknown): unknown {
  if (typeof value === 'string') return harmlessText(value);
  if (Array.isArray(value)) return value.map(harmless);
  if (!isPlain(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, part]) =>
      name === 'command' && Array.isArray(part) && part.length > 1
        ? [name, [harmless(part[0]), '…']]
        : [name, harmless(part)],
    ),
  );
}

function harmlessText(text: string): string {
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return text;
  if (!URL.canParse(text)) return '…';
  const { protocol, host, pathname, search, username } = new URL(text);
  const isBare = pathname.replace('/', '') === '' && search === '' && username === '';
  return `${protocol}//${host}${isBare ? '' : '/…'}`;
}
