import type { Client } from '@temporalio/client';
import type { RecordPayload, RecordStory } from '../contracts.js';
import { catalogue, type ErrorCode } from '../errors.js';
import { inspect } from './inspect.js';
import { pairs } from './layout.js';
import { WrongUse } from './wrong-use.js';

export interface Explained {
  id: string;
  /** One for each table that knows the id. */
  stories: RecordStory[];
}

const GUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** One record's story, of one table or of all that are mapped. Throws WrongUse for what is no id of Dynamics. */
export async function explain(client: Client, id: string, table?: string): Promise<Explained> {
  if (!GUID.test(id)) throw new WrongUse([`${JSON.stringify(id)} is no id of Dynamics: it takes a GUID`]);
  const { stories } = await inspect(client, { kind: 'explain', id, ...(table !== undefined && { table }) });
  return { id: id.toLowerCase(), stories };
}

export function explainedText({ id, stories }: Explained): string {
  if (stories.length === 0)
    return `${id} is not known: no mapped table of Dynamics has it, Campaign has no record with this key, and the sync has never seen it.`;
  return stories.map((story) => storyText(id, story)).join('\n\n');
}

function storyText(id: string, story: RecordStory): string {
  const { ledger, parked, payload, parents } = story;
  const lines: [string, string][] = [
    ['In Dynamics', inDynamics(story)],
    ['In Campaign', inCampaign(story)],
    ['For the sync', ledger ? `${ledger.state}${ledger.managed ? ', ours' : ', not ours'}` : 'never seen'],
    ...(ledger ? lastDecision(story) : []),
    ...(parked ? parkedLines(story) : []),
    ...(payload ? [['The row now', payloadText(payload)] as [string, string]] : []),
    ...(story.consent ? consentLines(story.consent) : []),
    ...parents.map((parent): [string, string] => [
      `Parent (${parent.field})`,
      `${parent.table} ${parent.id}: ${parent.state}, ${parent.inCampaign ? 'in Campaign' : 'not in Campaign'}`,
    ]),
  ];
  return `${story.table} ${id}\n${pairs(lines)}`;
}

function inDynamics({ dynamics: { exists, rowVersion, active } }: RecordStory): string {
  if (!exists) return 'no row';
  const activity = active === undefined ? '' : active ? ', active' : ', inactive';
  return `row version ${rowVersion}${activity}`;
}

function inCampaign({ campaign: { resource, keyField, found }, ledger }: RecordStory): string {
  const records = { one: 'one record', none: 'no record', several: 'several records' }[found];
  const doubled = ledger?.doubled ? '; the last survey found several' : '';
  return `${records} of ${resource} with this ${keyField}${doubled}`;
}

/** So many decisions are shown here; `consent export` has them all. */
const SHOWN = 5;

function consentLines({ agreed, due, decisions }: NonNullable<RecordStory['consent']>): [string, string][] {
  const flags = Object.entries(agreed).map(([flag, optedOut]) => `${flag} ${saidAs(optedOut)}`);
  return [
    ['Opt-outs agreed', flags.length > 0 ? flags.join(', ') : 'nothing yet'],
    ...(due ? [['Opt-outs due', due.code ?? 'both sides are looked at next'] as [string, string]] : []),
    ...decisions
      .slice(0, SHOWN)
      .map(({ at, flag, agreedAfter, winner, because, result }): [string, string] => [
        `Decided ${at}`,
        `${flag}: ${because}${winner === 'none' ? '' : `; ${winner} holds`}${agreedAfter === undefined ? '' : `: ${saidAs(agreedAfter)}`} (${result})`,
      ]),
  ];
}

const saidAs = (optedOut: boolean): string => (optedOut ? 'opted out' : 'not opted out');

function lastDecision({ ledger, dynamics }: RecordStory): [string, string][] {
  if (!ledger) return [];
  const { outcome, sourceVersion, mappingVersion, accepted, createUnderWay, leaving, called } = ledger;
  const isBehind = dynamics.rowVersion !== undefined && sourceVersion !== dynamics.rowVersion;
  return [
    [
      'Last decision',
      [
        outcome ?? 'none',
        sourceVersion && `on row version ${sourceVersion}${isBehind ? ' (not the present one)' : ''}`,
        mappingVersion !== undefined && `by mapping version ${mappingVersion}`,
      ]
        .filter(Boolean)
        .join(', '),
    ],
    ...(accepted ? [['Accepted', `hash ${accepted}`] as [string, string]] : []),
    ...(createUnderWay
      ? [
          ['Create', 'sent, its answer is not known: Campaign is asked before it is repeated'] as [
            string,
            string,
          ],
        ]
      : []),
    ...(leaving
      ? [['Leaves', 'its deletion waits for the records that lead to it'] as [string, string]]
      : []),
    ...(called
      ? [
          [
            'Called',
            'is read again by the next sync: a record that it leads to leaves, or stays after all',
          ] as [string, string],
        ]
      : []),
  ];
}

function parkedLines({ parked }: RecordStory): [string, string][] {
  if (!parked) return [];
  const { code, field, waitsFor, attempts, firstAt, nextAttemptAt, next } = parked;
  return [
    ['Parked', `${code}${field === undefined ? '' : `, field ${field}`}: ${meaningOf(code)}`],
    ['', `${attempts} tries since ${firstAt}, next ${nextAttemptAt ?? 'when released'}`],
    ...(waitsFor === undefined ? [] : [['', `waits for ${waitsFor}`] as [string, string]]),
    ['What to do', next],
  ];
}

const meaningOf = (code: string): string =>
  code in catalogue ? catalogue[code as ErrorCode].message : 'see docs/reference/errors.md';

function payloadText(payload: RecordPayload): string {
  switch (payload.kind) {
    case 'filtered':
      return payload.hidden
        ? 'names no parent, without which Campaign would hide it: it is not sent'
        : 'does not pass the filter';
    case 'fault':
      return `cannot be sent: ${payload.code}, field ${payload.field}`;
    case 'payload':
      return `hash ${payload.hash}: ${comparisons[payload.comparedWithAccepted]}${campaignText(payload.differsInCampaign)}`;
  }
}

const comparisons = {
  same: 'what Campaign last accepted',
  following: 'what Campaign last accepted, in the fields that follow updates',
  differs: 'not what Campaign last accepted',
  unknown: 'what Campaign last accepted is not known',
};

function campaignText(differing: string[] | undefined): string {
  if (differing === undefined) return '';
  return differing.length === 0
    ? '; Campaign holds it so now'
    : `; Campaign holds otherwise now: ${differing.join(', ')}`;
}
