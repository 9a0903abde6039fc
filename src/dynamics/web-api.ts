import { isSafeNumber, parse } from 'lossless-json';
import { SyncError, type ErrorCode } from '../errors.js';
import type { CallOptions } from '../http/calls.js';
import { ownLink, originsOf } from '../http/origin.js';
import { createHttp, createPatience, type HttpAnswer, type HttpSettings } from '../http/request.js';
import { createTokens, type DynamicsCredentials } from './tokens.js';

export interface DynamicsSettings extends DynamicsCredentials, HttpSettings {
  extraOrigins?: string[];
  /** Language code of choice labels; the organisation's own when left out. */
  language?: number;
}

export interface Answer {
  body: Record<string, unknown>;
  text: string;
  /** The server's clock, ISO 8601. */
  serverTime: string;
}

/** Reads from the Dataverse Web API v9.2: tokens, throttling, transient faults and links are dealt with here. */
export interface WebApi {
  /**
   * `address` is a path below the service root, or a link that the server sent. Throws with a code of errors.ts; what the server said
   * is kept as its code only.
   */
  get(address: string, options?: CallOptions, preferences?: string[], asText?: boolean): Promise<Answer>;
}

const FAULT_ATTEMPTS = 5;

export function createWebApi(settings: DynamicsSettings): WebApi {
  const http = createHttp(settings);
  const tokens = createTokens(settings);
  const root = `${settings.url.replace(/\/+$/, '')}/api/data/v9.2/`;
  const origins = originsOf(settings.url, settings.extraOrigins);

  async function get(
    address: string,
    options: CallOptions = {},
    preferences: string[] = [],
    asText = false,
  ): Promise<Answer> {
    const url = ownLink(address, root, origins);
    if (url === undefined)
      throw new SyncError('DYNAMICS_REQUEST_REFUSED', {
        system: 'dynamics',
        subject: 'a link to another origin',
      });
    const patience = createPatience(http, options.signal);
    let renewed = false;
    let token = await tokens.token();
    for (;;) {
      const attempt = await http.attempt(
        { method: 'GET', url, headers: headersOf(token, preferences) },
        options,
      );
      if (attempt.kind !== 'answered') {
        if ((await patience.faulted(FAULT_ATTEMPTS)).kind === 'again') continue;
        throw new SyncError('DYNAMICS_UNREACHABLE', { system: 'dynamics', vendorCode: attempt.reason });
      }
      const { answer } = attempt;
      if (answer.status === 200) {
        const read = readAnswer(answer, asText, http.clock.nowMs());
        if (read) return read;
        if ((await patience.faulted(FAULT_ATTEMPTS)).kind === 'again') continue;
        throw new SyncError('DYNAMICS_UNREACHABLE', {
          system: 'dynamics',
          subject: 'answers that cannot be read',
        });
      }
      if (answer.status === 401 && !renewed) {
        renewed = true;
        token = await tokens.token(true);
        continue;
      }
      if (answer.status === 429) {
        const waited = await patience.throttled(answer.headers['retry-after']);
        if (waited.kind === 'again') continue;
        throw new SyncError('DYNAMICS_THROTTLED', {
          ...evidenceOf(answer),
          retryAfterMs: waited.retryAfterMs,
        });
      }
      if (answer.status >= 500 || answer.status === 408) {
        const waited = answer.headers['retry-after']
          ? await patience.throttled(answer.headers['retry-after'])
          : await patience.faulted(FAULT_ATTEMPTS);
        if (waited.kind === 'again') continue;
        throw new SyncError('DYNAMICS_UNREACHABLE', evidenceOf(answer));
      }
      throw refusalOf(answer);
    }
  }

  return { get };
}

function headersOf(token: string, preferences: string[]): Record<string, string> {
  return {
    Authorization: `Bearer ${token}`,
    Accept: 'application/json',
    'OData-Version': '4.0',
    'OData-MaxVersion': '4.0',
    'If-None-Match': 'null',
    ...(preferences.length > 0 && { Prefer: preferences.join(',') }),
  };
}

/** Undefined when the answer broke off on its way. */
function readAnswer({ body, headers }: HttpAnswer, asText: boolean, nowMs: number): Answer | undefined {
  const atMs = Date.parse(String(headers.date));
  const serverTime = new Date(Number.isNaN(atMs) ? nowMs : atMs).toISOString();
  if (asText) return { body: {}, text: body, serverTime };
  const parsed = parseExactly(body);
  return parsed && { body: parsed, text: body, serverTime };
}

/** Numbers that a double cannot hold stay text (dataverse.md §2). */
function parseExactly(text: string): Record<string, unknown> | undefined {
  try {
    const parsed = parse(text, undefined, (digits) => (isSafeNumber(digits) ? Number(digits) : digits));
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

const CODES: Record<string, ErrorCode> = {
  '0x80072560': 'DYNAMICS_NOT_A_MEMBER',
  '0x80040220': 'DYNAMICS_PRIVILEGE_MISSING',
  '0x80072491': 'DYNAMICS_TRACKING_OFF',
  '0x80072492': 'DYNAMICS_TRACKING_OFF',
  '0x80044352': 'DYNAMICS_TOKEN_EXPIRED',
};

function refusalOf(answer: HttpAnswer): SyncError {
  const evidence = evidenceOf(answer);
  const code = CODES[evidence.vendorCode ?? ''];
  if (code) return new SyncError(code, evidence);
  if (answer.status === 401) return new SyncError('DYNAMICS_CREDENTIALS', evidence);
  if (answer.status === 403) return new SyncError('DYNAMICS_PRIVILEGE_MISSING', evidence);
  return new SyncError('DYNAMICS_REQUEST_REFUSED', evidence);
}

function evidenceOf({ status, headers, body }: HttpAnswer) {
  const error = parseExactly(body)?.error as { code?: unknown; message?: unknown } | undefined;
  const message = typeof error?.message === 'string' ? error.message : '';
  // Names of privileges, columns and tables may be shown; the rest of a message may quote values.
  const subject =
    /\bprv[A-Za-z]\w*/.exec(message)?.[0] ??
    /property named '([\w.]+)'/.exec(message)?.[1] ??
    /undeclared property '([\w.]+)'/.exec(message)?.[1] ??
    /Resource not found for the segment '([\w.]+)'/.exec(message)?.[1];
  const requestId = headers['x-ms-service-request-id'] ?? headers.req_id;
  return {
    system: 'dynamics' as const,
    status,
    ...(typeof error?.code === 'string' && error.code !== '' && { vendorCode: error.code }),
    ...(typeof requestId === 'string' && { requestId }),
    ...(subject !== undefined && { subject }),
  };
}
