import type { Answer } from '../call.js';
import { badPayload, dataverseError } from '../errors.js';
import type { MetadataCall } from './call.js';
import { retrieveMetadataChanges, stampOf } from './changes.js';
import { AVAILABLE_LANGUAGES, PROVISIONED_LANGUAGES } from './labels.js';
import { NAMESPACE } from './type-catalogue.js';
import { invalidDefinition, requiredText, type Customisation } from './writing/customisation.js';
import { reactivateKey } from './writing/keys.js';
import { deleteOption, insertOption, orderOptions, updateOption } from './writing/option-sets.js';
import { createPolymorphicLookup } from './writing/relationships.js';
import { createTables } from './writing/tables.js';

type Operation = (customisation: Customisation, call: MetadataCall) => Answer;

const response = ({ base }: MetadataCall, name: string, properties: object): Answer => ({
  status: 200,
  body: { '@odata.context': `${base}$metadata#${NAMESPACE}.${name}Response`, ...properties },
});

const done: Answer = { status: 204 };

/** Functions of the metadata protocol, called with or without parentheses. */
export const functions: Record<string, Operation> = {
  RetrieveAvailableLanguages: (_customisation, call) =>
    response(call, 'RetrieveAvailableLanguages', { LocaleIds: AVAILABLE_LANGUAGES }),
  RetrieveProvisionedLanguages: (_customisation, call) =>
    response(call, 'RetrieveProvisionedLanguages', { RetrieveProvisionedLanguages: PROVISIONED_LANGUAGES }),
  RetrieveTimestamp: ({ context, records }, call) =>
    response(call, 'RetrieveTimestamp', { Timestamp: stampOf(context, records) }),
  RetrieveMetadataChanges: ({ context, schema, records }, call) => {
    const inside = /^[^(]*\((.*)\)$/s.exec(decodeURIComponent(call.path))?.[1] ?? '';
    return {
      status: 200,
      body: retrieveMetadataChanges(context, schema, records, inside, call.query, call.base),
    };
  },
};

/** Unbound actions of the metadata protocol. */
export const actions: Record<string, Operation> = {
  CreateEntities: (customisation, call) => {
    const tables = createTables(customisation, call.body());
    return response(call, 'CreateEntities', { EntityIds: tables.map(({ metadataId }) => metadataId) });
  },
  CreateCustomerRelationships: (customisation, call) => polymorphic(customisation, call, 'Customer'),
  CreatePolymorphicLookupAttribute: (customisation, call) => polymorphic(customisation, call, 'Lookup'),
  InsertOptionValue: (customisation, call) =>
    response(call, 'InsertOptionValue', { NewOptionValue: insertOption(customisation, call.body()) }),
  InsertStatusValue: (customisation, call) => {
    const definition = call.body();
    if (typeof definition['StateCode'] !== 'number') {
      throw badPayload("Required field 'StateCode' is missing for request");
    }
    return response(call, 'InsertStatusValue', { NewOptionValue: insertOption(customisation, definition) });
  },
  UpdateOptionValue: (customisation, call) => {
    updateOption(customisation, call.body());
    return done;
  },
  UpdateStateValue: (customisation, call) => {
    updateOption(customisation, call.body());
    return done;
  },
  DeleteOptionValue: (customisation, call) => {
    deleteOption(customisation, call.body());
    return done;
  },
  OrderOption: (customisation, call) => {
    orderOptions(customisation, call.body());
    return done;
  },
  ReactivateEntityKey: (customisation, call) => {
    const definition = call.body();
    const table = customisation.schema.table(requiredText(definition, 'EntityLogicalName'));
    const wanted = requiredText(definition, 'EntityKeyLogicalName');
    const key = table?.keys.find(({ logicalName }) => logicalName === wanted);
    if (!table || !key) throw dataverseError(404, '0x80040217', `The entity key ${wanted} does not exist.`);
    reactivateKey(customisation, table, key);
    return done;
  },
  PublishXml: (_customisation, call) => {
    const text = requiredText(call.body(), 'ParameterXml');
    if (!/<importexportxml[\s>]/.test(text))
      throw invalidDefinition('ParameterXml is no importexportxml document.');
    return done;
  },
  PublishAllXml: () => done,
};

function polymorphic(customisation: Customisation, call: MetadataCall, type: 'Customer' | 'Lookup'): Answer {
  const { column, relationships } = createPolymorphicLookup(customisation, type, call.body());
  const name = type === 'Customer' ? 'CreateCustomerRelationships' : 'CreatePolymorphicLookupAttribute';
  return response(call, name, {
    AttributeId: column.metadataId,
    RelationshipIds: relationships.map(({ metadataId }) => metadataId),
  });
}
