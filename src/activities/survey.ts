import { SyncError } from '../errors.js';
import type { Feed, Position, SurveyedRecord } from '../ledger/store.js';
import { canonical } from '../mapping/canonical.js';
import type { CompiledMapping } from '../mapping/model.js';
import type { ActivityDependencies } from './dependencies.js';
import type { PageContext } from './page-context.js';
import { SURVEY_PAGE_SIZE } from './reading.js';

/**
 * Looks at what Campaign holds, before a first load and in a verify (DESIGN §7): records with a key become known, so that an
 * equal row costs no call; records that are missing or differ lose their fingerprint; doubles are noted, never chosen.
 */
export function createSurvey({ campaign, ledger, log }: ActivityDependencies) {
  async function page(feed: Feed, { inForce, options }: PageContext): Promise<Feed> {
    const position = feed.position as Position;
    const { resource, mapping } = inForce;
    const read = await campaign.list(
      resource,
      { lineCount: SURVEY_PAGE_SIZE, ...(position.link !== undefined && { link: position.link }) },
      { ...options, priority: 'first-load' },
    );
    const surveyed = (position.surveyed ?? 0) + read.records.length;
    const found = read.records.flatMap((record) => surveyedRecord(record, mapping, ledger.fingerprint));
    const { link: _read, ...rest } = position;
    if (read.nextLink !== undefined) {
      return ledger.commitSurveyPage(feed, found, { ...rest, surveyed, link: read.nextLink });
    }
    await refuseTruncation();
    const recorded = await ledger.commitSurveyPage(feed, found, { ...rest, surveyed });
    const { surveyed: _all, ...started } = rest;
    const finished = await ledger.finishSurvey(recorded, { ...started, phase: 'full' });
    log('survey.finished', {
      flow: feed.flow,
      surveyed,
      missing: finished.missing,
      doubled: finished.doubled,
    });
    return finished;

    /** A big table's list may end without a next link although more is there (campaign.md §3). */
    async function refuseTruncation(): Promise<void> {
      if (read.records.length < SURVEY_PAGE_SIZE) return;
      const counted = await campaign.count(resource, read.countLink, options);
      if (counted <= surveyed) return;
      await ledger.moveFeed(feed, restart(rest));
      throw new SyncError('CAMPAIGN_LIST_TRUNCATED', { system: 'campaign', subject: resource.name });
    }
  }

  return { page };
}

function restart({ surveyed: _seen, ...position }: Position): Position {
  return position;
}

/** A record without a key cannot be one of ours. */
export function surveyedRecord(
  record: Record<string, unknown>,
  mapping: CompiledMapping,
  fingerprint: (text: string) => string,
): SurveyedRecord[] {
  const held = mapping.fromCampaign(record);
  if (held.key === '') return [];
  return [
    {
      sourceId: held.key,
      full: fingerprint(canonical(held.full)),
      following: fingerprint(canonical(held.following)),
    },
  ];
}
