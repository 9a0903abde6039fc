import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import type { Checked } from '../../src/command-line/check.js';
import { wholeExampleDocument } from '../support/mapping-document.js';
import { startStack, type Stack } from '../support/stack.js';

const project = fileURLToPath(new URL('../..', import.meta.url));
let stack: Stack;

beforeAll(async () => {
  stack = await startStack({
    temporalAddress: inject('temporalAddress'),
    contacts: 20,
    document: wholeExampleDocument,
  });
  await stack.starter('provision');
}, 60_000);
afterAll(() => stack.stop(), 60_000);

test.each(['sync.example.yaml', 'docs/examples/custom-tables.yaml'])(
  'check finds no error in %s',
  async (file) => {
    const { status, out, error } = await stack.starter('check', '--config', `${project}${file}`, '--json');
    expect({ status, error }).toEqual({ status: 0, error: '' });
    const { ok, findings } = JSON.parse(out) as Checked;
    expect(findings.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(ok).toBe(true);

    // Every table of the file was looked at.
    const tables = [...readFileSync(`${project}${file}`, 'utf8').matchAll(/^ {2}- dynamics: (\w+)$/gm)];
    expect(tables.length).toBeGreaterThan(0);
    const tracked = findings.filter(({ area }) => area === 'tracking').map(({ subject }) => subject);
    expect(tracked).toEqual(expect.arrayContaining(tables.map(([, table]) => table)));
  },
  60_000,
);
