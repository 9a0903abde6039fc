import { beforeEach, describe, expect, it } from 'vitest';
import {
  codeOf,
  list,
  messageOf,
  pluck,
  stringColumn,
  text,
  useApi,
  valuesOf,
  type Answer,
} from './support.js';

const api = useApi();
const TRACKED = { prefer: 'odata.track-changes' };
const sized = (size: number) => ({ prefer: `odata.track-changes,odata.maxpagesize=${size}` });

beforeEach(async () => {
  await api.caller.succeed('POST', 'reset', { contacts: 0 });
  api.caller.forgetTokens();
});

const contact = (lastname: string) => api.create('contacts', { lastname });
const limits = (dynamics: object) => api.caller.succeed('PUT', 'limits', { dynamics });
const deltaOf = (answer: Answer) => answer.json['@odata.deltaLink'];
const firstRead = async (query = '$select=lastname') => deltaOf(await api.get(`contacts?${query}`, TRACKED));
/** Ids that a delta brings: changed ones, then deleted ones. */
const changesIn = (answer: Answer) => ({
  changed: valuesOf(answer)
    .filter((row) => row['reason'] === undefined)
    .map((row) => text(row['contactid'])),
  deleted: valuesOf(answer)
    .filter((row) => text(row['reason']) === 'deleted')
    .map((row) => text(row['id'])),
});

describe('a first tracked read', () => {
  it('gives all rows and a delta link with the columns of its own', async () => {
    const id = await contact('One');
    const answer = await api.get('contacts?$select=lastname', TRACKED);
    expect(answer.headers.get('preference-applied')).toBe('odata.track-changes');
    expect(answer.json['@odata.context']).toBe(`${api.base}$metadata#contacts(lastname)`);
    expect(Object.keys(valuesOf(answer)[0] ?? {})).toEqual(['@odata.etag', 'lastname', 'contactid']);
    expect(pluck(answer, 'contactid')).toEqual([id]);
    expect(text(deltaOf(answer))).toMatch(
      /contacts\?\$select=lastname&\$deltatoken=\d+%21\d\d%2f\d\d%2f\d{4}%20\d\d%3a\d\d%3a\d\d$/,
    );
  });

  it('has its delta link on the last page only, and goes on without the preference repeated', async () => {
    for (const name of ['A', 'B', 'C']) await contact(name);
    const first = await api.get('contacts?$select=lastname', sized(2));
    expect([deltaOf(first), valuesOf(first).length]).toEqual([undefined, 2]);
    expect(decodeURIComponent(text(first.json['@odata.nextLink']))).toContain('istracking="True"');
    const second = await api.follow(first.json['@odata.nextLink']);
    expect([second.json['@odata.nextLink'], valuesOf(second).length]).toEqual([undefined, 1]);
    expect(deltaOf(second)).toBeDefined();
  });

  it('may select nothing in particular', async () => {
    const id = await contact('All');
    const link = deltaOf(await api.get('contacts', TRACKED));
    await api.succeed('PATCH', `contacts(${id})`, { jobtitle: 'Buyer' });
    const row = valuesOf(await api.follow(link))[0] ?? {};
    expect(row).toMatchObject({ jobtitle: 'Buyer', lastname: 'All', description: null });
  });

  it.each([
    ['$filter=lastname eq null', 'filter'],
    ['$orderby=lastname', 'orderby'],
    ['$expand=masterid', 'expand'],
    ['$top=1', 'top'],
  ])('refuses %s', async (query, name) => {
    const answer = await api.get(`contacts?${query}`, TRACKED);
    expect([answer.status, messageOf(answer)]).toEqual([
      400,
      `The "${name}" query parameter isn't supported when Change Tracking is enabled.`,
    ]);
  });

  it('is refused on a table that is not tracked', async () => {
    await api.defineTable('new_Untracked', { ChangeTrackingEnabled: false });
    const answer = await api.get('new_untrackeds', TRACKED);
    expect([answer.status, codeOf(answer)]).toEqual([400, '0x80072491']);
    expect(messageOf(answer)).toBe("Entity new_untracked isn't enabled for change tracking.");
  });

  it('needs organisation-level read', async () => {
    await limits({ globalReadMissing: ['contact'] });
    const answer = await api.get('contacts?$select=lastname', TRACKED);
    expect([answer.status, codeOf(answer)]).toEqual([403, '0x80040220']);
    expect(messageOf(answer)).toMatch(/prvReadContact.*Required Depth: Global/);
    expect((await api.get('contacts?$select=lastname')).status).toBe(200);
  });
});

