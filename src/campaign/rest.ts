import { SyncError } from '../errors.js';
import type { CallOptions } from '../http/calls.js';
import { originsOf, ownLink } from '../http/origin.js';
import { createHttp, createPatience, type HttpAnswer, type HttpSettings } from '../http/request.js';
import { verdictOf, type Verdict } from './engine-errors.js';
import { createTokens, jsonObject, type CampaignCredentials } from './tokens.js';

export interface CampaignSettings extends CampaignCredentials, HttpSettings {
  /** `https://mc.adobe.io/<tenant>/campaign`. */
  url: string;
  edition: 'standard' | 'v8';
  extraOrigins?: string[];
}

export type RestAnswer =
  | { kind: 'ok'; body: Record<string, unknown> }
  | { kind: 'not'; verdict: Exclude<Verdict, { kind: 'token' | 'rights' | 'throttled' }>; status: number }
  | { kind: 'unknown'; reason: string };

/** Campaign's REST calls: tokens, throttling and transient faults of reads are dealt with here, the meaning of a refusal is not. */
export interface Rest {
  /** Reads repeat on any transient fault; what is left is an answer, or an error with a code of errors.ts. */
  read(address: string, options?: CallOptions): Promise<RestAnswer>;
  /** Writes repeat only what certainly had no effect: 429, a renewed token, a connection that was never made. */
  write(
    method: 'POST' | 'PATCH' | 'DELETE',
    address: string,
    body: object | undefined,
    options?: CallOptions,
  ): Promise<RestAnswer>;
}

const FAULT_ATTEMPTS = 5;

export function createRest(settings: CampaignSettings): Rest {
  const http = createHttp(settings);
  const tokens = createTokens(http, settings);
  const base = `${settings.url.replace(/\/+$/, '')}/`;
  const origins = originsOf(settings.url, settings.extraOrigins);
  let headers: { token: string; value: Record<string, string> } | undefined;

  function headersOf(token: string): Record<string, string> {
    if (headers?.token !== token) {
      headers = {
        token,
        value: {
          Authorization: `Bearer ${token}`,
          'X-Api-Key': settings.clientId,
          'Cache-Control': 'no-cache',
          'Content-Type': 'application/json;charset=utf-8',
          Accept: 'application/json',
        },
      };
    }
    return headers.value;
  }

  async function call(
    method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
    address: string,
    body: object | undefined,
    options: CallOptions,
  ): Promise<RestAnswer> {
    const url =
      address.startsWith('http') || address.startsWith('/')
        ? ownLink(address, base, origins)
        : base + address;
    if (url === undefined)
      throw new SyncError('CAMPAIGN_TENANT_WRONG', {
        system: 'campaign',
        subject: 'a link to another origin',
      });
    const repeatable = method === 'GET';
    const text = body === undefined ? undefined : JSON.stringify(body);
    let patience: ReturnType<typeof createPatience> | undefined;
    let token = await tokens.token(options);
    let renewed = false;
    for (;;) {
      const attempt = await http.attempt(
        { method, url, headers: headersOf(token), ...(text !== undefined && { body: text }) },
        options,
      );
      patience ??= createPatience(http, options.signal);
      if (attempt.kind === 'unsent') {
        if ((await patience.faulted(FAULT_ATTEMPTS)).kind === 'again') continue;
        throw new SyncError('CAMPAIGN_UNREACHABLE', { system: 'campaign', vendorCode: attempt.reason });
      }
      if (attempt.kind === 'unknown') {
        if (!repeatable) return { kind: 'unknown', reason: attempt.reason };
        if ((await patience.faulted(FAULT_ATTEMPTS)).kind === 'again') continue;
        throw new SyncError('CAMPAIGN_UNREACHABLE', { system: 'campaign', vendorCode: attempt.reason });
      }
      const { answer } = attempt;
      if (answer.status >= 200 && answer.status < 300) {
        const read = successOf(method, answer);
        if (read) return read;
        if (!repeatable) return { kind: 'unknown', reason: 'the answer broke off' };
        if ((await patience.faulted(FAULT_ATTEMPTS)).kind === 'again') continue;
        throw new SyncError('CAMPAIGN_UNREACHABLE', {
          system: 'campaign',
          subject: 'answers that break off',
        });
      }
      const verdict = verdictOf(answer);
      switch (verdict.kind) {
        case 'token':
          if (renewed) throw new SyncError('CAMPAIGN_CREDENTIALS', { system: 'campaign', status: 401 });
          renewed = true;
          token = await tokens.token(options, token);
          continue;
        case 'rights':
          throw new SyncError(
            verdict.vendorCode === '403023' ? 'CAMPAIGN_PROFILE_NOT_VALID' : 'CAMPAIGN_CREDENTIALS',
            {
              system: 'campaign',
              status: 403,
              ...(verdict.vendorCode && { vendorCode: verdict.vendorCode }),
            },
          );
        case 'throttled': {
          const waited = await patience.throttled(answer.headers['retry-after']);
          if (waited.kind === 'again') continue;
          throw new SyncError('CAMPAIGN_THROTTLED', {
            system: 'campaign',
            status: 429,
            retryAfterMs: waited.retryAfterMs,
          });
        }
        case 'unknown':
          if (!repeatable) return { kind: 'unknown', reason: `HTTP ${answer.status}` };
          if ((await patience.faulted(FAULT_ATTEMPTS)).kind === 'again') continue;
          throw new SyncError(jsonOops(answer) ? 'CAMPAIGN_TENANT_WRONG' : 'CAMPAIGN_UNREACHABLE', {
            system: 'campaign',
            status: answer.status,
          });
        default:
          return { kind: 'not', verdict, status: answer.status };
      }
    }
  }

  return {
    read: (address, options = {}) => call('GET', address, undefined, options),
    write: (method, address, body, options = {}) => call(method, address, body, options),
  };
}

/** Undefined when the body is not whole. A DELETE may have none. */
function successOf(method: string, { body, status }: HttpAnswer): RestAnswer | undefined {
  if (method === 'DELETE' || status === 204) return { kind: 'ok', body: {} };
  const parsed = jsonObject(body);
  return parsed && { kind: 'ok', body: parsed };
}

/** The gateway's words for a wrong tenant or address (campaign.md §1). */
const jsonOops = ({ body, status }: HttpAnswer): boolean =>
  status !== 502 && body.includes('Check your URI and try again');
