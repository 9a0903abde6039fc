import type { SandboxContext } from '../context.js';
import type { FileArea } from '../sftp/area.js';
import { DELIVERY_LOG_COLUMNS, deliveryLogRow, TRACKING_LOG_COLUMNS, trackingLogRow } from './log-rows.js';
import type { Logs } from './logs.js';
import { nameTime, textFile } from './text-file.js';

/** Ids of one delivery's logs: they follow each other. */
export interface IdRange {
  first: number;
  amount: number;
}

/** The logs of one delivery. */
export interface LogRange {
  delivery: number;
  broadLogs: IdRange;
  trackingLogs: IdRange;
}

/** The workflow that exports delivery and tracking logs to the SFTP area, incrementally (campaign.md §7). */
export interface Exports {
  /**
   * Notes the files of a delivery that was sent: one with its sends, then its mutations and its tracking. Returns
   * their names, as an SFTP client sees them.
   */
  prepare(range: LogRange): string[];
  /** Writes the files that were noted, those of an earlier process included. */
  writePrepared(): void;
}

type Kind = 'deliveryLogs' | 'trackingLogs';

/** A file that is to be written; its rows are told from the logs, so that a kill loses none. */
interface PreparedFile {
  name: string;
  kind: Kind;
  /** Whether messages that bounce later are still shown as sent. */
  stage: 'sent' | 'final';
  range: IdRange;
  /** Rows of the file before this one that its query finds again. */
  repeated: number[];
  atMs: number;
}

export const LOGS_FOLDER = 'd365_loads/logs';
/** Rows on the boundary: changed in the very second of the execution before, which the query's "≥" includes. */
const BOUNDARY_ROWS = 3;
/** A row that turns failed is changed that much after it was first exported. */
const MUTATED_AFTER_MS = 1000;

export function createExports(context: SandboxContext, logs: Logs, area: FileArea): Exports {
  const prepared = context.store.collection<PreparedFile>('campaign.exports');
  const boundaries = context.store.collection<number[]>('campaign.export-boundary');
  const executions = context.store.collection<number>('campaign.export-executions');

  function prepare({ delivery, broadLogs, trackingLogs }: LogRange): string[] {
    // Each execution has a second of its own, since its file is named by it.
    const sentMs = Math.max(
      Math.floor(context.clock.nowMs() / 1000) * 1000 - 1000,
      (executions.get('last') ?? 0) + 1000,
    );
    const finalMs = sentMs + MUTATED_AFTER_MS;
    executions.set('last', finalMs);
    const sent = logs.deliveries.get(String(delivery));
    if (sent) logs.deliveries.set(String(delivery), { ...sent, exportedMs: sentMs });
    return [
      note('deliveryLogs', 'sent', broadLogs, sentMs),
      note('deliveryLogs', 'final', broadLogs, finalMs),
      note('trackingLogs', 'final', trackingLogs, finalMs),
    ];
  }

  function note(kind: Kind, stage: PreparedFile['stage'], range: IdRange, atMs: number): string {
    const { gzip } = context.limits().campaign.exports;
    const name = `${LOGS_FOLDER}/${kind}_${nameTime(atMs)}.txt${gzip ? '.gz' : ''}`;
    const repeated = boundaries.get(kind) ?? [];
    prepared.set(name, { name, kind, stage, range, repeated, atMs });
    const own = idsOf(kind, stage, range);
    boundaries.set(kind, (own.length > 0 ? own : repeated).slice(-BOUNDARY_ROWS));
    return `/${name}`;
  }

  /** In the second file of delivery logs stand those alone that have changed since the first. */
  function idsOf(kind: Kind, stage: PreparedFile['stage'], { first, amount }: IdRange): number[] {
    const ids = Array.from({ length: amount }, (_, place) => first + place);
    if (kind === 'trackingLogs' || stage === 'sent') return ids;
    return ids.filter((id) => logs.broadLogs.get(String(id))?.failure?.type === 'hard');
  }

  function writePrepared(): void {
    if (prepared.size === 0) return;
    for (const file of prepared.values()) {
      const columns = file.kind === 'deliveryLogs' ? DELIVERY_LOG_COLUMNS : TRACKING_LOG_COLUMNS;
      const own = idsOf(file.kind, file.stage, file.range);
      const rows = [...file.repeated.filter((id) => !own.includes(id)), ...own].map((id) => rowOf(file, id));
      area.write(
        file.name,
        textFile(
          columns,
          rows.filter((row) => row !== undefined),
          context.limits().campaign.exports,
        ),
        file.atMs,
      );
    }
    prepared.clear();
    context.store.commit();
  }

  function rowOf({ kind, stage, range }: PreparedFile, id: number): string[] | undefined {
    const tracking = kind === 'trackingLogs' ? logs.trackingLogs.get(String(id)) : undefined;
    const log = logs.broadLogs.get(String(kind === 'trackingLogs' ? tracking?.broadLog : id));
    const delivery = log && logs.deliveries.get(String(log.delivery));
    if (!log || !delivery) return undefined;
    if (tracking) return trackingLogRow(tracking, log, delivery);
    const isHard = log.failure?.type === 'hard';
    // Rows of earlier deliveries have gone through all that happens to them.
    const failsLater = isHard && stage === 'sent' && id >= range.first;
    const modifiedMs = (delivery.exportedMs ?? 0) + (isHard && !failsLater ? MUTATED_AFTER_MS : 0);
    return deliveryLogRow(log, delivery, failsLater ? undefined : log.failure, modifiedMs);
  }

  return { prepare, writePrepared };
}
