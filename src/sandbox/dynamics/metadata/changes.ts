import type { SandboxContext } from '../../context.js';
import { badPayload, badRequest, expiredDeltaError } from '../errors.js';
import { compareValues } from '../odata/compare.js';
import type { ODataQuery } from '../odata/query.js';
import { parseKey } from '../odata/resource-path.js';
import type { RecordStore } from '../record-store.js';
import type { DeletedMetadata, Schema } from '../schema.js';
import { tableResource, type Resource } from './resources.js';
import { NAMESPACE } from './type-catalogue.js';

const RETENTION_MS = 90 * 86_400_000;

/** Which properties and items a `MetadataQueryExpression` asks for. */
interface QueryExpression {
  Properties?: { AllProperties?: boolean; PropertyNames?: string[] };
  Criteria?: Criteria;
  AttributeQuery?: QueryExpression;
  RelationshipQuery?: QueryExpression;
  KeyQuery?: QueryExpression;
}

interface Criteria {
  FilterOperator?: 'And' | 'Or';
  Conditions?: { PropertyName: string; ConditionOperator: string; Value?: unknown }[];
  Filters?: Criteria[];
}

/**
 * `RetrieveMetadataChanges`: the tables that meet the query, without a stamp; with one, those whose schema
 * changed since, and what was deleted. Stamps live 90 days (dataverse.md §7).
 *
 * @param inside the text between the function's parentheses.
 */
export function retrieveMetadataChanges(
  context: SandboxContext,
  schema: Schema,
  records: RecordStore,
  inside: string,
  query: ODataQuery,
  base: string,
): object {
  const parameters = readParameters(inside, query);
  const expression = readExpression(parameters['Query']);
  const stamp = parameters['ClientVersionStamp'];
  const since = stamp === undefined ? undefined : readStamp(context, stamp);
  const tables = schema
    .tables()
    .filter(({ logicalName }) => since === undefined || schema.changedAt(logicalName) > since)
    .map((table) => tableResource(schema, table));
  const deleted = since === undefined ? [] : schema.deletedSince(since);
  return {
    '@odata.context': `${base}$metadata#${NAMESPACE}.RetrieveMetadataChangesResponse`,
    ServerVersionStamp: stampOf(context, records),
    EntityMetadata: chosen(tables, expression).map((table) => shape(table, expression)),
    DeletedMetadata: since === undefined ? null : deletedMetadata(deleted),
  };
}

/** The row version, and when it was read, as in a delta token. */
export function stampOf(context: SandboxContext, records: RecordStore): string {
  return `${records.version()}!${new Date(context.clock.nowMs()).toISOString()}`;
}

function readStamp(context: SandboxContext, stamp: string): number {
  const match = /^(\d+)!(.+)$/.exec(stamp);
  if (!match) throw badRequest(`The client version stamp '${stamp}' is not valid.`);
  if (context.clock.nowMs() - Date.parse(match[2] ?? '') > RETENTION_MS) throw expiredDeltaError();
  return Number(match[1]);
}

/** Parameters are given by alias (`Query=@p1`), or as text. */
function readParameters(inside: string, { aliases }: ODataQuery): Record<string, string> {
  const found: Record<string, string> = {};
  for (const part of inside.split(/,(?=\s*\w+\s*=)/)) {
    const [, name, value = ''] = /^\s*(\w+)\s*=\s*(.*)$/s.exec(part) ?? [];
    if (name === undefined) continue;
    const text = value.startsWith('@') ? aliases[value.slice(1)] : value;
    if (text === undefined || text === 'null') continue;
    found[name] = /^'.*'$/s.test(text) ? String(parseKey(text).value?.value) : text;
  }
  return found;
}

function readExpression(text: string | undefined): QueryExpression {
  if (text === undefined) return {};
  try {
    return (JSON.parse(text) as QueryExpression | null) ?? {};
  } catch {
    throw badPayload('The parameter Query is no EntityQueryExpression.');
  }
}

const chosen = (items: Resource[], { Criteria: criteria }: QueryExpression): Resource[] =>
  criteria ? items.filter((item) => meets(item.definition(), criteria)) : items;

