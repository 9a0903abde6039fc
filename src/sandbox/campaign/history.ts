import { PROFILE } from './base-resources.js';
import { createLogs, type BroadLog } from '../deliveries/logs.js';
import { addressed, type EngineCall } from './engine.js';
import { malformedPath } from './engine-errors.js';
import { formatDatetime } from './field-values.js';
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

/** `history/<PKey>`, its `events` (what was sent to the profile), and `history/byEmail?email=`. */
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
  if (second !== 'events' || further.length > 1) throw malformedPath();
  const sent = sentTo(profiles, record);
  if (further[0] === '_count') return { status: 200, body: { count: sent.length } };
  if (further.length > 0) throw malformedPath();
  const href = `${historyHref(profiles, record)}/events`;
  const content = sent.map((log) => renderEvent(profiles, href, log));
  return {
    status: 200,
    body: { content, count: { href: `${href}/_count` }, serverSidePagination: true },
  };
}

/** Oldest first. */
function sentTo(call: EngineCall, { id }: CampaignRecord): BroadLog[] {
  const { broadLogs } = createLogs(call.context.store);
  return [...broadLogs.values()].filter(
    ({ recipient, failure }) => recipient === id && failure?.type !== 'soft',
  );
}

function renderEvent(call: EngineCall, events: string, log: BroadLog): Record<string, unknown> {
  const PKey = call.resources.pkeys.mint('broadLog', log.id);
  const href = `${events}/${PKey}`;
  return {
    PKey,
    category: 'email',
    date: formatDatetime(log.contactMs),
    label: createLogs(call.context.store).deliveries.get(String(log.delivery))?.label ?? '',
    type: 'outbound',
    href,
    mirrorPage: { href: `${href}/mirrorPage/` },
  };
}

function renderHistory(call: EngineCall, record: CampaignRecord): Record<string, unknown> {
  const href = historyHref(call, record);
  const sent = sentTo(call, record);
  return {
    ...renderRecord(call, record, 'single'),
    countBroadLogEvents: sent.length,
    countSubHistoEvents: call.resources.table('subscription').find('subscriber', record.id).length,
    minBroadLogEvents: sent[0] ? formatDatetime(sent[0].contactMs) : '',
    minSubHistoEvents: '',
    countryIsoA2: '',
    kpisAndChart: { href: `${href}/kpisAndChart` },
    events: { href: `${href}/events/`, metadata: 'subHisto' },
    href,
  };
}

const historyHref = (call: EngineCall, record: CampaignRecord): string =>
  `${call.base}/history/${call.resources.pkeys.mint('profile', record.id, 'collection')}`;
