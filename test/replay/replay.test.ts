import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { DeterminismViolationError } from '@temporalio/workflow';
import { bundleWorkflowCode, Worker, type WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { pino } from 'pino';
import { installRuntime } from '../../src/temporal/runtime.js';
import { beforeAll, describe, expect, test } from 'vitest';

const pathOf = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));
const folder = pathOf('./histories/');
const names = readdirSync(folder).filter((name) => name.endsWith('.json'));
const historyOf = (name: string): unknown => JSON.parse(readFileSync(`${folder}${name}`, 'utf8'));
const bundle = (relative: string): Promise<WorkflowBundleWithSourceMap> =>
  bundleWorkflowCode({ workflowsPath: pathOf(relative), logger: quiet });
const quiet = { log() {}, trace() {}, debug() {}, info() {}, warn() {}, error() {} };

installRuntime(pino({ level: 'silent' }));

let workflows: WorkflowBundleWithSourceMap;
let changed: WorkflowBundleWithSourceMap;
beforeAll(async () => {
  workflows = await bundle('../../src/workflows/index.ts');
  changed = await bundle('./changed-workflows.ts');
}, 60_000);

const idOf = (name: string): string => name.replace(/\.json$/, '').replaceAll('__', '/');

describe('stored histories', () => {
  test('are there for every workflow type', () => {
    const types = names.map((name) => name.split('.')[0]);
    const entry = readFileSync(pathOf('../../src/workflows/index.ts'), 'utf8');
    const exported = [...entry.matchAll(/^export \{ (\w+) \}/gm)].map(([, name]) => name);
    expect(exported.length).toBeGreaterThan(3);
    expect(new Set(types)).toEqual(new Set(exported));
  });

  test.each(names)('%s replays', async (name) => {
    expect.assertions(1);
    await expect(
      Worker.runReplayHistory({ workflowBundle: workflows }, historyOf(name), idOf(name)),
    ).resolves.toBeUndefined();
  });

  test.each(names.filter((name) => name.startsWith('ingress.')))(
    '%s fails on a workflow that does other things',
    async (name) => {
      await expect(
        Worker.runReplayHistory({ workflowBundle: changed }, historyOf(name), idOf(name)),
      ).rejects.toThrow(DeterminismViolationError);
    },
  );
});
