/** A certificate for the server and the provider, and the authority that it is from. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Certificates {
  /** The path of the authority's certificate. */
  readonly authority: string;
  readonly key: string;
  readonly certificate: string;
  readonly tls: { readonly key: string; readonly cert: string };
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

export function makeCertificates(folder: string, names: readonly string[], addresses: readonly string[]): Certificates {
  const path = (name: string) => join(folder, name);
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' });
  const alternatives = [...names.map((name) => `DNS:${name}`), ...addresses.map((address) => `IP:${address}`)];
  writeFileSync(path('names'), `subjectAltName=${alternatives.join()}\n`);
  openssl('req', '-x509', ...NEW_KEY, '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2', '-subj', '/CN=chaos');
  openssl('req', '-new', ...NEW_KEY, '-keyout', 'host.key', '-out', 'host.csr', '-subj', `/CN=${names[0]}`);
  const signed = ['-in', 'host.csr', '-out', 'host.pem', '-extfile', 'names', '-days', '2'];
  openssl('x509', '-req', ...signed, '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial');
  const [key, certificate] = [path('host.key'), path('host.pem')];
  const tls = { key: readFileSync(key, 'utf8'), cert: readFileSync(certificate, 'utf8') };
  return { authority: path('ca.pem'), key, certificate, tls };
}
