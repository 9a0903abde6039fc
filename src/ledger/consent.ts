import { sql, type RawBuilder, type Transaction } from 'kysely';
import type {
  Agreement,
  ConsentDecision,
  ConsentEntry,
  ConsentPage,
  ConsentStore,
  ContactCall,
  DueContact,
  DueSummary,
  FlagOutcome,
  OptOutCounts,
} from './consent-store.js';
import { inChunks, noCounts, type LedgerContext } from './context.js';
import { changeFeed, underLease } from './held-feed.js';
import { parkPlaces, unparkPlaces } from './parked-places.js';
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
    { outcomes, settled, answered, due, learned = [], faults = [], reread = [] }: ConsentPage,
    next?: Position,
  ): Promise<Feed> {
    return underLease(context, feed, async (transaction, locked) => {
      const runId = locked.runId ?? '';
      for (const chunk of inChunks(lastOfEach(outcomes))) {
        await agree(transaction, chunk.flatMap(agreedIn));
        await note(
          transaction,
          chunk.flatMap(({ contactId, flag, decision }) =>
            decision ? [{ contactId, flag, ...decision }] : [],
          ),
          runId,
        );
      }
      for (const chunk of inChunks(lastOfEach(learned))) await agree(transaction, chunk.flatMap(agreedIn));
      for (const chunk of inChunks(settled.toSorted())) {
        await settleCalls(transaction, chunk, answered);
      }
      for (const chunk of inChunks(due)) await callAgain(transaction, chunk);
      await parkPlaces(transaction, feed, faults);
      await unparkPlaces(
        transaction,
        feed.flow,
        reread.filter((id) => !faults.some((fault) => fault.id === id)),
      );
      const counts = count(outcomes, faults.length);
      if (counts.read > 0) {
        await sql`
          update ledger.run set to_campaign = to_campaign + ${counts.toCampaign}::bigint,
            to_dynamics = to_dynamics + ${counts.toDynamics}::bigint
          where flow = ${feed.flow} and run_id = ${runId}`.execute(transaction);
      }
      const { read, unchanged, parked } = counts;
      return changeFeed(context, transaction, feed, locked, {
        ...(next && { next }),
        counts: { ...noCounts, read, unchanged, parked },
        worked: read > 0,
      });
    });
  }

  async function dueContacts({ after, limit }: { after: string; limit: number }): Promise<DueContact[]> {
    const { rows } = await sql<{ contact_id: string; code: string | null }>`
      select contact_id, code from ledger.due_contact where next_at <= now() and contact_id > ${after}
      order by contact_id limit ${limit}`.execute(database);
    return rows.map(({ contact_id, code }) => ({ contactId: contact_id, ...(code !== null && { code }) }));
  }

  async function calledContacts(contactIds: string[]): Promise<Map<string, ContactCall>> {
    const calls = new Map<string, ContactCall>();
    for (const chunk of inChunks(contactIds)) {
      const { rows } = await sql<{ contact_id: string; code: string | null; waits: boolean; mark: string }>`
        select contact_id, code, next_at > now() as waits, ${mark} as mark from ledger.due_contact
        where contact_id = any(${chunk}::text[])`.execute(database);
      for (const { contact_id, code, waits: isWaiting, mark: ofCall } of rows)
        calls.set(contact_id, { mark: ofCall, isWaiting, ...(code !== null && { code }) });
    }
    return calls;
  }

  async function dueSummary(): Promise<DueSummary> {
    const { rows } = await sql<{ code: string | null; contacts: number; oldest: Date; unknown: number }>`
      select code, count(*)::float8 as contacts, min(since) as oldest,
        (count(*) filter (where code is null and not exists (
          select from ledger.agreement where agreement.contact_id = due_contact.contact_id)))::float8 as unknown
      from ledger.due_contact group by code order by code`.execute(database);
    const oldest = rows.map((row) => row.oldest.getTime());
    const failed = rows.flatMap((row) => (row.code === null ? [] : [[row.code, row.contacts] as const]));
    return {
      count: rows.reduce((sum, row) => sum + row.contacts, 0),
      failing: failed.reduce((sum, [, contacts]) => sum + contacts, 0),
      unknown: rows.reduce((sum, row) => sum + row.unknown, 0),
      ...(oldest.length > 0 && { oldestAt: new Date(Math.min(...oldest)).toISOString() }),
      errors: Object.fromEntries(failed),
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

  async function lastDecisions(contactId: string, limit: number): Promise<ConsentEntry[]> {
    const { rows } = await sql<LogRow>`
      select * from ledger.consent_log where contact_id = ${contactId}
      order by number desc limit ${limit}`.execute(database);
    return rows.map(toEntry);
  }

  async function dueContact(contactId: string): Promise<DueContact | undefined> {
    const { rows } = await sql<{ code: string | null }>`
      select code from ledger.due_contact where contact_id = ${contactId}`.execute(database);
    return rows[0] && { contactId, ...(rows[0].code !== null && { code: rows[0].code }) };
  }

  async function optOutCounts(flow: string, runId: string): Promise<OptOutCounts> {
    const { rows } = await sql<OptOutCounts>`
      select read, to_campaign as "toCampaign", to_dynamics as "toDynamics", unchanged, parked from ledger.run
      where flow = ${flow} and run_id = ${runId}`.execute(database);
    return rows[0] ?? { ...noOptOutCounts };
  }

  async function lastOptOutCounts(flow: string): Promise<OptOutCounts> {
    const { rows } = await sql<OptOutCounts>`
      select read, to_campaign as "toCampaign", to_dynamics as "toDynamics", unchanged, parked from ledger.run
      where flow = ${flow} and read > 0
      order by worked_until desc, started_at desc limit 1`.execute(database);
    return rows[0] ?? { ...noOptOutCounts };
  }

  return {
    agreements,
    commitConsents,
    dueContacts,
    calledContacts,
    dueSummary,
    consentLog,
    lastDecisions,
    dueContact,
    optOutCounts,
    lastOptOutCounts,
  };
}

/** Changes with every call of a contact. */
const mark = sql`extract(epoch from next_at)::text`;

/** In the meantime a contact may have been called again, of what the look that settles it did not see. */
async function settleCalls(
  transaction: Transaction<unknown>,
  contactIds: string[],
  answered: Map<string, ContactCall> | undefined,
): Promise<void> {
  const marks = answered && contactIds.map((id) => answered.get(id)?.mark ?? null);
  await sql`
    delete from ledger.due_contact using unnest(${contactIds}::text[], ${marks ?? contactIds}::text[]) as settled (contact_id, mark)
    where due_contact.contact_id = settled.contact_id
      and (${marks === undefined}::boolean or ${mark} = settled.mark)`.execute(transaction);
}

const noOptOutCounts: Readonly<OptOutCounts> = Object.freeze({
  read: 0,
  toCampaign: 0,
  toDynamics: 0,
  unchanged: 0,
  parked: 0,
});

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
function lastOfEach<Outcome extends { contactId: string; flag: string }>(outcomes: Outcome[]): Outcome[] {
  const last = new Map(outcomes.map((outcome) => [`${outcome.contactId}/${outcome.flag}`, outcome]));
  return [...last.entries()].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, outcome]) => outcome);
}

