import pMap from 'p-map';
import type { CallOptions } from '../http/calls.js';
import { SyncError } from '../errors.js';
import type { FeedState, Position } from '../ledger/store.js';
import type { Change, Decision } from './decide.js';
import { decidePage } from './decide-page.js';
import type { ActivityDependencies } from './dependencies.js';
import type { CandidateTable } from './plan-mapping.js';
import type { Predicted, Tally } from './plan-tally.js';
import type { PlanView } from './plan-view.js';
import {
  DELETES_AT_ONCE,
  OVERLAP_MS,
  PAGE_SIZE,
  positionUnder,
  READ_AGAIN_AT_ONCE,
  restartOf,
  SURVEY_PAGE_SIZE,
  SWEEP_PAGE_SIZE,
} from './reading.js';
import { surveyedRecord } from './survey.js';

export interface Walk {
  flow: string;
  table: CandidateTable;
  view: PlanView;
  tally: Tally;
  forecast(decision: Decision): Promise<Predicted>;
  options: CallOptions;
}

/**
 * Walks as ingress-pages.ts does, from where the feed stands until nothing is left to read, and decides with the same code: but nothing
 * is sent, and the feed stays where it is. Page by page, keeping counts, and in memory the ids of the sweep.
 */
export async function walkPlan(
  { dynamics, campaign, ledger, clock, campaignMaxConcurrent }: ActivityDependencies,
  { flow, table: { mapping, source, resource }, view, tally, forecast, options }: Walk,
  feed: FeedState | undefined,
): Promise<void> {
  const start = positionUnder(feed?.position, mapping.hash);
  // Outcomes of an interrupted page count as its own only if the feed has not been moved.
  let version = (feed?.version ?? 0) + (start === feed?.position ? 0 : 1);
  let readWhole = false;
  const called = new Set<string>();

  for (let calls = await callsAfter(''); calls.length > 0; calls = await callsAfter(calls.at(-1) ?? '')) {
    await readByIds(calls, start);
    for (const id of calls) called.add(id);
  }
  for (let position: Position | undefined = start; position;) position = await stepFrom(position);

  async function callsAfter(after: string): Promise<string[]> {
    const calls = await ledger.called(flow, { after, limit: READ_AGAIN_AT_ONCE });
    return calls.map(({ sourceId }) => sourceId);
  }

  async function stepFrom(position: Position): Promise<Position | undefined> {
    try {
      return await step(position);
    } catch (error) {
      const isRefusedLink = error instanceof SyncError && error.code === 'DYNAMICS_TOKEN_EXPIRED';
      // Once it reads everything, a plan is made anew from its start, so that no row counts twice.
      if (!isRefusedLink || position.link === undefined || readWhole) throw error;
      version += 1;
      return restartOf(position);
    }
  }

  async function step(position: Position): Promise<Position | undefined> {
    const { link: _link, surveyed: _surveyed, swept: _swept, ...rest } = position;
    switch (position.phase) {
      case 'survey':
        await survey();
        return { ...rest, phase: 'full' };
      case 'full':
        return fullPage(position);
      case 'sweep':
        await sweep(position);
        return { ...rest, phase: 'overlap' };
      case 'overlap':
        return overlapPage(position);
      case 'following':
        return followingPage(position);
    }
  }

  /** What Campaign holds, by keyed fingerprints: an equal row costs no call, a double is not chosen. */
  async function survey(): Promise<void> {
    let link: string | undefined;
    let seen = 0;
    do {
      const request = { lineCount: SURVEY_PAGE_SIZE, ...(link !== undefined && { link }) };
      const page = await campaign.list(resource, request, options);
      tally.campaignCall();
      seen += page.records.length;
      view.surveyed(page.records.flatMap((record) => surveyedRecord(record, mapping, ledger.fingerprint)));
      link = page.nextLink;
      if (link === undefined && page.records.length >= SURVEY_PAGE_SIZE) {
        const counted = await campaign.count(resource, page.countLink, options);
        tally.campaignCall();
        if (counted > seen)
          throw new SyncError('CAMPAIGN_LIST_TRUNCATED', { system: 'campaign', subject: resource.name });
      }
    } while (link !== undefined);
    view.surveyFinished();
  }

  async function fullPage(position: Position): Promise<Position> {
    const read = await readTracked(position.link);
    await work(read.changes, position, { sameVersionIsRepeat: false });
    readWhole = true;
    const { link: _link, deltaLink: _none, ...rest } = position;
    const startedAt = position.startedAt ?? read.serverTime;
    if (read.nextLink !== undefined) return { ...rest, startedAt, link: read.nextLink };
    return {
      ...rest,
      startedAt,
      phase: 'sweep',
      ...(read.deltaLink !== undefined && { deltaLink: read.deltaLink }),
    };
  }

  async function followingPage(position: Position): Promise<Position | undefined> {
    const read = await readTracked(position.link);
    // After its own full read a plan has decided on every row: what changed meanwhile is the next sync's.
    if (!readWhole) await work(read.changes, position, { sameVersionIsRepeat: true });
    if (read.nextLink !== undefined) return { ...position, link: read.nextLink };
    await readAgain(position, (after) => ledger.dueParked(flow, { after, limit: READ_AGAIN_AT_ONCE }));
    await readAgain(position, (after) => ledger.deletionsDue(flow, { after, limit: READ_AGAIN_AT_ONCE }));
    return undefined;
  }

  function readTracked(link: string | undefined) {
    tally.dynamicsCall();
    return dynamics.readTracked(
      {
        table: source,
        select: mapping.select,
        pageSize: PAGE_SIZE,
        ...(link !== undefined && { link }),
      },
      options,
    );
  }

  /** What is known and not among the keys of Dynamics is gone from there. */
  async function sweep(position: Position): Promise<void> {
    const keys = new Set<string>();
    let { link } = position;
    for (let isRead = position.swept === true; !isRead; isRead = link === undefined) {
      const page = await dynamics.readKeys(
        { table: source, pageSize: SWEEP_PAGE_SIZE, ...(link !== undefined && { link }) },
        options,
      );
      tally.dynamicsCall();
      for (const id of page.ids) keys.add(packed(id));
      link = page.nextLink;
    }

    // Notes that an interrupted sweep has left count for this one only.
    const goesOn = position === start;
    let absent: string[] = [];
    for (let after = ''; ;) {
      const ids = goesOn
        ? await ledger.unsweptIds(flow, after, DELETES_AT_ONCE)
        : await ledger.sweepableIds(flow, after, DELETES_AT_ONCE);
      absent.push(...(await stillOurs(ids.filter((id) => !keys.has(packed(id))))));
      const last = ids.at(-1);
      while (absent.length >= DELETES_AT_ONCE || (last === undefined && absent.length > 0)) {
        const gone = absent.slice(0, DELETES_AT_ONCE).map((id): Change => ({ kind: 'gone', id }));
        await work(gone, position, { sameVersionIsRepeat: false });
        absent = absent.slice(DELETES_AT_ONCE);
      }
      if (last === undefined) return;
      after = last;
    }
  }

  /** A survey may have found out that nothing is left of a record that the ledger still calls ours. */
  async function stillOurs(ids: string[]): Promise<string[]> {
    const known = await view.ledger.records(flow, ids);
    return ids.filter((id) => {
      const record = known.get(id);
      if (!record) return false;
      const { managed, state, intentAgeMs } = record;
      return (
        managed ||
        state === 'parked' ||
        state === 'held' ||
        state === 'approved' ||
        state === 'filtered' ||
        (intentAgeMs !== undefined && state !== 'gone')
      );
    });
  }

  async function overlapPage(position: Position): Promise<Position> {
    const { link, deltaLink, startedAt = new Date(clock.nowMs()).toISOString(), ...rest } = position;
    const read = await dynamics.readModifiedSince(
      {
        table: source,
        select: mapping.select,
        since: new Date(Date.parse(startedAt) - OVERLAP_MS).toISOString(),
        pageSize: PAGE_SIZE,
        ...(link !== undefined && { link }),
      },
      options,
    );
    tally.dynamicsCall();
    if (!readWhole) await work(read.changes, position, { sameVersionIsRepeat: true });
    if (read.nextLink !== undefined) return { ...position, startedAt, link: read.nextLink };
    return {
      ...rest,
      phase: 'following',
      mode: 'changes',
      ...(deltaLink !== undefined && { link: deltaLink }),
    };
  }

  async function readAgain(
    position: Position,
    idsAfter: (after: string) => Promise<string[]>,
  ): Promise<void> {
    let waiting: string[] = [];
    for (let after = ''; ;) {
      const ids = await idsAfter(after);
      waiting.push(...ids.filter((id) => !view.isDone(id)));
      const last = ids.at(-1);
      while (waiting.length >= READ_AGAIN_AT_ONCE || (last === undefined && waiting.length > 0)) {
        await readByIds(waiting.slice(0, READ_AGAIN_AT_ONCE), position);
        waiting = waiting.slice(READ_AGAIN_AT_ONCE);
      }
      if (last === undefined) return;
      after = last;
    }
  }

  async function readByIds(ids: string[], position: Position): Promise<void> {
    const rows = await dynamics.readByIds({ table: source, select: mapping.select, ids }, options);
    tally.dynamicsCall();
    const read = new Set(rows.map((row) => row.id));
    const gone = ids.filter((id) => !read.has(id)).map((id): Change => ({ kind: 'gone', id }));
    await work([...rows, ...gone], position, { sameVersionIsRepeat: false });
  }

  async function work(
    changes: Change[],
    { mode }: Position,
    { sameVersionIsRepeat }: { sameVersionIsRepeat: boolean },
  ): Promise<void> {
    // A row that a sync has read for a call comes by its feed as a repeat.
    const news = sameVersionIsRepeat ? changes.filter(({ id }) => !called.has(id)) : changes;
    const decisions = await decidePage(view.ledger, flow, mapping, news, {
      mode,
      feedVersion: version,
      sameVersionIsRepeat,
    });
    version += 1;
    view.decided(decisions);
    for (const predicted of await pMap(decisions, forecast, { concurrency: campaignMaxConcurrent }))
      tally.add(predicted);
  }
}

/** 16 characters for a GUID's 36: a sweep of a million keys takes about 60 MB. */
const packed = (guid: string): string => Buffer.from(guid.replaceAll('-', ''), 'hex').toString('latin1');
