import { beforeAll, describe, expect, it } from 'vitest';
import { list, text, useSandbox, type Json } from '../core/support.js';

const sandbox = useSandbox();
const PROFILES = '/profileAndServicesExt/profile';
const TOTAL = 30;

beforeAll(async () => {
  for (let index = 0; index < TOTAL; index += 1) {
    await sandbox.campaign('POST', PROFILES, {
      externalId: `list-${String(index).padStart(2, '0')}`,
      email: `p${index % 10}@shop.example`,
      firstName: index % 2 === 0 ? 'Milena' : 'Otto',
      lastName: `Name ${String(TOTAL - index).padStart(2, '0')}`,
    });
  }
});

const names = (page: Json) => list(page['content']).map((record) => text(record['externalId']));

async function everyPage(path: string): Promise<{ pages: number; ids: string[] }> {
  const ids: string[] = [];
  let pages = 0;
  for (let next: string | undefined = path; next !== undefined;) {
    const page: Json = (await sandbox.campaign('GET', next)).json;
    ids.push(...names(page));
    pages += 1;
    next = page['next'] && text(page['next']['href']);
  }
  return { pages, ids };
}

describe('pages', () => {
  it('hold 25 records by default, with a next page, a count and the paging mark', async () => {
    const { json } = await sandbox.campaign('GET', `${PROFILES}/`);
    expect(list(json['content'])).toHaveLength(25);
    expect(json['serverSidePagination']).toBe(true);
    expect((await sandbox.campaign('GET', text(json['count']?.['href']))).json).toEqual({ count: TOTAL });
    const second = (await sandbox.campaign('GET', text(json['next']?.['href']))).json;
    expect(names(second)).toHaveLength(5);
    expect(second['next']).toBeUndefined();
  });

  it('lead through every record once, sorted or not', async () => {
    const plain = await everyPage(`${PROFILES}?_lineCount=7`);
    expect(plain.pages).toBe(5);
    expect(new Set(plain.ids).size).toBe(TOTAL);
    const sorted = await everyPage(`${PROFILES}?_lineCount=7&_order=lastName`);
    expect(sorted.ids).toEqual(plain.ids.toReversed());
    const descending = await everyPage(`${PROFILES}?_lineCount=7&_order=lastName%20desc`);
    expect(descending.ids).toEqual(plain.ids);
  });

  it('end without next above the big-table threshold, unless pagination is forced', async () => {
    await sandbox.control('PUT', 'limits', { campaign: { bigTableThreshold: 10 } });
    const silent = await everyPage(`${PROFILES}?_lineCount=7`);
    const forced = await everyPage(`${PROFILES}?_lineCount=7&_forcePagination=true`);
    await sandbox.control('DELETE', 'limits');
    expect(silent.ids).toHaveLength(7);
    expect(forced.ids).toHaveLength(TOTAL);
  });

  it('refuse a start that was made by hand', async () => {
    expect((await sandbox.campaign('GET', `${PROFILES}?_lineStart=50`)).status).toBe(500);
  });

  it('ignore query parameters they do not know', async () => {
    expect((await sandbox.campaign('GET', `${PROFILES}?limit=1&page=3`)).status).toBe(200);
  });
});

describe('filters', () => {
  const found = async (path: string) => names((await sandbox.campaign('GET', `${PROFILES}/${path}`)).json);

  it('byEmail finds all who share an address', async () => {
    expect(await found('byEmail?email=p3%40shop.example')).toEqual(['list-03', 'list-13', 'list-23']);
  });

  it('byText looks for a prefix, case-sensitively, in the field asked for', async () => {
    expect(await found('byText?text=Mil&filterType=firstName&_lineCount=100')).toHaveLength(15);
    expect(await found('byText?text=mil&filterType=firstName')).toEqual([]);
    expect(await found('byText?text=ilena&filterType=firstName')).toEqual([]);
    expect(await found('byText?text=Mil&filterType=lastName')).toEqual([]);
  });

  it('combine, and are kept by count and next', async () => {
    const { json } = await sandbox.campaign(
      'GET',
      `${PROFILES}/byText/byEmail?text=Otto&email=p3%40shop.example&_lineCount=1`,
    );
    expect(names(json)).toEqual(['list-03']);
    expect((await sandbox.campaign('GET', text(json['count']?.['href']))).json).toEqual({ count: 3 });
    expect(names((await sandbox.campaign('GET', text(json['next']?.['href']))).json)).toEqual(['list-13']);
  });

  it('a tenant’s own filter finds what was modified since', async () => {
    await sandbox.control('POST', 'clock', { advance: 'PT1H' });
    const since = text((await sandbox.control('GET', 'clock')).json['now']);
    await sandbox.campaign('PATCH', `${PROFILES}/list-07`, { firstName: 'Changed' });
    expect(await found(`bymodifiedsince?lm_parameter=${encodeURIComponent(since)}`)).toEqual(['list-07']);
    await sandbox.campaign('PATCH', `${PROFILES}/list-07`, { firstName: 'Otto' });
  });

  it('published later by the tenant are in force at once', async () => {
    const filter = {
      resource: 'profile',
      name: 'bycity',
      label: 'By city',
      conditions: [{ fields: ['location.city'], operator: '=', parameter: 'city_parameter' }],
    };
    expect((await sandbox.control('PUT', 'data-model', { filters: [filter] })).status).toBe(200);
    await sandbox.campaign('PATCH', `${PROFILES}/list-09`, { location: { city: "L'Aquila" } });
    expect(await found("bycity?city_parameter=L'Aquila")).toEqual(['list-09']);
  });
});

it('a field instead of a key lists that field’s values', async () => {
  const { json } = await sandbox.campaign('GET', `${PROFILES}/email?_lineCount=2`);
  expect(json['content']).toEqual(['p0@shop.example', 'p1@shop.example']);
  expect((await sandbox.campaign('GET', text(json['next']?.['href']))).json['content']).toEqual([
    'p2@shop.example',
    'p3@shop.example',
  ]);
  expect(text(list((await sandbox.campaign('GET', `${PROFILES}/PKey`)).json['content'])[0])).toMatch(/^@/);
});
