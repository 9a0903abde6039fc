import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { FlowStatus } from '../src/contracts.js';
import { catalogue } from '../src/errors.js';
import { serveMetricsOf, total, type Samples, type Scrape } from './support/metrics.js';
import { optOutDocument } from './support/opt-outs.js';
import { flow, startStack, type Stack } from './support/stack.js';
import { deliver, eventsDocument } from './support/timeline.js';

const CONTACTS = 30;
const EGRESS = 'egress';
const OPT_OUT = 'opt-out';
/** Stands in the fields of one person that is synced and of one that is set aside, and nowhere else. */
const MARK = 'zyxwvutsrq';
/** The tables, events and opt-outs; every deletion waits for a person. */
const document = [
  optOutDocument()
    .replace('every: 1m', 'every: 300d')
    .replace('share: 10%, atLeast: 50', 'share: 0%, atLeast: 0'),
  eventsDocument('journal').slice(eventsDocument('journal').indexOf('events:')),
].join('\n');
let stack: Stack;

beforeAll(async () => {
  stack = await startStack({
    temporalAddress: inject('temporalAddress'),
    contacts: CONTACTS,
    document,
    settings: { CAMPAIGN_PER_DAY: '5000' },
  });
  await stack.starter('provision');
  await stack.systems.contacts.create({ lastname: MARK, emailaddress1: `${MARK}@shop.example` });
}, 60_000);
afterAll(() => stack.stop(), 60_000);

