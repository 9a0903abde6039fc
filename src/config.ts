import { z } from 'zod';
import { ConfigError, readSettings, type Environment } from './read-settings.js';

export { ConfigError, secretNames, type Environment } from './read-settings.js';

/** What the settings of docs/reference/settings.md become. Times are in the unit of their name. */
export interface Config {
  dataFolder: string;
  /** The mapping file, when it was named. */
  syncFile?: string;
  dynamics: SystemConfig & {
    /** Origin of the organisation, without a slash at its end. */
    url: string;
    tenantId: string;
    clientId: string;
    /** Either this or `certificate`. */
    clientSecret?: string;
    /** PEM text holding the private key and the certificate. */
    certificate?: string;
    tokenEndpoint?: string;
    /** Language code (LCID) of choice labels; the organisation's own when left out. */
    language?: number;
  };
  campaign: SystemConfig & {
    /** Without a slash at its end. */
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
  sftp?: SftpConfig;
  ledger: { url?: string; key?: string };
  settleSeconds: number;
  /** Every HTTP call ends within this. */
  callTimeLimitSeconds: number;
  leaseSeconds: number;
  /** Keys of the payload codec; the first one writes, all of them read. */
  payloadKeys: PayloadKey[];
  logLevel: string;
  metricsAddress?: string;
  healthAddress?: string;
}
interface SystemConfig {
  budget: { maxConcurrent: number; perSecond?: number; perDay?: number };
  /** Further origins on which links that the system sends are followed. */
  extraOrigins: string[];
  maxResponseBytes: number;
  patienceMs: number;
}
interface SftpConfig {
  host: string;
  port: number;
  user: string;
  privateKey: string;
  /** Fingerprint, `SHA256:…`. */
  hostKey: string;
}
export interface PayloadKey {
  id: string;
  /** 32 bytes. */
  key: Uint8Array;
}

export interface CodecConfig {
  payloadKeys: PayloadKey[];
  /** `host:port` to listen on. */
  address: string;
  accessToken: string;
  /** Origins of the Web UIs whose pages may ask. */
  uiOrigins: string[];
}

/** A `worker` shares PostgreSQL with other workers; `embedded` owns its data folder. */
export type Purpose = 'worker' | 'embedded';

const maxResponseBytes = 128 * 1024 * 1024;
/** How long a slice puts up with throttling and outages before it says so. */
const patienceMs = 60_000;
/** A lease outlives the longest call by half of it, so that the call's end can still be recorded (DESIGN §4). */
const leasePerCall = 1.5;

const text = z.string();
const webAddress = text.refine(isWebAddress, 'must be an https:// address (http:// on loopback only)');
const origin = webAddress.refine(
  (address) => !URL.canParse(address) || /^\/*$/.test(new URL(address).pathname),
  'must be the address alone, without a path',
);
const origins = text
  .transform((list) => list.split(',').map((each) => each.trim()))
  .refine((list) => list.every(isWebAddress), 'must be https:// addresses, separated by commas');
const hostAndPort = text.regex(/^(\[[0-9a-f:]+\]|[^\s:/]+):\d{1,5}$/i, 'must look like 127.0.0.1:9464');
const whole = (least: number) =>
  text
    .refine(
      (digits) => /^\d{1,15}$/.test(digits) && Number(digits) >= least,
      `must be a whole number from ${least}`,
    )
    .transform(Number);
const payloadKeys = text
  .transform((list) => list.split(',').map(payloadKey))
  .refine(
    (keys) => keys.every(({ id, key }) => /^[\w.-]{1,64}$/.test(id) && key.length === 32),
    'must be id:base64 pairs of 32 bytes each, separated by commas',
  )
  .refine((keys) => new Set(keys.map(({ id }) => id)).size === keys.length, 'names a key id twice');

const settings = z.object({
  SYNC_CONFIG: text.optional(),
  SYNC_DATA: text.default('.data'),
  DYNAMICS_URL: origin,
  DYNAMICS_TENANT_ID: text,
  DYNAMICS_CLIENT_ID: text,
  DYNAMICS_CLIENT_SECRET: text.optional(),
  DYNAMICS_CERTIFICATE: text
    .refine(
      (pem) => /-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem) && pem.includes('-----BEGIN CERTIFICATE-----'),
      'must be PEM text that holds both the private key and the certificate',
    )
    .optional(),
  DYNAMICS_TOKEN_ENDPOINT: webAddress.optional(),
  DYNAMICS_EXTRA_ORIGINS: origins.optional(),
  DYNAMICS_LANGUAGE: whole(1).optional(),
  DYNAMICS_MAX_CONCURRENT: whole(1).default(20),
  DYNAMICS_PER_SECOND: whole(1).optional(),
  DYNAMICS_PER_DAY: whole(1).optional(),
  CAMPAIGN_URL: webAddress.refine(
    (address) => tenantOf(address) !== '',
    'must look like https://mc.adobe.io/<tenant>/campaign',
  ),
  CAMPAIGN_EDITION: z.enum(['standard', 'v8'], 'must be standard or v8').default('standard'),
  CAMPAIGN_JOURNAL_URL: webAddress.optional(),
  CAMPAIGN_EXTRA_ORIGINS: origins.optional(),
  CAMPAIGN_SETTLE_SECONDS: whole(0).default(60),
  CAMPAIGN_MAX_CONCURRENT: whole(1).default(20),
  CAMPAIGN_PER_SECOND: whole(1).optional(),
  CAMPAIGN_PER_DAY: whole(1).optional(),
  ADOBE_CLIENT_ID: text,
  ADOBE_CLIENT_SECRET: text,
  ADOBE_SCOPES: text,
  ADOBE_ORG_ID: text.optional(),
  ADOBE_TOKEN_ENDPOINT: webAddress.default('https://ims-na1.adobelogin.com/ims/token/v3'),
  SFTP_HOST: text.optional(),
  SFTP_PORT: whole(1).default(22),
  SFTP_USER: text.optional(),
  SFTP_PRIVATE_KEY: text.regex(/-----BEGIN [A-Z ]*PRIVATE KEY-----/, 'must be a private key').optional(),
  SFTP_HOST_KEY: text
    .regex(/^SHA256:[A-Za-z0-9+/]{43}=?$/, 'must be a fingerprint that begins with SHA256:')
    .optional(),
  LEDGER_URL: text.regex(/^postgres(ql)?:\/\//, 'must be a postgres:// address').optional(),
  LEDGER_KEY: text.min(16, 'must have at least 16 characters').optional(),
  PAYLOAD_KEYS: payloadKeys.default([]),
  CALL_TIME_LIMIT_SECONDS: whole(1).default(30),
  LEASE_SECONDS: whole(2).default(60),
  METRICS_ADDRESS: hostAndPort.optional(),
  HEALTH_ADDRESS: hostAndPort.optional(),
  LOG_LEVEL: z
    .enum(
      ['trace', 'debug', 'info', 'warn', 'error', 'silent'],
      'must be trace, debug, info, warn, error or silent',
    )
    .default('info'),
});
type Settings = z.output<typeof settings>;

/** Of the codec server, which knows nothing else. */
const codecSettings = settings.pick({ PAYLOAD_KEYS: true }).extend({
  CODEC_ADDRESS: hostAndPort.default('127.0.0.1:8081'),
  CODEC_ACCESS_TOKEN: text.min(16, 'must have at least 16 characters'),
  CODEC_UI_ORIGINS: text
    .default('http://127.0.0.1:8233,http://localhost:8233')
    .transform((list) => list.split(',').map((each) => withoutSlash(each.trim())))
    .refine((list) => list.every(isOrigin), 'must be addresses without a path, separated by commas'),
});

/** Every setting that is read here; docs/reference/settings.md is held against it. */
export const settingNames = [
  ...new Set([settings, codecSettings].flatMap(({ shape }) => Object.keys(shape))),
];

/** Reads the environment. Throws ConfigError with every fault at once; the result is frozen. */
export function readConfig(environment: Environment, purpose: Purpose): Config {
  const { given, isGiven, settings: read, faults } = readSettings(settings, environment);
  faults.push(...crossFaults(isGiven, given, purpose));
  if (!read || faults.length > 0) throw new ConfigError([...new Set(faults)]);
  return deepFrozen(configOf(read));
}

/** Throws ConfigError where what is given is invalid, whatever may be missing: before it is known what else there will be. */
export function refuseInvalid(environment: Environment): void {
  const { faults } = readSettings(settings.partial(), environment);
  if (faults.length > 0) throw new ConfigError(faults);
}

/** The keys alone, for a client that needs no other setting. Throws ConfigError. */
export function readPayloadKeys(environment: Environment): readonly PayloadKey[] {
  const { settings: read, faults } = readSettings(settings.pick({ PAYLOAD_KEYS: true }), environment);
  if (!read || faults.length > 0) throw new ConfigError(faults);
  return read.PAYLOAD_KEYS;
}

/** Reads what the codec server needs. Throws ConfigError with every fault at once. */
export function readCodecConfig(environment: Environment): CodecConfig {
  const { isGiven, settings: read, faults } = readSettings(codecSettings, environment);
  if (!isGiven('PAYLOAD_KEYS'))
    faults.push('PAYLOAD_KEYS: is missing; without keys there is nothing to decode');
  if (!read || faults.length > 0) throw new ConfigError(faults);
  return deepFrozen({
    payloadKeys: read.PAYLOAD_KEYS,
    address: read.CODEC_ADDRESS,
    accessToken: read.CODEC_ACCESS_TOKEN,
    uiOrigins: read.CODEC_UI_ORIGINS,
  });
}

function crossFaults(isGiven: (name: string) => boolean, given: Environment, purpose: Purpose): string[] {
  const faults: string[] = [];
  if (!isGiven('DYNAMICS_CLIENT_SECRET') && !isGiven('DYNAMICS_CERTIFICATE')) {
    faults.push('DYNAMICS_CLIENT_SECRET: is missing (or give DYNAMICS_CERTIFICATE)');
  }
  if (isGiven('DYNAMICS_CLIENT_SECRET') && isGiven('DYNAMICS_CERTIFICATE')) {
    faults.push('DYNAMICS_CERTIFICATE: give either a secret or a certificate, not both');
  }
  if (isGiven('LEDGER_URL') && !isGiven('LEDGER_KEY')) {
    faults.push('LEDGER_KEY: is missing; it is required with LEDGER_URL');
  }
  if (purpose === 'worker' && !isGiven('LEDGER_URL')) {
    faults.push(
      'LEDGER_URL: is missing; a worker needs PostgreSQL (the embedded ledger belongs to `npm start`)',
    );
  }
  const fileExchange = ['SFTP_HOST', 'SFTP_USER', 'SFTP_PRIVATE_KEY', 'SFTP_HOST_KEY'];
  if (fileExchange.some(isGiven)) {
    const missing = fileExchange.filter((name) => !isGiven(name));
    faults.push(
      ...missing.map((name) => `${name}: is missing; the file exchange needs ${fileExchange.join(', ')}`),
    );
  }
  const leaseSeconds = Number(given.LEASE_SECONDS ?? 60);
  const callSeconds = Number(given.CALL_TIME_LIMIT_SECONDS ?? 30);
  if (leaseSeconds < callSeconds * leasePerCall) {
    faults.push(`LEASE_SECONDS: must be at least ${leasePerCall} times CALL_TIME_LIMIT_SECONDS`);
  }
  return faults;
}

function configOf(given: Settings): Config {
  return {
    dataFolder: given.SYNC_DATA,
    ...(given.SYNC_CONFIG && { syncFile: given.SYNC_CONFIG }),
    dynamics: {
      url: withoutSlash(given.DYNAMICS_URL),
      tenantId: given.DYNAMICS_TENANT_ID,
      clientId: given.DYNAMICS_CLIENT_ID,
      ...(given.DYNAMICS_CLIENT_SECRET && { clientSecret: given.DYNAMICS_CLIENT_SECRET }),
      ...(given.DYNAMICS_CERTIFICATE && { certificate: given.DYNAMICS_CERTIFICATE }),
      ...(given.DYNAMICS_TOKEN_ENDPOINT && { tokenEndpoint: given.DYNAMICS_TOKEN_ENDPOINT }),
      ...(given.DYNAMICS_LANGUAGE && { language: given.DYNAMICS_LANGUAGE }),
      ...systemOf(
        given.DYNAMICS_MAX_CONCURRENT,
        given.DYNAMICS_PER_SECOND,
        given.DYNAMICS_PER_DAY,
        given.DYNAMICS_EXTRA_ORIGINS,
      ),
    },
    campaign: {
      url: withoutSlash(given.CAMPAIGN_URL),
      tenant: tenantOf(given.CAMPAIGN_URL),
      edition: given.CAMPAIGN_EDITION,
      clientId: given.ADOBE_CLIENT_ID,
      clientSecret: given.ADOBE_CLIENT_SECRET,
      scopes: given.ADOBE_SCOPES,
      tokenEndpoint: given.ADOBE_TOKEN_ENDPOINT,
      ...(given.ADOBE_ORG_ID && { organizationId: given.ADOBE_ORG_ID }),
      ...(given.CAMPAIGN_JOURNAL_URL && { journalUrl: given.CAMPAIGN_JOURNAL_URL }),
      ...systemOf(
        given.CAMPAIGN_MAX_CONCURRENT,
        given.CAMPAIGN_PER_SECOND,
        given.CAMPAIGN_PER_DAY,
        given.CAMPAIGN_EXTRA_ORIGINS,
      ),
    },
    ...sftpOf(given),
    ledger: {
      ...(given.LEDGER_URL && { url: given.LEDGER_URL }),
      ...(given.LEDGER_KEY && { key: given.LEDGER_KEY }),
    },
    settleSeconds: given.CAMPAIGN_SETTLE_SECONDS,
    callTimeLimitSeconds: given.CALL_TIME_LIMIT_SECONDS,
    leaseSeconds: given.LEASE_SECONDS,
    payloadKeys: given.PAYLOAD_KEYS,
    logLevel: given.LOG_LEVEL,
    ...(given.METRICS_ADDRESS && { metricsAddress: given.METRICS_ADDRESS }),
    ...(given.HEALTH_ADDRESS && { healthAddress: given.HEALTH_ADDRESS }),
  };
}

function systemOf(
  maxConcurrent: number,
  perSecond: number | undefined,
  perDay: number | undefined,
  extraOrigins: string[] = [],
): SystemConfig {
  return {
    budget: {
      maxConcurrent,
      ...(perSecond !== undefined && { perSecond }),
      ...(perDay !== undefined && { perDay }),
    },
    extraOrigins,
    maxResponseBytes,
    patienceMs,
  };
}

function sftpOf({ SFTP_HOST, SFTP_PORT, SFTP_USER, SFTP_PRIVATE_KEY, SFTP_HOST_KEY }: Settings): {
  sftp?: SftpConfig;
} {
  if (!SFTP_HOST || !SFTP_USER || !SFTP_PRIVATE_KEY || !SFTP_HOST_KEY) return {};
  return {
    sftp: {
      host: SFTP_HOST,
      port: SFTP_PORT,
      user: SFTP_USER,
      privateKey: SFTP_PRIVATE_KEY,
      hostKey: SFTP_HOST_KEY,
    },
  };
}

function isWebAddress(address: string): boolean {
  if (!URL.canParse(address)) return false;
  const { protocol, hostname } = new URL(address);
  return (
    protocol === 'https:' || (protocol === 'http:' && /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname))
  );
}

function isOrigin(address: string): boolean {
  return URL.canParse(address) && new URL(address).origin === address;
}

/** Empty when the address is not one of a Campaign instance. */
function tenantOf(campaignUrl: string): string {
  return /^https?:\/\/[^/]+\/([^/]+)\/campaign\/*$/.exec(campaignUrl)?.[1] ?? '';
}

function payloadKey(pair: string): PayloadKey {
  const [id = '', base64 = ''] = pair.trim().split(/:(.*)/s);
  return { id, key: Uint8Array.from(Buffer.from(base64, 'base64')) };
}

const withoutSlash = (address: string): string => address.replace(/\/+$/, '');

function deepFrozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  for (const member of Object.values(value)) deepFrozen(member);
  return Object.freeze(value);
}
