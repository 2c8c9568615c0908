/** `http` of paydrop.json: where `watch` listens, and the address that a proxy gives it. */
import * as z from 'zod/mini';
import { described, isLoopback, originOf, part, textLike, textThat } from './values.ts';

/** An address to listen at. */
export interface ListenAddress {
  /** An IP address, or `localhost`. */
  readonly host: string;
  /** 0 is any free port. */
  readonly port: number;
}

export interface HttpSettings {
  readonly listen: ListenAddress;
  /** The origin under which a proxy that ends TLS serves it. */
  readonly publicUrl: URL | undefined;
  /** How webhooks are signed where the API does not say it. */
  readonly webhooks: {
    /** In small letters. Undefined where it is not known. */
    readonly header: string | undefined;
    readonly algorithm: 'sha256' | 'sha512' | 'sha1';
    readonly encoding: 'hex' | 'base64';
  };
}

const LISTEN = /^(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+|localhost)):(\d{1,5})$/;
const MOST_PORT = 65_535;

/** How `http` is written in paydrop.json. */
export const httpSchema = part({
  listen: described(
    z.optional(
      textThat(
        (text) => listenAddress(text) !== undefined,
        'expected an IP address and a port such as "127.0.0.1:8480"',
      ),
    ),
    'an IP address or localhost, and a port; without it watch serves nothing',
  ),
  publicUrl: described(
    z.optional(
      textThat(
        (text) => originOf(text)?.protocol === 'https:',
        'expected an https URL without a path such as "https://payouts.example.com"',
      ),
    ),
    'the address of the proxy that ends TLS in front of http.listen',
  ),
  webhooks: part({
    header: described(
      z.optional(textLike(/^[A-Za-z0-9-]{1,100}$/, 'expected the name of a header such as "X-Signature"')),
      'order-management and collect: the header with the HMAC of the body; without it webhooks are not verified',
    ),
    algorithm: z._default(z.enum(['sha256', 'sha512', 'sha1'], 'expected "sha256", "sha512" or "sha1"'), 'sha256'),
    encoding: z._default(z.enum(['hex', 'base64'], 'expected "hex" or "base64"'), 'hex'),
  }),
});

/** Undefined where nothing is served. */
export function httpFrom({ listen, publicUrl, webhooks }: z.output<typeof httpSchema>): HttpSettings | undefined {
  const address = listen === undefined ? undefined : listenAddress(listen);
  if (address === undefined) return undefined;
  return {
    listen: address,
    publicUrl: publicUrl === undefined ? undefined : new URL(publicUrl),
    webhooks: { ...webhooks, header: webhooks.header?.toLowerCase() },
  };
}

/** Other machines reach what listens beyond loopback, and what they send must come through TLS. */
export function httpProblem({ listen, publicUrl }: z.output<typeof httpSchema>): string | undefined {
  if (listen === undefined)
    return publicUrl === undefined ? undefined : 'http.publicUrl: has no effect without http.listen';
  const address = listenAddress(listen);
  if (!address || isLoopback(address.host) || publicUrl !== undefined) return undefined;
  return `http.listen: "${listen}" can be reached by other machines, so a proxy that ends TLS must stand before it: name its address in http.publicUrl, such as "https://payouts.example.com", or listen at "127.0.0.1:${address.port}"`;
}

function listenAddress(text: string): ListenAddress | undefined {
  const [, six, other, digits = ''] = LISTEN.exec(text) ?? [];
  const host = six ?? other ?? '';
  const port = Number(digits);
  // The parser of URLs knows what an IP address is, and is there already: each command reads the settings.
  const url = URL.parse(`http://${six === undefined ? host : `[${host}]`}`);
  const isHost = six === undefined ? url?.hostname === host : url !== null;
  return isHost && digits !== '' && port <= MOST_PORT ? { host, port } : undefined;
}
