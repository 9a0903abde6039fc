import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatFaults, readSyncFile } from '../../src/mapping/read.js';
import { everyMsOf } from '../../src/mapping/schema.js';

const faultsOf = (text: string) => {
  const read = readSyncFile(text);
  return read.ok ? [] : read.faults;
};
/** The faults as `line path: message`. */
const toldOf = (text: string): string[] =>
  faultsOf(text).map(({ line, path, message }) => `${line} ${path}: ${message}`);
const minimal = (more: string): string =>
  `version: 1\ntables:\n  - dynamics: contact\n    campaign: profile\n    key: { to: externalId }\n${more}`;

describe('a mapping file', () => {
  test('gets its defaults', () => {
    const read = readSyncFile(
      minimal(
        '    fields: [{ from: firstname, to: firstName }]\n    filters: { where: [{ field: a, is: "null" }] }\noptOut: {}\nevents: {}\n',
      ),
    );
    expect(read).toMatchObject({
      ok: true,
      config: {
        tables: [
          {
            every: '1m',
            key: { addressBy: 'url' },
            fields: [{ choice: 'technical', applyUpdates: true }],
            links: [],
            replacements: [],
            filters: { match: 'all', deleteFilteredOut: false },
            applyDeletes: true,
            deletionBrake: { share: 0.1, atLeast: 50 },
          },
        ],
        events: { sends: false, opens: false, clicks: false, bounces: false, source: 'journal' },
        optOut: {
          direction: 'disabled',
          rule: 'three-way',
          clockTolerance: '5m',
          every: '1m',
          source: 'changes',
          changes: { filter: 'bymodifiedsince', overlap: '10m' },
          staleAfter: '26h',
          flags: [],
        },
      },
    });
  });

  test('may hold everything that can be configured', () => {
    const read = readSyncFile(`version: 1
tables:
  - dynamics: contact
    campaign: profile
    every: 2h
    key: { to: externalId, addressBy: url }
    fields:
      - { from: firstname, to: firstName }
      - { from: emailaddress1, to: email, applyUpdates: false }
      - { from: address1_city, to: location.city }
      - { from: gendercode, to: gender, choice: label }
      - { value: true, to: isExternal }
    replacements: [{ field: gendercode, from: 2, to: female }]
    filters:
      match: any
      where: [{ field: statecode, is: equal, value: 0 }, { field: new_n, is: between, value: [1, 2] }]
      deleteFilteredOut: true
    applyDeletes: false
    deletionBrake: { share: 2.5%, atLeast: 0 }
  - dynamics: new_order
    campaign: cusOrder
    key: { to: cusCrmId, addressBy: filter:byCrmId }
    links: [{ from: new_contactid, to: cusProfileId, table: contact, by: key }]
events: { sends: true, opens: true, clicks: true, bounces: true, source: files }
optOut:
  direction: bidirectional
  rule: adobe
  flags: [{ dynamics: followemail, campaign: blackListEmail, inverse: true }]
`);
    expect(read).toMatchObject({ ok: true, config: { tables: [{ deletionBrake: { share: 0.025 } }, {}] } });
    expect(read.ok && read.config.tables.map(everyMsOf)).toEqual([7_200_000, 60_000]);
  });

  test('is refused with all its faults, each with its line, in their order', () => {
    const faults = faultsOf(
      minimal(`    evrey: 1m
    fields:
      - { from: FirstName, to: firstName }
      - { from: lastname, to: firstName, choise: label }
      - { from: middlename }
      - { from: a, value: 1, to: x }
      - { value: [], to: y }
      - nothing
    replacements: [{ field: missing, from: 1, to: 2 }]
    deletionBrake: { share: 10, atLeast: -1 }
  - dynamics: contact
`),
    );
    expect(faults.map(({ line, path }) => `${line} ${path}`)).toEqual([
      '6 tables[0].evrey',
      '8 tables[0].fields[0].from',
      '9 tables[0].fields[1].to',
      '9 tables[0].fields[1].choise',
      '10 tables[0].fields[2].to',
      '11 tables[0].fields[3]',
      '12 tables[0].fields[4].value',
      '13 tables[0].fields[5]',
      '14 tables[0].replacements[0].field',
      '15 tables[0].deletionBrake.share',
      '15 tables[0].deletionBrake.atLeast',
      '16 tables[1].campaign',
      '16 tables[1].key',
      '16 tables[1].dynamics',
    ]);
    expect(formatFaults('sync.yaml', faults.slice(0, 2))).toBe(
      'sync.yaml:6:5  tables[0].evrey: unknown key\n' +
        'sync.yaml:8:11  tables[0].fields[0].from: must be a logical name of Dynamics: small letters, digits and _',
    );
  });

  test.each([
    ['version: 2\ntables: []\n', ['1 version: must be 1', '2 tables: must be a list that is not empty']],
    ['tables: 5\n', ['1 version: is missing', '1 tables: must be a list']],
    ['', ['1 : must be a mapping of keys to values']],
    ['- a\n', ['1 : must be a mapping of keys to values']],
    [minimal('    applyDeletes: yes\n'), ['6 tables[0].applyDeletes: must be true or false']],
    [minimal('    every: often\n'), ['6 tables[0].every: must be a duration such as 30s, 1m, 2h or 1d']],
    [minimal('    every: 9s\n'), ['6 tables[0].every: must be at least 10s']],
    [minimal('    every: 10s\n'), []],
    [
      minimal('    deletionBrake: { share: 101% }\n'),
      ['6 tables[0].deletionBrake.share: must be a share such as 10%'],
    ],
    [
      minimal('    deletionBrake: { share: 100.5% }\n'),
      ['6 tables[0].deletionBrake.share: must be a share such as 10%'],
    ],
    [
      minimal('    fields: [{ from: a, to: x, choice: both }]\n'),
      ['6 tables[0].fields[0].choice: must be one of technical, label'],
    ],
    [
      minimal('    filters: { where: [{ field: a, is: equal, value: 9007199254740993 }] }\n'),
      ['6 tables[0].filters.where[0].value: must be in quotes: a number of more than 15 digits is not exact'],
    ],
    [minimal('    fields: [{ from: a, to: __proto__ }]\n'), [/fields\[0\]\.to: must be a field of Campaign/]],
    [
      minimal('    fields: [{ from: a, to: x.__proto__.y }]\n'),
      [/fields\[0\]\.to: must be a field of Campaign/],
    ],
  ])('says what must stand there: %j', (text, expected) => {
    const told = toldOf(text);
    expect(told).toHaveLength(expected.length);
    expected.forEach((fault, index) => expect(told[index]).toMatch(fault));
  });

  test('is refused for a key of several lines without breaking the list of faults', () => {
    const told = formatFaults('f', faultsOf('version: 1\n"a\\nb": 1\ntables: []\n'));
    expect(told.split('\n')).toHaveLength(2);
    expect(told).toContain('["a\\nb"]: unknown key');
  });

  test('never has a value repeated in a message', () => {
    const secret = 'S3cret';
    const text = minimal(
      `    every: ${secret}\n    applyDeletes: ${secret}\n    fields: [{ from: ${secret}, to: [${secret}], choice: ${secret} }]\n`,
    );
    expect(faultsOf(text).length).toBeGreaterThan(3);
    expect(formatFaults('sync.yaml', faultsOf(text))).not.toContain(secret);
  });
});

