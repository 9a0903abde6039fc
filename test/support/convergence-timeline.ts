import axios from 'axios';
import type { SandboxReady } from '../../src/sandbox/index.js';
import type { Systems } from './systems.js';
import { eventTables, timelineOf } from './timeline.js';

/*
 * What must be on the timelines, told by a person who reads Adobe's journal beside the service: written by hand from campaign.md §6 and
 * not with the product's code.
 */

export type Kind = keyof typeof eventTables;
export const kinds = Object.keys(eventTables) as Kind[];

/** One event as a contact's timeline shows it. */
export interface Shown {
  kind: Kind;
  contactId: string;
  at: string;
  campaign: string;
  delivery: string;
  url?: string;
}

/** Of two events that are the same to a person, both are the same text. */
export const textOf = ({ kind, contactId, at, campaign, delivery, url = '' }: Shown): string =>
  [kind, contactId, at, campaign, delivery, url].join(' ');

const CAMPAIGN = 'https://ns.adobe.com/experience/campaign';
const METRICS: Readonly<Record<string, Kind>> = {
  'xdm:sends': 'sends',
  'xdm:opens': 'opens',
  'xdm:clicks': 'clicks',
  'xdm:nonDeliverables': 'bounces',
};

/** What an entry of the journal holds, as far as Adobe's form says it. */
interface Members {
  event_id: string;
  'xdm:timestamp': string;
  'xdm:directMarketing': Record<string, unknown>;
  [name: string]: unknown;
}

/** Every event of the journal that a timeline is to show, each once, in the order of its first entry; contacts that are gone among them. */
export async function eventsOfJournal(ready: SandboxReady): Promise<Shown[]> {
  const entries = new Map((await readJournal(ready)).map((event) => [event.event_id, event]));
  return [...entries.values()].flatMap((event) => {
    const kind = METRICS[Object.keys(event['xdm:directMarketing'])[0] ?? ''];
    const contactId = event[`${CAMPAIGN}/externalID`];
    const message = event[`${CAMPAIGN}/message`] as Record<string, unknown>;
    const isTest = message['xdm:proofMember'] === true || message['xdm:seedMember'] === true;
    if (!kind || typeof contactId !== 'string' || isTest) return [];
    const named = (part: string, name: string): string =>
      String((event[`${CAMPAIGN}/${part}`] as Record<string, unknown>)[`xdm:${name}`]);
    return [
      {
        kind,
        contactId,
        at: new Date(event['xdm:timestamp']).toISOString().replace('.000Z', 'Z'),
        campaign: named('marketingCampaign', 'campaignName'),
        delivery: named('delivery', 'deliveryName'),
        ...(kind === 'clicks' && { url: named('link', 'url') }),
      },
    ];
  });
}

/** Every entry that the journal still has, those that it holds twice as often. */
export async function readJournal({ ims, journal, credentials }: SandboxReady): Promise<Members[]> {
  const form = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: credentials.adobeClientId,
    client_secret: credentials.adobeClientSecret,
    scope: credentials.adobeScopes,
  });
  const { access_token } = (await axios.post<{ access_token: string }>(ims, form)).data;
  const headers = {
    Authorization: `Bearer ${access_token}`,
    'x-api-key': credentials.adobeClientId,
    'x-ims-org-id': credentials.adobeOrgId,
  };
  const entries: Members[] = [];
  for (let address = journal; ;) {
    const answer = await axios.get<{ events: { event: Members }[] }>(address, { headers });
    if (answer.status === 204) return entries;
    entries.push(...answer.data.events.map(({ event }) => event));
    const next = /<([^>]+)>; rel="next"/.exec(String(answer.headers.link))?.[1] ?? '';
    address = new URL(next, journal).href;
  }
}

/** Every row of the timelines, as a user of Dynamics reads them. */
export async function eventsShown(systems: Systems): Promise<Shown[]> {
  const shown: Shown[] = [];
  for (const kind of kinds) {
    for (const { contactId, occurredOn, campaignName, deliveryName, trackingUrl } of await timelineOf(
      systems,
      kind,
    ))
      shown.push({
        kind,
        contactId,
        at: occurredOn,
        campaign: campaignName,
        delivery: deliveryName,
        ...(trackingUrl !== undefined && { url: trackingUrl }),
      });
  }
  return shown;
}

export interface Terms {
  /** Events that have to be there, as far as their contact is; `true` for all. */
  must: (event: Shown) => boolean;
  /** Events that must not be there. */
  mustNot: (event: Shown) => boolean;
}

/** All that is not as it must be: each event is one row on the timeline of its contact, and there are no others. */
export async function timelineFaults(
  ready: SandboxReady,
  systems: Systems,
  terms: Partial<Terms> = {},
): Promise<string[]> {
  const { must = () => true, mustNot = () => false } = terms;
  const [happened, shown, contacts] = await Promise.all([
    eventsOfJournal(ready),
    eventsShown(systems),
    systems.contacts.ids(),
  ]);
  const known = new Map(happened.map((event) => [textOf(event), event]));
  const there = new Set(contacts);
  const rows = new Map<string, number>();
  for (const event of shown) rows.set(textOf(event), (rows.get(textOf(event)) ?? 0) + 1);
  const faults: string[] = [];
  for (const [text, times] of rows) {
    const event = known.get(text);
    if (!event) faults.push(`nothing like it has happened: ${text}`);
    else if (mustNot(event)) faults.push(`is not wanted: ${text}`);
    if (times > 1) faults.push(`${times} rows: ${text}`);
  }
  for (const [text, event] of known)
    if (must(event) && there.has(event.contactId) && !rows.has(text)) faults.push(`no row: ${text}`);
  return faults;
}
