import type { CallOptions } from '../http/calls.js';
import { ingressFlow } from '../contracts.js';
import { SyncError } from '../errors.js';
import { compile } from '../mapping/compile.js';
import { optOutsOf } from '../mapping/opt-out-schema.js';
import { readSyncFile } from '../mapping/read.js';
import type { SyncConfig, TableMapping } from '../mapping/schema.js';
import type { ActivityDependencies } from './dependencies.js';
import { usable, type Metadata, type TableInForce } from './mappings.js';

/** A table's mapping that need not be in force. */
export type CandidateTable = Omit<TableInForce, 'version'>;

export interface Candidate {
  /** Undefined: the candidate no longer maps the table, which the file in force does. */
  table?: CandidateTable;
  /** What the candidate takes away. */
  notes: string[];
  /** Calls for metadata that a sync would make too. */
  calls: { dynamics: number; campaign: number };
}

/**
 * Compiles a table's mapping of a candidate file, or of the file in force, and publishes and keeps nothing: metadata is that of
 * the ledger, or is asked for when a sync would ask. Throws MAPPING_INVALID, and MAPPING_MISSING for a table that neither file maps.
 */
export async function compileCandidate(
  { ledger, dynamics, campaign }: ActivityDependencies,
  { table, document, options }: { table: string; document?: string; options: CallOptions },
): Promise<Candidate> {
  const inForce = await ledger.mappings.inForce();
  const before = inForce && parsed(inForce.document, `version ${inForce.version}`);
  const after = document === undefined ? before : parsed(document, 'the candidate file');
  const mappedBefore = before?.tables.find(({ dynamics: name }) => name === table);
  const mapped = after?.tables.find(({ dynamics: name }) => name === table);
  if (!mapped && !mappedBefore) throw new SyncError('MAPPING_MISSING', { subject: table });

  const calls = { dynamics: 0, campaign: 0 };
  const counted = (system: keyof typeof calls): CallOptions => ({
    ...options,
    beforeCall: () => void (calls[system] += 1),
  });
  const notes = before && after ? takenAway(before, after, table) : [];
  if (!mapped) return { notes, calls };
  const { source, resource } = usable(await ledger.metadata.read(ingressFlow(table)), mapped.campaign) ?? {
    ...(await asked(mapped)),
  };
  const mapping = compile(mapped, source, resource, optOutsOf(table, after?.optOut));
  return { table: { mapping, source, resource }, notes, calls };

  async function asked({ dynamics: name, campaign: resourceName }: TableMapping): Promise<Metadata> {
    const [readTable, readResource] = await Promise.all([
      dynamics.table(name, counted('dynamics')),
      campaign.resource(resourceName, counted('campaign')),
    ]);
    return { source: readTable, resource: readResource };
  }
}

function parsed(document: string, subject: string): SyncConfig {
  const read = readSyncFile(document);
  if (!read.ok) throw new SyncError('MAPPING_INVALID', { subject });
  return read.config;
}

/** One sentence each. Of other tables only whether they stay: their fields are their own plan's. */
function takenAway(before: SyncConfig, after: SyncConfig, table: string): string[] {
  return before.tables.flatMap((old) => {
    const next = after.tables.find(({ dynamics }) => dynamics === old.dynamics);
    if (!next)
      return [
        `Table ${old.dynamics} is no longer mapped: its records stay in Campaign as they are, its schedules go.`,
      ];
    if (old.dynamics !== table) return [];
    const kept = new Set(targetsOf(next));
    return [
      ...(next.campaign === old.campaign
        ? []
        : [
            `Table ${table} goes to ${next.campaign} instead of ${old.campaign}: what it has in ${old.campaign} stays there as it is.`,
          ]),
      ...targetsOf(old)
        .filter((field) => !kept.has(field))
        .map((field) => `Field ${field} is no longer mapped: Campaign keeps its last value.`),
    ];
  });
}

const targetsOf = ({ key, fields, links }: TableMapping): string[] => [
  key.to,
  ...fields.map(({ to }) => to),
  ...links.map(({ to }) => to),
];
