import { isLookup, propertyName } from '../../column-values.js';
import type { Column, Relationship, Schema, Table } from '../../schema.js';
import { webApiColumns } from '../web-api-columns.js';
import { element } from './xml.js';

const ACTIVITY_BASE = 'activitypointer';
/** The base of users, teams and owners, to which `ownerid` leads. */
const PRINCIPALS = ['owner', 'systemuser', 'team'];

export interface CsdlOptions {
  annotations: boolean;
}

/** The entity types of all tables. Activities derive from `activitypointer`, users and teams from `principal`. */
export function tableTypes(schema: Schema, options: CsdlOptions): string {
  const navigation = navigationByTable(schema);
  const base = schema.table(ACTIVITY_BASE);
  const types = schema
    .tables()
    .map((table) => tableType(table, base, navigation.get(table.logicalName) ?? [], options));
  return [
    element('EntityType', { Name: 'crmbaseentity', Abstract: 'true' }),
    element('EntityType', {
      Name: 'expando',
      BaseType: 'mscrm.crmbaseentity',
      Abstract: 'true',
      OpenType: 'true',
    }),
    element('EntityType', { Name: 'principal', BaseType: 'mscrm.crmbaseentity', Abstract: 'true' }),
    ...types,
  ].join('');
}

/** The entity sets of all tables, with where their navigation properties lead. */
export function entitySets(schema: Schema, { annotations }: CsdlOptions): string {
  const navigation = navigationByTable(schema);
  return schema
    .tables()
    .map((table) => {
      const bindings = (navigation.get(table.logicalName) ?? []).flatMap(({ name, target, entitySet }) =>
        target === 'principal' || entitySet === undefined
          ? []
          : [element('NavigationPropertyBinding', { Path: name, Target: entitySet })],
      );
      const tracking = element(
        'Annotation',
        { Term: 'Org.OData.Capabilities.V1.ChangeTracking' },
        element(
          'Record',
          {},
          element('PropertyValue', { Property: 'Supported', Bool: String(table.changeTracking) }),
        ),
      );
      return element(
        'EntitySet',
        { Name: table.entitySetName, EntityType: `mscrm.${table.logicalName}` },
        ...bindings,
        ...(annotations ? [tracking] : []),
      );
    })
    .join('');
}

function tableType(
  table: Table,
  activityBase: Table | undefined,
  navigation: NavigationProperty[],
  options: CsdlOptions,
): string {
  const derived = table.isActivity && activityBase !== undefined && table !== activityBase;
  const columns = webApiColumns(table).filter(
    ({ logicalName }) => !derived || activityBase.columns[logicalName] === undefined,
  );
  const key = derived ? [] : [element('Key', {}, element('PropertyRef', { Name: table.primaryId }))];
  const children = [
    ...key,
    ...columns.map((column) => property(column, options)),
    ...navigation.map(navigationProperty),
    ...alternateKeys(table),
  ];
  const base = derived
    ? ACTIVITY_BASE
    : PRINCIPALS.includes(table.logicalName)
      ? 'principal'
      : 'crmbaseentity';
  return element('EntityType', { Name: table.logicalName, BaseType: `mscrm.${base}` }, ...children);
}

function property(column: Column, { annotations }: CsdlOptions): string {
  const type = edmType(column);
  const described = annotations
    ? [
        element('Annotation', {
          Term: 'Org.OData.Core.V1.Description',
          String: column.description ?? column.displayName,
        }),
      ]
    : [];
  if (annotations && !column.validForUpdate && !column.validForCreate) {
    described.push(
      element(
        'Annotation',
        { Term: 'Org.OData.Core.V1.Permissions' },
        element('EnumMember', {}, 'Org.OData.Core.V1.PermissionType/Read'),
      ),
    );
  }
  return element(
    'Property',
    {
      Name: propertyName(column),
      Type: type,
      Unicode: type === 'Edm.String' ? 'false' : undefined,
      Scale: type === 'Edm.Decimal' ? 'Variable' : undefined,
    },
    ...described,
  );
}

