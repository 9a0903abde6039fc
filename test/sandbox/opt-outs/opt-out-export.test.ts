import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { startSandbox } from '../../../src/sandbox/index.js';
import { callerOf, text, useSandbox } from '../core/support.js';
import {
  changeProfile,
  errorsOf,
  exported,
  EXPORTS,
  filesIn,
  idsIn,
  makeProfile,
  pass,
  PROFILES,
  profileOf,
} from './support.js';

const MODEL = { version: 1 as const, withDefaults: false };
const sandbox = useSandbox({ model: MODEL });

afterEach(async () => {
  await sandbox.succeed('POST', 'reset', {});
  sandbox.forgetTokens();
});

const run = (body?: object) => exported(sandbox, body);
const make = async (...externalIds: string[]) => {
  for (const externalId of externalIds) await makeProfile(sandbox, { externalId });
};
const change = (externalId: string, values: object) => changeProfile(sandbox, externalId, values);
const wait = (duration: string) => pass(sandbox, duration);

describe('the opt-out export', () => {
  it('holds each flag with its stamp, and none for push', async () => {
    await makeProfile(sandbox, { externalId: 'a', blackListEmail: true, blackListPushnotification: true });
    await make('b');
    const { path, rows, columns, lines } = await run();
    expect(path).toMatch(/^\/d365_loads\/exports\/optOuts_\d{8}_\d{6}\.txt$/);
    expect(columns).toEqual([
      'externalId',
      'blackList',
      'blackListLastModified',
      'blackListEmail',
      'blackListEmailLastModified',
      'blackListFax',
      'blackListFaxLastModified',
      'blackListMobile',
      'blackListMobileLastModified',
      'blackListPhone',
      'blackListPhoneLastModified',
      'blackListPostalMail',
      'blackListPostalMailLastModified',
      'blackListPushnotification',
      'ccpaOptOut',
      'ccpaOptOutLastModified',
    ]);
    const stamp = text((await profileOf(sandbox, 'a'))['blackListEmailLastModified']);
    expect(lines[0]).toMatchObject({
      externalId: 'a',
      blackList: '0',
      blackListLastModified: '',
      blackListEmail: '1',
      blackListEmailLastModified: stamp.slice(0, 19).replaceAll('-', '/'),
      blackListPushnotification: '1',
      ccpaOptOut: '0',
    });
    expect(lines[1]).toMatchObject({ externalId: 'b', blackListEmail: '0', blackListEmailLastModified: '' });
    expect(rows).toBe(2);
  });

  it('has a profile without an external id with an empty one', async () => {
    await makeProfile(sandbox, { email: 'nobody@shop.example', blackListEmail: true });
    expect((await run()).lines).toMatchObject([{ externalId: '', blackListEmail: '1' }]);
  });

  it('goes on from the execution before, and repeats the rows on its boundary', async () => {
    await make('a', 'b', 'c', 'd', 'e');
    await wait('PT1M');
    expect(idsIn((await run()).lines)).toEqual(['a', 'b', 'c', 'd', 'e']);
    await wait('PT1M');
    await change('b', { ccpaOptOut: true });
    await wait('PT1S');
    await make('f');
    await wait('PT1M');
    const { lines, rows } = await run();
    expect(idsIn(lines)).toEqual(['c', 'd', 'e', 'b', 'f']);
    expect(rows).toBe(5);
    await wait('PT1M');
    expect(idsIn((await run()).lines)).toEqual(['e', 'b', 'f']);
  });

  it('repeats nothing where it is told to, and then has nothing when nothing was changed', async () => {
    await make('a', 'b');
    await run();
    await wait('PT1M');
    await change('b', { blackList: true });
    await wait('PT1S');
    expect(idsIn((await run({ repeatBoundary: false })).lines)).toEqual(['b']);
    await wait('PT1M');
    const empty = await run({ repeatBoundary: false });
    expect([empty.rows, empty.lines]).toEqual([0, []]);
    expect(empty.columns).toContain('ccpaOptOut');
  });

  it('has the values of now in a repeated row, and none of a profile that is gone', async () => {
    await make('a', 'b');
    await run();
    await wait('PT1M');
    await sandbox.campaign('DELETE', `${PROFILES}/a`);
    expect(idsIn((await run()).lines)).toEqual(['b']);
    await change('b', { blackListFax: true });
    expect((await run()).lines).toMatchObject([{ externalId: 'b', blackListFax: '1' }]);
  });

  it('loses no change between two runs, however close they are', async () => {
    const seen = new Set<string>();
    const names = Array.from({ length: 12 }, (_, place) => `p${place}`);
    for (const name of names) {
      await make(name);
      for (const id of idsIn((await run({ repeatBoundary: false })).lines)) seen.add(id);
    }
    expect([...seen].toSorted()).toEqual(names.toSorted());
    expect(await filesIn(sandbox, EXPORTS)).toHaveLength(names.length);
  });

  it('has all profiles, or those changed since a date, where that is asked for', async () => {
    await make('a', 'b');
    await run();
    await wait('PT1H');
    const since = text((await sandbox.control('GET', 'clock')).json['now']);
    await change('b', { blackListPhone: true });
    await run();
    await wait('PT1H');
    expect(idsIn((await run({ since })).lines)).toEqual(['b']);
    expect(idsIn((await run({ all: true })).lines)).toEqual(['a', 'b']);
  });

  it('has the name and the columns that are asked for, enumerations and dates by their internal values', async () => {
    await makeProfile(sandbox, {
      externalId: 'a',
      gender: 'female',
      birthDate: '1984-02-11',
      location: { city: 'Leeds' },
      blackListPostalMail: true,
    });
    const columns = ['blackListPostalMail', 'gender', 'birthDate', 'location.city', 'externalId'];
    const { path, lines, columns: written } = await run({ label: 'denylist', columns });
    expect(path).toMatch(/\/denylist_\d{8}_\d{6}\.txt$/);
    expect(written).toEqual(columns);
    expect(lines).toEqual([
      {
        blackListPostalMail: '1',
        gender: '2',
        birthDate: '1984/02/11',
        'location.city': 'Leeds',
        externalId: 'a',
      },
    ]);
  });

  it('has the form that the limits say', async () => {
    await make('a;b');
    const exports = { separator: 'semicolon', quote: 'double', lineEnd: 'crlf', gzip: true, header: false };
    await sandbox.succeed('PUT', 'limits', { campaign: { exports } });
    const { path, content } = await run({ columns: ['externalId', 'blackList', 'blackListLastModified'] });
    expect(path).toMatch(/\.txt\.gz$/);
    expect(gunzipSync(content).toString('utf8')).toBe('"a;b";"0";""\r\n');
  });

  it.each([
    [{ since: 'yesterday' }, /^since: a date is expected/],
    [{ since: '2026-03-04T09:15:00Z', all: true }, /^since: has no meaning together with all/],
    [{ label: '../outside' }, /^label: /],
    [{ columns: [] }, /^columns: /],
    [{ columns: ['externalId', 'denyList'] }, /^columns: denyList is no field/],
    [{ columns: ['location'] }, /^columns: location is no field/],
    [{ repeatBoundary: 'no' }, /^repeatBoundary: /],
    [{ file: 'a.txt' }, /^body: /],
  ])('refuses %j, and writes no file', async (body, reason) => {
    const answer = await sandbox.control('POST', 'opt-out-export', body);
    expect(answer.status).toBe(400);
    expect(errorsOf(answer.json)).toEqual([expect.stringMatching(reason)]);
    expect(await filesIn(sandbox, EXPORTS)).toEqual([]);
  });

  it('goes on after a restart where it was', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sandbox-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const start = async () => {
      const started = await startSandbox({ folder, contacts: 0, model: MODEL });
      return { started, caller: callerOf(started.ready) };
    };
    const before = await start();
    await makeProfile(before.caller, { externalId: 'a' });
    await pass(before.caller, 'PT1S');
    await exported(before.caller);
    await pass(before.caller, 'PT1M');
    await makeProfile(before.caller, { externalId: 'b' });
    await before.started.close();
    const after = await start();
    onTestFinished(() => after.started.close());
    expect(idsIn((await exported(after.caller, { repeatBoundary: false })).lines)).toEqual(['b']);
    expect(await filesIn(after.caller, EXPORTS)).toHaveLength(2);
  });
});

