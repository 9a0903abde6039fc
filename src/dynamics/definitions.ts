import { z } from 'zod';
import { SyncError } from '../errors.js';
import type { CallOptions } from '../http/calls.js';
import { jsonObject } from '../http/json.js';
import { entityPath } from './metadata.js';
import type { WebApi } from './web-api.js';

/** A column that a new row may fill. */
export type WritableColumn = { name: string } & (
  { kind: 'text'; maxLength: number } | { kind: 'moment'; dateOnly: boolean }
);

/** Definitions of tables as they are at this moment, for those who make tables or have just had them made. */
export interface Definitions {
  /** Undefined when there is no such table. */
  table(
    name: string,
    call?: CallOptions,
  ): Promise<{ entitySetName: string; isActivity: boolean } | undefined>;
  /** Columns for texts and moments that may be filled at a create, by logical name. */
  columns(table: string, call?: CallOptions): Promise<Map<string, WritableColumn>>;
  /** Whether there is a column of this name, of any type. */
  hasColumn(table: string, name: string, call?: CallOptions): Promise<boolean>;
  /** Navigation property by which an activity regards a contact; undefined when it cannot. */
  contactNavigation(table: string, call?: CallOptions): Promise<string | undefined>;
  /** Whether the table has CreateMultiple (dataverse.md §5: told per table, and to be probed). */
  takesMultiple(table: string, call?: CallOptions): Promise<boolean>;
}

const tableDefinition = z.object({ EntitySetName: z.string().min(1), IsActivity: z.boolean().nullish() });
const created = { LogicalName: z.string(), IsValidForCreate: z.boolean().nullish() };
const texts = z.object({ value: z.array(z.object({ ...created, MaxLength: z.number() })) });
const moments = z.object({
  value: z.array(
    z.object({ ...created, DateTimeBehavior: z.object({ Value: z.string().nullish() }).nullish() }),
  ),
});
const relationships = z.object({
  value: z.array(
    z.object({
      ReferencedEntity: z.string(),
      ReferencingAttribute: z.string(),
      ReferencingEntityNavigationPropertyName: z.string().min(1),
    }),
  ),
});
const rows = z.object({ value: z.array(z.unknown()) });

/** Servers cache metadata for about half a minute; this header goes past the cache (dataverse.md §4). */
const PAST_THE_CACHE = { Consistency: 'Strong' };

export function createDefinitions(api: WebApi): Definitions {
  const ask = <T>(path: string, schema: z.ZodType<T>, call?: CallOptions): Promise<T> =>
    api.send(
      { method: 'GET', path, headers: PAST_THE_CACHE },
      (attempt) =>
        attempt.kind === 'answered' && attempt.answer.status === 200
          ? schema.safeParse(jsonObject(attempt.answer.body)).data
          : undefined,
      call,
    );
  const cast = <T>(table: string, type: string, member: string, schema: z.ZodType<T>, call?: CallOptions) =>
    ask(
      `${entityPath(table)}/Attributes/Microsoft.Dynamics.CRM.${type}AttributeMetadata?$select=LogicalName,IsValidForCreate,${member}`,
      schema,
      call,
    );

  return {
    async table(name, call) {
      const path = `${entityPath(name)}?$select=LogicalName,EntitySetName,IsActivity`;
      const there = await found(ask(path, tableDefinition, call));
      return there && { entitySetName: there.EntitySetName, isActivity: there.IsActivity === true };
    },
    async columns(table, call) {
      const [strings, memos, dates] = await Promise.all([
        cast(table, 'String', 'MaxLength', texts, call),
        cast(table, 'Memo', 'MaxLength', texts, call),
        cast(table, 'DateTime', 'DateTimeBehavior', moments, call),
      ]);
      const columns: WritableColumn[] = [
        ...[...strings.value, ...memos.value]
          .filter(isFillable)
          .map(({ LogicalName: name, MaxLength }) => ({ name, kind: 'text' as const, maxLength: MaxLength })),
        ...dates.value.filter(isFillable).map(({ LogicalName: name, DateTimeBehavior }) => ({
          name,
          kind: 'moment' as const,
          dateOnly: DateTimeBehavior?.Value === 'DateOnly',
        })),
      ];
      return new Map(columns.map((column) => [column.name, column]));
    },
    async hasColumn(table, name, call) {
      const path = `${entityPath(table)}/Attributes(LogicalName='${encodeURIComponent(name)}')?$select=LogicalName`;
      return (await found(ask(path, z.object({ LogicalName: z.string() }), call))) !== undefined;
    },
    async contactNavigation(table, call) {
      const select = 'ReferencedEntity,ReferencingAttribute,ReferencingEntityNavigationPropertyName';
      const path = `${entityPath(table)}/ManyToOneRelationships?$select=${select}&$filter=ReferencedEntity eq 'contact'`;
      const { value } = await ask(path, relationships, call);
      return value.find(
        ({ ReferencedEntity, ReferencingAttribute }) =>
          ReferencedEntity === 'contact' && ReferencingAttribute === 'regardingobjectid',
      )?.ReferencingEntityNavigationPropertyName;
    },
    async takesMultiple(table, call) {
      const filter = `sdkmessageid/name eq 'CreateMultiple' and primaryobjecttypecode eq '${table.replaceAll("'", "''")}'`;
      const path = `sdkmessagefilters?$select=sdkmessagefilterid&$filter=${encodeURIComponent(filter)}`;
      try {
        return (await ask(path, rows, call)).value.length > 0;
      } catch (error) {
        // Who may not ask writes row by row: slower, and no reason to stop.
        if (error instanceof SyncError && error.code === 'DYNAMICS_PRIVILEGE_MISSING') return false;
        throw error;
      }
    },
  };
}

/** Dynamics says that what was asked for is not there. */
export const isNotFound = (error: unknown): boolean =>
  error instanceof SyncError && error.code === 'DYNAMICS_REQUEST_REFUSED' && error.evidence.status === 404;

async function found<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

const isFillable = ({ IsValidForCreate }: { IsValidForCreate?: boolean | null | undefined }): boolean =>
  IsValidForCreate !== false;
