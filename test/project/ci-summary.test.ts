import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { projectFolder } from './arrows.js';

interface SuiteResult {
  status: number;
  report?: { numPassedTests: number; numFailedTests: number; testResults: object[] };
}
const passing = { numPassedTests: 5, numFailedTests: 0, testResults: [] };
const fileThatDidNotLoad = { status: 'failed', assertionResults: [] };

test.each<[string, SuiteResult[], string, number]>([
  [
    'adds up the suites',
    [
      { status: 0, report: passing },
      { status: 0, report: passing },
    ],
    '10 passed, 0 failed',
    0,
  ],
  [
    'counts failed tests',
    [{ status: 1, report: { ...passing, numFailedTests: 2 } }],
    '5 passed, 2 failed',
    1,
  ],
  [
    'counts a file that did not load',
    [{ status: 1, report: { ...passing, testResults: [fileThatDidNotLoad] } }],
    '5 passed, 1 failed',
    1,
  ],
  ['counts a suite that never got to its tests', [{ status: 2 }], '0 passed, 1 failed', 1],
  ['counts a suite that failed after its tests', [{ status: 1, report: passing }], '5 passed, 1 failed', 1],
  ['counts a run without a test as failed', [], '0 passed, 1 failed', 1],
])('the last line of CI %s', async (_what, suites, line, status) => {
  expect(await summaryOf(suites)).toEqual({ line, status });
});

async function summaryOf(suites: SuiteResult[]): Promise<{ line: string; status: number }> {
  const folder = await mkdtemp(join(tmpdir(), 'sync-ci-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  for (const [index, { status, report }] of suites.entries()) {
    await writeFile(join(folder, `${index}.status`), `${status}\n`);
    if (report) await writeFile(join(folder, `${index}.json`), JSON.stringify(report));
  }
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [join(projectFolder, 'scripts', 'ci-summary.mjs'), folder],
      (error, stdout) => {
        resolve({ line: stdout.trim(), status: Number(error?.code ?? 0) });
      },
    );
  });
}
