import { sql, type Transaction } from 'kysely';
import { inChunks, STATEMENT_ROWS, type LedgerContext } from './context.js';
import { changeFeed, isFirstPage, underLease } from './held-feed.js';
import type { Feed, Ledger, Position, SurveyedRecord } from './store.js';

type Survey = Pick<Ledger, 'commitSurveyPage' | 'finishSurvey'>;

/**
 * Surveys compare what Campaign holds with what is known: see the contract in store.ts. Each record keeps the number of
 * the last survey that saw it: a survey goes on after a restart, and what it did not see stands out at its end.
 */
export function createSurvey(context: LedgerContext): Survey {
  function commitSurveyPage(feed: Feed, found: SurveyedRecord[], next: Position): Promise<Feed> {
    return underLease(context, feed, async (transaction, locked) => {
      const number = locked.survey.number + (isFirstPage(locked.position, 'survey') ? 1 : 0);
      for (const chunk of inChunks(foldDoubles(found)))
        await writeFound(transaction, feed.flow, number, chunk);
      return changeFeed(context, transaction, feed, locked, {
        next,
        survey: { number, isOpen: true },
        worked: true,
      });
    });
  }

  function finishSurvey(feed: Feed, next: Position): ReturnType<Ledger['finishSurvey']> {
    return underLease(context, feed, async (transaction, locked) => {
      // A survey of an empty resource may end without a page.
      const number = locked.survey.number + (locked.survey.isOpen ? 0 : 1);
      const { missing, doubled, heldLost } = await settleUnseen(transaction, feed.flow, number);
      await releaseDoubles(transaction, feed.flow, number);
      const survey = { number, isOpen: false };
      const change = { next, survey, worked: true, managedChange: -missing, heldChange: -heldLost };
      return { ...(await changeFeed(context, transaction, feed, locked, change)), missing, doubled };
    });
  }

  return { commitSurveyPage, finishSurvey };
}

interface Found extends SurveyedRecord {
  doubled: boolean;
}

function foldDoubles(found: SurveyedRecord[]): Found[] {
  const folded = new Map<string, Found>();
  for (const record of found) {
    folded.set(record.sourceId, { ...record, doubled: folded.has(record.sourceId) });
  }
  return [...folded.values()].sort((one, other) => (one.sourceId < other.sourceId ? -1 : 1));
}

/**
 * What a record's fingerprints are worth afterwards is what Campaign holds now, whoever wrote it: one that differs from what
 * was accepted is replaced, so that the record's next row is compared with the truth. Of a double nothing is known.
 * Parked, held and filtered records stay what they are, and nobody's record becomes ours by being seen.
 */
async function writeFound(transaction: Transaction<unknown>, flow: string, survey: number, found: Found[]) {
  await sql`
    insert into ledger.record as known
      (flow, source_id, state, managed, full_print, following_print, survey, survey_doubled)
    select ${flow}, source_id, case when doubled then 'doubled' else 'found' end, false,
      case when not doubled then full_print end, case when not doubled then following_print end,
      ${survey}::integer, doubled
    from unnest(
      ${found.map((record) => record.sourceId)}::text[], ${found.map((record) => record.full)}::text[],
      ${found.map((record) => record.following)}::text[], ${found.map((record) => record.doubled)}::boolean[]
    ) as given (source_id, full_print, following_print, doubled)
    on conflict (flow, source_id) do update set
      state = case
        when known.state in ('parked', 'held', 'approved', 'filtered') then known.state
        when excluded.survey_doubled or known.survey = excluded.survey then 'doubled'
        when known.managed then 'managed'
        else 'found'
      end,
      full_print = case when known.survey is distinct from excluded.survey then excluded.full_print end,
      following_print = case when known.survey is distinct from excluded.survey then excluded.following_print end,
      survey = excluded.survey,
      survey_doubled = excluded.survey_doubled or known.survey is not distinct from excluded.survey`.execute(
    transaction,
  );
}

/**
 * Of the records that this survey did not see, ours become missing (parked and filtered ones stay that, no longer ours),
 * and what an earlier survey had found or doubled is forgotten.
 */
async function settleUnseen(transaction: Transaction<unknown>, flow: string, survey: number) {
  const total = { missing: 0, doubled: 0, heldLost: 0 };
  for (let after: string | null = ''; after !== null;) {
    const { rows } = await sql<UnseenRow>`
      with part as (
        select source_id, state, managed, full_print, survey, survey_doubled, intent_at from ledger.record
        where flow = ${flow} and source_id > ${after} order by source_id limit ${STATEMENT_ROWS}
      ), unseen as (
        select source_id, state, managed,
          not managed and state in ('found', 'doubled') and intent_at is null as is_leftover
        from part
        where survey is distinct from ${survey}::integer
          and (managed or survey_doubled or full_print is not null or state in ('found', 'doubled', 'held'))
      ), forgotten as (
        delete from ledger.record using unseen
        where record.flow = ${flow} and record.source_id = unseen.source_id and is_leftover
      ), lost as (
        update ledger.record set
          state = case when record.state in ('parked', 'filtered', 'gone') then record.state else 'missing' end,
          managed = false, full_print = null, following_print = null, survey_doubled = false
        from unseen where record.flow = ${flow} and record.source_id = unseen.source_id and not is_leftover
      )
      select
        (select max(source_id) from part) as last,
        (select count(*) from unseen where managed) as missing,
        (select count(*) from unseen where state = 'held') as held_lost,
        (select count(*) from part where survey = ${survey}::integer and survey_doubled) as doubled`.execute(
      transaction,
    );
    const row: UnseenRow | undefined = rows[0];
    total.missing += row?.missing ?? 0;
    total.doubled += row?.doubled ?? 0;
    total.heldLost += row?.held_lost ?? 0;
    after = row?.last ?? null;
  }
  return total;
}

interface UnseenRow {
  last: string | null;
  missing: number;
  held_lost: number;
  doubled: number;
}

/** A parked double that is one again, or none, is due. */
async function releaseDoubles(
  transaction: Transaction<unknown>,
  flow: string,
  survey: number,
): Promise<void> {
  await sql`
    with single as (
      select source_id from ledger.parked
      where flow = ${flow} and code = 'DUPLICATE_IN_CAMPAIGN' and not exists (
        select from ledger.record where record.flow = parked.flow and record.source_id = parked.source_id
          and record.survey = ${survey}::integer and record.survey_doubled)
      order by source_id for update
    )
    update ledger.parked set next_at = now() from single
    where parked.flow = ${flow} and parked.source_id = single.source_id`.execute(transaction);
}
