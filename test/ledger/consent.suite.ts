import { randomUUID } from 'node:crypto';
import { sql, type RawBuilder } from 'kysely';
import { expect, test } from 'vitest';
import type { Agreement, ConsentDecision, FlagOutcome } from '../../src/ledger/consent-store.js';
import { at, onBothBackends, take } from './backends.js';

const decision: ConsentDecision = {
  dynamics: true,
  dynamicsAt: '2026-11-01T12:00:00.000Z',
  campaign: false,
  agreedBefore: false,
  agreedAfter: true,
  rule: 'three-way',
  winner: 'dynamics',
  because: 'Dynamics changed',
  result: 'accepted',
};
const outcome = (contactId: string, given: Partial<FlagOutcome> = {}): FlagOutcome => ({
  contactId,
  flag: 'blackListEmail',
  outcome: 'unchanged',
  ...given,
});

onBothBackends('consent', (under) => {
  async function begun() {
    const { ledger, freshFlow } = under();
    const flow = freshFlow();
    const feed = await take(ledger, flow);
    await ledger.startRun(flow, 'run');
    return { feed, flow, ledger };
  }
  /** In the order of their letters, so that a test can say which comes first. */
  const contacts = (...letters: string[]) => {
    const mark = randomUUID();
    return letters.map((letter) => `${mark}-${letter}`);
  };

  test('keeps what both sides agreed on, flag by flag, and counts what became of each', async () => {
    const { feed, flow, ledger } = await begun();
    const [one = '', two = ''] = contacts('a', 'b');
    const agreement = { optedOut: true, campaignStamp: '2026-11-01 11:00:00.000Z', rowVersion: '17' };
    await ledger.commitConsents(
      feed,
      {
        outcomes: [
          outcome(one, { outcome: 'toCampaign', agreement, decision }),
          outcome(one, { flag: 'blackList', agreement: { optedOut: false } }),
          outcome(two, { outcome: 'parked' }),
        ],
        settled: [],
        due: [],
      },
      at('following'),
    );
    expect(await ledger.agreements([one, two])).toEqual(
      new Map([
        [
          one,
          new Map<string, Agreement>([
            ['blackListEmail', agreement],
            ['blackList', { optedOut: false }],
          ]),
        ],
      ]),
    );
    expect(await ledger.optOutCounts(flow, 'run')).toEqual({
      read: 3,
      toCampaign: 1,
      toDynamics: 0,
      unchanged: 1,
      parked: 1,
    });
  });

  test('logs every decision in order, and no entry can be changed or taken out', async () => {
    const { feed, ledger } = await begun();
    const { database } = under();
    const [id = ''] = contacts('a');
    const first = await ledger.commitConsents(
      feed,
      { outcomes: [outcome(id, { outcome: 'toCampaign', decision })], settled: [], due: [] },
      at('following'),
    );
    const second: ConsentDecision = {
      ...decision,
      dynamics: false,
      winner: 'campaign',
      result: 'CAMPAIGN_REFUSED',
    };
    await ledger.commitConsents(
      first,
      { outcomes: [outcome(id, { outcome: 'parked', decision: second })], settled: [], due: [] },
      at('following'),
    );
    const changes: RawBuilder<unknown>[] = [
      sql`update ledger.consent_log set result = 'forged' where contact_id = ${id}`,
      sql`delete from ledger.consent_log where contact_id = ${id}`,
      sql`truncate ledger.consent_log`,
    ];
    for (const change of changes) await expect(change.execute(database)).rejects.toThrow('only added to');
    const log = await ledger.consentLog({ contactId: id, after: 0, limit: 9 });
    expect(log).toMatchObject([
      { ...decision, contactId: id, flag: 'blackListEmail', runId: 'run' },
      { ...second, contactId: id },
    ]);
    expect(log[0]?.at).toMatch(/^\d{4}-\d\d-\d\dT/);
    const after = log[0]?.number ?? 0;
    expect(await ledger.consentLog({ contactId: id, after, limit: 9 })).toMatchObject([second]);
  });

  test('calls contacts that are not settled again, later each time, and says since when and why', async () => {
    const { feed, ledger } = await begun();
    const { database } = under();
    await sql`delete from ledger.due_contact`.execute(database);
    const [fresh = '', failed = ''] = contacts('a', 'b');
    const first = await ledger.commitConsents(
      feed,
      {
        outcomes: [],
        settled: [],
        due: [{ contactId: fresh }, { contactId: failed, code: 'CAMPAIGN_REFUSED' }],
      },
      at('following'),
    );
    expect(await ledger.dueContacts({ after: '', limit: 9 })).toEqual([{ contactId: fresh }]);
    expect(await ledger.dueContacts({ after: fresh, limit: 9 })).toEqual([]);
    const summary = await ledger.dueSummary();
    expect(summary).toMatchObject({ count: 2, failing: 1, unknown: 1, errors: { CAMPAIGN_REFUSED: 1 } });
    expect(Date.parse(summary.oldestAt ?? '')).toBeLessThanOrEqual(Date.now() + 1000);

    await sql`update ledger.due_contact set next_at = now()`.execute(database);
    expect(await ledger.dueContacts({ after: '', limit: 9 })).toEqual([
      { contactId: fresh },
      { contactId: failed, code: 'CAMPAIGN_REFUSED' },
    ]);
    await ledger.commitConsents(
      first,
      { outcomes: [], settled: [fresh], due: [{ contactId: failed, code: 'CAMPAIGN_REFUSED' }] },
      at('following'),
    );
    expect(await ledger.dueContacts({ after: '', limit: 9 })).toEqual([]);
    const { rows } = await sql<{ attempts: number }>`select attempts from ledger.due_contact`.execute(
      database,
    );
    expect(rows).toEqual([{ attempts: 2 }]);
  });

  test('of an interrupted page is kept and counted, for it is not met as new again, but not passed by', async () => {
    const { feed, flow, ledger } = await begun();
    const [id = ''] = contacts('a');
    const same = await ledger.commitConsents(feed, {
      outcomes: [outcome(id, { outcome: 'toDynamics', agreement: { optedOut: true }, decision })],
      settled: [],
      due: [],
    });
    expect(same.version).toBe(feed.version);
    expect((await ledger.agreements([id])).get(id)?.get('blackListEmail')).toEqual({ optedOut: true });
    expect(await ledger.optOutCounts(flow, 'run')).toMatchObject({ read: 1, toDynamics: 1 });
  });

  test('is refused to an owner that has lost the feed', async () => {
    const { feed, flow, ledger } = await begun();
    const { database } = under();
    await sql`update ledger.feed set lease_owner = 'another' where flow = ${flow}`.execute(database);
    const [id = ''] = contacts('a');
    const page = { outcomes: [outcome(id, { agreement: { optedOut: true } })], settled: [], due: [] };
    await expect(ledger.commitConsents(feed, page, at('following'))).rejects.toThrow('LEASE_LOST');
    expect(await ledger.agreements([id])).toEqual(new Map());
  });
});
