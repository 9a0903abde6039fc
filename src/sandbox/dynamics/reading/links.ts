import type { Call } from '../call.js';
import type { Table } from '../schema.js';
import { propertyName } from '../column-values.js';
import type { ODataQuery } from '../odata/query.js';
import { columnOf } from './columns.js';

/** The request's address with some options left out and one added, for next and delta links. */
export function continuation(call: Call, dropped: readonly string[], name: string, value: string): string {
  const kept = call.rawQuery.split('&').filter((option) => {
    if (option === '') return false;
    const optionName = decodeURIComponent((option.split('=')[0] ?? '').replaceAll('+', ' ')).toLowerCase();
    return !dropped.includes(optionName);
  });
  return `${call.base}${call.path}?${[...kept, `${name}=${encodeToken(value)}`].join('&')}`;
}

/** Lower-case escapes, as the service writes them. */
const encodeToken = (value: string): string =>
  encodeURIComponent(value)
    .replaceAll('!', '%21')
    .replaceAll(/%[0-9A-F]{2}/g, (escape) => escape.toLowerCase());

/** `…$metadata#contacts(firstname,contactid)`, with what follows the set. */
export function contextUrl(call: Pick<Call, 'base'>, table: Table, query: ODataQuery, suffix = ''): string {
  const selected = query.select?.map((property) => {
    const column = columnOf(table, property);
    return column ? propertyName(column) : property;
  });
  const expanded = query.expand.map(
    ({ property, query: inner }) => `${property}(${inner.select?.join(',') ?? ''})`,
  );
  const shape = [...(selected ?? []), ...expanded].join(',');
  return `${call.base}$metadata#${table.entitySetName}${shape === '' ? '' : `(${shape})`}${suffix}`;
}
