import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { SyncError } from './errors.js';

/** What every setting of CONTRACT "Environment" becomes. Times are in the unit of their name. */
export interface Config {
  dataFolder: string;
  syncFile?: string;
  dynamics: SystemConfig & {
    url: string;
    tenantId: string;
    clientId: string;
    clientSecret?: string;
    certificate?: string;
    tokenEndpoint?: string;
  };
  campaign: SystemConfig & {
    url: string;
    /** Of the URL: `https://mc.adobe.io/<tenant>/campaign`. */
    tenant: string;
    edition: 'standard' | 'v8';
    clientId: string;
    clientSecret: string;
    scopes: string;
    organizationId?: string;
    tokenEndpoint: string;
    journalUrl?: string;
  };
  ledger: { url?: string; key?: string };
  settleSeconds: number;
  callTimeLimitSeconds: number;
  leaseSeconds: number;
  logLevel: string;
  metricsAddress?: string;
  healthAddress?: string;
}
interface SystemConfig {
  budget: { maxConcurrent: number; perSecond?: number; perDay?: number };
  maxResponseBytes: number;
  patienceMs: number;
}

/** `worker` must not share a folder's ledger with anyone; `embedded` owns its data folder. */
export type Purpose = 'worker' | 'embedded';

export type Environment = Record<string, string | undefined>;

/** Every fault of the settings at once, secrets masked. */
export class ConfigError extends SyncError {
  constructor(readonly faults: string[]) {
    super('CONFIG_INVALID', { subject: `\n${faults.map((fault) => `  ${fault}`).join('\n')}\n` });
  }
}

const SECRETS = [
  'DYNAMICS_CLIENT_SECRET',
  'DYNAMICS_CERTIFICATE',
  'ADOBE_CLIENT_SECRET',
  'SFTP_PRIVATE_KEY',
  'LEDGER_URL',
  'LEDGER_KEY',
  'PAYLOAD_KEYS',
] as const;

const MAX_RESPONSE_BYTES = 128 * 1024 * 1024;
/** How long a slice puts up with throttling and outages before it says so. */
const PATIENCE_MS = 60_000;

const isLoopback = (hostname: string): boolean => /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
const webUrl = z.string().refine((text) => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return (
    url !== undefined && (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname)))
  );
}, 'must be an https:// address (http:// on loopback only)');
const whole = (least: number) =>
  z
    .string()
    .refine(
      (text) => /^\d+$/.test(text) && Number.isSafeInteger(Number(text)) && Number(text) >= least,
      `must be a whole number from ${least}`,
    )
    .transform(Number);
const text = z.string().min(1, 'must not be empty');

const settings = z.object({
  SYNC_CONFIG: text.optional(),
  SYNC_DATA: text.default('.data'),
  DYNAMICS_URL: webUrl,
  DYNAMICS_TENANT_ID: text,
  DYNAMICS_CLIENT_ID: text,
  DYNAMICS_CLIENT_SECRET: text.optional(),
  DYNAMICS_CERTIFICATE: text.optional(),
  DYNAMICS_TOKEN_ENDPOINT: webUrl.optional(),
  CAMPAIGN_URL: webUrl.refine(
    (url) => /^https?:\/\/[^/]+\/[^/]+\/campaign\/?$/.test(url),
    'must look like https://mc.adobe.io/<tenant>/campaign',
  ),
  CAMPAIGN_EDITION: z.enum(['standard', 'v8'], 'must be standard or v8').default('standard'),
  ADOBE_CLIENT_ID: text,
  ADOBE_CLIENT_SECRET: text,
  ADOBE_SCOPES: text,
  ADOBE_ORG_ID: text.optional(),
  ADOBE_TOKEN_ENDPOINT: webUrl.default('https://ims-na1.adobelogin.com/ims/token/v3'),
  CAMPAIGN_JOURNAL_URL: webUrl.optional(),
  CAMPAIGN_SETTLE_SECONDS: whole(0).default(60),
  LEDGER_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\//, 'must be a postgres:// address')
    .optional(),
  LEDGER_KEY: z.string().min(16, 'must have at least 16 characters').optional(),
  DYNAMICS_MAX_CONCURRENT: whole(1).default(20),
  DYNAMICS_PER_SECOND: whole(1).optional(),
  DYNAMICS_PER_DAY: whole(1).optional(),
  CAMPAIGN_MAX_CONCURRENT: whole(1).default(20),
  CAMPAIGN_PER_SECOND: whole(1).optional(),
  CAMPAIGN_PER_DAY: whole(1).optional(),
  CALL_TIME_LIMIT_SECONDS: whole(1).default(30),
  LEASE_SECONDS: whole(2).default(60),
  LOG_LEVEL: z
    .enum(
      ['trace', 'debug', 'info', 'warn', 'error', 'silent'],
      'must be trace, debug, info, warn, error or silent',
    )
    .default('info'),
  METRICS_ADDRESS: text.optional(),
  HEALTH_ADDRESS: text.optional(),
});
type Settings = z.output<typeof settings>;

/**
 * Reads the environment; the only place that does. Each secret may come from a file (`NAME_FILE`). Throws ConfigError with every
 * fault at once; the result is frozen.
 */
export function readConfig(environment: Environment, purpose: Purpose): Config {
  const faults: string[] = [];
  const given = withSecretFiles(environment, faults);
  const parsed = settings.safeParse(given);
  if (!parsed.success) {
    for (const { path, message } of parsed.error.issues) {
      const name = String(path[0]);
      faults.push(`${name}: ${given[name] === undefined ? 'is missing' : message}`);
    }
  }
  faults.push(...crossFaults(given, purpose));
  if (!parsed.success || faults.length > 0) throw new ConfigError(faults);
  return deepFrozen(configOf(parsed.data));
}

