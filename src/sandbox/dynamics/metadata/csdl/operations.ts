import type { Schema } from '../../schema.js';
import { complexType } from './metadata-model.js';
import { element } from './xml.js';

interface Operation {
  kind: 'Action' | 'Function';
  name: string;
  parameters: Record<string, string>;
  returns?: string;
}

const OPERATIONS: Operation[] = [
  { kind: 'Function', name: 'WhoAmI', parameters: {}, returns: 'mscrm.WhoAmIResponse' },
  {
    kind: 'Function',
    name: 'RetrieveTotalRecordCount',
    parameters: { EntityNames: 'Collection(Edm.String)' },
    returns: 'mscrm.RetrieveTotalRecordCountResponse',
  },
  {
    kind: 'Function',
    name: 'RetrieveAvailableLanguages',
    parameters: {},
    returns: 'mscrm.RetrieveAvailableLanguagesResponse',
  },
  {
    kind: 'Function',
    name: 'RetrieveProvisionedLanguages',
    parameters: {},
    returns: 'mscrm.RetrieveProvisionedLanguagesResponse',
  },
  { kind: 'Function', name: 'RetrieveTimestamp', parameters: {}, returns: 'mscrm.RetrieveTimestampResponse' },
  {
    kind: 'Function',
    name: 'RetrieveMetadataChanges',
    parameters: { Query: 'mscrm.EntityQueryExpression', ClientVersionStamp: 'Edm.String' },
    returns: 'mscrm.RetrieveMetadataChangesResponse',
  },
  {
    kind: 'Action',
    name: 'CreateEntities',
    parameters: { Entities: 'Collection(mscrm.ComplexEntityMetadata)' },
    returns: 'mscrm.CreateEntitiesResponse',
  },
  {
    kind: 'Action',
    name: 'InsertOptionValue',
    parameters: {
      OptionSetName: 'Edm.String',
      AttributeLogicalName: 'Edm.String',
      EntityLogicalName: 'Edm.String',
      Value: 'Edm.Int32',
      Label: 'mscrm.Label',
      Description: 'mscrm.Label',
      SolutionUniqueName: 'Edm.String',
    },
    returns: 'mscrm.InsertOptionValueResponse',
  },
  {
    kind: 'Action',
    name: 'InsertStatusValue',
    parameters: {
      AttributeLogicalName: 'Edm.String',
      EntityLogicalName: 'Edm.String',
      Value: 'Edm.Int32',
      Label: 'mscrm.Label',
      StateCode: 'Edm.Int32',
    },
    returns: 'mscrm.InsertStatusValueResponse',
  },
  {
    kind: 'Action',
    name: 'UpdateOptionValue',
    parameters: {
      OptionSetName: 'Edm.String',
      AttributeLogicalName: 'Edm.String',
      EntityLogicalName: 'Edm.String',
      Value: 'Edm.Int32',
      Label: 'mscrm.Label',
      MergeLabels: 'Edm.Boolean',
    },
  },
  {
    kind: 'Action',
    name: 'DeleteOptionValue',
    parameters: {
      OptionSetName: 'Edm.String',
      AttributeLogicalName: 'Edm.String',
      EntityLogicalName: 'Edm.String',
      Value: 'Edm.Int32',
    },
  },
  {
    kind: 'Action',
    name: 'OrderOption',
    parameters: {
      OptionSetName: 'Edm.String',
      AttributeLogicalName: 'Edm.String',
      EntityLogicalName: 'Edm.String',
      Values: 'Collection(Edm.Int32)',
    },
  },
  {
    kind: 'Action',
    name: 'Merge',
    parameters: {
      Target: 'mscrm.crmbaseentity',
      Subordinate: 'mscrm.crmbaseentity',
      UpdateContent: 'mscrm.crmbaseentity',
      PerformParentingChecks: 'Edm.Boolean',
    },
  },
  { kind: 'Action', name: 'PublishXml', parameters: { ParameterXml: 'Edm.String' } },
  { kind: 'Action', name: 'PublishAllXml', parameters: {} },
];

