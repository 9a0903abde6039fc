import { badRequest } from '../errors.js';
import type { Place } from './select-rows.js';

/** Where a read stands behind a page. */
export interface PagePosition {
  /** Number of the page that comes next. */
  pageNumber: number;
  /** The last row of the page before. */
  last: Place;
  /** First id of the page before, which the cookie also shows. */
  firstId: string;
  /** Set while change tracking is on: what its token will carry, or where its delta stands. */
  tracking?: TrackingPosition;
}

export interface TrackingPosition {
  kind: 'initial' | 'delta';
  /** Row version: of the first page (initial), or behind which the next change lies (delta). */
  version: number;
  /** Milliseconds since 1970 of that version. */
  atMs: number;
  /** Delta only: the version of the token it began with. */
  from?: number;
  /** Delta only: changes first, then deletions up to `upTo`. */
  phase?: 'changed' | 'deleted';
  upTo?: number;
}

const INNER_ENCODINGS = 2;

/**
 * The decoded `$skiptoken`: XML with the row it ends at, itself percent-encoded twice inside
 * (dataverse.md §2, "Paging"). Opaque to clients.
 */
export function writeCookie(keyColumn: string, position: PagePosition): string {
  const { pageNumber, last, firstId, tracking } = position;
  const hidden = Buffer.from(JSON.stringify({ values: last.values, ...(tracking && { tracking }) })).toString(
    'base64url',
  );
  const inner =
    `<cookie page="${pageNumber - 1}"><${keyColumn} last="{${last.id.toUpperCase()}}" first="{${firstId.toUpperCase()}}" />` +
    `<state value="${hidden}" /></cookie>`;
  let encoded = inner;
  for (let round = 0; round < INNER_ENCODINGS; round++) encoded = encodeURIComponent(encoded);
  return `<cookie pagenumber="${pageNumber}" pagingcookie="${encoded}" istracking="${tracking ? 'True' : 'False'}" />`;
}

/** Reads a decoded `$skiptoken` back; a 400 for one that this service did not write. */
export function readCookie(token: string): PagePosition {
  const outer = /^<cookie pagenumber="(\d+)" pagingcookie="([^"]*)" istracking="(?:True|False)" ?\/>$/i.exec(
    token.trim(),
  );
  let inner = outer?.[2] ?? '';
  try {
    while (inner.startsWith('%')) inner = decodeURIComponent(inner);
  } catch {
    inner = '';
  }
  const ids = /last="\{([^}]+)\}" first="\{([^}]+)\}"/.exec(inner);
  const hidden = /<state value="([\w-]+)"/.exec(inner)?.[1];
  if (!outer || !ids || hidden === undefined) throw malformed();
  let state: { values: unknown[]; tracking?: TrackingPosition };
  try {
    state = JSON.parse(Buffer.from(hidden, 'base64url').toString('utf8')) as typeof state;
  } catch {
    throw malformed();
  }
  return {
    pageNumber: Number(outer[1]),
    last: { values: state.values, id: (ids[1] ?? '').toLowerCase() },
    firstId: (ids[2] ?? '').toLowerCase(),
    ...(state.tracking && { tracking: state.tracking }),
  };
}

const malformed = () => badRequest('Skip token is not in a valid format.');
