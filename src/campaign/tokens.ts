import { SyncError } from '../errors.js';
import type { CallOptions } from '../http/calls.js';
import { createPatience, type Http } from '../http/request.js';

export interface CampaignCredentials {
  clientId: string;
  clientSecret: string;
  scopes: string;
  tokenEndpoint: string;
}

/** A token is renewed so long before it ends. */
const MARGIN_MS = 60_000;
const FAULT_ATTEMPTS = 5;

/**
 * OAuth server-to-server tokens of Adobe IMS (campaign.md §1): kept until shortly before they end, minted one at a time, since IMS may
 * throttle. Throws CAMPAIGN_CREDENTIALS, or CAMPAIGN_UNREACHABLE.
 */
export function createTokens(
  http: Http,
  { clientId, clientSecret, scopes, tokenEndpoint }: CampaignCredentials,
) {
  let kept: { token: string; untilMs: number } | undefined;
  let minting: Promise<string> | undefined;
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: clientId,
    client_secret: clientSecret,
    scope: scopes,
  }).toString();

  async function mint(options: CallOptions): Promise<string> {
    const patience = createPatience(http, options.signal);
    for (;;) {
      const attempt = await http.attempt(
        {
          method: 'POST',
          url: tokenEndpoint,
          headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
          body,
        },
        options,
      );
      if (attempt.kind === 'answered') {
        const { status, headers } = attempt.answer;
        const answered = jsonObject(attempt.answer.body);
        if (status === 200 && typeof answered?.access_token === 'string') {
          const seconds = Number(answered.expires_in);
          kept = {
            token: answered.access_token,
            untilMs: http.clock.nowMs() + (Number.isFinite(seconds) ? seconds * 1000 : 0) - MARGIN_MS,
          };
          return answered.access_token;
        }
        if (status === 429 || status >= 500) {
          if ((await patience.throttled(headers['retry-after'])).kind === 'again') continue;
          throw new SyncError('CAMPAIGN_UNREACHABLE', {
            system: 'campaign',
            subject: 'token endpoint',
            status,
          });
        }
        if (status !== 200) {
          const vendorCode = typeof answered?.error === 'string' ? answered.error : undefined;
          throw new SyncError('CAMPAIGN_CREDENTIALS', {
            system: 'campaign',
            status,
            ...(vendorCode && { vendorCode }),
          });
        }
      }
      if ((await patience.faulted(FAULT_ATTEMPTS)).kind === 'spent') {
        throw new SyncError('CAMPAIGN_UNREACHABLE', { system: 'campaign', subject: 'token endpoint' });
      }
    }
  }

  return {
    /** A valid token; `refused` is one that Campaign has just answered with 401. */
    async token(options: CallOptions, refused?: string): Promise<string> {
      if (kept && kept.token !== refused && kept.untilMs > http.clock.nowMs()) return kept.token;
      minting ??= mint(withoutLease(options)).finally(() => {
        minting = undefined;
      });
      return minting;
    },
  };
}

/** A token is shared: it must not end with the slice that happened to ask for it. */
const withoutLease = ({ priority }: CallOptions): CallOptions => (priority ? { priority } : {});

export function jsonObject(text: string): Record<string, unknown> | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
      ? (parsed as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
