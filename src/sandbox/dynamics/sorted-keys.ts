/** Keys in order, for paging over rows that come and go: inserts and deletes cost about a thousand moves. */
export interface SortedKeys {
  add(key: string): void;
  delete(key: string): void;
  /** The keys behind `after`, or all of them, in ascending order. Changes while iterating are not followed. */
  following(after?: string): IterableIterator<string>;
}

const MAX_CHUNK = 2048;

export function createSortedKeys(keys: Iterable<string>): SortedKeys {
  const chunks = chunksOf([...keys].sort());

  function add(key: string): void {
    const index = chunkFor(chunks, key);
    const chunk = chunks[index];
    if (!chunk) {
      chunks.push([key]);
      return;
    }
    const position = lowerBound(chunk, key);
    if (chunk[position] === key) return;
    chunk.splice(position, 0, key);
    if (chunk.length > MAX_CHUNK) chunks.splice(index + 1, 0, chunk.splice(MAX_CHUNK / 2));
  }

  function remove(key: string): void {
    const index = chunkFor(chunks, key);
    const chunk = chunks[index];
    if (!chunk) return;
    const position = lowerBound(chunk, key);
    if (chunk[position] !== key) return;
    chunk.splice(position, 1);
    if (chunk.length === 0) chunks.splice(index, 1);
  }

  function* following(after?: string): IterableIterator<string> {
    const first = after === undefined ? 0 : chunkFor(chunks, after);
    for (let index = first; index < chunks.length; index++) {
      const chunk = chunks[index] ?? [];
      let position = after !== undefined && index === first ? lowerBound(chunk, after) : 0;
      if (after !== undefined && chunk[position] === after) position++;
      for (; position < chunk.length; position++) yield chunk[position] as string;
    }
  }

  return { add, delete: remove, following };
}

function chunksOf(sorted: string[]): string[][] {
  const chunks: string[][] = [];
  for (let start = 0; start < sorted.length; start += MAX_CHUNK / 2) {
    chunks.push(sorted.slice(start, start + MAX_CHUNK / 2));
  }
  return chunks;
}

/** The last chunk that does not begin behind the key. */
function chunkFor(chunks: string[][], key: string): number {
  let low = 0;
  let high = chunks.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((chunks[middle]?.[0] ?? '') <= key) low = middle;
    else high = middle - 1;
  }
  return low;
}

function lowerBound(sorted: string[], key: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] as string) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
