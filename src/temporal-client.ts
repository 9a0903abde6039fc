import { Client, Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import type { Environment } from './config.js';
import { SyncError } from './errors.js';
import type { Instance } from './instance.js';

export interface ConnectedClient {
  client: Client;
  address: string;
  namespace: string;
  close(): Promise<void>;
}

/**
 * Connects as the SDK's environment configuration says (`TEMPORAL_ADDRESS` …, temporal.md §4), else to the running `npm start` of
 * the data folder, else to a server on this machine. Throws TEMPORAL_UNAVAILABLE, naming the address.
 */
export async function connectTemporal(
  instance: Instance | undefined,
  environment: Environment,
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
      client: new Client({ connection, namespace: inNamespace }),
      address,
      namespace: inNamespace,
      close: () => connection.close(),
    };
  } catch (error) {
    throw new SyncError('TEMPORAL_UNAVAILABLE', { subject: address, cause: error });
  }
}

/** The SDK's own settings (`TEMPORAL_ADDRESS` …), from the given environment. */
export function temporalSettings(environment: Environment) {
  const given = Object.entries(environment).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  return loadClientConnectConfig({ overrideEnvVars: Object.fromEntries(given) });
}
