import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ruleOn, type Direction, type FlagPair, type Rule } from '../../src/mapping/opt-out-rule.js';
import { combinations, truthTable } from '../../src/mapping/opt-out-table.js';
import { projectFolder } from '../project/arrows.js';

const TOLERANCE_MS = 5 * 60_000;
const terms = (direction: Direction, rule: Rule = 'three-way') => ({
  direction,
  rule,
  toleranceMs: TOLERANCE_MS,
});
const bidirectional = terms('bidirectional');
const at = (minutes: number): string => new Date(Date.UTC(2026, 10, 1, 12, minutes)).toISOString();

/** Agreed at noon, with row version 10 and Campaign's stamp of noon; minutes after it say when a side has changed. */
function pair(
  agreed: boolean | undefined,
  dynamics: [optedOut: boolean, minutes: number],
  campaign: [optedOut: boolean, minutes: number | undefined],
): FlagPair {
  return {
    ...(agreed !== undefined && { agreed: { optedOut: agreed, campaignStamp: at(0), rowVersion: '10' } }),
    dynamics: {
      optedOut: dynamics[0],
      rowVersion: dynamics[1] === 0 ? '10' : '11',
      changedAt: at(dynamics[1]),
    },
    campaign: { optedOut: campaign[0], ...(campaign[1] !== undefined && { stamp: at(campaign[1]) }) },
  };
}

describe('under the three-way rule', () => {
  test.each<[string, FlagPair, boolean, 'dynamics' | 'campaign' | undefined]>([
    ['an opt-out in Dynamics travels', pair(false, [true, 9], [false, 0]), true, 'campaign'],
    ['an opt-out in Campaign travels', pair(false, [false, 0], [true, 9]), true, 'dynamics'],
    ['an opt-in in Dynamics travels', pair(true, [false, 9], [true, 0]), false, 'campaign'],
    ['an opt-in in Campaign travels', pair(true, [true, 0], [false, 9]), false, 'dynamics'],
    ['without an agreement opted-out wins', pair(undefined, [false, 9], [true, 0]), true, 'dynamics'],
    [
      'without an agreement opted-out wins, the other way',
      pair(undefined, [true, 0], [false, 9]),
      true,
      'campaign',
    ],
    [
      'an opt-in yields to an opt-out that was given again later',
      pair(true, [false, 9], [true, 20]),
      true,
      'dynamics',
    ],
    [
      'an opt-in yields to an opt-out given again within the tolerance',
      pair(true, [false, 20], [true, 16]),
      true,
      'dynamics',
    ],
    [
      'an opt-in is later than an opt-out given again before it',
      pair(true, [false, 20], [true, 9]),
      false,
      'campaign',
    ],
    [
      'an opt-in in Campaign yields to a later change of the contact',
      pair(true, [true, 20], [false, 9]),
      true,
      'campaign',
    ],
    [
      'a flag without a stamp never makes Campaign newer',
      pair(true, [false, 1], [true, undefined]),
      false,
      'campaign',
    ],
    [
      'an opt-in without a stamp yields to a contact that has changed',
      pair(true, [true, 1], [false, undefined]),
      true,
      'campaign',
    ],
    [
      'an opt-in without a stamp wins over a contact that has not',
      pair(true, [true, 0], [false, undefined]),
      false,
      'dynamics',
    ],
    ['equal values are the agreement', pair(false, [true, 9], [true, 9]), true, undefined],
  ])('%s', (_name, given, optedOut, write) => {
    const ruling = ruleOn(given, bidirectional);
    expect({ optedOut: ruling.optedOut, write: ruling.write }).toEqual({ optedOut, write });
  });

  test('no opt-out is undone by the passing of time, whatever else changes', () => {
    fc.assert(
      fc.property(minutes, minutes, (dynamicsAt, campaignAt) => {
        // Nobody has opted in: one side is opted out since the agreement, or without one.
        for (const agreed of [false, undefined]) {
          expect(ruleOn(pair(agreed, [true, dynamicsAt], [false, campaignAt]), bidirectional).optedOut).toBe(
            true,
          );
          expect(ruleOn(pair(agreed, [false, dynamicsAt], [true, campaignAt]), bidirectional).optedOut).toBe(
            true,
          );
        }
      }),
    );
  });

  test('what was decided stays decided: the next look at both sides writes nothing', () => {
    fc.assert(
      fc.property(
        fc.option(fc.boolean(), { nil: undefined }),
        fc.boolean(),
        fc.boolean(),
        minutes,
        minutes,
        (agreed, d, c, dAt, cAt) => {
          const first = ruleOn(pair(agreed, [d, dAt], [c, cAt]), bidirectional);
          const held = first.optedOut ?? d;
          const again = ruleOn(pair(held, [held, 30], [held, 30]), bidirectional);
          expect(again).toEqual({ optedOut: held, because: 'equal' });
        },
      ),
    );
  });
});
const minutes = fc.integer({ min: 0, max: 59 });

