/** The envelope in which the payout-order API wraps every answer: `{code, message, status, data}`. */
import * as z from 'zod/mini';
import type { HttpResponse } from '../http.ts';
import { isRecord, jsonOf } from '../json.ts';
import { oneLine } from '../one-line.ts';

/** `status` is left out on purpose: servers answer 0x0201 with status FAILURE, so an answer is judged by its code. */
const schema = z.object({
  code: z.string().check(z.regex(/^0x[0-9a-fA-F]{4}$/)),
  message: z.union([z.string(), z.record(z.string(), z.union([z.string(), z.array(z.string())]))]),
  data: z.optional(z.unknown()),
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

/** The envelope; undefined unless both the header and the body are JSON, and the JSON is such an envelope. */
export function readEnvelope(response: HttpResponse): Envelope | undefined {
  const parsed = schema.safeParse(jsonOf(response)?.value);
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
