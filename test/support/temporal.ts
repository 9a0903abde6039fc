import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { addMissingSearchAttributes } from '../../src/temporal-server.js';
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
export async function ownNamespace(address: string): Promise<TemporalNamespace> {
  const namespace = `test-${randomUUID()}`;
  const connection = await Connection.connect({ address });
  await connection.workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: { seconds: 86_400 as unknown as Long },
  });
  await untilUsable(connection, namespace);
  return {
    address,
    namespace,
    client: new Client({ connection, namespace }),
    close: () => connection.close(),
  };
}

/** The server learns of a new namespace a moment after it has stored it. */
async function untilUsable(connection: Connection, namespace: string): Promise<void> {
  const giveUpAtMs = Date.now() + usableWithinMs;
  for (;;) {
    try {
      await addMissingSearchAttributes(connection, Object.values(searchAttributeKeys), namespace);
      await connection.workflowService.listWorkflowExecutions({ namespace, query: "SyncFlow = 'none'" });
      return;
    } catch (error) {
      if (Date.now() > giveUpAtMs) throw error;
      await delay(50);
    }
  }
}
