import { execFile } from 'node:child_process';
import { access, cp, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { defaultToolsFolder } from '../../src/temporal/cli.js';

const run = promisify(execFile);
/** As in docker-compose.yml. */
const VERSION = '1.32.0';
const MODULE = `go.temporal.io/server@v${VERSION}`;

export interface TemporalServerBuild {
  /** Path of the server's program. */
  server: string;
  /** Path of the tool that makes its databases. */
  sqlTool: string;
  /** Folder of the versioned schemas of PostgreSQL: `temporal` and `visibility`. */
  schemas: string;
}

const folder = join(defaultToolsFolder, `temporal-server-${VERSION}`);
const build: TemporalServerBuild = {
  server: join(folder, 'server'),
  sqlTool: join(folder, 'sql'),
  schemas: join(folder, 'schemas'),
};

/** Why no Temporal server for production can be had here; undefined when it can. */
export async function whyNoServerBuild(): Promise<string | undefined> {
  if (await isThere(build.schemas)) return undefined;
  return run('go', ['version']).then(
    () => undefined,
    () => `Temporal server ${VERSION} is not in ${folder}, and there is no Go to build it`,
  );
}

/** The server for production, built from its published Go module at the first call: that takes minutes. */
export async function temporalServerBuild(): Promise<TemporalServerBuild> {
  if (await isThere(build.schemas)) return build;
  await mkdir(defaultToolsFolder, { recursive: true });
  const building = await mkdtemp(join(defaultToolsFolder, '.building-'));
  try {
    const environment = { ...process.env, GOBIN: building, GOFLAGS: '-mod=mod' };
    for (const program of ['server', 'tools/sql'])
      await run('go', ['install', MODULE.replace('@', `/cmd/${program}@`)], { env: environment });
    const { stdout } = await run('go', ['mod', 'download', '-json', MODULE]);
    const { Dir } = JSON.parse(stdout) as { Dir: string };
    await cp(join(Dir, 'schema', 'postgresql', 'v12'), join(building, 'schemas'), { recursive: true });
    await rename(building, folder);
  } finally {
    await rm(building, { recursive: true, force: true });
  }
  return build;
}

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
