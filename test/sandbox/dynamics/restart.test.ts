import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { startSandbox } from '../../../src/sandbox/index.js';
import { callerOf } from '../core/support.js';
import { idIn, list, ROOT, text } from './support.js';

it('keeps rows, versions, tombstones and delta tokens over a restart', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sandbox-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const start = async () => {
    const sandbox = await startSandbox({ folder, contacts: 3 });
    return { sandbox, caller: callerOf(sandbox.ready) };
  };
  const before = await start();
  const made = async (lastname: string) => {
    const answer = await before.caller.dynamics('POST', `${ROOT}contacts`, { lastname });
    return idIn(answer.headers.get('odata-entityid') ?? '');
  };
  const [kept, deleted] = [await made('Kept'), await made('Deleted')];
  const read = await before.caller.dynamics('GET', `${ROOT}contacts?$select=lastname`, undefined, {
    prefer: 'odata.track-changes',
  });
  expect(list(read.json['value'])).toHaveLength(5);
  await before.caller.dynamics('PATCH', `${ROOT}contacts(${kept})`, { followemail: null });
  await before.caller.dynamics('DELETE', `${ROOT}contacts(${deleted})`);
  const row = (await before.caller.dynamics('GET', `${ROOT}contacts(${kept})`)).json;
  await before.sandbox.close();

  const { sandbox, caller } = await start();
  onTestFinished(() => sandbox.close());
  const again = (await caller.dynamics('GET', `${ROOT}contacts(${kept})`)).json;
  expect({ ...again, '@odata.context': '' }).toEqual({ ...row, '@odata.context': '' });
  const link = new URL(text(read.json['@odata.deltaLink']));
  const delta = await caller.dynamics('GET', `${link.pathname}${link.search}`);
  expect(list(delta.json['value'])).toMatchObject([{ contactid: kept }, { id: deleted, reason: 'deleted' }]);
  const next = await caller.dynamics(
    'PATCH',
    `${ROOT}contacts(${kept})?$select=versionnumber`,
    {},
    {
      prefer: 'return=representation',
    },
  );
  expect(Number(next.json['versionnumber'])).toBeGreaterThan(Number(row['versionnumber']) + 1);
});
