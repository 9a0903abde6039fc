import { z } from 'zod';
import { parseDuration } from './duration.js';
import { BULK_ACTIONS } from './dynamics/batch/bulk-actions.js';

const amount = z.number().int().min(0);
const atLeastOne = z.number().int().min(1);
const share = z.number().min(0).max(1);
const names = z.array(z.string().min(1));
const byName = <Value extends z.ZodType>(value: Value) => z.record(z.string().min(1), value);

const dynamics = z
  .strictObject({
    requests: amount,
    executionMs: amount,
    concurrency: amount,
    windowSeconds: atLeastOne,
    webServers: atLeastOne,
    executionMsPerRow: z.number().min(0),
    maxPageSize: atLeastOne,
    deltaRetentionDays: z.number().min(0),
    deltaTokenFrom: z.enum(['first-page', 'last-page']),
    expireDeltaOnSchemaChange: z.boolean(),
    batchMaxOperations: atLeastOne,
    batchRefused: names,
    bulkActions: byName(z.array(z.enum(BULK_ACTIONS))),
    keyActivationMs: amount,
    globalReadMissing: names,
    tokenSeconds: amount,
    nonMember: z.boolean(),
  })
  .partial();

const journal = z
  .strictObject({
    duplicateShare: share,
    shuffleWithin: amount,
    retentionDays: z.number().min(0),
    pageBytes: atLeastOne,
    retryAfterSeconds: amount,
    mirrorPageId: z.boolean(),
  })
  .partial();

const exports = z
  .strictObject({
    separator: z.enum(['tab', 'semicolon', 'comma']),
    quote: z.enum(['none', 'double']),
    encoding: z.enum(['utf-8', 'latin1']),
    lineEnd: z.enum(['lf', 'crlf']),
    gzip: z.boolean(),
    header: z.boolean(),
    optOutEvery: z.string().refine((text) => text === 'off' || (parseDuration(text) ?? 0) >= 1000, {
      message: '"off", or an ISO 8601 duration of a second or more is expected, such as P1D',
    }),
  })
  .partial();

const campaign = z
  .strictObject({
    edition: z.enum(['standard', 'v8']),
    bigTableThreshold: amount,
    defaultLineCount: atLeastOne,
    maxLineCount: atLeastOne,
    deleteStatus: z.literal([200, 204]),
    identificationKeys: byName(z.string()),
    uniqueKeys: byName(names),
    requestsPerSecond: amount,
    tokenSeconds: amount,
    nonMember: z.boolean(),
    automaticId: z.boolean(),
    journal,
    exports,
  })
  .partial();

/**
 * Body of `PUT /_sandbox/limits`: any part of the limits (context.ts). A misspelt limit would silently test nothing,
 * and one of a wrong shape would break the calls that it limits: both are refused.
 */
export const LimitsPatch = z.strictObject({ dynamics, campaign }).partial();

export type LimitsPatch = z.output<typeof LimitsPatch>;
