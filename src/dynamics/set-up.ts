import { z } from 'zod';
import type { CallOptions } from '../http/calls.js';
import { entityPath, type TableMetadata } from './metadata.js';
import type { WebApi } from './web-api.js';

export interface ColumnDetails {
  /** Characters that a text column takes. */
  maxLength?: number;
  /** Column security is on: who may not read the column is answered null. */
  secured: boolean;
  updatable: boolean;
  /** Tables that a lookup may lead to. */
  targets?: string[];
}

export type Privilege = 'Create' | 'Read' | 'Write' | 'Delete';

/** How far a privilege reaches, from the own rows to all of the organisation. */
const DEPTHS = ['RecordFilter', 'Basic', 'Local', 'Deep', 'Global'] as const;
export type Depth = (typeof DEPTHS)[number];

export interface Right {
  /** e.g. `prvWriteContact`; a custom activity shares the privileges of all activities. */
  privilege: string;
  /** Absent: the account does not hold it. */
  depth?: Depth;
}

/** How an organisation is set up, as far as a sync depends on it. Read for a check only. */
export interface SetUp {
  /** The server's clock, ISO 8601; ours where it does not tell. */
  serverTime(options?: CallOptions): Promise<string>;
  /** For so many days a change token lives (dataverse.md §3 "Expiry"); undefined when the organisation does not say. */
  changeTrackingDays(options?: CallOptions): Promise<number | undefined>;
  /** What an ordinary read needs not know of these columns, those that exist. */
  columnDetails(
    table: TableMetadata,
    names: string[],
    options?: CallOptions,
  ): Promise<Record<string, ColumnDetails>>;
  /** The account's own right on a table, roles of its teams included; undefined when the table has no such privilege. */
  right(table: string, privilege: Privilege, options?: CallOptions): Promise<Right | undefined>;
}

const organisations = z.object({
  value: z.array(z.object({ expirechangetrackingindays: z.number().nullish() })).min(1),
});
const attributes = z.object({
  value: z.array(
    z.object({
      LogicalName: z.string(),
      IsSecured: z.boolean().nullish(),
      IsValidForUpdate: z.boolean().nullish(),
    }),
  ),
});
const texts = z.object({
  value: z.array(z.object({ LogicalName: z.string(), MaxLength: z.number().nullish() })),
});
const lookups = z.object({
  value: z.array(z.object({ LogicalName: z.string(), Targets: z.array(z.string()).nullish() })),
});
const who = z.object({ UserId: z.string().min(1) });
const definition = z.object({
  Privileges: z.array(z.object({ Name: z.string(), PrivilegeId: z.string(), PrivilegeType: z.string() })),
});
const held = z.object({
  RolePrivileges: z.array(z.object({ PrivilegeId: z.string(), Depth: z.string() })),
});

const TEXT_TYPES = ['String', 'Memo'];
const LOOKUP_TYPES = ['Lookup', 'Customer', 'Owner'];

export function createSetUp(api: WebApi): SetUp {
  const ask = <T>(path: string, schema: z.ZodType<T>, options?: CallOptions): Promise<T> =>
    api.get(path, ({ body }) => schema.safeParse(body).data, options);

  async function changeTrackingDays(options?: CallOptions): Promise<number | undefined> {
    const { value } = await ask('organizations?$select=expirechangetrackingindays', organisations, options);
    return value[0]?.expirechangetrackingindays ?? undefined;
  }

  async function columnDetails(table: TableMetadata, names: string[], options?: CallOptions) {
    const wanted = new Set(names);
    const types = new Set(names.map((name) => table.columns[name]?.type ?? ''));
    const at = `${entityPath(table.logicalName)}/Attributes`;
    const details: Record<string, ColumnDetails> = {};
    const { value } = await ask(`${at}?$select=LogicalName,IsSecured,IsValidForUpdate`, attributes, options);
    for (const { LogicalName, IsSecured, IsValidForUpdate } of value)
      if (wanted.has(LogicalName))
        details[LogicalName] = { secured: IsSecured === true, updatable: IsValidForUpdate !== false };

    const cast = <T>(type: string, member: string, schema: z.ZodType<T>): Promise<T> =>
      ask(
        `${at}/Microsoft.Dynamics.CRM.${type}AttributeMetadata?$select=LogicalName,${member}`,
        schema,
        options,
      );
    async function addLengths(type: string): Promise<void> {
      for (const { LogicalName, MaxLength } of (await cast(type, 'MaxLength', texts)).value) {
        const column = details[LogicalName];
        if (column && typeof MaxLength === 'number') column.maxLength = MaxLength;
      }
    }
    async function addTargets(): Promise<void> {
      for (const { LogicalName, Targets } of (await cast('Lookup', 'Targets', lookups)).value) {
        const column = details[LogicalName];
        if (column && Targets) column.targets = Targets;
      }
    }
    await Promise.all([
      ...TEXT_TYPES.filter((type) => types.has(type)).map(addLengths),
      ...(LOOKUP_TYPES.some((type) => types.has(type)) ? [addTargets()] : []),
    ]);
    return details;
  }

  async function right(table: string, privilege: Privilege, options?: CallOptions) {
    const [{ UserId }, { Privileges }] = await Promise.all([
      ask('WhoAmI', who, options),
      ask(`${entityPath(table)}?$select=LogicalName,Privileges`, definition, options),
    ]);
    const wanted = Privileges.find(({ PrivilegeType }) => PrivilegeType === privilege);
    if (!wanted) return undefined;
    const { RolePrivileges } = await ask(
      `systemusers(${encodeURIComponent(UserId)})/Microsoft.Dynamics.CRM.RetrieveUserPrivileges`,
      held,
      options,
    );
    const id = wanted.PrivilegeId.toLowerCase();
    const depths = new Set(
      RolePrivileges.filter(({ PrivilegeId }) => PrivilegeId.toLowerCase() === id).map(({ Depth }) => Depth),
    );
    const depth = DEPTHS.findLast((each) => depths.has(each));
    return { privilege: wanted.Name, ...(depth !== undefined && { depth }) };
  }

  return {
    serverTime: (options) => api.get('WhoAmI', ({ serverTime }) => serverTime, options),
    changeTrackingDays,
    columnDetails,
    right,
  };
}
