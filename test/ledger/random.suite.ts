import { equal } from 'node:assert/strict';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Feed, Ledger, Outcome, RowOutcome, SurveyedRecord } from '../../src/ledger/store.js';
import { at, onBothBackends, prints, take } from './backends.js';
import { createModel, type Model } from './model.js';

type Decided = RowOutcome & { outcome: Outcome };
type Step =
  | { kind: 'page'; rows: Decided[]; doneBeforeInterruption: number[]; marked: string[] }
  | { kind: 'survey'; pages: SurveyedRecord[][]; isGivenUpFirst: boolean }
  | { kind: 'redrive' }
  | { kind: 'restart' };

const ids = Array.from({ length: 7 }, (_, index) => `id ${index}`);
const anId = fc.constantFrom(...ids);
const content = fc.constantFrom('x', 'y', 'z');
const version = fc.option(fc.constantFrom('1', '2', '3'), { nil: undefined });

const aRow: fc.Arbitrary<Decided> = fc
  .record({
    sourceId: anId,
    outcome: fc.constantFrom<Outcome>(
      'created',
      'updated',
      'unchanged',
      'filtered',
      'deleted',
      'parked',
      'held',
    ),
    content,
    isAccepted: fc.boolean(),
    code: fc.constantFrom('TEXT_TOO_LONG', 'PARENT_MISSING', 'DUPLICATE_IN_CAMPAIGN'),
    createRefused: fc.boolean(),
    loosened: fc.constantFrom('removed', 'forgotten', 'not', 'not'),
    sourceVersion: version,
  })
  .map(({ sourceId, outcome, isAccepted, sourceVersion, loosened, ...row }) => ({
    sourceId,
    outcome,
    ...(sourceVersion !== undefined && { sourceVersion }),
    ...((outcome === 'created' || outcome === 'updated' || (outcome === 'unchanged' && isAccepted)) && {
      accepted: prints(row.content),
    }),
    ...(loosened === 'removed' && outcome === 'parked' && { removed: true }),
    ...(loosened === 'forgotten' && (outcome === 'parked' || outcome === 'filtered') && { forgotten: true }),
    ...(outcome === 'parked' && { fault: { code: row.code }, createRefused: row.createRefused }),
  }));

const aPage = fc.record({
  kind: fc.constant('page' as const),
  rows: fc.uniqueArray(aRow, { selector: ({ sourceId }) => sourceId, maxLength: 6 }),
  doneBeforeInterruption: fc.uniqueArray(fc.nat(5), { maxLength: 4 }),
  marked: fc.uniqueArray(anId, { maxLength: 3 }),
});
const aSurvey = fc.record({
  kind: fc.constant('survey' as const),
  pages: fc.array(
    fc.array(
      fc
        .record({ sourceId: anId, content })
        .map((found) => ({ sourceId: found.sourceId, ...prints(found.content) })),
      { maxLength: 4 },
    ),
    { minLength: 1, maxLength: 3 },
  ),
  isGivenUpFirst: fc.boolean(),
});
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: aPage },
    { weight: 3, arbitrary: aSurvey },
    { weight: 1, arbitrary: fc.constantFrom<Step>({ kind: 'redrive' }, { kind: 'restart' }) },
  ),
  { minLength: 1, maxLength: 14 },
);

onBothBackends('any history', (under) => {
  test(
    'of pages, interruptions, surveys and restarts ends as the rules say',
    { timeout: 120_000 },
    async () => {
      const { backend, ledger, ofAnotherProcess, freshFlow } = under();
      const check = fc.asyncProperty(steps, async (history) => {
        const flow = freshFlow();
        const model = createModel();
        let current = ledger;
        await current.startRun(flow, 'run');
        let feed = await take(current, flow);
        for (const step of history) {
          if (step.kind === 'restart') {
            await current.closeFeed(feed);
            current = ofAnotherProcess();
            feed = await take(current, flow);
          } else {
            feed = await walk(current, feed, model, step);
          }
          await compare(current, feed, model);
        }
      });
      await expect(fc.assert(check, { numRuns: backend === 'postgres' ? 60 : 25 })).resolves.toBeUndefined();
    },
  );
});

