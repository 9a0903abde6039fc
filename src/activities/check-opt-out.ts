import type { TableMetadata } from '../dynamics/client.js';
import type { ResourceMetadata } from '../campaign/client.js';
import type { Finding } from '../contracts.js';
import type { CallOptions } from '../http/calls.js';
import { columnOf } from '../mapping/fields.js';
import {
  OPT_OUT_RESOURCE as RESOURCE,
  OPT_OUT_TABLE as TABLE,
  type OptOut,
} from '../mapping/opt-out-schema.js';
import type { SyncConfig } from '../mapping/schema.js';
import { checkOptOutSource } from './check-opt-out-source.js';
import { rightFinding } from './check-rights.js';
import type { ActivityDependencies } from './dependencies.js';
import { fault, faultOf, fine, seenOrFault, warning, type About } from './findings.js';

/** Columns whose true means "may be contacted" (dataverse.md §8). */
const INVERSE = new Set(['followemail']);

/** Of both sides, what could be read. */
export interface OptOutSides {
  source?: TableMetadata | undefined;
  resource?: ResourceMetadata | undefined;
}

/** Whether each pair of opt-out flags is there on both sides and may be written where the direction asks for it, and whether the source answers. */
export async function checkOptOut(
  dependencies: ActivityDependencies,
  { tables, optOut }: SyncConfig,
  { source, resource }: OptOutSides,
  options: CallOptions,
): Promise<Finding[]> {
  if (!optOut || optOut.direction === 'disabled') return [];
  const about: About = { area: 'opt-out', subject: `${TABLE} ↔ ${RESOURCE}` };
  if (!tables.some(({ dynamics, campaign }) => dynamics === TABLE && campaign === RESOURCE))
    return [
      fault(
        about,
        'opt-outs travel between contacts and profiles, and the file does not map them',
        'Map contact to profile under tables in sync.yaml.',
      ),
    ];
  if (optOut.flags.length === 0)
    return [warning(about, 'no flags are named', 'Name pairs under optOut.flags in sync.yaml.')];
  const writesDynamics = optOut.direction !== 'dynamics-to-campaign';
  const rights = writesDynamics && source ? writeFindings(dependencies, source, optOut, options) : [];
  const findings = [
    ...(source ? optOut.flags.flatMap((flag) => columnFindings(source, flag)) : []),
    ...(resource ? optOut.flags.flatMap((flag) => fieldFindings(resource, flag, writesDynamics)) : []),
    ...(await rights),
    ...(await checkOptOutSource(dependencies, optOut, resource, options)),
  ];
  if (!source || !resource || findings.some(({ severity }) => severity !== 'ok')) return findings;
  return [...findings, fine(about, `${optOut.flags.length} pairs of flags are there on both sides`)];
}

type Flag = OptOut['flags'][number];

function columnFindings(source: TableMetadata, { dynamics: name, inverse }: Flag): Finding[] {
  const about: About = { area: 'opt-out', subject: `${TABLE}.${name}` };
  const column = columnOf(name, source);
  if (!column)
    return [fault(about, 'Dynamics has no such column', 'Mend its name under optOut.flags in sync.yaml.')];
  if (column.type !== 'Boolean')
    return [fault(about, `it is a ${column.type}`, 'Name a column of yes and no (Boolean).')];
  if (!INVERSE.has(name) || inverse) return [];
  return [warning(about, 'its true means that contact is allowed', 'Say inverse: true under optOut.flags.')];
}

function fieldFindings({ fields }: ResourceMetadata, { campaign: name }: Flag, reads: boolean): Finding[] {
  const about: About = { area: 'opt-out', subject: `${RESOURCE}.${name}` };
  const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
  if (!field) return [faultOf(about, 'FIELD_UNKNOWN')];
  if (field.type !== 'boolean')
    return [fault(about, `it is a ${field.type}`, 'Name a flag of Campaign that is true or false.')];
  if (field.readOnly) return [fault(about, 'it is read-only', 'Name another flag of Campaign.')];
  if (!reads || Object.hasOwn(fields, `${name}LastModified`)) return [];
  return [
    warning(
      about,
      'Campaign does not tell when it changed: Dynamics counts as newer whenever both sides have changed',
      'Nothing, if that is meant; otherwise leave the flag out.',
    ),
  ];
}

/** The one right beyond reading that the service needs of contacts. */
async function writeFindings(
  { dynamics }: ActivityDependencies,
  source: TableMetadata,
  { flags }: OptOut,
  options: CallOptions,
): Promise<Finding[]> {
  const names = flags.map(({ dynamics: name }) => name).filter((name) => columnOf(name, source));
  const [right, details] = await Promise.all([
    rightFinding(dynamics, { table: TABLE, privilege: 'Write', depth: 'organisation' }, options),
    seenOrFault({ area: 'opt-out', subject: TABLE }, () => dynamics.columnDetails(source, names, options)),
  ]);
  const readOnly =
    'fault' in details
      ? [details.fault]
      : names
          .filter((name) => details.value[name]?.updatable === false)
          .map((name) =>
            fault(
              { area: 'opt-out', subject: `${TABLE}.${name}` },
              'Dynamics lets nobody change it',
              'Name another column under optOut.flags.',
            ),
          );
  return [...readOnly, right];
}
