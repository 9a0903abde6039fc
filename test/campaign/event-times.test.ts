import { expect, test } from 'vitest';
import { createEventTimes, isoSecond } from '../../src/campaign/event-times.js';

const read = (text: string, timeZone = 'UTC'): string | undefined => {
  const ms = createEventTimes(timeZone).read(text);
  return ms === undefined ? undefined : isoSecond(ms);
};

test.each([
  ['2024/05/02 08:44:49', '2024-05-02T08:44:49Z'],
  ['2024-05-02 08:44:49.999Z', '2024-05-02T08:44:49Z'],
  ['2024-05-02T08:44:49+00:00', '2024-05-02T08:44:49Z'],
  ['2024-05-02T08:44:49.123456-0530', '2024-05-02T14:14:49Z'],
  ['2024-05-02 08:44', '2024-05-02T08:44:00Z'],
  [' 2024-02-29 23:59:59 ', '2024-02-29T23:59:59Z'],
])('%s is read', (text, iso) => {
  expect(read(text)).toBe(iso);
});

test.each([
  [''],
  ['2024-05-02'],
  ['02/05/2024 08:44:49'],
  ['2023-02-29 08:00:00'],
  ['2024-13-01 08:00:00'],
  ['2024-05-02 24:00:00'],
  ['2024-05-02 08:60:00'],
  ['2024-05-02 08:44:60'],
  ['0000-00-00 00:00:00'],
  ['1714639489'],
])('%j is no time', (text) => {
  expect(read(text)).toBeUndefined();
});

test.each([
  ['in winter', '2024/01/15 12:00:00', '2024-01-15T11:00:00Z'],
  ['in summer', '2024/07/15 12:00:00', '2024-07-15T10:00:00Z'],
  ['before the clock is put forward', '2024/03/31 01:59:59', '2024-03-31T00:59:59Z'],
  ['after the clock is put forward', '2024/03/31 03:00:00', '2024-03-31T01:00:00Z'],
  ['that no clock showed', '2024/03/31 02:30:00', '2024-03-31T01:30:00Z'],
  ['that clocks showed twice', '2024/10/27 02:30:00', '2024-10-27T00:30:00Z'],
  ['after the clock is put back', '2024/10/27 03:00:00', '2024-10-27T02:00:00Z'],
  ['with an offset of its own', '2024-07-15 12:00:00.000Z', '2024-07-15T12:00:00Z'],
])('a local time %s is that of its zone', (_name, text, iso) => {
  expect(read(text, 'Europe/Paris')).toBe(iso);
});
