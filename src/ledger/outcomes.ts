import { sql, type Transaction } from 'kysely';
import { noteBirths } from './births.js';
import { inChunks, noCounts, type LedgerContext } from './context.js';
import { changeFeed, underLease, type LockedFeed } from './held-feed.js';
import { answer, callChildren, flowsLedTo, relink } from './linking.js';
import { nameOf, type Call } from './link-store.js';
import { lockParked, park, parentFlows, releaseWaiting, unpark } from './parking.js';
import type { Counts, Feed, Ledger, Outcome, Position, RowOutcome } from './store.js';

/** An outcome that is not a repeat: the ones that change a record and are counted. */
export type Decided = RowOutcome & { outcome: Outcome };

/** Records what became of a page's rows: see the contract in store.ts. */
export function createOutcomes(context: LedgerContext): Pick<Ledger, 'commitPage'> {
  function commitPage(
    feed: Feed,
    outcomes: RowOutcome[],
    next?: Position,
    answered: Call[] = [],
    { optOuts = false }: { optOuts?: boolean } = {},
  ): Promise<Feed> {
    const decided = outcomes.filter((row): row is Decided => row.outcome !== 'repeat');
    const rows = lastOfEach(decided);
    const parents = [...new Set([...parentFlows(rows), ...flowsLedTo(rows)])].filter(
      (flow) => flow !== feed.flow,
    );
    const write = async (transaction: Transaction<unknown>, locked: LockedFeed) => {
      const change = { managedChange: 0, heldChange: 0, deleted: 0 };
      const stayed: string[] = [];
      const wereParked = await lockParked(transaction, feed.flow, rows);
      for (const chunk of inChunks(rows)) {
        const written = await writeOutcomes(transaction, feed, chunk, next === undefined);
        change.managedChange += written.managed_change;
        change.heldChange += written.held_change;
        change.deleted += written.deleted;
        stayed.push(...(written.stayed ?? []).map((id) => nameOf(feed.flow, id)));
        if (optOuts) await noteBirths(transaction, chunk, written.became ?? [], locked.runId ?? '');
        await park(transaction, feed, chunk);
        if (wereParked) await unpark(transaction, feed.flow, chunk);
        await relink(transaction, feed, chunk);
      }
      const landed = rows.filter((row) => row.accepted).map((row) => nameOf(feed.flow, row.sourceId));
      const waited = await releaseWaiting(transaction, [...landed, ...stayed]);
      const called = await callChildren(transaction, stayed);
      if (next) await answer(transaction, feed.flow, answered);
      const counts = count(decided);
      const changed = await changeFeed(context, transaction, feed, locked, {
        ...change,
        ...(next && { next, counts, worked: counts.read > 0 }),
      });
      const released = new Set([...waited, ...called]);
      released.delete(feed.flow);
      return { ...changed, released: [...released].sort() };
    };
    return underLease(context, feed, write, { parents });
  }

  return { commitPage };
}

/** A page may hold a row twice: both count, the later one says what the record is now. In id order, as rows are locked. */
function lastOfEach(outcomes: Decided[]): Decided[] {
  const last = new Map(outcomes.map((row) => [row.sourceId, row]));
  return [...last.values()].sort((one, other) => (one.sourceId < other.sourceId ? -1 : 1));
}

function count(outcomes: Decided[]): Counts {
  const counts = { ...noCounts };
  for (const { outcome } of outcomes) {
    counts[outcome] += 1;
    counts.read += 1;
  }
  return counts;
}

interface Written {
  managed_change: number;
  held_change: number;
  deleted: number;
  /** Records that were about to go, and stay. */
  stayed: string[] | null;
  /** Records that are ours from now on. */
  became: string[] | null;
}

/**
 * The transitions (DESIGN §7), one column each:
 *
 * | outcome                     | state    | managed | fingerprints                 | intent mark |
 * |-----------------------------|----------|---------|------------------------------|-------------|
 * | created, updated, unchanged | managed  | yes     | what was accepted            | off         |
 * | unchanged, nothing accepted | managed if it was, otherwise found with prints, otherwise gone | as before | as before | stays |
 * | deleted                     | gone     | no      | none                         | off         |
 * | filtered, parked, held      | that     | as before | as before                  | stays, off when its create was refused |
 * | … and removed               | that     | no      | none                         | off         |
 * | … and forgotten             | that     | as before | none                       | stays       |
 *
 * Any outcome takes off the mark of a record that is about to go, but for a `held` one that is to keep it.
 * created or updated without what was accepted are told again after an interruption: their fingerprints stay as this
 * page's earlier attempt left them. A record that nothing was known of and that is gone leaves no row, and one of a whole
 * page that is known to be just so is not written again.
 */
