import type { FastifyInstance } from 'fastify';
import type { SandboxContext } from './context.js';
import { expiredToken, sendGatewayRefusal, unknownApiKey } from './campaign/gateway.js';
import type { Credentials } from './identity/credentials.js';
import { checkCampaignToken } from './identity/tokens.js';

const EMPTY_RETRY_AFTER_SECONDS = 10;

/** The journal's path for these credentials: `/events/organizations/<n>/integrations/<n>/<guid>` (campaign.md §6). */
export function journalPath(credentials: Credentials): string {
  const digits = (text: string) => String(Number.parseInt(text.slice(0, 7), 16) % 1_000_000).padStart(6, '1');
  const hex = credentials.adobeClientId;
  const registration = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
  return `/events/organizations/${digits(credentials.adobeOrgId)}/integrations/${digits(hex)}/${registration}`;
}

/** The event journal. No delivery has been sent, so it is empty: 204, with the time to wait and the next address. */
export function registerJournal(
  app: FastifyInstance,
  context: SandboxContext,
  credentials: Credentials,
): void {
  const path = journalPath(credentials);
  app.get(path, (request, reply) => {
    const token = checkCampaignToken(context, request.headers.authorization);
    if (token === 'missing' || token === 'expired') return sendGatewayRefusal(reply, expiredToken);
    if (request.headers['x-api-key'] !== credentials.adobeClientId)
      return sendGatewayRefusal(reply, unknownApiKey);
    if (request.headers['x-ims-org-id'] !== credentials.adobeOrgId) {
      return sendGatewayRefusal(reply, {
        status: 403,
        body: { error_code: '403023', message: 'Profile is not valid' },
      });
    }
    return reply
      .code(204)
      .header('retry-after', EMPTY_RETRY_AFTER_SECONDS)
      .header('link', `<${path}>; rel="next"`)
      .send();
  });
}
