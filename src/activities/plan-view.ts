import type { Ledger, LedgerRecord, RecordState, SurveyedRecord } from '../ledger/store.js';
import type { Decision } from './decide.js';

/** The ledger as it would be at this point of a sync that a plan only imagines. Nothing is written. */
export interface PlanView {
  /** Its reads answer with what the plan has found; only those that a decision needs are changed. */
  ledger: Ledger;
  /** A page of Campaign's records. */
  surveyed(found: SurveyedRecord[]): void;
  /** From here on, what the survey did not see counts as missing. */
  surveyFinished(): void;
  /** What would be done counts from here on: for the brake, and so that no row is taken twice. */
  decided(decisions: Decision[]): void;
  /** The row was parked, or its deletion due, and it has been decided on since. */
  isDone(id: string): boolean;
}

type Prints = Pick<LedgerRecord, 'full' | 'following'>;

/** Keeps keyed fingerprints of what Campaign holds, about 200 bytes a record; of rows, only ids that were set aside before. */
export function createPlanView(ledger: Ledger, flow: string): PlanView {
  const inCampaign = new Map<string, Prints | 'several'>();
  let isSurveyed = false;
  let deleted = 0;
  const done = new Set<string>();
  let page = new Map<string, LedgerRecord>();

  const records: Ledger['records'] = async (asked, ids) => {
    const known = await ledger.records(asked, ids);
    if (asked !== flow) return known;
    page = isSurveyed
      ? new Map(
          ids.flatMap((id) => {
            const record = afterSurvey(id, known.get(id), inCampaign.get(id));
            return record ? [[id, record]] : [];
          }),
        )
      : known;
    return page;
  };

  const deletionWindow: Ledger['deletionWindow'] = async (asked) => {
    const window = await ledger.deletionWindow(asked);
    return { ...window, deleted: window.deleted + deleted };
  };

  return {
    ledger: { ...ledger, records, deletionWindow },
    surveyed(found) {
      for (const { sourceId, full, following } of found)
        inCampaign.set(sourceId, inCampaign.has(sourceId) ? 'several' : { full, following });
    },
    surveyFinished() {
      isSurveyed = true;
    },
    decided(decisions) {
      for (const decision of decisions) {
        const id = decision.kind === 'settled' ? decision.outcome.sourceId : decision.sourceId;
        const isRepeat = decision.kind === 'settled' && decision.outcome.outcome === 'repeat';
        const record = page.get(id);
        if (!isRepeat && record && wasSetAside(record)) done.add(id);
        if (decision.kind === 'delete' && !decision.approved && record?.managed) deleted += 1;
      }
    },
    isDone: (id) => done.has(id),
  };
}

const wasSetAside = ({ state, leaving }: LedgerRecord): boolean =>
  state === 'parked' || state === 'approved' || (state === 'held' && leaving === true);

const KEPT_WHEN_SEEN = new Set<RecordState>(['parked', 'held', 'approved', 'filtered']);
const KEPT_WHEN_UNSEEN = new Set<RecordState>(['parked', 'filtered', 'gone']);

/** What a finished survey makes of a record, as the ledger's own survey writes it; undefined: nothing is known of it. */
function afterSurvey(
  sourceId: string,
  record: LedgerRecord | undefined,
  seen: Prints | 'several' | undefined,
): LedgerRecord | undefined {
  const { full: _full, following: _following, ...bare } = record ?? { sourceId, managed: false };
  if (seen) {
    const doubled = seen === 'several';
    const found = doubled ? 'doubled' : bare.managed ? 'managed' : 'found';
    const state = record && KEPT_WHEN_SEEN.has(record.state) ? record.state : found;
    return { ...bare, state, doubled, ...(seen !== 'several' && seen) };
  }
  if (!record) return undefined;
  const { state } = record;
  const wasInCampaign =
    record.managed ||
    record.doubled ||
    record.full !== undefined ||
    state === 'found' ||
    state === 'doubled' ||
    state === 'held';
  if (!wasInCampaign) return record;
  const isLeftover =
    !record.managed && (state === 'found' || state === 'doubled') && record.intentAgeMs === undefined;
  if (isLeftover) return undefined;
  return {
    ...bare,
    state: KEPT_WHEN_UNSEEN.has(state) ? state : 'missing',
    managed: false,
    doubled: false,
  };
}
