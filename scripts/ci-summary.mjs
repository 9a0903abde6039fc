// Adds up what vitest reported for each suite in the folder given as argument and prints `N passed, N failed`.
// A suite that failed without a failed test (a check before it, a file that did not load, a process left behind)
// counts as one failure: it must not look like success.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = process.argv[2];
let passed = 0;
let failed = 0;
for (const name of readdirSync(folder).filter((file) => file.endsWith('.status'))) {
  const status = Number(readFileSync(join(folder, name), 'utf8'));
  const report = readReport(join(folder, name.replace(/\.status$/, '.json')));
  const failures = report.numFailedTests + filesThatDidNotLoad(report);
  passed += report.numPassedTests;
  failed += status !== 0 && failures === 0 ? 1 : failures;
}
if (passed === 0 && failed === 0) failed = 1;
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;

function readReport(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return { numPassedTests: 0, numFailedTests: 0, testResults: [] };
  }
}

function filesThatDidNotLoad({ testResults }) {
  return testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0,
  ).length;
}