describe('its schedule', () => {
  const every = (optOutEvery: string) =>
    sandbox.succeed('PUT', 'limits', { campaign: { exports: { optOutEvery } } });
  const written = () => filesIn(sandbox, EXPORTS);

  it('is off until it is set', async () => {
    await wait('P30D');
    expect(await written()).toEqual([]);
  });

  it('writes a file whenever the clock passes its time, once however far', async () => {
    await every('P1D');
    await wait('PT23H');
    expect(await written()).toEqual([]);
    await wait('PT1H');
    expect(await written()).toHaveLength(1);
    await wait('P3D');
    expect(await written()).toHaveLength(2);
    await wait('PT23H');
    expect(await written()).toHaveLength(2);
    await every('off');
    await wait('P7D');
    expect(await written()).toHaveLength(2);
  });

  it('goes by the time that passes of itself, too', async () => {
    await every('PT1S');
    const count = async () => (await written()).length;
    await vi.waitFor(async () => expect(await count()).toBeGreaterThan(0), {
      timeout: 20_000,
      interval: 100,
    });
  });

  it('goes on from a run by hand, which does not move it', async () => {
    await make('a');
    await every('P1D');
    await wait('PT12H');
    await run();
    await make('b');
    await wait('PT12H');
    const [, scheduled = ''] = await written();
    expect(scheduled).toMatch(/^optOuts_/);
    await wait('PT1M');
    expect(idsIn((await run()).lines)).toEqual(['a', 'b']);
  });

  it('that is no duration is refused', async () => {
    const answer = await sandbox.control('PUT', 'limits', {
      campaign: { exports: { optOutEvery: 'daily' } },
    });
    expect(answer.status).toBe(400);
    expect(errorsOf(answer.json)).toEqual([
      expect.stringMatching(/^campaign\.exports\.optOutEvery: "off", or/),
    ]);
  });
});
