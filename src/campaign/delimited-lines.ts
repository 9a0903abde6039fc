import { textOf, type TextEncodingName } from './text-encoding.js';

/** A line of a text file, without its line feed: its end is the byte behind that. */
export interface Line {
  text: string;
  end: number;
  /** False for what stands behind the last line break. */
  isEnded: boolean;
  /** It was longer than a line may be, and its text is left out. */
  isTooLong?: true;
}

/** A row of any log is far shorter; what is longer is not read into memory. */
const LONGEST_LINE = 262_144;
const BREAK = 0x0a;

/** Splits bytes into lines, as many at a time as a chunk holds. `start` is the place of the first byte in the file. */
export async function* linesOf(
  chunks: AsyncIterable<Buffer>,
  encoding: TextEncodingName,
  start = 0,
): AsyncGenerator<Line[]> {
  let open: Buffer[] = [];
  let openBytes = 0;
  let place = start;

  const line = (last: Buffer, isEnded: boolean): Line => {
    place += last.length + (isEnded ? 1 : 0);
    const isTooLong = openBytes + last.length > LONGEST_LINE;
    const bytes = isTooLong ? Buffer.alloc(0) : open.length === 0 ? last : Buffer.concat([...open, last]);
    open = [];
    openBytes = 0;
    const text = textOf(bytes, encoding);
    return { text, end: place, isEnded, ...(isTooLong && { isTooLong }) };
  };

  for await (const chunk of chunks) {
    const lines: Line[] = [];
    let from = 0;
    for (let to = chunk.indexOf(BREAK); to >= 0; to = chunk.indexOf(BREAK, from)) {
      lines.push(line(chunk.subarray(from, to), true));
      from = to + 1;
    }
    const rest = chunk.subarray(from);
    place += rest.length;
    openBytes += rest.length;
    if (openBytes <= LONGEST_LINE && rest.length > 0) open.push(Buffer.from(rest));
    if (lines.length > 0) yield lines;
  }
  if (openBytes > 0) yield [line(Buffer.alloc(0), false)];
}
