import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectFolder } from './arrows.js';

export interface ReferenceRow {
  name: string;
  cells: string[];
}

/** A part of a page under one heading: the heading as written, up to the next heading of any level. */
export interface Section {
  heading: string;
  text: string;
}

/**
 * The rows of every table in a page of docs/reference/ whose first cell is a name in backticks: the name, and the
 * other cells as written.
 */
export function referenceRows(page: string): ReferenceRow[] {
  return rowsOf(textOf(page));
}

export function referenceSections(page: string): Section[] {
  return textOf(page)
    .split(/^#+ /m)
    .slice(1)
    .map((part) => {
      const [heading = '', ...lines] = part.split('\n');
      return { heading, text: lines.join('\n') };
    });
}

/** As referenceRows, of a part of a page. */
export function rowsOf(text: string): ReferenceRow[] {
  return text.split('\n').flatMap((line) => {
    const cells = line
      .replace(/^\|\s*|\s*\|$/g, '')
      .split(/\s+\|\s+/)
      .map((cell) => cell.trim());
    const name = line.startsWith('|') ? /^`([^`]+)`$/.exec(cells[0] ?? '')?.[1] : undefined;
    return name ? [{ name, cells: cells.slice(1) }] : [];
  });
}

const textOf = (page: string): string => readFileSync(join(projectFolder, 'docs', 'reference', page), 'utf8');
