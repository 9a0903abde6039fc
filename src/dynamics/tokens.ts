import { createHash, X509Certificate } from 'node:crypto';
import { AuthError, ConfidentialClientApplication, ServerError, type INetworkModule } from '@azure/msal-node';
import { SyncError } from '../errors.js';
import { jsonObject } from '../http/json.js';
import type { Persisted } from '../http/persist.js';
import type { Http, HttpAnswer } from '../http/request.js';
import { askForToken, createTokenKeeper, type MintedToken, type TokenKeeper } from '../http/tokens.js';

export interface DynamicsCredentials {
  url: string;
  tenantId: string;
  clientId: string;
  clientSecret?: string;
  /** PEM text with the private key and the certificate. */
  certificate?: string;
  /** A stand-in of Entra ID: its token endpoint. */
  tokenEndpoint?: string;
}

const AUTHORITY_HOST = 'login.microsoftonline.com';
const STAND_IN_HOST = 'login.stand-in.invalid';

/**
 * Client credentials against Entra ID, or a stand-in of it (dataverse.md §1). Rejects with DYNAMICS_CREDENTIALS and the AADSTS code
 * when it says no, with DYNAMICS_UNREACHABLE when it says nothing. `http` is the way to Entra ID: its own, as it is another system.
 */
export function createTokens(http: Http, credentials: DynamicsCredentials): TokenKeeper {
  const network = createNetwork(http);
  const application = new ConfidentialClientApplication({
    auth: { clientId: credentials.clientId, ...secretOf(credentials), ...authorityOf(credentials) },
    system: { networkClient: network.client },
  });
  const scopes = [`${new URL(credentials.url).origin}/.default`];

  async function mint(): Promise<MintedToken> {
    network.forget();
    try {
      const result = await application.acquireTokenByClientCredential({ scopes, skipCache: true });
      if (!result?.expiresOn) throw new SyncError('DYNAMICS_CREDENTIALS', evidence);
      return { token: result.accessToken, lifetimeMs: result.expiresOn.getTime() - Date.now() };
    } catch (error) {
      throw network.silence() ?? refusalOf(error);
    }
  }

  return createTokenKeeper(mint, http.clock);
}

const evidence = { system: 'dynamics', subject: 'Entra ID' } as const;

/**
 * MSAL's requests over our own HTTP: with a time limit, and with outages absorbed here, since MSAL reports an outage as if it were a
 * refusal and then answers from memory for a minute.
 */
function createNetwork(http: Http) {
  let silence: SyncError | undefined;

  async function send<T>(
    method: 'GET' | 'POST',
    url: string,
    { headers, body }: { headers?: Record<string, string>; body?: string } = {},
  ) {
    const asked: Persisted<HttpAnswer> = await askForToken(http, {
      method,
      url,
      ...(headers && { headers }),
      ...(body !== undefined && { body }),
    });
    if (asked.kind === 'spent') {
      const { last } = asked;
      silence = new SyncError('DYNAMICS_UNREACHABLE', {
        ...evidence,
        ...(last.kind === 'answered' && { status: last.answer.status }),
        ...((last.kind === 'unsent' || last.kind === 'unknown') && { vendorCode: last.reason }),
      });
      throw silence;
    }
    const { status, headers: answered, body: text } = asked.value;
    return { status, headers: answered as Record<string, string>, body: (jsonObject(text) ?? {}) as T };
  }

  const client: INetworkModule = {
    sendGetRequestAsync: (url, options) => send('GET', url, options),
    sendPostRequestAsync: (url, options) => send('POST', url, options),
  };
  return {
    client,
    /** Why Entra ID could not be heard, since it was last forgotten. */
    silence: () => silence,
    forget() {
      silence = undefined;
    },
  };
}

function secretOf({ clientSecret, certificate }: DynamicsCredentials) {
  if (certificate === undefined) return { clientSecret: clientSecret ?? '' };
  const privateKey = /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]+?-----END [A-Z ]*PRIVATE KEY-----/.exec(
    certificate,
  )?.[0];
  const x5c = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/.exec(certificate)?.[0];
  if (!privateKey || !x5c)
    throw new SyncError('CONFIG_INVALID', {
      subject: 'DYNAMICS_CERTIFICATE: PEM with private key and certificate',
    });
  return { clientCertificate: { thumbprintSha256: thumbprintOf(x5c), privateKey, x5c } };
}

function thumbprintOf(certificate: string): string {
  try {
    return createHash('sha256').update(new X509Certificate(certificate).raw).digest('hex').toUpperCase();
  } catch {
    throw new SyncError('CONFIG_INVALID', {
      subject: 'DYNAMICS_CERTIFICATE: the certificate cannot be read',
    });
  }
}

/** MSAL refuses an `http://` authority, but takes any token endpoint from given metadata: no discovery, no other host. */
function authorityOf({ tenantId, tokenEndpoint }: DynamicsCredentials) {
  if (tokenEndpoint === undefined) return { authority: `https://${AUTHORITY_HOST}/${tenantId}` };
  return {
    authority: `https://${STAND_IN_HOST}/${tenantId}`,
    knownAuthorities: [STAND_IN_HOST],
    authorityMetadata: JSON.stringify({
      token_endpoint: tokenEndpoint,
      authorization_endpoint: `https://${STAND_IN_HOST}/${tenantId}/oauth2/v2.0/authorize`,
      issuer: `https://${STAND_IN_HOST}/${tenantId}/v2.0`,
      jwks_uri: `https://${STAND_IN_HOST}/${tenantId}/discovery/v2.0/keys`,
    }),
  };
}

/** "Client assertion is not within its valid time range": what a certificate signs says when it was signed. */
const NOT_IN_TIME = 'AADSTS700024';

/** MSAL's text names the application and the tenant; only the code in it is kept. A key that does not sign is no network's fault. */
function refusalOf(error: unknown): SyncError {
  if (error instanceof SyncError) return error;
  const text = error instanceof AuthError ? `${error.errorCode} ${error.errorMessage}` : '';
  const vendorCode =
    /AADSTS\d+/.exec(text)?.[0] ?? (error instanceof AuthError ? error.errorCode : undefined);
  const status = error instanceof ServerError ? error.status : undefined;
  return new SyncError(vendorCode === NOT_IN_TIME ? 'CLOCK_OFF' : 'DYNAMICS_CREDENTIALS', {
    ...evidence,
    ...(vendorCode && { vendorCode }),
    ...(status !== undefined && { status }),
  });
}
