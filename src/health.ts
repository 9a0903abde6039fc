import Fastify, { type FastifyInstance } from 'fastify';

export interface Health {
  /** The worker polls, or is on its way to it or orderly ending. */
  isAlive(): boolean;
  /** Work can be done now: the worker polls and its ledger answers. */
  isReady(): Promise<boolean>;
}

/**
 * Serves `/healthz` and `/readyz` on `host:port` (HEALTH_ADDRESS): 200 or 503. The SDK's metrics port says nothing of the worker's
 * health (temporal.md §2 "Shutdown and health").
 */
export async function serveHealth(address: string, { isAlive, isReady }: Health): Promise<FastifyInstance> {
  const server = Fastify();
  server.get('/healthz', async (_request, reply) =>
    reply.code(isAlive() ? 200 : 503).send({ alive: isAlive() }),
  );
  server.get('/readyz', async (_request, reply) => {
    const ready = isAlive() && (await isReady().catch(() => false));
    return reply.code(ready ? 200 : 503).send({ ready });
  });
  const colon = address.lastIndexOf(':');
  await server.listen({
    host: address.slice(0, colon).replace(/^\[|\]$/g, ''),
    port: Number(address.slice(colon + 1)),
  });
  return server;
}
