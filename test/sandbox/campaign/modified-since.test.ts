import { afterEach, describe, expect, it } from 'vitest';
import { list, text, useSandbox, type Json } from '../core/support.js';

const sandbox = useSandbox({ model: { version: 1, withDefaults: false } });
const PROFILES = '/profileAndServicesExt/profile';

afterEach(async () => {
  await sandbox.succeed('POST', 'reset', {});
  sandbox.forgetTokens();
});

const make = async (externalId: string, values: object = {}): Promise<Json> =>
  (await sandbox.campaign('POST', PROFILES, { externalId, ...values })).json;
const change = (externalId: string, values: object) =>
  sandbox.campaign('PATCH', `${PROFILES}/${externalId}`, values);
const read = async (externalId: string): Promise<Json> =>
  (await sandbox.campaign('GET', `${PROFILES}/${externalId}`)).json;
const advance = async (duration: string) => {
  await sandbox.succeed('POST', 'clock', { advance: duration });
  sandbox.forgetTokens();
};
const idsOf = (page: Json) => list(page['content']).map((record) => text(record['externalId']));
const since = (stamp: string, path = PROFILES) =>
  `${path}/bymodifiedsince?lm_parameter=${encodeURIComponent(stamp)}`;
/** Campaign's own form as ISO 8601. */
const iso = (stamp: Json | undefined) => text(stamp).replace(' ', 'T');

