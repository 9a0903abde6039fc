import type { EngineCall } from '../campaign/engine.js';
import { formatDatetime } from '../campaign/field-values.js';
import { profileCall } from '../campaign/profile-call.js';
import type { CampaignRecord } from '../campaign/record-table.js';
import type { Resources } from '../campaign/resources.js';
import { STAMP_LAG_MS } from '../campaign/writes.js';
import type { SandboxContext } from '../context.js';
import { nameTime, textFile } from '../deliveries/text-file.js';
import type { FileArea } from '../sftp/area.js';
import { cellOf, isColumn, OPT_OUT_COLUMNS } from './columns.js';
import type { OptOutExportReport, OptOutExportRequest } from './request.js';

/**
 * The workflow that exports opt-outs to the SFTP area (campaign.md §7): scheduler, incremental query on the profiles
 * by `lastModified`, extract file, transfer file.
 */
export interface OptOutExport {
  /** Runs it once. The file is whole, and the execution is on disk, when it returns. */
  run(request: OptOutExportRequest): OptOutExportReport;
  /** Those of the names that no file can have as a column. */
  unknownColumns(names: readonly string[]): string[];
}

/** The last execution, which the next one goes on from. */
interface Execution {
  atMs: number;
  /** The second that its file is named by. */
  nameMs: number;
  /** Profiles that stood last in its file. */
  boundary: number[];
}

const EXPORTS_FOLDER = 'd365_loads/exports';
/** Rows that stand for those changed in the very moment of the execution before, which "≥" finds again. */
const BOUNDARY_ROWS = 3;
const SECOND_MS = 1000;

export function createOptOutExport(
  context: SandboxContext,
  resources: Resources,
  area: FileArea,
): OptOutExport {
  const executions = context.store.collection<Execution>('campaign.opt-out-export');

  function run(request: OptOutExportRequest): OptOutExportReport {
    const call = profileCall(context, resources);
    const { columns = OPT_OUT_COLUMNS, label } = request;
    const atMs = context.clock.nowMs();
    const last = executions.get('last');
    const selected = changedSince(call, startOf(request, last));
    const rows = [...repeated(request, last, selected), ...selected];
    // A second of its own, since its file is named by it.
    const nameMs = Math.max(wholeSecond(atMs), (last?.nameMs ?? 0) + SECOND_MS);
    const format = context.limits().campaign.exports;
    const file = `${EXPORTS_FOLDER}/${label}_${nameTime(nameMs)}.txt${format.gzip ? '.gz' : ''}`;
    const cells = rows.map((record) => columns.map((name) => cellOf(call, record, name)));
    // The file first: a process that dies in between exports the same rows again, and loses none.
    area.write(file, textFile(columns, cells, format), nameMs);
    executions.set('last', { atMs, nameMs, boundary: rows.slice(-BOUNDARY_ROWS).map(({ id }) => id) });
    context.store.commit();
    return { file: `/${file}`, rows: rows.length };
  }

  /** Where the query begins; undefined when it has no beginning, as in the very first run. */
  function startOf(
    { all, since, repeatBoundary }: OptOutExportRequest,
    last: Execution | undefined,
  ): number | undefined {
    if (all) return undefined;
    if (since !== undefined) return since;
    if (last === undefined) return undefined;
    const startMs = last.atMs - STAMP_LAG_MS;
    return repeatBoundary ? wholeSecond(startMs) : startMs;
  }

  function repeated(
    { all, since, repeatBoundary }: OptOutExportRequest,
    last: Execution | undefined,
    selected: readonly CampaignRecord[],
  ): CampaignRecord[] {
    if (all || since !== undefined || !repeatBoundary) return [];
    const profiles = resources.table('profile');
    return (last?.boundary ?? []).flatMap((id) =>
      selected.some((record) => record.id === id) ? [] : (profiles.get(id) ?? []),
    );
  }

  function unknownColumns(names: readonly string[]): string[] {
    const { definition } = profileCall(context, resources);
    return names.filter((name) => !isColumn(definition, name));
  }

  return { run, unknownColumns };
}

/** In the order of the changes. */
function changedSince({ resources }: EngineCall, startMs: number | undefined): CampaignRecord[] {
  const start = startMs === undefined ? '' : formatDatetime(startMs);
  return [...resources.table('profile').from(-1)]
    .filter((record) => modifiedAt(record) >= start)
    .sort((left, right) => compareText(modifiedAt(left), modifiedAt(right)) || left.id - right.id);
}

/** Datetimes compare as text, since their form is fixed. */
const modifiedAt = ({ values }: CampaignRecord): string => String(values['lastModified'] ?? '');

const compareText = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0);

const wholeSecond = (milliseconds: number): number => Math.floor(milliseconds / SECOND_MS) * SECOND_MS;
