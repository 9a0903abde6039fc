import { createHash } from 'node:crypto';
import type { SourceColumn, TargetField } from './model.js';
import type { TableMapping } from './schema.js';

/** To be raised when a change of this room makes the same row another payload: every table is then compared again. */
const CONVERSION_RULES = 2;

/**
 * Names everything that can make a row's payload, filter result or fault another one: the mapping, the columns it reads,
 * the fields it writes. How often a table is read, how a record is addressed and when deletions are held is no part of it.
 * Whether deletions are applied is: those that were let pass are found by the comparing read.
 */
export function hashOf(mapping: TableMapping, columns: SourceColumn[], fields: TargetField[]): string {
  const { every: _every, deletionBrake: _brake, key, ...content } = mapping;
  const showsLabels = new Set(
    mapping.fields.flatMap((field) => ('from' in field && field.choice === 'label' ? [field.from] : [])),
  );
  const text = JSON.stringify({
    rules: CONVERSION_RULES,
    mapping: { ...content, keyTo: key.to },
    columns: columns.map(({ logicalName, type, selectName, dateTimeBehavior, labels }) => ({
      logicalName,
      type,
      selectName,
      dateTimeBehavior,
      labels: showsLabels.has(logicalName) ? Object.entries(labels ?? {}).toSorted(byName) : undefined,
    })),
    fields: fields.map(({ path, type, length, values, insertOnly }) => ({
      path,
      type,
      length,
      values: values?.toSorted(),
      insertOnly,
    })),
  });
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

const byName = ([left]: [string, string], [right]: [string, string]): number => (left < right ? -1 : 1);
