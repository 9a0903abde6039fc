import { sql, type Transaction } from 'kysely';
import type {
  Agreement,
  ConsentEntry,
  ConsentStore,
  DueContact,
  FlagOutcome,
  OptOutCounts,
} from './consent-store.js';
import { inChunks, noCounts, type LedgerContext } from './context.js';
import { changeFeed, underLease } from './held-feed.js';
import { retryDelay } from './parking.js';
import type { Feed, Position } from './store.js';

/** Consent: see the contract in consent-store.ts. */
export function createConsent(context: LedgerContext): ConsentStore {
  const { database } = context;

  async function agreements(contactIds: string[]): Promise<Map<string, Map<string, Agreement>>> {
    const found = new Map<string, Map<string, Agreement>>();
    for (const chunk of inChunks(contactIds)) {
      const { rows } = await sql<AgreementRow>`
        select contact_id, flag, opted_out, campaign_stamp, row_version from ledger.agreement
        where contact_id = any(${chunk}::text[])`.execute(database);
      for (const row of rows) {
        const ofContact = found.get(row.contact_id) ?? new Map<string, Agreement>();
        found.set(row.contact_id, ofContact.set(row.flag, toAgreement(row)));
      }
    }
    return found;
  }

  function commitConsents(
    feed: Feed,
    { outcomes, settled, due }: { outcomes: FlagOutcome[]; settled: string[]; due: DueContact[] },
    next?: Position,
  ): Promise<Feed> {
    return underLease(context, feed, async (transaction, locked) => {
      const runId = locked.runId ?? '';
      for (const chunk of inChunks(lastOfEach(outcomes))) {
        await agree(transaction, chunk);
        await note(transaction, chunk, runId);
      }
      for (const chunk of inChunks(settled)) {
        await sql`delete from ledger.due_contact where contact_id = any(${chunk}::text[])`.execute(
          transaction,
        );
      }
      for (const chunk of inChunks(due)) await callAgain(transaction, chunk);
      const counts = count(outcomes);
      if (next && counts.read > 0) {
        await sql`
          update ledger.run set to_campaign = to_campaign + ${counts.toCampaign}::bigint,
            to_dynamics = to_dynamics + ${counts.toDynamics}::bigint
          where flow = ${feed.flow} and run_id = ${runId}`.execute(transaction);
      }
      const { read, unchanged, parked } = counts;
      return changeFeed(context, transaction, feed, locked, {
        ...(next && { next, counts: { ...noCounts, read, unchanged, parked }, worked: read > 0 }),
      });
    });
  }

  async function dueContacts({ after, limit }: { after: string; limit: number }): Promise<string[]> {
    const { rows } = await sql<{ contact_id: string }>`
      select contact_id from ledger.due_contact where next_at <= now() and contact_id > ${after}
      order by contact_id limit ${limit}`.execute(database);
    return rows.map((row) => row.contact_id);
  }

  async function dueSummary(): ReturnType<ConsentStore['dueSummary']> {
    const { rows } = await sql<{ code: string | null; contacts: number; oldest: Date }>`
      select code, count(*)::float8 as contacts, min(since) as oldest from ledger.due_contact
      group by code order by code`.execute(database);
    const oldest = rows.map((row) => row.oldest.getTime());
    return {
      count: rows.reduce((sum, row) => sum + row.contacts, 0),
      ...(oldest.length > 0 && { oldestAt: new Date(Math.min(...oldest)).toISOString() }),
      errors: Object.fromEntries(
        rows.flatMap((row) => (row.code === null ? [] : [[row.code, row.contacts]])),
      ),
    };
  }

  async function consentLog({
    contactId,
    after,
    limit,
  }: {
    contactId?: string;
    after: number;
    limit: number;
  }): Promise<ConsentEntry[]> {
    const { rows } = await sql<LogRow>`
      select * from ledger.consent_log
      where number > ${after}::bigint ${contactId === undefined ? sql`` : sql`and contact_id = ${contactId}`}
      order by number limit ${limit}`.execute(database);
    return rows.map(toEntry);
  }

  async function optOutCounts(flow: string, runId: string): Promise<OptOutCounts> {
    const { rows } = await sql<OptOutCounts>`
      select read, to_campaign as "toCampaign", to_dynamics as "toDynamics", unchanged, parked from ledger.run
      where flow = ${flow} and run_id = ${runId}`.execute(database);
    return rows[0] ?? { read: 0, toCampaign: 0, toDynamics: 0, unchanged: 0, parked: 0 };
  }

  return { agreements, commitConsents, dueContacts, dueSummary, consentLog, optOutCounts };
}

interface AgreementRow {
  contact_id: string;
  flag: string;
  opted_out: boolean;
  campaign_stamp: string | null;
  row_version: string | null;
}
interface LogRow {
  number: number;
  at: Date;
  contact_id: string;
  flag: string;
  dynamics: boolean | null;
  dynamics_at: string | null;
  campaign: boolean | null;
  campaign_at: string | null;
  agreed_before: boolean | null;
  agreed_after: boolean | null;
  rule: string;
  winner: ConsentEntry['winner'];
  because: string;
  result: string;
  run_id: string;
}

