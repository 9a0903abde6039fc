import { describe, expect, it } from 'vitest';
import {
  codeOf,
  idIn,
  label,
  messageOf,
  pluck,
  text,
  useApi,
  valuesOf,
  type Answer,
  type Json,
} from './support.js';

const api = useApi();
const CONTINUE = { prefer: 'odata.continue-on-error' };

interface Part {
  method: string;
  address: string;
  body?: unknown;
  headers?: string[];
  contentId?: string;
}

const partText = ({ method, address, body, headers = [], contentId }: Part) =>
  [
    'Content-Type: application/http',
    'Content-Transfer-Encoding: binary',
    ...(contentId === undefined ? [] : [`Content-ID: ${contentId}`]),
    '',
    `${method} ${address} HTTP/1.1`,
    'Content-Type: application/json; type=entry',
    ...headers,
    '',
    body === undefined ? '' : JSON.stringify(body),
  ].join('\r\n');

const setText = (parts: Part[], boundary = 'changeset_9c') =>
  [
    `Content-Type: multipart/mixed; boundary="${boundary}"`,
    '',
    ...parts.map((part) => `--${boundary}\r\n${partText(part)}`),
    `--${boundary}--`,
  ].join('\r\n');

const batchText = (parts: string[]) =>
  [...parts.map((part) => `--batch_7f1\r\n${part}`), '--batch_7f1--', ''].join('\r\n');

const send = (
  body: string,
  headers: Record<string, string> = {},
  contentType = 'multipart/mixed; boundary="batch_7f1"',
) => api.call('POST', '$batch', body, { 'content-type': contentType, ...headers });
const batch = (parts: (Part | Part[])[], headers?: Record<string, string>) =>
  send(batchText(parts.map((part) => (Array.isArray(part) ? setText(part) : partText(part)))), headers);

interface PartAnswer {
  status: number;
  reason: string;
  headers: Record<string, string>;
  contentId: string | undefined;
  json: Json;
}

/** Reads a batch answer strictly, by the form that dataverse.md §13 gives. Each change set becomes a list. */
function read(answer: Answer): (PartAnswer | PartAnswer[])[] {
  const boundary = /^multipart\/mixed; boundary=(batchresponse_[0-9a-f-]{36})$/.exec(
    answer.headers.get('content-type') ?? '',
  )?.[1];
  expect(answer.text.startsWith(`--${boundary}\r\n`)).toBe(true);
  expect(answer.text).not.toMatch(/[^\r]\n/);
  return split(answer.text, boundary ?? '').map((part) => {
    const inner = /^Content-Type: multipart\/mixed; boundary=(changesetresponse_[0-9a-f-]{36})\r\n\r\n/.exec(
      part,
    );
    if (!inner) return readPart(part);
    return split(part.slice(inner[0].length), inner[1] ?? '').map(readPart);
  });
}

function split(body: string, boundary: string): string[] {
  const pieces = `\r\n${body}`.split(`\r\n--${boundary}`);
  expect(pieces.at(-1)?.startsWith('--')).toBe(true);
  return pieces.slice(1, -1).map((piece) => piece.slice(2));
}

function readPart(part: string): PartAnswer {
  const [mime = '', head = '', ...body] = part.split('\r\n\r\n');
  expect(mime).toMatch(/^Content-Type: application\/http\r\nContent-Transfer-Encoding: binary/);
  const [statusLine = '', ...headerLines] = head.split('\r\n');
  const status = /^HTTP\/1\.1 (\d{3}) ([A-Za-z][A-Za-z ]+)$/.exec(statusLine);
  const headers = Object.fromEntries(
    headerLines.map((line) => [line.split(': ')[0], line.slice(line.indexOf(': ') + 2)]),
  );
  const content = body.join('\r\n\r\n').trim();
  return {
    status: Number(status?.[1]),
    reason: status?.[2] ?? '',
    headers,
    contentId: /Content-ID: (.+)/.exec(mime)?.[1],
    json: (content.startsWith('{') ? JSON.parse(content) : {}) as Json,
  };
}

const only = (answer: Answer) => read(answer)[0] as PartAnswer;
const statuses = (answer: Answer) =>
  read(answer).map((part) => (Array.isArray(part) ? part.map(({ status }) => status) : part.status));
const named = async (lastname: string) =>
  pluck(await api.get(`contacts?$select=contactid&$filter=lastname eq '${lastname}'`), 'contactid');

