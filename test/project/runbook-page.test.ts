import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Waiting } from '../../src/contracts.js';
import { catalogue } from '../../src/errors.js';
import { projectFolder } from './arrows.js';
import { rowsOf } from './reference-pages.js';

const page = readFileSync(join(projectFolder, 'docs', 'guides', 'runbook.md'), 'utf8');
const partUnder = (heading: string): string => page.split(`\n${heading}\n`)[1]?.split(/\n##+ /)[0] ?? '';

/** Every reason, since one that is missing or too many does not compile. */
const waits: Record<Waiting['reason'], true> = {
  throttled: true,
  budget: true,
  lease: true,
  parent: true,
  children: true,
};

test('every code is in the runbook once, under the one who has to act', () => {
  const told = [...partUnder('## By code').matchAll(/^\|[^|]+\|(.*)\|$/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`([A-Z_]+)`/g)].map(([, code = '']) => code),
  );
  expect(told.toSorted()).toEqual(Object.keys(catalogue).toSorted());
});

test('no code is spoken of that is none', () => {
  const spoken = [...page.matchAll(/`([A-Z]+(?:_[A-Z]+)+)`/g)].map(([, code = '']) => code);
  const others = spoken.filter((code) => !(code in catalogue));
  // Settings are written alike.
  expect(others.filter((name) => !/^(DYNAMICS|CAMPAIGN|LEDGER|LEASE|PAYLOAD|TEMPORAL)_/.test(name))).toEqual(
    [],
  );
  expect(spoken.length).toBeGreaterThan(60);
});

test('every reason that a flow waits for is explained', () => {
  const explained = rowsOf(partUnder('### Lag grows')).map(({ name }) => name);
  expect(explained.toSorted()).toEqual(Object.keys(waits).toSorted());
});
