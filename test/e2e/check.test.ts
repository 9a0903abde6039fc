import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { Checked } from '../../src/command-line/check.js';
import type { Finding } from '../../src/contracts.js';
import { defineParcels } from '../support/parcels.js';
import { proxyOf } from '../support/proxy.js';
import { connectFiles } from '../sandbox/sftp/client.js';
import { startStack, type Stack } from '../support/stack.js';

/** A mapping in which everything fits; looked at seldom, so that no run comes between. */
const good = `
version: 1
tables:
  - dynamics: new_item
    campaign: cusItem
    every: 1d
    key: { to: cusCrmId, addressBy: filter:bycrmid }
    fields: [{ from: new_pieces, to: cusPieces }]
    links:
      - { from: new_parcelid, to: cusParcel, table: new_parcel, by: pkey }
      - { value: news, to: cusService, resource: service, keyField: name }
  - dynamics: new_parcel
    campaign: cusParcel
    every: 1d
    key: { to: cusCrmId, addressBy: filter:bycrmid }
    fields: [{ from: new_weight, to: cusWeight }]
    links: [{ from: new_contactid, to: cusProfileId, table: contact, by: key }]
  - dynamics: contact
    campaign: profile
    every: 1d
    key: { to: externalId }
    fields:
      - { from: lastname, to: lastName }
      - { from: emailaddress1, to: email }
      - { from: birthdate, to: birthDate }
      - { from: gendercode, to: gender, choice: label }
      - { from: address1_city, to: location.city }
      - { value: true, to: isExternal }
    replacements: [{ field: gendercode, from: 1, to: male }, { field: gendercode, from: 2, to: female }]
    filters: { where: [{ field: statecode, is: equal, value: 0 }] }
`;

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({
    temporalAddress: inject('temporalAddress'),
    contacts: 10,
    document: good,
  });
  await defineParcels(stack.systems);
  const link = { type: 'link', label: 'Service', target: 'service' };
  await stack.systems.sandbox.dataModel({
    resources: [
      {
        name: 'cusItem',
        schema: 'cus:cusItem',
        label: 'Items',
        endpoints: ['profileAndServicesExt'],
        fields: { cusService: link },
      },
      {
        name: 'cusStrict',
        schema: 'cus:cusStrict',
        label: 'Strict',
        endpoints: ['customResources'],
        fields: {
          cusCode: { type: 'string', label: 'Code', length: 20 },
          cusMust: { type: 'string', label: 'Must', length: 40, mandatory: true },
          cusPieces: { type: 'long', label: 'Pieces' },
        },
      },
    ],
    filters: [
      { name: 'bymust', conditions: [{ fields: ['cusMust'], operator: '=', parameter: 'must_parameter' }] },
      {
        name: 'byother',
        conditions: [{ fields: ['cusMust'], operator: '<>', parameter: 'other_parameter' }],
      },
    ]
      .map((filter) => ({ ...filter, resource: 'cusStrict', label: filter.name }))
      .concat(
        ['<', '='].map((operator) => ({
          name: operator === '<' ? 'byolder' : 'byexactly',
          resource: 'profile',
          label: 'Modified since, wrongly',
          conditions: [{ fields: ['created'], operator, parameter: 'lm_parameter' }],
        })),
      ),
  });
  await stack.systems.metadata("EntityDefinitions(LogicalName='new_parcel')/Attributes", {
    '@odata.type': 'Microsoft.Dynamics.CRM.StringAttributeMetadata',
    SchemaName: 'new_Secret',
    MaxLength: 40,
    IsSecured: true,
    RequiredLevel: { Value: 'None' },
  });
  await stack.systems.records.create('profileAndServicesExt/service', { name: 'news', label: 'News' });
  await stack.sync();
}, 60_000);
afterAll(() => stack.stop(), 60_000);

async function check(document?: string): Promise<Checked & { status: number }> {
  const { status, out, error } = await stack.starter('check', '--json', ...(await configOf(document)));
  expect(error).toBe('');
  return { status, ...(JSON.parse(out) as Checked) };
}

