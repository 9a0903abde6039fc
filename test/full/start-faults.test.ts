import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest';
import { connectPostgres } from '../../src/ledger/postgres.js';
import { sandboxSettings } from '../../src/sandbox-settings.js';
import { startSandbox, type Sandbox } from '../../src/sandbox/index.js';
import { selfSigned } from '../http/self-signed.js';
import { exampleDocument } from '../support/mapping-document.js';
import { npmScript, type Spawned } from '../support/npm-start.js';
import { startPostgres, type Postgres } from '../support/postgres.js';
import { severableLine, type SeverableLine } from '../support/severable-line.js';
import { connectSystems } from '../support/systems.js';
import { ownNamespace, type TemporalNamespace } from '../support/temporal.js';

const LEDGER_KEY = 'a key for tests, thirty-two bytes';
const WITHIN_MS = 90_000;

let folder: string;
let postgres: Postgres;
let temporal: TemporalNamespace;
beforeAll(async () => {
  [folder, postgres, temporal] = await Promise.all([
    mkdtemp(join(tmpdir(), 'start-faults-')),
    startPostgres(),
    ownNamespace(inject('temporalAddress')),
  ]);
}, 60_000);
afterAll(async () => {
  await temporal.close();
  await postgres.stop();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

interface Started {
  worker: Spawned;
  /** Its first log line of an event, with this code if one is given; waited for. */
  logged(event: string, code?: string): Promise<Record<string, string>>;
}

function startWorker(environment: Record<string, string>): Started {
  const worker = npmScript('worker', [], {
    TEMPORAL_ADDRESS: inject('temporalAddress'),
    TEMPORAL_NAMESPACE: temporal.namespace,
    LEDGER_KEY,
    ...environment,
  });
  onTestFinished(() => worker.killGroup());
  const said = linesOf(worker);
  return {
    worker,
    async logged(event, code) {
      const wanted = code === undefined ? `"event":"${event}"` : `"event":"${event}","code":"${code}"`;
      return JSON.parse(await said((line) => line.includes(wanted))) as Record<string, string>;
    },
  };
}

const openSandbox = async (): Promise<Sandbox> => {
  const sandbox = await startSandbox({ memory: true, contacts: 5 });
  onTestFinished(() => sandbox.close());
  return sandbox;
};

const lineTo = async (address: string): Promise<SeverableLine> => {
  const line = await severableLine(address);
  onTestFinished(() => line.close());
  return line;
};

/** A port that another process of this machine listens on. */
async function takenPort(): Promise<number> {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  onTestFinished(() => void other.close());
  return (other.address() as AddressInfo).port;
}

describe('a worker', () => {
  test('whose ledger, Temporal and Dynamics are away says so, each in turn, and works once they are there', async () => {
    const state = join(folder, 'sandbox');
    const seeded = await startSandbox({ folder: state, contacts: 5 });
    const { ready } = seeded;
    await seeded.close();
    const ledger = new URL(await postgres.freshDatabase());
    const ledgerLine = await lineTo(ledger.host);
    const temporalLine = await lineTo(inject('temporalAddress'));
    ledgerLine.sever();
    temporalLine.sever();
    ledger.host = ledgerLine.address;
    const { logged } = startWorker({
      ...sandboxSettings(ready),
      CALL_TIME_LIMIT_SECONDS: '2',
      LEDGER_URL: ledger.href,
      TEMPORAL_ADDRESS: temporalLine.address,
    });
    expect(await logged('worker.waiting')).toMatchObject({ code: 'LEDGER_UNAVAILABLE' });
    ledgerLine.mend();
    const waiting = await logged('worker.waiting', 'TEMPORAL_UNAVAILABLE');
    expect(waiting.message).toContain(temporalLine.address);
    expect(waiting.message).toContain('TEMPORAL_ADDRESS');
    temporalLine.mend();
    expect(await logged('worker.unclaimed')).toMatchObject({ code: 'DYNAMICS_UNREACHABLE' });
    await logged('worker.ready');

    const portOf = (address: string): number => Number(new URL(address).port);
    const sandbox = await startSandbox({
      folder: state,
      contacts: 5,
      dynamicsPort: portOf(ready.dynamics),
      campaignPort: portOf(ready.campaign),
    });
    onTestFinished(() => sandbox.close());
    const starter = async (...args: string[]): Promise<void> => {
      const environment = {
        TEMPORAL_ADDRESS: inject('temporalAddress'),
        TEMPORAL_NAMESPACE: temporal.namespace,
      };
      const { status, stderr } = await npmScript('starter', args, environment).finished;
      expect({ status, stderr }).toMatchObject({ status: 0 });
    };
    const config = join(folder, 'sync.yaml');
    await writeFile(config, exampleDocument.replace('every: 1m', 'every: 1d'));
    await starter('apply', '--config', config);
    await starter('sync');
    expect((await connectSystems(sandbox.ready).profiles.all()).length).toBeGreaterThan(0);
  }, 120_000);

  test(
    'that waits ends when it is told to, and tells no password',
    async () => {
      const { ready } = await openSandbox();
      const ledger = new URL(await postgres.freshDatabase());
      ledger.password = 'not-the-password';
      const { worker, logged } = startWorker({ ...sandboxSettings(ready), LEDGER_URL: ledger.href });
      const { message } = await logged('worker.waiting', 'LEDGER_UNAVAILABLE');
      // PostgreSQL's own code: the password is wrong.
      expect(message).toContain('28P01');
      const { status, stderr } = await worker.stop();
      expect(status).toBe(0);
      expect(stderr).not.toContain('not-the-password');
    },
    WITHIN_MS,
  );

  test.each<[string, (sandbox: Sandbox) => Promise<Record<string, string>>, RegExp]>([
    [
      'a ledger that a newer version has migrated',
      async () => ({ LEDGER_URL: await newerLedger() }),
      /LEDGER_TOO_NEW: .*migration 99/,
    ],
    [
      'an address for its health that is taken',
      async () => ({
        LEDGER_URL: await postgres.freshDatabase(),
        HEALTH_ADDRESS: `127.0.0.1:${await takenPort()}`,
      }),
      /CONFIG_INVALID: .*HEALTH_ADDRESS: 127\.0\.0\.1:\d+ cannot be listened on \(another process listens there\)/,
    ],
    [
      'a namespace that Temporal does not have',
      async () => ({ LEDGER_URL: await postgres.freshDatabase(), TEMPORAL_NAMESPACE: 'nowhere' }),
      /TEMPORAL_NAMESPACE.*nowhere/,
    ],
  ])(
    'with %s ends with 2 and one sentence',
    async (_what, settings, sentence) => {
      const sandbox = await openSandbox();
      const { worker } = startWorker({ ...sandboxSettings(sandbox.ready), ...(await settings(sandbox)) });
      const { status, stderr, stdout } = await worker.finished;
      expect(stdout).toBe('');
      const failed = stderr.split('\n').filter((line) => line.includes('worker.failed'));
      expect(failed, stderr).toHaveLength(1);
      expect(failed[0]).toMatch(sentence);
      expect(status).toBe(2);
    },
    WITHIN_MS,
  );

  test(
    'on a machine whose clock is off says so when Entra ID refuses what its certificate has signed',
    async () => {
      const sandbox = await openSandbox();
      await fetch(`${sandbox.ready.dynamics}/_sandbox/clock`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ advance: 'P1D' }),
      });
      const { key, certificate } = selfSigned();
      const { logged } = startWorker({
        ...sandboxSettings(sandbox.ready),
        LEDGER_URL: await postgres.freshDatabase(),
        DYNAMICS_CLIENT_SECRET: '',
        DYNAMICS_CERTIFICATE: `${key}\n${certificate}`,
      });
      expect(await logged('worker.unclaimed')).toMatchObject({
        code: 'CLOCK_OFF',
        message: expect.stringContaining('NTP') as string,
      });
    },
    WITHIN_MS,
  );
});

