import { beforeAll, describe, expect, it } from 'vitest';
import { codeOf, list, messageOf, pluck, text, useApi, valuesOf } from './support.js';

const api = useApi();
const people: [string, string | undefined, Record<string, unknown>][] = [
  [
    'Ada',
    'Lovelace',
    {
      emailaddress1: 'ada@engine.example',
      gendercode: 2,
      numberofchildren: 3,
      annualincome: 1000.5,
      birthdate: '1990-12-10',
    },
  ],
  [
    'Bob',
    "O'Brien",
    { emailaddress1: 'bob@engine.example', gendercode: 1, numberofchildren: 1, birthdate: '1985-01-01' },
  ],
  ['carl', 'Ångström', { emailaddress1: 'CARL@field.example', numberofchildren: 2, donotemail: true }],
  ['Dora', undefined, { description: 'carl' }],
  ['Émile', 'carl', { gendercode: 1, numberofchildren: 2 }],
];
let account: string;

beforeAll(async () => {
  account = await api.create('accounts', { name: 'Engines & Co' });
  for (const [firstname, lastname, more] of people) {
    await api.create('contacts', {
      firstname,
      lastname,
      ...more,
      'parentcustomerid_account@odata.bind': `/accounts(${account})`,
    });
  }
});

const names = async (query: string) =>
  pluck(await api.get(`contacts?$select=firstname&$orderby=firstname&${query}`), 'firstname');
const filtered = (filter: string) => names(`$filter=${encodeURIComponent(filter)}`);