async function configOf(document: string | undefined): Promise<string[]> {
  if (document === undefined) return [];
  const file = join(stack.folder, 'candidate.yaml');
  await writeFile(file, document);
  return ['--config', file];
}

/** What is not well, one line each. */
const amiss = (findings: Finding[]): string[] =>
  findings
    .filter(({ severity }) => severity !== 'ok')
    .map(({ severity, area, subject, code }) => [severity, area, subject, code].filter(Boolean).join(' | '))
    .toSorted();

const oneOf = (findings: Finding[], area: string, subject: string): Finding | undefined =>
  findings.find((finding) => finding.area === area && finding.subject === subject);

test('a mapping in which everything fits is well in every respect, and nothing is written', async () => {
  await stack.systems.sandbox.resetStats();
  const { ok, status, findings } = await check();
  expect(amiss(findings)).toEqual([]);
  expect({ ok, status }).toEqual({ ok: true, status: 0 });
  expect(oneOf(findings, 'mapping', 'version 1')?.found).toContain('contact, new_parcel, new_item');
  expect(oneOf(findings, 'key', 'profile.externalId')?.found).toContain('finds a record by its key');
  expect(oneOf(findings, 'tracking', 'organisation')?.found).toContain('7 days');
  const { dynamics, campaign } = await stack.systems.sandbox.stats();
  const routes = [...Object.keys(dynamics.byRoute), ...Object.keys(campaign.byRoute)];
  expect(routes.filter((route) => !/^GET |token/.test(route))).toEqual([]);
}, 60_000);

test('without --json it is a table that says what to do', async () => {
  const { out, status } = await stack.starter(
    'check',
    ...(await configOf(good.replace('from: lastname', 'from: firstname').replace('lastName', 'firstName'))),
  );
  expect(status).toBe(0);
  expect(out).toMatch(/warning +fields: contact\.firstname/);
  expect(out).toContain('Lengthen the field');
  expect(out).toContain('0 errors, 1 warnings');
}, 60_000);

