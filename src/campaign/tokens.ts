import { z } from 'zod';
import { SyncError } from '../errors.js';
import { jsonObject } from '../http/json.js';
import type { Http } from '../http/request.js';
import { askForToken, createTokenKeeper, type MintedToken, type TokenKeeper } from '../http/tokens.js';

export interface CampaignCredentials {
  clientId: string;
  clientSecret: string;
  scopes: string;
  tokenEndpoint: string;
}

const granted = z.object({ access_token: z.string().min(1), expires_in: z.coerce.number().catch(0) });
const refused = z.object({ error: z.string().regex(/^\w{1,60}$/) });

/**
 * OAuth server-to-server tokens of Adobe IMS (campaign.md §1): kept until shortly before they end and minted one at a time, since IMS may
 * throttle. Rejects with CAMPAIGN_CREDENTIALS when it says no, with CAMPAIGN_UNREACHABLE when it says nothing. `http` is the way to
 * IMS: its own, as it is another system.
 */
export function createTokens(http: Http, credentials: CampaignCredentials): TokenKeeper {
  const { clientId, clientSecret, scopes, tokenEndpoint } = credentials;
  const request = {
    method: 'POST',
    url: tokenEndpoint,
    headers: { 'Content-Type': 'application/x-www-form-urlencoded', Accept: 'application/json' },
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: clientId,
      client_secret: clientSecret,
      scope: scopes,
    }).toString(),
  } as const;
  const evidence = { system: 'campaign', subject: 'Adobe IMS' } as const;

  async function mint(): Promise<MintedToken> {
    const asked = await askForToken(http, request);
    if (asked.kind === 'spent') {
      const { last } = asked;
      throw new SyncError('CAMPAIGN_UNREACHABLE', {
        ...evidence,
        ...(last.kind === 'answered' && { status: last.answer.status }),
        ...((last.kind === 'unsent' || last.kind === 'unknown') && { vendorCode: last.reason }),
      });
    }
    const { status, body } = asked.value;
    const answer = jsonObject(body);
    const token = status === 200 ? granted.safeParse(answer).data : undefined;
    if (token) return { token: token.access_token, lifetimeMs: token.expires_in * 1000 };
    const vendorCode = refused.safeParse(answer).data?.error;
    throw new SyncError('CAMPAIGN_CREDENTIALS', { ...evidence, status, ...(vendorCode && { vendorCode }) });
  }

  return createTokenKeeper(mint, http.clock);
}