async function writeOutcomes(
  transaction: Transaction<unknown>,
  feed: Feed,
  rows: Decided[],
  isInterrupted: boolean,
): Promise<Written> {
  const { rows: answers } = await sql<Written>`
    with given as (
      select *, full_print is not null and outcome in ('created', 'updated', 'unchanged') as is_accepted
      from unnest(
        ${rows.map((row) => row.sourceId)}::text[], ${rows.map((row) => row.outcome)}::text[],
        ${rows.map((row) => row.sourceVersion ?? null)}::text[], ${rows.map((row) => row.mappingVersion ?? null)}::integer[],
        ${rows.map((row) => row.accepted?.full ?? null)}::text[], ${rows.map((row) => row.accepted?.following ?? null)}::text[],
        ${rows.map((row) => row.createRefused ?? false)}::boolean[], ${rows.map((row) => row.removed ?? false)}::boolean[],
        ${rows.map((row) => row.forgotten ?? false)}::boolean[], ${rows.map((row) => row.leaving ?? false)}::boolean[]
      ) as given (source_id, outcome, source_version, mapping_version, full_print, following_print, is_refused, is_removed,
        is_forgotten, is_leaving)
    ), decided as (
      select given.source_id, given.outcome,
        known.ctid as place, known.managed as was_managed, known.state as was_state, known.leaving as was_leaving,
        given.is_removed, given.is_leaving and coalesce(known.leaving, false) as leaving,
        case
          when is_accepted or given.outcome in ('created', 'updated') then 'managed'
          when given.outcome = 'unchanged'
            then case when known.managed then 'managed' when known.full_print is not null then 'found' else 'gone' end
          when given.outcome = 'deleted' then 'gone'
          else given.outcome
        end as state,
        case
          when is_accepted or given.outcome in ('created', 'updated') then true
          when given.outcome = 'deleted' or is_removed then false
          else coalesce(known.managed, false)
        end as managed,
        case when is_accepted then nullif(given.full_print, '') when keeps_prints then known.full_print end as full_print,
        case when is_accepted then nullif(given.following_print, '') when keeps_prints then known.following_print end as following_print,
        coalesce(given.source_version, known.source_version) as source_version,
        coalesce(given.mapping_version, known.mapping_version) as mapping_version,
        case when not is_settled then known.intent_at end as intent_at,
        case when not is_settled then known.intent_version end as intent_version
      from given
      left join ledger.record known on known.flow = ${feed.flow} and known.source_id = given.source_id
      cross join lateral (select
        case
          when given.outcome in ('created', 'updated')
            then (known.outcome, known.outcome_version) is not distinct from (given.outcome, ${feed.version}::bigint)
          when given.outcome = 'unchanged' and not known.managed and known.full_print is null then false
          else given.outcome <> 'deleted' and not is_removed and not is_forgotten
        end as keeps_prints,
        is_accepted or is_refused or is_removed or given.outcome in ('created', 'updated', 'deleted') as is_settled
      ) as rules
    ), rewritten as (
      update ledger.record set
        state = decided.state, managed = decided.managed,
        full_print = decided.full_print, following_print = decided.following_print,
        source_version = decided.source_version, mapping_version = decided.mapping_version,
        intent_at = decided.intent_at, intent_version = decided.intent_version, leaving = decided.leaving,
        outcome = decided.outcome, outcome_version = ${feed.version}::bigint
      from decided
      where record.ctid = decided.place and (${isInterrupted}::boolean
        or (decided.state, decided.managed, decided.full_print, decided.following_print, decided.source_version,
            decided.mapping_version, decided.intent_at, decided.leaving)
          is distinct from (record.state, record.managed, record.full_print, record.following_print, record.source_version,
            record.mapping_version, record.intent_at, record.leaving))
    ), added as (
      insert into ledger.record (flow, source_id, state, managed, full_print, following_print, source_version,
        mapping_version, outcome, outcome_version)
      select ${feed.flow}, source_id, state, managed, full_print, following_print, source_version,
        mapping_version, outcome, ${feed.version}::bigint
      from decided where place is null and state <> 'gone'
    )
    select
      count(*) filter (where managed) - count(*) filter (where was_managed) as managed_change,
      count(*) filter (where state = 'held') - count(*) filter (where was_state = 'held') as held_change,
      count(*) filter (where (outcome = 'deleted' or is_removed) and was_managed and was_state <> 'approved') as deleted,
      array_agg(source_id) filter (where was_leaving and not leaving and managed) as stayed,
      array_agg(source_id) filter (where managed and not coalesce(was_managed, false)) as became
    from decided`.execute(transaction);
  return answers[0] ?? { managed_change: 0, held_change: 0, deleted: 0, stayed: null, became: null };
}
