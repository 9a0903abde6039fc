import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectFolder } from './arrows.js';

/**
 * The rows of every table in a page of docs/reference/ whose first cell is a name in backticks: the name, and the
 * other cells as written.
 */
export function referenceRows(page: string): { name: string; cells: string[] }[] {
  const text = readFileSync(join(projectFolder, 'docs', 'reference', page), 'utf8');
  return text.split('\n').flatMap((line) => {
    const cells = line
      .replace(/^\|\s*|\s*\|$/g, '')
      .split(/\s+\|\s+/)
      .map((cell) => cell.trim());
    const name = line.startsWith('|') ? /^`([^`]+)`$/.exec(cells[0] ?? '')?.[1] : undefined;
    return name ? [{ name, cells: cells.slice(1) }] : [];
  });
}
