export type EventKind = 'send' | 'open' | 'click' | 'bounce';

/** Logical names of an activity table and its columns; a column that is not named is not written. */
export interface EventTableNames {
  table: string;
  campaignName?: string | undefined;
  deliveryName?: string | undefined;
  occurredOn?: string | undefined;
  mirrorPageUrl?: string | undefined;
  trackingUrl?: string | undefined;
}

const columns = {
  campaignName: 'dcs_campaignname',
  deliveryName: 'dcs_deliveryname',
  occurredOn: 'dcs_occurredon',
  mirrorPageUrl: 'dcs_mirrorpageurl',
} as const;

/** The tables that `provision` makes. */
export const ourEventTables: Record<EventKind, EventTableNames> = {
  send: { table: 'dcs_emailsend', ...columns },
  open: { table: 'dcs_emailopen', ...columns },
  click: { table: 'dcs_emailclick', ...columns, trackingUrl: 'dcs_trackingurl' },
  bounce: { table: 'dcs_emailbounce', ...columns },
};

/** The tables that events go to, as Dynamics describes them. */
export interface EventTables {
  kinds: Partial<Record<EventKind | 'task', unknown>>;
}
