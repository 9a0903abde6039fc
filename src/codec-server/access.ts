import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { FastifyRequest } from 'fastify';

const COOKIE = 'codec_session';
const SESSION_SECONDS = 12 * 60 * 60;

/** Who may have payloads decoded: whoever knows the access token. */
export interface Access {
  /** The request carries the token as a bearer, or the cookie of a session. */
  isGranted(request: FastifyRequest): boolean;
  /** The `Set-Cookie` header that begins a session; undefined when `token` is not the access token. */
  beginSession(request: FastifyRequest, token: string): string | undefined;
}

/**
 * A command line sends the token itself (`temporal --codec-auth`). The Web UI can send no secret of its own, but a browser's cookie
 * ("include cross-origin credentials"): signing in with the token begins a session of 12 hours, which no one needs to store, since the
 * cookie is its end signed with the token. Another token ends all sessions.
 */
export function createAccess(accessToken: string, nowMs: () => number): Access {
  const signed = (endsAt: string): string =>
    createHmac('sha256', accessToken).update(`session until ${endsAt}`).digest('base64url');

  function isSession(value: string): boolean {
    const [endsAt = '', signature = ''] = value.split('.');
    return isSame(signature, signed(endsAt)) && Number(endsAt) * 1000 > nowMs();
  }

  return {
    isGranted({ headers }) {
      const bearer = /^Bearer (.+)$/i.exec(headers.authorization ?? '')?.[1];
      if (bearer !== undefined) return isSame(bearer, accessToken);
      const cookies = (headers.cookie ?? '').split(';').map((pair) => pair.trim().split('='));
      return cookies.some(([name, value = '']) => name === COOKIE && isSession(value));
    },
    beginSession(request, token) {
      if (!isSame(token, accessToken)) return undefined;
      const endsAt = String(Math.floor(nowMs() / 1000) + SESSION_SECONDS);
      const attributes = ['HttpOnly', 'SameSite=Strict', 'Path=/', `Max-Age=${SESSION_SECONDS}`];
      if (!isThisMachine(request.hostname)) attributes.push('Secure');
      return [`${COOKIE}=${endsAt}.${signed(endsAt)}`, ...attributes].join('; ');
    },
  };
}

/** In a time that tells nothing of how much of it is right. */
function isSame(given: string, expected: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}

/** Not every browser keeps a `Secure` cookie that came without TLS, even from its own machine. */
const isThisMachine = (hostname: string): boolean => /^(localhost|127(\.\d+){3}|\[?::1\]?)$/.test(hostname);