describe('a mapping file whose parts do not go together is refused for', () => {
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
    [
      'a field around a field',
      '    fields: [{ from: a, to: x.y.z }, { from: b, to: x.y }]\n',
      'x.y is a target already (x.y.z)',
    ],
    ['the key as a field', '    fields: [{ from: a, to: externalId }]\n', 'externalId is a target already'],
    [
      'a field within the key',
      '    fields: [{ from: a, to: externalId.b }]\n',
      'externalId.b is a target already (externalId)',
    ],
    [
      'a constant on a link',
      '    fields: [{ value: 1, to: x }]\n    links: [{ from: a, to: x, table: b }]\n  - { dynamics: b, campaign: cusB, key: { to: k } }\n',
      'x is a target already',
    ],
    [
      'a link to a table that is not mapped',
      '    links: [{ from: a, to: b, table: new_other }]\n',
      'new_other is not mapped',
    ],
    [
      'a table linked to itself',
      '    links: [{ from: a, to: b, table: contact }]\n',
      'links form a cycle: contact → contact',
    ],
    [
      'a comparison without its value',
      '    filters: { where: [{ field: a, is: equal }] }\n',
      '"equal" needs a value',
    ],
    [
      'a list for one value',
      '    filters: { where: [{ field: a, is: equal, value: [1] }] }\n',
      '"equal" takes one value, not a list',
    ],
    [
      'one value for a list',
      '    filters: { where: [{ field: a, is: in, value: 1 }] }\n',
      '"in" needs a list of values',
    ],
    [
      'three values for two',
      '    filters: { where: [{ field: a, is: between, value: [1, 2, 3] }] }\n',
      '"between" needs a list of two values',
    ],
    [
      'a value for none',
      '    filters: { where: [{ field: a, is: "null", value: 1 }] }\n',
      '"null" takes no value',
    ],
    [
      'a replacement in a column that is not mapped',
      '    replacements: [{ field: a, from: 1, to: 2 }]\n',
      'a is not mapped under fields',
    ],
    [
      'a value replaced twice',
      '    fields: [{ from: a, to: x }]\n    replacements: [{ field: a, from: 1, to: 2 }, { field: a, from: "1", to: 3 }]\n',
      'this value is replaced already',
    ],
    [
      'a Dynamics table mapped twice',
      '  - { dynamics: contact, campaign: cusOther, key: { to: k } }\n',
      'this Dynamics table is mapped already',
    ],
    [
      'a Campaign resource mapped twice',
      '  - { dynamics: account, campaign: profile, key: { to: k } }\n',
      'this Campaign resource is mapped already',
    ],
    [
      'an opt-out flag that is a field too',
      '    fields: [{ from: a, to: blackListEmail }]\noptOut: { direction: bidirectional, flags: [{ dynamics: donotemail, campaign: blackListEmail }] }\n',
      'blackListEmail is an opt-out flag, under optOut already',
    ],
    [
      'an opt-out flag mapped twice',
      'optOut: { flags: [{ dynamics: a, campaign: blackList }, { dynamics: b, campaign: blackList }] }\n',
      'this flag is mapped already',
    ],
  ])('%s', (_name, more, message) => {
    expect(faultsOf(minimal(more)).map((fault) => fault.message)).toEqual([message]);
  });

  test('these although other faults are there, and no less', () => {
    expect(
      toldOf(minimal('    evrey: 1m\n    fields: [{ from: a, to: x }, { from: b, to: x, choise: 1 }]\n')),
    ).toEqual([
      '6 tables[0].evrey: unknown key',
      '7 tables[0].fields[1].to: x is a target already',
      '7 tables[0].fields[1].choise: unknown key',
    ]);
  });

  test('links in a circle, once, with the way around it', () => {
    const linked = (name: string, ...parents: string[]): string =>
      `  - { dynamics: ${name}, campaign: cus_${name}, key: { to: k }, links: [${parents
        .map((parent) => `{ from: x, to: to_${parent}, table: ${parent} }`)
        .join(', ')}] }\n`;
    const file = (...tables: string[]): string => `version: 1\ntables:\n${tables.join('')}`;
    const circle = file(linked('start', 'a'), linked('a', 'b'), linked('b', 'c'), linked('c', 'a'));
    expect(toldOf(circle)).toEqual(['6 tables[3].links[0].table: links form a cycle: a → b → c → a']);
    const diamond = file(linked('a', 'b', 'c'), linked('b', 'd'), linked('c', 'd'), linked('d'));
    expect(toldOf(diamond)).toEqual([]);
  });
});

