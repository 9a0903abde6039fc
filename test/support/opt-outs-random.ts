import fc from 'fast-check';
import pg from 'pg';
import { expect, inject } from 'vitest';
import type { ConsentEntryView } from '../../src/contracts.js';
import { exampleDocument } from './mapping-document.js';
import { FLAGS, flagNames, histories, type History } from './opt-outs-random-history.js';
import { observe, type Observed } from './opt-outs-random-model.js';
import { CONTACT, OPT_OUT, play, settle, writesOf, type World } from './opt-outs-random-world.js';
import type { Postgres } from './postgres.js';
import { skewedCampaign } from './skewed-campaign.js';
import { startStack, type Stack } from './stack.js';

const CONTACTS = 5;

/**
 * Plays random histories of opt-outs, each on systems of its own, until one breaks a promise, and tells that one with its seed. The
 * seed is printed before, and OPT_OUTS_SEED plays the same histories again.
 */
export async function randomOptOutsHold(
  numRuns: number,
  length: { minLength: number; maxLength: number },
  postgres: Postgres,
): Promise<void> {
  const seed = Number(process.env.OPT_OUTS_SEED ?? Date.now() % 2 ** 31);
  process.stderr.write(`random opt-outs: OPT_OUTS_SEED=${seed}\n`);
  await fc.assert(
    fc.asyncProperty(histories(length), (history) => holds(history, postgres)),
    { seed, numRuns, endOnFailure: true, verbose: true },
  );
}

const documentOf = ({
  direction,
  rule,
  source,
}: History): string => `${exampleDocument.replace('every: 1m', 'every: 300d')}
optOut:
  direction: ${direction}
  rule: ${rule}
  source: ${source}
  every: 300d
  flags:
${flagNames
  .map(
    (flag) => `    - { dynamics: ${FLAGS[flag].column}, campaign: ${flag}, inverse: ${FLAGS[flag].inverse} }`,
  )
  .join('\n')}
`;

/** Plays one history, and holds what became of the flags against the rules. */
export async function holds(history: History, postgres: Postgres): Promise<void> {
  const ledgerUrl = await postgres.freshDatabase();
  const stack = await startStack({
    temporalAddress: inject('temporalAddress'),
    contacts: CONTACTS,
    document: documentOf(history),
    ledgerUrl,
  });
  const skewed = await skewedCampaign(stack.sandbox.ready.campaign, history.aheadSeconds);
  try {
    const settings = { CAMPAIGN_URL: skewed.url };
    await stack.restartWorker(settings);
    const world = begin({ ...stack, restartWorker: () => stack.restartWorker(settings) }, history, {
      ids: await stack.systems.contacts.ids(),
      timePasses: () => nothingWaits(ledgerUrl),
    });
    await settle(world);
    for (const event of history.events) await play(world, event);
    await endsWell(world);
  } finally {
    await stack.stop();
    await skewed.close();
  }
}

const begin = (stack: Stack, history: History, rest: Pick<World, 'ids' | 'timePasses'>): World => ({
  stack,
  history,
  known: new Map(),
  unsettled: new Set(),
  isExact: false,
  polling: Promise.resolve(),
  names: 0,
  wrong: [],
  kill: () => stack.restartWorker(),
  ...rest,
});

/** A contact of which a call was not answered waits a minute and more: here that time is over. */
async function nothingWaits(ledgerUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: ledgerUrl });
  await client.connect();
  try {
    await client.query('update ledger.due_contact set next_at = now()');
  } finally {
    await client.end();
  }
}

async function endsWell(world: World): Promise<void> {
  const { stack, history } = world;
  await settle(world);
  expect(world.wrong).toEqual([]);
  await stack.systems.sandbox.resetStats();
  for (const flow of [CONTACT, OPT_OUT, CONTACT, OPT_OUT]) await stack.syncAll([flow]);
  expect(await writesOf(stack)).toEqual([]);
  const observed = await observe(stack.systems, history.aheadSeconds);
  expect(unexplained(observed, await consentLog(stack), history)).toEqual([]);
}

async function consentLog({ starter }: Stack): Promise<ConsentEntryView[]> {
  const { out, error } = await starter('consent', 'export', '--json');
  expect(error).toBe('');
  return (JSON.parse(out) as { decisions: ConsentEntryView[] }).decisions;
}

/** Flags on which both agree, of which the log's last word is another. What was never opted out needs no entry. */
function unexplained(observed: Observed, log: ConsentEntryView[], _history: History): string[] {
  return [...observed].flatMap(([id, flags]) =>
    flagNames.flatMap((flag) => {
      const said = flags[flag];
      if (said.dynamics !== said.campaign) return [];
      const last = log.findLast(
        ({ contactId, flag: of, agreedAfter }) =>
          contactId === id && of === flag && agreedAfter !== undefined,
      );
      return (last?.agreedAfter ?? false) === said.dynamics
        ? []
        : [`${id} ${flag} is ${said.dynamics}: ${JSON.stringify(last)}`];
    }),
  );
}
