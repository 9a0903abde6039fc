import { z } from 'zod';
import { SyncError } from '../errors.js';
import type { CallOptions } from '../http/calls.js';
import type { MadeAttempt } from '../http/persist.js';
import { backOffMs } from '../http/retry-after.js';
import { isNotFound, type Definitions, type WritableColumn } from './definitions.js';
import {
  ourPublisher,
  ourSolution,
  tablesToMake,
  type ColumnDefinition,
  type TableToMake,
} from './event-table-definitions.js';
import { unfit } from './event-tables.js';
import { entityPath } from './metadata.js';
import type { OwnRequest, WebApi } from './web-api.js';

/** Names of what was missing and is made, and of what was there: publisher, solution, tables, and columns as `table.column`. */
export interface Provisioned {
  made: string[];
  present: string[];
}

const organisations = z.object({ value: z.array(z.object({ languagecode: z.number() })).min(1) });
const publishers = z.object({ value: z.array(z.object({ publisherid: z.string() })) });
const solutions = z.object({
  value: z.array(z.object({ solutionid: z.string(), description: z.string().nullish() })),
});

/** Says that something of the solution may not be published yet, across an interruption. */
const UNPUBLISHED = 'Tables for email events of Adobe Campaign. Not published yet: run provision again.';
const PUBLISHED = 'Tables for email events of Adobe Campaign.';

/** "Another customisation is under way" (dataverse.md §7). */
const LOCKED = /^0x(8004f06[1-7]|80090412)$/i;
const LOCKED_FOR_MS = 10 * 60_000;
/** New metadata may be unknown to some servers for a moment (dataverse.md §7). */
const LOOKS = 6;

/** Looks for what is to be made; throws where its name belongs to something else. */
type Find<T = unknown> = () => Promise<T | undefined>;

/**
 * Makes publisher, unmanaged solution, our four activity tables and their columns, and publishes them. What is there is left as it is,
 * what is missing is made, an interruption is made good by the next run; no table of another name is touched. Throws
 * DYNAMICS_EVENT_TABLE_UNFIT where one of our names belongs to something of another kind, DYNAMICS_PRIVILEGE_MISSING without the right
 * to customise, DYNAMICS_CUSTOMISATION_LOCKED when others customise for more than ten minutes.
 */
