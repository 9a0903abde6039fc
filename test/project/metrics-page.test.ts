import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { createMetrics } from '../../src/metrics/catalogue.js';
import { projectFolder } from './arrows.js';
import { referenceRows, rowsOf } from './reference-pages.js';

interface Described {
  kind: string;
  labels: string[];
  help: string;
}
interface Rule {
  alert: string;
  expr: string;
  labels: { severity: string };
  annotations: { summary: string };
}

const read = (...path: string[]): string => readFileSync(join(projectFolder, ...path), 'utf8');
const named = (cell = ''): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);

/** As a scrape of a worker that has just started describes them. */
const text = await createMetrics().registry.metrics();
const kinds = new Map(
  [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', kind = '']) => [name, kind]),
);
const helps = new Map(
  [...text.matchAll(/^# HELP (\S+) (.*)$/gm)].map(([, name = '', help = '']) => [name, help]),
);

const rows = referenceRows('metrics.md');
const written = new Map<string, Described>(
  rows
    .filter(({ name }) => name.startsWith('dcs_'))
    .map(({ name, cells: [kind = '', labels, help = ''] }) => [
      name,
      { kind, labels: named(labels), help: help.replace(/\.$/, '') },
    ]),
);

test('metrics.md and the registry say the same, metric by metric', () => {
  expect(written.size).toBeGreaterThan(20);
  const of = (part: 'kind' | 'help') => new Map([...written].map(([name, row]) => [name, row[part]]));
  expect(of('kind')).toEqual(kinds);
  expect(of('help')).toEqual(helps);
});

test('a metric takes the labels that metrics.md gives it, and no other', () => {
  const { registry } = createMetrics();
  for (const [name, { labels }] of written) {
    const metric = registry.getSingleMetric(name) as { remove(labels: object): void } | undefined;
    const given = Object.fromEntries(labels.map((label) => [label, 'x']));
    expect(() => metric?.remove({ ...given, another: 'x' }), name).toThrow(/another/);
    expect(() => metric?.remove(given), name).not.toThrow();
  }
});

test('every label of a metric is explained', () => {
  const explained = rows.map(({ name }) => name).filter((name) => /^[a-z]+$/.test(name));
  const used = new Set([...written.values()].flatMap(({ labels }) => labels));
  expect(explained.toSorted()).toEqual([...used].toSorted());
});

describe('alerts.yaml', () => {
  const { groups } = parse(read('deploy', 'prometheus', 'alerts.yaml')) as { groups: { rules: Rule[] }[] };
  const rules = groups.flatMap((group) => group.rules);

  test('asks only for metrics that metrics.md lists', () => {
    expect(rules.length).toBeGreaterThan(10);
    const known = new Set(rows.map(({ name }) => name));
    const asked = rules.flatMap(({ alert, expr }) => metricsIn(expr).map((metric) => ({ alert, metric })));
    expect(new Set(asked.map(({ alert }) => alert)).size).toBe(rules.length);
    expect(asked.filter(({ metric }) => !known.has(metric))).toEqual([]);
  });

  test('selects and groups only by labels that the metrics have', () => {
    const wrong = rules.flatMap(({ alert, expr }) => {
      const metrics = metricsIn(expr).filter((metric) => metric.startsWith('dcs_'));
      const known = metrics.flatMap((metric) => written.get(metric)?.labels ?? []);
      return metrics.length === 0
        ? []
        : labelsIn(expr).flatMap((label) => (known.includes(label) ? [] : [{ alert, label }]));
    });
    expect(wrong).toEqual([]);
  });

  test('shows in its summary only labels that are left', () => {
    for (const { alert, expr, annotations } of rules) {
      const shown = [...annotations.summary.matchAll(/\$labels\.(\w+)/g)].map(([, label = '']) => label);
      expect({ alert, lost: shown.filter((label) => !labelsIn(expr).includes(label)) }).toEqual({
        alert,
        lost: [],
      });
    }
  });

  test('is explained rule by rule in the guide', () => {
    const explained = rowsOf(read('docs', 'guides', 'monitoring.md')).map(({ name }) => name);
    expect(explained.filter((name) => name.startsWith('Dcs'))).toEqual(rules.map(({ alert }) => alert));
  });
});

const metricsIn = (expr: string): string[] => expr.match(/\b(?:dcs|temporal)_\w+/g) ?? [];

/** What is grouped or joined by, and what is selected by. */
function labelsIn(expr: string): string[] {
  const grouped = [...expr.matchAll(/\b(?:by|on) \(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(','));
  const selected = [...expr.matchAll(/(\w+)\s*(?:=~|!~|!=|=)\s*"/g)].map(([, label = '']) => label);
  return [...grouped, ...selected].map((label) => label.trim()).filter(Boolean);
}
