import { expect, test } from 'vitest';
import { logColumns } from '../../src/campaign/log-event.js';
import { events } from '../../src/mapping/events-schema.js';

/** Neither room may import the other: the columns that sync.yaml may rename are those that the reader of log files knows. */
test.each([
  ['deliveryColumns', logColumns.delivery],
  ['trackingColumns', logColumns.tracking],
] as const)('events.files.%s takes the columns of log files, and no other', (key, columns) => {
  const takes = (column: string): boolean =>
    events.safeParse({ files: { [key]: { [column]: 'x' } } }).success;
  expect(columns.filter((column) => !takes(column))).toEqual([]);
  const others = Object.values(logColumns)
    .flat()
    .filter((column) => !(columns as readonly string[]).includes(column));
  expect(others.length).toBeGreaterThan(0);
  expect([...others, 'nosuchcolumn'].filter(takes)).toEqual([]);
});
