import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { jsonSchemaText } from '../../src/mapping/print-schema.js';
import { formatFaults, readSyncFile } from '../../src/mapping/read.js';
import { exampleDocument } from '../support/mapping-document.js';

const faultsOf = (text: string) => {
  const read = readSyncFile(text);
  return read.ok ? [] : read.faults;
};
const minimal = (more: string): string =>
  `version: 1\ntables:\n  - dynamics: contact\n    campaign: profile\n    key: { to: externalId }\n${more}`;

describe('a mapping file', () => {
  test('that ships as an example is valid', () => {
    expect(readSyncFile(exampleDocument).ok).toBe(true);
  });

  test('gets its defaults', () => {
    const read = readSyncFile(minimal('    fields: [{ from: firstname, to: firstName }]\n'));
    expect(read).toMatchObject({
      ok: true,
      config: {
        tables: [
          {
            every: '1m',
            key: { addressBy: 'url' },
            fields: [{ choice: 'technical', applyUpdates: true }],
            applyDeletes: true,
            deletionBrake: { share: 0.1, atLeast: 50 },
          },
        ],
      },
    });
  });

  test('is refused with all its faults, each with its line', () => {
    const faults = faultsOf(
      minimal(`    evrey: 1m
    fields:
      - { from: FirstName, to: firstName }
      - { from: lastname, to: lastName, choise: label }
      - { from: middlename }
    deletionBrake: { share: 10 }
`),
    );
    expect(faults.map(({ line, path }) => `${line} ${path}`)).toEqual([
      '6 tables[0].evrey',
      '8 tables[0].fields[0].from',
      '9 tables[0].fields[1].choise',
      '10 tables[0].fields[2].to',
      '11 tables[0].deletionBrake.share',
    ]);
    expect(formatFaults('sync.yaml', faults)).toContain('sync.yaml:6:5  tables[0].evrey: unknown key');
  });

  test.each([
    [
      'two columns on one field',
      '    fields: [{ from: a, to: x }, { from: b, to: x }]\n',
      'x is a target already',
    ],
    [
      'a field within a field',
      '    fields: [{ from: a, to: x }, { from: b, to: x.y }]\n',
      'x.y is a target already (x)',
    ],
    ['the key as a field', '    fields: [{ from: a, to: externalId }]\n', 'externalId is a target already'],
    [
      'a link to a table that is not mapped',
      '    links: [{ from: a, to: b, table: new_other }]\n',
      'new_other is not mapped',
    ],
    [
      'a comparison without its value',
      '    filters: { where: [{ field: a, is: equal }] }\n',
      '"equal" needs a value',
    ],
    ['an interval that is too short', '    every: 1s\n', 'must be at least 5s'],
    [
      'one table mapped twice',
      '  - { dynamics: contact, campaign: cusOther, key: { to: externalId } }\n',
      'this Dynamics table is mapped already',
    ],
    [
      'an opt-out flag that is a field too',
      '    fields: [{ from: a, to: blackListEmail }]\noptOut: { direction: bidirectional, flags: [{ dynamics: donotemail, campaign: blackListEmail }] }\n',
      'blackListEmail is an opt-out flag, under optOut already',
    ],
  ])('is refused for %s', (_name, more, message) => {
    expect(faultsOf(minimal(more)).map((fault) => fault.message)).toContain(message);
  });

  test('with links in a circle is refused with the circle', () => {
    const faults = faultsOf(`version: 1
tables:
  - { dynamics: a, campaign: cusA, key: { to: k }, links: [{ from: x, to: y, table: b }] }
  - { dynamics: b, campaign: cusB, key: { to: k }, links: [{ from: x, to: y, table: c }] }
  - { dynamics: c, campaign: cusC, key: { to: k }, links: [{ from: x, to: y, table: a }] }
`);
    expect(faults.map((fault) => fault.message)).toContain('links form a cycle: a → b → c → a');
  });

  test.each([
    ['a syntax error', 'version: 1\ntables: [\n', 3],
    ['a key given twice', 'version: 1\nversion: 1\ntables: []\n', 2],
    [
      'an alias bomb',
      `a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n`,
      1,
    ],
    ['a prototype key', 'version: 1\n__proto__: { polluted: true }\ntables: []\n', 2],
    ['nothing at all', '', 1],
  ])('that holds %s is refused, not crashed on', (_name, text, line) => {
    const faults = faultsOf(text);
    expect(faults.length).toBeGreaterThan(0);
    expect(faults.some((fault) => fault.line === line)).toBe(true);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  test('never crashes the reader, whatever it holds', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(readSyncFile(text)).toHaveProperty('ok', false);
      }),
    );
  });
});

test('the published JSON Schema is the one of the code', () => {
  const published = readFileSync(new URL('../../docs/reference/sync-schema.json', import.meta.url), 'utf8');
  expect(published).toBe(jsonSchemaText());
});
