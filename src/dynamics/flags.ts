import type { ErrorCode } from '../errors.js';
import type { CallOptions } from '../http/calls.js';
import { exactJsonObject } from '../http/json.js';
import { batchOfWrites, batchParts, type BatchPart } from './batch.js';
import { codeOf } from './create-calls.js';
import type { TableMetadata } from './metadata.js';
import type { WebApi } from './web-api.js';

export interface FlagWrite {
  id: string;
  /** Values of boolean columns, by their logical names. */
  values: Record<string, boolean>;
  /** Only if the row still has this version; otherwise whatever it is now. A row that is gone is never made again. */
  ifVersion?: string;
}
export type FlagAnswer =
  /** `rowVersion`: the row's version now. */
  | { kind: 'written'; rowVersion?: string }
  | { kind: 'gone' }
  /** It has another version by now. */
  | { kind: 'changed' }
  | { kind: 'refused'; code: ErrorCode; vendorCode?: string };

export interface Flags {
  /**
   * Writes boolean columns of rows, each on its own, up to `FLAG_WRITES_AT_ONCE` in one call; the answers are in the same order. A write
   * may have been made although its answer was lost: it is repeated then, and one with a version then answers `changed`.
   */
  writeFlags(table: TableMetadata, writes: FlagWrite[], options?: CallOptions): Promise<FlagAnswer[]>;
}

export const FLAG_WRITES_AT_ONCE = 50;

/** dataverse.md §4: "optimistic lock" and "update". */
export function createFlags(api: WebApi): Flags {
  async function writeFlags(
    { entitySetName, primaryId }: TableMetadata,
    writes: FlagWrite[],
    options?: CallOptions,
  ): Promise<FlagAnswer[]> {
    if (writes.length === 0) return [];
    const parts = writes.map(({ id, values, ifVersion }) => ({
      method: 'PATCH' as const,
      path: `${api.rootPath}${entitySetName}(${encodeURIComponent(id)})?$select=${primaryId},versionnumber&tag=dynamics-campaign-sync`,
      headers: {
        'If-Match': ifVersion === undefined ? '*' : `W/"${ifVersion}"`,
        Prefer: 'return=representation',
      },
      json: JSON.stringify(values),
    }));
    return api.send(
      {
        method: 'POST',
        path: '$batch',
        preferences: ['odata.continue-on-error'],
        body: batchOfWrites(parts),
      },
      (attempt) => {
        if (attempt.kind !== 'answered' || attempt.answer.status !== 200) return undefined;
        const { headers, body } = attempt.answer;
        const answers = batchParts(headers['content-type'], body);
        // What keeps every part from being made concerns no row in particular, and passes: all are asked for again.
        if (answers?.length !== writes.length || answers.every(isPassing)) return undefined;
        return answers.map(answerOf);
      },
      options,
    );
  }

  return { writeFlags };
}

const isPassing = ({ status }: BatchPart): boolean => status === 429 || status >= 500;

const codes: Partial<Record<number, ErrorCode>> = {
  403: 'DYNAMICS_PRIVILEGE_MISSING',
  429: 'DYNAMICS_THROTTLED',
};

function answerOf(part: BatchPart): FlagAnswer {
  const { status } = part;
  if (status === 200 || status === 204) {
    const rowVersion = exactJsonObject(part.body)?.versionnumber;
    return {
      kind: 'written',
      ...((typeof rowVersion === 'number' || typeof rowVersion === 'string') && {
        rowVersion: String(rowVersion),
      }),
    };
  }
  const vendorCode = codeOf(part);
  if (status === 404) return { kind: 'gone' };
  if (status === 412) return { kind: 'changed' };
  return {
    kind: 'refused',
    code: codes[status] ?? (isPassing(part) ? 'DYNAMICS_UNREACHABLE' : 'DYNAMICS_ROW_REFUSED'),
    ...(vendorCode !== '' && { vendorCode }),
  };
}
