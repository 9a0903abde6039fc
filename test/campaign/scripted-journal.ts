import type { EventItem } from '../../src/campaign/email-event.js';
import type { EventCursor, EventSource } from '../../src/campaign/event-source.js';
import { createJournal, type JournalSettings } from '../../src/campaign/journal.js';
import { createBudget } from '../../src/http/budget.js';
import { jumpingClock, scriptedServer, type Arrived, type Scripted } from '../support/http-server.js';

export const PATH = '/events/organizations/11/integrations/22/3f0c';

/** A source against a scripted journal and a scripted IMS, on a clock that jumps. */
export async function scriptedJournal(
  answer: (request: Arrived, count: number) => Scripted,
  settings: Partial<JournalSettings> = {},
) {
  const identity = await scriptedServer((_request, count) => ({
    body: { access_token: `token-${count}`, token_type: 'bearer', expires_in: 86_399 },
  }));
  const clock = jumpingClock();
  const server = await scriptedServer((request, count) => {
    const scripted = answer(request, count);
    return { ...scripted, headers: { Date: new Date(clock.nowMs()).toUTCString(), ...scripted.headers } };
  });
  const open = (): EventSource =>
    createJournal({
      url: `${server.url}${PATH}`,
      organizationId: 'ACME@AdobeOrg',
      clientId: 'client',
      clientSecret: 'top-secret',
      scopes: 'openid,campaign_sdk',
      tokenEndpoint: `${identity.url}/ims/token/v3`,
      budget: createBudget({ maxConcurrent: 5 }),
      timeLimitMs: 2_000,
      maxResponseBytes: 128 * 1024 * 1024,
      patienceMs: 60_000,
      clock,
      ...settings,
    });
  return { journal: open(), open, server, identity, clock };
}

export interface Kept {
  position: string;
  event: unknown;
}

/**
 * Answers as the Journaling API does (campaign.md §6) for what it keeps now: `kept` may be changed at any time, and what it does not hold
 * any more is gone.
 */
export function keeping(kept: Kept[], { perPage = 2 } = {}): (request: Arrived) => Scripted {
  return ({ url }) => {
    const query = new URL(url, 'http://journal').searchParams;
    const since = query.get('since');
    const limit = Math.min(Number(query.get('limit') ?? perPage), perPage);
    const place = since === null ? -1 : kept.findIndex(({ position }) => position === since);
    if (since !== null && place < 0) return { status: 410, body: 'Gone' };
    const events = kept.slice(place + 1, place + 1 + limit);
    const last = events.at(-1)?.position ?? since;
    const next =
      last === null ? {} : { Link: `<${PATH}?since=${encodeURIComponent(last)}&limit=${limit}>; rel="next"` };
    if (events.length === 0) return { status: 204, headers: { 'Retry-After': '7', ...next } };
    return { headers: next, body: { events, _page: { last, count: events.length } } };
  };
}

export const signal = new AbortController().signal;

/** Reads until the journal says that there is no more. */
export async function drain(journal: EventSource, cursor?: EventCursor) {
  const items: EventItem[] = [];
  let page = await journal.read(cursor, signal);
  const gaps = page.gap ? [page.gap] : [];
  items.push(...page.items);
  while (page.more) {
    page = await journal.read(page.next, signal);
    items.push(...page.items);
    if (page.gap) gaps.push(page.gap);
  }
  return { items, next: page.next, gaps, page };
}
