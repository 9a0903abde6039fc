import { expect, test } from 'vitest';
import { exactJsonObject, jsonObject } from '../../src/http/json.js';

test.each([
  ['a BigInt beyond 2^53', '{"v":90071992547409931}', '90071992547409931'],
  ['a long decimal', '{"v":[0.12345678901234567890]}', ['0.12345678901234567890']],
  ['a number beyond all doubles', '{"v":1e400}', '1e400'],
  ['a negative one', '{"v": -90071992547409931}', '-90071992547409931'],
])('%s is kept as its digits', (_name, text, value) => {
  expect(exactJsonObject(text)).toEqual({ v: value });
});

test('other numbers are numbers, and digits in texts are texts', () => {
  const text = '{"a":20000.0000,"b":-1,"c":0,"d":", 90071992547409931","e":1.5e3}';
  expect(exactJsonObject(text)).toEqual({ a: 20000, b: -1, c: 0, d: ', 90071992547409931', e: 1500 });
  expect(exactJsonObject('{"a":20000.0000,"b":12345678}')).toEqual({ a: 20000, b: 12345678 });
});

test.each(['', '[]', '"text"', 'null', '{"a":1', '<html>', '{"a":90071992547409931'])(
  '%j is no object',
  (text) => {
    expect(exactJsonObject(text)).toBeUndefined();
    expect(jsonObject(text)).toBeUndefined();
  },
);
