import { badRequest } from '../errors.js';

/** One request inside a `$batch`. */
export interface BatchRequest {
  method: string;
  /** As written: absolute, root-relative, relative, or beginning with `$<Content-ID>`. */
  address: string;
  /** By lower-case name. */
  headers: Record<string, string>;
  body: string;
  contentId: string | undefined;
}

export type BatchPart =
  { kind: 'request'; request: BatchRequest } | { kind: 'change-set'; requests: BatchRequest[] };

/**
 * Reads a `$batch` body in every form that client libraries write (dataverse.md §13, "`$batch` requests"):
 * boundaries quoted or not, LF or CRLF, preamble and epilogue, blank lines missing or too many.
 */
export function parseBatch(contentType: string, body: string): BatchPart[] {
  return splitParts(body, boundaryOf(contentType)).map((part) => {
    const { headers, rest } = readHeaders(part);
    const type = headers['content-type'] ?? '';
    if (!/^multipart\/mixed/i.test(type)) return { kind: 'request', request: readRequest(headers, rest) };
    const requests = splitParts(rest, boundaryOf(type)).map((inner) => {
      const operation = readHeaders(inner);
      if (/^multipart\//i.test(operation.headers['content-type'] ?? '')) {
        throw badRequest('A change set cannot contain another change set.');
      }
      return readRequest(operation.headers, operation.rest);
    });
    return { kind: 'change-set', requests };
  });
}

function boundaryOf(contentType: string): string {
  const match = /;\s*boundary\s*=\s*(?:"([^"]+)"|([^;\s]+))/i.exec(contentType);
  const boundary = match?.[1] ?? match?.[2];
  if (boundary === undefined) {
    throw badRequest(`Missing boundary in the content type '${contentType}' of a batch request.`);
  }
  return boundary;
}

/** What stands between the delimiters; text before the first and behind the last is ignored. */
function splitParts(body: string, boundary: string): string[] {
  const delimiter = `--${boundary}`;
  const parts: string[] = [];
  let current: string[] | undefined;
  for (const line of body.split(/\r?\n/)) {
    const bare = line.trimEnd();
    if (bare === delimiter || bare === `${delimiter}--`) {
      if (current) parts.push(current.join('\n'));
      current = bare === delimiter ? [] : undefined;
      if (bare !== delimiter) break;
    } else current?.push(line);
  }
  // A missing closing delimiter ends the last part with the body.
  if (current?.some((line) => line.trim() !== '')) parts.push(current.join('\n'));
  if (parts.length === 0) throw badRequest('The batch request holds no part between its boundaries.');
  return parts;
}

const HEADER = /^([A-Za-z][\w-]*)\s*:\s*(.*)$/;

/** Takes the header lines at the beginning, blank lines before them too. */
function readHeaders(text: string): { headers: Record<string, string>; rest: string } {
  const lines = text.split('\n');
  const headers: Record<string, string> = {};
  let index = 0;
  while (index < lines.length && (lines[index] as string).trim() === '') index++;
  for (; index < lines.length; index++) {
    const match = HEADER.exec((lines[index] as string).trim());
    if (!match) break;
    headers[(match[1] ?? '').toLowerCase()] = match[2] ?? '';
  }
  return { headers, rest: lines.slice(index).join('\n') };
}

const REQUEST_LINE = /^([A-Za-z]+)[ \t]+(\S.*?)(?:[ \t]+HTTP\/\d(?:\.\d)?)?[ \t]*$/;

function readRequest(partHeaders: Record<string, string>, text: string): BatchRequest {
  const lines = text.replace(/^\s+/, '').split('\n');
  const line = REQUEST_LINE.exec((lines.shift() ?? '').trim());
  if (!line) throw badRequest('A part of the batch request does not begin with an HTTP request line.');
  const none: Record<string, string> = {};
  const hasHeaders = (lines[0] ?? '').trim() !== '';
  const { headers, rest } = hasHeaders
    ? readHeaders(lines.join('\n'))
    : { headers: none, rest: lines.join('\n') };
  return {
    method: (line[1] ?? '').toUpperCase(),
    address: line[2] ?? '',
    headers,
    body: rest.trim(),
    contentId: partHeaders['content-id'] ?? headers['content-id'],
  };
}
