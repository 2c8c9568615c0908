/** HTTP as bytes on a connection, for what no client would send. */
import { once } from 'node:events';
import { connect } from 'node:net';

/** What the server answered on one connection until it closed that; bytes as Latin-1. */
export async function sent(url: URL, ...parts: readonly (string | Buffer)[]): Promise<string> {
  const socket = connect(Number(url.port), url.hostname);
  let answered = '';
  socket.setEncoding('latin1').on('data', (text: string) => {
    answered += text;
  });
  // A connection that is reset has given all its answers, too.
  socket.on('error', () => undefined);
  for (const part of parts) socket.write(part);
  if (!socket.closed) await once(socket, 'close');
  return answered;
}

/** The statuses of all answers, in order. */
export function statuses(answered: string): number[] {
  return [...answered.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map(([, status]) => Number(status));
}
