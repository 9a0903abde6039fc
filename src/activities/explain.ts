import {
  ingressFlow,
  type InspectRequest,
  type RecordLedgerState,
  type RecordPayload,
  type RecordStory,
} from '../contracts.js';
import type { Found } from '../campaign/client.js';
import type { LedgerRecord } from '../ledger/store.js';
import { canonical } from '../mapping/canonical.js';
import { optOutsOf } from '../mapping/opt-out-schema.js';
import type { CompiledMapping, Mapped, ParentRow } from '../mapping/model.js';
import { hasLanded } from './parents.js';
import type { ActivityDependencies } from './dependencies.js';
import { differingFields } from './differing-fields.js';
import { parkedRowView } from './parked-row-view.js';

const DECISIONS = 20;

export function createExplain({ ledger, mappings, dynamics, campaign }: ActivityDependencies) {
  /**
   * Where one record stands, in each table that knows its id: one call to each system for each table looked at. Ids, states, codes,
   * keyed hashes and field names only. Throws MAPPING_MISSING for a table that is not mapped.
   */
  async function explain({ id, table }: InspectRequest & { kind: 'explain' }): Promise<RecordStory[]> {
    const sourceId = id.toLowerCase();
    const { config } = await mappings.config();
    const tables = table === undefined ? config.tables.map(({ dynamics: name }) => name) : [table];
    const stories = await Promise.all(tables.map((each) => storyOf(each, sourceId)));
    const known = stories.filter(isKnown);
    return Promise.all(
      known.map(async (story) =>
        optOutsOf(story.table, config.optOut).length === 0
          ? story
          : { ...story, consent: await consentOf(sourceId) },
      ),
    );
  }

  async function consentOf(id: string): Promise<NonNullable<RecordStory['consent']>> {
    const [agreements, due, decisions] = await Promise.all([
      ledger.agreements([id]),
      ledger.dueContact(id),
      ledger.lastDecisions(id, DECISIONS),
    ]);
    const agreed = [...(agreements.get(id) ?? [])].map(([flag, { optedOut }]) => [flag, optedOut] as const);
    return {
      agreed: Object.fromEntries(agreed),
      ...(due && { due: due.code === undefined ? {} : { code: due.code } }),
      decisions,
    };
  }

  async function storyOf(table: string, id: string): Promise<RecordStory> {
    const { mapping, source, resource } = await mappings.inForce(table);
    const flow = ingressFlow(table);
    const activity = 'statecode' in source.columns ? ['statecode'] : [];
    const [known, parkedRows, mappingVersion, isCalled, rows, found] = await Promise.all([
      ledger.records(flow, [id]),
      ledger.parked({ flow, sourceId: id, limit: 1 }),
      ledger.mappingVersionOf(flow, id),
      ledger.isCalled(flow, id),
      dynamics.readByIds({ table: source, select: [...mapping.select, ...activity], ids: [id] }),
      campaign.find(resource, { keyField: mapping.keyField, key: id, by: mapping.addressBy }),
    ]);
    const record = known.get(id);
    const [parked] = parkedRows;
    const row = rows.find((change) => change.kind === 'row');
    const mapped = row && mapping.toCampaign(row.row);
    return {
      table,
      dynamics: {
        exists: row !== undefined,
        ...(row && { rowVersion: row.version }),
        ...(row && activity.length > 0 && { active: row.row.statecode === 0 }),
      },
      campaign: { resource: mapping.resource, keyField: mapping.keyField, found: numberOf(found) },
      ...(record && { ledger: stateOf(record, mappingVersion, isCalled) }),
      ...(parked && { parked: parkedRowView(parked) }),
      ...(mapped && { payload: payloadOf(mapping, mapped, record, found) }),
      parents: mapped?.kind === 'payload' ? await Promise.all(mapped.parents.map(parentOf)) : [],
    };
  }

  function payloadOf(
    mapping: CompiledMapping,
    mapped: Mapped,
    record: LedgerRecord | undefined,
    found: Found,
  ): RecordPayload {
    switch (mapped.kind) {
      case 'filtered':
        return { kind: 'filtered', ...(mapped.hidden && { hidden: true }) };
      case 'fault':
        return { kind: 'fault', code: mapped.code, field: mapped.field };
      case 'payload': {
        const hash = ledger.fingerprint(canonical(mapped.full));
        const following = ledger.fingerprint(canonical(mapped.following));
        return {
          kind: 'payload',
          hash,
          comparedWithAccepted: compared({ hash, following }, record),
          ...(found.kind === 'found' && {
            differsInCampaign: differingFields(mapping, mapped.full, found.record),
          }),
        };
      }
    }
  }

  async function parentOf({ table, id, field }: ParentRow): Promise<RecordStory['parents'][number]> {
    const record = (await ledger.records(ingressFlow(table), [id])).get(id);
    return {
      table,
      id,
      field,
      state: record?.state ?? 'unknown',
      inCampaign: record !== undefined && hasLanded(record),
    };
  }

  return { explain };
}

const isKnown = ({ dynamics, campaign, ledger }: RecordStory): boolean =>
  dynamics.exists || campaign.found !== 'none' || ledger !== undefined;

function numberOf({ kind }: Found): RecordStory['campaign']['found'] {
  switch (kind) {
    case 'found':
      return 'one';
    case 'absent':
      return 'none';
    case 'several':
      return 'several';
  }
}

function compared(
  { hash, following }: { hash: string; following: string },
  record: LedgerRecord | undefined,
): (RecordPayload & { kind: 'payload' })['comparedWithAccepted'] {
  if (record?.full !== undefined) return record.full === hash ? 'same' : 'differs';
  if (record?.following !== undefined) return record.following === following ? 'following' : 'differs';
  return 'unknown';
}

function stateOf(
  record: LedgerRecord,
  mappingVersion: number | undefined,
  isCalled: boolean,
): RecordLedgerState {
  const { state, managed, doubled, outcome, sourceVersion, full, following, intentAgeMs, leaving } = record;
  const accepted = full ?? following;
  return {
    state,
    managed,
    ...(outcome !== undefined && { outcome }),
    ...(sourceVersion !== undefined && { sourceVersion }),
    ...(mappingVersion !== undefined && { mappingVersion }),
    ...(accepted !== undefined && { accepted }),
    doubled,
    createUnderWay: intentAgeMs !== undefined,
    ...(leaving && { leaving }),
    ...(isCalled && { called: true }),
  };
}