function count(outcomes: FlagOutcome[], faults: number): OptOutCounts {
  const counts = { ...noOptOutCounts, read: faults, parked: faults };
  for (const { outcome } of outcomes) {
    counts.read += 1;
    counts[outcome] += 1;
  }
  return counts;
}

type Agreed = Agreement & { contactId: string; flag: string };
const agreedIn = ({
  contactId,
  flag,
  agreement,
}: {
  contactId: string;
  flag: string;
  agreement?: Agreement;
}): Agreed[] => (agreement ? [{ contactId, flag, ...agreement }] : []);

export async function agree(transaction: Transaction<unknown>, agreed: Agreed[]): Promise<void> {
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

export async function note(
  transaction: Transaction<unknown>,
  decided: (ConsentDecision & { contactId: string; flag: string })[],
  runId: string,
): Promise<void> {
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

/**
 * A contact that was never tried is due at once; one that failed comes back after 1, 1, 2, 5 and 15 minutes, then every half hour: an
 * opt-out is tried until it lands; one that has changed meanwhile at once. A contact that waits already keeps its code when it is only called once more.
 */
export async function callAgain(transaction: Transaction<unknown>, due: DueContact[]): Promise<void> {
  const sorted = due.toSorted((one, other) => (one.contactId < other.contactId ? -1 : 1));
  const attempts = sql`due_contact.attempts + case when excluded.code is null then 0 else 1 end`;
  const after = (number: RawBuilder<unknown>, code: RawBuilder<unknown>) => sql`case
    when coalesce(${code}, 'CONTACT_CHANGED_MEANWHILE') = 'CONTACT_CHANGED_MEANWHILE' then interval '0'
    else coalesce((array[1, 1, 2, 5, 15])[${number}], 30) * interval '1 minute' end`;
  await sql`
    insert into ledger.due_contact (contact_id, code, attempts, next_at)
    select contact_id, code, case when code is null then 0 else 1 end,
      now() + greatest(${after(sql`1`, sql`code`)}, not_before * interval '1 millisecond')
    from unnest(${sorted.map(({ contactId }) => contactId)}::text[], ${sorted.map(({ code }) => code ?? null)}::text[],
      ${sorted.map(({ notBeforeMs }) => notBeforeMs ?? 0)}::float8[]) as given (contact_id, code, not_before)
    on conflict (contact_id) do update set
      code = coalesce(excluded.code, due_contact.code), attempts = ${attempts},
      next_at = case
        when excluded.code is not null then greatest(now() + ${after(attempts, sql`excluded.code`)}, excluded.next_at)
        when due_contact.code like '%_UNKNOWN' then greatest(due_contact.next_at, now())
        else now()
      end`.execute(transaction);
}
