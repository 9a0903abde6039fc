import { readFileSync } from 'node:fs';
import type { Client } from '@temporalio/client';
import type { FlowId } from '../contracts.js';
import { formatFaults, readSyncFile } from '../mapping/read.js';
import { applySchedules, type AppliedSchedules } from '../schedules.js';
import { inspect } from './inspect.js';
import { WrongUse } from './wrong-use.js';

export interface Applied {
  version: number;
  /** False when this very file is in force already. */
  changed: boolean;
  flows: FlowId[];
  schedules: AppliedSchedules;
}

/**
 * Validates the mapping file, publishes it as a numbered version and brings the schedules in line. An invalid file throws
 * WrongUse with every fault and its line; what is in force stays in force.
 */
export async function applyMapping(
  client: Client,
  file: string,
  heartbeatSeconds?: number,
): Promise<Applied> {
  const document = validDocument(file);
  const { version, changed, schedules } = await inspect(client, { kind: 'apply', document });
  return {
    version,
    changed,
    flows: schedules.map(({ flow }) => flow),
    schedules: await applySchedules(client, schedules, heartbeatSeconds),
  };
}

/** The file's text, if it is a valid mapping. */
export function validDocument(file: string): string {
  let document: string;
  try {
    document = readFileSync(file, 'utf8');
  } catch (error) {
    throw new WrongUse([`${file}: cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`]);
  }
  const read = readSyncFile(document);
  if (!read.ok) throw new WrongUse([formatFaults(file, read.faults)]);
  return document;
}
