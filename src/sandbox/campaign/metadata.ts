import type {
  FieldDefinition,
  FilterCondition,
  FilterDefinition,
  ResourceDefinition,
} from './definitions.js';
import { isVisible, type EngineCall } from './engine.js';

/** Type names as the resource editor shows them. */
const TYPE_NAMES: Record<FieldDefinition['type'], string> = {
  string: 'string',
  long: 'long',
  double: 'double',
  boolean: 'boolean',
  date: 'date',
  datetime: 'datetime',
  enum: 'enumeration',
  uuid: 'uuid',
  object: 'object',
  link: 'link',
  collection: 'collection',
};

/** `GET …/resourceType/<resource>` and `GET …/<resource>/metadata` (campaign.md §3). */
export function describeResource(call: EngineCall): Record<string, unknown> {
  const { definition, resources, base } = call;
  const [namespace = '', schemaName = definition.name] = definition.schema.split(':');
  const visible = Object.entries(definition.fields).filter(([name, field]) => isVisible(call, name, field));
  const system: [string, FieldDefinition][] = [
    ['PKey', { type: 'string', label: 'Primary key', length: 255, readOnly: true }],
    ['href', { type: 'string', label: 'Address', length: 255, readOnly: true }],
  ];
  return {
    PKey: resources.pkeys.mint('resourceType', idOf(definition.name)),
    apiName: definition.name,
    compatibleResources: { [definition.name]: definition.label },
    content: Object.fromEntries(
      [...system, ...visible].map(([name, field]) => [name, describeField(call, name, field)]),
    ),
    data: `${base}/${definition.name}/`,
    filters: { href: `${base}/resourceType/${definition.name}/filters/` },
    help: '',
    href: `${base}/resourceType/${definition.name}`,
    label: definition.label,
    name: schemaName,
    pkgStatus: 'never',
    readOnly: false,
    schema: namespace,
    type: 'profileAndServices',
  };
}

/** `GET filters.href`: the filters by name, each with its address as a template. */
export function describeFilters(call: EngineCall): Record<string, unknown> {
  const filters = call.resources.filters(call.definition.name);
  return Object.fromEntries(filters.map((filter) => [filter.name, describeFilter(call, filter)]));
}

/** `GET /profileAndServicesExt/`: what this endpoint offers. */
export function describeEndpoint(definitions: ResourceDefinition[], base: string): Record<string, unknown> {
  const content = definitions.map((definition) => ({
    apiName: definition.name,
    name: definition.name,
    label: definition.label,
    schema: definition.schema,
    href: `${base}/${definition.name}/`,
    metadata: { href: `${base}/resourceType/${definition.name}` },
  }));
  return { content, serverSidePagination: true };
}

function describeField(call: EngineCall, name: string, field: FieldDefinition): Record<string, unknown> {
  const keyField = call.resources.identificationKey(call.definition);
  return {
    PKey: call.resources.pkeys.mint(`field.${call.definition.name}`, idOf(name)),
    apiName: name,
    category: name.startsWith('cus') ? 'custom' : 'standard',
    dataPolicy:
      name === 'email'
        ? 'email'
        : ['firstName', 'middleName', 'lastName'].includes(name)
          ? 'smartCase'
          : 'none',
    desc: '',
    displayFormat: 'none',
    help: '',
    label: field.label,
    lazyLoaded: field.type === 'collection',
    length: field.length === undefined ? '' : String(field.length),
    mandatory: field.mandatory === true || name === keyField,
    metadata: field.type,
    privacy: false,
    queryable: field.type !== 'collection',
    readOnly: field.readOnly === true,
    resName: name,
    resType: TYPE_NAMES[field.type],
    sortable: !['link', 'collection', 'object'].includes(field.type),
    type: TYPE_NAMES[field.type],
    ...(field.target === undefined ? {} : { resTarget: field.target }),
    ...(field.values === undefined
      ? {}
      : { values: Object.fromEntries(field.values.map((each) => [each.name, each])) }),
    ...(field.fields === undefined
      ? {}
      : {
          content: Object.fromEntries(
            Object.entries(field.fields).map(([member, inner]) => [
              member,
              describeField(call, member, inner),
            ]),
          ),
        }),
  };
}

function describeFilter(call: EngineCall, filter: FilterDefinition): Record<string, unknown> {
  const parameters = [...new Set(filter.conditions.map((condition) => condition.parameter))];
  const query = parameters.map((parameter) => `${parameter}=$value`).join('&');
  return {
    PKey: call.resources.pkeys.mint(`filter.${call.definition.name}`, idOf(filter.name)),
    category: '',
    condition: filter.conditions.map(describeCondition).join(' and '),
    data: `${call.base}/${call.definition.name}/${filter.name}?${query}`,
    formType: 'none',
    fragmentName: filter.name,
    label: filter.label,
  };
}

function describeCondition(condition: FilterCondition): string {
  const operator = condition.operator === 'startsWith' ? 'like' : condition.operator;
  const alternatives = condition.fields.map((field) => `@${field} ${operator} $(${condition.parameter})`);
  return alternatives.length > 1 ? `(${alternatives.join(' or ')})` : (alternatives[0] ?? '');
}

/** A stable number for a name, so that a PKey can be minted for what has no row. */
function idOf(name: string): number {
  let sum = 0;
  for (const character of name) sum = (Math.imul(sum, 31) + (character.codePointAt(0) ?? 0)) >>> 0;
  return sum;
}