describe('a text that is no proper YAML is refused, not crashed on:', () => {
  test.each([
    ['a syntax error', 'version: 1\ntables: [\n', 3],
    ['a key given twice, and what else is wrong', 'version: 1\nversion: 1\ntables: []\n', 2],
    ['a prototype key', minimal('__proto__: { polluted: true }\n'), 6],
    ['a prototype key deep inside', minimal('    __proto__: { applyDeletes: false }\n'), 6],
    ['a tag', minimal('    every: !minutes 1m\n'), 6],
    ['bytes', minimal('    applyDeletes: !!binary dHJ1ZQ==\n'), 6],
    ['two documents', `${minimal('')}---\n${minimal('')}`, 6],
    ['an alias without its anchor', minimal('    fields: *there\n'), 6],
    ['an anchor within itself', 'version: 1\ntables: &a [*a]\n', 2],
    ['a merge of nothing', '%YAML 1.1\n---\nversion: 1\n<<: 5\n', 3],
  ])('%s', (_name, text, line) => {
    expect(faultsOf(text).map((fault) => fault.line)).toContain(line);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  test('an alias bomb, before it goes off', () => {
    const level = (name: string, of: string): string =>
      `${name}: &${name} [${Array(10).fill(of).join(',')}]\n`;
    const bomb = ['b', 'c', 'd', 'e', 'f', 'g', 'h'].map((name, index) =>
      level(name, `*${'abcdefg'[index]}`),
    );
    expect(toldOf(`${level('a', 'x')}${bomb.join('')}`)).toEqual(['8 : too many aliases']);
  });
  test.each(['['.repeat(100_000), '{a: '.repeat(20_000), '- '.repeat(20_000)])(
    'a bottomless nest',
    (text) => {
      expect(toldOf(text)).toEqual(['1 : nested too deeply']);
      expect(toldOf(minimal(`    fields:\n      ${text}`))).toEqual(['7 : nested too deeply']);
    },
  );
  test('a nest that the parser would still get through', () => {
    expect(toldOf(`${'['.repeat(150)}${']'.repeat(150)}`)).toEqual(['1 : nested too deeply']);
  });
  test('any text at all', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(readSyncFile(text)).toHaveProperty('ok', false);
      }),
    );
  });
  test('a proper file with anything put into it anywhere', () => {
    const file = minimal(
      '    fields: [{ from: a, to: x }]\n    filters: { where: [{ field: a, is: equal, value: 1 }] }\n',
    );
    const pieces = fc.oneof(
      fc.string(),
      fc.json(),
      fc.constantFrom('&a', '*a', '<<: ', '? ', '!!set ', '- ', '\n', '\t', '%'),
    );
    fc.assert(
      fc.property(fc.nat(file.length), pieces, (place, piece) => {
        const read = readSyncFile(file.slice(0, place) + piece + file.slice(place));
        expect(read.ok || read.faults.length > 0).toBe(true);
      }),
    );
  });
});

test('a file of 10,000 lines is read, valid or full of faults', () => {
  const fields = (line: (index: number) => string): string =>
    `    fields:\n${Array.from({ length: 10_000 }, (_, index) => `      - ${line(index)}\n`).join('')}`;
  expect(readSyncFile(minimal(fields((index) => `{ from: a${index}, to: x.y${index} }`))).ok).toBe(true);
  expect(faultsOf(minimal(fields(() => '{ from: A, to: x }')))).toHaveLength(10_000 + 9_999);
}, 30_000);