export function createProvision(
  api: WebApi,
  definitions: Definitions,
): (call?: CallOptions) => Promise<Provisioned> {
  return async function provision(call = {}) {
    const done: Provisioned = { made: [], present: [] };
    const { value } = await ask('organizations?$select=languagecode', organisations);
    const tables = tablesToMake(value[0]?.languagecode ?? ENGLISH);
    const solution = await makeSolution(await makePublisher());
    for (const table of tables) await makeTable(table);
    if (!solution.isPublished) await publish(tables);
    if (done.made.length > 0) for (const table of tables) await seeColumns(table);
    return done;

    async function makePublisher(): Promise<string> {
      const { uniquename } = ourPublisher;
      const path = `publishers?$select=publisherid&$filter=uniquename eq '${uniquename}'`;
      const find = async () => (await ask(path, publishers)).value[0]?.publisherid;
      await ensure(uniquename, find, post('publishers', ourPublisher));
      return whenVisible(uniquename, find);
    }

    async function makeSolution(publisher: string): Promise<{ id: string; isPublished: boolean }> {
      const { uniquename } = ourSolution;
      const path = `solutions?$select=solutionid,description&$filter=uniquename eq '${uniquename}'`;
      const find = async () => {
        const [row] = (await ask(path, solutions)).value;
        return row && { id: row.solutionid, isPublished: row.description !== UNPUBLISHED };
      };
      const definition = {
        ...ourSolution,
        version: '1.0.0.0',
        description: UNPUBLISHED,
        'publisherid@odata.bind': `/publishers(${publisher})`,
      };
      await ensure(uniquename, find, post('solutions', definition));
      return whenVisible(uniquename, find);
    }

    async function makeTable({ name: table, body, columns }: TableToMake): Promise<void> {
      const findTable = async () => {
        const there = await definitions.table(table, call);
        if (there && !there.isActivity) throw unfit(`${table}: it is no activity`);
        return there;
      };
      await ensure(table, findTable, post('EntityDefinitions', body), unpublished);
      const there = await whenVisible(table, () => definitions.columns(table, call));
      for (const column of columns) {
        const name = `${table}.${column.name}`;
        if (fits(table, column, there)) done.present.push(name);
        else {
          const request = post(`${entityPath(table)}/Attributes`, column.body);
          await make(name, () => findColumn(table, column), request, unpublished);
        }
      }
    }

    async function seeColumns({ name: table, columns }: TableToMake): Promise<void> {
      await whenVisible(table, async () => {
        const there = await definitions.columns(table, call);
        return columns.every(({ name }) => there.has(name)) || undefined;
      });
    }

    async function findColumn(table: string, column: ColumnDefinition): Promise<true | undefined> {
      if (fits(table, column, await definitions.columns(table, call))) return true;
      if (await definitions.hasColumn(table, column.name, call)) throw otherKind(table, column);
      return undefined;
    }

    /** Before something is made, the solution says that it is not published. */
    async function unpublished(): Promise<void> {
      if (!solution.isPublished) return;
      await describeSolution(UNPUBLISHED);
      solution.isPublished = false;
    }

    async function publish(all: TableToMake[]): Promise<void> {
      const names = all.map(({ name }) => `<entity>${name}</entity>`).join('');
      const ParameterXml = `<importexportxml><entities>${names}</entities></importexportxml>`;
      await customise(post('PublishXml', { ParameterXml }));
      await describeSolution(PUBLISHED);
    }

    async function describeSolution(description: string): Promise<void> {
      await customise({
        ...post(`solutions(${solution.id})`, { description }),
        method: 'PATCH',
        headers: { 'If-Match': '*' },
      });
    }

    async function ensure(
      name: string,
      find: Find,
      request: OwnRequest,
      before?: () => Promise<void>,
    ): Promise<void> {
      if ((await find()) === undefined) return make(name, find, request, before);
      done.present.push(name);
    }

    async function make(
      name: string,
      find: Find,
      request: OwnRequest,
      before?: () => Promise<void>,
    ): Promise<void> {
      await before?.();
      await customise(request, find);
      done.made.push(name);
    }

    /**
     * Makes what `find` looks for. An answer that is lost, or that refuses, is no reason to make it again: it may be there. Waits while
     * others customise.
     */
    async function customise(request: OwnRequest, find?: Find): Promise<void> {
      const startedMs = api.clock.nowMs();
      for (let tries = 1; ; tries += 1) {
        let error: unknown;
        try {
          if ((await api.send(request, find ? doneOrUnknown : isDone, call)) === 'done') return;
          error = new SyncError('DYNAMICS_UNREACHABLE', { system: 'dynamics', subject: 'lost answers' });
        } catch (refusal) {
          error = refusal;
        }
        if ((await find?.()) !== undefined) return;
        const waitedMs = api.clock.nowMs() - startedMs;
        if (isLocked(error)) {
          if (waitedMs > LOCKED_FOR_MS)
            throw new SyncError('DYNAMICS_CUSTOMISATION_LOCKED', (error as SyncError).evidence);
        } else if (tries >= LOOKS || !(isNotFound(error) || isLost(error))) throw error;
        await api.clock.sleep(backOffMs(tries, api.clock.random), call.signal);
      }
    }

    async function whenVisible<T>(name: string, find: Find<T>): Promise<T> {
      for (let looks = 1; ; looks += 1) {
        try {
          const there = await find();
          if (there !== undefined) return there;
        } catch (error) {
          if (looks >= LOOKS || !isNotFound(error)) throw error;
        }
        if (looks >= LOOKS)
          throw new SyncError('DYNAMICS_UNREACHABLE', {
            system: 'dynamics',
            subject: `${name}: it is made, and not shown yet`,
          });
        await api.clock.sleep(backOffMs(looks, api.clock.random), call.signal);
      }
    }

    function ask<T>(path: string, schema: z.ZodType<T>): Promise<T> {
      return api.get(path, ({ body }) => schema.safeParse(body).data, call);
    }
  };
}

const ENGLISH = 1033;

/** Rows of system tables ignore the solution's header. */
const post = (path: string, body: object): OwnRequest => ({
  method: 'POST',
  path,
  headers: { 'MSCRM.SolutionUniqueName': ourSolution.uniquename },
  body: { contentType: 'application/json', text: JSON.stringify(body) },
});

const isDone = (attempt: MadeAttempt): 'done' | undefined =>
  attempt.kind === 'answered' && attempt.answer.status >= 200 && attempt.answer.status < 300
    ? 'done'
    : undefined;

const doneOrUnknown = (attempt: MadeAttempt): 'done' | 'unknown' | undefined =>
  attempt.kind === 'unknown' ? 'unknown' : isDone(attempt);

const isLocked = (error: unknown): boolean =>
  error instanceof SyncError && LOCKED.test(error.evidence.vendorCode ?? '');

const isLost = (error: unknown): boolean =>
  error instanceof SyncError && error.code === 'DYNAMICS_UNREACHABLE' && error.evidence.status === undefined;

function fits(table: string, column: ColumnDefinition, columns: Map<string, WritableColumn>): boolean {
  const there = columns.get(column.name);
  if (there && there.kind !== column.kind) throw otherKind(table, column);
  return there !== undefined;
}

const otherKind = (table: string, { name, kind }: ColumnDefinition): SyncError =>
  unfit(`${table}: the column takes no ${kind === 'text' ? 'texts' : 'times'}`, name);
