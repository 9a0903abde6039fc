import { SyncError } from '../errors.js';
import { createBudget } from '../http/budget.js';
import type { CallOptions } from '../http/calls.js';
import { exactJsonObject } from '../http/json.js';
import { originsOf, ownLink } from '../http/origin.js';
import { persist, type MadeAttempt, type Persisted, type Ruling } from '../http/persist.js';
import {
  createHttp,
  type HttpAnswer,
  type HttpClock,
  type HttpRequest,
  type HttpSettings,
} from '../http/request.js';
import { TOO_LARGE } from '../http/request-fault.js';
import { retryAfterMs } from '../http/retry-after.js';
import { batchOf, batchParts } from './batch.js';
import type { ServiceProtection } from './pace.js';
import { answerEvidence, refusalOf } from './refusals.js';
import { createTokens, type DynamicsCredentials } from './tokens.js';

export interface DynamicsSettings extends DynamicsCredentials, HttpSettings {
  extraOrigins?: string[];
  /** Language code of choice labels; the organisation's own when left out. */
  language?: number;
  /** What the organisation allows, where it is not the usual. */
  protection?: ServiceProtection;
}

export interface Answer {
  body: Record<string, unknown>;
  /** The server's clock when it answered, ISO 8601. */
  serverTime: string;
  /** Lower-case names. */
  headers: Record<string, unknown>;
}

export interface OwnRequest {
  method: 'GET' | 'POST' | 'PATCH';
  /** Below the service root. */
  path: string;
  /** `Prefer` values. */
  preferences?: string[];
  headers?: Record<string, string>;
  body?: { contentType: string; text: string };
}

/** Undefined when the answer is not what was asked for: it broke off on its way, or something else has answered. */
export type Reader<T> = (answer: Answer) => T | undefined;

/**
 * The Dataverse Web API v9.2. Tokens, throttling, transient faults and links are dealt with here; what is thrown has a code of
 * errors.ts and keeps of the server's words only codes and names.
 */
export interface WebApi {
  /** `address` is a path below the service root, or a link that the server sent. */
  get<T>(address: string, reader: Reader<T>, options?: CallOptions, preferences?: string[]): Promise<T>;
  getText(address: string, options?: CallOptions): Promise<string>;
  /** The same for a path below the service root that may be too long for a request line. */
  getLong<T>(path: string, reader: Reader<T>, options?: CallOptions, preferences?: string[]): Promise<T>;
  /**
   * A request that may change something. `judge` sees every attempt first and ends the call with what it makes of it; undefined leaves
   * it to the usual rules: throttling and what may pass by itself is tried again, a refusal is thrown. A request that is tried again may
   * have taken effect before.
   */
  send<T>(
    request: OwnRequest,
    judge: (attempt: MadeAttempt) => T | undefined,
    options?: CallOptions,
  ): Promise<T>;
  /** Path of the service root on its origin, as parts of a `$batch` name it. */
  rootPath: string;
  clock: HttpClock;
}

/** Request lines up to here pass everywhere. */
const MAX_URL_CHARACTERS = 2_000;
/** Minting goes to Entra ID, which knows nothing of the budget for Dynamics. */
const MINTING_AT_ONCE = 1;

