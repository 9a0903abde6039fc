import { describe, expect, test } from 'vitest';
import type { Arrived, Scripted } from '../support/http-server.js';
import { dynamicsOf, errorOf, refusal, table, whoAmI } from './scripted-dynamics.js';

const PRIVILEGES = {
  LogicalName: 'contact',
  Privileges: [
    { Name: 'prvReadContact', PrivilegeId: 'AAAAAAAA-0000-4000-8000-000000000001', PrivilegeType: 'Read' },
    { Name: 'prvWriteContact', PrivilegeId: 'AAAAAAAA-0000-4000-8000-000000000002', PrivilegeType: 'Write' },
  ],
};
const held = (id: number, Depth: string) => ({
  Depth,
  PrivilegeId: `aaaaaaaa-0000-4000-8000-00000000000${id}`,
  BusinessUnitId: 'b',
});

/** Answers by what the address contains, the first that fits. */
const answering =
  (answers: Record<string, Scripted>) =>
  ({ url }: Arrived): Scripted =>
    Object.entries(answers).find(([part]) => url.includes(part))?.[1] ?? refusal(404, '0x80060888');

describe("the account's right on a table", () => {
  const rightOf = async (rolePrivileges: object[]) => {
    const { dynamics, server } = await dynamicsOf(
      answering({
        RetrieveUserPrivileges: { body: { RolePrivileges: rolePrivileges } },
        WhoAmI: whoAmI,
        EntityDefinitions: { body: PRIVILEGES },
      }),
    );
    const right = await dynamics.right('contact', 'Write');
    expect(server.arrived.at(-1)?.url).toBe(
      '/api/data/v9.2/systemusers(u)/Microsoft.Dynamics.CRM.RetrieveUserPrivileges',
    );
    return right;
  };

  test('reaches as far as the farthest of its roles', async () => {
    const right = await rightOf([held(2, 'Basic'), held(2, 'Global'), held(2, 'Local'), held(1, 'Deep')]);
    expect(right).toEqual({ privilege: 'prvWriteContact', depth: 'Global' });
  });

  test('is not there when no role holds the privilege', async () => {
    expect(await rightOf([held(1, 'Global')])).toEqual({ privilege: 'prvWriteContact' });
  });

  test('is unknown for a table without such a privilege', async () => {
    const { dynamics } = await dynamicsOf(
      answering({ WhoAmI: whoAmI, EntityDefinitions: { body: { Privileges: [] } } }),
    );
    expect(await dynamics.right('contact', 'Write')).toBeUndefined();
  });

  test('that may not be asked for is an error with its code', async () => {
    const { dynamics } = await dynamicsOf(
      answering({
        RetrieveUserPrivileges: refusal(403, '0x80040220', 'is missing prvReadRole privilege'),
        WhoAmI: whoAmI,
        EntityDefinitions: { body: PRIVILEGES },
      }),
    );
    expect(await errorOf(dynamics.right('contact', 'Write'))).toMatchObject({
      code: 'DYNAMICS_PRIVILEGE_MISSING',
      evidence: { subject: 'prvReadRole' },
    });
  });
});

describe('the days that change tokens live', () => {
  test.each([
    [30, 30],
    [0, 0],
    [null, undefined],
  ])('%s', async (expirechangetrackingindays, days) => {
    const { dynamics } = await dynamicsOf(
      answering({ organizations: { body: { value: [{ expirechangetrackingindays }] } } }),
    );
    expect(await dynamics.changeTrackingDays()).toBe(days);
  });
});

test('the server tells its own time', async () => {
  const { dynamics } = await dynamicsOf(() => ({
    ...whoAmI,
    headers: { Date: 'Tue, 24 Nov 2026 08:00:09 GMT' },
  }));
  expect(await dynamics.serverTime()).toBe('2026-11-24T08:00:09.000Z');
});

describe("a column's details", () => {
  const column = (logicalName: string, type: string) => ({ logicalName, type, selectName: logicalName });
  const contact = {
    ...table,
    columns: {
      lastname: column('lastname', 'String'),
      parentcustomerid: column('parentcustomerid', 'Customer'),
      birthdate: column('birthdate', 'DateTime'),
    },
  };
  const organisation = answering({
    'CRM.StringAttributeMetadata': {
      body: {
        value: [
          { LogicalName: 'lastname', MaxLength: 50 },
          { LogicalName: 'firstname', MaxLength: 40 },
        ],
      },
    },
    'CRM.LookupAttributeMetadata': {
      body: { value: [{ LogicalName: 'parentcustomerid', Targets: ['account', 'contact'] }] },
    },
    '/Attributes?': {
      body: {
        value: [
          { LogicalName: 'lastname', IsSecured: true, IsValidForUpdate: true },
          { LogicalName: 'parentcustomerid', IsSecured: false, IsValidForUpdate: true },
          { LogicalName: 'birthdate', IsSecured: false, IsValidForUpdate: false },
          { LogicalName: 'firstname', IsSecured: false, IsValidForUpdate: true },
        ],
      },
    },
  });

  test('are those of the columns asked for', async () => {
    const { dynamics } = await dynamicsOf(organisation);
    expect(await dynamics.columnDetails(contact, ['lastname', 'parentcustomerid', 'birthdate'])).toEqual({
      lastname: { maxLength: 50, secured: true, updatable: true },
      parentcustomerid: { targets: ['account', 'contact'], secured: false, updatable: true },
      birthdate: { secured: false, updatable: false },
    });
  });

  test('cost no call for types that are not among them', async () => {
    const { dynamics, server } = await dynamicsOf(organisation);
    await dynamics.columnDetails(contact, ['birthdate']);
    expect(server.arrived).toHaveLength(1);
  });
});
