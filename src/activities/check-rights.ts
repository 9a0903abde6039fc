import type { Dynamics } from '../dynamics/client.js';
import type { Finding } from '../contracts.js';
import type { CallOptions } from '../http/calls.js';
import { fault, fine, seenOrFault, warning, type About } from './findings.js';

interface NeededRight {
  table: string;
  privilege: 'Create' | 'Write';
  /** `organisation`: for every row there is; otherwise for some is enough. */
  depth: 'any' | 'organisation';
}

const DOINGS = { Create: 'rows may be created', Write: 'it may be written' } as const;

/** Whether the account has a right beyond reading. An organisation that does not tell is a warning, not an error. */
export async function rightFinding(
  dynamics: Dynamics,
  { table, privilege: needed, depth: neededDepth }: NeededRight,
  options: CallOptions,
): Promise<Finding> {
  const doing = needed.toLowerCase();
  const about: About = { area: 'rights', subject: `${table} (${doing})` };
  const isGlobal = neededDepth === 'organisation';
  const next = `Give the application user's role ${isGlobal ? 'organisation-level (Global) ' : ''}${doing} on ${table}.`;
  const right = await seenOrFault(about, () => dynamics.right(table, needed, options));
  if ('fault' in right)
    return warning(about, `whether ${DOINGS[needed]} cannot be told: ${right.fault.found}`, next);
  if (!right.value) return fine(about, 'Dynamics has no such privilege: nothing is needed');
  const { privilege, depth } = right.value;
  if (depth === undefined)
    return fault(about, `the application user lacks ${privilege}`, next, 'DYNAMICS_PRIVILEGE_MISSING');
  if (!isGlobal || depth === 'Global') return fine(about, `the application user has ${privilege} (${depth})`);
  return warning(
    about,
    `the application user has ${privilege} for some rows only (${depth})`,
    next,
    'DYNAMICS_PRIVILEGE_MISSING',
  );
}
