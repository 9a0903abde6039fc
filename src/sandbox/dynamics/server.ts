import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { SandboxContext } from '../context.js';
import { readBodiesAsText } from '../text-bodies.js';
import { isLookup, isoSeconds, propertyName, readColumn } from './column-values.js';
import {
  badRequest,
  DataverseError,
  dataverseError,
  expiredDeltaError,
  rowNotFound,
  unknownSegment,
} from './errors.js';
import { registerMetadata } from './metadata/server.js';
import { evaluate } from './odata/evaluate.js';
import { parseQuery } from './odata/query.js';
import { readPreferences } from './preferences.js';
import type { RecordStore } from './record-store.js';
import type { Records, StoredRow } from './records.js';
import type { Schema, Table } from './schema.js';

/** Thin stand-in of the record protocol. */
export function registerDynamics(
  app: FastifyInstance,
  context: SandboxContext,
  schema: Schema,
  given: Records,
): void {
  const records = given as RecordStore;
  registerMetadata(app, context, schema, records);
  void app.register((scope, _options, done) => {
    readBodiesAsText(scope);
    scope.all('/api/data/:version/*', (request, reply) => {
      let route = request.method;
      try {
        answer(request, reply, (name) => (route = `${request.method} ${name}`));
      } catch (error) {
        const fault =
          error instanceof DataverseError
            ? error
            : dataverseError(500, '0x80040216', String((error as Error).stack));
        const { status, body } = fault as unknown as { status: number; body: object };
        reply.code(status).send(body);
      }
      context.store.commit();
      context.stats.count('dynamics', route, reply.statusCode);
      return reply;
    });
    done();
  });

  function answer(request: FastifyRequest, reply: FastifyReply, named: (route: string) => void): void {
    const base = `http://${request.headers.host}/api/data/${(request.params as { version: string }).version}/`;
    const path = decodeURIComponent((request.params as { '*': string })['*']);
    const query = parseQuery(request.url);
    const prefer = readPreferences([request.headers.prefer].flat().join(','));
    if (/^WhoAmI/.test(path)) {
      named('WhoAmI');
      const { userId, businessUnitId, organizationId } = records.caller();
      reply.send({ BusinessUnitId: businessUnitId, UserId: userId, OrganizationId: organizationId });
      return;
    }
    if (path === 'Merge') {
      named('Merge');
      const body = JSON.parse(String(request.body)) as {
        Subordinate: { contactid: string };
        Target: { contactid: string };
      };
      records.update('contact', body.Subordinate.contactid, {
        statecode: 1,
        statuscode: 2,
        merged: true,
        masterid: body.Target.contactid,
      });
      reply.code(204).send();
      return;
    }
    const match = /^(\w+)(?:\(([^)]*)\))?(\/\$count)?$/.exec(path);
    const table = match?.[1] === undefined ? undefined : schema.tableByEntitySet(match[1]);
    if (!match || !table) throw unknownSegment(path);
    const id = match[2]?.toLowerCase();
    named(id === undefined ? table.entitySetName : `${table.entitySetName}(id)`);
    const name = table.logicalName;
    if (id !== undefined) return one(id);
    if (request.method === 'POST') {
      const row = records.insert(name, JSON.parse(String(request.body)) as Record<string, unknown>);
      reply.code(204).header('OData-EntityId', `${base}${table.entitySetName}(${row.id})`).send();
      return;
    }
    collection();

    function one(rowId: string): void {
      if (request.method === 'PATCH') {
        if (!records.get(name, rowId) && request.headers['if-match']) throw rowNotFound(name, rowId);
        const values = JSON.parse(String(request.body)) as Record<string, unknown>;
        if (records.get(name, rowId)) records.update(name, rowId, values);
        else records.insert(name, { ...values, [table!.primaryId]: rowId });
        reply.code(204).send();
      } else if (request.method === 'DELETE') {
        if (!records.get(name, rowId)) throw rowNotFound(name, rowId);
        records.remove(name, rowId);
        reply.code(204).send();
      } else {
        const row = records.get(name, rowId);
        if (!row) throw rowNotFound(name, rowId);
        reply.send(render(table!, row, query.select));
      }
    }

    function collection(): void {
      const size = prefer.maxPageSize ?? 5000;
      const select = query.select;
      const plain = `${base}${table!.entitySetName}?$select=${(select ?? []).join(',')}`;
      if (query.deltaToken !== undefined) {
        const [version = '0', at = ''] = query.deltaToken.split('!');
        const days = (context.clock.nowMs() - Date.parse(`${at}Z`)) / 86_400_000;
        if (days > context.limits().dynamics.deltaRetentionDays) throw expiredDeltaError();
        const changes = [...records.changesSince(name, Number(version))];
        if (match?.[3]) return void reply.type('text/plain').send(String(changes.length));
        const page = changes.slice(0, size);
        const last = page.at(-1);
        const more = page.length < changes.length && last;
        reply.send({
          '@odata.context': `${base}$metadata#${table!.entitySetName}/$delta`,
          [more ? '@odata.nextLink' : '@odata.deltaLink']:
            `${plain}&$deltatoken=${token(more ? last.version : records.version())}`,
          value: page.map((change) =>
            change.kind === 'changed'
              ? render(table!, change.row, select)
              : {
                  '@odata.context': `${base}$metadata#${table!.entitySetName}/$deletedEntity`,
                  id: change.id,
                  reason: 'deleted',
                },
          ),
        });
        return;
      }
      if (prefer.trackChanges && (query.filter || query.orderBy.length > 0))
        throw badRequest('not supported when Change Tracking is enabled.');
      const page: StoredRow[] = [];
      let more = false;
      for (const row of records.ordered(name, query.skipToken)) {
        if (query.filter && !evaluate(query.filter, (column) => valueAt(table!, row, column[0] ?? '')))
          continue;
        if (page.length === size) {
          more = true;
          break;
        }
        page.push(row);
      }
      if (prefer.trackChanges) reply.header('Preference-Applied', 'odata.track-changes');
      reply.send({
        '@odata.context': `${base}$metadata#${table!.entitySetName}`,
        ...(more
          ? {
              '@odata.nextLink': `${plain}${query.filter ? `&$filter=${encodeURIComponent(query.options.get('$filter') ?? '')}` : ''}&$skiptoken=${page.at(-1)?.id}`,
            }
          : prefer.trackChanges
            ? { '@odata.deltaLink': `${plain}&$deltatoken=${token(records.version())}` }
            : {}),
        value: page.map((row) => render(table!, row, select)),
      });
    }
  }

  const token = (version: number): string =>
    encodeURIComponent(`${version}!${isoSeconds(context.clock.nowMs())}`.replace('Z', ''));
  function valueAt(table: Table, row: StoredRow, property: string): unknown {
    const column = Object.values(table.columns).find(
      (candidate) => propertyName(candidate) === property || candidate.logicalName === property,
    );
    return column ? readColumn(table, row, column, records.caller()) : undefined;
  }
  function render(table: Table, row: StoredRow, select: string[] | undefined): object {
    const columns = Object.values(table.columns).filter(
      (column) => !select || select.includes(isLookup(column) ? propertyName(column) : column.logicalName),
    );
    return {
      '@odata.etag': `W/"${row.version}"`,
      ...Object.fromEntries(
        columns.map((column) => [propertyName(column), readColumn(table, row, column, records.caller())]),
      ),
      [table.primaryId]: row.id,
    };
  }
}
