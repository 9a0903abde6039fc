import { Client, Connection, isGrpcServiceError } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { ConfigError, readPayloadKeys, type Environment, type PayloadKey } from '../config.js';
import { dataConverterOf } from './data-converter.js';
import { SyncError } from '../errors.js';
import type { Instance } from '../instance.js';

export interface ConnectedClient {
  client: Client;
  address: string;
  namespace: string;
  close(): Promise<void>;
}

/**
 * Connects as the SDK's environment configuration says (`TEMPORAL_ADDRESS` …, temporal.md §4), else to the running `npm start` of
 * the data folder, else to a server on this machine; payloads are encrypted under `PAYLOAD_KEYS`. Throws TEMPORAL_UNAVAILABLE or
 * TEMPORAL_REFUSED, naming the address, and CONFIG_INVALID.
 */
export async function connectTemporal(
  instance: Instance | undefined,
  environment: Environment,
  payloadKeys: readonly PayloadKey[] = readPayloadKeys(environment),
): Promise<ConnectedClient> {
  const { connectionOptions, namespace } = temporalSettings(environment);
  const address = connectionOptions.address ?? instance?.temporal.address ?? '127.0.0.1:7233';
  const inNamespace = namespace ?? instance?.temporal.namespace ?? 'default';
  try {
    const connection = await Connection.connect({
      ...connectionOptions,
      address,
      connectTimeout: '10 seconds',
    });
    return {
      client: new Client({
        connection,
        namespace: inNamespace,
        dataConverter: dataConverterOf(payloadKeys),
      }),
      address,
      namespace: inNamespace,
      close: () => connection.close(),
    };
  } catch (error) {
    throw notConnected(address, error);
  }
}

/** gRPC's PERMISSION_DENIED and UNAUTHENTICATED; the SDK's core, below a worker, tells them by their descriptions only. */
const REFUSED_STATUSES: readonly number[] = [7, 16];
const REFUSED_WORDS = /does not have permission to execute|does not have valid authentication credentials/;

/** Why a server cannot be used: it does not answer, or it does not know who asks. */
export function notConnected(address: string, error: unknown): SyncError {
  const status = error instanceof Error && isGrpcServiceError(error.cause) ? error.cause.code : undefined;
  const isRefusal =
    status === undefined ? REFUSED_WORDS.test(String(error)) : REFUSED_STATUSES.includes(status);
  return new SyncError(isRefusal ? 'TEMPORAL_REFUSED' : 'TEMPORAL_UNAVAILABLE', {
    subject: address,
    cause: error,
  });
}

/** gRPC's NOT_FOUND. */
const NOT_FOUND = 5;

/** Why a namespace cannot be worked in: there is none of this name, or as `notConnected`. */
export function namespaceFault(address: string, namespace: string, error: unknown): SyncError {
  const isUnknown = isGrpcServiceError(error) && error.code === NOT_FOUND;
  if (!isUnknown)
    return notConnected(address, new Error('The namespace cannot be described', { cause: error }));
  return new ConfigError([`TEMPORAL_NAMESPACE: ${address} has no namespace ${namespace}`]);
}

/**
 * The SDK's own settings (`TEMPORAL_ADDRESS` …), from the given environment; an empty variable counts as not given. Throws
 * CONFIG_INVALID where they contradict each other or name a file that cannot be read.
 */
export function temporalSettings(environment: Environment) {
  const given = Object.entries(environment).filter((entry): entry is [string, string] => Boolean(entry[1]));
  try {
    return loadClientConnectConfig({ overrideEnvVars: Object.fromEntries(given) });
  } catch (error) {
    // The lines after the first quote the file, secrets and all.
    const [said = ''] = (error as Error).message.split('\n');
    throw new ConfigError([`TEMPORAL_…: ${said}`]);
  }
}