test('every fault of a mapping is found at once', async () => {
  const { ok, status, findings } = await check(`
version: 1
tables:
  - dynamics: contact
    campaign: profile
    key: { to: externalId, addressBy: filter:byshoesize }
    fields:
      - { from: shoesize, to: lastName }
      - { from: firstname, to: age }
      - { from: lastname, to: cusShoeSize }
      - { from: middlename, to: location }
      - { from: birthdate, to: blackList }
      - { from: gendercode, to: gender }
      - { from: preferredcontactmethodcode, to: emailFormat, choice: label }
      - { from: emailaddress1, to: salutation }
      - { from: parentcustomerid, to: fax }
      - { from: telephone1, to: birthDate }
      - { value: perhaps, to: isExternal }
    replacements: [{ field: preferredcontactmethodcode, from: 2, to: html }]
    filters: { where: [{ field: statecode, is: before, value: 2020-01-01 }, { field: hatsize, is: not null }] }
  - dynamics: account
    campaign: cusStrict
    key: { to: cusCode }
    fields: [{ from: name, to: cusPieces }]
  - dynamics: new_parcel
    campaign: cusParcel
    key: { to: cusWeight, addressBy: filter:bycrmid }
    fields: [{ from: new_secret, to: cusName }]
    links: [{ from: new_contactid, to: cusProfile, table: contact, by: key }]
  - dynamics: new_item
    campaign: cusItem
    key: { to: cusCrmId, addressBy: filter:bycrmid }
    links:
      - { from: ownerid, to: cusName, table: new_parcel, by: key }
      - { from: new_name, to: cusPieces, table: contact, by: key }
      - { value: nowhere, to: cusService, resource: service, keyField: name }
  - dynamics: team
    campaign: service
    key: { to: name }
  - dynamics: new_nothing
    campaign: cusNothing
    key: { to: cusCrmId }
`);
  expect({ ok, status }).toEqual({ ok: false, status: 1 });
  expect(amiss(findings)).toEqual([
    'error | columns | contact.hatsize | MAPPING_INVALID',
    'error | columns | contact.shoesize | MAPPING_INVALID',
    'error | fields | contact.birthdate → profile.blackList | VALUE_NOT_CONVERTIBLE',
    'error | fields | contact.gendercode → profile.gender | CHOICE_UNKNOWN',
    'error | fields | contact.parentcustomerid → profile.fax | TEXT_TOO_LONG',
    'error | fields | cusStrict.cusMust | CAMPAIGN_REFUSED',
    'error | fields | profile | MAPPING_INVALID',
    'error | fields | profile.age | FIELD_UNKNOWN',
    'error | fields | profile.cusShoeSize | FIELD_UNKNOWN',
    'error | fields | profile.location | FIELD_UNKNOWN',
    'error | filters | contact | MAPPING_INVALID',
    'error | filters | contact | MAPPING_INVALID',
    'error | key | cusParcel.cusWeight',
    'error | key | cusStrict.cusCode | TEXT_TOO_LONG',
    'error | key | profile.externalId',
    'error | links | cusItem.cusService | CAMPAIGN_LINK_TARGET_MISSING',
    'error | links | cusParcel | MAPPING_INVALID',
    'error | links | new_item.new_name',
    'error | links | new_item.new_name → cusItem.cusPieces | VALUE_NOT_CONVERTIBLE',
    'error | links | new_item.ownerid | PARENT_MISSING',
    'error | resource | cusNothing | CAMPAIGN_RESOURCE_UNKNOWN',
    'error | table | new_nothing | DYNAMICS_REQUEST_REFUSED',
    'error | tracking | team | DYNAMICS_TRACKING_OFF',
    'warning | columns | new_parcel.new_secret',
    'warning | fields | account.name → cusStrict.cusPieces | VALUE_NOT_CONVERTIBLE',
    'warning | fields | contact.emailaddress1 → profile.salutation | TEXT_TOO_LONG',
    'warning | fields | contact.firstname → profile.age | VALUE_NOT_CONVERTIBLE',
    'warning | fields | contact.preferredcontactmethodcode → profile.emailFormat | CHOICE_UNKNOWN',
    'warning | fields | contact.telephone1 → profile.birthDate | VALUE_NOT_CONVERTIBLE',
    'warning | fields | new_nothing → cusNothing',
  ]);
  expect(oneOf(findings, 'fields', 'contact.emailaddress1 → profile.salutation')?.found).toMatch(/100 .* 20/);
  expect(oneOf(findings, 'key', 'profile.externalId')?.found).toContain('byexternalid');
  const choices = oneOf(
    findings,
    'fields',
    'contact.preferredcontactmethodcode → profile.emailFormat',
  )?.found;
  expect(choices).toContain('3 (Phone)');
  expect(choices).not.toContain('2 (Email)');
  expect(findings.map(({ severity }) => severity)).toEqual([
    ...Array<string>(23).fill('error'),
    ...Array<string>(7).fill('warning'),
    ...findings.slice(30).map(() => 'ok'),
  ]);
}, 60_000);

test('a key that does not lead to one record is found by trying it', async () => {
  const strict = 'customResources/cusStrict';
  const account = (addressBy: string) =>
    `version: 1
tables:
  - dynamics: account
    campaign: cusStrict
    key: { to: cusMust, addressBy: '${addressBy}' }
    fields: [{ from: accountnumber, to: cusCode }]
`;
  const keyOf = async (addressBy: string): Promise<Finding | undefined> =>
    oneOf((await check(account(addressBy))).findings, 'key', 'cusStrict.cusMust');
  expect(await keyOf('url')).toMatchObject({ severity: 'ok' });

  const [first] = await Promise.all([
    stack.systems.records.create(strict, { cusCode: 'one', cusMust: 'a-key' }),
    stack.systems.records.create(strict, { cusCode: 'two', cusMust: 'another-key' }),
  ]);
  expect(await keyOf('url')).toMatchObject({
    severity: 'error',
    next: expect.stringContaining('identification key'),
  });
  expect(await keyOf('filter:bymust')).toMatchObject({ severity: 'ok' });
  expect(await keyOf('filter:byother')).toMatchObject({
    severity: 'error',
    found: expect.stringContaining('a key that no record has'),
  });

  await stack.systems.records.update(strict, first, { cusMust: 'another-key' });
  expect(await keyOf('filter:bymust')).toMatchObject({ severity: 'error', code: 'DUPLICATE_IN_CAMPAIGN' });
}, 60_000);

