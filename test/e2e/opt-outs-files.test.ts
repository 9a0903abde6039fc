import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { codeOf, connectFiles } from '../sandbox/sftp/client.js';
import { startStack, type Stack } from '../support/stack.js';
import { contactOf, differences, optOutDocument, profileOf } from '../support/opt-outs.js';

const OPT_OUT = 'opt-out';
const FOLDER = 'd365_loads/exports';
const HEADINGS = [
  'externalId',
  ...['blackListEmail', 'blackListPhone', 'blackListFax'].flatMap((flag) => [flag, `${flag}LastModified`]),
];

/** A row of an export; flags that are not named are off. */
const row = (externalId: string, flags: Record<string, string> = {}): string =>
  HEADINGS.map((heading) =>
    heading === 'externalId' ? externalId : (flags[heading] ?? (heading.endsWith('Modified') ? '' : '0')),
  ).join('\t');

describe.sequential('opt-outs of Campaign by export files', () => {
  let stack: Stack;
  let ids: string[];
  beforeAll(async () => {
    stack = await startStack({
      temporalAddress: inject('temporalAddress'),
      contacts: 12,
      document: optOutDocument('direction: bidirectional\n  source: files'),
    });
    await stack.syncAll(['ingress/contact']);
    await stack.syncAll([OPT_OUT]);
    ids = (await stack.systems.profiles.all()).map(({ externalId }) => externalId);
  }, 120_000);
  afterAll(() => stack.stop());

  async function put(name: string, lines: string[], encoding: BufferEncoding = 'utf8'): Promise<void> {
    const files = await connectFiles(stack.sandbox.ready);
    const text = [HEADINGS.join('\t'), ...lines, ''].join('\n');
    await files.write(`${FOLDER}/${name}`, Buffer.from(text, encoding));
    await files.end();
  }

  test('the first comparison is over REST, and a missing export is told', async () => {
    expect(await differences(stack.systems)).toEqual([]);
    expect(await stack.optOutStatus()).toMatchObject({ exports: { stale: true } });
    expect((await stack.starter('status')).out).toContain('there is no export file');
  });

  test('what an export tells travels to Dynamics, as Campaign says it now', async () => {
    const { systems } = stack;
    const [one = '', two = '', three = ''] = ids;
    await systems.profiles.update(await profileOf(systems, one), { blackListEmail: true });
    await systems.profiles.update(await profileOf(systems, two), { blackListPhone: true });
    await put('optOuts_20261125_080000.txt', [
      row(one, { blackListEmail: '1', blackListEmailLastModified: '2026/11/25 07:59:00' }),
      // Twice, without a stamp.
      row(two, { blackListPhone: 'true' }),
      row(two, { blackListPhone: '1' }),
      // Taken back in Campaign since.
      row(three, { blackListEmail: '1', blackListEmailLastModified: '2026/11/25 07:59:30' }),
      row('', { blackListEmail: '1' }),
      row('0d9e6c1e-0000-4000-8000-00000000a001', { blackListEmail: '1' }),
    ]);
    expect(await stack.syncAll([OPT_OUT])).toMatchObject([{ outcome: 'in-sync' }]);
    expect(await contactOf(systems, one)).toMatchObject({ donotemail: true, donotphone: false });
    expect(await contactOf(systems, two)).toMatchObject({ donotemail: false, donotphone: true });
    expect(await contactOf(systems, three)).toMatchObject({ donotemail: false });
    const status = await stack.optOutStatus();
    expect(status).toMatchObject({ toDynamics: 2, toCampaign: 0, parked: 0, exports: { stale: false } });
    expect(await differences(systems)).toEqual([]);
  });

  test('rows and files that cannot be read are set aside with their column, and the rest goes on', async () => {
    const { systems } = stack;
    const [, , , four = '', five = '', six = ''] = ids;
    await systems.profiles.update(await profileOf(systems, four), { blackListEmail: true });
    await put(
      'optOuts_20261125_090000.txt',
      [
        row(five, { blackListEmail: 'perhaps' }),
        row(six, { blackListPhone: '1', blackListPhoneLastModified: 'yesterday' }),
        row('Jörg Müller', { blackListEmail: '1' }),
        row(four, { blackListEmail: '1' }),
      ],
      'latin1',
    );
    const files = await connectFiles(stack.sandbox.ready);
    await files.write(
      `${FOLDER}/optOuts_20261125_100000.txt`,
      Buffer.from('externalId\tblackListEmail\nx\t1\n'),
    );
    await files.end();
    await stack.syncAll([OPT_OUT]);
    expect(await contactOf(systems, four)).toMatchObject({ donotemail: true });
    const status = await stack.optOutStatus();
    expect(status).toMatchObject({
      toDynamics: 1,
      now: { parked: 3 },
      errors: { OPT_OUT_UNREADABLE: 2, EXPORT_FILE_COLUMN_MISSING: 1 },
    });
    const { toCampaign, toDynamics, unchanged, parked, read } = status;
    expect(toCampaign + toDynamics + unchanged + parked).toBe(read);
    const { out } = await stack.starter('parked', OPT_OUT, '--json');
    const rows = (JSON.parse(out) as { parked: { code: string; field: string }[] }).parked;
    expect(rows.map(({ code, field }) => `${code} ${field}`).toSorted()).toEqual([
      'EXPORT_FILE_COLUMN_MISSING blackListPhone',
      'OPT_OUT_UNREADABLE blackListEmail',
      'OPT_OUT_UNREADABLE blackListPhoneLastModified',
    ]);
    expect(out).not.toContain('perhaps');
  });

  test('a row is read again from its place when it is tried again', async () => {
    await stack.starter('redrive', '--flow', OPT_OUT);
    await stack.syncAll([OPT_OUT]);
    expect(await stack.optOutStatus()).toMatchObject({ now: { parked: 3 } });
    const files = await connectFiles(stack.sandbox.ready);
    expect(await codeOf((done) => files.sftp.unlink(`${FOLDER}/optOuts_20261125_090000.txt`, done))).toBe(0);
    await files.end();
    await stack.starter('redrive', '--flow', OPT_OUT);
    await stack.syncAll([OPT_OUT]);
    expect(await stack.optOutStatus()).toMatchObject({ now: { parked: 1 } });
  });

  test('a later row of the same profile that can be read settles it', async () => {
    const [, , , , five = ''] = ids;
    await put('optOuts_20261125_110000.txt', [row(five, { blackListEmail: '?' })]);
    await stack.syncAll([OPT_OUT]);
    expect(await stack.optOutStatus()).toMatchObject({ now: { parked: 2 } });
    await put('optOuts_20261125_120000.txt', [row(five)]);
    await stack.syncAll([OPT_OUT]);
    expect(await stack.optOutStatus()).toMatchObject({ now: { parked: 1 } });
  });
});
