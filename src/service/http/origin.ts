/**
 * The names that a server answers to. A page of another site that has its own name point here ("DNS rebinding") sends
 * that name along, and gets no answer.
 */
import type { IncomingMessage } from 'node:http';
import { type HttpSettings, isLoopback } from '../../settings/settings.ts';

const HTTP_PORT = 80;

/**
 * The origin that the request's Host stands for: that of http.publicUrl; or the address and port that the connection
 * came to, for which `localhost` may stand on loopback. Undefined for any other name.
 */
export function originFor({ headers, socket }: IncomingMessage, { publicUrl }: HttpSettings): string | undefined {
  const host = headers.host?.toLowerCase();
  if (host === undefined) return undefined;
  if (host === publicUrl?.host || host === `${publicUrl?.hostname}:443`) return publicUrl?.origin;
  const address = socket.localAddress?.replace(/^::ffff:/, '');
  if (address === undefined) return undefined;
  const names = [address.includes(':') ? `[${address}]` : address, ...(isLoopback(address) ? ['localhost'] : [])];
  const port = socket.localPort;
  const served = names.flatMap((name) => [`${name}:${port}`, ...(port === HTTP_PORT ? [name] : [])]);
  return served.includes(host) ? `http://${host}` : undefined;
}