describe('a batch', () => {
  it('answers its parts in order, each with its own status, and sees what earlier ones did', async () => {
    const id = '00000000-0000-4000-8000-000000000b01';
    const answer = await batch([
      { method: 'POST', address: '/api/data/v9.2/contacts', body: { contactid: id, lastname: 'Batch' } },
      {
        method: 'PATCH',
        address: `${api.base}contacts(${id})`,
        body: { jobtitle: 'x' },
        headers: ['If-Match: *'],
      },
      { method: 'GET', address: `/api/data/v9.1/contacts(${id})?$select=jobtitle` },
      { method: 'GET', address: '/api/data/v9.2/contacts/$count' },
    ]);
    expect(answer.status).toBe(200);
    const [created, updated, got, counted] = read(answer) as PartAnswer[];
    expect(created).toMatchObject({
      status: 204,
      reason: 'No Content',
      headers: {
        'OData-Version': '4.0',
        'OData-EntityId': `${api.base}contacts(${id})`,
        Location: `${api.base}contacts(${id})`,
      },
    });
    expect(updated?.status).toBe(204);
    expect(got?.json).toMatchObject({
      jobtitle: 'x',
      '@odata.context': `${api.caller.ready.dynamics}/api/data/v9.1/$metadata#contacts(jobtitle)/$entity`,
    });
    expect(counted?.headers['Content-Type']).toBe('text/plain');
  });

  it('ends at the first failure with an outer 400, whatever the part’s status', async () => {
    const answer = await batch([
      { method: 'POST', address: '/api/data/v9.2/contacts', body: { lastname: 'First' } },
      {
        method: 'PATCH',
        address: '/api/data/v9.2/contacts(00000000-0000-4000-8000-00000000dead)',
        body: {},
        headers: ['If-Match: *'],
      },
      { method: 'POST', address: '/api/data/v9.2/contacts', body: { lastname: 'Never' } },
    ]);
    expect([answer.status, statuses(answer)]).toEqual([400, [204, 404]]);
    expect(await named('First')).toHaveLength(1);
    expect(await named('Never')).toHaveLength(0);
  });

  it('goes on after errors when that is preferred', async () => {
    const answer = await batch(
      [
        { method: 'POST', address: '/api/data/v9.2/contacts', body: { gendercode: 9 } },
        { method: 'POST', address: '/api/data/v9.2/contacts', body: { lastname: 'Went on' } },
      ],
      CONTINUE,
    );
    expect([answer.status, statuses(answer)]).toEqual([200, [400, 204]]);
    expect(text((read(answer)[0] as PartAnswer).json['error']?.['code'])).toBe('0x8004431a');
  });

  it('carries parts’ own preferences, bulk actions and metadata', async () => {
    const answer = await batch([
      {
        method: 'POST',
        address: '/api/data/v9.2/contacts?$select=lastname',
        body: { lastname: 'Back' },
        headers: ['Prefer: return=representation'],
      },
      {
        method: 'POST',
        address: '/api/data/v9.2/contacts/Microsoft.Dynamics.CRM.CreateMultiple',
        body: { Targets: [{ '@odata.type': 'Microsoft.Dynamics.CRM.contact', lastname: 'Bulk' }] },
      },
      {
        method: 'GET',
        address: "/api/data/v9.2/EntityDefinitions(LogicalName='contact')?$select=EntitySetName",
      },
      { method: 'GET', address: '/api/data/v9.2/WhoAmI' },
    ]);
    const [back, bulk, metadata, who] = read(answer) as PartAnswer[];
    expect([back?.status, back?.json['lastname']]).toEqual([201, 'Back']);
    expect(bulk?.json['Ids']).toHaveLength(1);
    expect(metadata?.json['EntitySetName']).toBe('contacts');
    expect(text(who?.json['UserId'])).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('is one call in the statistics, its parts counted apart', async () => {
    await api.caller.succeed('POST', 'stats/reset');
    await batch([
      { method: 'GET', address: '/api/data/v9.2/contacts' },
      { method: 'GET', address: '/api/data/v9.2/EntityDefinitions?$select=LogicalName' },
      [{ method: 'POST', address: '/api/data/v9.2/contacts', body: { lastname: 'Counted' }, contentId: '1' }],
    ]);
    const stats = (await api.caller.control('GET', 'stats')).json['dynamics'];
    expect(stats).toMatchObject({ total: 1, batchParts: 3, byRoute: { 'POST $batch': { '200': 1 } } });
  });

  const forms: [string, string, string][] = [
    [
      'an unquoted boundary without a space',
      'multipart/mixed;boundary=b1',
      '--b1\r\nContent-Type: application/http\r\nContent-Transfer-Encoding:binary\r\n\r\nGET /api/data/v9.2/WhoAmI HTTP/1.1\r\n\r\n\r\n--b1--\r\n',
    ],
    [
      'lines that end with LF only',
      'multipart/mixed; boundary=b1',
      '--b1\nContent-Type: application/http\n\nGET /api/data/v9.2/WhoAmI() HTTP/1.1\nAccept: application/json\n\n--b1--\n',
    ],
    [
      'a preamble, an epilogue and no blank line before the delimiter',
      'multipart/mixed; boundary=b1',
      '\r\n--b1\r\nContent-Type: application/http\r\n\r\nGET /api/data/v9.2/WhoAmI HTTP/1.1\r\n--b1--\r\nthe end',
    ],
    [
      'no closing delimiter',
      'multipart/mixed; boundary=b1',
      '--b1\r\nContent-Type: application/http\r\n\r\nGET WhoAmI HTTP/1.1\r\n',
    ],
  ];
  it.each(forms)('may have %s', async (_form, contentType, body) => {
    const answer = await send(body, {}, contentType);
    expect([answer.status, text(only(answer).json['UserId']).length]).toEqual([200, 36]);
  });

  it('may have no blank line between headers and body', async () => {
    const body =
      '--b1\r\nContent-Type: application/http\r\n\r\nPOST /api/data/v9.2/contacts HTTP/1.1\r\nContent-Type: application/json\r\n{"lastname":"Tight"}\r\n--b1--';
    expect(only(await send(body, {}, 'multipart/mixed; boundary=b1')).status).toBe(204);
  });

  it('that is malformed is refused in plain JSON', async () => {
    for (const [body, type] of [
      ['nothing', 'multipart/mixed; boundary=b1'],
      ['{}', 'application/json'],
    ] as const) {
      const answer = await send(body, {}, type);
      expect(answer.status).toBe(400);
      expect(messageOf(answer)).not.toBe('');
    }
  });

  it('has no more operations than the limit says', async () => {
    const parts = Array.from({ length: 1001 }, () => ({ method: 'GET', address: '/api/data/v9.2/WhoAmI' }));
    const answer = await batch(parts);
    expect(answer.status).toBe(400);
    expect(messageOf(answer)).toMatch(
      /^The current change set contains too many operations\. A maximum number of '1000'/,
    );
  });

  it('can be refused per table', async () => {
    await api.caller.succeed('PUT', 'limits', { dynamics: { batchRefused: ['account'] } });
    const answer = await batch(
      [
        { method: 'GET', address: '/api/data/v9.2/accounts' },
        { method: 'GET', address: '/api/data/v9.2/contacts' },
      ],
      CONTINUE,
    );
    expect(statuses(answer)).toEqual([400, 200]);
    await api.caller.succeed('PUT', 'limits', { dynamics: { batchRefused: [] } });
  });
});

describe('a change set', () => {
  it('answers in a part of its own, with the Content-IDs, and refers to its earlier rows', async () => {
    const answer = await batch([
      [
        { method: 'POST', address: '/api/data/v9.2/accounts', body: { name: 'Referred' }, contentId: '1' },
        {
          method: 'POST',
          address: '/api/data/v9.2/contacts',
          body: { lastname: 'Refers', 'parentcustomerid_account@odata.bind': '$1' },
          contentId: '2',
        },
        { method: 'PATCH', address: '$2', body: { jobtitle: 'set' }, contentId: '3' },
        {
          method: 'PUT',
          address: '/api/data/v9.2/$1/primarycontactid/$ref',
          body: { '@odata.id': '$2' },
          contentId: '4',
        },
      ],
      {
        method: 'GET',
        address:
          "/api/data/v9.2/accounts?$filter=name eq 'Referred'&$expand=primarycontactid($select=jobtitle,_parentcustomerid_value)",
      },
    ]);
    const [set, got] = read(answer) as [PartAnswer[], PartAnswer];
    expect(set.map(({ status, contentId }) => [status, contentId])).toEqual([
      [204, '1'],
      [204, '2'],
      [204, '3'],
      [204, '4'],
    ]);
    const accountid = idIn(set[0]?.headers['OData-EntityId'] ?? '');
    expect(got.json['value']).toMatchObject([
      { accountid, primarycontactid: { jobtitle: 'set', _parentcustomerid_value: accountid } },
    ]);
  });

  it('is undone as a whole when one of its requests fails, whose answer stands for it', async () => {
    const victim = await api.create('contacts', { lastname: 'Victim' });
    const before = (await api.get(`contacts(${victim})`)).json;
    const dead = await api.create('contacts', { lastname: 'Dead' });
    const link = text(
      (await api.get('contacts?$select=lastname', { prefer: 'odata.track-changes' })).json[
        '@odata.deltaLink'
      ],
    );
    const answer = await batch(
      [
        [
          {
            method: 'POST',
            address: '/api/data/v9.2/contacts',
            body: { lastname: 'Undone' },
            contentId: '1',
          },
          {
            method: 'PATCH',
            address: `/api/data/v9.2/contacts(${victim})`,
            body: { lastname: 'Changed' },
            contentId: '2',
          },
          { method: 'DELETE', address: `/api/data/v9.2/contacts(${dead})`, contentId: '3' },
          {
            method: 'POST',
            address: '/api/data/v9.2/contacts',
            body: { firstname: 'x'.repeat(51) },
            contentId: '4',
          },
        ],
        { method: 'GET', address: '/api/data/v9.2/WhoAmI' },
      ],
      CONTINUE,
    );
    const [set, who] = read(answer) as [PartAnswer[], PartAnswer];
    expect(set.map(({ status, contentId }) => [status, contentId])).toEqual([[400, '4']]);
    expect(who.status).toBe(200);
    expect(await named('Undone')).toHaveLength(0);
    expect((await api.get(`contacts(${victim})`)).json).toEqual(before);
    expect((await api.get(`contacts(${dead})`)).status).toBe(200);
    const delta = await api.caller.dynamics('GET', link.slice(api.caller.ready.dynamics.length));
    expect(valuesOf(delta)).toEqual([]);
  });

  it('ends the batch with 400 when it fails, unless going on is preferred', async () => {
    const answer = await batch([
      [
        {
          method: 'PATCH',
          address: '/api/data/v9.2/contacts(00000000-0000-4000-8000-00000000dead)',
          body: {},
          headers: ['If-Match: *'],
          contentId: '1',
        },
      ],
      { method: 'GET', address: '/api/data/v9.2/WhoAmI' },
    ]);
    expect([answer.status, statuses(answer)]).toEqual([400, [[404]]]);
  });

  it('refuses a reference to a request that is not before it', async () => {
    const answer = await batch([
      [
        {
          method: 'POST',
          address: '/api/data/v9.2/contacts',
          body: { 'parentcustomerid_account@odata.bind': '$9' },
          contentId: '1',
        },
      ],
    ]);
    const [refused] = read(answer)[0] as PartAnswer[];
    expect(text(refused?.json['error']?.['message'])).toBe(
      "Content-ID Reference: '$9' does not exist in the batch context.",
    );
  });

  it('reads nothing', async () => {
    const answer = await batch([[{ method: 'GET', address: '/api/data/v9.2/contacts', contentId: '1' }]]);
    expect(answer.status).toBe(400);
    expect(messageOf(answer)).toContain(
      "An invalid HTTP method 'GET' was detected for a request in a change set.",
    );
  });
});

describe('bulk actions', () => {
  const TYPE = { '@odata.type': 'Microsoft.Dynamics.CRM.contact' };
  const bulk = (action: string, Targets: unknown[], set = 'contacts') =>
    api.call('POST', `${set}/Microsoft.Dynamics.CRM.${action}`, { Targets });

  it('create rows and give their ids in order', async () => {
    const answer = await bulk(
      'CreateMultiple',
      ['One', 'Two'].map((lastname) => ({ ...TYPE, lastname: `Bulk ${lastname}` })),
    );
    expect(answer.status).toBe(200);
    const [first, second] = (answer.json['Ids'] as unknown as string[]) ?? [];
    expect(await named('Bulk One')).toEqual([first]);
    expect(await named('Bulk Two')).toEqual([second]);
  });

  it('roll back as a whole', async () => {
    const answer = await bulk('CreateMultiple', [
      { ...TYPE, lastname: 'Rolled back' },
      { ...TYPE, gendercode: 9 },
    ]);
    expect([answer.status, codeOf(answer)]).toEqual([400, '0x8004431a']);
    expect(await named('Rolled back')).toHaveLength(0);
  });

  it('update rows, and name every one that is missing', async () => {
    const id = await api.create('contacts', { lastname: 'To update' });
    expect((await bulk('UpdateMultiple', [{ ...TYPE, contactid: id, jobtitle: 'x' }])).status).toBe(204);
    const absent = ['00000000-0000-4000-8000-00000000aaaa', '00000000-0000-4000-8000-00000000bbbb'];
    const answer = await bulk('UpdateMultiple', [
      { ...TYPE, contactid: id, jobtitle: 'y' },
      ...absent.map((contactid) => ({ ...TYPE, contactid })),
    ]);
    expect([answer.status, messageOf(answer)]).toEqual([
      404,
      `Contact With Ids = ${absent.join(', ')} Do Not Exist`,
    ]);
    expect((await api.get(`contacts(${id})`)).json['jobtitle']).toBe('x');
  });

  it('upsert rows by id and by alternate key, but not with the key’s column in the body of a new row', async () => {
    await api.succeed('POST', "EntityDefinitions(LogicalName='contact')/Keys", {
      SchemaName: 'new_ExternalKey',
      KeyAttributes: ['externaluseridentifier'],
      DisplayName: label('Key'),
    });
    await api.advance('PT1M');
    const id = '00000000-0000-4000-8000-00000000c001';
    const keyed = (key: string, more: object) => ({
      ...TYPE,
      '@odata.id': `contacts(externaluseridentifier='${key}')`,
      ...more,
    });
    expect(
      (
        await bulk('UpsertMultiple', [
          { ...TYPE, contactid: id, lastname: 'Upserted' },
          keyed('E1', { lastname: 'Keyed' }),
        ])
      ).status,
    ).toBe(204);
    expect((await api.get("contacts(externaluseridentifier='E1')")).json['lastname']).toBe('Keyed');
    expect(
      (await bulk('UpsertMultiple', [keyed('E1', { externaluseridentifier: 'E1', lastname: 'Again' })]))
        .status,
    ).toBe(204);
    const refused = await bulk('UpsertMultiple', [keyed('E2', { externaluseridentifier: 'E2' })]);
    expect([refused.status, codeOf(refused)]).toEqual([400, '0x80040216']);
    expect((await api.get("contacts(externaluseridentifier='E1')")).json['lastname']).toBe('Again');
  });

  it('are refused where the table has none, and where an item has no type', async () => {
    expect(messageOf(await bulk('DeleteMultiple', [TYPE]))).toBe(
      'DeleteMultiple has not yet been implemented.',
    );
    const answer = await bulk('CreateMultiple', [{ '@odata.type': 'Microsoft.Dynamics.CRM.team' }], 'teams');
    expect(answer.status).toBe(400);
    expect(messageOf(answer)).toContain("'CreateMultiple' method does not support entities of type 'team'");
    expect(codeOf(await bulk('CreateMultiple', [{ lastname: 'x' }]))).toBe('0x80048d19');
  });

  it('are told by sdkmessagefilters, which follow the limits', async () => {
    const probe = async (message: string) =>
      valuesOf(
        await api.get(
          `sdkmessagefilters?$select=sdkmessagefilterid&$expand=sdkmessageid($select=name)&$filter=sdkmessageid/name eq '${message}' and primaryobjecttypecode eq 'contact'`,
        ),
      );
    expect(await probe('CreateMultiple')).toMatchObject([{ sdkmessageid: { name: 'CreateMultiple' } }]);
    expect(await probe('UpsertMultiple')).toEqual([]);
    await api.caller.succeed('PUT', 'limits', { dynamics: { bulkActions: { contact: [] } } });
    expect(await probe('CreateMultiple')).toEqual([]);
    expect((await bulk('CreateMultiple', [TYPE])).status).toBe(400);
    await api.caller.succeed('PUT', 'limits', { dynamics: { bulkActions: { contact: ['CreateMultiple'] } } });
  });

  it('count their rows in the statistics', async () => {
    await api.caller.succeed('POST', 'stats/reset');
    await bulk('CreateMultiple', [TYPE, TYPE, TYPE]);
    expect((await api.caller.control('GET', 'stats')).json['dynamics']).toMatchObject({
      total: 1,
      bulkRows: 3,
      byRoute: { 'POST contacts/CreateMultiple': { '200': 1 } },
    });
  });
});
