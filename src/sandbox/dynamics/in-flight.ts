import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingMessage, ServerResponse } from 'node:http';

/** How many requests of each user are under way, counted from their arrival: any delay lies behind that. */
export interface InFlight {
  /** Requests of the same user that were under way when this one arrived, itself included; 1 when unknown. */
  atArrival(request: IncomingMessage): number;
  stop(): void;
}

const ARRIVAL = 'http.server.request.start';

/**
 * Counts requests to the API per user, the user being told by their `Authorization` header.
 *
 * Node's own channel is used because the sandbox's answer time is spent before a route sees the request.
 */
export function countInFlight(isApi: (url: string) => boolean): InFlight {
  const underWay = new Map<string, number>();
  const arrivals = new WeakMap<IncomingMessage, number>();

  function onArrival(message: unknown): void {
    const { request, response } = message as { request: IncomingMessage; response: ServerResponse };
    if (!isApi(request.url ?? '')) return;
    const user = request.headers.authorization ?? '';
    const count = (underWay.get(user) ?? 0) + 1;
    underWay.set(user, count);
    arrivals.set(request, count);
    response.once('close', () => {
      const left = (underWay.get(user) ?? 1) - 1;
      if (left > 0) underWay.set(user, left);
      else underWay.delete(user);
    });
  }

  subscribe(ARRIVAL, onArrival);
  return {
    atArrival: (request) => arrivals.get(request) ?? 1,
    stop: () => void unsubscribe(ARRIVAL, onArrival),
  };
}
