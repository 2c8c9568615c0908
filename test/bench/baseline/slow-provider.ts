/**
 * A provider that accepts each payout after a while and does nothing else, so that its own work slows nobody down. It
 * answers no look-up. Arguments: its port, and how many milliseconds an answer takes. When it is ended by a signal, it
 * prints `{"accepted": …, "seconds": …}`: how many payouts it has taken, each counted once, and from the first to the last.
 */
import { createServer } from 'node:http';
import { performance } from 'node:perf_hooks';

const [port, answerMs] = process.argv.slice(2);
const HEADERS = { 'content-type': 'application/json' };
const taken = new Set<string>();
let firstMs: number | undefined;
let lastMs = 0;

const server = createServer((request, response) => {
  if (request.method !== 'POST') return response.writeHead(503, HEADERS).end('{}');
  let body = '';
  request.setEncoding('utf8');
  request.on('data', (chunk: string) => {
    body += chunk;
  });
  return request.on('end', () => {
    const { clientRefId } = JSON.parse(body) as { clientRefId: string };
    const data = { clientRefId, orderRefId: `O-${clientRefId}`, status: 'queued' };
    setTimeout(() => {
      lastMs = performance.now();
      firstMs ??= lastMs;
      taken.add(clientRefId);
      response.writeHead(200, HEADERS).end(JSON.stringify({ code: '0x0200', message: 'taken', data }));
    }, Number(answerMs));
  });
});
server.listen(Number(port), '127.0.0.1', () => process.stdout.write(`listens on http://127.0.0.1:${port};\n`));
process.on('SIGTERM', () => {
  const figures = { accepted: taken.size, seconds: (lastMs - (firstMs ?? lastMs)) / 1000 };
  process.stdout.write(`${JSON.stringify(figures)}\n`, () => process.exit());
});
