import type { Campaign, Found, ResourceMetadata } from '../campaign/client.js';
import type { CallOptions } from '../http/calls.js';
import type { CompiledMapping, Payload } from '../mapping/model.js';
import type { Decision } from './decide.js';
import { differingFields } from './differing-fields.js';
import type { Predicted } from './plan-tally.js';
import { MOST_KEPT } from './pkeys.js';
import { holdsAlready } from './write-decisions.js';

interface Forecast {
  campaign: Campaign;
  resource: ResourceMetadata;
  mapping: CompiledMapping;
  options: CallOptions;
  /** So often at most Campaign is asked for a record. */
  limit: number;
}
type Write = Exclude<Decision, { kind: 'settled' }>;
type RowWrite = Write & { kind: 'create' | 'update' };

/**
 * What Campaign would make of a decision, and how many calls it would take (P3): one for each write, one more to find the record where
 * a filter addresses it, one for each PKey that the run has not asked for yet. Campaign is asked for what a record holds that an
 * update would change, or that a create with an unknown answer may have made, up to `limit` times. What it would refuse is not foreseen.
 */
export function createForecast({ campaign, resource, mapping, options, limit }: Forecast) {
  const toFind = mapping.addressBy.kind === 'filter' ? 1 : 0;
  const pkeysAsked = new Set<string>();
  let lookedAt = 0;

  async function forecast(decision: Decision): Promise<Predicted> {
    switch (decision.kind) {
      case 'settled':
        return { outcome: decision.outcome, campaignCalls: 0 };
      case 'delete':
        return predicted(decision, 'deleted', 1 + toFind);
      case 'create':
        return decision.intentAgeMs === undefined
          ? predicted(decision, 'created', pkeyCalls(decision.insert) + 1)
          : lookedUp(decision);
      case 'update':
        return decision.intentAgeMs === undefined ? updated(decision) : lookedUp(decision);
    }
  }

  async function updated(write: RowWrite): Promise<Predicted> {
    const calls = pkeyCalls(write.payload) + toFind + 1;
    if (lookedAt >= limit) return predicted(write, 'updated', calls);
    lookedAt += 1;
    const found = await find(write);
    switch (found.kind) {
      case 'several':
        return doubled(write, calls - 1);
      case 'absent':
        return predicted(write, 'created', calls + pkeyCalls(write.insert) + 1 - toFind);
      case 'found':
        return {
          ...predicted(write, 'updated', calls),
          differing: differingFields(mapping, write.payload, found.record),
        };
    }
  }

  /** A create that was never answered may have been done: a sync asks Campaign first. */
  async function lookedUp(write: RowWrite): Promise<Predicted> {
    if (lookedAt >= limit) return predicted(write, 'created', 1 + pkeyCalls(write.insert) + 1);
    lookedAt += 1;
    const found = await find(write);
    switch (found.kind) {
      case 'several':
        return doubled(write, 1);
      case 'absent':
        return predicted(write, 'created', 1 + pkeyCalls(write.insert) + 1);
      case 'found': {
        const outcome = write.kind === 'create' ? 'created' : 'updated';
        const calls = holdsAlready(mapping, found.record, write) ? 1 : 2 + pkeyCalls(write.payload) + toFind;
        return {
          ...predicted(write, outcome, calls),
          differing: differingFields(mapping, write.payload, found.record),
        };
      }
    }
  }

  const find = ({ key }: RowWrite): Promise<Found> =>
    campaign.find(resource, { keyField: mapping.keyField, key, by: mapping.addressBy }, options);

  const doubled = ({ sourceId }: Write, campaignCalls: number): Predicted => ({
    outcome: {
      sourceId,
      outcome: 'parked',
      fault: { code: 'DUPLICATE_IN_CAMPAIGN', field: mapping.keyField },
    },
    campaignCalls,
  });

  /** A run asks for each PKey once, and keeps as many as pkeys.ts does. */
  function pkeyCalls(payload: Payload): number {
    let calls = 0;
    for (const { field, to } of mapping.pkeyLinks) {
      const key = payload[field];
      if (typeof key !== 'string') continue;
      const name = `${to.kind === 'parent' ? to.table : to.resource} ${key}`;
      if (pkeysAsked.has(name)) continue;
      calls += 1;
      pkeysAsked.add(name);
      const [oldest] = pkeysAsked;
      if (pkeysAsked.size > MOST_KEPT && oldest !== undefined) pkeysAsked.delete(oldest);
    }
    return calls;
  }

  return forecast;
}

const predicted = (
  { sourceId }: Write,
  outcome: 'created' | 'updated' | 'deleted',
  campaignCalls: number,
): Predicted => ({ outcome: { sourceId, outcome }, campaignCalls });
