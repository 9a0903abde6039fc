import { setTimeout as delay } from 'node:timers/promises';
import { isGrpcServiceError, type Client } from '@temporalio/client';
import { WrongUse } from '../command-line/wrong-use.js';
import { addMissingSearchAttributes } from './server.js';
import { searchAttributeKeys } from '../workflows/visibility.js';

/** A server learns of new search attributes a moment after it has stored them. */
const USABLE_WITHIN_MS = 30_000;
/** gRPC's INVALID_ARGUMENT: a query that names an attribute which the namespace does not have. */
const INVALID_ARGUMENT = 3;

const keys = Object.values(searchAttributeKeys);
/** Finds nothing, and is refused unless the namespace has every attribute with its type. */
const PROBE = keys.map(({ name, type }) => `${name} = ${type === 'INT' ? '-1' : "'none'"}`).join(' AND ');

/**
 * Sees to it that the namespace has the search attributes that schedules and runs carry, and resolves when they can be used. Where they
 * are there already no rights but those of a client are needed. Throws WrongUse, with the command for an operator, where they are
 * missing and this account may not register them, or where one of the names is taken by another type.
 */
export async function registerSearchAttributes(client: Client): Promise<void> {
  const { namespace } = client.options;
  const isUsable = async (): Promise<boolean> => {
    try {
      await client.workflowService.countWorkflowExecutions({ namespace, query: PROBE });
      return true;
    } catch (error) {
      if (isGrpcServiceError(error) && Number(error.code) === INVALID_ARGUMENT) return false;
      throw error;
    }
  };
  if (await isUsable()) return;
  try {
    await addMissingSearchAttributes(client.connection, keys, namespace);
  } catch {
    throw notThere(namespace);
  }
  const giveUpAtMs = Date.now() + USABLE_WITHIN_MS;
  while (!(await isUsable())) {
    if (Date.now() > giveUpAtMs) throw notThere(namespace);
    await delay(200);
  }
}

const typeNames = { KEYWORD: 'Keyword', INT: 'Int' } as const;

function notThere(namespace: string): WrongUse {
  const wanted = keys.map(({ name, type }) => `--name ${name} --type ${typeNames[type]}`).join(' ');
  return new WrongUse([
    `The Temporal namespace ${namespace} lacks search attributes, and this account could not register them. Someone who may: temporal operator search-attribute create --namespace ${namespace} ${wanted}`,
  ]);
}
