import type { Campaign, ResourceMetadata } from '../campaign/client.js';
import type { Dynamics, TableMetadata } from '../dynamics/client.js';
import { SyncError } from '../errors.js';
import type { Ledger } from '../ledger/store.js';
import { compile } from '../mapping/compile.js';
import type { CompiledMapping } from '../mapping/model.js';
import { optOutsOf } from '../mapping/opt-out-schema.js';
import { readSyncFile } from '../mapping/read.js';
import type { SyncConfig } from '../mapping/schema.js';
import { ingressFlow } from '../contracts.js';

/** A table's mapping in force, compiled, with the metadata of both sides that it was compiled against. */
export interface TableInForce {
  version: number;
  mapping: CompiledMapping;
  source: TableMetadata;
  resource: ResourceMetadata;
}

export interface Mappings {
  /** The published file, parsed. Throws MAPPING_MISSING when none is published. */
  config(): Promise<{ version: number; config: SyncConfig }>;
  /** Throws MAPPING_MISSING when the table is not mapped. `fresh` asks both systems for their metadata again. */
  inForce(table: string, options?: { fresh?: boolean }): Promise<TableInForce>;
}

/** Schemas change seldom; asked for once a day, and whenever a row or a person gives reason to. */
const METADATA_MAX_AGE_MS = 24 * 60 * 60 * 1000;

export interface Metadata {
  source: TableMetadata;
  resource: ResourceMetadata;
}

/**
 * The mappings in force. Metadata is kept in the ledger beside the feed, so that a restart costs neither system a call
 * (DESIGN §12: an idle poll is one call to Dynamics and none to Campaign).
 */
export function createMappings(dependencies: {
  ledger: Ledger;
  dynamics: Dynamics;
  campaign: Campaign;
}): Mappings {
  const { ledger, dynamics, campaign } = dependencies;
  let parsed: { version: number; config: SyncConfig } | undefined;
  const compiled = new Map<string, TableInForce & { text: string }>();

  async function config(): Promise<{ version: number; config: SyncConfig }> {
    const published = await ledger.mappings.inForce();
    if (!published) throw new SyncError('MAPPING_MISSING', { subject: 'nothing is applied yet' });
    if (parsed?.version !== published.version) {
      const read = readSyncFile(published.document);
      if (!read.ok) throw new SyncError('MAPPING_INVALID', { subject: `version ${published.version}` });
      parsed = { version: published.version, config: read.config };
    }
    return parsed;
  }

  async function inForce(table: string, { fresh = false } = {}): Promise<TableInForce> {
    const published = await config();
    const tableMapping = published.config.tables.find((candidate) => candidate.dynamics === table);
    if (!tableMapping) throw new SyncError('MAPPING_MISSING', { subject: table });

    const flow = ingressFlow(table);
    const kept = fresh ? undefined : await ledger.metadata.read(flow);
    const keptMetadata = usable(kept, tableMapping.campaign);
    const earlier = compiled.get(table);
    if (earlier && keptMetadata && earlier.version === published.version && earlier.text === kept?.text)
      return earlier;

    const metadata = keptMetadata ?? (await readMetadata(table, tableMapping.campaign));
    const text = JSON.stringify(metadata);
    if (!keptMetadata) await ledger.metadata.save(flow, text);
    const { source, resource } = metadata;
    const inForceNow = {
      version: published.version,
      mapping: compile(tableMapping, source, resource, optOutsOf(table, published.config.optOut)),
      source,
      resource,
      text: keptMetadata && kept ? kept.text : text,
    };
    compiled.set(table, inForceNow);
    return inForceNow;
  }

  async function readMetadata(table: string, resourceName: string): Promise<Metadata> {
    const [source, resource] = await Promise.all([dynamics.table(table), campaign.resource(resourceName)]);
    return { source, resource };
  }

  return { config, inForce };
}

/** Kept metadata, unless it is old: that of a resource that the mapping no longer names is of no use. */
export function usable(
  kept: { text: string; ageMs: number } | undefined,
  resourceName: string,
): Metadata | undefined {
  if (!kept || kept.ageMs >= METADATA_MAX_AGE_MS) return undefined;
  const metadata = JSON.parse(kept.text) as Metadata;
  return metadata.resource.name === resourceName ? metadata : undefined;
}