describe('under the adobe rule', () => {
  test.each<[string, FlagPair, boolean]>([
    ['Campaign newer: its opt-in holds', pair(undefined, [true, 1], [false, 2]), false],
    ['Campaign newer: its opt-out holds', pair(false, [false, 1], [true, 2]), true],
    ['the same time: opted-out wins', pair(true, [false, 2], [true, 2]), true],
    ['Dynamics newer with an opt-in: opted-out wins', pair(true, [false, 3], [true, 2]), true],
    ['Dynamics newer with an opt-out', pair(false, [true, 3], [false, 2]), true],
    ['no stamp in Campaign: opted-out wins', pair(true, [false, 3], [true, undefined]), true],
  ])('%s', (_name, given, optedOut) => {
    expect(ruleOn(given, terms('bidirectional', 'adobe')).optedOut).toBe(optedOut);
  });
});

describe('one way', () => {
  test.each<[string, Direction, FlagPair, boolean | undefined, 'dynamics' | 'campaign' | undefined]>([
    ['the source opts out', 'dynamics-to-campaign', pair(false, [true, 9], [false, 0]), true, 'campaign'],
    ['the source opts in', 'dynamics-to-campaign', pair(true, [false, 9], [true, 0]), false, 'campaign'],
    ['the target changed', 'dynamics-to-campaign', pair(false, [false, 0], [true, 9]), undefined, undefined],
    [
      'a default of the source clears nothing',
      'dynamics-to-campaign',
      pair(undefined, [false, 9], [true, 0]),
      undefined,
      undefined,
    ],
    [
      'an opt-out of the source at first',
      'dynamics-to-campaign',
      pair(undefined, [true, 9], [false, 0]),
      true,
      'campaign',
    ],
    ['Campaign opts out', 'campaign-to-dynamics', pair(false, [false, 0], [true, 9]), true, 'dynamics'],
    ['Campaign opts in', 'campaign-to-dynamics', pair(true, [true, 0], [false, 9]), false, 'dynamics'],
    ['Dynamics changed', 'campaign-to-dynamics', pair(false, [true, 9], [false, 0]), undefined, undefined],
    [
      'a default of Campaign clears nothing',
      'campaign-to-dynamics',
      pair(undefined, [true, 0], [false, 9]),
      undefined,
      undefined,
    ],
  ])('%s', (_name, direction, given, optedOut, write) => {
    const ruling = ruleOn(given, terms(direction));
    expect({ optedOut: ruling.optedOut, write: ruling.write }).toEqual({ optedOut, write });
  });
});

test('the truth table of the docs is the code', () => {
  const page = readFileSync(join(projectFolder, 'docs', 'reference', 'opt-out-rules.md'), 'utf8');
  const cells = (text: string) =>
    text
      .split('\n')
      .filter((line) => line.startsWith('|') && !/^\| ?-/.test(line))
      .map((line) =>
        line
          .split('|')
          .slice(1, -1)
          .map((cell) => cell.trim()),
      );
  const ofTable = cells(truthTable());
  expect(ofTable.length).toBeGreaterThan(20);
  expect(cells(page)).toEqual(ofTable);
});

test('every combination falls under exactly one row of the truth table', () => {
  for (const { rows, name } of combinations()) expect({ name, rows }).toEqual({ name, rows: 1 });
});
