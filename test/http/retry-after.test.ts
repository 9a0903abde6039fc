import { expect, test } from 'vitest';
import { backOffMs, retryAfterMs } from '../../src/http/retry-after.js';

const nowMs = Date.UTC(2026, 10, 24);

test.each([
  ['whole seconds', '7', 7_000],
  ['parts of seconds', '1.5', 1_500],
  ['a date to come', 'Tue, 24 Nov 2026 00:00:09 GMT', 9_000],
])('waits for %s exactly', (_name, header, waitMs) => {
  expect(retryAfterMs(header, nowMs)).toBe(waitMs);
});

test.each([
  ['nothing', undefined],
  ['an empty text', ''],
  ['zero', '0'],
  ['a past date', 'Mon, 23 Nov 2026 23:59:59 GMT'],
  ['words', 'soon'],
])('%s names no time', (_name, header) => {
  expect(retryAfterMs(header, nowMs)).toBeUndefined();
});

test('back-off doubles up to 15 s, and chance takes off up to half', () => {
  const attempts = [1, 2, 3, 4, 5, 6, 20];
  expect(attempts.map((attempt) => backOffMs(attempt, () => 1))).toEqual([
    500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000,
  ]);
  expect(attempts.map((attempt) => backOffMs(attempt, () => 0))).toEqual([
    250, 500, 1_000, 2_000, 4_000, 7_500, 7_500,
  ]);
});
