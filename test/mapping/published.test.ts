import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { compile } from '../../src/mapping/compile.js';
import type { SourceTable, TargetField } from '../../src/mapping/model.js';
import { jsonSchemaText } from '../../src/mapping/print-schema.js';
import { readSyncFile } from '../../src/mapping/read.js';
import { exampleDocument } from '../support/mapping-document.js';
import { ID } from './contact-profile.js';

const project = fileURLToPath(new URL('../..', import.meta.url));

describe('the JSON Schema for editors', () => {
  test('in docs/reference is the one of the code', () => {
    const published = readFileSync(`${project}/docs/reference/sync-schema.json`, 'utf8');
    expect(JSON.parse(published)).toEqual(JSON.parse(jsonSchemaText()));
  });
  test('is printed by its file', () => {
    const printed = execFileSync(process.execPath, ['--import', 'tsx', 'src/mapping/print-schema.ts'], {
      cwd: project,
    });
    expect(printed.toString()).toBe(jsonSchemaText());
  });
  test('says of every member what it is for', () => {
    const silent: string[] = [];
    const visit = (schema: unknown, path: string): void => {
      if (typeof schema !== 'object' || schema === null) return;
      const properties =
        (schema as { properties?: Record<string, { description?: string }> }).properties ?? {};
      for (const [name, member] of Object.entries(properties)) {
        if (member.description === undefined) silent.push(`${path}.${name}`);
      }
      for (const [name, inner] of Object.entries(schema)) visit(inner, `${path}.${name}`);
    };
    visit(JSON.parse(jsonSchemaText()), '');
    expect(silent).toEqual([]);
  });
});

describe('the example', () => {
  const read = readSyncFile(exampleDocument);
  const table = read.ok ? read.config.tables[0] : undefined;
  const lengths = {
    firstName: 30,
    middleName: 30,
    lastName: 50,
    salutation: 20,
    email: 128,
    mobilePhone: 32,
    phone: 32,
    fax: 32,
  };
  const text = (path: string, length: number): TargetField => ({
    path,
    type: 'string',
    length,
    readOnly: false,
  });
  const target = {
    name: 'profile',
    fields: {
      ...Object.fromEntries(Object.entries(lengths).map(([path, length]) => [path, text(path, length)])),
      externalId: text('externalId', 100),
      birthDate: { path: 'birthDate', type: 'date', readOnly: false } as const,
      gender: {
        path: 'gender',
        type: 'enumeration',
        readOnly: false,
        values: ['unknown', 'male', 'female'],
      } as const,
      ...Object.fromEntries(
        ['address1', 'address2', 'city', 'zipCode'].map((name) => [
          `location.${name}`,
          text(`location.${name}`, 100),
        ]),
      ),
    } as Record<string, TargetField>,
  };
  const columns = [
    'firstname',
    'middlename',
    'lastname',
    'salutation',
    'emailaddress1',
    'mobilephone',
    'telephone1',
    'fax',
    'address1_line1',
    'address1_line2',
    'address1_city',
    'address1_postalcode',
  ];
  const source: SourceTable = {
    logicalName: 'contact',
    entitySetName: 'contacts',
    primaryId: 'contactid',
    changeTracking: true,
    columns: {
      ...Object.fromEntries(
        columns.map((name) => [name, { logicalName: name, selectName: name, type: 'String' }]),
      ),
      birthdate: {
        logicalName: 'birthdate',
        selectName: 'birthdate',
        type: 'DateTime',
        dateTimeBehavior: 'DateOnly',
      },
      gendercode: {
        logicalName: 'gendercode',
        selectName: 'gendercode',
        type: 'Picklist',
        labels: { 1: 'Homme', 2: 'Femme' },
      },
    },
  };
  const mapping = table && compile(table, source, target);

  test('makes a contact a profile, whatever language its labels are in', () => {
    const mapped = mapping?.toCampaign({
      contactid: ID,
      firstname: 'Ada',
      lastname: 'Byron',
      salutation: 'Ms.',
      birthdate: '1984-02-11',
      emailaddress1: 'ada@shop.example',
      gendercode: 2,
      address1_line1: '1 Canal St',
      address1_city: 'Leeds',
      address1_postalcode: 'LS1 1AA',
    });
    expect(mapped).toMatchObject({
      kind: 'payload',
      full: {
        externalId: ID,
        firstName: 'Ada',
        middleName: null,
        lastName: 'Byron',
        salutation: 'Ms.',
        birthDate: '1984-02-11',
        email: 'ada@shop.example',
        gender: 'female',
        location: { address1: '1 Canal St', address2: null, city: 'Leeds', zipCode: 'LS1 1AA' },
      },
    });
  });
  test("parks a first name of more than Campaign's 30 characters", () => {
    expect(mapping?.toCampaign({ contactid: ID, firstname: 'x'.repeat(31) })).toEqual({
      kind: 'fault',
      code: 'TEXT_TOO_LONG',
      field: 'firstName',
    });
  });
});