test('opt-out flags are looked at on both sides, and the right to write them', async () => {
  const { findings } = await check(`${good}
optOut:
  direction: bidirectional
  flags:
    - { dynamics: donotemail, campaign: blackListEmail }
    - { dynamics: followemail, campaign: blackListPhone }
    - { dynamics: jobtitle, campaign: blackListFax }
    - { dynamics: nosuchflag, campaign: blackListPushnotification }
`);
  expect(amiss(findings)).toEqual([
    'error | opt-out | contact.jobtitle',
    'error | opt-out | contact.nosuchflag',
    'warning | opt-out | contact.followemail',
    'warning | opt-out | profile.blackListPushnotification',
  ]);
  expect(oneOf(findings, 'rights', 'contact (write)')?.severity).toBe('ok');
}, 60_000);

test('the source of opt-outs is tried: the filter by its answers, the export by its age', async () => {
  const source = async (more: string) => {
    const { findings } = await check(`${good}
optOut:
  direction: bidirectional
  ${more}
  flags: [{ dynamics: donotemail, campaign: blackListEmail }]
`);
    return findings.filter(({ area, subject }) => area === 'opt-out' && /^profile\/|source/.test(subject));
  };
  expect(await source('changes: {}')).toMatchObject([{ severity: 'ok' }]);
  expect(await source('changes: { filter: byolder }')).toMatchObject([
    { severity: 'error', found: expect.stringContaining('before the time') },
  ]);
  expect(await source('changes: { filter: byexactly }')).toMatchObject([
    { severity: 'error', found: expect.stringContaining('leaves out profiles') },
  ]);
  expect(await source('changes: { filter: byNothing }')).toMatchObject([
    { severity: 'error', code: 'CAMPAIGN_FILTER_MISSING' },
  ]);
  expect(await source('source: files')).toMatchObject([
    { severity: 'warning', found: expect.stringContaining('no export file') },
  ]);
  const files = await connectFiles(stack.sandbox.ready);
  const headings = ['externalId', 'blackListEmail'].join('\t');
  await files.write('d365_loads/exports/optOuts_20261125_080000.txt', Buffer.from(`${headings}\n`));
  await files.end();
  expect(await source('source: files')).toMatchObject([{ severity: 'ok' }]);
  await expect
    .poll(() => source('source: files\n  staleAfter: 1s'), { timeout: 20_000 })
    .toMatchObject([{ severity: 'warning', found: expect.stringContaining('older than staleAfter (1s)') }]);
}, 60_000);

test('the tables that take events are looked at, the right to create rows in them, and their source', async () => {
  const events = `${good}events: { sends: true, bounces: true, followUp: { bounces: true } }\n`;
  expect(amiss((await check(events)).findings)).toEqual([
    'error | events | bounces: dcs_emailbounce | DYNAMICS_EVENT_TABLE_UNFIT',
    'error | events | sends: dcs_emailsend | DYNAMICS_EVENT_TABLE_UNFIT',
  ]);
  await stack.starter('provision');
  const { findings } = await check(events);
  expect(amiss(findings)).toEqual([]);
  for (const table of ['dcs_emailsend', 'dcs_emailbounce', 'task'])
    expect(oneOf(findings, 'rights', `${table} (create)`)?.severity).toBe('ok');
  expect(oneOf(findings, 'events', 'source: journal')?.found).toContain('it answers');
}, 60_000);

test('a missing right is named, and hides nothing else', async () => {
  await stack.systems.sandbox.limits({ dynamics: { globalReadMissing: ['new_parcel'] } });
  const { status, findings } = await check();
  await stack.systems.sandbox.limits({ dynamics: { globalReadMissing: [] } });
  expect(status).toBe(1);
  expect(amiss(findings)).toEqual(['error | rights | new_parcel | DYNAMICS_PRIVILEGE_MISSING']);
  expect(oneOf(findings, 'rights', 'new_parcel')?.found).toContain('prvReadnew_Parcel');
}, 60_000);

