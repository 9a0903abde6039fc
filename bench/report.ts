import Table from 'cli-table3';
import type { Conditions, Figure } from './figures.js';

/** What `--json` prints. */
export interface Report extends Conditions {
  /** False when a count is wrong; a target that is not met leaves it true. */
  ok: boolean;
  contacts: number;
  machine: { node: string; processors: number };
  figures: Figure[];
  faults: string[];
}

/** The same for a person. */
export function reportText({ figures, faults, contacts, concurrency, latencyMs, machine }: Report): string {
  const table = new Table({
    head: ['measurement', 'figure', 'value', 'target', ''],
    style: { head: [], border: [] },
    colAligns: ['left', 'left', 'right', 'left', 'left'],
  });
  for (const line of figures) {
    const { measurement, figure, value, unit, target } = line;
    const shown = `${readable(value)}${unit === undefined ? '' : ` ${unit}`}`;
    table.push([measurement, figure, shown, target ?? '', verdictOf(line)]);
  }
  const conditions = `${contacts} contacts, C = ${concurrency}, L = ${latencyMs} ms, ${machine.processors} processors, Node.js ${machine.node}`;
  return [conditions, table.toString(), ...faults.map((fault) => `WRONG: ${fault}`)].join('\n');
}

/** A target that could not be judged under these conditions is neither met nor missed. */
function verdictOf({ target, met }: Figure): string {
  if (target === undefined) return '';
  return met === undefined ? 'not judged' : met ? 'met' : 'not met';
}

const readable = (value: number): string =>
  Number.isInteger(value) ? String(value) : value >= 100 ? value.toFixed(1) : value.toFixed(3);
