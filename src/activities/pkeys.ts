import type { Campaign, Found, ResourceMetadata } from '../campaign/client.js';
import type { CallOptions } from '../http/calls.js';
import { SyncError } from '../errors.js';
import type { Payload, PKeyLink } from '../mapping/model.js';
import type { Mappings } from './mappings.js';
import { waitsForOf } from './leads.js';

/** A payload as Campaign takes it, or why the record it links to cannot be named. */
export type Bound =
  | { kind: 'bound'; payload: object }
  | {
      kind: 'fault';
      code: 'PARENT_MISSING' | 'DUPLICATE_IN_CAMPAIGN';
      field: string;
      waitsFor?: string;
    };

export interface PKeys {
  /** Exchanges the keys that stand in a payload's PKey links for PKeys, and forgets those of earlier runs. */
  bind(runId: string, links: PKeyLink[], payload: Payload, options: CallOptions): Promise<Bound>;
}

/** So many are kept at once; PKeys are up to 150 characters long. */
export const MOST_KEPT = 50_000;

/**
 * PKeys of the records that links lead to, asked for once a run (P3) and kept in memory only: they must not be stored
 * (campaign.md §2), and one that is kept longer may be of another record.
 */
export function createPKeys({ campaign, mappings }: { campaign: Campaign; mappings: Mappings }): PKeys {
  const kept = new Map<string, Promise<Found>>();
  let keptFor = '';

  async function bind(
    runId: string,
    links: PKeyLink[],
    payload: Payload,
    options: CallOptions,
  ): Promise<Bound> {
    if (runId !== keptFor) kept.clear();
    keptFor = runId;
    const bound: Record<string, unknown> = { ...payload };
    for (const link of links) {
      const key = payload[link.field];
      if (typeof key !== 'string') continue;
      const found = await target(link, key, options);
      if (found.kind === 'several')
        return { kind: 'fault', code: 'DUPLICATE_IN_CAMPAIGN', field: link.field };
      if (found.kind === 'absent') return absent(link, key);
      bound[link.field] = { PKey: found.record.PKey };
    }
    return { kind: 'bound', payload: bound };
  }

  function target(link: PKeyLink, key: string, options: CallOptions): Promise<Found> {
    const name = `${link.to.kind === 'parent' ? link.to.table : link.to.resource} ${key}`;
    const known = kept.get(name);
    if (known) return known;
    const asked = find(link, key, options);
    kept.set(name, asked);
    const oldest = kept.size > MOST_KEPT ? kept.keys().next().value : undefined;
    if (oldest !== undefined) kept.delete(oldest);
    // What is not there may be there at the next question.
    asked.then(
      (found) => {
        if (found.kind !== 'found') kept.delete(name);
      },
      () => kept.delete(name),
    );
    return asked;
  }

  async function find({ to }: PKeyLink, key: string, options: CallOptions): Promise<Found> {
    if (to.kind === 'parent') {
      const { resource, mapping } = await mappings.inForce(to.table);
      return campaign.find(resource, { keyField: mapping.keyField, key, by: mapping.addressBy }, options);
    }
    const { keyField, addressBy } = to;
    const resource = await resourceOf(to.resource, options);
    return campaign.find(resource, { keyField, key, by: addressBy }, options);
  }

  const resources = new Map<string, Promise<ResourceMetadata>>();
  function resourceOf(name: string, options: CallOptions): Promise<ResourceMetadata> {
    const known = resources.get(name) ?? campaign.resource(name, options);
    resources.set(name, known);
    known.catch(() => resources.delete(name));
    return known;
  }

  return { bind };
}

/** A parent that is gone from Campaign comes back with its next row; a record that the file names, only a person can make. */
function absent({ field, to }: PKeyLink, key: string): Bound {
  if (to.kind === 'parent') {
    return {
      kind: 'fault',
      code: 'PARENT_MISSING',
      field,
      waitsFor: waitsForOf({ table: to.table, id: key }),
    };
  }
  throw new SyncError('CAMPAIGN_LINK_TARGET_MISSING', { system: 'campaign', subject: to.resource, field });
}