function meets(definition: Record<string, unknown>, criteria: Criteria): boolean {
  const results = [
    ...(criteria.Conditions ?? []).map((condition) => meetsCondition(definition, condition)),
    ...(criteria.Filters ?? []).map((filter) => meets(definition, filter)),
  ];
  if (results.length === 0) return true;
  return criteria.FilterOperator === 'Or' ? results.some(Boolean) : results.every(Boolean);
}

function meetsCondition(
  definition: Record<string, unknown>,
  {
    PropertyName: property,
    ConditionOperator: operator,
    Value: given,
  }: NonNullable<Criteria['Conditions']>[number],
): boolean {
  const value = plain(definition[property]);
  const wanted = wantedValues(given);
  const isAmong = wanted.some((candidate) => same(value, candidate));
  switch (operator) {
    case 'Equals':
    case 'In':
      return isAmong;
    case 'NotEquals':
    case 'NotIn':
      return !isAmong;
    case 'GreaterThan':
      return value !== null && compareValues(value, wanted[0]) > 0;
    case 'LessThan':
      return value !== null && compareValues(value, wanted[0]) < 0;
    default:
      throw badPayload(`'${operator}' is no MetadataConditionOperator.`);
  }
}

const same = (value: unknown, candidate: unknown): boolean =>
  value === null || candidate === null
    ? value === candidate
    : compareValues(String(value), String(candidate)) === 0;

/** A managed property counts by its value. */
const plain = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && 'Value' in value ? value.Value : (value ?? null);

/** `{"Type":"System.String","Value":"account"}`, a list of them as JSON text, or the bare value. */
function wantedValues(given: unknown): unknown[] {
  const { Type: type, Value: value } =
    typeof given === 'object' && given !== null && !Array.isArray(given)
      ? (given as { Type?: string; Value?: unknown })
      : { Type: undefined, Value: given };
  if (Array.isArray(value)) return value as unknown[];
  if (typeof value === 'string' && type?.endsWith('[]')) return JSON.parse(value) as unknown[];
  return [value ?? null];
}

function shape(resource: Resource, expression: QueryExpression): Record<string, unknown> {
  const definition = resource.definition();
  const { AllProperties: all = false, PropertyNames: names = [] } = expression.Properties ?? {
    AllProperties: true,
  };
  const wants = (name: string) => all || names.includes(name);
  const shaped: Record<string, unknown> = {
    '@odata.type': `#${NAMESPACE}.Complex${resource.type.name}`,
    MetadataId: definition['MetadataId'],
    HasChanged: null,
  };
  for (const [name, value] of Object.entries(definition)) if (wants(name)) shaped[name] = value;
  for (const [name, inner] of innerQueries(expression)) {
    if (!wants(name)) continue;
    const found = resource.navigation[name]?.();
    if (Array.isArray(found)) shaped[name] = chosen(found, inner).map((item) => shape(item, inner));
  }
  for (const name of ['OptionSet', 'GlobalOptionSet']) {
    const found = wants(name) ? resource.navigation[name]?.() : undefined;
    if (found && !Array.isArray(found)) shaped[name] = found.definition();
  }
  return shaped;
}

const innerQueries = (expression: QueryExpression): [string, QueryExpression][] => [
  ['Attributes', expression.AttributeQuery ?? {}],
  ['OneToManyRelationships', expression.RelationshipQuery ?? {}],
  ['ManyToOneRelationships', expression.RelationshipQuery ?? {}],
  ['ManyToManyRelationships', expression.RelationshipQuery ?? {}],
  ['Keys', expression.KeyQuery ?? {}],
];

function deletedMetadata(deleted: DeletedMetadata[]): object {
  const kinds = [...new Set(deleted.map(({ kind }) => kind))];
  return {
    Count: kinds.length,
    IsReadOnly: false,
    Keys: kinds,
    Values: kinds.map((wanted) => ({
      Items: deleted.filter(({ kind }) => kind === wanted).map(({ metadataId }) => metadataId),
    })),
  };
}
