import { expect, test } from 'vitest';
import type { Arrived, Scripted } from '../support/http-server.js';
import { dynamicsOf, errorOf, refusal } from './scripted-dynamics.js';

const label = (english: string, german?: string) => ({
  UserLocalizedLabel: { Label: english, LanguageCode: 1033 },
  LocalizedLabels: [
    { Label: english, LanguageCode: 1033 },
    ...(german === undefined ? [] : [{ Label: german, LanguageCode: 1031 }]),
  ],
});
const column = (LogicalName: string, AttributeType: string, more: object = {}) => ({
  '@odata.type': `#Microsoft.Dynamics.CRM.${AttributeType}AttributeMetadata`,
  LogicalName,
  AttributeType,
  AttributeTypeName: { Value: `${AttributeType}Type` },
  IsValidForRead: true,
  ...more,
});
const answers: Record<string, object> = {
  '': {
    LogicalName: 'contact',
    EntitySetName: 'contacts',
    PrimaryIdAttribute: 'contactid',
    ChangeTrackingEnabled: true,
  },
  '/Attributes': {
    value: [
      column('contactid', 'Uniqueidentifier'),
      column('firstname', 'String'),
      column('birthdate', 'DateTime'),
      column('parentcustomerid', 'Customer'),
      column('gendercode', 'Picklist'),
      column('new_channel', 'Picklist'),
      column('new_interests', 'Virtual', { AttributeTypeName: { Value: 'MultiSelectPicklistType' } }),
      column('statecode', 'State'),
      column('donotemail', 'Boolean'),
      column('entityimage', 'Virtual', { AttributeTypeName: { Value: 'ImageType' } }),
      column('new_writeonly', 'String', { IsValidForRead: false }),
    ],
  },
  '/Attributes/Microsoft.Dynamics.CRM.PicklistAttributeMetadata': {
    value: [
      {
        LogicalName: 'gendercode',
        OptionSet: {
          Options: [
            { Value: 1, Label: label('Male', 'Männlich') },
            { Value: 2, Label: label('Female') },
          ],
        },
        GlobalOptionSet: null,
      },
      {
        LogicalName: 'new_channel',
        OptionSet: null,
        GlobalOptionSet: { Options: [{ Value: 100000000, Label: label('Shop', 'Laden') }] },
      },
    ],
  },
  '/Attributes/Microsoft.Dynamics.CRM.MultiSelectPicklistAttributeMetadata': {
    value: [
      {
        LogicalName: 'new_interests',
        OptionSet: {
          Options: [
            { Value: 9, Label: label('Swimming') },
            { Value: 10, Label: { UserLocalizedLabel: null, LocalizedLabels: [] } },
          ],
        },
      },
    ],
  },
  '/Attributes/Microsoft.Dynamics.CRM.StateAttributeMetadata': {
    value: [
      { LogicalName: 'statecode', OptionSet: { Options: [{ Value: 0, Label: label('Active', 'Aktiv') }] } },
    ],
  },
  '/Attributes/Microsoft.Dynamics.CRM.BooleanAttributeMetadata': {
    value: [
      {
        LogicalName: 'donotemail',
        OptionSet: {
          TrueOption: { Value: 1, Label: label('Do Not Allow') },
          FalseOption: { Value: 0, Label: label('Allow') },
        },
      },
    ],
  },
  '/Attributes/Microsoft.Dynamics.CRM.DateTimeAttributeMetadata': {
    value: [{ LogicalName: 'birthdate', DateTimeBehavior: { Value: 'DateOnly' } }],
  },
};
const organisation = ({ url }: Arrived): Scripted => {
  const path =
    url.split('?')[0]?.replace("/api/data/v9.2/EntityDefinitions(LogicalName='contact')", '') ?? '';
  const body = answers[path];
  return body ? { body } : refusal(404, '0x80060888', `Resource not found for the segment '${path}'`);
};

test('a table is described with its columns, the labels of its choices and the behaviour of its dates', async () => {
  const { dynamics, server } = await dynamicsOf(organisation, { language: 1031 });
  expect(await dynamics.table('contact')).toEqual({
    logicalName: 'contact',
    entitySetName: 'contacts',
    primaryId: 'contactid',
    changeTracking: true,
    columns: {
      contactid: { logicalName: 'contactid', type: 'Uniqueidentifier', selectName: 'contactid' },
      firstname: { logicalName: 'firstname', type: 'String', selectName: 'firstname' },
      birthdate: {
        logicalName: 'birthdate',
        type: 'DateTime',
        selectName: 'birthdate',
        dateTimeBehavior: 'DateOnly',
      },
      parentcustomerid: {
        logicalName: 'parentcustomerid',
        type: 'Customer',
        selectName: '_parentcustomerid_value',
      },
      gendercode: {
        logicalName: 'gendercode',
        type: 'Picklist',
        selectName: 'gendercode',
        labels: { 1: 'Männlich', 2: 'Female' },
      },
      new_channel: {
        logicalName: 'new_channel',
        type: 'Picklist',
        selectName: 'new_channel',
        labels: { 100000000: 'Laden' },
      },
      new_interests: {
        logicalName: 'new_interests',
        type: 'MultiSelectPicklist',
        selectName: 'new_interests',
        labels: { 9: 'Swimming' },
      },
      statecode: { logicalName: 'statecode', type: 'State', selectName: 'statecode', labels: { 0: 'Aktiv' } },
      donotemail: {
        logicalName: 'donotemail',
        type: 'Boolean',
        selectName: 'donotemail',
        labels: { true: 'Do Not Allow', false: 'Allow' },
      },
      entityimage: { logicalName: 'entityimage', type: 'Virtual', selectName: 'entityimage' },
    },
  });
  expect(server.arrived.map(({ url }) => url).filter((url) => url.includes('$expand=Attributes'))).toEqual(
    [],
  );
});

test("labels are the organisation's own where no language is chosen", async () => {
  const { dynamics } = await dynamicsOf(organisation);
  expect((await dynamics.table('contact')).columns.gendercode?.labels).toEqual({ 1: 'Male', 2: 'Female' });
});

test('a table that does not exist is named, and its name cannot leave its quotes', async () => {
  const { dynamics, server } = await dynamicsOf(organisation);
  const error = await errorOf(dynamics.table("o'rder/x"));
  expect(error).toMatchObject({ code: 'DYNAMICS_REQUEST_REFUSED', evidence: { subject: "table o'rder/x" } });
  expect(server.arrived[0]?.url).toContain("EntityDefinitions(LogicalName='o''rder%2Fx')");
});

test('a definition without its names is never taken for one', async () => {
  const { dynamics } = await dynamicsOf(() => ({ body: { LogicalName: 'contact' } }));
  expect((await errorOf(dynamics.table('contact'))).code).toBe('DYNAMICS_UNREACHABLE');
});
