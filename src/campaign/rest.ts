import { SyncError } from '../errors.js';
import { createBudget } from '../http/budget.js';
import type { CallOptions } from '../http/calls.js';
import { jsonObject } from '../http/json.js';
import { originsOf, ownLink } from '../http/origin.js';
import { persist, type Persisted, type Ruling } from '../http/persist.js';
import { createHttp, type HttpAnswer, type HttpSettings } from '../http/request.js';
import { TOO_LARGE } from '../http/request-fault.js';
import { retryAfterMs } from '../http/retry-after.js';
import { verdictOf, type Verdict } from './engine-errors.js';
import { createTokens, type CampaignCredentials } from './tokens.js';

export interface CampaignSettings extends CampaignCredentials, HttpSettings {
  /** `https://mc.adobe.io/<tenant>/campaign`. */
  url: string;
  edition: 'standard' | 'v8';
  extraOrigins?: string[];
}

/** A refusal that concerns this one request; what concerns every request is thrown. */
export type NotDone = Extract<Verdict, { kind: 'absent' | 'duplicate' | 'refused' | 'address' | 'oops' }> & {
  status: number;
};
export type ReadAnswer =
  | {
      kind: 'ok';
      body: Record<string, unknown>;
      /** The server's clock when it answered, as it told it. */
      date?: string;
    }
  | NotDone;
export type WrittenAnswer =
  | {
      kind: 'ok';
      /** The server's clock when it answered, as it told it. */
      date?: string;
    }
  | NotDone
  /** It may or may not have taken effect. */
  | { kind: 'unknown'; reason: string; status?: number };

/** Campaign's REST calls: tokens, throttling and transient faults are dealt with here, the meaning of a refusal is not. */
export interface Rest {
  /** `address` is a path below the base, or a link that Campaign sent. `isWhole` tells an answer that is what was asked for. */
  read(
    address: string,
    isWhole: (body: Record<string, unknown>) => boolean,
    options?: CallOptions,
  ): Promise<ReadAnswer>;
  /** Repeats only what certainly had no effect: a 429, a renewed token, a connection that was never made (DESIGN §7). */
  write(
    method: 'POST' | 'PATCH' | 'DELETE',
    address: string,
    body: object | undefined,
    options?: CallOptions,
  ): Promise<WrittenAnswer>;
}

/** Minting goes to Adobe IMS, which knows nothing of the budget for Campaign. */
const MINTING_AT_ONCE = 1;

export function createRest(settings: CampaignSettings): Rest {
  const http = createHttp(settings);
  const ims = createHttp({ ...settings, budget: createBudget({ maxConcurrent: MINTING_AT_ONCE }) });
  const tokens = createTokens(ims, settings);
  const base = `${settings.url.replace(/\/+$/, '')}/`;
  const origins = originsOf(settings.url, settings.extraOrigins);
  const headersOf = createHeaders(settings.clientId);

  /** `rule` judges what is neither throttled nor a matter of tokens and rights: those are ruled here, for reads and writes alike. */
  async function call<T>(
    method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
    address: string,
    body: string | undefined,
    options: CallOptions,
    rule: (heard: Heard) => Ruling<T>,
  ): Promise<Persisted<T>> {
    const url = own(address);
    let renewed = false;
    let token = await tokens.token(options.signal);
    return persist<T>(
      http,
      options,
      () => ({ method, url, headers: headersOf(token), ...(body !== undefined && { body }) }),
      async (attempt): Promise<Ruling<T>> => {
        if (attempt.kind === 'unsent') return 'faulty';
        if (attempt.kind === 'unknown') return rule(attempt);
        const { answer } = attempt;
        if (answer.status >= 200 && answer.status < 300) return rule({ kind: 'success', answer });
        const verdict = verdictOf(answer);
        switch (verdict.kind) {
          case 'token':
            if (renewed) throw new SyncError('CAMPAIGN_CREDENTIALS', { system: 'campaign', status: 401 });
            renewed = true;
            token = await tokens.token(options.signal, token);
            return 'again';
          case 'rights':
            throw rightsError(verdict);
          case 'throttled':
            return 'throttled';
          default:
            return rule({ ...verdict, status: answer.status });
        }
      },
    );
  }

  function own(address: string): string {
    if (!/^(?:https?:|\/)/.test(address)) return base + address;
    const url = ownLink(address, base, origins);
    if (url !== undefined) return url;
    throw new SyncError('CAMPAIGN_TENANT_WRONG', { system: 'campaign', subject: 'a link to another origin' });
  }

  return {
    async read(address, isWhole, options = {}) {
      const made = await call<ReadAnswer>('GET', address, undefined, options, (heard) => {
        switch (heard.kind) {
          case 'success': {
            const body = jsonObject(heard.answer.body);
            const { date } = heard.answer.headers;
            return body && isWhole(body)
              ? { take: { kind: 'ok', body, ...(typeof date === 'string' && { date }) } }
              : 'faulty';
          }
          case 'unknown':
            if (heard.reason === TOO_LARGE) throw tooLarge(settings.maxResponseBytes);
            return 'faulty';
          // Said once it may be a stumble; said again and again it is what it says.
          case 'oops':
            return 'faulty';
          default:
            return { take: heard };
        }
      });
      if (made.kind === 'taken') return made.value;
      const { last } = made;
      if (last.kind === 'answered' && verdictOf(last.answer).kind === 'oops')
        return { kind: 'oops', status: last.answer.status };
      throw spentError(made, http.clock.nowMs());
    },
    async write(method, address, body, options = {}) {
      const text = body === undefined ? undefined : JSON.stringify(body);
      const made = await call<WrittenAnswer>(method, address, text, options, (heard) => {
        switch (heard.kind) {
          case 'success':
            return { take: writtenAnswer(method, heard.answer) };
          case 'unknown':
            return { take: { kind: 'unknown', reason: heard.reason ?? `HTTP ${heard.status}` } };
          default:
            return { take: heard };
        }
      });
      if (made.kind === 'taken') return made.value;
      throw spentError(made, http.clock.nowMs());
    },
  };
}

