import { SyncError } from '../errors.js';
import type { CallOptions } from '../http/calls.js';
import type { TableMetadata } from './metadata.js';
import type { WebApi } from './web-api.js';

/** A row, or a tombstone (dataverse.md §3). Versions are decimal text. */
export type Change =
  { kind: 'row'; id: string; version: string; row: Record<string, unknown> } | { kind: 'gone'; id: string };

export interface TrackedPage {
  changes: Change[];
  nextLink?: string;
  deltaLink?: string;
  /** The server's clock when it answered, ISO 8601. */
  serverTime: string;
}
interface Read {
  table: TableMetadata;
  /** Members to select, besides the primary id and versionnumber. */
  select: string[];
  pageSize: number;
  link?: string;
}

export interface ChangeFeed {
  /**
   * A page of the tracked read: the first without a link, then by next or delta link, verbatim. Throws DYNAMICS_TOKEN_EXPIRED for any
   * refusal of a link other than 401, 403, 408 and 429 (dataverse.md §3).
   */
  readTracked(read: Read, options?: CallOptions): Promise<TrackedPage>;
  /** Rows modified at or after `since` (ISO 8601), without tracking. */
  readModifiedSince(
    read: Read & { since: string },
    options?: CallOptions,
  ): Promise<{ changes: Change[]; nextLink?: string }>;
  /** All ids, without tracking. */
  readKeys(read: Omit<Read, 'select'>, options?: CallOptions): Promise<{ ids: string[]; nextLink?: string }>;
  /** Rows by id, at most 100; ids that are absent do not come back. */
  readByIds(
    read: { table: TableMetadata; select: string[]; ids: string[] },
    options?: CallOptions,
  ): Promise<Change[]>;
  /** Changes since a delta link; undefined when the server does not say. */
  countChanges(
    read: { table: TableMetadata; deltaLink: string },
    options?: CallOptions,
  ): Promise<number | undefined>;
}

export function createChangeFeed(api: WebApi): ChangeFeed {
  const selectOf = ({ table, select }: Pick<Read, 'table' | 'select'>): string =>
    `$select=${[...new Set([table.primaryId, 'versionnumber', ...select])].join(',')}`;

  async function readTracked(read: Read, options?: CallOptions): Promise<TrackedPage> {
    const { table, link, pageSize } = read;
    const preferences = ['odata.track-changes', `odata.maxpagesize=${pageSize}`];
    const address = link ?? `${table.entitySetName}?${selectOf(read)}`;
    const { body, serverTime } = await followed(link, () => api.get(address, options, preferences), table);
    return { changes: changesOf(body, table), ...linksOf(body, link), serverTime };
  }

  async function readModifiedSince({ since, ...read }: Read & { since: string }, options?: CallOptions) {
    const { table, link, pageSize } = read;
    const address =
      link ??
      `${table.entitySetName}?${selectOf(read)}&$filter=modifiedon%20ge%20${encodeURIComponent(since)}`;
    const { body } = await followed(
      link,
      () => api.get(address, options, [`odata.maxpagesize=${pageSize}`]),
      table,
    );
    return { changes: changesOf(body, table), ...linksOf(body, link) };
  }

  async function readKeys({ table, link, pageSize }: Omit<Read, 'select'>, options?: CallOptions) {
    const address = link ?? `${table.entitySetName}?$select=${table.primaryId}`;
    const { body } = await followed(
      link,
      () => api.get(address, options, [`odata.maxpagesize=${pageSize}`]),
      table,
    );
    return { ids: rowsOf(body).map((row) => String(row[table.primaryId])), ...linksOf(body, link) };
  }

  async function readByIds(
    { table, select, ids }: { table: TableMetadata; select: string[]; ids: string[] },
    options?: CallOptions,
  ) {
    const changes: Change[] = [];
    // A URL stays well below what proxies take; an In-list of 25 GUIDs is about 1,200 characters.
    for (let start = 0; start < ids.length; start += 25) {
      const values = ids.slice(start, start + 25).map((id) => `"${id}"`);
      const filter = `Microsoft.Dynamics.CRM.In(PropertyName='${table.primaryId}',PropertyValues=[${values.join(',')}])`;
      const { body } = await api.get(
        `${table.entitySetName}?${selectOf({ table, select })}&$filter=${encodeURIComponent(filter)}`,
        options,
      );
      changes.push(...changesOf(body, table));
    }
    return changes;
  }

  async function countChanges(
    { table, deltaLink }: { table: TableMetadata; deltaLink: string },
    options?: CallOptions,
  ) {
    const token = /[?&](?:\$|%24)deltatoken=([^&]*)/i.exec(deltaLink)?.[1];
    if (token === undefined) return undefined;
    const { text } = await api.get(`${table.entitySetName}/$count?$deltatoken=${token}`, options, [], true);
    const count = Number(text.replace(/^\uFEFF/, '').trim());
    return Number.isSafeInteger(count) ? count : undefined;
  }

  return { readTracked, readModifiedSince, readKeys, readByIds, countChanges };
}

/** A refused link cannot be mended by asking again: only a new full read can. Names the table in every error. */
async function followed<T>(
  link: string | undefined,
  read: () => Promise<T>,
  table: TableMetadata,
): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof SyncError)) throw error;
    const refusedLink =
      link !== undefined && error.code === 'DYNAMICS_REQUEST_REFUSED' && error.evidence.status !== undefined;
    const subject = [table.logicalName, error.evidence.subject].filter(Boolean).join(': ');
    throw new SyncError(refusedLink ? 'DYNAMICS_TOKEN_EXPIRED' : error.code, { ...error.evidence, subject });
  }
}

const rowsOf = (body: Record<string, unknown>): Record<string, unknown>[] =>
  Array.isArray(body.value) ? (body.value as Record<string, unknown>[]) : [];

function changesOf(body: Record<string, unknown>, table: TableMetadata): Change[] {
  return rowsOf(body).map((row): Change => {
    const isTombstone =
      row.reason === 'deleted' || String(row['@odata.context'] ?? '').endsWith('/$deletedEntity');
    if (isTombstone) return { kind: 'gone', id: String(row.id).toLowerCase() };
    return {
      kind: 'row',
      id: String(row[table.primaryId]).toLowerCase(),
      version: String(row.versionnumber),
      row,
    };
  });
}

function linksOf(
  body: Record<string, unknown>,
  current: string | undefined,
): { nextLink?: string; deltaLink?: string } {
  const nextLink = body['@odata.nextLink'];
  const deltaLink = body['@odata.deltaLink'];
  // A cookie that does not advance would be read for ever (dataverse.md §11).
  if (typeof nextLink === 'string' && nextLink === current) {
    throw new SyncError('DYNAMICS_TOKEN_EXPIRED', {
      system: 'dynamics',
      subject: 'the next link repeats itself',
    });
  }
  return {
    ...(typeof nextLink === 'string' && { nextLink }),
    ...(typeof deltaLink === 'string' && { deltaLink }),
  };
}
