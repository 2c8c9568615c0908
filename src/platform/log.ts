/** The log on stderr, for an operator or a log collector: JSON lines in a pipe, plain lines on a terminal. */
import { pino } from 'pino';
import { type Clock, timestamp } from './clock.ts';
import { plainJson, printable } from './terminal.ts';

export interface Log {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}

export function openLog(stream: NodeJS.WriteStream, clock: Clock): Log {
  const onLine = stream.isTTY ? plain : plainJson;
  return pino(
    {
      base: null,
      timestamp: () => `,"time":"${timestamp(clock.now())}"`,
      formatters: { level: (level) => ({ level }) },
    },
    { write: (line: string) => void stream.write(onLine(line)) },
  );
}

/** One JSON line in the form for a person: `02:00:13 warn  the line was stopped (run 7)`. */
function plain(line: string): string {
  const { level, time, msg, ...facts } = JSON.parse(line) as Record<string, unknown>;
  const tail = Object.keys(facts).length > 0 ? ` (${inWords(facts)})` : '';
  return `${String(time).slice(11, 19)} ${String(level).padEnd(5)} ${printable(`${String(msg)}${tail}`)}\n`;
}

/** `run 7, sent 12, moved paid 3, failed 1` */
function inWords(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  if (Array.isArray(value)) return value.map(inWords).join(' ');
  return Object.entries(value)
    .map(([name, item]) => `${name} ${inWords(item)}`.trimEnd())
    .join(', ');
}
