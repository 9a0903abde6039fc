import Fastify, { type FastifyInstance } from 'fastify';
import { inTime } from './in-time.js';
import { ConfigError } from './read-settings.js';

/** What must be there for work to be done. */
export type Part = 'worker' | 'temporal' | 'ledger';

export interface Health {
  /** The worker polls, or is on its way to it or orderly ending. */
  isAlive(): boolean;
  /** The parts that are not there now; none when work can be done. Never rejects. */
  missing(): Promise<Part[]>;
}

export interface Parts {
  isAlive(): boolean;
  isPolling(): boolean;
  /** Each resolves when its part answers, and rejects when it does not. */
  temporal(): Promise<unknown>;
  ledger(): Promise<unknown>;
}

/** Below what those who ask usually wait: a probe of Kubernetes should be given 5 seconds. */
const PATIENCE_MS = 3_000;

/** Asks Temporal and the ledger anew each time; a part that does not answer in time is missing. */
export function createHealth({ isAlive, isPolling, temporal, ledger }: Parts): Health {
  const answers = (ask: () => Promise<unknown>): (() => Promise<boolean | undefined>) =>
    inTime(() => ask().then(() => true), PATIENCE_MS);
  const temporalAnswers = answers(temporal);
  const ledgerAnswers = answers(ledger);
  return {
    isAlive,
    async missing() {
      const [hasTemporal, hasLedger] = await Promise.all([temporalAnswers(), ledgerAnswers()]);
      const there: Record<Part, boolean | undefined> = {
        worker: isAlive() && isPolling(),
        temporal: hasTemporal,
        ledger: hasLedger,
      };
      return (Object.keys(there) as Part[]).filter((part) => !there[part]);
    },
  };
}

/**
 * Serves on `host:port` (HEALTH_ADDRESS): `/healthz`, `{"alive": true}`, and `/readyz`, `{"ready": false, "missing": ["ledger"]}`, with
 * status 200 or 503. The SDK's metrics port says nothing of the worker's health (temporal.md §2 "Shutdown and health").
 */
export async function serveHealth(address: string, { isAlive, missing }: Health): Promise<FastifyInstance> {
  const server = Fastify();
  server.get('/healthz', async (_request, reply) => {
    const alive = isAlive();
    return reply.code(alive ? 200 : 503).send({ alive });
  });
  server.get('/readyz', async (_request, reply) => {
    const parts = await missing();
    const ready = parts.length === 0;
    return reply.code(ready ? 200 : 503).send({ ready, missing: parts });
  });
  await listenAt(server, address, 'HEALTH_ADDRESS');
  return server;
}

/** Listens on `host:port`, which the setting has named; an IPv6 host stands in brackets. Throws CONFIG_INVALID where that cannot be. */
export async function listenAt(server: FastifyInstance, address: string, setting: string): Promise<void> {
  const colon = address.lastIndexOf(':');
  const host = address.slice(0, colon).replace(/^\[|\]$/g, '');
  await server
    .listen({ host, port: Number(address.slice(colon + 1)) })
    .catch((error: NodeJS.ErrnoException) => {
      const why =
        error.code === 'EADDRINUSE' ? 'another process listens there' : (error.code ?? error.message);
      throw new ConfigError([`${setting}: ${address} cannot be listened on (${why})`]);
    });
}
