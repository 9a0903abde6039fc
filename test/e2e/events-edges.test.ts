import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { startStack, type Stack } from '../support/stack.js';
import { deliver, eventsDocument, putInJournal, timelineCounts, kindsOf } from '../support/timeline.js';

const EGRESS = 'egress';
const SHARES = { profiles: 30, opens: 0.5, clicks: 0.3, bounces: 0.1 };
const label = (text: string) => ({
  '@odata.type': 'Microsoft.Dynamics.CRM.Label',
  LocalizedLabels: [
    { '@odata.type': 'Microsoft.Dynamics.CRM.LocalizedLabel', Label: text, LanguageCode: 1033 },
  ],
});

describe.sequential('events', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack({
      temporalAddress: inject('temporalAddress'),
      contacts: 50,
      document: eventsDocument('journal'),
    });
    await stack.syncAll(['ingress/contact']);
  }, 120_000);
  afterAll(() => stack.stop());

  test('without their tables stop the flow with what to do, and go on once they are made', async () => {
    const { sandbox, systems } = stack;
    const delivered = await deliver(sandbox.ready, SHARES);
    const [end] = await stack.syncAll([EGRESS]);
    expect(end).toMatchObject({ outcome: 'failed', error: { code: 'DYNAMICS_EVENT_TABLE_UNFIT' } });
    expect(end?.error?.message).toContain('provision');

    const first = await stack.starter('provision', '--json');
    expect(first.status).toBe(0);
    expect((JSON.parse(first.out) as { made: string[] }).made).toContain('dcs_emailsend');
    const second = await stack.starter('provision', '--json');
    expect(JSON.parse(second.out)).toMatchObject({ made: [] });
    expect(await stack.syncAll([EGRESS])).toMatchObject([{ outcome: 'in-sync' }]);
    expect(await timelineCounts(systems)).toEqual(kindsOf(delivered));
  });

  test('a kind that is switched off is counted and not written', async () => {
    const { sandbox, systems } = stack;
    const before = await timelineCounts(systems);
    await stack.apply(eventsDocument('journal').replace('opens: true', 'opens: false'));
    const delivered = await deliver(sandbox.ready, SHARES);
    await stack.syncAll([EGRESS]);
    const { filteredBy, written } = await stack.eventStatus();
    expect(filteredBy).toMatchObject({ 'switched-off': delivered.opens });
    expect(written).toBe(delivered.sends + delivered.clicks + delivered.bounces);
    expect((await timelineCounts(systems)).opens).toBe(before.opens);
    await stack.apply(eventsDocument('journal'));
  });

  test('one that Dynamics cannot take is set aside with its column, and is written once the column is wider', async () => {
    const { sandbox, systems } = stack;
    const before = await timelineCounts(systems);
    const [contactId = ''] = await systems.contacts.ids();
    const at = new Date(Date.now() - 60_000).toISOString();
    await putInJournal(sandbox.ready, { events: [sendTo(contactId, at, 'C'.repeat(300))] });
    await stack.syncAll([EGRESS]);
    expect(await stack.eventStatus()).toMatchObject({ parked: 1, errors: { TEXT_TOO_LONG: 1 } });
    const { out } = await stack.starter('parked', EGRESS, '--json');
    expect(out).not.toContain('CCC');
    expect((JSON.parse(out) as { parked: object[] }).parked).toMatchObject([
      { flow: EGRESS, code: 'TEXT_TOO_LONG', field: 'dcs_campaignname', attempts: 1 },
    ]);

    await systems.metadata(`EntityDefinitions(LogicalName='dcs_emailsend')/Attributes`, {
      '@odata.type': 'Microsoft.Dynamics.CRM.MemoAttributeMetadata',
      SchemaName: 'dcs_LongCampaignName',
      DisplayName: label('Campaign name'),
      RequiredLevel: { Value: 'None' },
      MaxLength: 2_000,
    });
    const wider = `  tables:
    sends: { table: dcs_emailsend, campaignName: dcs_longcampaignname, occurredOn: dcs_occurredon, deliveryName: dcs_deliveryname }
`;
    await stack.apply(eventsDocument('journal', wider));
    expect((await stack.starter('redrive', '--flow', EGRESS)).status).toBe(0);
    await stack.syncAll([EGRESS]);
    expect(await stack.eventStatus()).toMatchObject({ written: 1, now: { parked: 0 } });
    expect((await timelineCounts(systems)).sends).toBe(before.sends + 1);
    await stack.apply(eventsDocument('journal'));
  });

  test('tables of another solution take the events', async () => {
    const { sandbox, systems } = stack;
    await systems.metadata('EntityDefinitions', {
      '@odata.type': 'Microsoft.Dynamics.CRM.EntityMetadata',
      SchemaName: 'new_Click',
      DisplayName: label('Click'),
      DisplayCollectionName: label('Clicks'),
      OwnershipType: 'UserOwned',
      IsActivity: true,
      IsAvailableOffline: true,
      HasNotes: true,
      HasActivities: false,
      ActivityTypeMask: 1,
      Attributes: [
        {
          '@odata.type': 'Microsoft.Dynamics.CRM.StringAttributeMetadata',
          SchemaName: 'Subject',
          IsPrimaryName: true,
          MaxLength: 200,
          DisplayName: label('Subject'),
          RequiredLevel: { Value: 'None' },
        },
      ],
    });
    await systems.metadata(`EntityDefinitions(LogicalName='new_click')/Attributes`, {
      '@odata.type': 'Microsoft.Dynamics.CRM.StringAttributeMetadata',
      SchemaName: 'new_Address',
      DisplayName: label('Address'),
      RequiredLevel: { Value: 'None' },
      MaxLength: 2_000,
    });
    const before = await timelineCounts(systems);
    await stack.apply(
      eventsDocument('journal', '  tables:\n    clicks: { table: new_click, trackingUrl: new_address }\n'),
    );
    const delivered = await deliver(sandbox.ready, SHARES);
    await stack.syncAll([EGRESS]);
    expect((await timelineCounts(systems)).clicks).toBe(before.clicks);
    const clicks = await systems.rows.all('new_clicks', ['activityid', 'new_address']);
    expect(clicks.length).toBe(delivered.clicks);
    expect(clicks.every((click) => String(click.new_address).startsWith('https://'))).toBe(true);
    await stack.apply(eventsDocument('journal'));
  });
});

/** A send as the journal holds it (campaign.md §6). */
const sendTo = (contactId: string, at: string, campaignName: string) => ({
  event_id: `own-${at}`,
  'xdm:timestamp': at,
  'xdm:channel': { '@id': 'https://ns.adobe.com/xdm/channels/email' },
  'xdm:directMarketing': { 'xdm:sends': { 'xdm:value': 1 } },
  'https://ns.adobe.com/experience/campaign/message': { 'xdm:id': 990_001 },
  'https://ns.adobe.com/experience/campaign/externalID': contactId,
  'https://ns.adobe.com/experience/campaign/delivery': { 'xdm:deliveryName': 'DM990' },
  'https://ns.adobe.com/experience/campaign/marketingCampaign': { 'xdm:campaignName': campaignName },
});
