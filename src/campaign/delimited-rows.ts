import type { Line } from './delimited-lines.js';

/** A row of a delimited file; `cells` are left out where its text was too long to be read. */
export interface Row {
  cells: string[] | undefined;
  /** The byte behind it. */
  end: number;
  /** False when it is the last line of a file and has no line break: there may be more of it to come. */
  isEnded: boolean;
}

export interface Rows {
  /** The rows that are whole with this line. */
  add(line: Line): Row[];
  /** What is left when no more lines come. */
  rest(): Row[];
}

const MOST_LINES = 50;
const LONGEST_TEXT = 65_536;

/**
 * Puts lines together to rows of a delimited text (RFC 4180), as Campaign's "Extract file" writes it with or without a string delimiter
 * (campaign.md §7). A cell in quotes may hold separators and line breaks. A quote that is not closed, or not before a separator, is a
 * character like any other: without a string delimiter a label may well begin with one. `columns` is how many cells a row should have.
 */
export function createRows(separator: string, columns: number): Rows {
  let open: Line[] = [];

  function add(line: Line): Row[] {
    if (line.isTooLong) return [...rest(), { cells: undefined, end: line.end, isEnded: line.isEnded }];
    open.push(line);
    const text = open.length === 1 ? line.text : open.map((each) => each.text).join('\n');
    const cells = cellsOf(text.replace(/\r$/, ''), separator);
    if (cells === undefined)
      return open.length < MOST_LINES && text.length < LONGEST_TEXT ? [] : withoutQuotes();
    // Lines that are rows each for itself are no text in quotes, which would have to look like rows by chance.
    if (open.length > 1 && open.every((each) => plainCells(each).length === columns)) return withoutQuotes();
    open = [];
    return [{ cells, end: line.end, isEnded: line.isEnded }];
  }

  const plainCells = ({ text }: Line): string[] => text.replace(/\r$/, '').split(separator);

  /** The quote that opened is none: the first line is a row, and those behind it are looked at again. */
  function withoutQuotes(): Row[] {
    const [first, ...others] = open;
    open = [];
    if (!first) return [];
    const row = { cells: plainCells(first), end: first.end, isEnded: first.isEnded };
    return [row, ...others.flatMap(add)];
  }

  function rest(): Row[] {
    const rows: Row[] = [];
    while (open.length > 0) rows.push(...withoutQuotes());
    return rows;
  }

  return { add, rest };
}

/** Undefined when a quote is open at the end. */
export function cellsOf(text: string, separator: string): string[] | undefined {
  if (!text.includes('"')) return text.split(separator);
  const cells: string[] = [];
  for (let from = 0; ;) {
    const quoted = text[from] === '"' ? quotedCell(text, from, separator) : 'plain';
    if (quoted === 'open') return undefined;
    if (quoted === 'plain') {
      const to = text.indexOf(separator, from);
      cells.push(text.slice(from, to < 0 ? undefined : to));
      if (to < 0) return cells;
      from = to + 1;
    } else {
      cells.push(quoted.value);
      if (quoted.end === text.length) return cells;
      from = quoted.end + 1;
    }
  }
}

function quotedCell(
  text: string,
  start: number,
  separator: string,
): { value: string; end: number } | 'open' | 'plain' {
  let value = '';
  for (let from = start + 1; ;) {
    const quote = text.indexOf('"', from);
    if (quote < 0) return 'open';
    value += text.slice(from, quote);
    const behind = text[quote + 1];
    if (behind === undefined || behind === separator) return { value, end: quote + 1 };
    if (behind !== '"') return 'plain';
    value += '"';
    from = quote + 2;
  }
}

const SEPARATORS = { tab: '\t', semicolon: ';', comma: ',' } as const;
export type Separator = keyof typeof SEPARATORS | 'auto';

/** The separator's character; `auto` takes the one that the first row has most of. */
export function separatorOf(separator: Separator, firstRow: string): string {
  if (separator !== 'auto') return SEPARATORS[separator];
  const outsideQuotes = firstRow.replace(/"[^"]*"/g, '');
  const counted = Object.values(SEPARATORS).map((character) => ({
    character,
    count: outsideQuotes.split(character).length,
  }));
  return counted.toSorted((one, other) => other.count - one.count)[0]?.character ?? '\t';
}
