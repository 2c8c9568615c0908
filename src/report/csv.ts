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

/** A record without a cell that must be quoted is its cells between commas: nearly every one, in a fifth of the time. */
function csvText(records: readonly Row[]): string {
  let text = '';
  for (const record of records) {
    const cells = record.map(escapeFormula);
    text +=
      cells.some((cell) => NEEDS_QUOTES.test(cell)) || cells.length < 2 ? quoted(cells) : `${cells.join(',')}\r\n`;
  }
  return text;
}

function quoted(cells: Row): string {
  // By itself csv-stringify quotes a cell for the whole line end, not for one half of it.
  return stringify([cells], { record_delimiter: '\r\n', quoted_match: /[\r\n]/ });
}
