import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Summary } from '../../src/command-line/summary.js';
import type { SandboxReady } from '../../src/sandbox/index.js';
import { freePort } from '../../src/temporal/server.js';
import { faultsOf, logLinesOf } from '../support/log-lines.js';
import { exampleDocument } from '../support/mapping-document.js';
import { scrape, total } from '../support/metrics.js';
import { npmScript, type Spawned } from '../support/npm-start.js';
import { tableStatus } from '../support/statuses.js';
import { connectSystems, type Systems } from '../support/systems.js';
import { differences, expectedProfile, mappedColumns } from '../support/expected.js';

const CONTACTS = 1000;
const INTERVAL_SECONDS = 10;
let data: string;
let config: string;
const start = (environment: Record<string, string>, ...args: string[]): Spawned =>
  npmScript(
    'start',
    ['--config', config, '--data', data, '--json', '--contacts', String(CONTACTS), ...args],
    environment,
  );

beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'start-'));
  config = join(data, 'sync.yaml');
  await writeFile(config, exampleDocument.replace('every: 1m', `every: ${INTERVAL_SECONDS}s`));
});
afterAll(() => rm(data, { recursive: true, force: true }));

describe.sequential('npm start', () => {
  let seeded: Record<string, unknown>[] = [];

  test('--once makes every contact a profile, counts that add up, and about one Campaign call each', async () => {
    const { status, stdout, stderr } = await start({}, '--once').finished;
    expect(stderr).not.toContain('Error');
    expect(status).toBe(0);
    const summary = JSON.parse(stdout) as Summary;
    const flow = tableStatus(summary.flows, 'ingress/contact');
    expect(summary.ok).toBe(true);
    expect(flow).toMatchObject({
      flow: 'ingress/contact',
      outcome: 'in-sync',
      phase: 'following',
      read: CONTACTS,
    });
    expect(
      flow.created + flow.updated + flow.unchanged + flow.filtered + flow.deleted + flow.parked + flow.held,
    ).toBe(CONTACTS);
    expect(flow.parked).toBeGreaterThan(0);
    expect(flow.errors).toEqual({ TEXT_TOO_LONG: flow.parked });
    expect(flow.now).toMatchObject({ managed: flow.created, parked: flow.parked, backlog: 0 });
    expect(summary.calls.campaign).toBeLessThanOrEqual(flow.created + 20);
  }, 120_000);

  describe.sequential('left running', () => {
    let running: Spawned;
    let systems: Systems;
    let metricsAddress: string;

    beforeAll(async () => {
      metricsAddress = `127.0.0.1:${await freePort()}`;
      running = start({ METRICS_ADDRESS: metricsAddress, LOG_LEVEL: 'debug' });
      const ready = JSON.parse(await running.firstLine) as { sandbox: SandboxReady };
      systems = connectSystems(ready.sandbox);
    }, 60_000);
    afterAll(() => running.killGroup(), 60_000);

    test('each contact read back through REST equals its mapping', async () => {
      seeded = await systems.contacts.all(mappedColumns);
      expect(seeded).toHaveLength(CONTACTS);
      expect(differences(seeded, await systems.profiles.all())).toEqual([]);
    });

    test('its metrics and those of Temporal are on one page', async () => {
      const { of, text } = await scrape(metricsAddress);
      expect(of('dcs_managed_records')['flow="ingress/contact"']).toBeGreaterThan(0);
      expect(total(of('temporal_num_pollers'))).toBeGreaterThan(0);
      expect(total(of('process_resident_memory_bytes'))).toBeGreaterThan(0);
      const described = text.match(/^# TYPE \S+/gm) ?? [];
      expect(described).toHaveLength(new Set(described).size);
    });

    test('a second sync costs Campaign nothing', async () => {
      await systems.sandbox.resetStats();
      await starter('sync');
      expect((await systems.sandbox.stats()).campaign.total).toBe(0);
    });

    test('one changed contact is one Campaign call, without anyone asking, within the interval and 5 s', async () => {
      await systems.sandbox.resetStats();
      const id = idOf(seeded.find((contact) => expectedProfile(contact)));
      const changedAtMs = Date.now();
      await systems.contacts.update(id, { firstname: 'Amélie' });
      for (;;) {
        const { campaign } = await systems.sandbox.stats();
        if (campaign.total > 0) break;
        expect(Date.now() - changedAtMs).toBeLessThan((INTERVAL_SECONDS + 5) * 1000);
        await sleep(250);
      }
      await starter('sync');
      expect((await systems.sandbox.stats()).campaign.byRoute).toEqual({ 'PATCH profile/key': { 200: 1 } });
    }, 60_000);

    test('created, deleted, deactivated, merged, changed twice, created and deleted between polls', async () => {
      const [first, second, third, fourth, fifth] = seeded
        .filter((contact) => expectedProfile(contact))
        .slice(1)
        .map(idOf);
      await systems.contacts.create({
        firstname: "D'Arcy",
        lastname: '山田 🌸',
        emailaddress1: 'darcy@shop.example',
      });
      await systems.contacts.remove(first ?? '');
      await systems.contacts.update(second ?? '', { statecode: 1, statuscode: 2 });
      await systems.contacts.merge(third ?? '', fourth ?? '');
      await systems.contacts.update(fifth ?? '', { lastname: 'Once' });
      await systems.contacts.update(fifth ?? '', { lastname: 'Twice' });
      const shortLived = await systems.contacts.create({ lastname: 'Gone' });
      await systems.contacts.remove(shortLived);
      await starter('sync');
      const profiles = await systems.profiles.all();
      expect(differences(await systems.contacts.all(mappedColumns), profiles)).toEqual([]);
      expect(profiles.find((profile) => profile.externalId === fifth)?.lastName).toBe('Twice');
      expect(
        profiles.some((profile) => profile.externalId === first || profile.externalId === shortLived),
      ).toBe(false);
    }, 60_000);

    test('a parked row is written once its cause is mended and it is redriven', async () => {
      const { parked } = (await starter('parked')) as {
        parked: { id: string; code: string; field: string }[];
      };
      const [row] = parked;
      expect(row).toMatchObject({ code: 'TEXT_TOO_LONG', field: 'firstName' });
      await systems.contacts.update(row?.id ?? '', { firstname: 'Short' });
      await starter('sync');
      const after = (await starter('parked')) as { parked: { id: string }[] };
      expect(after.parked.map(({ id }) => id)).not.toContain(row?.id);
      expect(differences(await systems.contacts.all(mappedColumns), await systems.profiles.all())).toEqual(
        [],
      );
    }, 60_000);

    test('a second process on the same data folder exits 2', async () => {
      const { status, stderr } = await start({}, '--once').finished;
      expect(status).toBe(2);
      expect(stderr).toContain('DATA_FOLDER_IN_USE');
    }, 60_000);

    test('an unknown flow is wrong use', async () => {
      const unknown = await npmScript('starter', ['sync', 'ingress/nothing', '--data', data]).finished;
      expect(unknown.status).toBe(2);
      expect(unknown.stderr).toContain('ingress/contact');
    }, 60_000);

    test('ends in order on Ctrl-C', async () => {
      running.child.kill('SIGINT');
      const { status, stderr } = await running.finished;
      expect(status).toBe(0);
      const logged = stderr.split('\n').filter((line) => line.startsWith('{'));
      expect(logged.length).toBeGreaterThan(0);
      expect(logLinesOf(logged.join('\n')).flatMap(faultsOf)).toEqual([]);
    }, 60_000);
  });

  test('no value of a seeded person is in the ledger, the histories or the logs', async () => {
    const values = seeded.flatMap((contact) =>
      ['emailaddress1', 'lastname', 'mobilephone'].flatMap((column) => {
        const value = contact[column];
        return typeof value === 'string' && value.length >= 8 ? [value] : [];
      }),
    );
    expect(values.length).toBeGreaterThan(CONTACTS);
    // Each search reads all bytes: some people stand for all.
    const sought = values.filter((_value, index) => index % 8 === 0);
    const bytes = Buffer.concat(
      await Promise.all(
        (await filesBelow(data)).filter((file) => !file.includes('/sandbox/')).map((file) => readFile(file)),
      ),
    );
    expect(bytes.includes(String(seeded[0]?.contactid)), 'the search finds what is there: ids').toBe(true);
    const found = sought.filter((value) => bytes.includes(value));
    expect(found).toEqual([]);
  }, 60_000);

  test('--fresh begins anew, and touches nothing that no start has made', async () => {
    // The mapping file lies in the data folder itself.
    const before = await readFile(config, 'utf8');
    const { status, stdout } = await start({}, '--once', '--fresh', '--contacts', '10').finished;
    expect(status).toBe(0);
    expect((JSON.parse(stdout) as Summary).flows[0]).toMatchObject({ read: 10 });
    expect(await readFile(config, 'utf8')).toBe(before);
  }, 120_000);
});

/** Runs a command of the command line with `--json`; it must succeed. */
async function starter(...args: string[]): Promise<unknown> {
  const { status, stdout, stderr } = await npmScript('starter', [...args, '--json', '--data', data]).finished;
  expect(stderr).toBe('');
  expect(status).toBe(0);
  return JSON.parse(stdout);
}

const idOf = (contact: Record<string, unknown> | undefined): string => String(contact?.contactid);

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}
