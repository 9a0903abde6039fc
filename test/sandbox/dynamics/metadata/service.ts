import type { AddressInfo } from 'node:net';
import Fastify from 'fastify';
import { onTestFinished } from 'vitest';
import { createClock, type SandboxClock } from '../../../../src/sandbox/clock.js';
import type { SandboxContext } from '../../../../src/sandbox/context.js';
import { createStore } from '../../../../src/sandbox/disk-store.js';
import { registerMetadata } from '../../../../src/sandbox/dynamics/metadata/server.js';
import { createRecords, type RecordStore } from '../../../../src/sandbox/dynamics/record-store.js';
import type { Schema } from '../../../../src/sandbox/dynamics/schema.js';
import { createSchema, seedBase } from '../../../../src/sandbox/dynamics/schema-store.js';
import { createFaults } from '../../../../src/sandbox/faults.js';
import { createLimits, type LimitSettings } from '../../../../src/sandbox/limits.js';
import { createStats } from '../../../../src/sandbox/stats.js';
import type { Store } from '../../../../src/sandbox/store.js';

export type Json = Record<string, unknown>;

export interface MetadataService {
  root: string;
  store: Store;
  context: SandboxContext;
  clock: SandboxClock;
  limits: LimitSettings;
  schema: Schema;
  records: RecordStore;
  get(path: string): Promise<{ status: number; body: Json }>;
  send(
    method: string,
    path: string,
    body?: object,
    headers?: Record<string, string>,
  ): Promise<{ status: number; body: Json; entityId: string }>;
  text(path: string, headers?: Record<string, string>): Promise<string>;
}

/** The metadata protocol alone, over real HTTP, on a store in memory. */
export async function startMetadata(store: Store = createStore()): Promise<MetadataService> {
  const clock = createClock(store, () => Date.parse('2026-03-01T12:00:00Z'));
  const limits = createLimits(store);
  const context: SandboxContext = {
    store,
    clock,
    faults: createFaults(store, 1),
    stats: createStats(store),
    limits: () => limits.current(),
  };
  const schema = createSchema(context);
  const records = createRecords(context, schema);
  seedBase(context, schema, records);
  const app = Fastify({ routerOptions: { caseSensitive: false, maxParamLength: 8192 } });
  registerMetadata(app, context, schema, records);
  await app.listen({ port: 0, host: '127.0.0.1' });
  onTestFinished(() => app.close());
  const root = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}/api/data/v9.2/`;

  async function send(method: string, path: string, body?: object, headers: Record<string, string> = {}) {
    const response = await fetch(root + path, {
      method,
      headers: { 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      body: (text === '' ? {} : JSON.parse(text)) as Json,
      entityId: response.headers.get('odata-entityid') ?? '',
    };
  }

  return {
    root,
    store,
    context,
    clock,
    limits,
    schema,
    records,
    send,
    get: (path) => send('GET', path),
    text: async (path, headers = {}) => (await fetch(root + path, { headers })).text(),
  };
}

export const label = (text: string): Json => ({
  '@odata.type': 'Microsoft.Dynamics.CRM.Label',
  LocalizedLabels: [
    { '@odata.type': 'Microsoft.Dynamics.CRM.LocalizedLabel', Label: text, LanguageCode: 1033 },
  ],
});

export const attribute = (type: string, schemaName: string, details: Json = {}): Json => ({
  '@odata.type': `Microsoft.Dynamics.CRM.${type}AttributeMetadata`,
  SchemaName: schemaName,
  DisplayName: label(schemaName),
  RequiredLevel: { Value: 'None' },
  ...details,
});

export const table = (schemaName: string, details: Json = {}, attributes: Json[] = []): Json => ({
  '@odata.type': 'Microsoft.Dynamics.CRM.EntityMetadata',
  SchemaName: schemaName,
  DisplayName: label(schemaName),
  DisplayCollectionName: label(`${schemaName}s`),
  OwnershipType: 'UserOwned',
  IsActivity: false,
  HasActivities: false,
  HasNotes: true,
  Attributes: [
    attribute('String', 'new_Name', {
      IsPrimaryName: true,
      AttributeType: 'String',
      AttributeTypeName: { Value: 'StringType' },
      FormatName: { Value: 'Text' },
      MaxLength: 100,
    }),
    ...attributes,
  ],
  ...details,
});

export const activity = (schemaName: string, details: Json = {}): Json =>
  table(schemaName, {
    IsActivity: true,
    IsAvailableOffline: true,
    ActivityTypeMask: 1,
    ChangeTrackingEnabled: true,
    Attributes: [attribute('String', 'Subject', { IsPrimaryName: true, MaxLength: 200 })],
    ...details,
  });

/** The items of a collection answer. */
export const items = (body: Json): Json[] => body['value'] as Json[];

/** The properties and navigation properties that `$metadata` declares for a type, inherited ones included. */
export function declaredIn(
  csdl: string,
  type: string,
): { properties: Map<string, string>; navigation: Map<string, string> } {
  const body = new RegExp(
    `<EntityType Name="${type}" BaseType="mscrm\\.(\\w+)"[^>]*>(.*?)</EntityType>`,
    's',
  ).exec(csdl);
  const [, base = 'crmbaseentity', inner = ''] = body ?? [];
  const inherited =
    base === 'crmbaseentity' || base === 'principal'
      ? { properties: new Map<string, string>(), navigation: new Map<string, string>() }
      : declaredIn(csdl, base);
  for (const [, name = '', edm = ''] of inner.matchAll(/<Property Name="([^"]+)" Type="([^"]+)"/g)) {
    inherited.properties.set(name, edm);
  }
  for (const [, name = '', target = ''] of inner.matchAll(
    /<NavigationProperty Name="([^"]+)" Type="([^"]+)"/g,
  )) {
    inherited.navigation.set(name, target);
  }
  return inherited;
}
