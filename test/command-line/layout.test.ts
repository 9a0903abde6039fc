import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AnyFlowStatus, Finding, ParkedRowView } from '../../src/contracts.js';
import { explainedText } from '../../src/command-line/explain.js';
import { folded, table, WIDTH } from '../../src/command-line/layout.js';
import { planText } from '../../src/command-line/plan.js';
import { progressLine } from '../../src/command-line/progress.js';
import { findingsTable, parkedTable, summaryTable } from '../../src/command-line/tables.js';

const LONG_TABLE = `new_${'averylongname'.repeat(5)}`.slice(0, 60);
const LONG_FIELD = `cus${'Field'.repeat(12)}`.slice(0, 60);
const ID = '015b1d31-2989-426a-88c2-a69494064544';
const TIME = '2026-11-25T03:44:27.501Z';
const MANY = 1_234_567;
const tooWide = (text: string): string[] => text.split('\n').filter((line) => line.length > WIDTH);
/** The text without what its layout has added. */
const letters = (text: string): string => text.replace(/\s/g, '');

describe('a table', () => {
  const cell = fc.oneof(
    fc.integer({ min: 0, max: 10_000_000 }),
    fc.stringMatching(/^[a-zA-Z_./-]{0,90}( [a-z]{0,20}){0,6}$/),
  );
  test('fits into 80 columns, whatever stands in it, and loses nothing', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(cell, cell, cell, cell), { minLength: 1, maxLength: 4 }), (rows) => {
        const drawn = table(['flow', 'outcome', 'read', 'new'], rows);
        expect(tooWide(drawn)).toEqual([]);
        const shown = new Map<string, number>();
        for (const letter of letters(drawn)) shown.set(letter, (shown.get(letter) ?? 0) + 1);
        for (const letter of letters(rows.flat().join(''))) shown.set(letter, (shown.get(letter) ?? 0) - 1);
        expect([...shown.values()].filter((count) => count < 0)).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  test('that fits as it is is not touched', () => {
    expect(table(['flow', 'read'], [['egress', 12]])).toBe('flow    read\negress  12');
  });

  test('breaks a long name after the signs that join its parts, and no number', () => {
    const drawn = table(['flow', 'what', 'rows'], [[`ingress/${LONG_TABLE}`, 'TEXT_TOO_LONG', MANY]]);
    expect(tooWide(drawn)).toEqual([]);
    expect(drawn).toContain(String(MANY));
    expect(drawn).toContain('TEXT_TOO_LONG');
  });

  test('of more numbers than fit becomes a block for each row', () => {
    const head = Array.from({ length: 12 }, (_each, index) => `column ${index}`);
    const drawn = table(head, [head.map((_name, index) => MANY + index)]);
    expect(drawn.split('\n')).toHaveLength(head.length);
    expect(drawn).toMatch(/^column 0 {3}1234567$/m);
  });
});

test('long sentences are broken between words, and a command to be copied is not', () => {
  const command = `npm run starter -- deletions approve ${LONG_TABLE} --version 32 --count 80`;
  const sentence = 'a word or two '.repeat(12).trim();
  const text = folded(`${sentence}\n${command}`);
  expect(text.endsWith(`\n${command}`)).toBe(true);
  expect(tooWide(text)).toEqual([command]);
  expect(text.replace(/\s+/g, ' ')).toBe(`${sentence} ${command}`);
});

describe('what commands print fits into 80 columns with long names and large counts:', () => {
  const state = {
    flow: `ingress/${LONG_TABLE}`,
    outcome: 'waiting' as const,
    seconds: MANY,
    rowsPerSecond: 12_345.6,
    lagSeconds: MANY,
    errors: { TEXT_TOO_LONG: MANY, CAMPAIGN_LINK_TARGET_MISSING: MANY },
    waiting: { reason: 'parent' as const, forMs: 1_000, until: TIME },
    error: {
      code: 'DYNAMICS_CUSTOMISATION_LOCKED',
      next: 'Wait until the import has ended, then try again.',
    },
  };
  const flows: AnyFlowStatus[] = [
    {
      ...state,
      read: MANY, created: MANY, updated: MANY, unchanged: MANY, filtered: MANY, deleted: MANY, parked: MANY, held: MANY,
      now: { managed: MANY, parked: MANY, held: MANY, backlog: MANY },
    },
    {
      ...state, flow: 'egress',
      read: MANY, written: MANY, duplicates: MANY, filtered: MANY, parked: MANY,
      now: { parked: MANY }, filteredBy: { 'contact-gone': MANY, 'no-external-id': MANY },
      gaps: [{ from: TIME, until: TIME, notedAt: TIME }],
    },
    {
      ...state, flow: 'opt-out',
      read: MANY, toCampaign: MANY, toDynamics: MANY, unchanged: MANY, parked: MANY,
      now: { due: MANY, failing: MANY, oldestDueAt: TIME, parked: MANY }, exports: { newestAt: TIME, stale: true },
    },
  ]; // prettier-ignore
  const parked: ParkedRowView = {
    flow: `ingress/${LONG_TABLE}`,
    id: ID,
    code: 'CAMPAIGN_LINK_TARGET_MISSING',
    field: LONG_FIELD,
    waitsFor: `ingress/${LONG_TABLE}:${ID}`,
    attempts: MANY,
    firstAt: TIME,
    lastAt: TIME,
    nextAttemptAt: TIME,
    next: 'Nothing: the row is sent when its parent lands, which may take until the next day.',
  };
  const finding: Finding = {
    severity: 'warning',
    area: 'fields',
    subject: `${LONG_TABLE}.${LONG_FIELD} → ${LONG_TABLE}.${LONG_FIELD}`,
    found: 'the column takes 50 characters, the field 30: rows with a longer text are parked',
    next: 'Lengthen the field in Campaign to 50 and publish, or mend such rows in Dynamics.',
    code: 'TEXT_TOO_LONG',
  };

  test('status', () => {
    expect(tooWide(summaryTable({ flows }))).toEqual([]);
  });

  test('parked, by what keeps the rows and with what to do, each id in one piece', () => {
    const text = parkedTable([
      parked,
      { ...parked, id: ID.replace('0', '1') },
      { ...parked, code: 'KEY_MISSING' },
    ]);
    expect(tooWide(text)).toEqual([]);
    expect(text.match(/sent when its parent lands/g)).toHaveLength(2);
    expect(text.match(new RegExp(`^ {2}${ID} `, 'gm'))).toHaveLength(2);
  });

  test('check', () => {
    const text = findingsTable([finding, { ...finding, severity: 'ok' }]);
    expect(tooWide(text)).toEqual([]);
    expect(text).toMatch(/^warning {2}fields: /);
  });

  test('plan', () => {
    const counts = {
      read: MANY,
      created: MANY,
      updated: MANY,
      unchanged: 0,
      filtered: 0,
      deleted: 0,
      parked: MANY,
      held: 0,
    };
    const text = planText({
      table: LONG_TABLE,
      reading: 'changes',
      counts,
      parked: [{ code: 'CAMPAIGN_LINK_TARGET_MISSING', field: LONG_FIELD, rows: MANY }],
      calls: { dynamics: MANY, campaign: MANY },
      samples: { created: [ID] },
      fields: { changed: { [LONG_FIELD]: MANY }, known: MANY, of: MANY, equal: MANY },
      notes: [
        `${LONG_TABLE} waits for its parent, whose first load is not done: its rows are parked until then.`,
      ],
    });
    expect(tooWide(folded(text))).toEqual([]);
    expect(
      tooWide(
        text
          .split('\n')
          .filter((line) => /^\S+ {2,}\d/.test(line))
          .join('\n'),
      ),
    ).toEqual([]);
  });

  test('explain', () => {
    const text = explainedText({
      id: ID,
      stories: [
        {
          table: LONG_TABLE,
          dynamics: { exists: true, rowVersion: '123456789', active: true },
          campaign: { resource: LONG_TABLE, keyField: LONG_FIELD, found: 'several' },
          parked,
          payload: {
            kind: 'payload',
            hash: 'f'.repeat(32),
            comparedWithAccepted: 'differs',
            differsInCampaign: [LONG_FIELD],
          },
          parents: [{ table: LONG_TABLE, id: ID, field: LONG_FIELD, state: 'parked', inCampaign: false }],
        },
      ],
    });
    expect(tooWide(folded(text))).toEqual([]);
    expect(text).toContain('What to do');
  });
});

describe('progress', () => {
  const written = (isTTY: boolean): string => {
    let text = '';
    const line = progressLine({ isTTY, write: (more) => (text += more) });
    line.show('x'.repeat(200));
    line.clear();
    line.clear();
    return text;
  };

  test('is one line of a terminal, which goes when the work is done', () => {
    expect(written(true)).toBe(`\r\u001B[K${'x'.repeat(WIDTH - 1)}\r\u001B[K`);
  });

  test('is not told to a file or a pipe', () => {
    expect(written(false)).toBe('');
  });
});