/** Choices are numbers here, as the service declares them; their labels are in the definitions only. */
export function edmType(column: Column): string {
  if (isLookup(column)) return 'Edm.Guid';
  switch (column.type) {
    case 'Integer':
    case 'Picklist':
    case 'State':
    case 'Status':
      return 'Edm.Int32';
    case 'BigInt':
      return 'Edm.Int64';
    case 'Decimal':
    case 'Money':
      return 'Edm.Decimal';
    case 'Double':
      return 'Edm.Double';
    case 'Boolean':
      return 'Edm.Boolean';
    case 'DateTime':
      return column.dateTimeBehavior === 'DateOnly' ? 'Edm.Date' : 'Edm.DateTimeOffset';
    case 'Uniqueidentifier':
    case 'File':
      return 'Edm.Guid';
    case 'Image':
      return 'Edm.Binary';
    default:
      return 'Edm.String';
  }
}

interface NavigationProperty {
  name: string;
  /** The type it leads to, unqualified. */
  target: string;
  entitySet: string | undefined;
  many: boolean;
  partner: string | undefined;
  /** Column and referenced key of a lookup. */
  constraint?: [string, string];
}

function navigationProperty({ name, target, many, partner, constraint }: NavigationProperty): string {
  return element(
    'NavigationProperty',
    {
      Name: name,
      Type: many ? `Collection(mscrm.${target})` : `mscrm.${target}`,
      Nullable: many ? undefined : 'false',
      Partner: partner,
    },
    ...(constraint
      ? [element('ReferentialConstraint', { Property: constraint[0], ReferencedProperty: constraint[1] })]
      : []),
  );
}

/** Both ends of every relationship, by the table that has the property. */
function navigationByTable(schema: Schema): Map<string, NavigationProperty[]> {
  const found = new Map<string, NavigationProperty[]>();
  const add = (table: string, entry: NavigationProperty) => {
    const entries = found.get(table);
    if (!entries) found.set(table, [entry]);
    else if (!entries.some(({ name }) => name === entry.name)) entries.push(entry);
  };
  for (const relationship of schema.relationships()) {
    const one = schema.table(relationship.referenced);
    const other = schema.table(relationship.referencing);
    if (!one || !other) continue;
    if (relationship.kind === 'ManyToMany') addLinked(relationship, one, other, add);
    else addLookup(relationship, one, other, add);
  }
  return found;
}

type Add = (table: string, entry: NavigationProperty) => void;

function addLookup(relationship: Relationship, one: Table, other: Table, add: Add): void {
  const { referencingNavigation, referencedNavigation, referencingAttribute } = relationship;
  const column = other.columns[referencingAttribute ?? ''];
  if (!column) return;
  const isOwner = one.logicalName === 'owner';
  add(other.logicalName, {
    name: referencingNavigation,
    target: isOwner ? 'principal' : one.logicalName,
    entitySet: one.entitySetName,
    many: false,
    partner: isOwner ? undefined : referencedNavigation,
    ...(isOwner || !isLookup(column) ? {} : { constraint: [propertyName(column), one.primaryId] }),
  });
  if (isOwner) return;
  add(one.logicalName, {
    name: referencedNavigation,
    target: other.logicalName,
    entitySet: other.entitySetName,
    many: true,
    partner: referencingNavigation,
  });
}

function addLinked(relationship: Relationship, one: Table, other: Table, add: Add): void {
  const { referencingNavigation, referencedNavigation } = relationship;
  add(one.logicalName, {
    name: referencedNavigation,
    target: other.logicalName,
    entitySet: other.entitySetName,
    many: true,
    partner: referencingNavigation,
  });
  add(other.logicalName, {
    name: referencingNavigation,
    target: one.logicalName,
    entitySet: one.entitySetName,
    many: true,
    partner: referencedNavigation,
  });
}

function alternateKeys(table: Table): string[] {
  const active = table.keys.filter(({ status }) => status === 'Active');
  if (active.length === 0) return [];
  const records = active.map((key) => {
    const parts = key.columns.map((name) => {
      const column = table.columns[name];
      const written = column ? propertyName(column) : name;
      return element(
        'Record',
        { Type: 'OData.Community.Keys.V1.PropertyRef' },
        element('PropertyValue', { Property: 'Alias', String: written }),
        element('PropertyValue', { Property: 'Name', PropertyPath: written }),
      );
    });
    return element(
      'Record',
      { Type: 'OData.Community.Keys.V1.AlternateKey' },
      element('PropertyValue', { Property: 'Key' }, element('Collection', {}, ...parts)),
    );
  });
  return [
    element(
      'Annotation',
      { Term: 'OData.Community.Keys.V1.AlternateKeys' },
      element('Collection', {}, ...records),
    ),
  ];
}
