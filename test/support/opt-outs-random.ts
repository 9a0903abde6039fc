import fc from 'fast-check';
import pg from 'pg';
import { expect, inject } from 'vitest';
import type { ConsentEntryView } from '../../src/contracts.js';
import { sandboxSettings } from '../../src/sandbox-settings.js';
import { exampleDocument } from './mapping-document.js';
import { startMortalWorker, type MortalWorker } from './mortal-worker.js';
import { FLAGS, flagNames, histories, type History } from './opt-outs-random-history.js';
import { observe, type Observed } from './opt-outs-random-model.js';
import { CONTACT, OPT_OUT, play, settle, writesOf } from './opt-outs-random-play.js';
import type { World } from './opt-outs-random-world.js';
import type { Postgres } from './postgres.js';
import { skewedCampaign } from './skewed-campaign.js';
import { startStack, type Stack } from './stack.js';

const CONTACTS = 5;

export interface RandomOptOuts {
  runs: number;
  /** Rounds of a history. */
  length: { minLength: number; maxLength: number };
  postgres: Postgres;
  /** The worker is a process of its own, and dies at arbitrary moments. */
  kills?: boolean;
}

/**
 * Plays random histories of opt-outs, each on systems of its own, until one breaks a promise, and tells that one with its seed. The
 * seed is printed before, and OPT_OUTS_SEED plays the same histories again.
 */
export async function randomOptOutsHold({
  runs,
  length,
  postgres,
  kills = false,
}: RandomOptOuts): Promise<void> {
  const seed = Number(process.env.OPT_OUTS_SEED ?? Date.now() % 2 ** 31);
  process.stderr.write(`random opt-outs: OPT_OUTS_SEED=${seed}\n`);
  await fc.assert(
    fc.asyncProperty(histories(length, { kills }), (history) => holds(history, postgres, kills)),
    { seed, numRuns: runs, endOnFailure: true, verbose: true },
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
export async function holds(history: History, postgres: Postgres, kills: boolean): Promise<void> {
  const ledgerUrl = await postgres.freshDatabase();
  const stack = await startStack({
    temporalAddress: inject('temporalAddress'),
    contacts: CONTACTS,
    document: documentOf(history),
    ledgerUrl,
  });
  const skewed = await skewedCampaign(stack.sandbox.ready.campaign, history.aheadSeconds);
  const settings = { CAMPAIGN_URL: skewed.url };
  let mortal: MortalWorker | undefined;
  try {
    if (kills) {
      await stack.worker().shutdown();
      mortal = await startMortalWorker({ ...environmentOf(stack, ledgerUrl), ...settings });
    } else await stack.restartWorker(settings);
    const world: World = {
      stack,
      history,
      ids: await stack.systems.contacts.ids(),
      known: new Map(),
      unsettled: new Set(),
      isExact: false,
      polling: Promise.resolve(),
      names: 0,
      wrong: [],
      restart: () => mortal?.restart() ?? stack.restartWorker(settings),
      kill: async (afterMs) => mortal?.kill(afterMs),
      timePasses: () => nothingWaits(ledgerUrl),
    };
    await settle(world);
    for (const event of history.events) await play(world, event);
    await endsWell(world);
  } finally {
    await mortal?.stop();
    await stack.stop();
    await skewed.close();
  }
}

const environmentOf = ({ sandbox, namespace }: Stack, ledgerUrl: string): Record<string, string> => ({
  ...sandboxSettings(sandbox.ready),
  TEMPORAL_ADDRESS: inject('temporalAddress'),
  TEMPORAL_NAMESPACE: namespace,
  LEDGER_URL: ledgerUrl,
  LEDGER_KEY: 'a key for tests, thirty-two bytes',
  CAMPAIGN_SETTLE_SECONDS: '1',
  // A successor need not wait long for what its predecessor held.
  CALL_TIME_LIMIT_SECONDS: '2',
  LEASE_SECONDS: '4',
  LOG_LEVEL: 'info',
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
  expect(unexplained(observed, await consentLog(stack))).toEqual([]);
}

async function consentLog({ starter }: Stack): Promise<ConsentEntryView[]> {
  const { out, error } = await starter('consent', 'export', '--json');
  expect(error).toBe('');
  return (JSON.parse(out) as { decisions: ConsentEntryView[] }).decisions;
}

/** Flags on which both agree, of which the log's last word is another. What was never opted out needs no entry. */
function unexplained(observed: Observed, log: ConsentEntryView[]): string[] {
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
