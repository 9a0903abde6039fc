import { constants, createHash, verify, X509Certificate } from 'node:crypto';

/** Why a client assertion was refused: the number of the AADSTS error and its text. */
export interface AssertionFault {
  code: number;
  text: string;
}

export interface AssertionRules {
  clientId: string;
  /** Whether an `aud` claim names this token endpoint. */
  isOurs(audience: string): boolean;
  nowMs: number;
  /** PEM; undefined while none is registered, and then the signature cannot be checked. */
  certificate?: string | undefined;
}

/** Entra ID tolerates clocks that differ by five minutes. */
const SKEW_SECONDS = 300;

/**
 * Checks the JWT of a certificate sign-in: `aud`, `iss`, `sub`, `nbf`, `exp`, and, when a certificate is
 * registered, its thumbprint and signature (RS256 with `x5t` or PS256 with `x5t#S256`; dataverse.md §1).
 * Returns what is wrong, or undefined.
 */
export function checkAssertion(assertion: string, rules: AssertionRules): AssertionFault | undefined {
  const [headerPart, claimsPart, signaturePart, ...more] = assertion.split('.');
  const header = decode(headerPart);
  const claims = decode(claimsPart);
  if (!header || !claims || !signaturePart || more.length > 0) {
    return { code: 50027, text: 'JWT token is invalid or malformed.' };
  }
  if (claims['iss'] !== rules.clientId || claims['sub'] !== rules.clientId) {
    return {
      code: 700021,
      text: "Client assertion application identifier doesn't match 'client_id' parameter.",
    };
  }
  if (!audiences(claims['aud']).some((audience) => rules.isOurs(audience))) {
    return { code: 700023, text: 'Client assertion audience claim does not match Realm issuer.' };
  }
  const now = rules.nowMs / 1000;
  const expires = claims['exp'];
  const notBefore = claims['nbf'];
  const tooOld = typeof expires !== 'number' || expires + SKEW_SECONDS < now;
  const tooEarly = typeof notBefore === 'number' && notBefore - SKEW_SECONDS > now;
  if (tooOld || tooEarly)
    return { code: 700024, text: 'Client assertion is not within its valid time range.' };
  if (
    rules.certificate !== undefined &&
    !signedBy(rules.certificate, header, `${headerPart}.${claimsPart}`, signaturePart)
  ) {
    return {
      code: 700027,
      text: 'The certificate with identifier used to sign the client assertion is not registered on application.',
    };
  }
  return undefined;
}

function signedBy(
  certificatePem: string,
  header: Record<string, unknown>,
  signed: string,
  signature: string,
): boolean {
  const certificate = new X509Certificate(certificatePem);
  const thumbprint = (algorithm: string) => createHash(algorithm).update(certificate.raw).digest('base64url');
  if (header['x5t#S256'] !== undefined && header['x5t#S256'] !== thumbprint('sha256')) return false;
  if (header['x5t'] !== undefined && header['x5t'] !== thumbprint('sha1')) return false;
  const text = Buffer.from(signed);
  const bytes = Buffer.from(signature, 'base64url');
  if (header['alg'] === 'RS256') return verify('sha256', text, certificate.publicKey, bytes);
  if (header['alg'] !== 'PS256') return false;
  const key = { key: certificate.publicKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
  return verify('sha256', text, key, bytes);
}

const audiences = (claim: unknown): string[] =>
  (Array.isArray(claim) ? claim : [claim]).filter(
    (audience): audience is string => typeof audience === 'string',
  );

function decode(part: string | undefined): Record<string, unknown> | undefined {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(part ?? '', 'base64url').toString('utf8'));
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
