import { expect, test } from 'vitest';
import { npmScript } from '../support/npm-start.js';

interface Report {
  ok: boolean;
  faults: string[];
  figures: { measurement: string; figure: string; value: number }[];
}

test('measures in one JSON document, with the counts that must hold at any speed', async () => {
  const { status, stdout, stderr } = await npmScript('bench', [
    '--contacts',
    '60',
    '--latency',
    '0',
    '--json',
  ]).finished;
  const report = JSON.parse(stdout) as Report;
  expect(report.faults).toEqual([]);
  expect({ status, ok: report.ok }).toEqual({ status: 0, ok: true });
  expect(stderr).toContain('first load of 60 contacts');
  const valueOf = (measurement: string, name: string): number | undefined =>
    report.figures.find((each) => each.measurement === measurement && each.figure === name)?.value;
  expect(valueOf('changes', 'rows read')).toBe(60);
  expect(valueOf('changes', 'Campaign calls per changed row')).toBe(1);
  expect(valueOf('idle', 'Dynamics calls per poll')).toBe(1);
  expect(valueOf('idle', 'Campaign calls per poll')).toBe(0);
  expect(valueOf('idle', 'Temporal actions per poll')).toBeLessThanOrEqual(8);
  expect(valueOf('first-load', 'rows a second')).toBeGreaterThan(0);
}, 120_000);

test('ends with all it has started when it is interrupted', async () => {
  const bench = npmScript('bench', ['--contacts', '500']);
  await new Promise<void>((resolve) => {
    let said = '';
    bench.child.stderr?.on('data', (text: string) => {
      said += text;
      if (said.includes('the product')) resolve();
    });
  });
  // As Ctrl-C in a terminal: to the whole process group.
  process.kill(-(bench.child.pid ?? 0), 'SIGINT');
  const { status, stdout } = await bench.finished;
  expect({ status, stdout }).toEqual({ status: 130, stdout: '' });
}, 120_000);
