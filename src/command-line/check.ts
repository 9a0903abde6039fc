import type { Client } from '@temporalio/client';
import type { Finding } from '../contracts.js';
import { validDocument } from './apply.js';
import { inspect } from './inspect.js';

export interface Checked {
  /** No finding is an error. */
  ok: boolean;
  /** Errors first, then warnings, then what is well. */
  findings: Finding[];
}

const severities: Finding['severity'][] = ['error', 'warning', 'ok'];

/**
 * Holds a mapping file, the one in force when none is named, against both live systems and the accounts' rights. Nothing is published
 * or written. An invalid file throws WrongUse with every fault, as apply does.
 */
export async function check(client: Client, { config }: { config?: string }): Promise<Checked> {
  const document = config === undefined ? undefined : validDocument(config);
  const { findings } = await inspect(client, { kind: 'check', ...(document !== undefined && { document }) });
  return {
    ok: findings.every(({ severity }) => severity !== 'error'),
    findings: severities.flatMap((severity) => findings.filter((finding) => finding.severity === severity)),
  };
}
