import { isMap, isSeq, type Document, type LineCounter, type Node, type Pair } from 'yaml';
import type { Path } from './raw-file.js';

/** From 1, as editors count. */
export interface Place {
  line: number;
  column: number;
}

export function placeAt(lines: LineCounter, offset: number): Place {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

/** Finds where a path stands in the file: at its key, or at the nearest thing around it that is there. */
export function createOffsetOf(document: Document): (path: Path) => number {
  // Looked up by name, key by key: a file may have thousands of faults in one mapping.
  const keysOf = new Map<unknown, Map<string, Pair>>();
  const pairOf = (map: { items: Pair[] }, name: string): Pair | undefined => {
    const known = keysOf.get(map) ?? new Map(map.items.toReversed().map((pair) => [String(pair.key), pair]));
    keysOf.set(map, known);
    return known.get(name);
  };
  return (path) => {
    let node: unknown = document.contents;
    let offset = offsetOf(document.contents) ?? 0;
    for (const key of path) {
      if (isMap(node)) {
        const pair = pairOf(node, String(key));
        if (!pair) return offset;
        offset = offsetOf(pair.key) ?? offset;
        node = pair.value;
      } else if (isSeq(node)) {
        node = node.items[Number(key)];
        offset = offsetOf(node) ?? offset;
      } else break;
    }
    return offset;
  };
}

const offsetOf = (node: unknown): number | undefined => (node as Node | null | undefined)?.range?.[0];
