import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { jsonSchemaText } from '../../src/mapping/print-schema.js';
import { formatFaults, readSyncFile } from '../../src/mapping/read.js';
import { projectFolder } from '../project/arrows.js';
import { referenceRows } from '../project/reference-pages.js';

/** docs/reference/sync-yaml.md and the schema say the same; what the docs show can be used. */

interface Schema {
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  anyOf?: Schema[];
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  type?: string | string[];
}

/** Every key of the file, by its path: required in all alternatives that have it, and the values it is limited to. */
function keysOf(schema: Schema, path = ''): [string, { required: boolean; values: unknown[] }][] {
  return [schema, ...(schema.anyOf ?? [])].flatMap((alternative) => [
    ...Object.entries(alternative.properties ?? {}).flatMap(([name, member]) => {
      const at = path === '' ? name : `${path}.${name}`;
      const required = alternative.required?.includes(name) ?? false;
      const values = member.const === undefined ? (member.enum ?? []) : [member.const];
      const here: [string, { required: boolean; values: unknown[] }] = [at, { required, values }];
      return [here, ...keysOf(member, at)];
    }),
    ...(alternative.items ? keysOf(alternative.items, `${path}[]`) : []),
  ]);
}
const schema = Object.fromEntries(keysOf(JSON.parse(jsonSchemaText()) as Schema));
const rows = referenceRows('sync-yaml.md').filter(({ cells }) => cells.length === 4);

test('the page has every key of the schema once, and no other', () => {
  expect(rows.map(({ name }) => name).toSorted()).toEqual(Object.keys(schema).toSorted());
});

test('the page says which keys are required', () => {
  const written = rows.filter(({ cells }) => cells[1] === 'required').map(({ name }) => name);
  const required = Object.entries(schema).filter(([, key]) => key.required);
  expect(written.toSorted()).toEqual(required.map(([path]) => path).toSorted());
});

