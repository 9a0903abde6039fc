import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { dataConverterOf } from '../../src/temporal/data-converter.js';
import type { PayloadKey } from '../../src/config.js';
import { addMissingSearchAttributes } from '../../src/temporal/server.js';
import { searchAttributeKeys } from '../../src/workflows/visibility.js';

const usableWithinMs = 30_000;

export interface TemporalNamespace {
  address: string;
  namespace: string;
  client: Client;
  close(): Promise<void>;
}

/**
 * A namespace of the suite's shared Temporal server for the caller alone, with our search attributes: workflow ids are
 * fixed in this product, so tests that run at the same time must not share one.
 */
export async function ownNamespace(
  address: string,
  payloadKeys: readonly PayloadKey[] = [],
): Promise<TemporalNamespace> {
  const { connection, namespace } = await registerNamespace(address);
  await untilUsable(connection, namespace);
  return {
    address,
    namespace,
    client: new Client({ connection, namespace, dataConverter: dataConverterOf(payloadKeys) }),
    close: () => connection.close(),
  };
}

/** The same as an operator leaves it who has registered nothing in it. */
export async function bareNamespace(address: string): Promise<TemporalNamespace> {
  const { connection, namespace } = await registerNamespace(address);
  await untilItWorks(() => connection.workflowService.listWorkflowExecutions({ namespace }));
  return {
    address,
    namespace,
    client: new Client({ connection, namespace }),
    close: () => connection.close(),
  };
}

async function registerNamespace(address: string): Promise<{ connection: Connection; namespace: string }> {
  const namespace = `test-${randomUUID()}`;
  const connection = await Connection.connect({ address });
  await connection.workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: { seconds: 86_400 as unknown as Long },
  });
  return { connection, namespace };
}

/** The server learns of a new namespace a moment after it has stored it. */
const untilUsable = (connection: Connection, namespace: string): Promise<void> =>
  untilItWorks(async () => {
    await addMissingSearchAttributes(connection, Object.values(searchAttributeKeys), namespace);
    await connection.workflowService.listWorkflowExecutions({ namespace, query: "SyncFlow = 'none'" });
  });

async function untilItWorks(attempt: () => Promise<unknown>): Promise<void> {
  const giveUpAtMs = Date.now() + usableWithinMs;
  for (;;) {
    try {
      await attempt();
      return;
    } catch (error) {
      if (Date.now() > giveUpAtMs) throw error;
      await delay(50);
    }
  }
}
