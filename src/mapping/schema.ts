import { z } from 'zod';
import { events } from './events-schema.js';
import { campaignName, campaignPath, duration, durationMs, logicalName } from './names-schema.js';
import { optOut } from './opt-out-schema.js';

/**
 * The schema of sync.yaml (DESIGN §6). Unknown keys are faults. `docs/reference/sync-schema.json` is made from it, so
 * every member says here what it is for. Messages complete the sentence "must be …".
 */

const share = z
  .string()
  .regex(/^(100(\.0+)?|\d{1,2}(\.\d+)?)%$/, 'a share such as 10%')
  .transform((text) => Number(text.slice(0, -1)) / 100);
const addressBy = z
  .string()
  .regex(/^(url|filter:[A-Za-z_]\w{0,63})$/, 'url, or filter: and the name of a filter');

/** Read as a number, a longer one would be another number; as text it is compared exactly. */
const exactNumber = z.number().refine((value) => !Number.isInteger(value) || Number.isSafeInteger(value), {
  error: 'in quotes: a number of more than 15 digits is not exact',
});
const SCALAR = 'a text, a number, true or false';
const scalar = z.union([z.string(), exactNumber, z.boolean()], { error: SCALAR });

const columnField = z
  .strictObject({
    from: logicalName.describe('Column of the Dynamics table, by its logical name.'),
    to: campaignPath.describe('Field of the Campaign resource; a nested one with dots: location.city.'),
    choice: z
      .enum(['technical', 'label'])
      .default('technical')
      .describe('What a choice column sends: its number (technical) or its label.'),
    applyUpdates: z
      .boolean()
      .default(true)
      .describe('false: travels on the first load and on a resync only, not when the row changes.'),
  })
  .describe('A column and the field it fills.');
const constantField = z
  .strictObject({
    value: scalar.describe('A constant, sent with every record.'),
    to: campaignPath.describe('Field of the Campaign resource that takes it.'),
    applyUpdates: z
      .boolean()
      .default(true)
      .describe('false: travels on the first load and on a resync only.'),
  })
  .describe('A field with the same value in every record.');

const parentLink = z
  .strictObject({
    from: logicalName.describe('Lookup column of the Dynamics table.'),
    to: campaignPath.describe("by key: the field that holds the parent's key; by pkey: the link itself."),
    table: logicalName.describe('The Dynamics table looked up; it must be mapped in this file.'),
    by: z
      .enum(['key', 'pkey'])
      .default('key')
      .describe("How the parent is named: by its Dynamics id (key), or by Campaign's own key (pkey)."),
    required: z
      .boolean()
      .default(false)
      .describe(
        'true where Campaign hides a record without a parent (cardinality 1): a row without one is not sent, and its record is deleted.',
      ),
  })
  .describe("A row's parent in another mapped table.");
const constantLink = z
  .strictObject({
    value: z
      .union([z.string().min(1), exactNumber], { error: 'a text or a number' })
      .describe("Key of the record that is linked to, such as a unit's name."),
    to: campaignName.describe('The link, a field of the Campaign resource: orgUnit.'),
    resource: campaignName.describe('The Campaign resource the link leads to: orgUnitBase.'),
    keyField: campaignName.describe('The field of that resource that holds the key.'),
    addressBy: z
      .string()
      .regex(/^(list|url|filter:[A-Za-z_]\w{0,63})$/, 'list, url, or filter: and the name of a filter')
      .default('list')
      .describe(
        "How the record is found by its key: in the resource's list (list), in the address (url), or filter:<name>.",
      ),
  })
  .describe('A link of every record to the same record of Campaign, such as its organisational unit.');

const replacement = z
  .strictObject({
    field: logicalName.describe('A column that is mapped under fields.'),
    from: scalar.describe(
      'Value in Dynamics, a choice by its number or, with `choice: label`, by its label; "" for no value.',
    ),
    to: scalar.describe('What is sent in its place.'),
  })
  .describe('A value and what is sent in its place.');

