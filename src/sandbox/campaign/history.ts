import { PROFILE } from './base-resources.js';
import { addressed, type EngineCall } from './engine.js';
import { malformedPath } from './engine-errors.js';
import { listRecords } from './lists.js';
import { renderRecord } from './render.js';
import type { ResourceDefinition } from './definitions.js';
import type { CampaignRecord } from './record-table.js';
import type { EngineAnswer } from './writes.js';

/** The marketing history of profiles: the same rows under another name (campaign.md §5). Absent in v8. */
export const HISTORY: ResourceDefinition = {
  ...PROFILE,
  name: 'history',
  label: 'Marketing history',
  endpoints: ['profileAndServices', 'profileAndServicesExt'],
};

/** `history/<PKey>`, its `events`, and `history/byEmail?email=`. Nothing has been sent, so events are empty. */
export function historyOf(call: EngineCall, rest: string[]): EngineAnswer {
  const profiles: EngineCall = { ...call, definition: PROFILE };
  const [first = '', second, ...further] = rest;
  const filter = call.resources.filters('profile').find((each) => each.name === first);
  if (filter && second === undefined) {
    const list = listRecords(profiles, { filters: [filter], address: `${call.base}/history/${first}` });
    return { status: 200, body: list };
  }
  const { record } = addressed(profiles, first);
  if (second === undefined) return { status: 200, body: renderHistory(profiles, record) };
  if (second !== 'events' || further.length > 0) throw malformedPath();
  const href = `${historyHref(profiles, record)}/events/_count`;
  return { status: 200, body: { content: [], count: { href }, serverSidePagination: true } };
}

function renderHistory(call: EngineCall, record: CampaignRecord): Record<string, unknown> {
  const href = historyHref(call, record);
  return {
    ...renderRecord(call, record, 'single'),
    countBroadLogEvents: 0,
    countSubHistoEvents: call.resources.table('subscription').find('subscriber', record.id).length,
    minBroadLogEvents: '',
    minSubHistoEvents: '',
    countryIsoA2: '',
    kpisAndChart: { href: `${href}/kpisAndChart` },
    events: { href: `${href}/events/`, metadata: 'subHisto' },
    href,
  };
}

const historyHref = (call: EngineCall, record: CampaignRecord): string =>
  `${call.base}/history/${call.resources.pkeys.mint('profile', record.id, 'collection')}`;
