import { sign, type KeyObject } from 'node:crypto';

/** A self-signed certificate in PEM. Node can read certificates but not make them, so this writes the DER itself. */
export function selfSigned(publicKey: KeyObject, privateKey: KeyObject): string {
  const sha256WithRsa = sequence(Buffer.from('06092a864886f70d01010b', 'hex'), Buffer.from('0500', 'hex'));
  const commonName = sequence(Buffer.from('0603550403', 'hex'), tagged(0x0c, Buffer.from('sandbox-client')));
  const name = sequence(tagged(0x31, commonName));
  const validity = sequence(utcTime('240101000000Z'), utcTime('490101000000Z'));
  const serial = Buffer.from('02020539', 'hex');
  const keyInfo = publicKey.export({ type: 'spki', format: 'der' });
  const toBeSigned = sequence(serial, sha256WithRsa, name, validity, name, keyInfo);
  const signature = tagged(0x03, Buffer.from([0]), sign('sha256', toBeSigned, privateKey));
  const base64 = sequence(toBeSigned, sha256WithRsa, signature).toString('base64');
  const lines = base64.match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}

const sequence = (...parts: Buffer[]): Buffer => tagged(0x30, ...parts);
const utcTime = (text: string): Buffer => tagged(0x17, Buffer.from(text));

function tagged(tag: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const size = content.length;
  const length = size < 128 ? [size] : size < 256 ? [0x81, size] : [0x82, size >> 8, size & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}
