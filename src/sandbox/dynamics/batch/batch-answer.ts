import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Answer } from '../call.js';

/** The answer to one request of a batch. */
export interface PartAnswer {
  answer: Answer;
  contentId: string | undefined;
}

export type BatchPartAnswer =
  | { kind: 'request'; answer: PartAnswer }
  /** A set that failed has one answer, that of the request that failed. */
  | { kind: 'change-set'; answers: PartAnswer[] };

/** Writes a `$batch` answer (dataverse.md §5 and §13): CRLF throughout, the delimiter first, parts in request order. */
export function writeBatchAnswer(parts: BatchPartAnswer[]): { contentType: string; body: string } {
  const boundary = `batchresponse_${randomUUID()}`;
  const lines: string[] = [];
  for (const part of parts) {
    lines.push(`--${boundary}`);
    if (part.kind === 'request') {
      lines.push(...partLines(part.answer));
      continue;
    }
    const inner = `changesetresponse_${randomUUID()}`;
    lines.push(`Content-Type: multipart/mixed; boundary=${inner}`, '');
    for (const answer of part.answers) lines.push(`--${inner}`, ...partLines(answer));
    lines.push(`--${inner}--`);
  }
  lines.push(`--${boundary}--`, '');
  return { contentType: `multipart/mixed; boundary=${boundary}`, body: lines.join('\r\n') };
}

/** Names as the service spells them. */
const SPELLING: Record<string, string> = {
  'odata-entityid': 'OData-EntityId',
  'odata-version': 'OData-Version',
  location: 'Location',
  etag: 'ETag',
  'preference-applied': 'Preference-Applied',
  'content-type': 'Content-Type',
  'retry-after': 'Retry-After',
};

function partLines({ answer, contentId }: PartAnswer): string[] {
  const { status, headers = {}, body } = answer;
  const lines = ['Content-Type: application/http', 'Content-Transfer-Encoding: binary'];
  if (contentId !== undefined) lines.push(`Content-ID: ${contentId}`);
  lines.push('', `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Unknown'}`);
  const contentType =
    headers['content-type'] ??
    (typeof body === 'string' ? 'text/plain' : 'application/json; odata.metadata=minimal');
  if (body !== undefined) lines.push(`Content-Type: ${contentType}`);
  lines.push('OData-Version: 4.0');
  for (const [name, value] of Object.entries(headers)) {
    const spelt = SPELLING[name];
    if (spelt !== undefined && name !== 'content-type' && name !== 'odata-version')
      lines.push(`${spelt}: ${value}`);
  }
  lines.push('', body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body));
  return lines;
}
