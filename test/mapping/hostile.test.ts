import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatFaults, readSyncFile } from '../../src/mapping/read.js';
import { PROTOTYPE, STRANGE } from './strange-names.js';

/** Files that were made to break a mapping, or that chance made so. */

const head =
  'version: 1\ntables:\n  - dynamics: contact\n    campaign: profile\n    key: { to: externalId }\n';
const told = (text: string): string[] => {
  const read = readSyncFile(text);
  return read.ok ? [] : read.faults.map(({ line, path, message }) => `${line} ${path}: ${message}`);
};
const lines = (count: number, line: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => `${line(index)}\n`).join('');

describe('a file of 10,000 lines, each with a fault, has all of them told:', () => {
  const COUNT = 10_000;
  test('unknown keys in one mapping', () => {
    const faults = told(head + lines(COUNT, (index) => `    key${index}: 1`));
    expect(faults).toHaveLength(COUNT);
    expect(faults.at(-1)).toBe(`${COUNT + 5} tables[0].key${COUNT - 1}: unknown key`);
  });
  test('one key, again and again', () => {
    const faults = told(head + lines(COUNT, () => '    every: 1h'));
    expect(faults).toHaveLength(COUNT - 1);
    expect(faults.at(-1)).toBe(`${COUNT + 5} : this key stands here already`);
  });
  test('tabs', () => {
    expect(told(head + lines(COUNT, () => '\t- x')).length).toBeGreaterThanOrEqual(COUNT);
  });
  test('brackets that nothing opened', () => {
    expect(told(head + lines(COUNT, () => '    ] x')).length).toBeGreaterThanOrEqual(COUNT);
  });
  test('on one line only', () => {
    expect(told(`${head}    every: ${']'.repeat(COUNT)}`).length).toBeGreaterThanOrEqual(COUNT);
  });
  test('conditions without a value', () => {
    const where = lines(COUNT, (index) => `        - { field: a${index}, is: equal }`);
    expect(told(`${head}    filters:\n      where:\n${where}`)).toHaveLength(COUNT);
  });
  test('replacements of one value', () => {
    const replacements = lines(COUNT, () => '      - { field: a, from: 1, to: 2 }');
    const faults = told(`${head}    fields: [{ from: a, to: b }]\n    replacements:\n${replacements}`);
    expect(faults).toHaveLength(COUNT - 1);
  });
});

describe('aliases', () => {
  test('repeat what stands in the file', () => {
    const text = `${head}    deletionBrake: &brake { share: 5% }\n  - dynamics: account\n    campaign: cusAccount\n    key: { to: cusCrmId }\n    deletionBrake: *brake\n`;
    const read = readSyncFile(text);
    expect(read.ok && read.config.tables.map(({ deletionBrake }) => deletionBrake.share)).toEqual([
      0.05, 0.05,
    ]);
  });
  test('that are faulty are told where they stand', () => {
    expect(told(`${head}    fields: &f [{ from: A, to: b }]\n    links: *f\n`)).toContain(
      '7 tables[0].links[0].from: must be a logical name of Dynamics: small letters, digits and _',
    );
  });
  test('without their anchor, or within it, are told at the first', () => {
    expect(told('a: [*b, *c]\nb: &b 1\n')).toEqual(['1 : an alias without its anchor']);
    expect(told('version: 1\ntables: &t [{ dynamics: *t }]\n')).toEqual([
      '2 : an alias within what it stands for',
    ]);
  });
  test('by the ten thousand are too many, whether they lead anywhere or not', () => {
    const many = lines(10_000, () => '  - *a');
    expect(told(`a: &a 1\nb:\n${many}`)).toEqual(['1003 : too many aliases']);
    expect(told(`a: &a 1\nb:\n${many}  - *none\n`)).toEqual(['1003 : too many aliases']);
  });
  test.each([
    ['one list a hundred times', `a: &a [${'x, '.repeat(1_000)}]\nb: [${'*a, '.repeat(102)}]\n`],
    [
      'lists of lists',
      `a: &a0 [x, x]\n${lines(20, (index) => `${index}: &a${index + 1} [*a${index}, *a${index}]`)}`,
    ],
    [
      'mappings of mappings',
      `a: &a0 { x: 1 }\n${lines(30, (index) => `${index}: &a${index + 1} { x: *a${index}, y: *a${index} }`)}`,
    ],
  ])('that multiply the file are too many: %s', (_name, text) => {
    expect(told(text)).toHaveLength(1);
    expect(told(text)[0]).toMatch(/too many aliases$/);
  });
});

describe('a merge key', () => {
  test('is a key that is not known', () => {
    expect(told(`${head}    <<: { applyDeletes: false }\n`)).toEqual(['6 tables[0]["<<"]: unknown key']);
  });
  test('of YAML 1.1 takes what it merges, and no prototype', () => {
    const merged = (what: string) => `%YAML 1.1\n---\n${head}    <<: ${what}\n`;
    const read = readSyncFile(merged('{ applyDeletes: false, dynamics: account }'));
    expect(read.ok && read.config.tables[0]).toMatchObject({ dynamics: 'contact', applyDeletes: false });
    expect(told(merged('{ __proto__: { applyDeletes: false } }'))).toHaveLength(1);
    expect(told(merged('[1]'))).toHaveLength(1);
  });
});

