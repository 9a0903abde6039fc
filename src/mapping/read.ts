import { isMap, isSeq, LineCounter, parseDocument, type Document, type Node } from 'yaml';
import type { z } from 'zod';
import { crossChecks, type CrossFault } from './cross-checks.js';
import { syncSchema, type SyncConfig } from './schema.js';

export interface MappingFault {
  line: number;
  column: number;
  /** e.g. `tables[0].fields[3].to`. */
  path: string;
  message: string;
}

/** An alias may multiply what stands in the file, but not a million times. */
const MAX_ALIASES = 100;

/** Reads sync.yaml: the mapping, or every fault it has, each with its line. Never throws, whatever the text. */
export function readSyncFile(
  text: string,
): { ok: true; config: SyncConfig } | { ok: false; faults: MappingFault[] } {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, stringKeys: true });
  if (document.errors.length > 0) {
    return {
      ok: false,
      faults: document.errors.map(({ message, pos }) => ({
        ...at(lines, pos[0]),
        path: '',
        message: firstLine(message),
      })),
    };
  }
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch {
    return { ok: false, faults: [{ line: 1, column: 1, path: '', message: 'too many aliases' }] };
  }
  const parsed = syncSchema.safeParse(value);
  const faults: CrossFault[] = parsed.success
    ? crossChecks(parsed.data)
    : parsed.error.issues.flatMap((issue) => schemaFaults(issue, value));
  if (parsed.success && faults.length === 0) return { ok: true, config: parsed.data };
  const placed = faults.map(({ path, message }) => ({
    ...at(lines, offsetOf(document, path)),
    path: pathText(path),
    message,
  }));
  return { ok: false, faults: placed.toSorted((a, b) => a.line - b.line || a.column - b.column) };
}

/** One line a fault: `sync.yaml:12:5  tables[0].fields[3].to: …`. */
export const formatFaults = (fileName: string, faults: MappingFault[]): string =>
  faults
    .map(
      ({ line, column, path, message }) =>
        `${fileName}:${line}:${column}  ${path === '' ? '' : `${path}: `}${message}`,
    )
    .join('\n');

function schemaFaults(issue: z.core.$ZodIssue, root: unknown): CrossFault[] {
  const path = issue.path as (string | number)[];
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({ path: [...path, key], message: 'unknown key' }));
    case 'invalid_union': {
      // A field is either a column or a constant: the alternative that the entry resembles tells what is wrong with it.
      const given = valueAt(root, path);
      const isField = typeof given === 'object' && given !== null && path.at(-2) === 'fields';
      const alternative = isField ? issue.errors['value' in given ? 1 : 0] : undefined;
      if (!alternative)
        return [
          {
            path,
            message:
              issue.errors.flatMap((errors) => errors.map(({ message }) => message)).join(', or ') ||
              issue.message,
          },
        ];
      return alternative.flatMap((inner) =>
        schemaFaults({ ...inner, path: [...path, ...inner.path] } as z.core.$ZodIssue, root),
      );
    }
    case 'invalid_format':
      return [
        {
          path,
          message: `must be ${issue.message.replace(/^Invalid string: must match pattern .*/, 'of another form')}`,
        },
      ];
    default:
      return [{ path, message: issue.message.replace(/^Invalid input: /, '') }];
  }
}

function valueAt(root: unknown, path: (string | number)[]): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null
        ? (value as Record<string | number, unknown>)[key]
        : undefined,
    root,
  );
}

const at = (lines: LineCounter, offset: number): { line: number; column: number } => {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
};

/** Where a path stands in the file: at its key, or at the nearest thing around it that is there. */
function offsetOf(document: Document, path: (string | number)[]): number {
  let node: unknown = document.contents;
  let offset = (document.contents as Node | null)?.range?.[0] ?? 0;
  for (const key of path) {
    if (isMap(node)) {
      const pair = node.items.find((item) => String(item.key) === String(key));
      if (!pair) return offset;
      offset = (pair.key as Node).range?.[0] ?? offset;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(key)];
      offset = (node as Node | undefined)?.range?.[0] ?? offset;
    } else return offset;
  }
  return offset;
}

const pathText = (path: (string | number)[]): string =>
  path
    .map((key, index) => (typeof key === 'number' ? `[${key}]` : `${index === 0 ? '' : '.'}${key}`))
    .join('');

const firstLine = (message: string): string =>
  message.split('\n')[0]?.replace(/ at line \d+, column \d+:?$/, '') ?? message;
