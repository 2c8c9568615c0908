/**
 * Audit entries of an order or an instruction as lines for a person: when, in which run, from which status to which,
 * and why.
 */
import { whoAndWhy } from '../domain/decision.ts';
import { sixDigits } from '../domain/file-number.ts';
import { rowPlace } from '../domain/instruction.ts';
import { currencyExponent } from '../domain/iso.ts';
import { formatMinor, grouped } from '../domain/money.ts';
import { secondIn } from '../platform/clock.ts';
import type { AuditEntry, FileRecord } from '../store/store.ts';

const HASH_SHOWN = 12;

/**
 * What store/changes.ts, store/intake.ts, store/amendments.ts and store/answers.ts write about an order or an
 * instruction. Each entry has some of these fields.
 */
type Event = Readonly<Partial<Record<EventField, unknown>>>;
type EventField =
  | 'at'
  | 'run'
  | 'from'
  | 'to'
  | 'message'
  | 'code'
  | 'errors'
  | 'row'
  | 'amendment'
  | 'amountMinor'
  | 'currency'
  | 'attempt'
  | 'send'
  | 'clientRefId'
  | 'bodySha256'
  | 'late'
  | 'outcome'
  | 'httpStatus'
  | 'orderRefId'
  | 'bankReference'
  | 'unclear'
  | 'step'
  | 'correlationId'
  | 'riders'
  | 'file'
  | 'type'
  | 'by'
  | 'reason'
  | 'ticket'
  | 'key'
  | 'signature';

interface HistoryLine {
  readonly seq: string;
  readonly at: string;
  readonly run: string;
  /** `ready → sending`, or the status alone where it did not change. */
  readonly change: string;
  readonly details: string;
}

/** Its time is that of a clock in the zone. */
export function historyLine(entry: AuditEntry, timeZone: string): HistoryLine {
  const event = eventOf(entry);
  const { at, run, from, type } = event;
  // What a yes leads to is an entry of its own.
  const to = type === 'approved' ? from : event.to;
  return {
    seq: String(entry.seq),
    at: secondIn(timeZone, String(at)),
    run: String(run ?? ''),
    change: from === to ? String(to) : `${from} → ${to}`,
    details: detailsOf(event).join(', '),
  };
}

function detailsOf(event: Event): string[] {
  const { message, code, errors, row, amendment, amountMinor, currency, send, attempt, clientRefId, bodySha256 } =
    event;
  const {
    late,
    outcome,
    httpStatus,
    orderRefId,
    bankReference,
    unclear,
    step,
    correlationId,
    riders,
    type,
    file,
    key,
    signature,
  } = event;
  const details = [
    type === 'answer' ? answerText(message) : message,
    type === 'approved' && yesText(event),
    event.key && `signed with ${event.key}, signature ${String(event.signature).slice(0, HASH_SHOWN)}…`,
    type === 'forgotten' && `texts forgotten with file ${sixDigits(Number(file))}`,
    code,
    Array.isArray(errors) ? errors.join(' ') : undefined,
    step && `change ${step}`,
    row && `${amendment ? `${amendment} by ` : ''}${placeOf(Number(row))}`,
    amountMinor &&
      `${grouped(formatMinor(BigInt(String(amountMinor)), currencyExponent(String(currency)) ?? 0))} ${currency}`,
    send && `send ${send}${attempt === 1 ? '' : ` of attempt ${attempt}`} as ${clientRefId}`,
    bodySha256 && `body ${String(bodySha256).slice(0, HASH_SHOWN)}…`,
    Array.isArray(riders) && riders.length > 0 && `with ${riders.length} instructions`,
    correlationId && `correlation ${correlationId}`,
    late && 'late',
    outcome && `${outcome}${httpStatus ? ` (HTTP ${httpStatus})` : ''}`,
    unclear && 'it may have arrived',
    orderRefId && `provider order ${orderRefId}`,
    bankReference && `bank reference ${bankReference}`,
    key && `signed with ${key}`,
    signature && `signature ${String(signature).slice(0, HASH_SHOWN)}…`,
  ];
  return details.filter((detail) => detail).map(String);
}

function yesText({ by, reason, ticket }: Event): string {
  return `${by} said yes: ${reason}${ticket === undefined ? '' : ` (ticket ${ticket})`}`;
}

function answerText(message: unknown): string {
  return message
    ? `a look-up was answered in a way that does not settle it: ${message}`
    : 'a look-up could be read again';
}

/** By whom the texts of an instruction were forgotten, when and why; empty where they were not. */
export async function forgettingOf(
  fileOf: (number: number) => Promise<FileRecord | undefined>,
  history: readonly AuditEntry[],
  timeZone: string,
): Promise<string> {
  const event = history.map(eventOf).find(({ type }) => type === 'forgotten');
  if (!event) return '';
  const decision = (await fileOf(Number(event.file)))?.forgotten;
  return `${secondIn(timeZone, String(event.at))} ${timeZone}, by ${decision ? whoAndWhy(decision) : ''}`;
}

/** The whole entry, for machines. */
export function eventOf({ body }: AuditEntry): Event {
  return JSON.parse(body) as Event;
}

export function placeOf(row: number): string {
  const { file, line } = rowPlace(row);
  return `file ${sixDigits(file)}, line ${line}`;
}
