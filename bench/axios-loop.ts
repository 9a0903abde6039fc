import type { AxiosInstance } from 'axios';
import type { SandboxReady } from '../src/sandbox/index.js';
import { answerParent } from './parent-channel.js';
import { createUsageMeter, type Usage } from './usage.js';
import { signIn } from './vendor-clients.js';

export interface LoopOrder {
  ready: SandboxReady;
  concurrency: number;
}
export interface LoopResult {
  rows: number;
  seconds: number;
  usage: Usage;
}

/** The columns of sync.example.yaml, and the page size of the product. */
const SELECT =
  'contactid,versionnumber,firstname,middlename,lastname,emailaddress1,mobilephone,telephone1,birthdate,gendercode,address1_line1,address1_city,address1_postalcode';
const OPT_OUT_SELECT = 'contactid,versionnumber,donotemail,modifiedon';
const PREFER = 'odata.track-changes,odata.maxpagesize=2000';

answerParent({
  run: (order) => loop(order as LoopOrder),
  'opt-outs': (order) => optOuts(order as LoopOrder),
});
// An end by the signal itself would leave no processor profile.
process.on('SIGTERM', () => process.exit());

/**
 * The yardstick: reads the contacts page by page, one page ahead, and POSTs each as a profile, so many at once, and
 * does nothing else. No ledger, no fingerprints, no retries; any refusal ends it.
 */
async function loop({ ready, concurrency }: LoopOrder): Promise<LoopResult> {
  const { dynamics, campaign } = await signIn(ready);
  const meter = createUsageMeter();
  meter.begin();
  const startedAtMs = performance.now();
  const contacts = eachContact(dynamics);
  let rows = 0;
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      for await (const contact of contacts) {
        await campaign.post('profileAndServicesExt/profile', JSON.stringify(profileOf(contact)));
        rows += 1;
      }
    }),
  );
  const seconds = (performance.now() - startedAtMs) / 1000;
  return { rows, seconds, usage: meter.end() };
}

/** Writes one flag of each contact's profile, and does nothing else: the yardstick of opt-outs. */
async function optOuts({ ready, concurrency }: LoopOrder): Promise<LoopResult> {
  const { dynamics, campaign } = await signIn(ready);
  const meter = createUsageMeter();
  meter.begin();
  const startedAtMs = performance.now();
  const contacts = eachContact(dynamics, OPT_OUT_SELECT);
  let rows = 0;
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      for await (const { contactid, donotemail } of contacts) {
        const flags = JSON.stringify({ blackListEmail: donotemail });
        await campaign.patch(`profileAndServicesExt/profile/${String(contactid)}`, flags);
        rows += 1;
      }
    }),
  );
  const seconds = (performance.now() - startedAtMs) / 1000;
  return { rows, seconds, usage: meter.end() };
}

type Contact = Record<string, unknown>;
interface Page {
  value: Contact[];
  '@odata.nextLink'?: string;
}

async function* eachContact(dynamics: AxiosInstance, select = SELECT): AsyncGenerator<Contact> {
  let reading: Promise<Page> | undefined = readPage(dynamics, `contacts?$select=${select}`);
  while (reading) {
    const page: Page = await reading;
    const next: string | undefined = page['@odata.nextLink'];
    reading = next === undefined ? undefined : readPage(dynamics, next);
    // It is awaited only after this page: until then a failure must not count as unhandled.
    reading?.catch(() => undefined);
    yield* page.value;
  }
}

async function readPage(dynamics: AxiosInstance, address: string): Promise<Page> {
  const { data } = await dynamics.get<string>(address, { headers: { Prefer: PREFER } });
  return JSON.parse(data) as Page;
}

const GENDERS: Record<string, string> = { '1': 'male', '2': 'female' };

/** What sync.example.yaml makes of a contact, by hand. */
function profileOf(contact: Contact): object {
  const held = (column: string): unknown => contact[column] || null;
  return {
    externalId: contact.contactid,
    firstName: held('firstname'),
    middleName: held('middlename'),
    lastName: held('lastname'),
    email: held('emailaddress1'),
    mobilePhone: held('mobilephone'),
    phone: held('telephone1'),
    birthDate: held('birthdate'),
    gender: GENDERS[String(contact.gendercode)] ?? null,
    location: {
      address1: held('address1_line1'),
      city: held('address1_city'),
      zipCode: held('address1_postalcode'),
    },
  };
}
