import { z } from 'zod';

/**
 * A sandbox file: what tables Dynamics has and what resources Campaign has beyond those of every organisation
 * (docs/guides/sandbox.md). Names, types and cascades are the vendors' own words.
 */
const text = z.string().min(1);
const share = z.number().min(0).max(1);
const language = z.string().regex(/^\d{4,5}$/, 'a language code such as 1033 is expected');

/** One text for the base language, or a text by language code. */
const label = z.union(
  [text, z.record(language, text)],
  'a text, or texts by language code, such as 1033, are expected',
);

/** Labels by value. */
const options = z
  .record(z.string().regex(/^\d{1,10}$/, 'a whole number is expected as the value of an option'), label)
  .refine((given) => Object.keys(given).length > 0, 'at least one option is expected');

const filling = {
  /** Share of the seeded rows in which the column is null. */
  empty: share.optional(),
  /** Values to draw from; `{n}` in a text becomes the row's number. Left out: values that suit the type. */
  sample: z
    .array(z.union([z.string(), z.number(), z.boolean()]))
    .min(1)
    .optional(),
};
const described = { label: label.optional(), ...filling };
const range = { min: z.number().optional(), max: z.number().optional() };

const column = z.discriminatedUnion('type', [
  z.strictObject({ type: z.enum(['String', 'Memo']), ...described, maxLength: z.number().int().optional() }),
  z.strictObject({ type: z.literal('Integer'), ...described, ...range }),
  z.strictObject({ type: z.literal('BigInt'), ...described }),
  z.strictObject({
    type: z.enum(['Decimal', 'Double', 'Money']),
    ...described,
    ...range,
    precision: z.number().int().optional(),
  }),
  z.strictObject({
    type: z.literal('Boolean'),
    ...described,
    options: options.optional(),
    default: z.boolean().optional(),
  }),
  z.strictObject({
    type: z.enum(['Picklist', 'MultiSelectPicklist']),
    ...described,
    options: options.optional(),
    /** Name of a global choice, in place of options of its own. */
    choice: text.optional(),
    default: z.number().int().optional(),
  }),
  z.strictObject({
    type: z.literal('DateTime'),
    ...described,
    behavior: z.enum(['UserLocal', 'DateOnly', 'TimeZoneIndependent']).default('UserLocal'),
  }),
  z.strictObject({
    type: z.literal('Lookup'),
    label: label.optional(),
    empty: share.optional(),
    to: z.union([text, z.array(text).min(1)], 'a table, or a list of tables, is expected'),
    onDelete: z.enum(['RemoveLink', 'Cascade', 'Restrict', 'NoCascade']).default('RemoveLink'),
  }),
  z.strictObject({ type: z.literal('Customer'), label: label.optional(), empty: share.optional() }),
]);

/** How many rows a seed makes. */
const rows = z.union(
  [
    z.number().int().min(0).max(100_000),
    z.strictObject({ perContact: z.number().min(0).max(100), atMost: z.number().int().min(0).max(100_000) }),
  ],
  'a whole number up to 100,000, or { perContact, atMost }, is expected',
);

const table = z.strictObject({
  label: label.optional(),
  plural: label.optional(),
  ownership: z.enum(['UserOwned', 'OrganizationOwned']).default('UserOwned'),
  changeTracking: z.boolean().default(true),
  primaryName: z
    .strictObject({ name: text, maxLength: z.number().int().optional(), ...described })
    .default({ name: 'new_name' }),
  /** Status reasons beyond Active (1) and Inactive (2), by value. */
  statusReasons: z
    .record(
      z.string().regex(/^\d{1,10}$/),
      z.strictObject({ label, state: z.union([z.literal(0), z.literal(1)]) }),
    )
    .default({}),
  columns: z.record(text, column).default({}),
  /** Alternate keys: the columns of each. */
  keys: z.record(text, z.array(text).min(1)).default({}),
  rows: rows.default(0),
  /** Share of the seeded rows that are inactive. */
  inactive: share.default(0.02),
});

const manyToMany = z.strictObject({ tables: z.tuple([text, text]), rows: rows.default(0) });

const fieldName = /^[A-Za-z]\w{0,29}$/;
const resourceName = /^(cus[A-Z]\w{0,26}|profile|service|orgUnitBase|geoUnitBase)$/;
const condition = /^(?:(=|<>|>=|<=|>|<|startsWith) )?[A-Za-z]\w*(?:\.\w+)?$/;

const field = z.strictObject({
  type: z.enum(['string', 'long', 'double', 'boolean', 'date', 'datetime', 'enum']),
  label: text.optional(),
  length: z.number().int().min(1).max(4000).optional(),
  /** Of an enumeration: labels by name. */
  values: z.record(text, text).optional(),
  mandatory: z.boolean().optional(),
  /** No second record may have the same value. */
  unique: z.boolean().optional(),
});

const link = z.strictObject({
  label: text.optional(),
  to: z.string().regex(resourceName, 'a resource is expected: profile, service or cus…'),
  /** Our field that joins to a field of the target; without it the link is set by PKey. */
  join: z
    .record(text, text)
    .refine((given) => Object.keys(given).length === 1, 'one field is expected, with the field it joins to')
    .optional(),
  /** `1`: an inner join, which hides a record whose target is missing. */
  cardinality: z
    .union([z.literal(1), z.literal('1'), z.literal('0..1')])
    .transform((given) => (given === '0..1' ? ('0..1' as const) : ('1' as const)))
    .default('0..1'),
});

const filter = z.strictObject({
  label: text.optional(),
  /** Its name on v8, where a filter without one cannot be called. */
  restName: text.optional(),
  /** By query parameter: the field, with an operator before it where it is not `=`. */
  where: z.record(
    text,
    z.string().regex(condition, 'a field is expected, after an operator and a space if it is not ='),
  ),
});

const resource = z.strictObject({
  label: text.optional(),
  fields: z.record(z.string().regex(fieldName, 'letters and digits, 30 at most'), field).default({}),
  links: z.record(z.string().regex(fieldName, 'letters and digits, 30 at most'), link).default({}),
  /** The field that addresses a record in a URL; documented for profiles only. */
  urlKey: text.optional(),
  filters: z.record(z.string().regex(/^by\w{1,28}$/, 'its name begins with `by`'), filter).default({}),
  /** Records that are there from the start. */
  records: z.array(z.record(text, z.unknown())).default([]),
});

export const modelSchema = z.strictObject({
  version: z.literal(1),
  /** Whether the tables and resources that come with the sandbox are there too. */
  withDefaults: z.boolean().default(true),
  dynamics: z
    .strictObject({
      /** Global choices. */
      choices: z.record(text, z.strictObject({ label: label.optional(), options })).default({}),
      tables: z.record(text, table).default({}),
      manyToMany: z.record(text, manyToMany).default({}),
    })
    .prefault({}),
  campaign: z
    .strictObject({
      resources: z
        .record(
          z.string().regex(resourceName, 'cus… is expected, or profile or service to extend it'),
          resource,
        )
        .default({}),
    })
    .prefault({}),
});

/** A sandbox file as it is written. */
export type ModelDocument = z.input<typeof modelSchema>;
/** The same with its defaults. */
export type Model = z.output<typeof modelSchema>;
export type ModelTable = z.output<typeof table>;
export type ModelColumn = z.output<typeof column>;
export type ModelRows = z.output<typeof rows>;
export type ModelResource = z.output<typeof resource>;
export type ModelLabel = z.output<typeof label>;
export type ModelOptions = z.output<typeof options>;
