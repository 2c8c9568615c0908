/** The envelope in which the payout-order API wraps every answer: `{code, message, status, data}`. */
import { z } from 'zod';
import type { HttpResponse } from '../http.ts';
import { parseJson } from '../json.ts';

/** The provider's texts end up in reports: one line, of a length a person reads. */
const TEXT_LENGTH = 300;

const JSON_TYPE = /^application\/json\s*(?:;|$)/i;

/** `status` is left out on purpose: servers answer 0x0201 with status FAILURE, so an answer is judged by its code. */
const schema = z.object({
  code: z.string().regex(/^0x[0-9a-fA-F]{4}$/),
  message: z.union([z.string(), z.record(z.string(), z.union([z.string(), z.array(z.string())]))]),
  data: z.unknown().optional(),
});

export interface Envelope {
  readonly code: string;
  /** The message where it is a plain text, else empty. */
  readonly text: string;
  /** The message where it is an object: field → texts. */
  readonly fields: ReadonlyMap<string, readonly string[]>;
  /** Empty where the answer carries none. */
  readonly data: Readonly<Record<string, unknown>>;
}

/** The envelope, or undefined for a body that isn't JSON by its header and its form, or no such envelope. */
export function readEnvelope({ contentType, body }: HttpResponse): Envelope | undefined {
  if (!JSON_TYPE.test(contentType)) return undefined;
  const parsed = schema.safeParse(parseJson(body)?.value);
  if (!parsed.success) return undefined;
  const { code, message, data } = parsed.data;
  const fields = typeof message === 'string' ? [] : Object.entries(message);
  return {
    code,
    text: typeof message === 'string' ? message : '',
    fields: new Map(fields.map(([field, texts]) => [field, [texts].flat()])),
    data: isRecord(data) ? data : {},
  };
}

/** The envelope's message in one line: its text, or `field: text; field: text`. */
export function messageOf({ text, fields }: Envelope): string {
  if (fields.size === 0) return oneLine(text);
  return oneLine([...fields].map(([field, texts]) => `${field}: ${texts.join(' ')}`).join('; '));
}

/** Free text of the provider's made fit for a report: no control characters, single blanks, at most 300 characters. */
export function oneLine(text: string): string {
  const line = text.replace(/[\p{C}\p{Z}]+/gu, ' ').trim();
  return line.length > TEXT_LENGTH ? `${line.slice(0, TEXT_LENGTH - 1)}…` : line;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