test(
  'a codec server whose address is taken ends with 2 and names the setting',
  async () => {
    const { status, stderr } = await npmScript('codec-server', [], {
      PAYLOAD_KEYS: `k:${Buffer.alloc(32).toString('base64')}`,
      CODEC_ACCESS_TOKEN: 'a token for the tests',
      CODEC_ADDRESS: `127.0.0.1:${await takenPort()}`,
    }).finished;
    expect(stderr).toContain('CODEC_ADDRESS: 127.0.0.1:');
    expect(status).toBe(2);
  },
  WITHIN_MS,
);

describe('npm start', () => {
  test(
    'lists every setting that is invalid before it starts anything',
    async () => {
      const data = join(folder, 'not-made');
      const { status, stdout, stderr } = await npmScript('start', ['--once', '--data', data], {
        LOG_LEVEL: 'loud',
        METRICS_ADDRESS: 'everywhere',
        CAMPAIGN_PER_DAY: 'some',
      }).finished;
      expect(stdout).toBe('');
      for (const name of ['LOG_LEVEL', 'METRICS_ADDRESS', 'CAMPAIGN_PER_DAY'])
        expect(stderr).toContain(`${name}: `);
      expect(status).toBe(2);
      await expect(readFile(join(data, 'temporal.log'))).rejects.toThrow('ENOENT');
    },
    WITHIN_MS,
  );

  test(
    'says that it cannot write its data folder',
    async () => {
      const file = join(folder, 'a-file');
      await writeFile(file, '');
      const { status, stderr } = await npmScript('start', ['--once', '--data', join(file, 'data')]).finished;
      expect(stderr).toMatch(/^DATA_FOLDER_NOT_WRITABLE: .*a-file\/data, ENOTDIR/);
      expect(stderr.trimEnd().split('\n')).toHaveLength(1);
      expect(status).toBe(2);
    },
    WITHIN_MS,
  );

  test('takes other ports where its own are taken, says so, and starts a Temporal server again that has died', async () => {
    const data = join(folder, 'data');
    const port = await takenPort();
    const config = join(folder, 'start.yaml');
    await writeFile(config, exampleDocument);
    const ports = ['--port', String(port), '--ui-port', String(await takenPort())];
    const folders = ['--config', config, '--data', data];
    const started = npmScript('start', [...folders, ...ports, '--json', '--contacts', '5']);
    onTestFinished(() => started.killGroup());
    const said = linesOf(started);
    const { temporal: server } = JSON.parse(await started.firstLine) as { temporal: { address: string } };
    expect(server.address).not.toBe(`127.0.0.1:${port}`);
    const taken = `Port ${port} is taken: Temporal listens on ${server.address.split(':')[1]}.`;
    await said((line) => line === taken);
    const again = said((line) => line.startsWith('The Temporal server has ended, and is started again'));
    process.kill(Number(await readFile(join(data, 'temporal.db.pid'), 'utf8')), 'SIGKILL');
    await again;
    const sync = async (): Promise<number | null> =>
      (await npmScript('starter', ['sync', '--json', '--data', data]).finished).status;
    await expect.poll(sync, { timeout: WITHIN_MS, interval: 500 }).toBe(0);
    expect((await started.stop()).status).toBe(0);
  }, 180_000);
});

/** A ledger whose last migration this version does not know. */
async function newerLedger(): Promise<string> {
  const url = await postgres.freshDatabase();
  const database = connectPostgres({ url, leaseMs: 60_000 });
  await sql`create schema ledger`.execute(database);
  await sql`create table ledger.migration (number integer primary key, name text not null, applied_at timestamptz)`.execute(
    database,
  );
  await sql`insert into ledger.migration values (99, 'of a later version')`.execute(database);
  await database.destroy();
  return url;
}

/** The first line of standard error that is wanted; rejects when the process ends before it. */
function linesOf({ child, finished }: Spawned): (isWanted: (line: string) => boolean) => Promise<string> {
  if (!child.stderr) throw new Error('no standard error');
  const all: string[] = [];
  const reader = createInterface({ input: child.stderr });
  reader.on('line', (line) => all.push(line));
  return (isWanted) =>
    new Promise((resolve, reject) => {
      const look = (line: string): void => {
        if (isWanted(line)) resolve(line);
      };
      all.forEach(look);
      reader.on('line', look);
      void finished.then((end) => reject(new Error(`ended with ${end.status}: ${end.stderr}`)));
    });
}
