import type { FastifyInstance } from 'fastify';

/** Makes every body of this scope a string, whatever its content type says: the simulated systems parse leniently. */
export function readBodiesAsText(scope: FastifyInstance): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));
}
