import { expect, test } from 'vitest';
import type { EventTables } from '../../src/dynamics/event-tables.js';
import type { TimelineRow } from '../../src/dynamics/timeline.js';
import { createBudget } from '../../src/http/budget.js';
import { jumpingClock, scriptedServer, type Scripted } from '../support/http-server.js';
import { createDynamics } from '../../src/dynamics/client.js';
import { guid } from './timeline-organisation.js';

const MINUTE = 60_000;
/** A tenth of what an organisation allows, for a tenth of a large delivery's events: the same time (DESIGN §12). */
const protection = { requests: 600, executionMs: 120_000, windowMs: 5 * MINUTE };
const EVENTS = 14_150;
const MS_PER_ROW = 10;

const tables: EventTables = {
  kinds: {
    send: {
      logicalName: 'dcs_emailsend',
      entitySetName: 'dcs_emailsends',
      contactNavigation: 'regardingobjectid_contact_dcs_emailsend',
      inBulk: true,
      subjectLength: 200,
      columns: {},
    },
  },
};
const rows: TimelineRow[] = Array.from({ length: EVENTS }, (_, index) => ({
  id: guid(String(index)),
  kind: 'send',
  contactId: guid('contact'),
  subject: 's',
  at: '2026-03-04T09:15:00Z',
}));

/** Service protection as documented (dataverse.md §6), on a clock that jumps: what was used within the last five minutes counts. */
async function protectedServer(options: {
  othersMsPerMinute?: number;
  headers?: boolean;
  takesTime?: boolean;
}) {
  const { othersMsPerMinute = 0, headers = true, takesTime = false } = options;
  const clock = jumpingClock();
  const startedMs = clock.nowMs();
  const used: { atMs: number; ms: number }[] = [];
  const usedMs = (): number =>
    used
      .filter(({ atMs }) => atMs > clock.nowMs() - protection.windowMs)
      .reduce((sum, { ms }) => sum + ms, (othersMsPerMinute * protection.windowMs) / MINUTE);
  let throttled = 0;
  let highestMs = 0;
  const server = await scriptedServer(({ url, body }): Scripted => {
    if (url.includes('/token'))
      return {
        body: { token_type: 'Bearer', expires_in: 36_000, ext_expires_in: 36_000, access_token: 't' },
      };
    const targets = (JSON.parse(body) as { Targets: { activityid: string }[] }).Targets;
    if (usedMs() >= protection.executionMs) {
      throttled += 1;
      return {
        status: 429,
        headers: { 'Retry-After': '10' },
        body: { error: { code: '0x80072321', message: 'x' } },
      };
    }
    const ms = targets.length * MS_PER_ROW;
    used.push({ atMs: clock.nowMs(), ms });
    highestMs = Math.max(highestMs, usedMs());
    if (takesTime) void clock.sleep(ms);
    return {
      body: { Ids: targets.map(({ activityid }) => activityid) },
      ...(headers && {
        headers: {
          'x-ms-ratelimit-time-remaining-xrm-requests': ((protection.executionMs - usedMs()) / 1000).toFixed(
            2,
          ),
          'x-ms-ratelimit-burst-remaining-xrm-requests': '500',
        },
      }),
    };
  });
  const dynamics = createDynamics({
    url: server.url,
    tenantId: 't',
    clientId: 'c',
    clientSecret: 's',
    tokenEndpoint: `${server.url}/token`,
    budget: createBudget({ maxConcurrent: 5 }),
    timeLimitMs: 5_000,
    maxResponseBytes: 1_000_000,
    patienceMs: MINUTE,
    clock,
    protection,
  });
  let written = 0;
  for (let at = 0; at < rows.length; at += 1_000)
    await dynamics.writeTimeline(tables, rows.slice(at, at + 1_000), {
      concurrency: 1,
      onOutcomes: (outcomes) => (written += outcomes.length),
    });
  const tookMs = clock.nowMs() - startedMs;
  return { written, throttled, share: highestMs / protection.executionMs, tookMs, calls: used.length };
}

test('141,500 events take less than ten minutes of what Dynamics allows, and are never throttled', async () => {
  const { written, throttled, share, tookMs, calls } = await protectedServer({});
  expect({ written, throttled }).toEqual({ written: EVENTS, throttled: 0 });
  expect(share).toBeLessThan(1);
  // The clock is the test's own: this is how the writes were spread.
  expect(tookMs).toBeLessThan(8 * MINUTE);
  expect(calls).toBeLessThan(EVENTS / 50);
});

test('what others use of it is left to them', async () => {
  const { written, throttled, share } = await protectedServer({ othersMsPerMinute: 8_000 });
  expect({ written, throttled }).toEqual({ written: EVENTS, throttled: 0 });
  expect(share).toBeLessThan(1);
});

test('where the server does not say what is left, the time that calls take is enough', async () => {
  const { written, throttled } = await protectedServer({ headers: false, takesTime: true });
  expect({ written, throttled }).toEqual({ written: EVENTS, throttled: 0 });
});