describe('the filter bymodifiedsince', () => {
  it('is there from the start, and the metadata tells how to call it', async () => {
    const { json } = await sandbox.campaign('GET', '/profileAndServicesExt/resourceType/profile');
    const filters = (await sandbox.campaign('GET', text(json['filters']?.['href']))).json;
    expect(text(filters['bymodifiedsince']?.['data'])).toMatch(
      /\/profileAndServicesExt\/profile\/bymodifiedsince\?lm_parameter=\$value$/,
    );
    expect(json['content']?.['lastModified']).toMatchObject({ sortable: true, type: 'datetime' });
  });

  it.each(['/profileAndServicesExt/profile', '/profileAndServices/profile'])(
    'of %s finds what was changed at that very moment or later',
    async (path) => {
      await make('a');
      await advance('PT1H');
      await make('b');
      const stamp = iso((await read('b'))['lastModified']);
      expect(stamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      expect(idsOf((await sandbox.campaign('GET', since(stamp, path))).json)).toEqual(['b']);
      const later = new Date(Date.parse(stamp) + 1).toISOString();
      expect(idsOf((await sandbox.campaign('GET', since(later, path))).json)).toEqual([]);
    },
  );

  it('reads an offset, and a date without a time', async () => {
    await make('a');
    await advance('P2D');
    await make('b');
    const stamp = Date.parse(iso((await read('b'))['lastModified']));
    const inIndia = `${new Date(stamp + 5.5 * 3_600_000).toISOString().slice(0, -1)}+05:30`;
    const day = new Date(stamp - 86_400_000).toISOString().slice(0, 10);
    for (const given of [inIndia, day])
      expect(idsOf((await sandbox.campaign('GET', since(given))).json)).toEqual(['b']);
  });

  it('goes with an order, pages of a size and forced pagination, and its next and count keep it', async () => {
    const names = Array.from({ length: 9 }, (_, place) => `p${place}`);
    for (const name of names) await make(name);
    await advance('PT1H');
    const now = text((await sandbox.control('GET', 'clock')).json['now']);
    // In another order than that of their ids.
    const changed = ['p7', 'p2', 'p5', 'p0', 'p3'];
    for (const name of changed) {
      await change(name, { blackListEmail: true });
      await advance('PT1S');
    }
    await sandbox.succeed('PUT', 'limits', { campaign: { bigTableThreshold: 3 } });
    const options = '&_order=lastModified&_lineCount=2&_forcePagination=true';
    const count = text((await sandbox.campaign('GET', `${since(now)}${options}`)).json['count']?.['href']);
    expect((await sandbox.campaign('GET', count)).json).toEqual({ count: 5 });
    const pages: string[][] = [];
    let next: string | undefined = `${since(now)}${options}`;
    while (next !== undefined) {
      const page: Json = (await sandbox.campaign('GET', next)).json;
      pages.push(idsOf(page));
      next = page['next'] && text(page['next']['href']);
    }
    expect(pages).toEqual([['p7', 'p2'], ['p5', 'p0'], ['p3']]);
    const falling = await sandbox.campaign('GET', `${since(now)}&_order=lastModified%20desc`);
    expect(idsOf(falling.json)).toEqual(changed.toReversed());
    const silent = await sandbox.campaign('GET', `${since(now)}&_order=lastModified&_lineCount=2`);
    expect(silent.json['next']).toBeUndefined();
  });

  it.each(['', 'yesterday', '2026-13-45T00:00:00Z', '1709543700000'])(
    'answers the engine’s text for %j, which is no date',
    async (given) => {
      await make('a');
      const answer = await sandbox.campaign('GET', since(given));
      expect(answer.status).toBe(500);
      expect(answer.headers.get('content-type')).toMatch(/^text\/plain/);
      expect(answer.text).toMatch(/^RST-360011 [^\n]+\nXTK-170036 Unable to parse expression/);
    },
  );
});

describe('the stamps of a profile', () => {
  const FLAGS = [
    'blackList',
    'blackListEmail',
    'blackListFax',
    'blackListMobile',
    'blackListPhone',
    'blackListPostalMail',
    'ccpaOptOut',
  ];
  const stampsOf = (profile: Json) =>
    Object.fromEntries(FLAGS.map((flag) => [flag, text(profile[`${flag}LastModified`])]));

  it.each(FLAGS)('of %s changes when its value does, and no other with it', async (flag) => {
    await make('a');
    const never = stampsOf(await read('a'));
    expect(Object.values(never)).toEqual(FLAGS.map(() => ''));
    await advance('PT1M');
    await change('a', { [flag]: true });
    const set = await read('a');
    expect(stampsOf(set)).toEqual({ ...never, [flag]: text(set['lastModified']) });
    await advance('PT1M');
    await change('a', { [flag]: true });
    await change('a', { firstName: 'Ada' });
    const kept = await read('a');
    expect(stampsOf(kept)).toEqual(stampsOf(set));
    await change('a', { [flag]: false });
    const cleared = await read('a');
    expect(stampsOf(cleared)).toEqual({ ...never, [flag]: text(cleared['lastModified']) });
    expect(text(cleared['lastModified']) > text(set['lastModified'])).toBe(true);
  });

  it('stay empty for a flag that is false from the start, and for push', async () => {
    await make('a', { blackListEmail: false, blackListPushnotification: true });
    await change('a', { blackListFax: false });
    const profile = await read('a');
    expect(Object.values(stampsOf(profile))).toEqual(FLAGS.map(() => ''));
    expect(profile).not.toHaveProperty('blackListPushnotificationLastModified');
  });

  it('cannot be written', async () => {
    await make('a');
    const answer = await change('a', { blackListEmailLastModified: '2026-01-01 00:00:00.000Z' });
    expect(answer.status).toBe(500);
    expect(answer.text).toContain(
      "Cannot update the 'blackListEmailLastModified' property that is read-only",
    );
  });

  it('lastModified moves with every write that changes something, and with no other', async () => {
    await make('a', { firstName: 'Ada' });
    const before = text((await read('a'))['lastModified']);
    await advance('PT1M');
    expect((await change('a', { firstName: 'Ada', blackListPushnotification: false })).status).toBe(200);
    expect(text((await read('a'))['lastModified'])).toBe(before);
    await change('a', { blackListPushnotification: true });
    expect(text((await read('a'))['lastModified']) > before).toBe(true);
  });

  it('move when someone unsubscribes from an email', async () => {
    await make('a', { email: 'a@shop.example' });
    await advance('PT1M');
    await sandbox.succeed('POST', 'deliveries', { profiles: 1, unsubscribes: 1 });
    const profile = await read('a');
    expect(profile).toMatchObject({
      blackListEmail: true,
      blackListEmailLastModified: profile['lastModified'],
    });
  });
});
