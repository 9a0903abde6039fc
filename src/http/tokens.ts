import type { HttpClock } from './clock.js';
import { jsonObject } from './json.js';
import { persist, type Persisted } from './persist.js';
import type { Http, HttpAnswer, HttpRequest } from './request.js';

export interface MintedToken {
  token: string;
  lifetimeMs: number;
}

export interface TokenKeeper {
  /** A token that is valid for some time yet, and is not the `refused` one: that a system has just answered with 401. */
  token(signal?: AbortSignal, refused?: string): Promise<string>;
}

/** A token is renewed so long before it ends, or a tenth of its life if that is less. */
const MARGIN_MS = 300_000;

/**
 * Keeps a token until shortly before it ends and mints one at a time, however many calls wait for it. Minting is shared: it goes on
 * when a caller that waits for it gives up. Rejects with what `mint` rejects with.
 */
export function createTokenKeeper(mint: () => Promise<MintedToken>, clock: HttpClock): TokenKeeper {
  let kept: { token: string; untilMs: number } | undefined;
  let minting: Promise<string> | undefined;

  async function renew(): Promise<string> {
    const { token, lifetimeMs } = await mint();
    kept = { token, untilMs: clock.nowMs() + lifetimeMs - Math.min(MARGIN_MS, lifetimeMs / 10) };
    return token;
  }

  return {
    async token(signal, refused) {
      signal?.throwIfAborted();
      if (kept && kept.token !== refused && kept.untilMs > clock.nowMs()) return kept.token;
      minting ??= renew().finally(() => {
        minting = undefined;
      });
      return signal ? untilAborted(minting, signal) : minting;
    },
  };
}

function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
    void promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

/** The answer of a token endpoint, yes or no; outages and throttling are absorbed as for any system. Asking twice does no harm. */
export function askForToken(http: Http, request: HttpRequest): Promise<Persisted<HttpAnswer>> {
  return persist<HttpAnswer>(
    http,
    {},
    () => request,
    (attempt) => {
      if (attempt.kind !== 'answered') return 'faulty';
      const { status, body } = attempt.answer;
      if (status === 429) return 'throttled';
      const isWhole = status !== 200 || jsonObject(body) !== undefined;
      return status >= 500 || !isWhole ? 'faulty' : { take: attempt.answer };
    },
  );
}