/** How a filter compares. */
export const comparisons = [
  'equal',
  'not equal',
  'contains',
  'begins',
  'ends',
  'in',
  'not in',
  'null',
  'not null',
  'greater',
  'greater or equal',
  'less',
  'less or equal',
  'between',
  'on',
  'before',
  'after',
  'on or before',
  'on or after',
] as const;
export type Comparison = (typeof comparisons)[number];

const condition = z
  .strictObject({
    field: logicalName.describe('Column of the Dynamics table; it need not be mapped.'),
    is: z.enum(comparisons).describe('The comparison; texts compare without regard to case.'),
    value: z
      .union([scalar, z.array(scalar).min(1).max(1000)], { error: `${SCALAR}, or a list of these` })
      .optional()
      .describe('What is compared with: a list for in and not in, two values for between, none for null.'),
  })
  .describe('One comparison of a column with a value.');

const filters = z
  .strictObject({
    match: z.enum(['all', 'any']).default('all').describe('Whether all conditions must hold, or any.'),
    where: z.array(condition).min(1).describe('The conditions.'),
    deleteFilteredOut: z
      .boolean()
      .default(false)
      .describe('true: the Campaign record of a row that leaves the filter is deleted.'),
  })
  .describe('Which rows are synchronised; without it, all.');

const deletionBrake = z
  .strictObject({
    share: share
      .default(0.1)
      .describe('Deletions within 24 hours beyond this share of what is managed are held for approval.'),
    atLeast: z.int().min(0).default(50).describe('Up to so many deletions are never held.'),
  })
  .describe('When deletions wait for a person.');

const table = z
  .strictObject({
    dynamics: logicalName.describe('Logical name of the Dynamics table.'),
    campaign: campaignName.describe('Name of the Campaign resource.'),
    every: duration.default('1m').describe('How often Dynamics is asked for changes; at least 10s.'),
    key: z
      .strictObject({
        to: campaignName.describe("Campaign field that holds the row's id; its values must be unique."),
        addressBy: addressBy
          .default('url')
          .describe('How Campaign finds a record by it: in the address (url), or filter:<name>.'),
      })
      .describe("Where Campaign keeps the row's id."),
    fields: z
      .array(z.union([columnField, constantField]))
      .default([])
      .describe('What is sent.'),
    links: z
      .array(z.union([parentLink, constantLink]))
      .default([])
      .describe('Parents in other mapped tables, and links that are the same in every record.'),
    replacements: z.array(replacement).default([]).describe('Values that are sent as another value.'),
    filters: filters.optional(),
    applyDeletes: z
      .boolean()
      .default(true)
      .describe('true: a row deleted in Dynamics is deleted in Campaign.'),
    deletionBrake: deletionBrake.default({ share: 0.1, atLeast: 50 }),
  })
  .describe('One Dynamics table and the Campaign resource it fills.');

export const syncSchema = z
  .strictObject({
    version: z.literal(1).describe('Version of this format.'),
    tables: z.array(table).min(1).describe('The tables that are synchronised.'),
    events: events.optional(),
    optOut: optOut.optional(),
  })
  .describe('What is kept in step between Dynamics 365 and Adobe Campaign, and how.');

export type SyncConfig = z.output<typeof syncSchema>;
export type TableMapping = SyncConfig['tables'][number];
export type FieldMapping = TableMapping['fields'][number];
export type ColumnMapping = Extract<FieldMapping, { from: unknown }>;
export type ConstantMapping = Extract<FieldMapping, { value: unknown }>;
export type LinkMapping = TableMapping['links'][number];
export type ParentLink = Extract<LinkMapping, { table: unknown }>;
export type ConstantLink = Extract<LinkMapping, { resource: unknown }>;
export type Filters = NonNullable<TableMapping['filters']>;
export type Condition = Filters['where'][number];

/** How often a table is looked at, milliseconds. */
export const everyMsOf = (mapping: TableMapping): number => durationMs(mapping.every);
