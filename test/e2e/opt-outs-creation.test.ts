import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { startStack, type Stack } from '../support/stack.js';
import { contactOf, differences, optOutDocument, profileOf } from '../support/opt-outs.js';

const OPT_OUT = 'opt-out';
const CONTACT = 'ingress/contact';

describe.each(['bidirectional', 'dynamics-to-campaign', 'campaign-to-dynamics'])(
  'creation, %s',
  { timeout: 60_000 },
  (direction) => {
    let stack: Stack;
    beforeEach(async () => {
      stack = await startStack({
        temporalAddress: inject('temporalAddress'),
        contacts: 5,
        document: optOutDocument(`direction: ${direction}`),
      });
      await stack.syncAll([CONTACT]);
      await stack.syncAll([OPT_OUT]);
    }, 120_000);
    afterEach(() => stack.stop());

    /** The flow of opt-outs stays out of it: what is found is the work of the creation alone. */
    async function withoutOptOutFlow(work: () => Promise<void>): Promise<void> {
      await stack.client.schedule.getHandle(OPT_OUT).pause();
      await stack.starter('pause', OPT_OUT);
      await work();
      await stack.starter('resume', OPT_OUT);
      await stack.client.schedule.getHandle(OPT_OUT).unpause();
    }

    test('a profile is opted out from its first moment, and again when it is created again', async () => {
      const { systems } = stack;
      let id = '';
      await withoutOptOutFlow(async () => {
        id = await systems.contacts.create({ lastname: 'Out', donotemail: true, followemail: false });
        await stack.syncAll([CONTACT]);
        const first = await profileOf(systems, id);
        expect(first).toMatchObject({ blackListEmail: true, blackListFax: true, blackListPhone: false });
        // By its creation, not by a change after it.
        expect(first.blackListEmailLastModified).toBe(first.created);
        await systems.profiles.remove(first);
        await stack.starter('resync', 'contact', '--wait');
        const second = await profileOf(systems, id);
        expect(second.PKey).not.toBe(first.PKey);
        expect(second).toMatchObject({ blackListEmail: true, blackListFax: true });
        expect(second.blackListEmailLastModified).toBe(second.created);
      });
      await stack.syncAll([OPT_OUT]);
      expect(await contactOf(systems, id)).toMatchObject({ donotemail: true, followemail: false });
      expect(await stack.optOutStatus()).toMatchObject({ now: { due: 0 } });
    });

    test('an opt-out that was agreed on before the profile went counts on', async () => {
      const { systems } = stack;
      const [{ externalId: id } = { externalId: '' }] = await systems.profiles.all();
      await systems.contacts.update(id, { donotphone: true });
      await systems.profiles.update(await profileOf(systems, id), { blackListPhone: true });
      await stack.syncAll([OPT_OUT]);
      await withoutOptOutFlow(async () => {
        await systems.profiles.remove(await profileOf(systems, id));
        await systems.contacts.update(id, { donotphone: false });
        await stack.starter('resync', 'contact', '--wait');
        expect((await profileOf(systems, id)).blackListPhone).toBe(true);
      });
      await stack.syncAll([OPT_OUT]);
      const flag = {
        dynamics: (await contactOf(systems, id)).donotphone,
        campaign: (await profileOf(systems, id)).blackListPhone,
      };
      // The opt-in came later, in Dynamics; where nothing travels from there, both stay as they are.
      expect(flag).toEqual(
        direction === 'campaign-to-dynamics'
          ? { dynamics: false, campaign: true }
          : { dynamics: false, campaign: false },
      );
    });

    test('a flag that changes between the reading of the contact and its creation is not lost', async () => {
      const { systems } = stack;
      if (direction === 'campaign-to-dynamics') return;
      const id = await systems.contacts.create({ lastname: 'Meanwhile', donotemail: false });
      await systems.sandbox.faults([
        {
          system: 'campaign',
          method: 'POST',
          path: '/profileAndServicesExt/profile',
          kind: 'latency',
          ms: 2_000,
          times: 1,
        },
      ]);
      await systems.sandbox.resetStats();
      const synced = stack.syncAll([CONTACT]);
      const isRead = async (): Promise<boolean> => {
        const { byRoute } = (await systems.sandbox.stats()).dynamics;
        return Object.keys(byRoute).some((route) => route.startsWith('GET contacts'));
      };
      await expect.poll(isRead, { timeout: 20_000 }).toBe(true);
      await systems.contacts.update(id, { donotemail: true });
      // The flow of opt-outs has passed this change before the profile is there.
      await stack.syncAll([OPT_OUT]);
      await synced;
      await stack.syncAll([OPT_OUT]);
      expect((await profileOf(systems, id)).blackListEmail).toBe(true);
      expect(await differences(systems)).toEqual([]);
    });
  },
);