type Heard =
  { kind: 'success'; answer: HttpAnswer } | NotDone | { kind: 'unknown'; reason?: string; status?: number };

/** The headers of a token are made once, not for every call. */
function createHeaders(clientId: string): (token: string) => Record<string, string> {
  let made: { token: string; headers: Record<string, string> } | undefined;
  return (token) => {
    if (made?.token !== token) {
      const headers = {
        Authorization: `Bearer ${token}`,
        'X-Api-Key': clientId,
        'Cache-Control': 'no-cache',
        'Content-Type': 'application/json;charset=utf-8',
        Accept: 'application/json',
      };
      made = { token, headers };
    }
    return made.headers;
  };
}

/** A record that is answered only in part may not be whole on the other side either. A DELETE answers with or without a body. */
function writtenAnswer(method: string, { status, body, headers }: HttpAnswer): WrittenAnswer {
  const isWhole = method === 'DELETE' || status === 204 || jsonObject(body) !== undefined;
  const { date } = headers;
  return isWhole
    ? { kind: 'ok', ...(typeof date === 'string' && { date }) }
    : { kind: 'unknown', reason: 'an answer that cannot be read' };
}

function rightsError({ vendorCode }: Extract<Verdict, { kind: 'rights' }>): SyncError {
  return new SyncError(vendorCode === '403023' ? 'CAMPAIGN_PROFILE_NOT_VALID' : 'CAMPAIGN_CREDENTIALS', {
    system: 'campaign',
    status: 403,
    ...(vendorCode && { vendorCode }),
  });
}

const tooLarge = (maxResponseBytes: number): SyncError =>
  new SyncError('CAMPAIGN_UNREACHABLE', {
    system: 'campaign',
    subject: `an answer of more than ${maxResponseBytes} bytes`,
    vendorCode: TOO_LARGE,
  });

/** What lasted longer than patience. */
function spentError<T>(
  { last, retryAfterMs: waitMs }: Extract<Persisted<T>, { kind: 'spent' }>,
  nowMs: number,
): SyncError {
  const evidence = {
    system: 'campaign',
    ...(last.kind === 'answered' && { status: last.answer.status }),
  } as const;
  if (last.kind === 'held' || evidence.status === 429)
    return new SyncError('CAMPAIGN_THROTTLED', { ...evidence, retryAfterMs: waitMs });
  if (last.kind !== 'answered')
    return new SyncError('CAMPAIGN_UNREACHABLE', { ...evidence, vendorCode: last.reason });
  if (last.answer.status < 300)
    return new SyncError('CAMPAIGN_UNREACHABLE', { ...evidence, subject: 'answers that cannot be read' });
  const named = retryAfterMs(last.answer.headers['retry-after'], nowMs) !== undefined;
  return new SyncError('CAMPAIGN_UNREACHABLE', { ...evidence, ...(named && { retryAfterMs: waitMs }) });
}
