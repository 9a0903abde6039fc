import { randomBytes } from 'node:crypto';
import type { SandboxContext } from '../context.js';
import type { SandboxSystem } from '../faults.js';

/** Outcome of a look at an `Authorization` header. */
export type TokenCheck = 'ok' | 'missing' | 'expired' | 'non-member';

interface IssuedToken {
  system: SandboxSystem;
  clientId: string;
  expiresAtMs: number;
}

/**
 * Makes a bearer token and keeps it in the store, so that it is still good after a restart. It has the form
 * of a JWT, since clients may look at `exp`, but only its being in the store makes it valid.
 */
export function issueToken(
  context: SandboxContext,
  system: SandboxSystem,
  clientId: string,
  seconds: number,
  claims: Record<string, unknown>,
): string {
  forgetExpired(context);
  const issuedAt = Math.floor(context.clock.nowMs() / 1000);
  const token = [
    encode({ typ: 'JWT', alg: 'RS256', kid: 'sandbox' }),
    encode({ ...claims, iat: issuedAt, nbf: issuedAt, exp: issuedAt + seconds }),
    randomBytes(32).toString('base64url'),
  ].join('.');
  tokens(context).set(token, { system, clientId, expiresAtMs: context.clock.nowMs() + seconds * 1000 });
  return token;
}

/** Checks a call to the Dataverse API; `non-member` when the switch of that name is set. */
export function checkDynamicsToken(
  context: SandboxContext,
  authorizationHeader: string | undefined,
): TokenCheck {
  return check(context, 'dynamics', authorizationHeader, context.limits().dynamics.nonMember);
}

/** Checks a call to the Campaign API; `non-member` when the switch of that name is set. */
export function checkCampaignToken(
  context: SandboxContext,
  authorizationHeader: string | undefined,
): TokenCheck {
  return check(context, 'campaign', authorizationHeader, context.limits().campaign.nonMember);
}

/** Ends a token's life early, as the fault `expire-token` does. */
export function revokeToken(context: SandboxContext, authorizationHeader: string | undefined): void {
  const token = bearer(authorizationHeader);
  if (token !== undefined) tokens(context).delete(token);
}

const tokens = (context: SandboxContext) => context.store.collection<IssuedToken>('tokens');

function check(
  context: SandboxContext,
  system: SandboxSystem,
  authorizationHeader: string | undefined,
  nonMember: boolean,
): TokenCheck {
  const token = bearer(authorizationHeader);
  if (token === undefined) return 'missing';
  const issued = tokens(context).get(token);
  if (!issued || issued.system !== system || issued.expiresAtMs <= context.clock.nowMs()) return 'expired';
  return nonMember ? 'non-member' : 'ok';
}

function bearer(header: string | undefined): string | undefined {
  return header === undefined ? undefined : /^bearer\s+(\S+)\s*$/i.exec(header)?.[1];
}

function forgetExpired(context: SandboxContext): void {
  const now = context.clock.nowMs();
  for (const [token, issued] of tokens(context).entries()) {
    if (issued.expiresAtMs <= now) tokens(context).delete(token);
  }
}

const encode = (part: Record<string, unknown>): string =>
  Buffer.from(JSON.stringify(part)).toString('base64url');
