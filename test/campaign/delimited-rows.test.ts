import fc from 'fast-check';
import { expect, test } from 'vitest';
import { linesOf } from '../../src/campaign/delimited-lines.js';
import { createRows, separatorOf } from '../../src/campaign/delimited-rows.js';

/** The rows of a text that arrives in chunks of so many bytes. */
async function rowsOf(bytes: Buffer, { separator = ';', columns = 3, chunk = 7 } = {}) {
  async function* chunks() {
    for (let at = 0; at < bytes.length; at += chunk) yield bytes.subarray(at, at + chunk);
  }
  const rows = createRows(separator, columns);
  const found = [];
  for await (const lines of linesOf(chunks(), 'utf-8'))
    for (const line of lines) found.push(...rows.add(line));
  return [...found, ...rows.rest()];
}
const cellsIn = async (text: string, columns = 3) =>
  (await rowsOf(Buffer.from(text), { columns })).map(({ cells }) => cells);

test('cells in quotes hold separators, quotes and line breaks', async () => {
  expect(await cellsIn('1;"a;b";c\n2;"say ""hi""";c\n3;"two\r\nlines";c\n')).toEqual([
    ['1', 'a;b', 'c'],
    ['2', 'say "hi"', 'c'],
    ['3', 'two\r\nlines', 'c'],
  ]);
});

test('a quote that closes nothing is a character like any other', async () => {
  expect(await cellsIn('1;"Spring" sale;c\n2;5" pipe;c\n3;"never closed;c\n4;d;e\n')).toEqual([
    ['1', '"Spring" sale', 'c'],
    ['2', '5" pipe', 'c'],
    ['3', '"never closed', 'c'],
    ['4', 'd', 'e'],
  ]);
});

test('two labels that each begin with a quote are two rows where each has its cells', async () => {
  expect(await cellsIn('1;"hot;c\n2;d;e\n3;deal";c\n')).toEqual([
    ['1', '"hot', 'c'],
    ['2', 'd', 'e'],
    ['3', 'deal"', 'c'],
  ]);
});

test('a line of a megabyte is a row without cells, and the rest goes on', async () => {
  const rows = await rowsOf(Buffer.from(`1;${'x'.repeat(1_048_576)};c\n2;b;c\n`), { chunk: 32_768 });
  expect(rows.map(({ cells }) => cells)).toEqual([undefined, ['2', 'b', 'c']]);
});

test('every row tells the byte behind it, and whether its line is ended', async () => {
  const text = '1;é;c\r\n2;"a\nb";c\n3;b';
  const rows = await rowsOf(Buffer.from(text));
  expect(rows.map(({ end, isEnded }) => [end, isEnded])).toEqual([
    [8, true],
    [18, true],
    [21, false],
  ]);
});

test.each([
  ['id\tstatus;x\tlabel', '\t'],
  ['id;status;label,name', ';'],
  ['id,"a;b;c;d",label', ','],
  ['id', '\t'],
])('the separator of %j is told from it', (headings, separator) => {
  expect(separatorOf('auto', headings)).toBe(separator);
});

test('what a writer of RFC 4180 writes is read again, however it arrives', async () => {
  // Not both in one table: lines that look like rows are taken for rows.
  const characters = fc.constantFrom(['a', 'é', '€', '"', ';', ' '], ['a', 'é', '€', '"', '\n', ' ', '\t']);
  const table = characters.chain((some) => {
    const cell = fc.string({ unit: fc.constantFrom(...some), maxLength: 6 });
    return fc.array(fc.array(cell, { minLength: 3, maxLength: 3 }), { minLength: 1, maxLength: 8 });
  });
  await fc.assert(
    fc.asyncProperty(table, fc.integer({ min: 1, max: 40 }), async (rows, chunk) => {
      const text = rows
        .map((cells) => cells.map((value) => `"${value.replaceAll('"', '""')}"`).join(';'))
        .join('\n');
      const read = await rowsOf(Buffer.from(`${text}\n`), { chunk });
      expect(read.map(({ cells }) => cells)).toEqual(rows);
      expect(read.at(-1)?.end).toBe(Buffer.byteLength(text) + 1);
    }),
    { numRuns: 200 },
  );
});

test('no text is lost or read without end, whatever quotes it has', async () => {
  const text = fc.string({ unit: fc.constantFrom('a', '"', ';', '\n'), maxLength: 200 });
  await fc.assert(
    fc.asyncProperty(text, async (given) => {
      const rows = await rowsOf(Buffer.from(given), { columns: 2, chunk: 16 });
      expect(rows.at(-1)?.end ?? 0).toBe(given.length);
      const letters = (shown: string): number => shown.replaceAll(/[^a]/g, '').length;
      expect(letters(rows.flatMap(({ cells }) => cells ?? []).join(''))).toBe(letters(given));
    }),
    { numRuns: 300 },
  );
});
