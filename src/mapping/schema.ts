import { z } from 'zod';

/** The schema of sync.yaml (DESIGN §6). Unknown keys are faults. `docs/reference/sync-schema.json` is made from it. */

const logicalName = z
  .string()
  .regex(/^[a-z_][a-z0-9_]{0,127}$/, 'a logical name of Dynamics: small letters, digits and _');
const campaignName = z.string().regex(/^[A-Za-z_]\w{0,63}$/, 'a name of Campaign: letters, digits and _');
const campaignPath = z
  .string()
  .regex(
    /^[A-Za-z_]\w{0,63}(\.[A-Za-z_]\w{0,63}){0,3}$/,
    'a field of Campaign, nested ones with dots: location.city',
  );
const duration = z.string().regex(/^[1-9]\d{0,5}(s|m|h|d)$/, 'a duration such as 30s, 1m, 2h or 1d');
const share = z
  .string()
  .regex(/^(100|\d{1,2})(\.\d+)?%$/, 'a share such as 10%')
  .transform((text) => Number(text.slice(0, -1)) / 100);
const scalar = z.union([z.string(), z.number(), z.boolean()]);
const addressBy = z.union([
  z.literal('url'),
  z.string().regex(/^filter:[A-Za-z_]\w*$/, 'url, or filter:<name>'),
]);

const columnField = z.strictObject({
  from: logicalName.describe('Column of the Dynamics table.'),
  to: campaignPath.describe('Field of the Campaign resource; nested ones with dots.'),
  choice: z
    .enum(['technical', 'label'])
    .default('technical')
    .describe('What a choice column sends: its number or its label.'),
  applyUpdates: z.boolean().default(true).describe('false: travels on the first load and on a resync only.'),
});
const constantField = z.strictObject({
  value: scalar.describe('A constant, sent with every record.'),
  to: campaignPath,
  applyUpdates: z.boolean().default(true),
});

const comparisons = [
  'equal', 'not equal', 'contains', 'begins', 'ends', 'in', 'not in', 'null', 'not null', 'greater', 'greater or equal',
  'less', 'less or equal', 'between', 'on', 'before', 'after', 'on or before', 'on or after',
] as const; // prettier-ignore
const condition = z.strictObject({
  field: logicalName,
  is: z.enum(comparisons),
  value: z.union([scalar, z.array(scalar).max(1000)]).optional(),
});

const table = z.strictObject({
  dynamics: logicalName.describe('Logical name of the Dynamics table.'),
  campaign: campaignName.describe('Name of the Campaign resource.'),
  every: duration.default('1m').describe('How often Dynamics is asked for changes.'),
  key: z.strictObject({
    to: campaignName.describe("Campaign field that holds the row's id; must be unique there."),
    addressBy: addressBy
      .default('url')
      .describe('How Campaign addresses a record by it: url, or filter:<name>.'),
  }),
  fields: z.array(z.union([columnField, constantField])).default([]),
  links: z
    .array(
      z.strictObject({
        from: logicalName,
        to: campaignPath,
        table: logicalName,
        by: z.enum(['key', 'pkey']).default('key'),
      }),
    )
    .default([]),
  replacements: z.array(z.strictObject({ field: logicalName, from: scalar, to: scalar })).default([]),
  filters: z
    .strictObject({
      match: z.enum(['all', 'any']).default('all'),
      where: z.array(condition).min(1),
      deleteFilteredOut: z.boolean().default(false),
    })
    .optional(),
  applyDeletes: z.boolean().default(true).describe('A row deleted in Dynamics is deleted in Campaign.'),
  deletionBrake: z
    .strictObject({ share: share.default(0.1), atLeast: z.int().min(0).default(50) })
    .default({ share: 0.1, atLeast: 50 })
    .describe('Deletions beyond this share of 24 hours are held for approval.'),
});

const events = z.strictObject({
  sends: z.boolean().default(false),
  opens: z.boolean().default(false),
  clicks: z.boolean().default(false),
  bounces: z.boolean().default(false),
  source: z.enum(['journal', 'files']).default('journal'),
});
const optOutFlags = [
  'blackList', 'blackListEmail', 'blackListFax', 'blackListMobile', 'blackListPhone', 'blackListPostalMail',
  'blackListPushnotification', 'ccpaOptOut',
] as const; // prettier-ignore
const optOut = z.strictObject({
  direction: z
    .enum(['disabled', 'dynamics-to-campaign', 'campaign-to-dynamics', 'bidirectional'])
    .default('disabled'),
  rule: z.enum(['three-way', 'adobe']).default('three-way'),
  clockTolerance: duration.default('5m'),
  flags: z
    .array(
      z.strictObject({
        dynamics: logicalName,
        campaign: z.enum(optOutFlags),
        inverse: z.boolean().default(false),
      }),
    )
    .default([]),
});

export const syncSchema = z.strictObject({
  version: z.literal(1),
  tables: z.array(table).min(1),
  events: events.optional(),
  optOut: optOut.optional(),
});

export type SyncConfig = z.output<typeof syncSchema>;
export type TableMapping = SyncConfig['tables'][number];
export type FieldMapping = TableMapping['fields'][number];
export type Filters = NonNullable<TableMapping['filters']>;
export type Condition = Filters['where'][number];

const UNIT_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Milliseconds of a duration such as `30s`, `1m`, `2h`, `1d`, already validated. */
export function durationMs(text: string): number {
  return Number(text.slice(0, -1)) * UNIT_MS[text.slice(-1) as keyof typeof UNIT_MS];
}

/** How often a table is looked at, milliseconds. */
export const everyMsOf = (mapping: TableMapping): number => durationMs(mapping.every);
