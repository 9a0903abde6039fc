import { SyncError } from '../errors.js';
import { createBudget } from '../http/budget.js';
import { exactJsonObject } from '../http/json.js';
import { originsOf, ownLink } from '../http/origin.js';
import { persist, type Persisted, type Ruling } from '../http/persist.js';
import { createHttp, type HttpAnswer, type HttpSettings } from '../http/request.js';
import { TOO_LARGE } from '../http/request-fault.js';
import { retryAfterMs } from '../http/retry-after.js';
import { createTokens, type CampaignCredentials } from './tokens.js';

export interface JournalAccess extends CampaignCredentials, HttpSettings {
  /** The registration's journaling address, as the Developer Console shows it. */
  url: string;
  /** `…@AdobeOrg`. */
  organizationId: string;
  extraOrigins?: string[];
}

export type JournalAnswer =
  | { kind: 'page'; entries: unknown[]; next: string }
  /** Nothing more yet. `next` where the journal gives one: an empty journal may not. */
  | { kind: 'empty'; next?: string; waitMs: number }
  /** The position has left the journal. */
  | { kind: 'gone' };

export interface JournalCalls {
  /** `address` is absolute, or a link that the journal sent. Nothing is answered that was not read whole. */
  get(address: string, signal: AbortSignal | undefined): Promise<JournalAnswer>;
  /** By the journal's clock where that is ahead of ours, as far as its answers have told. */
  nowMs(): number;
}

/** A page holds 1.5 MB at most (campaign.md §6). */
const PAGE_BYTES = 8 * 1024 * 1024;
const EMPTY_WAIT_MS = 10_000;
const JOURNAL = { system: 'campaign', subject: 'event journal' } as const;

/** Calls of Adobe's Journaling API (campaign.md §6): tokens, throttling and outages are dealt with here. */
export function createJournalCalls(settings: JournalAccess): JournalCalls {
  const maxResponseBytes = Math.min(settings.maxResponseBytes, PAGE_BYTES);
  const http = createHttp({ ...settings, maxResponseBytes });
  const ims = createHttp({ ...settings, budget: createBudget({ maxConcurrent: 1 }) });
  const tokens = createTokens(ims, settings);
  const origins = originsOf(settings.url, settings.extraOrigins);

  let aheadMs = 0;

  const headersOf = (token: string): Record<string, string> => ({
    Authorization: `Bearer ${token}`,
    'x-api-key': settings.clientId,
    'x-ims-org-id': settings.organizationId,
    Accept: 'application/json',
  });

  async function get(address: string, signal: AbortSignal | undefined): Promise<JournalAnswer> {
    // Tokens go where the journal is and nowhere else (DESIGN §13).
    const url = ownLink(address, settings.url, origins);
    if (url === undefined)
      throw new SyncError('EVENT_JOURNAL_REFUSED', { ...JOURNAL, subject: 'a link to another origin' });
    let renewed = false;
    let token = await tokens.token(signal);
    const made = await persist<JournalAnswer>(
      http,
      { priority: 'event', ...(signal && { signal }) },
      () => ({ method: 'GET', url, headers: headersOf(token) }),
      async (attempt): Promise<Ruling<JournalAnswer>> => {
        if (attempt.kind !== 'answered') {
          if (attempt.reason === TOO_LARGE)
            throw new SyncError('EVENT_JOURNAL_UNREADABLE', { ...JOURNAL, vendorCode: TOO_LARGE });
          return 'faulty';
        }
        const { answer } = attempt;
        const serverMs = Date.parse(String(answer.headers.date));
        if (!Number.isNaN(serverMs)) aheadMs = Math.max(0, serverMs - http.clock.nowMs());
        switch (answer.status) {
          case 200:
          case 204: {
            const heard = answer.status === 200 ? pageIn(answer) : emptyIn(answer, http.clock.nowMs());
            return heard ? { take: heard } : 'faulty';
          }
          case 410:
            return { take: { kind: 'gone' } };
          case 401:
            if (renewed) throw new SyncError('CAMPAIGN_CREDENTIALS', { ...JOURNAL, status: 401 });
            renewed = true;
            token = await tokens.token(signal, token);
            return 'again';
          case 429:
            return 'throttled';
          default:
            if (answer.status >= 500 || answer.status === 408) return 'faulty';
            throw new SyncError('EVENT_JOURNAL_REFUSED', { ...JOURNAL, status: answer.status });
        }
      },
    );
    if (made.kind === 'taken') return made.value;
    throw spentError(made);
  }

  return { get, nowMs: () => http.clock.nowMs() + aheadMs };
}

function pageIn({ body, headers }: HttpAnswer): JournalAnswer | undefined {
  const entries = exactJsonObject(body)?.events;
  const next = nextLinkIn(headers.link);
  return Array.isArray(entries) && next !== undefined ? { kind: 'page', entries, next } : undefined;
}

function emptyIn({ headers }: HttpAnswer, nowMs: number): JournalAnswer {
  const next = nextLinkIn(headers.link);
  return {
    kind: 'empty',
    ...(next !== undefined && { next }),
    waitMs: retryAfterMs(headers['retry-after'], nowMs) ?? EMPTY_WAIT_MS,
  };
}

/** The target of the link whose relation is `next` (RFC 8288); several headers arrive joined by commas. */
export function nextLinkIn(header: unknown): string | undefined {
  const text = Array.isArray(header) ? header.join(',') : header;
  if (typeof text !== 'string') return undefined;
  for (const [, target, parameters = ''] of text.matchAll(/<([^>]*)>((?:\s*;\s*[^,;"]*(?:"[^"]*")?)*)/g)) {
    const relations = /;\s*rel\s*=\s*(?:"([^"]*)"|([^\s;,"]+))/i.exec(parameters);
    const names = (relations?.[1] ?? relations?.[2] ?? '').toLowerCase().split(/\s+/);
    if (target !== undefined && names.includes('next')) return target;
  }
  return undefined;
}

/** What lasted longer than patience. */
function spentError({ last, retryAfterMs: waitMs }: Extract<Persisted<never>, { kind: 'spent' }>): SyncError {
  if (last.kind === 'held') return new SyncError('CAMPAIGN_THROTTLED', { ...JOURNAL, retryAfterMs: waitMs });
  if (last.kind !== 'answered')
    return new SyncError('CAMPAIGN_UNREACHABLE', { ...JOURNAL, vendorCode: last.reason });
  const { status } = last.answer;
  const evidence = { ...JOURNAL, status, retryAfterMs: waitMs };
  if (status === 429) return new SyncError('CAMPAIGN_THROTTLED', evidence);
  return new SyncError(status < 300 ? 'EVENT_JOURNAL_UNREADABLE' : 'CAMPAIGN_UNREACHABLE', evidence);
}
