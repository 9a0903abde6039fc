import type { Collection } from '../store.js';

/** One record as stored: only what differs from the read defaults. Links hold the target's id. */
export interface CampaignRecord {
  id: number;
  values: Record<string, unknown>;
}

/** The records of one resource, in the order of their ids, with indexes made for the fields that are searched. */
export interface RecordTable {
  readonly size: number;
  get(id: number): CampaignRecord | undefined;
  insert(values: Record<string, unknown>): CampaignRecord;
  replace(id: number, values: Record<string, unknown>): CampaignRecord;
  remove(id: number): void;
  /** Ids of the records whose top-level field has this value, oldest first. */
  find(field: string, value: unknown): readonly number[];
  /** Records with an id greater than `afterId`, in order. */
  from(afterId: number): IterableIterator<CampaignRecord>;
}

const NONE: readonly number[] = [];

/** @param sequence hands out ids; it is persistent, so that a deleted record's id is not used again. */
export function createRecordTable(rows: Collection<CampaignRecord>, sequence: () => number): RecordTable {
  const ids: number[] = [];
  const indexes = new Map<string, Map<unknown, number | number[]>>();
  for (const record of rows.values()) ids.push(record.id);
  ids.sort((left, right) => left - right);

  function insert(values: Record<string, unknown>): CampaignRecord {
    const record = { id: sequence(), values };
    rows.set(String(record.id), record);
    ids.push(record.id);
    for (const [field, index] of indexes) addTo(index, values[field], record.id);
    return record;
  }

  function replace(id: number, values: Record<string, unknown>): CampaignRecord {
    const before = rows.get(String(id))?.values ?? {};
    const record = { id, values };
    rows.set(String(id), record);
    for (const [field, index] of indexes) {
      if (before[field] === values[field]) continue;
      dropFrom(index, before[field], id);
      addTo(index, values[field], id);
    }
    return record;
  }

  function remove(id: number): void {
    const record = rows.get(String(id));
    if (!record) return;
    rows.delete(String(id));
    ids.splice(firstAfter(id - 1), 1);
    for (const [field, index] of indexes) dropFrom(index, record.values[field], id);
  }

  function find(field: string, value: unknown): readonly number[] {
    if (value === undefined) return NONE;
    const found = indexOf(field).get(value);
    return found === undefined ? NONE : typeof found === 'number' ? [found] : found;
  }

  function indexOf(field: string): Map<unknown, number | number[]> {
    let index = indexes.get(field);
    if (index) return index;
    index = new Map();
    for (const id of ids) addTo(index, rows.get(String(id))?.values[field], id);
    indexes.set(field, index);
    return index;
  }

  function* from(afterId: number): IterableIterator<CampaignRecord> {
    for (let position = afterId < 0 ? 0 : firstAfter(afterId); position < ids.length; position += 1) {
      const record = rows.get(String(ids[position]));
      if (record) yield record;
    }
  }

  function firstAfter(id: number): number {
    let low = 0;
    let high = ids.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((ids[middle] as number) <= id) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  return {
    get size() {
      return ids.length;
    },
    get: (id) => rows.get(String(id)),
    insert,
    replace,
    remove,
    find,
    from,
  };
}

/** Most values have one record: a list is made for the second only, which halves an index's memory. */
function addTo(index: Map<unknown, number | number[]>, value: unknown, id: number): void {
  if (value === undefined) return;
  const found = index.get(value);
  if (found === undefined) index.set(value, id);
  else if (typeof found === 'number')
    index.set(
      value,
      [found, id].sort((left, right) => left - right),
    );
  else
    index.set(
      value,
      [...found, id].sort((left, right) => left - right),
    );
}

function dropFrom(index: Map<unknown, number | number[]>, value: unknown, id: number): void {
  const found = index.get(value);
  if (found === undefined) return;
  if (typeof found === 'number') {
    if (found === id) index.delete(value);
    return;
  }
  const rest = found.filter((other) => other !== id);
  if (rest.length > 1) index.set(value, rest);
  else index.set(value, rest[0] as number);
}
