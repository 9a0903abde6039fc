import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { projectFolder } from './arrows.js';

const read = (...path: string[]): string => readFileSync(join(projectFolder, ...path), 'utf8');

interface Shown {
  feature: string;
  file: string;
  names: string[];
}

/** The rows of the page whose last cell says which tests show the feature: files, each followed by names of tests. */
const rows = read('docs', 'reference', 'features.md')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| --') && !/\| Shown by +\|$/.test(line))
  .map((line) => line.split(' | '));

const shown: Shown[] = rows.flatMap((cells) =>
  [...(cells.at(-1) ?? '').matchAll(/`(test\/[^`]+)`:([^`]*)/g)].map(([, file = '', rest = '']) => ({
    feature: (cells[0] ?? '').replace('| ', '').trim(),
    file,
    names: [...rest.matchAll(/“([^”]+)”/g)].map(([, name = '']) => name),
  })),
);

test('every feature in features.md names a test that shows it', () => {
  expect(rows.length).toBeGreaterThan(40);
  const features = shown.filter(({ names }) => names.length > 0).map(({ feature }) => feature);
  expect(new Set(features).size).toBe(rows.length);
});

test('every test that features.md names is there', () => {
  const missing = shown.flatMap(({ file, names }) => {
    if (!existsSync(join(projectFolder, file))) return [file];
    const source = read(file);
    return names.filter((name) => !hasTest(source, name)).map((name) => `${file}: ${name}`);
  });
  expect(missing).toEqual([]);
});

test.each([
  ["test('a name', () => {});", true],
  ["it(\n  'a name',\n  () => {});", true],
  ["test.each([\n  ['a name', 1],\n])('%s', () => {});", true],
  ["test('another name', () => {});", false],
  ["// 'a name'", false],
])('the check finds a test in %j: %s', (source, found) => {
  expect(hasTest(source, 'a name')).toBe(found);
});

/** Whether a test bears this name: given to it as written, or as the first of a row of its table. */
function hasTest(source: string, name: string): boolean {
  const quoted = `(['"\`])${name.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)}\\1`;
  return new RegExp(String.raw`(?:\b(?:test|it)(?:\.\w+)*\(|\)\(|\[)\s*${quoted}\s*,`).test(source);
}
