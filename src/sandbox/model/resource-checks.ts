import { SYSTEM_FIELDS } from '../campaign/base-resources.js';
import type { Resources } from '../campaign/resources.js';
import type { ModelFaults } from './faults.js';
import type { Model, ModelResource } from './model-schema.js';

type ModelResources = Model['campaign']['resources'];

/** Reports what the schema of the file cannot see: what one part of a resource says of another. */
export function checkResource(
  name: string,
  model: ModelResources,
  resources: Resources,
  faults: ModelFaults,
): void {
  const resource = model[name];
  if (!resource) return;
  const path = `campaign.resources.${name}`;
  checkNames(path, name, resource, faults);
  if (resources.definition(name) && resource.records.length > 0)
    faults.add(`${path}.records`, 'records are made for new resources only');
  for (const [field, { type, values }] of Object.entries(resource.fields)) {
    if ((type === 'enum') !== (values !== undefined))
      faults.add(`${path}.fields.${field}`, 'an enum has `values`, and nothing else has');
  }
  const fieldsOf = (target: string): Record<string, unknown> | undefined => {
    const known = resources.definition(target)?.fields;
    const given = model[target];
    return (known ?? given) && { ...SYSTEM_FIELDS, ...known, ...given?.fields, ...given?.links };
  };
  const own = fieldsOf(name) ?? {};
  const needs = (field: string, where: string): void => {
    if (!Object.hasOwn(own, field)) faults.add(`${path}.${where}`, `there is no field '${field}'`);
  };
  checkLinks(path, resource, fieldsOf, needs, faults);
  if (resource.urlKey !== undefined) needs(resource.urlKey, 'urlKey');
  for (const [filter, { where }] of Object.entries(resource.filters)) {
    for (const [parameter, condition] of Object.entries(where)) {
      const [field = ''] = condition.split(' ').toReversed();
      needs(field.split('.')[0] ?? '', `filters.${filter}.where.${parameter}`);
    }
  }
}

/** Campaign puts `cus` before the name of every custom field; only the units keep names of their own (campaign.md §2). */
function checkNames(path: string, name: string, { fields, links }: ModelResource, faults: ModelFaults): void {
  if (name === 'orgUnitBase' || name === 'geoUnitBase') return;
  const message = 'the name of a custom field begins with `cus`';
  for (const field of Object.keys(fields))
    if (!field.startsWith('cus')) faults.add(`${path}.fields.${field}`, message);
  for (const [link, { to }] of Object.entries(links)) {
    if (!link.startsWith('cus') && to !== `${link}Base`) faults.add(`${path}.links.${link}`, message);
    if (Object.hasOwn(fields, link)) faults.add(`${path}.links.${link}`, 'a field has the same name');
  }
}

function checkLinks(
  path: string,
  { links }: ModelResource,
  fieldsOf: (resource: string) => Record<string, unknown> | undefined,
  needs: (field: string, where: string) => void,
  faults: ModelFaults,
): void {
  for (const [link, { to, join, cardinality }] of Object.entries(links)) {
    const target = fieldsOf(to);
    if (!target) faults.add(`${path}.links.${link}.to`, `there is no resource '${to}'`);
    for (const [field, targetField] of Object.entries(join ?? {})) {
      needs(field, `links.${link}.join`);
      if (target && !Object.hasOwn(target, targetField))
        faults.add(`${path}.links.${link}.join`, `'${to}' has no field '${targetField}'`);
    }
    if (!join && cardinality === '1')
      faults.add(`${path}.links.${link}.cardinality`, 'only a link that joins can be an inner join');
  }
}
