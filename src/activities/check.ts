import { Context } from '@temporalio/activity';
import type { Finding, InspectRequest } from '../contracts.js';
import { SyncError } from '../errors.js';
import type { CallOptions } from '../http/calls.js';
import { readSyncFile } from '../mapping/read.js';
import type { SyncConfig, TableMapping } from '../mapping/schema.js';
import { checkEvents } from './check-events.js';
import { checkOptOut } from './check-opt-out.js';
import { checkPairs } from './check-pairs.js';
import { checkResource, type CheckedResource } from './check-resource.js';
import { budgetFindings, checkCampaign, checkDynamics, type CheckedSystem } from './check-systems.js';
import { checkTable, type CheckedTable } from './check-table.js';
import type { ActivityDependencies } from './dependencies.js';
import { fine, listed, warning } from './findings.js';
import { whileBeating } from './heartbeat.js';

/** Both halves of one table's mapping; a half whose system is out of reach is not looked at. */
interface CheckedMapping {
  mapping: TableMapping;
  table?: CheckedTable;
  resource?: CheckedResource;
  findings: Finding[];
}

export function createCheck(dependencies: ActivityDependencies) {
  const { mappings } = dependencies;

  /**
   * Holds a mapping file, the one in force when none is given, against both systems and the accounts' rights: all findings at once,
   * good ones too. Writes nothing, neither to the systems nor to the mapping. Throws MAPPING_MISSING and MAPPING_INVALID.
   */
  async function check({ document }: InspectRequest & { kind: 'check' }): Promise<Finding[]> {
    const options: CallOptions = { signal: Context.current().cancellationSignal };
    return whileBeating(async () => {
      const { config, subject } = document === undefined ? await inForce() : candidate(document);
      const [dynamics, campaign] = await Promise.all([
        checkDynamics(dependencies, config, options),
        checkCampaign(dependencies, options),
      ]);
      const tables = await Promise.all(
        config.tables.map((mapping) => checkMapping(mapping, { dynamics, campaign }, options)),
      );
      const contact = tables.find(({ mapping }) => mapping.dynamics === 'contact');
      const sides = { source: contact?.table?.source, resource: contact?.resource?.resource };
      const optOut = await checkOptOut(dependencies, config, sides, options);
      return [
        mappingFinding(config, subject),
        ...dynamics.findings,
        ...campaign.findings,
        ...tables.flatMap(({ findings }) => findings),
        ...optOut,
        ...(await checkEvents(dependencies, config.events, options)),
        ...(await budgetFindings(dependencies)),
      ];
    });
  }

  async function inForce(): Promise<{ config: SyncConfig; subject: string }> {
    const { version, config } = await mappings.config();
    return { config, subject: `version ${version}` };
  }

  async function checkMapping(
    mapping: TableMapping,
    { dynamics, campaign }: { dynamics: CheckedSystem; campaign: CheckedSystem },
    options: CallOptions,
  ): Promise<CheckedMapping> {
    const [table, resource] = await Promise.all([
      dynamics.isOpen ? checkTable(dependencies, mapping, options) : undefined,
      campaign.isOpen ? checkResource(dependencies, mapping, options) : undefined,
    ]);
    return {
      mapping,
      ...(table && { table }),
      ...(resource && { resource }),
      findings: [
        ...(table?.findings ?? []),
        ...(resource?.findings ?? []),
        ...comparison(mapping, table, resource),
      ],
    };
  }

  return { check };
}

function candidate(document: string): { config: SyncConfig; subject: string } {
  const read = readSyncFile(document);
  if (!read.ok) throw new SyncError('MAPPING_INVALID', { subject: `${read.faults.length} faults` });
  return { config: read.config, subject: 'the given file' };
}

function comparison(
  mapping: TableMapping,
  table: CheckedTable | undefined,
  resource: CheckedResource | undefined,
): Finding[] {
  if (table?.source && resource?.resource)
    return checkPairs(mapping, table.source, resource.resource, table.details);
  const skipped = [
    ...(table?.source ? [] : [`table ${mapping.dynamics}`]),
    ...(resource?.resource ? [] : [`resource ${mapping.campaign}`]),
  ];
  return [
    warning(
      { area: 'fields', subject: `${mapping.dynamics} → ${mapping.campaign}` },
      `not compared: ${listed(skipped)} could not be read`,
      'Mend that first, then check again.',
    ),
  ];
}

/** With the order in which first loads go. */
function mappingFinding({ tables }: SyncConfig, subject: string): Finding {
  const names = inOrder(tables);
  return fine(
    { area: 'mapping', subject },
    `${names.length === 1 ? 'table' : 'tables, parents first:'} ${listed(names)}`,
  );
}

/** Parents before children; the file has no circles. */
function inOrder(tables: TableMapping[]): string[] {
  const done = new Set<string>();
  while (done.size < tables.length) {
    const before = done.size;
    for (const { dynamics, links } of tables)
      if (links.every((link) => !('table' in link) || done.has(link.table))) done.add(dynamics);
    if (done.size === before) break;
  }
  return [...done];
}
