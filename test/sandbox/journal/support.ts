import { list, text, type Answer, type Caller, type Json } from '../core/support.js';

/** A page of the journal; `address` is the journal's own, with a query, or a link that an answer gave. */
export function readJournal(
  caller: Caller,
  address: string = '',
  headers: Record<string, string> = {},
): Promise<Answer> {
  const { journal, credentials } = caller.ready;
  const url = address.startsWith('/') ? new URL(address, journal).href : `${journal}${address}`;
  return caller.campaign('GET', url, undefined, { 'x-ims-org-id': credentials.adobeOrgId, ...headers });
}

/** The address of a `Link` header's relation. */
export const linkOf = (answer: Answer, relation: string): string =>
  new RegExp(`<([^>]+)>; rel="${relation}"`).exec(answer.headers.get('link') ?? '')?.[1] ?? '';

export const entriesOf = (answer: Answer): Json[] => list(answer.json['events']);
export const eventsOf = (answer: Answer): Json[] =>
  entriesOf(answer).flatMap(({ event }) => (event === undefined ? [] : [event]));

/** All entries from an address on, to the end. */
export async function readAll(caller: Caller, address = ''): Promise<Json[]> {
  const entries: Json[] = [];
  for (let next = address; ;) {
    const answer = await readJournal(caller, next);
    if (answer.status === 204) return entries;
    if (answer.status !== 200) throw new Error(`${answer.status} ${answer.text}`);
    entries.push(...entriesOf(answer));
    next = linkOf(answer, 'next');
  }
}

const CAMPAIGN = 'https://ns.adobe.com/experience/campaign';

/** What a reader makes of an event in the XDM form. */
export const eventOf = (event: Json) => ({
  id: text(event['event_id']),
  metrics: Object.keys(event['xdm:directMarketing'] ?? {}),
  atMs: Date.parse(text(event['xdm:timestamp'])),
  log: Number(event[`${CAMPAIGN}/message`]?.['xdm:id']),
  message: event[`${CAMPAIGN}/message`],
  externalId: event[`${CAMPAIGN}/externalID`],
  delivery: event[`${CAMPAIGN}/delivery`],
  campaign: event[`${CAMPAIGN}/marketingCampaign`],
  link: event[`${CAMPAIGN}/link`],
  mutation: event[`${CAMPAIGN}/mutation`],
  source: text(event[`${CAMPAIGN}/eventSource`]),
});

/** Profiles that have an email, with external ids from `p1`. */
export async function addProfiles(caller: Caller, amount: number): Promise<void> {
  const made = Array.from({ length: amount }, (_, place) =>
    caller.campaign('POST', '/profileAndServicesExt/profile', {
      externalId: `p${place + 1}`,
      email: `p${place + 1}@shop.example`,
    }),
  );
  for (const { status, text: reason } of await Promise.all(made)) if (status !== 201) throw new Error(reason);
}
