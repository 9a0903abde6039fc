import { expect, test } from 'vitest';
import { rules, sourceOf, sourcesIn, violations } from './arrows.js';

test('every room imports only what DESIGN §3 lets it', () => {
  const files = sourcesIn('src');
  expect(files.length).toBeGreaterThan(20);
  expect(files.flatMap((path) => violations(path, sourceOf('src', path)))).toEqual([]);
});

test('every room with a rule is there', () => {
  const rooms = new Set(sourcesIn('src').map((path) => (path.split('/')[0] ?? '').replace(/\.ts$/, '')));
  expect(Object.keys(rules).filter((room) => !rooms.has(room))).toEqual([]);
});

test.each<[string, string, string]>([
  ['dynamics knowing Campaign', 'dynamics/client.ts', "import { a } from '../campaign/client.js';"],
  [
    'a client knowing the ledger, types too',
    'campaign/client.ts',
    "import type { Ledger } from '../ledger/store.js';",
  ],
  ['a client knowing Temporal', 'dynamics/client.ts', "import { log } from '@temporalio/activity';"],
  [
    'mapping knowing a client',
    'mapping/compile.ts',
    "import type { Dynamics } from '../dynamics/client.js';",
  ],
  ['mapping reading files', 'mapping/compile.ts', "import { readFileSync } from 'node:fs';"],
  ['mapping reading files by promises', 'mapping/compile.ts', "import { readFile } from 'node:fs/promises';"],
  ['workflows with zod', 'workflows/tick.ts', "import { z } from 'zod';"],
  ['workflows with a Node module', 'workflows/tick.ts', "import { randomUUID } from 'node:crypto';"],
  [
    'workflows with activity code',
    'workflows/tick.ts',
    "import { createIngress } from '../activities/ingress.js';",
  ],
  ['the sandbox with a client', 'sandbox/index.ts', "import { a } from '../http/request.js';"],
  [
    'the sandbox deep inside with the errors',
    'sandbox/dynamics/odata/query.ts',
    "import { a } from '../../../errors.js';",
  ],
  [
    'activities knowing the sandbox',
    'activities/ingress.ts',
    "import { startSandbox } from '../sandbox/index.js';",
  ],
  ['the worker knowing the sandbox', 'worker.ts', "import { startSandbox } from './sandbox/index.js';"],
  [
    'an import over several lines',
    'dynamics/client.ts',
    "import {\n  a,\n  b,\n} from '../campaign/client.js';",
  ],
  ['an import for its effect', 'dynamics/client.ts', "import '../campaign/client.js';"],
  ['an export from elsewhere', 'dynamics/client.ts', "export { a } from '../campaign/client.js';"],
  ['a dynamic import', 'dynamics/client.ts', "const a = await import('../campaign/client.js');"],
])('the check bites: %s', (_what, path, source) => {
  expect(violations(path, source)).toHaveLength(1);
});

test.each<[string, string, string]>([
  ['a room importing from itself', 'sandbox/dynamics/server.ts', "import { a } from '../store.js';"],
  [
    'workflows with activity types',
    'workflows/tick.ts',
    "import type { Activities } from '../activities/index.js';",
  ],
  ['activities with both clients', 'activities/ingress.ts', "import { a } from '../campaign/client.js';"],
  ['npm start with the sandbox', 'embedded.ts', "import { startSandbox } from './sandbox/index.js';"],
])('the check lets pass: %s', (_what, path, source) => {
  expect(violations(path, source)).toEqual([]);
});
