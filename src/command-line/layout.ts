import Table from 'cli-table3';

/** So wide at most is what a command prints for a person: a terminal's usual width, and a ticket's. */
export const WIDTH = 80;
const GAP = 2;
/** A column of text is not made narrower than this: it would be read letter by letter. */
const NARROWEST = 12;

type Cell = string | number;

/** Tables without colours or frames, so that they read the same on a screen, in a file and in a ticket. */
const plain = {
  chars: {
    top: '', 'top-mid': '', 'top-left': '', 'top-right': '', bottom: '', 'bottom-mid': '', 'bottom-left': '',
    'bottom-right': '', left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: '  ',
  },
  style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
}; // prettier-ignore

/**
 * Rows under their heads. Where they are wider than 80 columns, texts are broken into lines; where that does not do, each row becomes a
 * block of its own, with a line for each column.
 */
export function table(head: string[], rows: Cell[][], indent = ''): string {
  const widths = columnWidths(head, rows, WIDTH - indent.length);
  if (!widths) {
    const blocks = rows.map((row) =>
      head.map((name, column): [string, string] => [name, String(row[column] ?? '')]),
    );
    return blocks.map((block) => pairs(block, indent)).join('\n\n');
  }
  const drawn = new Table({ ...plain, head });
  drawn.push(
    ...rows.map((row) =>
      row.map((cell, column) => wrapped(String(cell), widths[column] ?? WIDTH).join('\n')),
    ),
  );
  return trimmed(drawn.toString().replace(/^/gm, indent));
}

/** Undefined when no widths make the table fit. Only texts are narrowed, the widest first: a number is not broken. */
function columnWidths(head: string[], rows: Cell[][], width: number): number[] | undefined {
  const cellsOf = (column: number): Cell[] => [head[column] ?? '', ...rows.map((row) => row[column] ?? '')];
  const widths = head.map((_name, column) => Math.max(...cellsOf(column).map((cell) => String(cell).length)));
  const isText = head.map((_name, column) => rows.some((row) => typeof row[column] === 'string'));
  const room = width - GAP * (head.length - 1);
  for (let over = sum(widths) - room; over > 0; over = sum(widths) - room) {
    const [widest] = widths
      .map((now, column) => ({ now, column }))
      .filter(({ now, column }) => isText[column] && now > Math.max(NARROWEST, head[column]?.length ?? 0))
      .toSorted((one, other) => other.now - one.now);
    if (!widest) return undefined;
    widths[widest.column] = widest.now - 1;
  }
  return widths;
}

/** Names and texts beside each other, the texts in a column of their own. */
export function pairs(lines: [string, string][], indent = '  '): string {
  const width = Math.max(...lines.map(([name]) => name.length));
  const margin = indent.length + width + GAP;
  return trimmed(
    lines
      .flatMap(([name, text]) =>
        wrapped(text, WIDTH - margin).map(
          (line, index) => `${indent}${(index === 0 ? name : '').padEnd(width)}  ${line}`,
        ),
      )
      .join('\n'),
  );
}

/** Lines of sentences, those over 80 columns broken between words. A command to be copied stays in one piece. */
export function folded(text: string): string {
  return text
    .split('\n')
    .flatMap((line) => {
      const [, indent = '', rest = ''] = /^( *)(.*)$/.exec(line) ?? [];
      if (line.length <= WIDTH || rest.startsWith('npm ')) return [line];
      const [first = '', ...others] = wrapped(rest, WIDTH - indent.length - GAP);
      return [`${indent}${first}`, ...others.map((other) => `${indent}${' '.repeat(GAP)}${other}`)];
    })
    .join('\n');
}

/** Broken between words; a word that is too long, after a sign that joins its parts, or else anywhere. */
function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ').flatMap((each) => pieces(each, width))) {
    const joined = line === '' || !word.startsAnew ? `${line}${word.text}` : `${line} ${word.text}`;
    if (joined.length <= width) line = joined;
    else {
      lines.push(line);
      line = word.text;
    }
  }
  return [...lines, line];
}

interface Piece {
  text: string;
  /** A space belongs before it. */
  startsAnew: boolean;
}

function pieces(word: string, width: number): Piece[] {
  if (word.length <= width) return [{ text: word, startsAnew: true }];
  const parts = (word.match(/[^/_.,:|-]*[/_.,:|-]+|[^/_.,:|-]+/g) ?? [word]).flatMap((part) =>
    Array.from({ length: Math.ceil(part.length / width) }, (_each, index) =>
      part.slice(index * width, (index + 1) * width),
    ),
  );
  return parts.map((text, index) => ({ text, startsAnew: index === 0 }));
}

const sum = (numbers: number[]): number => numbers.reduce((total, each) => total + each, 0);
/** Spaces at the ends of lines are only there to be copied by mistake. */
const trimmed = (text: string): string => text.replace(/ +$/gm, '');
