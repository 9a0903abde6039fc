import type { Column, Table } from '../schema.js';

const METADATA_ONLY = new Set(['PartyList', 'Virtual', 'ManagedProperty']);

/** Whether a column appears in rows and in `$metadata`, and not only in the table's definition. */
export const isWebApiColumn = ({ type, validForRead, validForOData }: Column): boolean =>
  validForRead && validForOData !== false && !METADATA_ONLY.has(type);

/** The columns of a table's rows, in their order. */
export const webApiColumns = (table: Table): Column[] => Object.values(table.columns).filter(isWebApiColumn);
