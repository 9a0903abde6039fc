import { createHash, X509Certificate } from 'node:crypto';
import { AuthError, ConfidentialClientApplication, ServerError } from '@azure/msal-node';
import { SyncError } from '../errors.js';

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

export interface Tokens {
  /** A token that is valid for some minutes yet; `renew` asks for a new one, after a 401. */
  token(renew?: boolean): Promise<string>;
}

const AUTHORITY_HOST = 'login.microsoftonline.com';
const STAND_IN_HOST = 'login.stand-in.invalid';

/**
 * Client credentials against Entra ID, or a stand-in of it (dataverse.md §1). Throws DYNAMICS_CREDENTIALS with the AADSTS code, or
 * DYNAMICS_UNREACHABLE when the token endpoint does not answer.
 */
export function createTokens(credentials: DynamicsCredentials): Tokens {
  const application = new ConfidentialClientApplication({
    auth: { clientId: credentials.clientId, ...secretOf(credentials), ...authorityOf(credentials) },
  });
  const scopes = [`${new URL(credentials.url).origin}/.default`];
  return {
    async token(renew = false) {
      try {
        const result = await application.acquireTokenByClientCredential({ scopes, skipCache: renew });
        if (!result) throw new SyncError('DYNAMICS_CREDENTIALS', { system: 'dynamics' });
        return result.accessToken;
      } catch (error) {
        throw tokenError(error);
      }
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
  const thumbprintSha256 = createHash('sha256')
    .update(new X509Certificate(x5c).raw)
    .digest('hex')
    .toUpperCase();
  return { clientCertificate: { thumbprintSha256, privateKey, x5c } };
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

function tokenError(error: unknown): SyncError {
  if (error instanceof SyncError) return error;
  const description = error instanceof AuthError ? `${error.errorCode} ${error.errorMessage}` : '';
  const vendorCode = /AADSTS\d+/.exec(description)?.[0];
  const refused = error instanceof ServerError || vendorCode !== undefined;
  return new SyncError(refused ? 'DYNAMICS_CREDENTIALS' : 'DYNAMICS_UNREACHABLE', {
    system: 'dynamics',
    subject: 'token endpoint',
    ...(vendorCode && { vendorCode }),
  });
}
