/** csv-parse alone, by its events: reads a file and keeps nothing. Arguments: the file, how many records it must have. */
import { createReadStream } from 'node:fs';
import { parse } from 'csv-parse';

const [file = '', expected] = process.argv.slice(2);
const parser = parse();
let records = 0;
parser.on('readable', () => {
  while (parser.read() !== null) records++;
});
parser.on('end', () => {
  if (records !== Number(expected)) throw new Error(`read ${records} records instead of ${expected}`);
});
createReadStream(file).pipe(parser);
