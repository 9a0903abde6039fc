import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { SandboxContext } from '../context.js';
import type { Credentials } from './credentials.js';
import { clientCredentials, formFields } from './form.js';
import { issueToken } from './tokens.js';

interface ImsAnswer {
  status: number;
  body: object;
}

/** Adobe IMS' token endpoint for OAuth server-to-server credentials, with its JSON errors (campaign.md §1). */
export function registerIms(app: FastifyInstance, context: SandboxContext, credentials: Credentials): void {
  app.post('/ims/token/v3', (request, reply) => {
    const answer = token(request);
    context.stats.count('identity', 'POST ims/token', answer.status);
    context.store.commit();
    return reply.code(answer.status).header('cache-control', 'no-store').send(answer.body);
  });

  function token(request: FastifyRequest): ImsAnswer {
    const form = formFields(request);
    for (const [name, value] of new URL(request.url, 'http://ims').searchParams) form.append(name, value);
    const client = clientCredentials(request, form);
    if (form.get('grant_type') !== 'client_credentials') {
      return refuse(
        400,
        'unsupported_grant_type',
        `grant_type ${form.get('grant_type') ?? ''} is not supported`,
      );
    }
    if (client.id !== credentials.adobeClientId)
      return refuse(400, 'invalid_client', 'invalid client_id parameter');
    if (client.secret !== credentials.adobeClientSecret)
      return refuse(401, 'invalid_client', 'invalid client_secret parameter');
    const allowed = new Set(credentials.adobeScopes.split(','));
    const asked = (form.get('scope') ?? '').split(/[\s,]+/).filter((scope) => scope !== '');
    const foreign = asked.find((scope) => !allowed.has(scope));
    if (asked.length === 0 || foreign !== undefined) {
      return refuse(
        400,
        'invalid_scope',
        foreign === undefined ? 'scope must not be empty' : `invalid scope: ${foreign}`,
      );
    }
    const seconds = context.limits().campaign.tokenSeconds;
    const claims = {
      client_id: client.id,
      org: credentials.adobeOrgId,
      scope: asked.join(','),
      type: 'access_token',
    };
    const accessToken = issueToken(context, 'campaign', client.id, seconds, claims);
    return { status: 200, body: { access_token: accessToken, token_type: 'bearer', expires_in: seconds } };
  }
}

const refuse = (status: number, error: string, description: string): ImsAnswer => ({
  status,
  body: { error, error_description: description },
});