const toAgreement = ({ opted_out, campaign_stamp, row_version }: AgreementRow): Agreement => ({
  optedOut: opted_out,
  ...(campaign_stamp !== null && { campaignStamp: campaign_stamp }),
  ...(row_version !== null && { rowVersion: row_version }),
});

const toEntry = (row: LogRow): ConsentEntry => ({
  number: Number(row.number),
  at: row.at.toISOString(),
  contactId: row.contact_id,
  flag: row.flag,
  ...(row.dynamics !== null && { dynamics: row.dynamics }),
  ...(row.dynamics_at !== null && { dynamicsAt: row.dynamics_at }),
  ...(row.campaign !== null && { campaign: row.campaign }),
  ...(row.campaign_at !== null && { campaignAt: row.campaign_at }),
  ...(row.agreed_before !== null && { agreedBefore: row.agreed_before }),
  ...(row.agreed_after !== null && { agreedAfter: row.agreed_after }),
  rule: row.rule,
  winner: row.winner,
  because: row.because,
  result: row.result,
  runId: row.run_id,
});

/** The later of two outcomes of one flag says what it is now; in the order in which rows are locked. */
function lastOfEach(outcomes: FlagOutcome[]): FlagOutcome[] {
  const last = new Map(outcomes.map((outcome) => [`${outcome.contactId}/${outcome.flag}`, outcome]));
  return [...last.entries()].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, outcome]) => outcome);
}

function count(outcomes: FlagOutcome[]): OptOutCounts {
  const counts: OptOutCounts = { read: 0, toCampaign: 0, toDynamics: 0, unchanged: 0, parked: 0 };
  for (const { outcome } of outcomes) {
    counts.read += 1;
    counts[outcome] += 1;
  }
  return counts;
}

async function agree(transaction: Transaction<unknown>, outcomes: FlagOutcome[]): Promise<void> {
  const agreed = outcomes.flatMap(({ contactId, flag, agreement }) =>
    agreement ? [{ contactId, flag, ...agreement }] : [],
  );
  if (agreed.length === 0) return;
  await sql`
    insert into ledger.agreement (contact_id, flag, opted_out, campaign_stamp, row_version)
    select * from unnest(
      ${agreed.map(({ contactId }) => contactId)}::text[], ${agreed.map(({ flag }) => flag)}::text[],
      ${agreed.map(({ optedOut }) => optedOut)}::boolean[],
      ${agreed.map(({ campaignStamp }) => campaignStamp ?? null)}::text[], ${agreed.map(({ rowVersion }) => rowVersion ?? null)}::text[]
    )
    on conflict (contact_id, flag) do update set
      opted_out = excluded.opted_out, campaign_stamp = excluded.campaign_stamp, row_version = excluded.row_version`.execute(
    transaction,
  );
}

async function note(
  transaction: Transaction<unknown>,
  outcomes: FlagOutcome[],
  runId: string,
): Promise<void> {
  const decided = outcomes.flatMap(({ contactId, flag, decision }) =>
    decision ? [{ contactId, flag, ...decision }] : [],
  );
  if (decided.length === 0) return;
  await sql`
    insert into ledger.consent_log (contact_id, flag, dynamics, dynamics_at, campaign, campaign_at, agreed_before, agreed_after,
      rule, winner, because, result, run_id)
    select given.*, ${runId} from unnest(
      ${decided.map((each) => each.contactId)}::text[], ${decided.map((each) => each.flag)}::text[],
      ${decided.map((each) => each.dynamics ?? null)}::boolean[], ${decided.map((each) => each.dynamicsAt ?? null)}::text[],
      ${decided.map((each) => each.campaign ?? null)}::boolean[], ${decided.map((each) => each.campaignAt ?? null)}::text[],
      ${decided.map((each) => each.agreedBefore ?? null)}::boolean[], ${decided.map((each) => each.agreedAfter ?? null)}::boolean[],
      ${decided.map((each) => each.rule)}::text[], ${decided.map((each) => each.winner)}::text[],
      ${decided.map((each) => each.because)}::text[], ${decided.map((each) => each.result)}::text[]
    ) as given`.execute(transaction);
}

/** A contact that was never tried is due at once; one that failed comes back later each time. */
async function callAgain(transaction: Transaction<unknown>, due: DueContact[]): Promise<void> {
  const sorted = [...due].sort((one, other) => (one.contactId < other.contactId ? -1 : 1));
  const attempts = sql`due_contact.attempts + case when excluded.code is null then 0 else 1 end`;
  await sql`
    insert into ledger.due_contact (contact_id, code, attempts, next_at)
    select contact_id, code, case when code is null then 0 else 1 end,
      now() + case when code is null then interval '0' else ${retryDelay(sql`1`)} end
    from unnest(${sorted.map(({ contactId }) => contactId)}::text[], ${sorted.map(({ code }) => code ?? null)}::text[])
      as given (contact_id, code)
    on conflict (contact_id) do update set
      code = excluded.code, attempts = ${attempts},
      next_at = case when excluded.code is null then now() else now() + ${retryDelay(attempts)} end`.execute(
    transaction,
  );
}
