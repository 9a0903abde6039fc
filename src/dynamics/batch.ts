import { randomUUID } from 'node:crypto';

/** One answer inside a `$batch` answer. */
export interface BatchPart {
  status: number;
  /** Lower-case names. */
  headers: Record<string, string>;
  body: string;
}

/**
 * A `$batch` request of one GET: the way to ask for an address longer than the server or a proxy takes in a request line (dataverse.md
 * §5: up to 64 KB there). `path` is relative to the origin. CRLF throughout, as the server demands.
 */
export function batchOf(path: string, preferences: string[] = []): { contentType: string; body: string } {
  const boundary = `batch_${randomUUID()}`;
  const body = [
    `--${boundary}`,
    'Content-Type: application/http',
    'Content-Transfer-Encoding: binary',
    '',
    `GET ${path} HTTP/1.1`,
    'Accept: application/json',
    ...(preferences.length > 0 ? [`Prefer: ${preferences.join(',')}`] : []),
    '',
    '',
    `--${boundary}--`,
    '',
  ].join('\r\n');
  return { contentType: `multipart/mixed; boundary="${boundary}"`, body };
}

/** A write inside a `$batch`. */
export interface BatchWrite {
  method: 'POST' | 'PATCH';
  /** Relative to the origin. */
  path: string;
  headers?: Record<string, string>;
  json: string;
}

/**
 * A `$batch` request of writes, each on its own: no change set, so that one that is refused leaves the others (dataverse.md §5; it has to
 * go with `Prefer: odata.continue-on-error`). Some servers refuse parts without a length of their own.
 */
export function batchOfWrites(writes: BatchWrite[]): { contentType: string; text: string } {
  const boundary = `batch_${randomUUID()}`;
  const parts = writes.map(({ method, path, headers = {}, json }) =>
    [
      `--${boundary}`,
      'Content-Type: application/http',
      'Content-Transfer-Encoding: binary',
      '',
      `${method} ${path} HTTP/1.1`,
      'Content-Type: application/json; type=entry',
      ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
      `Content-Length: ${Buffer.byteLength(json)}`,
      '',
      json,
      '',
    ].join('\r\n'),
  );
  return {
    contentType: `multipart/mixed; boundary="${boundary}"`,
    text: `${parts.join('')}--${boundary}--\r\n`,
  };
}

/**
 * The parts of a `$batch` answer without change sets, in order. Undefined when the answer is no multipart text or has no whole part. A
 * bare delimiter where the closing one belongs is accepted (dataverse.md §13).
 */
export function batchParts(contentType: unknown, text: string): BatchPart[] | undefined {
  const boundary = /boundary="?([^";,\s]+)/i.exec(String(contentType))?.[1];
  if (boundary === undefined) return undefined;
  const parts = text.split(`--${boundary}`).slice(1, -1).map(partOf);
  return parts.length === 0 || parts.includes(undefined) ? undefined : (parts as BatchPart[]);
}

/** Envelope headers, blank line, status line, headers, blank line, body. */
function partOf(text: string): BatchPart | undefined {
  const match = /HTTP\/1\.1 (\d{3})[^\r\n]*\r?\n((?:[^\r\n]+\r?\n)*)\r?\n([^]*?)(?:\r?\n)?$/.exec(text);
  if (!match) return undefined;
  const [, status, headerLines = '', body = ''] = match;
  const headers = Object.fromEntries(
    headerLines.split(/\r?\n/).flatMap((line) => {
      const colon = line.indexOf(':');
      return colon < 0 ? [] : [[line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()]];
    }),
  ) as Record<string, string>;
  return { status: Number(status), headers, body };
}
