/** Entries of the event journal in the form of campaign.md §6. All values are invented. */

export const CONTACT = '0d9e6c1e-0000-4000-8000-00000000a001';
const CAMPAIGN = 'https://ns.adobe.com/experience/campaign/';

export interface EntryParts {
  metrics?: Record<string, number>;
  logId?: unknown;
  eventId?: unknown;
  at?: unknown;
  message?: Record<string, unknown>;
  link?: Record<string, unknown>;
  more?: Record<string, unknown>;
}

export const eventOf = ({
  metrics = { sends: 1 },
  logId = 8003,
  eventId = '6a1d',
  at = '2024-05-02T08:45:10+00:00',
  message = {},
  link = { 'xdm:id': '9', 'xdm:url': 'https://shop.example/a', 'xdm:label': 'Shop' },
  more = {},
}: EntryParts = {}): Record<string, unknown> => ({
  event_id: eventId,
  eventid: eventId,
  recipientclientid: 'client',
  'xdm:timestamp': at,
  'xdm:channel': { '@id': 'https://ns.adobe.com/xdm/channels/email' },
  'xdm:directMarketing': Object.fromEntries(
    Object.entries(metrics).map(([name, value]) => [`xdm:${name}`, { 'xdm:value': value }]),
  ),
  'xdm:identityMap': { CPGN: [{ 'xdm:id': '5512', 'xdm:primary': true }] },
  [`${CAMPAIGN}message`]: {
    'xdm:id': logId,
    'xdm:variant': 'default',
    'xdm:quarantine': false,
    'xdm:proofMember': false,
    'xdm:seedMember': false,
    ...message,
  },
  [`${CAMPAIGN}externalID`]: CONTACT,
  [`${CAMPAIGN}delivery`]: { 'xdm:id': 1001, 'xdm:deliveryName': 'DM190', 'xdm:deliveryLabel': 'Spring' },
  [`${CAMPAIGN}marketingCampaign`]: { 'xdm:id': 100, 'xdm:campaignName': 'CMP12' },
  [`${CAMPAIGN}link`]: link,
  [`${CAMPAIGN}eventSource`]: 'pipelined-mta',
  ...more,
});