const RESPONSES: Record<string, Record<string, string>> = {
  WhoAmIResponse: { BusinessUnitId: 'Edm.Guid', UserId: 'Edm.Guid', OrganizationId: 'Edm.Guid' },
  EntityRecordCountCollection: {
    Count: 'Edm.Int32',
    Keys: 'Collection(Edm.String)',
    Values: 'Collection(Edm.Int64)',
  },
  RetrieveTotalRecordCountResponse: { EntityRecordCountCollection: 'mscrm.EntityRecordCountCollection' },
  RetrieveAvailableLanguagesResponse: { LocaleIds: 'Collection(Edm.Int32)' },
  RetrieveProvisionedLanguagesResponse: { RetrieveProvisionedLanguages: 'Collection(Edm.Int32)' },
  RetrieveTimestampResponse: { Timestamp: 'Edm.String' },
  RetrieveMetadataChangesResponse: {
    EntityMetadata: 'Collection(mscrm.ComplexEntityMetadata)',
    ServerVersionStamp: 'Edm.String',
    DeletedMetadata: 'mscrm.DeletedMetadataCollection',
  },
  DeletedMetadataCollection: {
    Count: 'Edm.Int32',
    IsReadOnly: 'Edm.Boolean',
    Keys: 'Collection(Edm.String)',
    Values: 'Collection(mscrm.GuidCollection)',
  },
  GuidCollection: { Items: 'Collection(Edm.Guid)' },
  CreateEntitiesResponse: { EntityIds: 'Collection(Edm.Guid)' },
  InsertOptionValueResponse: { NewOptionValue: 'Edm.Int32' },
  InsertStatusValueResponse: { NewOptionValue: 'Edm.Int32' },
  CreateMultipleResponse: { Ids: 'Collection(Edm.Guid)' },
  RolePrivilege: {
    Depth: 'mscrm.PrivilegeDepth',
    PrivilegeId: 'Edm.Guid',
    BusinessUnitId: 'Edm.Guid',
    PrivilegeName: 'Edm.String',
    RecordFilterId: 'Edm.Guid',
    RecordFilterUniqueName: 'Edm.String',
  },
  RetrieveUserPrivilegesResponse: { RolePrivileges: 'Collection(mscrm.RolePrivilege)' },
};

/** The actions and functions of the service, bulk actions bound to the tables that offer them. */
export function operations(schema: Schema): string {
  return [
    element('ComplexType', { Name: 'EntityQueryExpression', OpenType: 'true' }),
    ...Object.entries(RESPONSES).map(([name, properties]) => complexType(name, properties)),
    ...OPERATIONS.map(({ kind, name, parameters, returns }) =>
      element(kind, { Name: name }, ...parameterList(parameters), ...returnType(returns)),
    ),
    userPrivileges(),
    ...bulkActions(schema),
  ].join('');
}

export const operationImports = (): string =>
  OPERATIONS.map(({ kind, name }) => element(`${kind}Import`, { Name: name, [kind]: `mscrm.${name}` })).join(
    '',
  );

const userPrivileges = (): string =>
  element(
    'Function',
    { Name: 'RetrieveUserPrivileges', IsBound: 'true' },
    ...parameterList({ entity: 'mscrm.systemuser' }),
    ...returnType('mscrm.RetrieveUserPrivilegesResponse'),
  );

function bulkActions(schema: Schema): string[] {
  return schema.tables().flatMap(({ logicalName, bulkActions: names }) => {
    const rows = `Collection(mscrm.${logicalName})`;
    return names.map((name) =>
      element(
        'Action',
        { Name: name, IsBound: 'true' },
        ...parameterList({ entityset: rows, Targets: rows }),
        ...returnType(name === 'CreateMultiple' ? 'mscrm.CreateMultipleResponse' : undefined),
      ),
    );
  });
}

const parameterList = (parameters: Record<string, string>): string[] =>
  Object.entries(parameters).map(([name, type]) => element('Parameter', { Name: name, Type: type }));

const returnType = (type: string | undefined): string[] =>
  type === undefined ? [] : [element('ReturnType', { Type: type, Nullable: 'false' })];
