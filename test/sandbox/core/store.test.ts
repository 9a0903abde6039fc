import { appendFileSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createStore } from '../../../src/sandbox/disk-store.js';

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sandbox-store-'));
  file = join(folder, 'sandbox.log');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it('keeps what was committed, in order of insertion, without being closed', () => {
  const store = createStore(file);
  const people = store.collection<{ name: string }>('people');
  people.set('b', { name: 'Zoë 🌸\n"quoted"' });
  people.set('a', { name: 'Ada' });
  people.set('c', { name: 'gone' });
  people.delete('c');
  people.set('a', { name: 'Ada Byron' });
  store.commit();
  const reopened = createStore(file).collection<{ name: string }>('people');
  expect([...reopened.entries()]).toEqual([
    ['b', { name: 'Zoë 🌸\n"quoted"' }],
    ['a', { name: 'Ada Byron' }],
  ]);
});

it('moves a key that was deleted and set again in one commit to the end', () => {
  const store = createStore(file);
  const rows = store.collection<number>('rows');
  for (const key of ['a', 'b']) rows.set(key, 1);
  store.commit();
  rows.delete('a');
  rows.set('a', 2);
  store.commit();
  expect([...rows.keys()]).toEqual(['b', 'a']);
  expect([...createStore(file).collection<number>('rows').entries()]).toEqual([...rows.entries()]);
});

it('forgets what was never committed', () => {
  const store = createStore(file);
  store.collection<number>('rows').set('a', 1);
  store.commit();
  store.collection<number>('rows').set('b', 2);
  expect([...createStore(file).collection<number>('rows').keys()]).toEqual(['a']);
});

it('drops a last line that was torn, whole, and goes on behind the line before it', () => {
  const store = createStore(file);
  store.collection<number>('rows').set('a', 1);
  store.commit();
  appendFileSync(file, '[["rows","b",2],["rows","c"');
  const second = createStore(file);
  expect([...second.collection<number>('rows').keys()]).toEqual(['a']);
  second.collection<number>('rows').set('d', 4);
  second.commit();
  expect([...createStore(file).collection<number>('rows').keys()]).toEqual(['a', 'd']);
});

it('remembers that a collection was cleared, and a reset of everything', () => {
  const store = createStore(file);
  store.collection<number>('rows').set('a', 1);
  store.collection<number>('other').set('x', 1);
  store.commit();
  store.collection<number>('rows').clear();
  store.commit();
  const second = createStore(file);
  expect(second.collection('rows').size).toBe(0);
  expect(second.collection('other').size).toBe(1);
  second.reset();
  expect(createStore(file).collection('other').size).toBe(0);
});

it('rewrites a log of outdated lines when it is opened', () => {
  const store = createStore(file);
  for (let round = 0; round < 12_000; round += 1) {
    store.collection<string>('rows').set(`key-${round % 100}`, `value ${round}`);
    if (round % 10 === 9) store.commit();
  }
  store.close();
  const before = statSync(file).size;
  const second = createStore(file);
  expect(statSync(file).size).toBeLessThan(before / 20);
  expect(second.collection<string>('rows').get('key-99')).toBe('value 11999');
  second.collection<string>('rows').set('later', 'x');
  second.commit();
  expect(createStore(file).collection('rows').size).toBe(101);
});

it('reads lines that are longer than what it reads at once', () => {
  const store = createStore(file);
  const long = 'ä🌸'.repeat(3_000_000);
  store.collection<string>('rows').set('long', long);
  store.collection<string>('rows').set('short', 'x');
  store.commit();
  store.collection<string>('rows').set('next', 'y');
  store.commit();
  const reopened = createStore(file).collection<string>('rows');
  expect(reopened.get('long') === long).toBe(true);
  expect([reopened.get('short'), reopened.get('next')]).toEqual(['x', 'y']);
});
