import type { FastifyReply } from 'fastify';
import type { SandboxContext } from '../context.js';
import { checkCampaignToken } from '../identity/tokens.js';

/** An answer of the gateway in front of Campaign: JSON, where the engine behind it answers text (campaign.md §1). */
export interface GatewayRefusal {
  status: number;
  body: object | string;
  retryAfterSeconds?: number;
}

export const expiredToken: GatewayRefusal = {
  status: 401,
  body: { error_code: '401013', message: 'Oauth token is not valid' },
};
const notProvisioned: GatewayRefusal = {
  status: 403,
  body: { error_code: '403023', message: 'Profile is not valid' },
};
/** The real body is not public. */
export const unknownApiKey: GatewayRefusal = {
  status: 403,
  body: { error_code: '403003', message: 'Api Key is invalid' },
};

/** A tenant or an address that Campaign does not know; a 502 carries the same text. */
export const wrongAddress = (status: 500 | 502 = 500): GatewayRefusal => ({
  status,
  body: { code: status, message: 'Oops. Something went wrong. Check your URI and try again.' },
});

export const tooManyRequests = (retryAfterSeconds: number): GatewayRefusal => ({
  status: 429,
  body: { error_code: '429050', message: 'Too many requests' },
  retryAfterSeconds,
});

/** v8's cap of calls per second answers without the gateway's envelope (campaign.md §1). */
const overCap: GatewayRefusal = { status: 429, body: 'Too Many Requests' };

export interface Gateway {
  /** Lets a call through (undefined), or refuses it. */
  refusal(
    headers: { authorization?: string | undefined; apiKey: string | undefined },
    tenant: string,
  ): GatewayRefusal | undefined;
}

/** @param apiKey the client id that `X-Api-Key` must name. */
export function createGateway(context: SandboxContext, apiKey: string, tenant: string): Gateway {
  let second = 0;
  let callsInSecond = 0;

  function overLimit(): boolean {
    const { requestsPerSecond } = context.limits().campaign;
    if (requestsPerSecond === 0) return false;
    const now = Math.floor(context.clock.nowMs() / 1000);
    if (now !== second) callsInSecond = 0;
    second = now;
    callsInSecond += 1;
    return callsInSecond > requestsPerSecond;
  }

  return {
    refusal(headers, calledTenant) {
      const token = checkCampaignToken(context, headers.authorization);
      if (token === 'missing' || token === 'expired') return expiredToken;
      if (headers.apiKey !== apiKey) return unknownApiKey;
      if (token === 'non-member') return notProvisioned;
      if (calledTenant !== tenant) return wrongAddress();
      if (!overLimit()) return undefined;
      return context.limits().campaign.edition === 'v8' ? overCap : tooManyRequests(1);
    },
  };
}

/** What a fault of kind `status` answers, as either the gateway or the engine would. */
export function statusAnswer(status: number): { body: object | string } {
  switch (status) {
    case 401:
      return expiredToken;
    case 403:
      return notProvisioned;
    case 429:
      return tooManyRequests(1);
    case 502:
      return wrongAddress(502);
    case 503:
      return { body: { code: 503, message: 'Service Unavailable' } };
    case 504:
      return { body: { code: 504, message: 'Gateway Timeout' } };
    default:
      return { body: 'RST-360011 An error has occurred - please contact your administrator.' };
  }
}

export function sendGatewayRefusal(reply: FastifyReply, refused: GatewayRefusal): FastifyReply {
  if (refused.retryAfterSeconds !== undefined) reply.header('retry-after', refused.retryAfterSeconds);
  if (typeof refused.body === 'string')
    return reply.code(refused.status).type('text/plain; charset=utf-8').send(refused.body);
  return reply
    .code(refused.status)
    .type('application/json; charset=utf-8')
    .send(JSON.stringify(refused.body));
}
