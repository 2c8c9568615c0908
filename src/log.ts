/** What an operator or a log collector reads on stderr: JSON lines in a pipe, plain lines on a terminal. */
import { pino } from 'pino';

export interface Log {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}

export function openLog(stream: NodeJS.WriteStream): Log {
  const destination = stream.isTTY ? { write: (line: string) => stream.write(plain(line)) } : stream;
  return pino(
    {
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (level) => ({ level }) },
    },
    destination,
  );
}

/** One JSON line as a person reads it: `02:00:13 warn  the line was stopped (run 7)`. */
function plain(line: string): string {
  const { level, time, msg, ...facts } = JSON.parse(line) as Record<string, unknown>;
  const rest = Object.entries(facts).map(
    ([name, value]) => `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  const tail = rest.length > 0 ? ` (${rest.join(', ')})` : '';
  return `${String(time).slice(11, 19)} ${String(level).padEnd(5)} ${printable(`${String(msg)}${tail}`)}\n`;
}

function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]/gu, '\ufffd');
}
