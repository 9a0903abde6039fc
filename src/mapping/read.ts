import { LineCounter, parseDocument, type Document } from 'yaml';
import { crossChecks } from './cross-checks.js';
import type { Path } from './raw-file.js';
import { schemaFaults } from './schema-faults.js';
import { syncSchema, type SyncConfig } from './schema.js';
import { depthFault, repeatedKeys, syntaxFaults, valueOf, type TextFault } from './yaml-faults.js';
import { createOffsetOf, placeAt } from './yaml-places.js';

export interface MappingFault {
  /** From 1. */
  line: number;
  /** From 1. */
  column: number;
  /** e.g. `tables[0].fields[3].to`; empty for a fault of the file as a whole. */
  path: string;
  message: string;
}

type Read = { ok: true; config: SyncConfig } | { ok: false; faults: MappingFault[] };

/**
 * Reads sync.yaml: the mapping with its defaults, or every fault it has, in the order of its lines. Only broken YAML hides
 * faults behind it. Never throws, whatever the text, and no message repeats a value. Takes time in proportion to the text.
 */
export function readSyncFile(text: string): Read {
  const tooDeep = depthFault(text);
  if (tooDeep) return { ok: false, faults: [inText(tooDeep, linesOf(text))] };
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    stringKeys: true,
    uniqueKeys: false,
  });
  const read = readDocument(document, lines);
  if (read.ok) return read;
  return { ok: false, faults: read.faults.toSorted((a, b) => a.line - b.line || a.column - b.column) };
}

/** One line a fault: `sync.yaml:12:5  tables[0].fields[3].to: …`. */
export const formatFaults = (fileName: string, faults: MappingFault[]): string =>
  faults
    .map(({ line, column, path, message }) => {
      return `${fileName}:${line}:${column}  ${path === '' ? '' : `${path}: `}${message}`;
    })
    .join('\n');

/** The parser counts the lines of what it has read only. */
function linesOf(text: string): LineCounter {
  const lines = new LineCounter();
  lines.addNewLine(0);
  for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', end + 1)) lines.addNewLine(end + 1);
  return lines;
}

const inText = ({ offset, message }: TextFault, lines: LineCounter): MappingFault => ({
  ...placeAt(lines, offset),
  path: '',
  message,
});

function readDocument(document: Document, lines: LineCounter): Read {
  const textFaults = [...syntaxFaults(document), ...repeatedKeys(document)];
  const inFile = (faults: TextFault[]): MappingFault[] => faults.map((fault) => inText(fault, lines));
  if (document.errors.length > 0) return { ok: false, faults: inFile(textFaults) };
  const given = valueOf(document);
  if (!given.ok) return { ok: false, faults: inFile([...textFaults, given.fault]) };

  const parsed = syncSchema.safeParse(given.value);
  const faults = [
    ...(parsed.success ? [] : schemaFaults(parsed.error.issues, given.value)),
    ...crossChecks(given.value),
  ];
  if (parsed.success && faults.length === 0 && textFaults.length === 0)
    return { ok: true, config: parsed.data };
  const offsetOf = createOffsetOf(document);
  const placed = faults.map(({ path, message }) => ({
    ...placeAt(lines, offsetOf(path)),
    path: pathText(path),
    message,
  }));
  return { ok: false, faults: [...inFile(textFaults), ...placed] };
}

function pathText(path: Path): string {
  const parts = path.map((key) => {
    if (typeof key === 'number') return `[${key}]`;
    return /^\w+$/.test(key) ? `.${key}` : `[${quoted(key)}]`;
  });
  return parts.join('').replace(/^\./, '');
}

/** With the characters escaped that would break the list of faults, or turn it around. */
const quoted = (key: string): string =>
  JSON.stringify(key).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => {
    return `\\u{${character.codePointAt(0)?.toString(16) ?? ''}}`;
  });
