import { access, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { findTemporalCli } from '../../src/temporal/cli.js';
import { startTemporalServer } from '../../src/temporal/server.js';

test('a machine without a Temporal CLI downloads one that serves, also for two callers at once', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sync-temporal-download-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const { TEMPORAL_CLI: _, ...environment } = process.env;
  const search = { environment: { ...environment, PATH: await pathWithoutTemporal(environment.PATH ?? '') } };
  const find = () => findTemporalCli({ ...search, toolsFolder: join(folder, 'tools'), log: () => undefined });

  const [cli, same] = await Promise.all([find(), find()]);
  expect(same).toBe(cli);
  const server = await startTemporalServer({
    cli,
    port: 0,
    logFile: join(folder, 'temporal.log'),
    searchAttributes: [],
  });
  await server.stop();
});

async function pathWithoutTemporal(path: string): Promise<string> {
  const folders = await Promise.all(
    path.split(':').map(async (each) => {
      const has = await access(join(each, 'temporal')).then(
        () => true,
        () => false,
      );
      return has ? [] : [each];
    }),
  );
  return folders.flat().join(':');
}
