import { expect, test } from 'vitest';
import { npmScript } from '../support/npm-start.js';

test('refuses wrong use with exit status 2 and every fault', async () => {
  const { status, stdout, stderr } = await npmScript('bench', [
    'quick',
    '--contacts',
    '3',
    '--latency',
    'low',
  ]).finished;
  expect(status).toBe(2);
  expect(stdout).toBe('');
  for (const named of ['quick', '--contacts', '--latency']) expect(stderr).toContain(named);
});
