/** A self-signed certificate for 127.0.0.1, made on the spot: the least DER that X.509 asks for (RFC 5280, RFC 8410). */
import { generateKeyPairSync, sign } from 'node:crypto';

const tlv = (tag: number, ...parts: Buffer[]): Buffer => {
  const content = Buffer.concat(parts);
  const { length } = content;
  return Buffer.concat([Buffer.of(tag, ...(length < 128 ? [length] : [0x82, length >> 8, length & 255])), content]);
};
const sequence = (...parts: Buffer[]) => tlv(0x30, ...parts);
const time = (text: string) => tlv(0x17, Buffer.from(text));

const ED25519 = sequence(tlv(0x06, Buffer.of(0x2b, 0x65, 0x70)));
const COMMON_NAME = Buffer.of(0x55, 0x04, 0x03);

export function selfSigned(): { key: string; cert: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const name = sequence(tlv(0x31, sequence(tlv(0x06, COMMON_NAME), tlv(0x0c, Buffer.from('127.0.0.1')))));
  const body = sequence(
    tlv(0x02, Buffer.of(1)),
    ED25519,
    name,
    sequence(time('200101000000Z'), time('491231235959Z')),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
  );
  const signature = tlv(0x03, Buffer.of(0), sign(null, body, privateKey));
  const certificate = sequence(body, ED25519, signature).toString('base64');
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${certificate.replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`,
  };
}
