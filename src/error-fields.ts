import { SyncError } from './errors.js';

/**
 * An error as a log line may tell it. Of one that is none of ours only its name and where it arose: its message may quote a value
 * (JSON.parse does).
 */
export function errorFields(error: unknown): { code: string; message: string } {
  if (error instanceof SyncError) return { code: error.code, message: error.message };
  const frames =
    error instanceof Error ? (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line)) : [];
  const name = error instanceof Error ? error.name : typeof error;
  return { code: 'INTERNAL', message: [name, ...frames.slice(0, 8).map((line) => line.trim())].join(' ') };
}
