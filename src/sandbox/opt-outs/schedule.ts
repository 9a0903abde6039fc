import type { SandboxContext } from '../context.js';
import { parseDuration } from '../duration.js';
import type { OptOutExport } from './export.js';
import { OptOutExportBody } from './request.js';

/** The scheduler of the opt-out export, which goes by the sandbox's clock. */
export interface OptOutSchedule {
  /**
   * Runs the export when its time has come: once, however often the clock has passed it, as a workflow that was down
   * does. To be called whenever time has passed, or `limits.campaign.exports.optOutEvery` may have changed.
   */
  keep(): void;
}

interface NextRun {
  every: string;
  dueMs: number;
}

export function createOptOutSchedule(context: SandboxContext, optOutExport: OptOutExport): OptOutSchedule {
  const runs = context.store.collection<NextRun>('campaign.opt-out-schedule');

  function keep(): void {
    const every = context.limits().campaign.exports.optOutEvery;
    const next = runs.get('next');
    const nowMs = context.clock.nowMs();
    const everyMs = parseDuration(every);
    if (everyMs === undefined) {
      if (!next) return;
      runs.delete('next');
    } else if (next?.every !== every) {
      runs.set('next', { every, dueMs: nowMs + everyMs });
    } else if (nowMs >= next.dueMs) {
      optOutExport.run(OptOutExportBody.parse({}));
      const missed = Math.floor((nowMs - next.dueMs) / everyMs);
      runs.set('next', { every, dueMs: next.dueMs + (missed + 1) * everyMs });
    } else return;
    context.store.commit();
  }

  return { keep };
}
