import { fileURLToPath } from 'node:url';
import type { DataConverter } from '@temporalio/common';
import type { PayloadKey } from '../config.js';
import { createPayloadCodec } from './payload-codec.js';

const failureConverterPath = fileURLToPath(new URL('./failure-converter.js', import.meta.url));

/**
 * What every client and worker of a namespace must share. Without keys it still knows encrypted payloads, and names the key that
 * is missing; with keys the messages of failures are encrypted too.
 */
export const dataConverterOf = (keys: readonly PayloadKey[]): DataConverter => ({
  payloadCodecs: [createPayloadCodec(keys)],
  ...(keys.length > 0 && { failureConverterPath }),
});
