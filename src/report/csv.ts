/** CSV out: RFC 4180, lines ended by CR LF, no cell that a spreadsheet would run as a formula. */
import { stringify } from 'csv-stringify/sync';
import { escapeFormula } from '../formula.ts';

/** Records put into text at once. */
const BATCH = 500;

type Row = readonly string[];

/** The same text each time it is iterated, in pieces of a limited number of records. */
export function csv(header: Row, records: () => AsyncIterable<Row>): AsyncIterable<string> {
  return { [Symbol.asyncIterator]: () => pieces(header, records()) };
}

async function* pieces(header: Row, records: AsyncIterable<Row>): AsyncGenerator<string> {
  let batch: Row[] = [header];
  for await (const record of records) {
    batch.push(record);
    if (batch.length < BATCH) continue;
    yield csvText(batch);
    batch = [];
  }
  if (batch.length > 0) yield csvText(batch);
}

const NEEDS_QUOTES = /[",\r\n]/;

/** Records without a cell that must be quoted are their cells between commas, in a fifth of the time. */
function csvText(records: readonly Row[]): string {
  const safe = records.map((cells) => cells.map(escapeFormula));
  const isPlain = safe.every((cells) => cells.length > 1 && !cells.some((cell) => NEEDS_QUOTES.test(cell)));
  if (isPlain) return `${safe.map((cells) => cells.join(',')).join('\r\n')}\r\n`;
  // By itself csv-stringify quotes a cell for the whole line end, not for one half of it.
  return stringify(safe, { record_delimiter: '\r\n', quoted_match: /[\r\n]/ });
}