/** An empty variable counts as unset: that is how compose files write "not given". */
function withSecretFiles(environment: Environment, faults: string[]): Environment {
  const given: Environment = Object.fromEntries(
    Object.entries(environment).filter(([, value]) => value !== ''),
  );
  for (const name of SECRETS) {
    const file = given[`${name}_FILE`];
    if (file === undefined) continue;
    if (given[name] !== undefined) faults.push(`${name}: is given twice, also as ${name}_FILE`);
    try {
      given[name] = readFileSync(file, 'utf8').trim();
    } catch (error) {
      faults.push(`${name}_FILE: cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`);
      given[name] = 'unread';
    }
  }
  return given;
}

function crossFaults(given: Environment, purpose: Purpose): string[] {
  const faults: string[] = [];
  if (!given.DYNAMICS_CLIENT_SECRET && !given.DYNAMICS_CERTIFICATE) {
    faults.push('DYNAMICS_CLIENT_SECRET: is missing (or give DYNAMICS_CERTIFICATE)');
  }
  if (given.DYNAMICS_CLIENT_SECRET && given.DYNAMICS_CERTIFICATE) {
    faults.push('DYNAMICS_CERTIFICATE: give either a secret or a certificate, not both');
  }
  if (given.LEDGER_URL && !given.LEDGER_KEY)
    faults.push('LEDGER_KEY: is missing; it is required with LEDGER_URL');
  if (purpose === 'worker' && !given.LEDGER_URL) {
    faults.push(
      'LEDGER_URL: is missing; a worker needs PostgreSQL (the embedded ledger belongs to `npm start`)',
    );
  }
  const leaseSeconds = Number(given.LEASE_SECONDS ?? 60);
  const callSeconds = Number(given.CALL_TIME_LIMIT_SECONDS ?? 30);
  if (leaseSeconds < callSeconds * 1.5) {
    faults.push('LEASE_SECONDS: must be at least 1.5 times CALL_TIME_LIMIT_SECONDS');
  }
  return faults;
}

function configOf(given: Settings): Config {
  return {
    dataFolder: given.SYNC_DATA,
    ...(given.SYNC_CONFIG && { syncFile: given.SYNC_CONFIG }),
    dynamics: {
      url: given.DYNAMICS_URL.replace(/\/+$/, ''),
      tenantId: given.DYNAMICS_TENANT_ID,
      clientId: given.DYNAMICS_CLIENT_ID,
      ...(given.DYNAMICS_CLIENT_SECRET && { clientSecret: given.DYNAMICS_CLIENT_SECRET }),
      ...(given.DYNAMICS_CERTIFICATE && { certificate: given.DYNAMICS_CERTIFICATE }),
      ...(given.DYNAMICS_TOKEN_ENDPOINT && { tokenEndpoint: given.DYNAMICS_TOKEN_ENDPOINT }),
      ...systemOf(given.DYNAMICS_MAX_CONCURRENT, given.DYNAMICS_PER_SECOND, given.DYNAMICS_PER_DAY),
    },
    campaign: {
      url: given.CAMPAIGN_URL.replace(/\/+$/, ''),
      tenant: new URL(given.CAMPAIGN_URL).pathname.split('/')[1] ?? '',
      edition: given.CAMPAIGN_EDITION,
      clientId: given.ADOBE_CLIENT_ID,
      clientSecret: given.ADOBE_CLIENT_SECRET,
      scopes: given.ADOBE_SCOPES,
      tokenEndpoint: given.ADOBE_TOKEN_ENDPOINT,
      ...(given.ADOBE_ORG_ID && { organizationId: given.ADOBE_ORG_ID }),
      ...(given.CAMPAIGN_JOURNAL_URL && { journalUrl: given.CAMPAIGN_JOURNAL_URL }),
      ...systemOf(given.CAMPAIGN_MAX_CONCURRENT, given.CAMPAIGN_PER_SECOND, given.CAMPAIGN_PER_DAY),
    },
    ledger: {
      ...(given.LEDGER_URL && { url: given.LEDGER_URL }),
      ...(given.LEDGER_KEY && { key: given.LEDGER_KEY }),
    },
    settleSeconds: given.CAMPAIGN_SETTLE_SECONDS,
    callTimeLimitSeconds: given.CALL_TIME_LIMIT_SECONDS,
    leaseSeconds: given.LEASE_SECONDS,
    logLevel: given.LOG_LEVEL,
    ...(given.METRICS_ADDRESS && { metricsAddress: given.METRICS_ADDRESS }),
    ...(given.HEALTH_ADDRESS && { healthAddress: given.HEALTH_ADDRESS }),
  };
}

function systemOf(
  maxConcurrent: number,
  perSecond: number | undefined,
  perDay: number | undefined,
): SystemConfig {
  return {
    budget: {
      maxConcurrent,
      ...(perSecond !== undefined && { perSecond }),
      ...(perDay !== undefined && { perDay }),
    },
    maxResponseBytes: MAX_RESPONSE_BYTES,
    patienceMs: PATIENCE_MS,
  };
}

function deepFrozen<T extends object>(value: T): T {
  for (const member of Object.values(value))
    if (typeof member === 'object' && member !== null) deepFrozen(member as object);
  return Object.freeze(value);
}
