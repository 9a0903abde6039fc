import { SyncError } from '../errors.js';
import type { CallOptions } from '../http/calls.js';
import { idsFilter, isGuid } from './ids.js';
import type { TableMetadata } from './metadata.js';
import type { Reader, WebApi } from './web-api.js';

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
  const pageOf = (pageSize: number): string => `odata.maxpagesize=${pageSize}`;
  /** Which table a lookup leads to is told on request only, and some lead to one of several (dataverse.md §2). */
  const targetsOf = (select: string[]): string[] =>
    select.some((member) => LOOKUP.test(member)) ? [LOOKUP_TARGETS] : [];

  async function readTracked(read: Read, options?: CallOptions): Promise<TrackedPage> {
    const { table, link, pageSize } = read;
    const address = link ?? `${table.entitySetName}?${selectOf(read)}`;
    const preferences = ['odata.track-changes', pageOf(pageSize), ...targetsOf(read.select)];
    const page = await onTable(table, link, () =>
      api.get(address, changesReader(table), options, preferences),
    );
    if (page.nextLink === undefined && page.deltaLink === undefined) throw withoutLink(table, link);
    return page;
  }

  async function readModifiedSince({ since, ...read }: Read & { since: string }, options?: CallOptions) {
    const { table, link, pageSize } = read;
    const filter = `$filter=modifiedon%20ge%20${encodeURIComponent(since)}`;
    const address = link ?? `${table.entitySetName}?${selectOf(read)}&${filter}`;
    const { changes, nextLink } = await onTable(table, link, () =>
      api.get(address, changesReader(table), options, [pageOf(pageSize), ...targetsOf(read.select)]),
    );
    return { changes, ...(nextLink !== undefined && { nextLink }) };
  }

  async function readKeys({ table, link, pageSize }: Omit<Read, 'select'>, options?: CallOptions) {
    const address = link ?? `${table.entitySetName}?$select=${table.primaryId}`;
    const { ids, nextLink } = await onTable(table, link, () =>
      api.get(address, keysReader(table), options, [pageOf(pageSize)]),
    );
    return { ids, ...(nextLink !== undefined && { nextLink }) };
  }

  async function readByIds(
    { table, select, ids }: { table: TableMetadata; select: string[]; ids: string[] },
    options?: CallOptions,
  ): Promise<Change[]> {
    const known = ids.filter(isGuid);
    if (known.length === 0) return [];
    const address = `${table.entitySetName}?${selectOf({ table, select })}&${idsFilter(table.primaryId, known)}`;
    const { changes } = await onTable(table, undefined, () =>
      api.getLong(address, changesReader(table), options, targetsOf(select)),
    );
    return changes;
  }

  async function countChanges(
    { table, deltaLink }: { table: TableMetadata; deltaLink: string },
    options?: CallOptions,
  ): Promise<number | undefined> {
    const token = /[?&](?:\$|%24)deltatoken=([^&]*)/i.exec(deltaLink)?.[1];
    if (token === undefined) return undefined;
    const address = `${table.entitySetName}/$count?$deltatoken=${token}`;
    try {
      const text = await onTable(table, deltaLink, () => api.getText(address, options));
      // The answer is text, with a byte order mark.
      return /^\uFEFF?\s*(\d{1,15})\s*$/.test(text) ? Number(text.replace(/\D/g, '')) : undefined;
    } catch (error) {
      if (error instanceof SyncError && error.code === 'DYNAMICS_TOKEN_EXPIRED') return undefined;
      throw error;
    }
  }

  return { readTracked, readModifiedSince, readKeys, readByIds, countChanges };
}

const LOOKUP = /^_.+_value$/;
const LOOKUP_TARGETS = 'odata.include-annotations="Microsoft.Dynamics.CRM.lookuplogicalname"';

/** Names the table in every error. A refused link cannot be mended by asking again: only a new full read can. */
async function onTable<T extends { nextLink?: string } | string>(
  table: TableMetadata,
  link: string | undefined,
  read: () => Promise<T>,
): Promise<T> {
  try {
    const answer = await read();
    // A cookie that does not advance would be read for ever (dataverse.md §11).
    if (typeof answer !== 'string' && link !== undefined && answer.nextLink === link) {
      throw new SyncError('DYNAMICS_TOKEN_EXPIRED', {
        system: 'dynamics',
        subject: 'the next link repeats itself',
      });
    }
    return answer;
  } catch (error) {
    if (!(error instanceof SyncError)) throw error;
    const refusedLink =
      link !== undefined && error.code === 'DYNAMICS_REQUEST_REFUSED' && error.evidence.status !== undefined;
    const subject = [table.logicalName, error.evidence.subject].filter(Boolean).join(': ');
    throw new SyncError(refusedLink ? 'DYNAMICS_TOKEN_EXPIRED' : error.code, { ...error.evidence, subject });
  }
}

/** A first read that ends without a delta link was read without tracking, whatever the table's metadata says. */
function withoutLink({ logicalName }: TableMetadata, link: string | undefined): SyncError {
  const subject = `${logicalName}: a page with neither next nor delta link`;
  const code = link === undefined ? 'DYNAMICS_TRACKING_OFF' : 'DYNAMICS_UNREACHABLE';
  return new SyncError(code, { system: 'dynamics', subject });
}

const isObject = (row: unknown): row is Record<string, unknown> => typeof row === 'object' && row !== null;

function changesReader(table: TableMetadata): Reader<TrackedPage> {
  return ({ body, serverTime }) => {
    if (!Array.isArray(body.value)) return undefined;
    const changes: Change[] = [];
    for (const row of body.value as unknown[]) {
      const change = isObject(row) ? changeOf(row, table.primaryId) : undefined;
      if (!change) return undefined;
      changes.push(change);
    }
    return { changes, ...linksOf(body), serverTime };
  };
}

function changeOf(row: Record<string, unknown>, primaryId: string): Change | undefined {
  const context = row['@odata.context'];
  const isTombstone = typeof context === 'string' && context.endsWith('/$deletedEntity');
  if (isTombstone || (row.reason === 'deleted' && row[primaryId] === undefined)) {
    return typeof row.id === 'string' ? { kind: 'gone', id: row.id.toLowerCase() } : undefined;
  }
  const id = row[primaryId];
  const version = row.versionnumber;
  if (typeof id !== 'string' || (typeof version !== 'number' && typeof version !== 'string'))
    return undefined;
  return { kind: 'row', id: id.toLowerCase(), version: String(version), row };
}

function keysReader({ primaryId }: TableMetadata): Reader<{ ids: string[]; nextLink?: string }> {
  return ({ body }) => {
    if (!Array.isArray(body.value)) return undefined;
    const ids: string[] = [];
    for (const row of body.value as unknown[]) {
      const id = isObject(row) ? row[primaryId] : undefined;
      if (typeof id !== 'string') return undefined;
      ids.push(id.toLowerCase());
    }
    return { ids, ...linksOf(body) };
  };
}

function linksOf(body: Record<string, unknown>): { nextLink?: string; deltaLink?: string } {
  const nextLink = body['@odata.nextLink'];
  const deltaLink = body['@odata.deltaLink'];
  return {
    ...(typeof nextLink === 'string' && { nextLink }),
    ...(typeof deltaLink === 'string' && { deltaLink }),
  };
}
