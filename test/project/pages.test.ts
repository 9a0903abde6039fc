import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect, test } from 'vitest';
import { projectFolder } from './arrows.js';
import { referenceSections, rowsOf } from './reference-pages.js';

const pages = [
  'README.md',
  'README.es.md',
  'CHANGELOG.md',
  ...readdirSync(join(projectFolder, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.md'))
    .map((path) => join('docs', path)),
];
const textOf = (page: string): string => readFileSync(join(projectFolder, page), 'utf8');

test('every link of a page to another one leads to a file, and to a heading in it', () => {
  expect(pages.length).toBeGreaterThan(15);
  const links = pages.flatMap((page) =>
    [...prose(textOf(page)).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)/g)].map(
      ([, path = '', heading]) => ({
        from: page,
        to: path === '' ? page : normalize(join(dirname(page), path)),
        heading,
      }),
    ),
  );
  const broken = links.filter(
    ({ to, heading }) =>
      !existsSync(join(projectFolder, to)) ||
      (heading !== undefined && !headingsOf(textOf(to)).includes(heading)),
  );
  expect(broken).toEqual([]);
});

test('every command that a page shows exists, with its options', () => {
  const known = referenceSections('command-line.md').map(({ heading, text }) => ({
    command: heading.replaceAll('`', '').replace(/ [<[].*/, ''),
    options: rowsOf(text).flatMap(({ name }) => /^--[\w-]+/.exec(name)?.[0] ?? []),
  }));
  const optionsOf = (command: string): string[] | undefined =>
    known.find((each) => each.command === command)?.options;
  const shown = pages.flatMap((page) => commandsIn(textOf(page)).map((command) => ({ page, ...command })));
  expect(shown.length).toBeGreaterThan(40);

  const wrong = shown.filter(({ script, words }) => {
    const isStarter = script === 'npm run starter';
    const own = optionsOf(isStarter ? (words.find((word) => /^[a-z]/.test(word)) ?? '') : script);
    const all = [...(own ?? []), ...(isStarter ? (optionsOf(script) ?? []) : []), '--help'];
    const unknown = words.filter((word) => word.startsWith('--') && !all.includes(word));
    return (own === undefined && words[0] !== '--help') || unknown.length > 0;
  });
  expect(wrong).toEqual([]);
});

/** A page without its blocks and spans of code, in which brackets mean something else. */
const prose = (text: string): string => text.replace(/^```[\s\S]*?^```$/gm, '').replace(/`[^`\n]*`/g, '`');

/** Headings as GitHub addresses them. */
const headingsOf = (text: string): string[] =>
  [...text.replace(/^```[\s\S]*?^```$/gm, '').matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );

/** Calls of the project's scripts in code, up to a comment or what the shell does with them. */
function commandsIn(text: string): { script: string; words: string[] }[] {
  const calls = text.matchAll(
    /\bnpm (?:--silent )?(start|run (?:--silent )?(?:starter|sandbox|bench))(?: -- ([^`#|>\n]*))?(?=[`#|>\n])/g,
  );
  const composed = text.matchAll(/\bdocker compose run --rm (starter) ([^`#|>\n]*)/g);
  return [...calls, ...composed].flatMap(([, called = '', words = '']) => {
    const name = called.replace('--silent ', '').replace(/^run /, '');
    const given = words.trim().split(/\s+/).filter(Boolean);
    if (name === 'starter' && (given.length === 0 || /^[<…]/.test(given[0] ?? ''))) return [];
    return [{ script: name === 'start' ? 'npm start' : `npm run ${name}`, words: given }];
  });
}