export function createWebApi(settings: DynamicsSettings): WebApi {
  const http = createHttp(settings);
  const entra = createHttp({ ...settings, budget: createBudget({ maxConcurrent: MINTING_AT_ONCE }) });
  const tokens = createTokens(entra, settings);
  const root = `${settings.url.replace(/\/+$/, '')}/api/data/v9.2/`;
  const origins = originsOf(settings.url, settings.extraOrigins);

  async function ask<T>(
    requestOf: (token: string) => HttpRequest,
    judge: (attempt: MadeAttempt) => T | undefined,
    options: CallOptions,
  ): Promise<T> {
    let renewed = false;
    let token = await tokens.token(options.signal);
    const asked = await persist<T>(
      http,
      options,
      () => requestOf(token),
      async (attempt): Promise<Ruling<T>> => {
        const value = judge(attempt);
        if (value !== undefined) return { take: value };
        if (attempt.kind !== 'answered') {
          if (attempt.reason === TOO_LARGE) throw tooLarge(settings.maxResponseBytes);
          return 'faulty';
        }
        const { answer } = attempt;
        if (answer.status >= 200 && answer.status < 300) return 'faulty';
        if (answer.status === 401 && !renewed) {
          renewed = true;
          token = await tokens.token(options.signal, token);
          return 'again';
        }
        const refusal = refusalOf(answer);
        if (refusal) throw refusal;
        return answer.status === 429 ? 'throttled' : 'faulty';
      },
    );
    if (asked.kind === 'taken') return asked.value;
    throw spentError(asked, http.clock.nowMs());
  }

  const answered = ({ body, headers }: HttpAnswer): Answer | undefined => {
    const atMs = Date.parse(String(headers.date));
    const serverTime = new Date(Number.isNaN(atMs) ? http.clock.nowMs() : atMs).toISOString();
    const parsed = exactJsonObject(body);
    return parsed && { body: parsed, serverTime, headers };
  };
  const reading =
    <T>(reader: Reader<T>) =>
    (answer: HttpAnswer): T | undefined => {
      const parsed = answered(answer);
      return parsed && reader(parsed);
    };
  const read =
    <T>(take: (answer: HttpAnswer) => T | undefined) =>
    (attempt: MadeAttempt): T | undefined =>
      attempt.kind === 'answered' && attempt.answer.status === 200 ? take(attempt.answer) : undefined;
  const own = (address: string): string => {
    const url = ownLink(address, root, origins);
    if (url !== undefined) return url;
    throw new SyncError('DYNAMICS_REQUEST_REFUSED', {
      system: 'dynamics',
      subject: 'a link to another origin',
    });
  };

  const get: WebApi['get'] = async (address, reader, options = {}, preferences = []) => {
    const url = own(address);
    const headers = (token: string) => headersOf(token, preferences);
    return ask((token) => ({ method: 'GET', url, headers: headers(token) }), read(reading(reader)), options);
  };

  return {
    get,
    async getText(address, options = {}) {
      const url = own(address);
      return ask(
        (token) => ({ method: 'GET', url, headers: headersOf(token) }),
        read(({ body }) => body),
        options,
      );
    },
    async getLong(path, reader, options = {}, preferences = []) {
      const url = own(path);
      if (url.length <= MAX_URL_CHARACTERS) return get(path, reader, options, preferences);
      const { contentType, body } = batchOf(url.slice(new URL(url).origin.length), preferences);
      const inPart = (answer: HttpAnswer): ReturnType<typeof reader> => {
        const part = batchParts(answer.headers['content-type'], answer.body)?.[0];
        if (!part) return undefined;
        if (part.status === 200) return reading(reader)({ ...answer, body: part.body });
        // The part is the answer; the envelope's headers hold the request's id.
        const refusal = refusalOf({ ...part, headers: { ...answer.headers, ...part.headers } });
        if (refusal) throw refusal;
        return undefined;
      };
      return ask(
        (token) => ({
          method: 'POST',
          url: `${root}$batch`,
          headers: { ...headersOf(token, ['odata.continue-on-error']), 'Content-Type': contentType },
          body,
        }),
        read(inPart),
        options,
      );
    },
    async send({ method, path, preferences, headers, body }, judge, options = {}) {
      const url = own(path);
      return ask(
        (token) => ({
          method,
          url,
          headers: {
            ...headersOf(token, preferences),
            ...headers,
            ...(body && { 'Content-Type': body.contentType }),
          },
          ...(body && { body: body.text }),
        }),
        judge,
        options,
      );
    },
    rootPath: new URL(root).pathname,
    clock: http.clock,
  };
}

function headersOf(token: string, preferences: string[] = []): Record<string, string> {
  return {
    Authorization: `Bearer ${token}`,
    Accept: 'application/json',
    'OData-Version': '4.0',
    'OData-MaxVersion': '4.0',
    'If-None-Match': 'null',
    ...(preferences.length > 0 && { Prefer: preferences.join(',') }),
  };
}

const tooLarge = (maxResponseBytes: number): SyncError =>
  new SyncError('DYNAMICS_UNREACHABLE', {
    system: 'dynamics',
    subject: `an answer of more than ${maxResponseBytes} bytes`,
    vendorCode: TOO_LARGE,
  });

/** What lasted longer than patience. */
function spentError<T>(
  { last, retryAfterMs: waitMs }: Extract<Persisted<T>, { kind: 'spent' }>,
  nowMs: number,
): SyncError {
  if (last.kind === 'held')
    return new SyncError('DYNAMICS_THROTTLED', { system: 'dynamics', retryAfterMs: waitMs });
  if (last.kind !== 'answered')
    return new SyncError('DYNAMICS_UNREACHABLE', { system: 'dynamics', vendorCode: last.reason });
  const { answer } = last;
  const evidence = answerEvidence(answer);
  if (answer.status === 429)
    return new SyncError('DYNAMICS_THROTTLED', { ...evidence, retryAfterMs: waitMs });
  if (answer.status < 300)
    return new SyncError('DYNAMICS_UNREACHABLE', { ...evidence, subject: 'answers that cannot be read' });
  const named = retryAfterMs(answer.headers['retry-after'], nowMs) !== undefined;
  return new SyncError('DYNAMICS_UNREACHABLE', { ...evidence, ...(named && { retryAfterMs: waitMs }) });
}