test('an invalid file is refused with all its faults', async () => {
  const file = await configOf(good.replaceAll('every: 1d', 'evrey: 1d'));
  const { status, out, error } = await stack.starter('check', '--json', ...file);
  expect({ status, out }).toEqual({ status: 2, out: '' });
  expect(error.match(/unknown key/g)).toHaveLength(3);
}, 60_000);

/** Each starts the worker anew, with settings of its own. */
describe('with other settings', () => {
  test('on v8: what it takes with new records only, and filters that have no name there', async () => {
    await stack.systems.sandbox.limits({ campaign: { edition: 'v8' } });
    await stack.restartWorker({ CAMPAIGN_EDITION: 'v8' });
    const { findings } = await check();
    await stack.systems.sandbox.limits({ campaign: { edition: 'standard' } });
    expect(amiss(findings)).toEqual([
      'error | key | cusItem.cusCrmId',
      'error | key | cusParcel.cusCrmId',
      'warning | fields | profile',
    ]);
    expect(findings.find(({ severity }) => severity === 'warning')?.found).toContain('location.city');
  }, 60_000);

  test('a system that lets nobody in is one finding, and the other one is still checked', async () => {
    await stack.restartWorker({ DYNAMICS_CLIENT_SECRET: 'wrong' });
    const { status, findings } = await check(good.replace('bycrmid', 'bynothing'));
    expect(status).toBe(1);
    expect(amiss(findings)).toEqual([
      'error | account | Dynamics | DYNAMICS_CREDENTIALS',
      'error | key | cusItem.cusCrmId',
      'warning | fields | contact → profile',
      'warning | fields | new_item → cusItem',
      'warning | fields | new_parcel → cusParcel',
    ]);
  }, 60_000);

  test('both credentials wrong are told together', async () => {
    await stack.restartWorker({ DYNAMICS_CLIENT_SECRET: 'wrong', ADOBE_CLIENT_SECRET: 'wrong' });
    expect(amiss((await check()).findings).slice(0, 2)).toEqual([
      'error | account | Campaign | CAMPAIGN_CREDENTIALS',
      'error | account | Dynamics | DYNAMICS_CREDENTIALS',
    ]);
  }, 60_000);

  test('a clock that is a minute off is a warning, one that is five off an error; so is a missing right to write', async () => {
    const { dynamics, entra, campaign } = stack.sandbox.ready;
    const ahead = await proxyOf(dynamics, {
      ahead: 400,
      answers: { 'CRM.RetrieveUserPrivileges': { RolePrivileges: [] } },
    });
    const behind = await proxyOf(campaign, { ahead: -100 });
    await stack.restartWorker({
      DYNAMICS_URL: ahead.url,
      DYNAMICS_TOKEN_ENDPOINT: entra.replace(dynamics, ahead.url),
      CAMPAIGN_URL: campaign.replace(new URL(campaign).origin, behind.url),
    });
    const flags = '[{ dynamics: donotemail, campaign: blackListEmail }]';
    const { status, findings } = await check(
      `${good}optOut: { direction: campaign-to-dynamics, flags: ${flags} }\n`,
    );
    await Promise.all([ahead.close(), behind.close()]);
    expect(status).toBe(1);
    expect(amiss(findings)).toEqual([
      'error | clock | Dynamics',
      'error | rights | contact (write) | DYNAMICS_PRIVILEGE_MISSING',
      'warning | clock | Campaign',
    ]);
    expect(oneOf(findings, 'rights', 'contact (write)')?.found).toContain('prvWriteContact');
    expect(oneOf(findings, 'clock', 'Dynamics')?.found).toMatch(/(39|40)\d s ahead of/);
    expect(oneOf(findings, 'clock', 'Campaign')?.found).toMatch(/(9\d|10\d) s behind/);
  }, 60_000);
});