describe('a text from somewhere else', () => {
  test.each([
    ['with a byte-order mark', `\uFEFF${head}`],
    ['with the line ends of Windows', head.replaceAll('\n', '\r\n')],
    ['with comments and blank lines', `# é\n\n${head.replaceAll('\n', ' # 🌸\n\n')}`],
    ['with keys in quotes', head.replace('version', '"version"').replace('key:', "'key':")],
    ['as JSON', JSON.stringify({ version: 1, tables: [{ dynamics: 'a', campaign: 'b', key: { to: 'c' } }] })],
  ])('is read %s', (_name, text) => {
    expect(told(text)).toEqual([]);
  });
  test.each([
    ['the line ends of Windows', `${head}    evrey: 1m\n`.replaceAll('\n', '\r\n'), 6, 5],
    ['a byte-order mark', `\uFEFF${head}    evrey: 1m\n`, 6, 5],
    ['characters of 4 bytes before it', `${head}    every: 1m # 🌸\n    evrey: 1m\n`, 7, 5],
  ])('has its faults where an editor shows them, with %s', (_name, text, line, column) => {
    const read = readSyncFile(text);
    expect(read.ok ? [] : read.faults).toMatchObject([{ line, column, message: 'unknown key' }]);
  });
  test.each([
    ['NUL', `${head}    every: 1\u0000m\n`],
    ['nothing but NUL', '\u0000'.repeat(1_000)],
    ['UTF-16 read as bytes', [...head].join('\u0000')],
    ['a tab before a key', `${head}\tevery: 1m\n`],
    ['half a character', `${head}    every: "\ud800"\n`],
    ['a second document', `${head}---\n${head}`],
    ['a tag that makes something else', `${head}    fields: !!set { a, b }\n`],
    ['a tag of a language', `${head}    every: !!js/function "() => 1"\n`],
    ['keys that are lists', `${head}    ? [a]\n    : b\n`],
    ['a mapping of numbers', '1: 2\n'],
    ['text only', 'hello'],
  ])('is refused for %s', (_name, text) => {
    expect(told(text).length).toBeGreaterThan(0);
  });
});

describe('a key with a strange name', () => {
  test.each([...STRANGE, ...PROTOTYPE])('is one that is not known, wherever it stands: %j', (name) => {
    const key = JSON.stringify(name);
    for (const text of [
      `${head}${key}: 1\n`,
      `${head}    ${key}: { a: 1 }\n`,
      `${head}    fields: [{ from: a, to: b, ${key}: 1 }]\n`,
      `${head}    deletionBrake: { ${key}: 1 }\n`,
    ]) {
      expect(told(text)).toHaveLength(1);
      expect(told(text)[0]).toMatch(/unknown key$/);
    }
  });
  test('is told without a character that breaks or turns around the list of faults', () => {
    const read = readSyncFile(`${head}"a\\nb\u202e\u009b\u2028": 1\n`);
    const list = formatFaults('f', read.ok ? [] : read.faults);
    expect(list).toBe('f:6:1  ["a\\nb\\u{202e}\\u{9b}\\u{2028}"]: unknown key');
  });
  test.each([...STRANGE, '__proto__'])('names neither a column nor a field: %j', (name) => {
    const text = JSON.stringify(name);
    expect(told(`${head}    fields: [{ from: ${text}, to: b }]\n`)).toHaveLength(1);
    expect(told(`${head}    links: [{ from: a, to: ${text}, table: b }]\n`).length).toBeGreaterThan(0);
  });
});

test('no fault repeats what stands in double quotes', () => {
  expect(told(`${head}    every: "\\q1m"\n`)).toEqual([
    '6 : a backslash in double quotes that escapes nothing',
  ]);
});

test('no fault repeats a value, wherever it stands in a file and whatever stands around it', () => {
  const file = `${head}    every: 1m\n    fields: [{ from: a, to: x, choice: label }]\n    filters: { where: [{ field: a, is: equal, value: 1 }] }\n`;
  const around = fc.constantFrom(
    ' ',
    '"',
    "'",
    '|',
    '>',
    '[',
    ']',
    '{',
    '}',
    '\n',
    '\t',
    '\\',
    '%',
    '!',
    ': ',
    '- ',
    '? ',
    ', ',
  );
  fc.assert(
    fc.property(
      fc.nat(file.length),
      fc.array(around, { maxLength: 3 }),
      fc.array(around, { maxLength: 3 }),
      (place, before, after) => {
        // A key is repeated, so that it can be found; a value has a character that no word of a message has.
        const text = `${file.slice(0, place)}${before.join('')}S3cret${after.join('')}${file.slice(place)}`;
        const read = readSyncFile(text);
        const messages = read.ok ? [] : read.faults.map(({ message }) => message);
        expect(messages.join('\n')).not.toContain('S3cret');
      },
    ),
    { numRuns: 500 },
  );
});
