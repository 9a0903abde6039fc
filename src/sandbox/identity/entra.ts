import { randomUUID } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { SandboxContext } from '../context.js';
import { checkAssertion } from './assertion.js';
import type { Credentials } from './credentials.js';
import { clientCredentials, formFields } from './form.js';
import { issueToken } from './tokens.js';

interface TenantRoute {
  Params: { tenant: string };
}

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/**
 * Entra ID's token endpoint and its discovery documents, for the tenant and the application of `credentials`
 * (dataverse.md §1). Query strings are ignored, as MSAL appends some. A certificate that was registered is
 * what client assertions must be signed with; without one their claims alone are checked.
 */
export function registerEntra(app: FastifyInstance, context: SandboxContext, credentials: Credentials): void {
  app.post<TenantRoute>('/:tenant/oauth2/v2.0/token', (request, reply) => {
    const answer = token(request);
    context.stats.count('identity', 'POST entra/token', answer.status);
    context.store.commit();
    return reply.code(answer.status).header('cache-control', 'no-store, no-cache').send(answer.body);
  });
  app.get('/common/discovery/instance', instanceDiscovery);
  app.get<TenantRoute>('/:tenant/v2.0/.well-known/openid-configuration', openidConfiguration);
  app.get<TenantRoute>('/:tenant/.well-known/openid-configuration', openidConfiguration);
  app.get('/.well-known/openid-configuration', (request, reply) =>
    reply.send(openidDocument(request, credentials.tenantId)),
  );
  app.get('/:tenant/discovery/v2.0/keys', () => ({ keys: [] }));

  function token(request: FastifyRequest<TenantRoute>): { status: number; body: object } {
    const { tenant } = request.params;
    const form = formFields(request);
    const client = clientCredentials(request, form);
    const refuse = (status: number, error: string, code: number, text: string) => ({
      status,
      body: entraError(context, error, code, text),
    });
    if (tenant.toLowerCase() !== credentials.tenantId) {
      return refuse(
        400,
        'invalid_request',
        90002,
        `Tenant '${tenant}' not found. Check to make sure you have the correct tenant ID.`,
      );
    }
    for (const name of ['grant_type', 'client_id', 'scope']) {
      const present = name === 'client_id' ? client.id : form.get(name);
      if (!present)
        return refuse(
          400,
          'invalid_request',
          900144,
          `The request body must contain the following parameter: '${name}'.`,
        );
    }
    if (form.get('grant_type') !== 'client_credentials') {
      return refuse(
        400,
        'unsupported_grant_type',
        70003,
        `The app requested an unsupported grant type '${form.get('grant_type')}'.`,
      );
    }
    if (client.id.toLowerCase() !== credentials.clientId) {
      return refuse(
        400,
        'unauthorized_client',
        700016,
        `Application with identifier '${client.id}' was not found in the directory.`,
      );
    }
    const unproven = proofFault(request, form, client.secret);
    if (unproven) return refuse(401, 'invalid_client', unproven.code, unproven.text);
    const scope = form.get('scope') ?? '';
    const resource = /^(.+?)\/*\/\.default$/.exec(scope.trim())?.[1];
    if (resource === undefined) {
      return refuse(
        400,
        'invalid_scope',
        1002012,
        `The provided value for scope ${scope} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).`,
      );
    }
    if (portOf(resource) !== portOf(`http://${request.headers.host}`)) {
      return refuse(
        400,
        'invalid_resource',
        500011,
        `The resource principal named ${resource} was not found in the tenant.`,
      );
    }
    const seconds = context.limits().dynamics.tokenSeconds;
    const claims = {
      aud: resource,
      iss: `https://sts.windows.net/${credentials.tenantId}/`,
      appid: client.id,
      tid: credentials.tenantId,
    };
    const accessToken = issueToken(context, 'dynamics', client.id, seconds, claims);
    return {
      status: 200,
      body: { token_type: 'Bearer', expires_in: seconds, ext_expires_in: seconds, access_token: accessToken },
    };
  }

  function proofFault(request: FastifyRequest, form: URLSearchParams, secret: string | undefined) {
    const assertion = form.get('client_assertion');
    if (assertion !== null && form.get('client_assertion_type') === ASSERTION_TYPE) {
      return checkAssertion(assertion, {
        clientId: credentials.clientId,
        isOurs: (audience) => isTokenEndpoint(audience, `http://${request.headers.host}`),
        nowMs: context.clock.nowMs(),
        certificate: context.store.collection<string>('certificate').get('pem'),
      });
    }
    if (secret === undefined || secret === '') {
      return {
        code: 7000218,
        text: "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
      };
    }
    if (secret === credentials.clientSecret) return undefined;
    return {
      code: 7000215,
      text: `Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '${credentials.clientId}'.`,
    };
  }

  function isTokenEndpoint(audience: string, ownAddress: string): boolean {
    const path = `/${credentials.tenantId}`;
    const url = URL.canParse(audience) ? new URL(audience) : undefined;
    if (portOf(audience) !== portOf(ownAddress)) return false;
    return [`${path}/oauth2/v2.0/token`, `${path}/v2.0`, path].includes(
      url?.pathname.replace(/\/$/, '') ?? '',
    );
  }

  function openidConfiguration(request: FastifyRequest<TenantRoute>, reply: FastifyReply) {
    const { tenant } = request.params;
    if (tenant.toLowerCase() === credentials.tenantId)
      return reply.send(openidDocument(request, credentials.tenantId));
    return reply
      .code(400)
      .send(entraError(context, 'invalid_tenant', 90002, `Tenant '${tenant}' not found.`));
  }

  function instanceDiscovery(request: FastifyRequest, reply: FastifyReply) {
    const base = `${request.protocol}://${request.headers.host}`;
    return reply.send({
      tenant_discovery_endpoint: `${base}/${credentials.tenantId}/v2.0/.well-known/openid-configuration`,
      'api-version': '1.1',
      metadata: [
        {
          preferred_network: request.headers.host,
          preferred_cache: request.headers.host,
          aliases: [request.headers.host],
        },
      ],
    });
  }
}

function openidDocument(request: FastifyRequest, tenantId: string): object {
  const base = `${request.protocol}://${request.headers.host}/${tenantId}`;
  return {
    token_endpoint: `${base}/oauth2/v2.0/token`,
    token_endpoint_auth_methods_supported: ['client_secret_post', 'private_key_jwt', 'client_secret_basic'],
    jwks_uri: `${base}/discovery/v2.0/keys`,
    response_modes_supported: ['query', 'fragment', 'form_post'],
    subject_types_supported: ['pairwise'],
    id_token_signing_alg_values_supported: ['RS256'],
    response_types_supported: ['code', 'id_token', 'code id_token', 'id_token token'],
    scopes_supported: ['openid', 'profile', 'email', 'offline_access'],
    issuer: `${base}/v2.0`,
    authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
    tenant_region_scope: null,
    cloud_instance_name: 'microsoftonline.com',
  };
}

function entraError(context: SandboxContext, error: string, code: number, text: string): object {
  const timestamp = new Date(context.clock.nowMs())
    .toISOString()
    .replace('T', ' ')
    .replace(/\.\d+Z$/, 'Z');
  const traceId = randomUUID();
  const correlationId = randomUUID();
  return {
    error,
    error_description: `AADSTS${code}: ${text} Trace ID: ${traceId} Correlation ID: ${correlationId} Timestamp: ${timestamp}`,
    error_codes: [code],
    timestamp,
    trace_id: traceId,
    correlation_id: correlationId,
  };
}

/** The sandbox may be called by several names of one machine: the port tells whether a resource is meant for it. */
function portOf(resource: string): string | undefined {
  return URL.canParse(resource) ? new URL(resource).port : undefined;
}
