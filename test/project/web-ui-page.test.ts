import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { queries, signals, updates } from '../../src/contracts.js';
import { searchAttributeKeys } from '../../src/workflows/visibility.js';
import { projectFolder } from './arrows.js';

const page = readFileSync(join(projectFolder, 'docs', 'guides', 'web-ui.md'), 'utf8');

/** Names in backticks in the first cells of the table that begins with this heading. */
function namesUnder(heading: string): string[] {
  const [, table = ''] = new RegExp(`^\\| ${heading} +\\|.*\\n((?:\\|.*\\n)+)`, 'm').exec(page) ?? [];
  return table
    .split('\n')
    .flatMap((row) => [...(row.split('|')[1] ?? '').matchAll(/`(\w+)`/g)].map(([, name = '']) => name));
}

test('web-ui.md has every signal, and no other', () => {
  expect(namesUnder('Signal').toSorted()).toEqual(Object.values(signals).toSorted());
});

test('it has every search attribute with its type, and no other', () => {
  const keys = Object.values(searchAttributeKeys);
  expect(namesUnder('Search attribute').toSorted()).toEqual(keys.map(({ name }) => name).toSorted());
  const types = { KEYWORD: 'Keyword', INT: 'Int' };
  for (const { name, type } of keys)
    expect(page).toMatch(new RegExp(`^\\| \`${name}\` +\\| ${types[type]} +\\|`, 'm'));
});

test.each([...Object.values(queries), ...Object.values(updates)])('it speaks of `%s`', (name) => {
  expect(page).toContain(`\`${name}\``);
});
