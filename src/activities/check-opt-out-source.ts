import type { ResourceMetadata } from '../campaign/client.js';
import type { Finding } from '../contracts.js';
import type { CallOptions } from '../http/calls.js';
import { OPT_OUT_RESOURCE, type OptOut } from '../mapping/opt-out-schema.js';
import type { ActivityDependencies } from './dependencies.js';
import { isStaleExport } from './opt-out-position.js';
import { fault, fine, looked, warning, type About } from './findings.js';

/** Whether the source that the file names tells what changes in Campaign. One page is read of each look, and nothing of it is kept. */
export async function checkOptOutSource(
  dependencies: ActivityDependencies,
  optOut: OptOut,
  resource: ResourceMetadata | undefined,
  options: CallOptions,
): Promise<Finding[]> {
  if (optOut.direction === 'dynamics-to-campaign') return [];
  if (optOut.source === 'files') return exportFindings(dependencies, optOut, options);
  return resource ? filterFindings(dependencies, optOut, resource, options) : [];
}

const YEAR_MS = 365 * 86_400_000;

/** The filter is the operator's own (campaign.md §3): only its answers tell what it compares. */
function filterFindings(
  { campaign, clock }: ActivityDependencies,
  { changes: { filter, parameter } }: OptOut,
  resource: ResourceMetadata,
  options: CallOptions,
): Promise<Finding[]> {
  const about: About = { area: 'opt-out', subject: `${OPT_OUT_RESOURCE}/${filter}` };
  const isAnySince = async (atMs: number): Promise<boolean> => {
    const since = new Date(atMs).toISOString();
    const page = await campaign.changedSince(resource, { filter, parameter, since, lineCount: 1 }, options);
    return page.records.length > 0;
  };
  const next = 'Have it compare lastModified >= its parameter, publish, and name both under optOut.changes.';
  return looked(about, async () => {
    if (await isAnySince(clock.nowMs() + YEAR_MS))
      return [
        fault(about, 'it answers profiles that were modified before the time that it was asked for', next),
      ];
    if (await isAnySince(0)) return [fine(about, 'it answers profiles modified since a time, and no others')];
    const { records } = await campaign.list(resource, { lineCount: 1 }, options);
    return records.length > 0
      ? [fault(about, 'it leaves out profiles that were modified since the time that it was asked for', next)]
      : [fine(about, 'it answers; there is no profile to try it on')];
  });
}

function exportFindings(
  dependencies: ActivityDependencies,
  optOut: OptOut,
  { signal = new AbortController().signal }: CallOptions,
): Promise<Finding[]> {
  const about: About = { area: 'opt-out', subject: 'source: files' };
  return looked(about, async () => {
    const files = dependencies.optOutFiles(optOut);
    try {
      const { items, newestAt } = await files.read(undefined, signal);
      const workflow = 'See to the exporting workflow in Campaign, and to optOut.files in sync.yaml.';
      if (newestAt === undefined)
        return [warning(about, 'it answers, and there is no export file', workflow)];
      const seen = `it answers; the newest export file is of ${newestAt}`;
      const faults = items.filter(({ kind }) => kind === 'fault').length;
      if (isStaleExport(newestAt, optOut, dependencies.clock.nowMs()))
        return [warning(about, `${seen}, older than staleAfter (${optOut.staleAfter})`, workflow)];
      if (faults === 0) return [fine(about, seen)];
      const parked = 'See `starter parked opt-out` after a sync.';
      return [warning(about, `${seen}; ${faults} of its first rows cannot be read`, parked)];
    } finally {
      await files.close();
    }
  });
}
