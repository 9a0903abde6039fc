import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { projectFolder } from './arrows.js';
import { rowsOf } from './reference-pages.js';

const english = readFileSync(join(projectFolder, 'README.md'), 'utf8');
const spanish = readFileSync(join(projectFolder, 'README.es.md'), 'utf8');

/** Blocks of code, without the comments behind commands. */
const blocksOf = (text: string): string[] =>
  [...text.matchAll(/^```\w*\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block.replace(/ +# .*$/gm, ''));

test('the Spanish README shows the same commands and what they print', () => {
  expect(blocksOf(english).length).toBeGreaterThan(3);
  expect(blocksOf(spanish)).toEqual(blocksOf(english));
});

test('its tables have the same rows', () => {
  const namesOf = (text: string) => rowsOf(text).map(({ name }) => name);
  expect(namesOf(english).length).toBeGreaterThan(7);
  expect(namesOf(spanish)).toEqual(namesOf(english));
});

test('it has the same parts, and leads to the same pages', () => {
  const shapeOf = (text: string) => text.match(/^#+ /gm);
  const linksOf = (text: string) =>
    new Set(
      [...text.matchAll(/\]\(([^)]+)\)/g)]
        .map(([, to]) => to)
        .filter((to) => !(to ?? '').startsWith('README')),
    );
  expect(shapeOf(spanish)).toEqual(shapeOf(english));
  expect(linksOf(spanish)).toEqual(linksOf(english));
});