/** Each goes on from what the one before has left. */
describe.sequential('the metrics of a worker', () => {
  test('add up to what the summary tells of each flow', async () => {
    const scrape = await serveMetricsOf(stack.worker());
    await stack.systems.contacts.create({ lastname: 'Long', firstname: MARK.repeat(4) });
    await stack.syncAll([flow]);
    await deliver(stack.sandbox.ready, { profiles: 10, opens: 0.5, clicks: 0.2, bounces: 0.1 });
    const [profile] = await stack.systems.profiles.all();
    await stack.systems.contacts.update(profile?.externalId ?? '', {
      donotemail: profile?.blackListEmail !== true,
    });
    await stack.syncAll([EGRESS, OPT_OUT]);
    const [{ of }, contacts, events, optOuts] = [
      await scrape(),
      await stack.status(),
      await stack.eventStatus(),
      await stack.optOutStatus(),
    ];

    const counted = (of_: Scrape['of'], name: string): Samples =>
      Object.fromEntries(
        Object.entries(of_('dcs_outcomes_total')).flatMap(([labels, times]) => {
          const [, outcome] = new RegExp(`^flow="${name}",outcome="(\\w+)"$`).exec(labels) ?? [];
          return outcome === undefined ? [] : [[outcome, times]];
        }),
      );
    const { created, updated, unchanged, filtered, deleted, parked, held } = contacts;
    expect(counted(of, flow)).toEqual({ created, updated, unchanged, filtered, deleted, parked, held });
    expect(created).toBeGreaterThan(0);
    expect(counted(of, EGRESS)).toEqual({
      written: events.written,
      duplicates: events.duplicates,
      filtered: events.filtered,
      parked: events.parked,
    });
    expect(events.written).toBeGreaterThan(0);
    expect(total(counted(of, OPT_OUT))).toBe(optOuts.read);
    expect(optOuts.read).toBeGreaterThan(0);

    expect(of('dcs_managed_records')).toEqual({ [`flow="${flow}"`]: contacts.now.managed });
    expect(of('dcs_parked_rows')).toEqual(parkedOf(contacts));
    expect(total(of('dcs_parked_rows'))).toBeGreaterThan(0);
    expect(of('dcs_flow_phase')).toEqual({
      [`flow="${flow}",phase="following"`]: 1,
      [`flow="${EGRESS}",phase="following"`]: 1,
      [`flow="${OPT_OUT}",phase="following"`]: 1,
    });
    expect(of('dcs_interval_seconds')[`flow="${flow}"`]).toBe(300 * 24 * 60 * 60);
    expect(of('dcs_due_contacts')).toEqual({ [`flow="${OPT_OUT}"`]: 0 });
    expect(of('dcs_oldest_due_timestamp_seconds'), 'none is due').toEqual({});
    expect(of('dcs_flow_failed')).toEqual({});
  }, 60_000);

  test('count the calls, by system, method and how they were answered', async () => {
    const scrape = await serveMetricsOf(stack.worker());
    await stack.systems.sandbox.faults([
      { system: 'campaign', method: 'PATCH', kind: 'status', status: 429, retryAfter: 0, times: 1 },
    ]);
    const [profile] = await stack.systems.profiles.all();
    await stack.systems.contacts.update(profile?.externalId ?? '', { lastname: 'Throttled' });
    const before = (await scrape()).of('dcs_calls_total');
    await stack.syncAll([flow]);
    const { of } = await scrape();
    const calls = of('dcs_calls_total');
    const [throttled, done] = ['429', '2xx'].map(
      (status) => `system="campaign",method="PATCH",status="${status}"`,
    ) as [string, string];
    expect(calls[throttled]).toBe((before[throttled] ?? 0) + 1);
    expect(calls[done]).toBe((before[done] ?? 0) + 1);
    const ofCampaign = Object.fromEntries(
      Object.entries(calls).filter(([labels]) => labels.includes('campaign')),
    );
    expect(total(ofCampaign)).toBe(stack.worker().calls().campaign);
    expect(total(of('dcs_call_duration_seconds_count'))).toBe(total(calls));
    expect(of('dcs_calls_today')['system="campaign"']).toBeGreaterThan(0);
    expect(of('dcs_calls_per_day')).toEqual({ 'system="campaign"': 5000 });
  }, 60_000);

  test('tell since when a flow has caught up, of deletions that wait, and of a run that has failed', async () => {
    const scrape = await serveMetricsOf(stack.worker());
    const before = (await scrape()).of('dcs_last_success_timestamp_seconds');
    const [profile] = await stack.systems.profiles.all();
    await stack.systems.contacts.remove(profile?.externalId ?? '');
    await stack.syncAll([flow]);
    const held = await scrape();
    expect(held.of('dcs_held_deletions')).toEqual({ [`flow="${flow}"`]: 1 });
    expect(held.of('dcs_last_success_timestamp_seconds')[`flow="${flow}"`]).toBeGreaterThan(
      before[`flow="${flow}"`] ?? Infinity,
    );

    await stack.apply(
      document.replace(
        'direction: bidirectional',
        'direction: bidirectional\n  changes: { filter: missing }',
      ),
    );
    const [end] = await stack.syncAll([OPT_OUT]);
    expect(end?.error?.code).toBe('CAMPAIGN_FILTER_MISSING');
    const failed = await scrape();
    expect(failed.of('dcs_flow_failed')).toEqual({ [`flow="${OPT_OUT}",code="CAMPAIGN_FILTER_MISSING"`]: 1 });
    expect(failed.of('dcs_slice_failures_total')).toMatchObject({
      [`flow="${OPT_OUT}",code="CAMPAIGN_FILTER_MISSING"`]: 1,
    });
    expect(failed.of('dcs_runs_total')).toMatchObject({ [`flow="${OPT_OUT}",outcome="failed"`]: 1 });

    await stack.apply(document);
    await stack.syncAll([OPT_OUT]);
    expect((await scrape()).of('dcs_flow_failed')).toEqual({});
  }, 60_000);

  test('tell of opt-outs that are due, since when, and why they fail', async () => {
    const scrape = await serveMetricsOf(stack.worker());
    const begunAtSeconds = Date.now() / 1000;
    const [, profile] = await stack.systems.profiles.all();
    await stack.systems.sandbox.faults([
      { system: 'campaign', method: 'PATCH', kind: 'status', status: 400, times: 100 },
    ]);
    await stack.systems.contacts.update(profile?.externalId ?? '', {
      donotphone: profile?.blackListPhone !== true,
    });
    await stack.syncAll([OPT_OUT]);
    const due = await scrape();
    expect(due.of('dcs_due_contacts')).toEqual({ [`flow="${OPT_OUT}"`]: 1 });
    expect(due.of('dcs_failing_contacts')).toEqual({ [`flow="${OPT_OUT}",code="CAMPAIGN_REFUSED"`]: 1 });
    const since = due.of('dcs_oldest_due_timestamp_seconds')[`flow="${OPT_OUT}"`];
    expect(since).toBeGreaterThan(begunAtSeconds - 1);
    expect(since).toBeLessThan(Date.now() / 1000 + 1);

    await stack.systems.sandbox.clearFaults();
    await stack.starter('redrive');
    await stack.syncAll([OPT_OUT]);
    const settled = await scrape();
    expect(settled.of('dcs_due_contacts')).toEqual({ [`flow="${OPT_OUT}"`]: 0 });
    expect(settled.of('dcs_failing_contacts')).toEqual({});
  }, 60_000);

  test('tell of events that had left the source before they were read', async () => {
    const scrape = await serveMetricsOf(stack.worker());
    const before = await scrape();
    expect(before.of('dcs_source_gaps')).toEqual({ [`flow="${EGRESS}"`]: 0 });
    expect(before.of('dcs_newest_gap_timestamp_seconds')).toEqual({});
    await deliver(stack.sandbox.ready, { profiles: 5 });
    await stack.systems.sandbox.advance('P8D');
    const begunAtSeconds = Date.now() / 1000;
    await stack.syncAll([EGRESS]);
    const { of } = await scrape();
    expect(of('dcs_source_gaps')).toEqual({ [`flow="${EGRESS}"`]: 1 });
    expect(of('dcs_newest_gap_timestamp_seconds')[`flow="${EGRESS}"`]).toBeGreaterThan(begunAtSeconds - 1);
  }, 60_000);

  test('hold no value of a person, and of each label few values', async () => {
    const scrape = await serveMetricsOf(stack.worker());
    const { text } = await scrape();
    expect(text.toLowerCase()).not.toContain(MARK);
    const columns = ['emailaddress1', 'lastname', 'firstname', 'contactid'];
    const people = await stack.systems.contacts.all(columns);
    const values = people.flatMap((contact) => columns.map((column) => String(contact[column])));
    expect(values.length).toBeGreaterThan(CONTACTS);
    expect(values.filter((value) => value.length > 3 && text.includes(value))).toEqual([]);

    const seen = new Map<string, Set<string>>();
    const ours = text.match(/^dcs_.*$/gm)?.join('\n') ?? '';
    for (const [, label = '', value = ''] of ours.matchAll(/(\w+)="([^"]*)"/g))
      seen.set(label, (seen.get(label) ?? new Set()).add(value));
    const known: Record<string, RegExp> = {
      flow: /^(ingress\/contact|egress|opt-out)$/,
      outcome: /^[a-zA-Z-]+$/,
      phase: /^(survey|full|sweep|overlap|following)$/,
      code: new RegExp(`^(${Object.keys(catalogue).join('|')})$`),
      system: /^(dynamics|campaign)$/,
      method: /^(GET|POST|PATCH|DELETE)$/,
      status: /^([2345]xx|429|none)$/,
      le: /^(\+Inf|[\d.]+)$/,
    };
    expect([...seen.keys()].toSorted()).toEqual(Object.keys(known).toSorted());
    const strange = [...seen].flatMap(([label, given]) =>
      [...given].flatMap((value) => (known[label]?.test(value) ? [] : [`${label}="${value}"`])),
    );
    expect(strange).toEqual([]);
    expect(seen.get('outcome')?.size).toBeLessThan(20);
  });

  test('leave a flow out that the mapping does not name any more, and everything when the ledger is away', async () => {
    const scrape = await serveMetricsOf(stack.worker());
    await stack.apply(document.slice(0, document.indexOf('\nevents:')));
    const without = await scrape();
    expect(Object.keys(without.of('dcs_interval_seconds'))).toEqual([`flow="${flow}"`, `flow="${OPT_OUT}"`]);
    expect(without.of('dcs_source_gaps')).toEqual({});

    await stack.worker().shutdown();
    const away = await scrape();
    expect(away.of('dcs_ledger_up')).toEqual({ '': 0 });
    expect(away.of('dcs_managed_records')).toEqual({});
    expect(total(away.of('dcs_outcomes_total')), 'what was counted stays').toBe(
      total(without.of('dcs_outcomes_total')),
    );
  }, 60_000);
});

const parkedOf = ({ errors }: FlowStatus): Samples =>
  Object.fromEntries(Object.entries(errors).map(([code, rows]) => [`flow="${flow}",code="${code}"`, rows]));