describe('a delta read', () => {
  it('brings created and changed rows with all selected columns, then tombstones, and a new link', async () => {
    const kept = await contact('Kept');
    const changed = await contact('Before');
    const deleted = await contact('Deleted');
    const link = await firstRead();
    const created = await contact('Created');
    await api.succeed('DELETE', `contacts(${deleted})`);
    await api.succeed('PATCH', `contacts(${changed})`, { jobtitle: 'unselected' });
    const answer = await api.follow(link);
    expect(answer.json['@odata.context']).toBe(`${api.base}$metadata#contacts(lastname)/$delta`);
    expect(changesIn(answer)).toEqual({ changed: [created, changed], deleted: [deleted] });
    expect(valuesOf(answer)[1]).toMatchObject({ lastname: 'Before' });
    expect(valuesOf(answer)[0]).not.toHaveProperty(['@odata.context']);
    expect(valuesOf(answer)[2]).toEqual({
      '@odata.context': `${api.base}$metadata#contacts/$deletedEntity`,
      id: deleted,
      reason: 'deleted',
    });
    expect(changesIn(answer).changed).not.toContain(kept);
    const quiet = await api.follow(deltaOf(answer));
    expect(valuesOf(quiet)).toEqual([]);
    expect(deltaOf(quiet)).toBeDefined();
  });

  it('collapses several changes of a row into its state, and may be repeated', async () => {
    const id = await contact('One');
    const link = await firstRead();
    for (const lastname of ['Two', 'Three']) await api.succeed('PATCH', `contacts(${id})`, { lastname });
    for (let turn = 0; turn < 2; turn++) expect(pluck(await api.follow(link), 'lastname')).toEqual(['Three']);
  });

  it('brings a tombstone for a row that came and went in between, and a row again that came back', async () => {
    const back = await contact('Back');
    const link = await firstRead();
    const unseen = await contact('Unseen');
    await api.succeed('DELETE', `contacts(${unseen})`);
    await api.succeed('DELETE', `contacts(${back})`);
    await api.succeed('POST', 'contacts', { contactid: back, lastname: 'Back again' });
    expect(changesIn(await api.follow(link))).toEqual({ changed: [back], deleted: [unseen] });
  });

  it('comes in pages when there is more than the page size, losing nothing that happens meanwhile', async () => {
    const [a, b, c, d, e] = (await Promise.all(['A', 'B', 'C', 'D', 'E'].map(contact))) as [
      string,
      string,
      string,
      string,
      string,
    ];
    const link = await firstRead();
    for (const id of [a, b, c]) await api.succeed('PATCH', `contacts(${id})`, { jobtitle: 'x' });
    await api.succeed('DELETE', `contacts(${d})`);
    await api.succeed('DELETE', `contacts(${e})`);
    const pages: Answer[] = [await api.follow(link, sized(2))];
    await api.succeed('DELETE', `contacts(${a})`);
    await api.succeed('PATCH', `contacts(${b})`, { jobtitle: 'y' });
    for (let last = pages[0] as Answer; last.json['@odata.nextLink'] !== undefined;) {
      expect(deltaOf(last)).toBeUndefined();
      expect(valuesOf(last)).toHaveLength(2);
      last = await api.follow(last.json['@odata.nextLink'], sized(2));
      pages.push(last);
    }
    const later = await api.follow(deltaOf(pages.at(-1) as Answer));
    const all = [...pages, later].map(changesIn);
    expect(all[0]).toEqual({ changed: [a, b], deleted: [] });
    expect(new Set(all.flatMap(({ changed }) => changed))).toEqual(new Set([a, b, c]));
    expect(new Set(all.flatMap(({ deleted }) => deleted))).toEqual(new Set([a, d, e]));
    expect(valuesOf(await api.follow(deltaOf(later)))).toEqual([]);
  });

  it('takes its token with plus signs, without a column list, and with preferences', async () => {
    const link = new URL(text(await firstRead()));
    const id = await contact('Later');
    const token = encodeURIComponent(link.searchParams.get('$deltatoken') ?? '').replaceAll('%20', '+');
    const answer = await api.get(`contacts?%24deltatoken=${token}`, sized(100));
    expect(valuesOf(answer)).toMatchObject([{ contactid: id, lastname: 'Later', firstname: null }]);
  });

  it('can be counted', async () => {
    const link = new URL(text(await firstRead()));
    const id = await contact('Counted');
    await api.succeed('DELETE', `contacts(${await contact('Gone')})`);
    await api.succeed('PATCH', `contacts(${id})`, { jobtitle: 'x' });
    expect((await api.get(`contacts/$count?${link.search.slice(1)}`)).text).toBe('2');
  });

  it('is counted as a delta in the statistics', async () => {
    const link = await firstRead();
    await api.caller.succeed('POST', 'stats/reset');
    await api.follow(link);
    expect((await api.caller.control('GET', 'stats')).json['dynamics']).toMatchObject({
      byRoute: { 'GET contacts/$delta': { '200': 1 } },
    });
  });

  it('is also brought by bulk changes of the control desk', async () => {
    await api.caller.succeed('POST', 'contacts', { create: 4 });
    const link = await firstRead();
    const { json } = await api.caller.succeed('POST', 'contacts', { change: 2, create: 1, delete: 1 });
    const brought = changesIn(await api.follow(link));
    expect(brought.deleted).toEqual(list(json['deleted']).map(text));
    expect(new Set(brought.changed)).toEqual(
      new Set([...list(json['changed']), ...list(json['created'])].map(text)),
    );
  });
});

