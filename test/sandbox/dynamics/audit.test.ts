import { describe, expect, it } from 'vitest';
import { text, useApi, valuesOf } from './support.js';

const api = useApi();

const auditsOf = async (id: string, more = '') =>
  valuesOf(
    await api.get(
      `audits?$filter=objecttypecode eq 'contact' and _objectid_value eq ${id}${more}&$orderby=createdon&$select=createdon,_objectid_value,attributemask,_userid_value,operation,action`,
    ),
  );

describe('auditing', () => {
  it('tells when and by whom which columns were changed, and their values', async () => {
    const id = await api.create('contacts', { lastname: 'Audited' });
    await api.advance('PT10M');
    await api.succeed('PATCH', `contacts(${id})`, { donotemail: true, jobtitle: null });
    const column = (
      await api.get("EntityDefinitions(LogicalName='contact')/Attributes(LogicalName='donotemail')")
    ).json;
    const [change] = await auditsOf(id, ' and operation eq 2');
    expect(change).toMatchObject({
      attributemask: text(column['ColumnNumber']),
      _objectid_value: id,
      _userid_value: text((await api.get('WhoAmI')).json['UserId']),
    });
    expect(change?.['createdon']).toBe((await api.get(`contacts(${id})`)).json['modifiedon']);
    const details = await api.get(
      `audits(${text(change?.['auditid'])})/Microsoft.Dynamics.CRM.RetrieveAuditDetails`,
    );
    expect(details.json['AuditDetail']).toMatchObject({
      OldValue: { donotemail: false },
      NewValue: { donotemail: true },
    });
  });

  it('notes creation and deletion, but no write that changes nothing', async () => {
    const id = await api.create('contacts', { lastname: 'Short' });
    await api.succeed('PATCH', `contacts(${id})`, { lastname: 'Short' });
    await api.succeed('DELETE', `contacts(${id})`);
    expect((await auditsOf(id)).map((row) => text(row['operation'])).sort()).toEqual(['1', '3']);
  });

  it('gives a column’s history without the audit record, newest first', async () => {
    const id = await api.create('contacts', { lastname: 'History' });
    for (const value of [true, false]) await api.succeed('PATCH', `contacts(${id})`, { donotemail: value });
    const answer = await api.get(
      `RetrieveAttributeChangeHistory(Target=@t,AttributeLogicalName=@a,PagingInfo=@p)?@t={'@odata.id':'contacts(${id})'}&@a='donotemail'&@p={"PageNumber":1,"Count":20,"ReturnTotalRecordCount":true}`,
    );
    const found = answer.json['AuditDetailCollection']?.['AuditDetails'] as unknown as Record<
      string,
      unknown
    >[];
    expect(found.slice(0, 2)).toMatchObject([
      { OldValue: { donotemail: true }, NewValue: { donotemail: false } },
      { OldValue: { donotemail: false }, NewValue: { donotemail: true } },
    ]);
    expect(found.every((detail) => !('AuditRecord' in detail))).toBe(true);
  });

  it('stops when the organisation switches it off', async () => {
    const organization = text((await api.get('WhoAmI')).json['OrganizationId']);
    await api.succeed('PATCH', `organizations(${organization})`, { isauditenabled: false });
    const id = await api.create('contacts', { lastname: 'Unaudited' });
    expect(await auditsOf(id)).toEqual([]);
    await api.succeed('PATCH', `organizations(${organization})`, { isauditenabled: true });
  });
});

describe('the bulk delete job', () => {
  it('deletes the rows that its queries choose', async () => {
    const ids = [];
    for (const n of [1, 2, 3])
      ids.push(await api.create('contacts', { lastname: 'Job', numberofchildren: n }));
    const criteria = (AttributeName: string, Operator: string, values: unknown[]) => ({
      FilterOperator: 'And',
      Conditions: [
        { AttributeName, Operator, Values: values.map((Value) => ({ Value, Type: 'System.String' })) },
      ],
    });
    const answer = await api.call('POST', 'BulkDelete', {
      JobName: 'clean',
      QuerySet: [
        { EntityName: 'contact', Criteria: criteria('contactid', 'In', ids.slice(0, 1)) },
        { EntityName: 'contact', Criteria: criteria('numberofchildren', 'GreaterEqual', [3]) },
      ],
    });
    expect(answer.status).toBe(200);
    expect(text(answer.json['JobId'])).toMatch(/^[0-9a-f-]{36}$/);
    const left = await api.get("contacts?$select=contactid&$filter=lastname eq 'Job'");
    expect(valuesOf(left)).toMatchObject([{ contactid: ids[1] }]);
  });
});
