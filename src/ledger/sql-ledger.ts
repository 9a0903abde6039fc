import { sql } from 'kysely';
import { SyncError } from '../errors.js';
import { createCalls } from './calls.js';
import { createConsent } from './consent.js';
import type { LedgerContext } from './context.js';
import { createEvents } from './events.js';
import { guarded } from './failures.js';
import { createFeeds } from './feeds.js';
import { createFlowStates } from './flow-states.js';
import { createHeld } from './held.js';
import { createFingerprint } from './key.js';
import { createLinks } from './links.js';
import { createMappings, createMetadataCache } from './mappings.js';
import { createOutcomes } from './outcomes.js';
import { createParked } from './parked.js';
import { createRecords } from './records.js';
import { createRuns } from './runs.js';
import { createStories } from './stories.js';
import type { Ledger } from './store.js';
import { createSurvey } from './survey.js';
import { createSweep } from './sweep.js';

/**
 * The ledger over a migrated database of either backend. Every call fails with an error of the catalogue only;
 * `close` closes the database and then calls `closed`.
 */
export function createSqlLedger(
  context: LedgerContext & { key: string; closed?: () => Promise<void> },
): Ledger {
  const { database, key, closed } = context;
  const fingerprint = createFingerprint(key);

  async function claimPair({
    organizationId,
    tenant,
  }: {
    organizationId: string;
    tenant: string;
  }): Promise<void> {
    const keyCheck = fingerprint('ledger key');
    await sql`
      insert into ledger.pair (organization_id, tenant, key_check) values (${organizationId}, ${tenant}, ${keyCheck})
      on conflict do nothing`.execute(database);
    const { rows } = await sql`
      select 1 from ledger.pair
      where organization_id = ${organizationId} and tenant = ${tenant} and key_check = ${keyCheck}`.execute(
      database,
    );
    if (rows.length === 0) throw new SyncError('LEDGER_OF_ANOTHER_PAIR');
  }

  async function close(): Promise<void> {
    await database.destroy();
    await closed?.();
  }

  return Object.freeze({
    fingerprint,
    mappings: guardAll(createMappings(context)),
    metadata: guardAll(createMetadataCache(context)),
    ...guardAll({
      ...createFeeds(context),
      ...createRecords(context),
      ...createOutcomes(context),
      ...createHeld(context),
      ...createLinks(context),
      ...createSurvey(context),
      ...createSweep(context),
      ...createParked(context),
      ...createRuns(context),
      ...createFlowStates(context),
      ...createEvents(context),
      ...createConsent(context),
      ...createStories(context),
      ...createCalls(context),
      claimPair,
      close,
    }),
  });
}

/** Every call of a part of the ledger, guarded. */
function guardAll<Part extends object>(part: Part): Part {
  const calls = Object.entries(part).map(([name, call]) => [name, guarded(call as () => Promise<unknown>)]);
  return Object.fromEntries(calls) as Part;
}
