import {
  isMap,
  isSeq,
  Lexer,
  LineCounter,
  parseDocument,
  Parser,
  visit,
  type Document,
  type Node,
} from 'yaml';
import { crossChecks } from './cross-checks.js';
import type { CrossFault, Path } from './raw-file.js';
import { schemaFaults } from './schema-faults.js';
import { syncSchema, type SyncConfig } from './schema.js';

export interface MappingFault {
  /** From 1. */
  line: number;
  /** From 1. */
  column: number;
  /** e.g. `tables[0].fields[3].to`; empty for a fault of the file as a whole. */
  path: string;
  message: string;
}

/** An alias may repeat what stands in the file, but not multiply it a million times. */
const MAX_ALIASES = 100;
/** A proper file is nested to about 15; the parser's own recursion ends the process somewhere beyond 1,000. */
const MAX_DEPTH = 100;

/**
 * Reads sync.yaml: the mapping with its defaults, or every fault it has, in the order of its lines. Only broken YAML hides
 * faults behind it. Never throws, whatever the text, and no message repeats a value.
 */
export function readSyncFile(
  text: string,
): { ok: true; config: SyncConfig } | { ok: false; faults: MappingFault[] } {
  const lines = new LineCounter();
  const tooDeepAt = offsetOfDepth(text);
  if (tooDeepAt !== undefined)
    return { ok: false, faults: [fileFault(text, tooDeepAt, 'nested too deeply')] };
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, stringKeys: true });
  const faults = yamlFaults(document, lines);
  // After a syntax error the rest of the document is guesswork; a key given twice leaves it intact.
  if (document.errors.every(({ code }) => code === 'DUPLICATE_KEY')) {
    const read = readDocument(document, lines);
    if (read.ok && faults.length === 0) return read;
    if (!read.ok) faults.push(...read.faults);
  }
  return { ok: false, faults: faults.toSorted((a, b) => a.line - b.line || a.column - b.column) };
}

/** One line a fault: `sync.yaml:12:5  tables[0].fields[3].to: …`. */
export const formatFaults = (fileName: string, faults: MappingFault[]): string =>
  faults
    .map(({ line, column, path, message }) => {
      return `${fileName}:${line}:${column}  ${path === '' ? '' : `${path}: `}${message}`;
    })
    .join('\n');

/** Where the text is nested deeper than can be read, found without recursion. */
function offsetOfDepth(text: string): number | undefined {
  const parser = new Parser();
  for (const lexeme of new Lexer().lex(text)) {
    for (const _token of parser.next(lexeme)) continue;
    if (parser.stack.length > MAX_DEPTH) return parser.offset;
  }
  return undefined;
}

function fileFault(text: string, offset: number, message: string): MappingFault {
  const before = text.slice(0, offset).split('\n');
  return { line: before.length, column: (before.at(-1) ?? '').length + 1, path: '', message };
}

function yamlFaults({ errors, warnings }: Document, lines: LineCounter): MappingFault[] {
  return [...errors, ...warnings].map(({ message, pos }) => ({
    ...position(lines, pos[0]),
    path: '',
    message: sentence(message),
  }));
}

/** The parser adds the place and a picture of it. */
const sentence = (message: string): string =>
  (message.split('\n')[0] ?? message).replace(/ at line \d+, column \d+:?$/, '');

function readDocument(
  document: Document,
  lines: LineCounter,
): { ok: true; config: SyncConfig } | { ok: false; faults: MappingFault[] } {
  let file: unknown;
  try {
    file = document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch {
    return { ok: false, faults: [aliasFault(document, lines)] };
  }
  const parsed = syncSchema.safeParse(file);
  const faults = [...(parsed.success ? [] : schemaFaults(parsed.error.issues, file)), ...crossChecks(file)];
  if (parsed.success && faults.length === 0) return { ok: true, config: parsed.data };
  return { ok: false, faults: faults.map((fault) => placed(fault, document, lines)) };
}

/** A document that parses but has no value: an alias without its anchor, a bomb of them, or (YAML 1.1) a wrong merge. */
function aliasFault(document: Document, lines: LineCounter): MappingFault {
  let offset = document.contents?.range?.[0] ?? 0;
  let message = 'a merge (<<) of what is no mapping';
  visit(document, {
    Alias(_key, alias) {
      offset = alias.range?.[0] ?? offset;
      const isResolved = alias.resolve(document) !== undefined;
      message = isResolved ? 'too many aliases' : 'an alias without its anchor';
      return isResolved ? undefined : visit.BREAK;
    },
  });
  return { ...position(lines, offset), path: '', message };
}

const placed = ({ path, message }: CrossFault, document: Document, lines: LineCounter): MappingFault => ({
  ...position(lines, offsetOf(document, path)),
  path: pathText(path),
  message,
});

function position(lines: LineCounter, offset: number): { line: number; column: number } {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

/** Where a path stands in the file: at its key, or at the nearest thing around it that is there. */
function offsetOf(document: Document, path: Path): number {
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

function pathText(path: Path): string {
  const parts = path.map((key) => {
    if (typeof key === 'number') return `[${key}]`;
    return /^\w+$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
  });
  return parts.join('').replace(/^\./, '');
}
