import { basename, dirname } from 'node:path';
import { expect, test } from 'vitest';
import { sourceOf, sourcesIn } from './arrows.js';

const longestFile = 400;
const catchAllFolders = ['utils', 'util', 'helpers', 'common', 'services', 'types', 'lib', 'misc'];
const all = ['src', 'test', 'bench'].flatMap((folder) => sourcesIn(folder).map((path) => ({ folder, path })));

test('no folder is a catch-all', () => {
  const found = all.filter(({ path }) =>
    dirname(path)
      .split('/')
      .some((name) => catchAllFolders.includes(name)),
  );
  expect(found).toEqual([]);
});

test('every name is in kebab-case', () => {
  const name = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z]+)?\.ts$/;
  const folderName = /^(\.|[a-z0-9]+(-[a-z0-9]+)*)$/;
  const odd = all.filter(
    ({ path }) =>
      !name.test(basename(path)) ||
      !dirname(path)
        .split('/')
        .every((part) => folderName.test(part)),
  );
  expect(odd).toEqual([]);
});

test(`no source file is longer than ${longestFile} lines`, () => {
  const tooLong = sourcesIn('src')
    .map((path) => ({ path, lines: sourceOf('src', path).trimEnd().split('\n').length }))
    .filter(({ lines }) => lines > longestFile);
  expect(tooLong).toEqual([]);
});

test('only config.ts reads the environment; the entries are handed it', () => {
  const readers = sourcesIn('src').filter(
    (path) => path !== 'config.ts' && /\bprocess\s*(\.|\[['"])env\b/.test(sourceOf('src', path)),
  );
  expect(readers).toEqual([]);
});

test('nothing is left for later in a comment', () => {
  // Written so that this file does not find itself.
  const marks = /\b(T[O]DO|F[I]XME|X{3})\b/;
  expect(all.filter(({ folder, path }) => marks.test(sourceOf(folder, path)))).toEqual([]);
});
