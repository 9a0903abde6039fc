import { generateKeyPairSync, sign } from 'node:crypto';

/**
 * A key and a certificate for `localhost` and `127.0.0.1` that no one has signed but itself, as PEM text. Made anew each time: no key
 * lies in the project.
 */
export function selfSigned(): { key: string; certificate: string } {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const sha256WithRsa = sequence(
    objectId([0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b]),
    element(0x05),
  );
  const name = sequence(
    element(0x31, sequence(objectId([0x55, 0x04, 0x03]), element(0x0c, Buffer.from('localhost')))),
  );
  const validity = sequence(utcTime('240101000000Z'), utcTime('490101000000Z'));
  const subjectPublicKey = publicKey.export({ type: 'spki', format: 'der' });
  const alternativeNames = sequence(
    objectId([0x55, 0x1d, 0x11]),
    element(
      0x04,
      sequence(element(0x82, Buffer.from('localhost')), element(0x87, Buffer.from([127, 0, 0, 1]))),
    ),
  );
  const toBeSigned = sequence(
    element(0xa0, element(0x02, Buffer.from([2]))),
    element(0x02, Buffer.from([1])),
    sha256WithRsa,
    name,
    validity,
    name,
    subjectPublicKey,
    element(0xa3, sequence(alternativeNames)),
  );
  const signature = element(0x03, Buffer.concat([Buffer.from([0]), sign('sha256', toBeSigned, privateKey)]));
  const der = sequence(toBeSigned, sha256WithRsa, signature);
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    certificate: `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`,
  };
}

/** Tag, length, content: the encoding of X.509 (DER). */
function element(tag: number, content: Buffer = Buffer.alloc(0)): Buffer {
  const { length } = content;
  const lengths = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...lengths]), content]);
}
const sequence = (...parts: Buffer[]): Buffer => element(0x30, Buffer.concat(parts));
const objectId = (bytes: number[]): Buffer => element(0x06, Buffer.from(bytes));
const utcTime = (text: string): Buffer => element(0x17, Buffer.from(text));