test('the page lists the values of keys that have a choice of them', () => {
  for (const [path, { values }] of Object.entries(schema).filter(([, key]) => key.values.length > 0)) {
    const type = rows.find(({ name }) => name === path)?.cells[0] ?? '';
    const written = [...type.matchAll(/`([^`]+)`/g)].map(([, value]) => value);
    expect({ path, values: written }).toEqual({ path, values: values.map(String) });
  }
});

/**
 * A file with one of everything; both kinds of fields and of links. Opt-outs are of contacts that are mapped; an example of a table maps
 * them itself.
 */
const everything = (path: string) => ({
  version: 1,
  tables: [
    {
      dynamics: 'new_order',
      campaign: 'cusOrder',
      key: { to: 'cusCrmId' },
      fields: [
        { from: 'name', to: 'cusA' },
        { value: 'x', to: 'cusB' },
        { from: 'gendercode', to: 'cusE' },
      ],
      links: [
        { from: 'accountid', to: 'cusC', table: 'account' },
        { value: 'x', to: 'cusD', resource: 'cusUnit', keyField: 'cusKey' },
      ],
      replacements: [{ field: 'gendercode', from: 'a', to: 'b' }],
      filters: { where: [{ field: 'name', is: 'equal', value: 'x' }] },
      deletionBrake: {},
    },
    ...(path.startsWith('optOut')
      ? [{ dynamics: 'contact', campaign: 'profile', key: { to: 'externalId' } }]
      : []),
    ...['account', 'systemuser'].map((name) => ({
      dynamics: name,
      campaign: `cus_${name}`,
      key: { to: 'cusCrmId' },
    })),
  ],
  events: {
    followUp: {},
    tables: Object.fromEntries(
      ['sends', 'opens', 'clicks', 'bounces'].map((kind) => [kind, { table: `new_${kind}` }]),
    ),
    files: {},
  },
  optOut: { changes: {}, files: {}, flags: [{ dynamics: 'donotphone', campaign: 'blackListPhone' }] },
});

/** That file with another value at a path, in the entry of this index where lists have alternatives. */
function fileWith(path: string, value: unknown, index: number): string {
  const file = everything(path);
  const names = path.replaceAll('[]', '.[]').split('.');
  const last = names.pop() ?? '';
  let place = file as unknown as Record<string, unknown>;
  names.forEach((name, position) => {
    const isAlternative = /^(fields|links)$/.test(names[position - 1] ?? '');
    place = place[name === '[]' ? (isAlternative ? index : 0) : name] as Record<string, unknown>;
  });
  place[last] = value;
  return JSON.stringify(file);
}
const readWith = (path: string, value: unknown) => {
  const first = readSyncFile(fileWith(path, value, 0));
  return first.ok ? first : readSyncFile(fileWith(path, value, 1));
};

test('every example is one of its key, and can be used', () => {
  for (const { name: path, cells } of rows) {
    const example = parse(cells[3]?.slice(1, -1) ?? '') as Record<string, unknown>;
    const [key = '', ...others] = Object.keys(example);
    expect({ path, key, others }).toEqual({ path, key: path.split('.').at(-1), others: [] });
    expect({ path, read: readWith(path, example[key]) }).toMatchObject({ path, read: { ok: true } });
  }
});

test('the defaults are the real ones', () => {
  const defaults = rows.flatMap(({ name, cells }) => {
    const written = /^`([^`]+)`$/.exec(cells[1] ?? '')?.[1];
    return written === undefined ? [] : [{ path: name, value: parse(written) as unknown }];
  });
  const known = keysWithDefault(JSON.parse(jsonSchemaText()) as Schema);
  expect(defaults.map(({ path }) => path)).toEqual(expect.arrayContaining(known));
  for (const { path, value } of defaults)
    expect({ path, read: readWith(path, value) }).toEqual({
      path,
      read: readSyncFile(JSON.stringify(everything(path))),
    });
});

/** Keys whose default is one value, not a list or a mapping. */
function keysWithDefault(given: Schema, path = ''): string[] {
  const found = [given, ...(given.anyOf ?? [])].flatMap((alternative) => [
    ...Object.entries(alternative.properties ?? {}).flatMap(([name, member]) => {
      const at = path === '' ? name : `${path}.${name}`;
      const isOne = member.default !== undefined && typeof member.default !== 'object';
      return [...(isOne ? [at] : []), ...keysWithDefault(member, at)];
    }),
    ...(alternative.items ? keysWithDefault(alternative.items, `${path}[]`) : []),
  ]);
  return [...new Set(found)];
}

test.each(['reference/sync-yaml.md', 'guides/mapping.md'])('every YAML in docs/%s can be used', (page) => {
  const text = readFileSync(join(projectFolder, 'docs', page), 'utf8');
  for (const [, block = ''] of text.matchAll(/^```yaml\n([^]*?)^```/gm)) {
    const read = readSyncFile(asFile(block));
    expect(read.ok ? '' : `${block}${formatFaults('', read.faults)}`).toBe('');
  }
});

/** A whole file, further tables, or keys of one table or of the file. */
function asFile(block: string): string {
  if (block.startsWith('version:')) return block;
  const table =
    'version: 1\ntables:\n  - { dynamics: contact, campaign: profile, key: { to: externalId } }\n';
  if (block.startsWith('- dynamics')) return table + block.replace(/^(?=.)/gm, '  ');
  if (/^(events|optOut):/.test(block)) return table + block;
  const mapped = /^fields:/m.test(block)
    ? ''
    : '    fields: [{ from: gendercode, to: gender, choice: label }]\n';
  return `version: 1\ntables:\n  - dynamics: contact\n    campaign: profile\n${/^key:/m.test(block) ? '' : '    key: { to: externalId }\n'}${mapped}${block.replace(/^(?=.)/gm, '    ')}`;
}
