import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { METADATA_ENCODING_KEY, type Payload, type PayloadCodec } from '@temporalio/common';
import protobuf from 'protobufjs';
import type { PayloadKey } from '../config.js';
import { SyncError } from '../errors.js';

/** The word that Temporal's samples use; the Web UI and the CLI hand such payloads to a codec server. */
const ENCRYPTED = 'binary/encrypted';
const KEY_ID = 'encryption-key-id';
const CIPHER = 'aes-256-gcm';
/** Sizes of AES-GCM as NIST SP 800-38D recommends them. */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** `temporal.api.common.v1.Payload` (temporalio/api, common/v1/message.proto): what is encrypted is a whole payload. */
const PayloadMessage = new protobuf.Type('Payload')
  .add(new protobuf.MapField('metadata', 1, 'string', 'bytes'))
  .add(new protobuf.Field('data', 2, 'bytes'));

/**
 * Encrypts what is written into histories: AES-256-GCM under the first of `keys`, with a random nonce; the key's id stands in the
 * payload's metadata, which the tag vouches for. Decodes what any of `keys` has written, and leaves plain payloads as they are, so
 * that encryption can be switched on later; without keys nothing is encrypted. Rejects with PAYLOAD_KEY_UNKNOWN, naming the id of
 * the key that is missing, and with PAYLOAD_UNREADABLE when the key does not fit or the payload was changed.
 */
export function createPayloadCodec(keys: readonly PayloadKey[]): PayloadCodec {
  const [writing] = keys;
  return {
    encode: async (payloads) => (writing ? payloads.map((payload) => encrypted(payload, writing)) : payloads),
    decode: async (payloads) => payloads.map((payload) => decrypted(payload, keys)),
  };
}

function encrypted(payload: Payload, { id, key }: PayloadKey): Payload {
  const nonce = randomBytes(NONCE_BYTES);
  const metadata = { [METADATA_ENCODING_KEY]: Buffer.from(ENCRYPTED), [KEY_ID]: Buffer.from(id) };
  const cipher = createCipheriv(CIPHER, key, nonce).setAAD(vouchedFor(id));
  const plain = PayloadMessage.encode(PayloadMessage.fromObject(payload)).finish();
  return {
    metadata,
    data: Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]),
  };
}

function decrypted(payload: Payload, keys: readonly PayloadKey[]): Payload {
  const { metadata, data } = payload;
  if (textOf(metadata?.[METADATA_ENCODING_KEY]) !== ENCRYPTED) return payload;
  const id = textOf(metadata?.[KEY_ID]);
  const known = keys.find((each) => each.id === id);
  if (!known) throw new SyncError('PAYLOAD_KEY_UNKNOWN', { subject: `key ${shownId(id)}` });
  try {
    const bytes = data ?? new Uint8Array();
    const decipher = createDecipheriv(CIPHER, known.key, bytes.subarray(0, NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    })
      .setAAD(vouchedFor(known.id))
      .setAuthTag(bytes.subarray(-TAG_BYTES));
    const plain = Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
    return PayloadMessage.toObject(PayloadMessage.decode(plain), { defaults: true }) as Payload;
  } catch (error) {
    throw new SyncError('PAYLOAD_UNREADABLE', { subject: `key ${known.id}`, cause: error });
  }
}

/** The metadata as the tag covers it: under another id or encoding the payload does not open. */
const vouchedFor = (id: string): Buffer => Buffer.from(`${ENCRYPTED}\n${CIPHER}\n${id}`);

const textOf = (bytes: Uint8Array | null | undefined): string => Buffer.from(bytes ?? []).toString();

/** Another program may have written it. */
const shownId = (id: string): string => (/^[\w.-]{1,64}$/.test(id) ? id : 'of an id that is none of ours');
