import { CommanderError } from 'commander';
import { SyncError, type ErrorCode } from '../errors.js';

/** Wrong use or wrong configuration: every fault at once, exit status 2 (CONTRACT "Commands"). */
export class WrongUse extends Error {
  override readonly name = 'WrongUse';
  constructor(readonly faults: string[]) {
    super(faults.join('\n'));
  }
}

const LEFT_OVER_MS = 2_000;

/** Codes that only another setting or file can mend. */
const CONFIGURATION_CODES: ReadonlySet<string> = new Set<ErrorCode>([
  'CONFIG_INVALID',
  'MAPPING_INVALID',
  'MAPPING_MISSING',
  'PAYLOAD_KEY_UNKNOWN',
  'TEMPORAL_REFUSED',
  'LEDGER_OF_ANOTHER_PAIR',
  'LEDGER_TOO_NEW',
  'DATA_FOLDER_IN_USE',
  'DATA_FOLDER_NOT_WRITABLE',
  'DYNAMICS_CREDENTIALS',
  'DYNAMICS_NOT_A_MEMBER',
  'CAMPAIGN_CREDENTIALS',
  'CAMPAIGN_PROFILE_NOT_VALID',
  'CAMPAIGN_TENANT_WRONG',
]);

/** 0 done, 1 a flow failed or a check did not hold, 2 wrong use or wrong configuration. */
export function exitStatusOf(error: unknown): 0 | 1 | 2 {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof WrongUse) return 2;
  if (error instanceof SyncError) return CONFIGURATION_CODES.has(error.code) ? 2 : 1;
  return 1;
}

/** Of flows that were waited for: the gravest of their ends. */
export function exitStatusOfEnds(ends: { outcome: string; error?: { code: string } }[]): 0 | 1 | 2 {
  const failed = ends.filter(({ outcome }) => outcome === 'failed');
  if (failed.some(({ error }) => CONFIGURATION_CODES.has(error?.code ?? ''))) return 2;
  return failed.length > 0 ? 1 : 0;
}

/** One message that is enough alone; commander has printed its own already. */
export function messageOf(error: unknown): string | undefined {
  if (error instanceof CommanderError) return undefined;
  return error instanceof Error ? error.message : String(error);
}

/** Runs a command line to its exit status; the message goes to standard error. */
export async function runMain(main: () => Promise<number | void>): Promise<void> {
  try {
    process.exitCode = (await main()) ?? 0;
  } catch (error) {
    const message = messageOf(error);
    if (message !== undefined) process.stderr.write(`${message}\n`);
    process.exitCode = exitStatusOf(error);
  }
  // All is closed by now. The SDK's native runtime, left over from a start that failed half way, would keep the process for ever.
  setTimeout(() => process.exit(), LEFT_OVER_MS).unref();
}
