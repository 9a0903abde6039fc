import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { expiredToken, sendGatewayRefusal, unknownApiKey, type GatewayRefusal } from '../campaign/gateway.js';
import type { SandboxContext } from '../context.js';
import { eventJson } from '../deliveries/event-json.js';
import type { Logs } from '../deliveries/logs.js';
import { parseDuration } from '../duration.js';
import type { Credentials } from '../identity/credentials.js';
import { checkCampaignToken } from '../identity/tokens.js';
import type { Entries, Entry } from './entries.js';
import { journalPath } from './path.js';
import { createPositions, type Position } from './positions.js';

export interface JournalOptions {
  context: SandboxContext;
  credentials: Credentials;
  entries: Entries;
  logs: Logs;
}

/** Of another organisation: the real body is not public. */
const foreignOrganization: GatewayRefusal = {
  status: 403,
  body: { error_code: '403023', message: 'Profile is not valid' },
};

const DAY_MS = 86_400_000;

/** A request that the journal cannot serve, with its text. */
class JournalError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/**
 * The event journal of Adobe I/O Events (campaign.md §6): `GET` with `since`, `seek`, `latest` and `limit`, and the
 * same behind `/validate`. A page ends where its body would be larger than `pageBytes`, with one event at least.
 */
export function registerJournal(app: FastifyInstance, options: JournalOptions): void {
  const { context, credentials, entries, logs } = options;
  const path = journalPath(credentials);
  const positions = createPositions(context.store);

  app.get(path, (request, reply) => serve(request, reply, 'GET journal'));
  app.get(`${path}/validate`, (request, reply) => serve(request, reply, 'GET journal/validate'));
  app.all('/events/*', (request, reply) => {
    const refused = refusal(request);
    if (refused) return sendGatewayRefusal(reply, refused);
    return sendText(reply, 404, 'The registration was not found.');
  });

  function serve(request: FastifyRequest, reply: FastifyReply, route: string): FastifyReply {
    const answered = answer(request, reply);
    context.stats.count('journal', route, answered.statusCode);
    context.store.commit();
    return answered;
  }

  function answer(request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const refused = refusal(request);
    if (refused) return sendGatewayRefusal(reply, refused);
    try {
      const query = request.query as Record<string, string | undefined>;
      const limit = readLimit(query['limit']);
      const start = startOf(query);
      return page(reply, start, limit);
    } catch (error) {
      if (!(error instanceof JournalError)) throw error;
      return sendText(reply, error.status, error.message);
    }
  }

  function refusal({ headers }: FastifyRequest): GatewayRefusal | undefined {
    const token = checkCampaignToken(context, headers.authorization);
    if (token === 'missing' || token === 'expired') return expiredToken;
    if (headers['x-api-key'] !== credentials.adobeClientId) return unknownApiKey;
    if (headers['x-ims-org-id'] !== credentials.adobeOrgId) return foreignOrganization;
    return undefined;
  }

  /** The position to read behind. */
  function startOf({ since, seek, latest }: Record<string, string | undefined>): Position {
    if (since !== undefined && seek !== undefined)
      throw new JournalError(400, 'The parameters since and seek cannot be used together.');
    if (since !== undefined) return given(since);
    if (seek !== undefined) return behind(entries.firstSince(context.clock.nowMs() - readSeek(seek)) - 1);
    if (latest === 'true') return behind(entries.newest());
    return behind(entries.oldest() - 1);
  }

  function given(since: string): Position {
    const position = positions.read(since);
    if (position === undefined) throw new JournalError(400, `The position ${since} is not valid.`);
    const expiredBeforeMs = context.clock.nowMs() - context.limits().campaign.journal.retentionDays * DAY_MS;
    if (position === 'foreign' || position.atMs < expiredBeforeMs)
      throw new JournalError(410, `Events at position ${since} have expired.`);
    return position;
  }

  /** An end that holds no entry, or one that is gone, is as old as this answer. */
  const behind = (sequence: number): Position => ({
    sequence,
    atMs: entries.get(sequence)?.atMs ?? context.clock.nowMs(),
  });

  function page(reply: FastifyReply, start: Position, limit: number): FastifyReply {
    const spoilt = entries.takeSpoilt();
    const { pageBytes, retryAfterSeconds } = context.limits().campaign.journal;
    const events: string[] = [];
    let bytes = 0;
    let last = start;
    for (let next = Math.max(start.sequence + 1, entries.oldest()); events.length < limit; next += 1) {
      const entry = entries.get(next);
      if (!entry) break;
      const position = { sequence: next, atMs: entry.atMs };
      const event = JSON.stringify({ position: positions.write(position), event: contentOf(entry) });
      bytes += Buffer.byteLength(event) + 1;
      if (events.length > 0 && bytes > pageBytes) break;
      events.push(event);
      last = position;
    }
    const position = positions.write(last);
    const query = `since=${position}${limit === Infinity ? '' : `&limit=${limit}`}`;
    const links = [`<${path}?${query}>; rel="next"`];
    if (events.length === 0 && spoilt === undefined) {
      links.push(`<${path}/validate?${query}>; rel="validate"`);
      return reply.code(204).header('retry-after', retryAfterSeconds).header('link', links).send();
    }
    context.stats.add('journal', 'events', events.length);
    const body = `{"events":[${events.join(',')}],"_page":{"last":${JSON.stringify(position)},"count":${events.length}}}`;
    return reply
      .code(200)
      .header('link', links)
      .type('application/json; charset=utf-8')
      .send(spoilt ?? body);
  }

  function contentOf(entry: Entry): unknown {
    if ('json' in entry) return entry.json;
    const { mirrorPageId } = context.limits().campaign.journal;
    return eventJson(logs, entry.email, { clientId: credentials.adobeClientId, mirrorPageId });
  }
}

function readLimit(text: string | undefined): number {
  if (text === undefined) return Infinity;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new JournalError(400, 'The parameter limit must be a positive integer.');
}

/** Milliseconds of `-PT2H`. */
function readSeek(text: string): number {
  const milliseconds = text.startsWith('-') ? parseDuration(text.slice(1)) : undefined;
  if (milliseconds !== undefined) return milliseconds;
  throw new JournalError(400, 'The parameter seek must be a negative ISO 8601 duration, such as -PT2H.');
}

const sendText = (reply: FastifyReply, status: number, text: string): FastifyReply =>
  reply.code(status).type('text/plain; charset=utf-8').send(text);