describe('a delta token', () => {
  it('expires with the retention', async () => {
    const link = await firstRead();
    await api.advance('P6DT23H');
    expect((await api.follow(link)).status).toBe(200);
    await api.advance('PT2H');
    const answer = await api.follow(link);
    expect([answer.status, codeOf(answer)]).toEqual([400, '0x80044352']);
    expect(messageOf(answer)).toBe(
      'Version stamp associated with the client has expired. Please perform a full sync.',
    );
  });

  it('expires with a change of the table’s columns, unless that is switched off', async () => {
    const link = await firstRead();
    await api.succeed(
      'POST',
      "EntityDefinitions(LogicalName='contact')/Attributes",
      stringColumn('new_Extra'),
    );
    expect(codeOf(await api.follow(link))).toBe('0x80044352');
    await limits({ expireDeltaOnSchemaChange: false });
    expect((await api.follow(link)).status).toBe(200);
  });

  it('that is malformed is refused', async () => {
    expect((await api.get('contacts?$deltatoken=nonsense')).status).toBe(400);
  });

  it.each([
    ['last-page', false],
    ['first-page', true],
  ] as const)('taken at the %s', async (deltaTokenFrom, covers) => {
    await limits({ deltaTokenFrom });
    for (const name of ['A', 'B', 'C']) await contact(name);
    const first = await api.get('contacts?$select=lastname', sized(2));
    const early = text(valuesOf(first)[0]?.['contactid']);
    await api.succeed('PATCH', `contacts(${early})`, { lastname: 'Behind the reader' });
    const last = await api.follow(first.json['@odata.nextLink'], sized(2));
    expect(changesIn(await api.follow(deltaOf(last))).changed).toEqual(covers ? [early] : []);
  });
});
