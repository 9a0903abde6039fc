import type { PGlite } from '@electric-sql/pglite';
import {
  CompiledQuery,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
} from 'kysely';
import { isUnavailable, readError } from './failures.js';

export interface PgliteSource {
  open: () => Promise<PGlite>;
  /** Throws while the database must not be worked on. */
  check: () => Promise<void>;
}

/**
 * Lets kysely speak to a PGlite database. It has one session: whoever has the connection has it alone. After a fault of its
 * disk or of itself PGlite is not to be trusted (after a failed write of its log it answers no more, and holds up the whole
 * process): it is left as it is, and the database is opened anew, as after a crash, for whoever comes next.
 */
export function createPgliteDialect(source: PgliteSource): Dialect {
  return {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => createDriver(source),
    createIntrospector: (database) => new PostgresIntrospector(database),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  };
}

const ROLLBACK = 'rollback';

function createDriver({ open, check }: PgliteSource): Driver {
  const turns = createTurns();
  let current: PGlite | undefined;

  function connectionOf(pglite: PGlite): DatabaseConnection {
    return {
      async executeQuery<Row>({ sql, parameters }: CompiledQuery): Promise<QueryResult<Row>> {
        if (current !== pglite) {
          // What the rollback of a failed transaction would undo was never committed.
          if (sql === ROLLBACK) return { rows: [] };
          throw new Error('PGlite is closed');
        }
        try {
          const { rows, affectedRows } = await pglite.query<Row>(sql, [...parameters]);
          return { rows, ...(affectedRows !== undefined && { numAffectedRows: BigInt(affectedRows) }) };
        } catch (error) {
          const { message, code } = readError(error);
          if (code === undefined || isUnavailable(message, code)) current = undefined;
          throw error;
        }
      },
      // eslint-disable-next-line require-yield
      async *streamQuery() {
        throw new Error('PGlite has no cursor to stream from');
      },
    };
  }

  const run = async (connection: DatabaseConnection, statement: string): Promise<void> => {
    await connection.executeQuery(CompiledQuery.raw(statement));
  };

  return {
    init: async () => {},
    async acquireConnection() {
      await turns.take();
      try {
        await check();
        current ??= await open();
        return connectionOf(current);
      } catch (error) {
        turns.giveUp();
        throw error;
      }
    },
    beginTransaction: (connection) => run(connection, 'begin'),
    commitTransaction: (connection) => run(connection, 'commit'),
    rollbackTransaction: (connection) => run(connection, ROLLBACK),
    releaseConnection: async () => turns.giveUp(),
    async destroy() {
      await turns.take();
      await current?.close();
      current = undefined;
    },
  };
}

/** First come, first served. */
function createTurns() {
  const waiting: (() => void)[] = [];
  let taken = false;
  return {
    async take(): Promise<void> {
      if (taken) await new Promise<void>((resolve) => waiting.push(resolve));
      taken = true;
    },
    giveUp(): void {
      const next = waiting.shift();
      if (next) next();
      else taken = false;
    },
  };
}
