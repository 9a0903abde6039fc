import axios from 'axios';
import type { SandboxReady } from '../../src/sandbox/index.js';
import { exampleDocument } from './mapping-document.js';
import type { Systems } from './systems.js';

/** The example's tables, and every kind of event from this source. */
export const eventsDocument = (
  source: 'journal' | 'files',
  more = '',
): string => `${exampleDocument.trimEnd()}
events:
  sends: true
  opens: true
  clicks: true
  bounces: true
  source: ${source}
  every: 300d
${more}`;

export interface Delivered {
  delivery: string;
  campaign: string;
  sends: number;
  opens: number;
  clicks: number;
  bounces: number;
  /** Log files that were exported: sends, what became of them later, tracking. */
  files: string[];
}

/** Of a delivery, the events that the timeline is to show. */
export const kindsOf = ({
  sends,
  opens,
  clicks,
  bounces,
}: Delivered): Record<keyof typeof eventTables, number> => ({
  sends,
  opens,
  clicks,
  bounces,
});

/** What a marketer does in Campaign: sends a delivery, whose events appear in the journal and in the log files. */
export async function deliver(ready: SandboxReady, shares: object): Promise<Delivered> {
  const { data } = await axios.post<Delivered>(new URL('/_sandbox/deliveries', ready.campaign).href, shares);
  return data;
}

/** Puts entries of any kind into the journal. */
export async function putInJournal(
  ready: SandboxReady,
  entries: { events?: unknown[]; raw?: string },
): Promise<void> {
  await axios.post(new URL('/_sandbox/journal', ready.campaign).href, entries);
}

export const eventTables = {
  sends: 'dcs_emailsend',
  opens: 'dcs_emailopen',
  clicks: 'dcs_emailclick',
  bounces: 'dcs_emailbounce',
} as const;

export interface TimelineEntry {
  id: string;
  contactId: string;
  subject: string;
  occurredOn: string;
  campaignName: string;
  deliveryName: string;
  trackingUrl?: string;
}

/** The timeline rows of one kind, as a user of Dynamics reads them. */
export async function timelineOf(
  { rows }: Systems,
  kind: keyof typeof eventTables,
): Promise<TimelineEntry[]> {
  const select = [
    'activityid',
    '_regardingobjectid_value',
    'subject',
    'dcs_occurredon',
    'dcs_campaignname',
    'dcs_deliveryname',
  ];
  const found = await rows.all(
    `${eventTables[kind]}s`,
    kind === 'clicks' ? [...select, 'dcs_trackingurl'] : select,
  );
  return found.map((row) => ({
    id: String(row.activityid),
    contactId: String(row._regardingobjectid_value),
    subject: String(row.subject),
    occurredOn: String(row.dcs_occurredon),
    campaignName: String(row.dcs_campaignname),
    deliveryName: String(row.dcs_deliveryname),
    ...(typeof row.dcs_trackingurl === 'string' && { trackingUrl: row.dcs_trackingurl }),
  }));
}

/** How many rows each table holds. */
export async function timelineCounts(systems: Systems): Promise<Record<keyof typeof eventTables, number>> {
  const of = async (kind: keyof typeof eventTables) => (await timelineOf(systems, kind)).length;
  return {
    sends: await of('sends'),
    opens: await of('opens'),
    clicks: await of('clicks'),
    bounces: await of('bounces'),
  };
}

/** What is left of the faults that were armed. */
export async function armedFaults(ready: SandboxReady): Promise<object[]> {
  return (await axios.get<object[]>(new URL('/_sandbox/faults', ready.campaign).href)).data;
}
