/** How many rows one call carries: as many as the system takes easily. */
export interface ChunkSize {
  now(): number;
  /** A call of so many rows was answered after so long. */
  answered(rows: number, tookMs: number): void;
  /** A call of so many rows was too much. */
  tooMuch(rows: number): void;
}

/** A call beyond this long holds its rows back, and gains nothing by more of them. */
const QUICK_MS = 2_000;

/** Doubles with quick answers, halves with calls that are too much; never below one row. */
export function createChunkSize({ start, most }: { start: number; most: number }): ChunkSize {
  let size = start;
  return {
    now: () => size,
    answered(rows, tookMs) {
      if (rows >= size && tookMs < QUICK_MS) size = Math.min(most, size * 2);
    },
    tooMuch(rows) {
      size = Math.max(1, Math.min(size, Math.floor(rows / 2)));
    },
  };
}

/** In groups of at most so many. */
export const divided = <Item>(items: Item[], size: number): Item[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
