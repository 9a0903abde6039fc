import type { Client } from '@temporalio/client';
import { stringify } from 'csv-stringify/sync';
import type { ConsentEntryView } from '../contracts.js';
import { inspect } from './inspect.js';
import { WrongUse } from './wrong-use.js';

/** As many as one answer holds. */
const PAGE = 500;
const GUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export const consentFormats = ['jsonl', 'csv'] as const;
export type ConsentFormat = (typeof consentFormats)[number];

/** The decisions on opt-outs with their evidence, in their order, of one contact or of all. Throws WrongUse for what is no id. */
export async function* consentLog(client: Client, id?: string): AsyncGenerator<ConsentEntryView[]> {
  if (id !== undefined && !GUID.test(id))
    throw new WrongUse([`${JSON.stringify(id)} is no id of Dynamics: it takes a GUID`]);
  for (let after = 0; ;) {
    const contactId = id?.toLowerCase();
    const request = { kind: 'consent', after, limit: PAGE, ...(contactId && { contactId }) } as const;
    const { entries } = await inspect(client, request);
    if (entries.length > 0) yield entries;
    if (entries.length < PAGE) return;
    after = entries.at(-1)?.number ?? after;
  }
}

/** A page of the log as lines; of CSV with the header line if it is the first. */
export function consentLines(entries: ConsentEntryView[], format: ConsentFormat, isFirst: boolean): string {
  if (format === 'jsonl') return entries.map((entry) => `${JSON.stringify(entry)}\n`).join('');
  return stringify(entries, {
    header: isFirst,
    columns: [...columns],
    cast: { boolean: (value) => String(value) },
  });
}

/** Every member of an entry. */
export const columns = [
  'number',
  'at',
  'contactId',
  'flag',
  'dynamics',
  'dynamicsAt',
  'campaign',
  'campaignAt',
  'agreedBefore',
  'agreedAfter',
  'rule',
  'winner',
  'because',
  'result',
  'runId',
] as const satisfies (keyof ConsentEntryView)[];