describe('the service root', () => {
  it('lists the entity sets', async () => {
    for (const path of ['', '/']) {
      const answer = await api.caller.dynamics('GET', `/api/data/v9.2${path}`);
      expect(answer.status).toBe(200);
      expect(valuesOf(answer)).toContainEqual({ name: 'contacts', kind: 'EntitySet', url: 'contacts' });
    }
  });

  it('says who calls, with or without parentheses, and how many calls to make at a time', async () => {
    for (const path of ['WhoAmI', 'WhoAmI()', 'Microsoft.Dynamics.CRM.WhoAmI()']) {
      const answer = await api.get(path);
      expect(answer.json['@odata.context']).toBe(
        `${api.base}$metadata#Microsoft.Dynamics.CRM.WhoAmIResponse`,
      );
      expect(Number(answer.headers.get('x-ms-dop-hint'))).toBeGreaterThan(0);
      expect(Object.keys(answer.json)).toEqual([
        '@odata.context',
        'BusinessUnitId',
        'UserId',
        'OrganizationId',
      ]);
    }
  });

  it('counts the rows of tables', async () => {
    const answer = await api.get("RetrieveTotalRecordCount(EntityNames=['contact','account'])");
    expect(answer.json['EntityRecordCountCollection']).toMatchObject({
      Keys: ['contact', 'account'],
      Values: [people.length, 1],
    });
    const aliased = await api.get(`RetrieveTotalRecordCount(EntityNames=@p1)?@p1=["contact"]`);
    expect(aliased.json['EntityRecordCountCollection']).toMatchObject({ Count: 1 });
  });

  it('answers an unknown set with 404 and the vendor’s error', async () => {
    const answer = await api.get('nosuchsets');
    expect([answer.status, messageOf(answer)]).toEqual([
      404,
      "Resource not found for the segment 'nosuchsets'.",
    ]);
  });

  it('marks every answer with the request’s id and what service protection leaves', async () => {
    const { headers } = await api.get('contacts?$top=1');
    expect(headers.get('content-type')).toBe('application/json; odata.metadata=minimal');
    expect(headers.get('x-ms-service-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    expect(headers.get('req_id')).toBe(headers.get('x-ms-service-request-id'));
    expect(Number(headers.get('x-ms-ratelimit-burst-remaining-xrm-requests'))).toBeGreaterThan(0);
  });
});

describe('$filter', () => {
  const rules: [string, string[]][] = [
    ["firstname eq 'ADA'", ['Ada']],
    ["lastname eq 'O''Brien'", ['Bob']],
    ["contains(emailaddress1,'ENGINE')", ['Ada', 'Bob']],
    ["startswith(lastname,'å')", ['carl']],
    ["endswith(emailaddress1,'field.example')", ['carl']],
    ["not contains(emailaddress1,'engine')", ['carl', 'Dora', 'Émile']],
    ['lastname eq null', ['Dora']],
    ['lastname ne null', ['Ada', 'Bob', 'carl', 'Émile']],
    ['gendercode ne 1', ['Ada', 'carl', 'Dora']],
    ['numberofchildren ge 2 and (gendercode eq 1 or gendercode eq 2)', ['Ada', 'Émile']],
    ['numberofchildren gt 1 and numberofchildren lt 3', ['carl', 'Émile']],
    ['donotemail eq true', ['carl']],
    ['not (donotemail eq false)', ['carl']],
    ['description eq firstname', []],
    ['annualincome le 1000.5', ['Ada']],
    ['birthdate ge 1990-01-01', ['Ada']],
    ['createdon ge 2020-01-01T00:00:00+00:00 and donotemail eq true', ['carl']],
    ['createdon lt 2020-01-01T00:00:00Z', []],
    ["fullname eq 'ada lovelace'", ['Ada']],
    ["parentcustomerid_account/name eq 'engines & co' and firstname eq 'Bob'", ['Bob']],
    ['Microsoft.Dynamics.CRM.In(PropertyName=\'firstname\',PropertyValues=["ada","bob"])', ['Ada', 'Bob']],
    ["Microsoft.Dynamics.CRM.In(PropertyName='numberofchildren',PropertyValues=['1','3'])", ['Ada', 'Bob']],
    ["Microsoft.Dynamics.CRM.NotIn(PropertyName='numberofchildren',PropertyValues=[1,2])", ['Ada', 'Dora']],
    [
      'Microsoft.Dynamics.CRM.Between(PropertyName=\'numberofchildren\',PropertyValues=["2","3"])',
      ['Ada', 'carl', 'Émile'],
    ],
    ["Microsoft.Dynamics.CRM.Today(PropertyName='createdon') and firstname eq 'Ada'", ['Ada']],
    ['_ownerid_value eq null', []],
  ];
  it.each(rules)('%s', async (filter, expected) => {
    expect((await filtered(filter)).sort()).toEqual([...expected].sort());
  });

  it('compares GUIDs in any case, quoted or not', async () => {
    for (const id of [account.toUpperCase(), `'${account}'`]) {
      expect(await filtered(`_parentcustomerid_value eq ${id} and firstname eq 'Ada'`)).toEqual(['Ada']);
    }
  });

  it('looks into collections by any and all', async () => {
    const accounts = async (filter: string) =>
      pluck(await api.get(`accounts?$filter=${encodeURIComponent(filter)}`), 'name');
    expect(await accounts("contact_customer_accounts/any(c:c/firstname eq 'bob')")).toEqual(['Engines & Co']);
    expect(await accounts("contact_customer_accounts/all(c:c/firstname eq 'bob')")).toEqual([]);
    expect(await accounts('contact_customer_accounts/any()')).toEqual(['Engines & Co']);
  });

  it('takes values from parameter aliases', async () => {
    expect(await names("$filter=firstname eq @name&@name='Bob'")).toEqual(['Bob']);
  });

  const refused: [string, string][] = [
    ['firstname eqq 1', 'Syntax error'],
    ["nosuch eq 'x'", "Could not find a property named 'nosuch' on type 'Microsoft.Dynamics.CRM.contact'."],
    ['firstname eq 5', 'incompatible types'],
    ["numberofchildren eq '5'", 'incompatible types'],
    ["tolower(firstname) eq 'ada'", "unknown function with name 'tolower'"],
    ['parentcustomerid eq null', 'Could not find a property'],
    ['firstname eq', 'Syntax error'],
  ];
  it.each(refused)('refuses %s', async (filter, message) => {
    const answer = await api.get(`contacts?$filter=${encodeURIComponent(filter)}`);
    expect([answer.status, codeOf(answer)]).toEqual([400, '0x80060888']);
    expect(messageOf(answer)).toContain(message);
  });
});

describe('a query', () => {
  it('may be encoded, with plus signs for spaces', async () => {
    const answer = await api.get('contacts?%24select=firstname%2Clastname&%24filter=firstname+eq+%27Ada%27');
    expect(valuesOf(answer)).toMatchObject([{ firstname: 'Ada', lastname: 'Lovelace' }]);
  });

  it('gives the columns selected and the key, or all columns with nulls', async () => {
    const some = valuesOf(await api.get("contacts?$select=lastname&$filter=firstname eq 'Dora'"))[0] ?? {};
    expect(Object.keys(some)).toEqual(['@odata.etag', 'lastname', 'contactid']);
    const all = valuesOf(await api.get("contacts?$filter=firstname eq 'Dora'"))[0] ?? {};
    expect(all['lastname']).toBeNull();
    expect(Object.keys(all).length).toBeGreaterThan(150);
  });

  it('gives money with its currency', async () => {
    const row = valuesOf(await api.get("contacts?$select=annualincome&$filter=firstname eq 'Ada'"))[0] ?? {};
    expect(text(row['_transactioncurrencyid_value'])).toMatch(/^[0-9a-f-]{36}$/);
    const all = valuesOf(await api.get("contacts?$filter=firstname eq 'Ada'"))[0] ?? {};
    expect(all['annualincome_base']).toBe(1000.5);
  });

  it('orders without regard to case, empty first, and downwards', async () => {
    expect(await names('')).toEqual(['Ada', 'Bob', 'carl', 'Dora', 'Émile']);
    const answer = await api.get('contacts?$select=firstname&$orderby=numberofchildren desc,firstname desc');
    expect(pluck(answer, 'firstname')).toEqual(['Ada', 'Émile', 'carl', 'Bob', 'Dora']);
  });

  it('counts on demand, at most 5,000, and says so in annotations', async () => {
    const answer = await api.get('contacts?$select=firstname&$top=2&$count=true', {
      prefer: 'odata.include-annotations="*"',
    });
    expect(answer.json['@odata.count']).toBe(people.length);
    expect(answer.json['@Microsoft.Dynamics.CRM.totalrecordcount']).toBe(people.length);
    expect(answer.json['@Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded']).toBe(false);
    expect(valuesOf(answer)).toHaveLength(2);
    const uncounted = await api.get('contacts?$top=1', { prefer: 'odata.include-annotations="*"' });
    expect(uncounted.json['@Microsoft.Dynamics.CRM.totalrecordcount']).toBe(-1);
    const plain = await api.get('contacts/$count?$filter=gendercode eq 1');
    expect([plain.text, plain.headers.get('content-type')]).toEqual([
      '2',
      expect.stringContaining('text/plain'),
    ]);
  });

  it('expands links and collections, with options of their own', async () => {
    const one = await api.get(
      `contacts?$select=firstname&$filter=firstname eq 'Ada'&$expand=parentcustomerid_account($select=name),parentcustomerid_contact($select=fullname)`,
    );
    expect(valuesOf(one)[0]).toMatchObject({
      parentcustomerid_account: { name: 'Engines & Co', accountid: account },
      parentcustomerid_contact: null,
    });
    const many = await api.get(
      `accounts(${account})?$select=name&$expand=contact_customer_accounts($select=firstname;$filter=contains(firstname,'a') and not (gendercode eq 1);$orderby=firstname desc;$top=2;$expand=parentcustomerid_account($select=name))`,
    );
    expect(list(many.json['contact_customer_accounts'])).toMatchObject([
      { firstname: 'Dora', parentcustomerid_account: { name: 'Engines & Co' } },
      { firstname: 'carl' },
    ]);
  });

  it('annotates values for people when preferred, all or some', async () => {
    const path =
      "contacts?$select=donotemail,gendercode,annualincome,birthdate,numberofchildren&$filter=firstname eq 'Ada'";
    const suffix = '@OData.Community.Display.V1.FormattedValue';
    const all = valuesOf(await api.get(path, { prefer: 'odata.include-annotations="*"' }))[0];
    expect(all).toMatchObject({
      [`donotemail${suffix}`]: 'Allow',
      [`gendercode${suffix}`]: 'Female',
      [`annualincome${suffix}`]: '€1,000.50',
      [`birthdate${suffix}`]: '12/10/1990',
      [`numberofchildren${suffix}`]: '3',
    });
    const answer = await api.get(path, {
      prefer: 'odata.include-annotations=OData.Community.Display.V1.FormattedValue,odata.maxpagesize=3',
    });
    expect(valuesOf(answer)[0]).toHaveProperty([`gendercode${suffix}`]);
    expect(answer.headers.get('preference-applied')).toContain('odata.maxpagesize=3');
    expect(valuesOf(await api.get(path))[0]).not.toHaveProperty([`gendercode${suffix}`]);
  });

  const refused: [string, string][] = [
    ['$select=nosuch', 'Could not find a property'],
    ['$select=parentcustomerid', 'Could not find a property'],
    ['$expand=nosuch', 'Could not find a property'],
    ['$orderby=nosuch', 'Could not find a property'],
    ['$skip=5', '$skip'],
    ['$apply=groupby((gendercode))', '$apply'],
    ['fetchXml=<fetch/>', 'fetchxml'],
    ['$top=x', 'Invalid value'],
    ['$nonsense=1', '$nonsense'],
  ];
  it.each(refused)('with %s is refused aloud', async (query, message) => {
    const answer = await api.get(`contacts?${query}`);
    expect(answer.status).toBe(400);
    expect(messageOf(answer)).toContain(message);
  });

  it('whose tag or other custom option is unknown goes through', async () => {
    expect((await api.get('contacts?$top=1&tag=ours')).status).toBe(200);
  });
});

describe('one row', () => {
  it('is found by its id in any case, bare or named', async () => {
    for (const key of [account, account.toUpperCase(), `accountid=${account}`]) {
      const answer = await api.get(`accounts(${key})?$select=name`);
      expect([answer.json['name'], answer.json['accountid']]).toEqual(['Engines & Co', account]);
      expect(answer.json['@odata.context']).toBe(`${api.base}$metadata#accounts(name)/$entity`);
    }
  });

  it('is not sent again to a client that has it, unless annotations or links are asked for', async () => {
    const path = `accounts(${account})?$select=name`;
    const etag = text((await api.get(path)).json['@odata.etag']);
    expect((await api.get(path, { 'if-none-match': etag })).status).toBe(304);
    expect((await api.get(path, { 'if-none-match': 'W/"1"' })).status).toBe(200);
    expect((await api.get(path, { 'if-none-match': 'null' })).status).toBe(200);
    expect(
      (await api.get(path, { 'if-none-match': etag, prefer: 'odata.include-annotations="*"' })).status,
    ).toBe(200);
    expect((await api.get(`${path}&$expand=primarycontactid`, { 'if-none-match': etag })).status).toBe(200);
  });

  it('that is absent is a 404, and a bad key a 400', async () => {
    expect(codeOf(await api.get('contacts(00000000-0000-4000-8000-00000000dead)'))).toBe('0x80040217');
    const undefinedKey = await api.get("contacts(emailaddress1='x')");
    expect(undefinedKey.status).toBe(400);
    expect(messageOf(undefinedKey)).toContain(
      "The key in the request URI is not valid for resource 'Microsoft.Dynamics.CRM.contact'.",
    );
    expect((await api.get('contacts(abc)')).status).toBe(400);
  });
});

describe('paging', () => {
  it('follows links to every row once, in primary key order, by pages of the size preferred', async () => {
    const prefer = { prefer: 'odata.maxpagesize=2' };
    const pages: string[][] = [];
    let answer = await api.get('contacts?$select=fullname&$top=1', prefer);
    pages.push(pluck(answer, 'contactid'));
    while (answer.json['@odata.nextLink'] !== undefined) {
      answer = await api.follow(answer.json['@odata.nextLink'], prefer);
      pages.push(pluck(answer, 'contactid'));
    }
    expect(pages.map((page) => page.length)).toEqual([2, 2, 1]);
    const ids = pages.flat();
    expect(ids).toHaveLength(people.length);
    expect(ids).toEqual([...new Set(ids)].sort());
  });

  it('keeps the order and the filter of the query', async () => {
    const seen: string[] = [];
    let answer = await api.get(
      'contacts?$select=firstname&$filter=numberofchildren ne null&$orderby=numberofchildren desc',
      { prefer: 'odata.maxpagesize=1' },
    );
    for (;;) {
      seen.push(...pluck(answer, 'firstname'));
      if (answer.json['@odata.nextLink'] === undefined) break;
      answer = await api.follow(answer.json['@odata.nextLink'], { prefer: 'odata.maxpagesize=1' });
    }
    expect([seen[0], seen.at(-1), seen.length]).toEqual(['Ada', 'Bob', 4]);
  });

  it('writes the cookie as XML with first and last GUID, encoded once outside and twice inside', async () => {
    const answer = await api.get('contacts?$select=fullname', { prefer: 'odata.maxpagesize=2' });
    const [first = '', last = ''] = pluck(answer, 'contactid').map((id) => id.toUpperCase());
    const link = text(answer.json['@odata.nextLink']);
    expect(link.startsWith(`${api.base}contacts?$select=fullname&$skiptoken=%3ccookie`)).toBe(true);
    const outer = decodeURIComponent(link.slice(link.indexOf('$skiptoken=') + '$skiptoken='.length));
    const match = /^<cookie pagenumber="2" pagingcookie="([^"]+)" istracking="False" \/>$/.exec(outer);
    const inner = decodeURIComponent(decodeURIComponent(match?.[1] ?? ''));
    expect(inner).toContain(`<contactid last="{${last}}" first="{${first}}" />`);
  });

  it('shows rows as they are when their page is read, not as they were at the first page', async () => {
    await api.defineTable('new_Live');
    const id = (n: number) => `00000000-0000-4000-8000-00000000000${n}`;
    for (const n of [2, 4, 6]) await api.create('new_lives', { new_liveid: id(n), new_name: String(n) });
    const prefer = { prefer: 'odata.maxpagesize=1' };
    const first = await api.get('new_lives', prefer);
    await api.create('new_lives', { new_liveid: id(1), new_name: '1' });
    await api.create('new_lives', { new_liveid: id(3), new_name: '3' });
    await api.succeed('DELETE', `new_lives(${id(4)})`);
    const rest: string[] = [];
    for (let answer = first; answer.json['@odata.nextLink'] !== undefined;) {
      answer = await api.follow(answer.json['@odata.nextLink'], prefer);
      rest.push(...pluck(answer, 'new_name'));
    }
    expect([pluck(first, 'new_name'), rest]).toEqual([['2'], ['3', '6']]);
  });

  it('refuses a cookie that is not the service’s own', async () => {
    expect((await api.get('contacts?$skiptoken=nonsense')).status).toBe(400);
  });
});
