import type { Change, Dynamics, TableMetadata } from '../dynamics/client.js';
import { SyncError } from '../errors.js';
import type { CallOptions } from '../http/calls.js';
import type { OptOutPosition } from './opt-out-position.js';
import { OVERLAP_MS, PAGE_SIZE } from './reading.js';

type DynamicsPosition = OptOutPosition['dynamics'];
export interface ContactsRead {
  /** Absent: the link is refused, and everything is to be read again (P7). */
  next?: DynamicsPosition;
  changes: Change[];
  more: boolean;
}

/** The contacts' changes as the flow of opt-outs follows them, on a change token of its own. */
export function createContactChanges(
  dynamics: Dynamics,
  table: TableMetadata,
  select: string[],
  options: CallOptions,
) {
  /** First all contacts, then those changed behind the reader, then what changes (DESIGN §7, "read"). */
  async function next(position: DynamicsPosition): Promise<ContactsRead> {
    const { phase, link, startedAt, deltaLink } = position;
    const from = {
      table,
      select,
      pageSize: PAGE_SIZE,
      ...(link !== undefined && { link }),
    };
    try {
      if (phase === 'overlap') {
        const since = new Date(Date.parse(startedAt ?? '') - OVERLAP_MS).toISOString();
        const read = await dynamics.readModifiedSince({ ...from, since }, options);
        const next: DynamicsPosition =
          read.nextLink === undefined
            ? { phase: 'following', ...(deltaLink !== undefined && { link: deltaLink }) }
            : { ...position, link: read.nextLink };
        return { next, changes: read.changes, more: true };
      }
      const read = await dynamics.readTracked(from, options);
      const began = startedAt ?? read.serverTime;
      const { changes, nextLink, deltaLink: delta } = read;
      if (phase === 'following') {
        const on = nextLink ?? delta ?? link;
        return {
          next: { phase, ...(on !== undefined && { link: on }) },
          changes,
          more: nextLink !== undefined,
        };
      }
      const next: DynamicsPosition =
        nextLink === undefined
          ? { phase: 'overlap', startedAt: began, ...(delta !== undefined && { deltaLink: delta }) }
          : { phase, startedAt: began, link: nextLink };
      return { next, changes, more: true };
    } catch (error) {
      if (!(error instanceof SyncError) || error.code !== 'DYNAMICS_TOKEN_EXPIRED' || link === undefined)
        throw error;
      return { changes: [], more: true };
    }
  }

  return { next };
}
