import type { Schema } from '../../schema.js';
import { NAMESPACE } from '../type-catalogue.js';
import { metadataModel, metadataSets } from './metadata-model.js';
import { operationImports, operations } from './operations.js';
import { entitySets, tableTypes, type CsdlOptions } from './table-types.js';
import { element } from './xml.js';

const VOCABULARIES: [string, string, string][] = [
  ['http://vocabularies.odata.org/OData.Community.Keys.V1.xml', 'OData.Community.Keys.V1', 'Keys'],
  ['http://vocabularies.odata.org/OData.Community.Display.V1.xml', 'OData.Community.Display.V1', 'Display'],
  ['http://vocabularies.odata.org/Org.OData.Core.V1.xml', 'Org.OData.Core.V1', 'Core'],
  [
    'http://vocabularies.odata.org/Org.OData.Capabilities.V1.xml',
    'Org.OData.Capabilities.V1',
    'Capabilities',
  ],
];

/**
 * The service's CSDL document (dataverse.md §2, "Service document").
 *
 * @param options `annotations` as with `$metadata?annotations=true`: change tracking, descriptions, permissions.
 */
export function csdlDocument(schema: Schema, options: CsdlOptions): string {
  const container = element(
    'EntityContainer',
    { Name: 'System' },
    entitySets(schema, options),
    metadataSets(),
    operationImports(),
  );
  const declared = element(
    'Schema',
    { Namespace: NAMESPACE, Alias: 'mscrm', xmlns: 'http://docs.oasis-open.org/odata/ns/edm' },
    tableTypes(schema, options),
    metadataModel(),
    operations(schema),
    container,
  );
  const document = element(
    'edmx:Edmx',
    { Version: '4.0', 'xmlns:edmx': 'http://docs.oasis-open.org/odata/ns/edmx' },
    ...VOCABULARIES.map(([uri, namespace, alias]) =>
      element(
        'edmx:Reference',
        { Uri: uri },
        element('edmx:Include', { Namespace: namespace, Alias: alias }),
      ),
    ),
    element('edmx:DataServices', {}, declared),
  );
  return `<?xml version="1.0" encoding="utf-8"?>${document}`;
}
