import { isScalar, Lexer, Parser, visit, type Document, type YAMLError } from 'yaml';

/** What is wrong with the text itself, before anything is known of a mapping. No message repeats what stands in the file. */
export interface TextFault {
  /** UTF-16 units from the start. */
  offset: number;
  message: string;
}

/** A proper file is nested to about 15; the parser's own recursion ends the process somewhere beyond 1,000. */
const MAX_DEPTH = 100;

/** Where the text is nested deeper than can be read, found without recursion. */
export function depthFault(text: string): TextFault | undefined {
  const parser = new Parser();
  for (const lexeme of new Lexer().lex(text)) {
    for (const _token of parser.next(lexeme)) continue;
    if (parser.stack.length > MAX_DEPTH) return { offset: parser.offset, message: 'nested too deeply' };
  }
  return undefined;
}

/** Everything that is no YAML. After such a fault the rest of the document is guesswork. */
export const syntaxFaults = ({ errors, warnings }: Document): TextFault[] =>
  [...errors, ...warnings].map((error) => ({ offset: error.pos[0], message: sentence(error) }));

/** The parser's own words, without the piece of the file that some of them end in. */
function sentence({ code, message }: YAMLError): string {
  switch (code) {
    case 'MULTIPLE_DOCS':
      return 'more than one document';
    case 'TAG_RESOLVE_FAILED':
      return 'a tag (!) that is not known';
    case 'BAD_DQ_ESCAPE':
      return 'a backslash in double quotes that escapes nothing';
    case 'BAD_DIRECTIVE':
      return 'a directive (%) that is not known';
    default:
      return (message.split('\n')[0] ?? message).replace(/(?<=[a-z]): .*/, '');
  }
}

/** Keys given twice. The parser's own check compares every key with every other of its mapping. */
export function repeatedKeys(document: Document): TextFault[] {
  const faults: TextFault[] = [];
  visit(document, {
    Map(_key, { items }) {
      const seen = new Set<unknown>();
      for (const { key } of items) {
        if (!isScalar(key)) continue;
        if (seen.has(key.value))
          faults.push({ offset: key.range?.[0] ?? 0, message: 'this key stands here already' });
        seen.add(key.value);
      }
    },
  });
  return faults;
}

/** Every alias is looked for among all anchors and aliases before it. */
const MAX_ALIASES = 1_000;

/** The first alias that leads nowhere, into itself, or is one too many. */
function aliasFault(document: Document): TextFault | undefined {
  let fault: TextFault | undefined;
  let count = 0;
  const anchors = new Set<string>();
  visit(document, {
    Value(_key, { anchor }) {
      if (anchor !== undefined) anchors.add(anchor);
    },
    Alias(_key, { source, range }, path) {
      const message = !anchors.has(source)
        ? 'an alias without its anchor'
        : path.some((around) => 'anchor' in around && around.anchor === source)
          ? 'an alias within what it stands for'
          : (count += 1) > MAX_ALIASES
            ? TOO_MANY
            : undefined;
      if (message === undefined) return undefined;
      fault = { offset: range?.[0] ?? 0, message };
      return visit.BREAK;
    },
  });
  return fault;
}

const TOO_MANY = 'too many aliases';
/** An alias may repeat what stands in the file, but not multiply it a million times. */
const MAX_REPETITIONS = 100;

/**
 * What a document holds that is YAML. It may still have aliases that lead nowhere or multiply it (a bomb, told at its last
 * one), or (in YAML 1.1) a merge of what cannot be merged.
 */
export function valueOf(document: Document): { ok: true; value: unknown } | { ok: false; fault: TextFault } {
  const fault = aliasFault(document);
  if (fault) return { ok: false, fault };
  try {
    return { ok: true, value: document.toJS({ maxAliasCount: MAX_REPETITIONS }) as unknown };
  } catch (error) {
    let offset = document.contents?.range?.[0] ?? 0;
    if (!(error instanceof ReferenceError))
      return { ok: false, fault: { offset, message: 'a merge (<<) of what is no mapping' } };
    visit(document, {
      Alias(_key, { range }) {
        offset = range?.[0] ?? offset;
      },
    });
    return { ok: false, fault: { offset, message: TOO_MANY } };
  }
}
