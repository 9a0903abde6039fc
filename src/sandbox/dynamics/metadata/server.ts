import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { SandboxContext } from '../../context.js';
import { isInternalPart } from '../../fault-hook.js';
import { readBodiesAsText } from '../../text-bodies.js';
import type { Answer } from '../call.js';
import { DataverseError, dataverseError } from '../errors.js';
import type { RecordStore } from '../record-store.js';
import type { Schema } from '../schema.js';
import { readCall, type MetadataCall } from './call.js';
import { csdlDocument } from './csdl/document.js';
import { writeDefinition } from './definition-writes.js';
import { syncMessageFilters } from './message-filters.js';
import { actions, functions } from './operations.js';
import { readMetadata } from './reading.js';
import { syncRetention } from './retention.js';
import type { Customisation } from './writing/customisation.js';
import { settleKeys } from './writing/keys.js';

const VERSIONS = ['v9.0', 'v9.1', 'v9.2'];
const DEFINITION_SETS = ['EntityDefinitions', 'RelationshipDefinitions', 'GlobalOptionSetDefinitions'];

/**
 * Serves the metadata protocol of the Dataverse Web API: `$metadata`, the definitions of tables, columns, keys,
 * relationships and option sets, and the actions around them (dataverse.md §7, §13 "Metadata").
 *
 * Also keeps three things up to date before any request is answered: keys whose index is built, and the rows
 * that say which bulk actions and which retention are in force.
 */
export function registerMetadata(
  app: FastifyInstance,
  context: SandboxContext,
  schema: Schema,
  records: RecordStore,
): void {
  app.addHook('onRequest', (request, _reply, done) => {
    settleKeys({ context, schema, records });
    if (/sdkmessagefilters/i.test(request.url)) syncMessageFilters(context, schema, records);
    if (/organizations/i.test(request.url)) syncRetention(context, records);
    done();
  });

  void app.register((scope, _options, done) => {
    readBodiesAsText(scope);
    for (const version of VERSIONS) serve(scope, `/api/data/${version}/`);
    done();
  });

  function serve(scope: FastifyInstance, root: string): void {
    on(scope, ['GET'], `${root}$metadata`, '$metadata', ({ query }) => ({
      status: 200,
      headers: { 'content-type': 'application/xml' },
      body: csdlDocument(schema, { annotations: query.options.get('annotations') === 'true' }),
    }));
    for (const name of DEFINITION_SETS) {
      on(scope, ['GET'], `${root}${name}*`, name, ({ path, query, base }) =>
        readMetadata(schema, path, query, base),
      );
      on(scope, ['POST', 'PUT', 'PATCH', 'DELETE'], `${root}${name}*`, name, (call) => {
        const answer = writeDefinition(customisationOf(call), call);
        syncMessageFilters(context, schema, records);
        return answer;
      });
    }
    for (const [name, operation] of Object.entries(functions)) {
      on(scope, ['GET'], `${root}${name}*`, name, (call) => operation(customisationOf(call), call));
    }
    for (const [name, operation] of Object.entries(actions)) {
      on(scope, ['POST'], `${root}${name}`, name, (call) => {
        const answer = operation(customisationOf(call), call);
        syncMessageFilters(context, schema, records);
        return answer;
      });
    }
  }

  function on(
    scope: FastifyInstance,
    methods: string[],
    url: string,
    name: string,
    handle: (call: MetadataCall) => Answer,
  ): void {
    scope.route({
      method: methods as Parameters<FastifyInstance['route']>[0]['method'],
      url,
      handler: (request, reply) => {
        const answer = answered(request, handle);
        context.store.commit();
        if (!isInternalPart(request))
          context.stats.count('dynamics', `${request.method} ${name}`, answer.status);
        send(reply, answer);
        return reply;
      },
    });
  }

  function answered(request: FastifyRequest, handle: (call: MetadataCall) => Answer): Answer {
    try {
      return handle(readCall(request));
    } catch (error) {
      if (error instanceof DataverseError) return error;
      request.log.error(error);
      return dataverseError(500, '0x80040216', 'An unexpected error occurred.');
    }
  }

  function customisationOf(call: MetadataCall): Customisation {
    return {
      context,
      schema,
      records,
      solution: call.header('mscrm.solutionuniquename') ?? call.query.options.get('solutionuniquename'),
      mergeLabels: call.header('mscrm.mergelabels')?.toLowerCase() === 'true',
    };
  }
}

function send(reply: FastifyReply, { status, headers, body }: Answer): void {
  reply
    .code(status)
    .header('odata-version', '4.0')
    .headers(headers ?? {});
  if (body === undefined) reply.send();
  else if (typeof body === 'string') {
    if (headers?.['content-type'] === undefined) reply.type('text/plain');
    reply.send(body);
  } else {
    reply.type('application/json; odata.metadata=minimal').send(JSON.stringify(body));
  }
}
