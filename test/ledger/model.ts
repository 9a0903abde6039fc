import type { Counts, Outcome, RecordState, RowOutcome, SurveyedRecord } from '../../src/ledger/store.js';

interface ModelRecord {
  state: RecordState;
  managed: boolean;
  doubled: boolean;
  full: string | undefined;
  following: string | undefined;
  sourceVersion: string | undefined;
  marked: boolean;
  /** What an interrupted attempt at the present page recorded. */
  stamped: Outcome | undefined;
  seenBy: number;
}

interface ModelParked {
  code: string;
  attempts: number;
  waits: 'for ever' | 'by time' | 'due';
  pageVersion: number;
}

/** The ledger of one flow as plainly as it can be told: a map, and the rules of store.ts one after the other. */
export function createModel() {
  const records = new Map<string, ModelRecord>();
  const parked = new Map<string, ModelParked>();
  const counts: Counts = {
    read: 0,
    created: 0,
    updated: 0,
    unchanged: 0,
    filtered: 0,
    deleted: 0,
    parked: 0,
    held: 0,
  };
  let version = 0;
  let survey = 0;
  let deletions = 0;

  const blank = (): ModelRecord => ({
    state: 'missing',
    managed: false,
    doubled: false,
    full: undefined,
    following: undefined,
    sourceVersion: undefined,
    marked: false,
    stamped: undefined,
    seenBy: 0,
  });

  function turnPage(): void {
    version += 1;
    for (const record of records.values()) record.stamped = undefined;
  }

  function decide(row: RowOutcome & { outcome: Outcome }): void {
    const before = records.get(row.sourceId);
    const leavesNothing = row.outcome === 'deleted' || (row.outcome === 'unchanged' && !row.accepted);
    if (!before && leavesNothing) return;
    const record = before ?? blank();
    records.set(row.sourceId, record);
    record.sourceVersion = row.sourceVersion ?? record.sourceVersion;
    if (row.outcome !== 'parked') parked.delete(row.sourceId);
    switch (row.outcome) {
      case 'created':
      case 'updated':
      case 'unchanged':
        if (row.accepted) {
          record.full = row.accepted.full;
          record.following = row.accepted.following;
        } else if (row.outcome !== 'unchanged' && record.stamped !== row.outcome) {
          record.full = undefined;
          record.following = undefined;
        }
        if (row.accepted || row.outcome !== 'unchanged') {
          Object.assign(record, { state: 'managed', managed: true, marked: false });
        } else if (record.managed) {
          record.state = 'managed';
          if (row.forgotten) Object.assign(record, { full: undefined, following: undefined });
        } else if (record.full !== undefined) {
          record.state = 'found';
        } else {
          Object.assign(record, { state: 'gone', full: undefined, following: undefined });
        }
        break;
      case 'deleted':
        if (record.managed) deletions += 1;
        Object.assign(record, {
          state: 'gone',
          managed: false,
          full: undefined,
          following: undefined,
          marked: false,
        });
        break;
      case 'filtered':
      case 'held':
        record.state = row.outcome;
        loosen(record, row);
        break;
      case 'parked':
        record.state = 'parked';
        if (row.createRefused) record.marked = false;
        loosen(record, row);
        park(row);
        break;
    }
    record.stamped = row.outcome;
  }

  /** Its record is deleted, or what Campaign holds of it is not known any more. */
  function loosen(record: ModelRecord, { removed, forgotten }: RowOutcome): void {
    if (removed || forgotten) Object.assign(record, { full: undefined, following: undefined });
    if (!removed) return;
    if (record.managed) deletions += 1;
    Object.assign(record, { managed: false, marked: false });
  }

  function park({ sourceId, fault }: RowOutcome): void {
    if (!fault) return;
    const earlier = parked.get(sourceId);
    const again = earlier?.pageVersion === version;
    const never = fault.code === 'PARENT_MISSING' || fault.code === 'DUPLICATE_IN_CAMPAIGN';
    parked.set(sourceId, {
      code: fault.code,
      attempts: (earlier?.attempts ?? 0) + (again ? 0 : 1),
      waits: again && earlier.code === fault.code ? earlier.waits : never ? 'for ever' : 'by time',
      pageVersion: version,
    });
  }

  return {
    records,
    parked,
    counts,
    totals: () => ({
      managed: [...records.values()].filter((record) => record.managed).length,
      parked: parked.size,
      held: [...records.values()].filter((record) => record.state === 'held').length,
    }),
    deletions: () => deletions,
    mark(ids: string[]): void {
      for (const id of ids) records.set(id, { ...(records.get(id) ?? blank()), marked: true });
    },
    commit(rows: (RowOutcome & { outcome: Outcome })[], isWhole: boolean): void {
      for (const row of rows) decide(row);
      if (!isWhole) return;
      for (const { outcome } of rows) {
        counts.read += 1;
        counts[outcome] += 1;
      }
      turnPage();
    },
    move: turnPage,
    surveyPage(found: SurveyedRecord[], isFirst: boolean): void {
      if (isFirst) survey += 1;
      for (const { sourceId, full, following } of found) {
        const record = records.get(sourceId) ?? { ...blank(), state: 'found' as const };
        records.set(sourceId, record);
        record.doubled = record.seenBy === survey;
        record.seenBy = survey;
        record.full = record.doubled ? undefined : full;
        record.following = record.doubled ? undefined : following;
        const staysSo = record.state === 'parked' || record.state === 'held' || record.state === 'filtered';
        if (!staysSo) record.state = record.doubled ? 'doubled' : record.managed ? 'managed' : 'found';
      }
      turnPage();
    },
    finishSurvey(): { missing: number; doubled: number } {
      let missing = 0;
      for (const [id, record] of records) {
        if (record.seenBy === survey) continue;
        const leftover = !record.managed && (record.state === 'found' || record.state === 'doubled');
        if (leftover && !record.marked) {
          records.delete(id);
          continue;
        }
        if (record.managed) missing += 1;
        const staysSo = record.state === 'parked' || record.state === 'filtered' || record.state === 'gone';
        Object.assign(record, {
          state: staysSo ? record.state : 'missing',
          managed: false,
          doubled: false,
          full: undefined,
          following: undefined,
        });
      }
      const doubled = [...records.values()].filter((record) => record.doubled).length;
      for (const [id, row] of parked) {
        if (row.code === 'DUPLICATE_IN_CAMPAIGN' && !records.get(id)?.doubled) row.waits = 'due';
      }
      turnPage();
      return { missing, doubled };
    },
    redrive(): number {
      for (const row of parked.values()) row.waits = 'due';
      return parked.size;
    },
  };
}
export type Model = ReturnType<typeof createModel>;
