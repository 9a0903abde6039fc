import { expect, test } from 'vitest';
import { logEvents } from '../../src/log-events.js';
import { sourceOf, sourcesIn } from './arrows.js';
import { referenceRows } from './reference-pages.js';

const files = sourcesIn('src').filter((path) => !path.startsWith('sandbox/') && path !== 'log-events.ts');

test('logs.md and the catalogue say the same, event by event', () => {
  const known = Object.entries(logEvents).map(([event, { level, fields, says }]) => {
    const named = Object.entries(fields).map(([name, kind]) => `\`${name}\`${kind.endsWith('?') ? '?' : ''}`);
    return [event, [level, named.join(', ') || 'none', says]];
  });
  const written = referenceRows('logs.md').map(({ name, cells }) => [name, cells]);
  expect(Object.fromEntries(written)).toEqual(Object.fromEntries(known));
  expect(written).toHaveLength(known.length);
});

test('every event of the catalogue is logged somewhere', () => {
  const logged = new Set(
    files.flatMap((path) =>
      [...sourceOf('src', path).matchAll(/\blog\(\s*'([^']+)'/g)].map(([, event]) => event),
    ),
  );
  expect(Object.keys(logEvents).filter((event) => !logged.has(event))).toEqual([]);
});

test('nothing is logged past the catalogue', () => {
  const past = files.filter((path) =>
    /\blog(?:ger)?\.(?:trace|debug|info|warn|error|fatal)\(|\bconsole\./.test(sourceOf('src', path)),
  );
  expect(past).toEqual([]);
});