async function walk(
  ledger: Ledger,
  feed: Feed,
  model: Model,
  step: Exclude<Step, { kind: 'restart' }>,
): Promise<Feed> {
  switch (step.kind) {
    case 'page':
      return walkPage(ledger, feed, model, step);
    case 'survey':
      return walkSurvey(ledger, feed, model, step);
    case 'redrive':
      equal(await ledger.redrive({ flow: feed.flow }), model.redrive());
      return feed;
  }
}

/** A page, whose first attempt may be interrupted; the retry tells again what it finds recorded, as the activity does. */
async function walkPage(
  ledger: Ledger,
  feed: Feed,
  model: Model,
  step: Step & { kind: 'page' },
): Promise<Feed> {
  await ledger.markIntents(feed, step.marked);
  model.mark(step.marked);
  const done = step.doneBeforeInterruption.flatMap((index) => step.rows[index] ?? []);
  let current = feed;
  if (done.length > 0) {
    current = await ledger.commitPage(current, done);
    model.commit(done, false);
    await compare(ledger, current, model);
  }
  const known = await ledger.records(feed.flow, ids);
  const rows = step.rows.map((row): Decided => {
    const record = known.get(row.sourceId);
    if (record?.outcomeVersion !== feed.version || record.outcome === undefined) return row;
    return { sourceId: row.sourceId, outcome: record.outcome };
  });
  current = await ledger.commitPage(current, rows, at('full'));
  model.commit(rows, true);
  return current;
}

/** A survey, which may be read to its last page and then begun again, as after a crash before its end. */
async function walkSurvey(
  ledger: Ledger,
  feed: Feed,
  model: Model,
  step: Step & { kind: 'survey' },
): Promise<Feed> {
  let current = await ledger.moveFeed(feed, at('survey'));
  model.move();
  for (const _round of step.isGivenUpFirst ? ['first', 'second'] : ['only']) {
    for (const [index, page] of step.pages.entries()) {
      const isLast = index === step.pages.length - 1;
      current = await ledger.commitSurveyPage(
        current,
        page,
        at('survey', isLast ? undefined : `page ${index}`),
      );
      model.surveyPage(page, index === 0);
    }
  }
  const finished = await ledger.finishSurvey(current, at('full'));
  expect({ missing: finished.missing, doubled: finished.doubled }).toEqual(model.finishSurvey());
  return finished;
}

async function compare(ledger: Ledger, feed: Feed, model: Model): Promise<void> {
  const known = await ledger.records(feed.flow, ids);
  const stored = [...known.values()].map((record) => [
    record.sourceId,
    {
      state: record.state,
      managed: record.managed,
      doubled: record.doubled,
      full: record.full,
      following: record.following,
      sourceVersion: record.sourceVersion,
      marked: record.intentAgeMs !== undefined,
      stamped: record.outcomeVersion === feed.version ? record.outcome : undefined,
    },
  ]);
  const told = [...model.records].map(([id, { seenBy: _seenBy, ...record }]) => [id, record]);
  expect(Object.fromEntries(stored)).toEqual(Object.fromEntries(told));
  const rows = await ledger.parked({ flow: feed.flow, limit: 99 });
  const due = new Set(await ledger.dueParked(feed.flow, { after: '', limit: 99 }));
  const waits = ({ sourceId, nextAttemptAt }: (typeof rows)[number]) =>
    due.has(sourceId) ? 'due' : nextAttemptAt === undefined ? 'for ever' : 'by time';
  expect(
    Object.fromEntries(
      rows.map((row) => [row.sourceId, { code: row.code, attempts: row.attempts, waits: waits(row) }]),
    ),
  ).toEqual(
    Object.fromEntries(
      [...model.parked].map(([id, { code, attempts, waits: told }]) => [id, { code, attempts, waits: told }]),
    ),
  );
  const summary = await ledger.summary(feed.flow);
  expect(summary.now).toEqual(model.totals());
  expect(summary.counts).toEqual(model.counts);
  expect(await ledger.deletionWindow(feed.flow)).toEqual({ deleted: model.deletions(), managedAtStart: 0 });
}
