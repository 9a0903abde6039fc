import { createHash } from 'node:crypto';
import axios from 'axios';
import type { SandboxReady } from '../src/sandbox/index.js';
import type { Closers } from './closers.js';
import { startProcess } from './processes.js';
import { signIn, type VendorClients } from './vendor-clients.js';

/** What one command works against: the sandbox in its own process, and a PostgreSQL for ledgers. */
export interface Systems {
  ready: SandboxReady;
  /** Address of an empty database. */
  freshDatabase(): Promise<string>;
  /** A new organisation and an empty Campaign, with contacts that all can be sent, and no service protection. */
  reset(contacts: number): Promise<void>;
  /** Calls since the last `resetStats`, by the sandbox's own count. */
  calls(): Promise<Calls>;
  resetStats(): Promise<void>;
  /** Updates contacts as a user of Dynamics would, many in a call. */
  updateContacts(rows: AsyncIterable<object> | Iterable<object>): Promise<void>;
  /** Every contact, page by page, untracked. */
  contacts(select: string[]): AsyncGenerator<Record<string, unknown>>;
  /** What Campaign holds, as one number for how many and one text for what. */
  profiles(): Promise<{ count: number; digest: string }>;
  /** Service protection as Dynamics has it, for 10 ms of execution a row (dataverse.md §6). */
  protectDynamics(): Promise<void>;
  /** Sends a delivery to so many profiles; how many events of each kind it has made. */
  deliver(shares: { profiles: number; opens: number; clicks: number; bounces: number }): Promise<Delivered>;
  /** Dynamics forgets the next change token that it is shown. */
  expireToken(): Promise<void>;
  /** Rejects when the sandbox or PostgreSQL ends. */
  died: Promise<never>;
}
export interface Calls {
  dynamics: number;
  campaign: number;
  /** Profiles created. */
  created: number;
  /** Profiles created under a key that was there already. */
  duplicates: number;
  /** Calls to Dynamics that were answered 429. */
  throttled: number;
}
export interface Delivered {
  sends: number;
  opens: number;
  clicks: number;
  bounces: number;
}

/** The same people in every round. */
const SEED = 1;
/** Campaign's profile holds names of this length; a longer one would be parked, and parked rows are no part of this. */
const LONGEST_NAME = 30;
const ROWS_PER_UPDATE = 500;
const READ_PAGE = 5_000;
const LINE_COUNT = 500;
const SERVICE_PROTECTION = {
  requests: 6_000,
  executionMs: 1_200_000,
  windowSeconds: 300,
  executionMsPerRow: 10,
};

export async function startSystems(
  { latencyMs, environment }: { latencyMs: number; environment: Record<string, string | undefined> },
  closers: Closers,
): Promise<Systems> {
  const postgres = startProcess({ file: 'bench/postgres-process.ts', environment });
  await closers.add(async () => {
    await postgres.ask('stop').catch(() => undefined);
    await postgres.stop();
  });
  const ports = ['--dynamics-port', '0', '--campaign-port', '0'];
  const sandbox = startProcess({
    file: 'src/sandbox/main.ts',
    argv: [...ports, '--memory', '--contacts', '0', '--latency', String(latencyMs)],
    environment,
  });
  await closers.add(() => sandbox.stop());
  const ready = JSON.parse(await sandbox.firstLine) as SandboxReady;
  const desk = axios.create({ baseURL: `${ready.dynamics}/_sandbox` });
  let clients: VendorClients | undefined;

  async function signedIn(): Promise<VendorClients> {
    clients ??= await signIn(ready);
    return clients;
  }

  async function reset(contacts: number): Promise<void> {
    await desk.post('/reset', { contacts, seed: SEED });
    clients = undefined;
    await desk.put('/limits', { dynamics: { requests: 1e9, executionMs: 1e12 } });
    await updateContacts(shorterNames());
  }

  async function* shorterNames(): AsyncGenerator<object> {
    for await (const row of contacts(['contactid', 'firstname', 'middlename'])) {
      const long = ['firstname', 'middlename'].filter(
        (column) => [...String(row[column] ?? '')].length > LONGEST_NAME,
      );
      if (long.length === 0) continue;
      const shorter = long.map((column) => [
        column,
        [...String(row[column])].slice(0, LONGEST_NAME).join('').trim(),
      ]);
      yield { contactid: row.contactid, ...Object.fromEntries(shorter) };
    }
  }

  async function updateContacts(rows: AsyncIterable<object> | Iterable<object>): Promise<void> {
    const { dynamics } = await signedIn();
    let chunk: object[] = [];
    const send = async (): Promise<void> => {
      const body = JSON.stringify({ Targets: chunk });
      await dynamics.post('contacts/Microsoft.Dynamics.CRM.UpdateMultiple', body);
      chunk = [];
    };
    for await (const row of rows) {
      chunk.push({ '@odata.type': 'Microsoft.Dynamics.CRM.contact', ...row });
      if (chunk.length === ROWS_PER_UPDATE) await send();
    }
    if (chunk.length > 0) await send();
  }

  async function* contacts(select: string[]): AsyncGenerator<Record<string, unknown>> {
    const { dynamics } = await signedIn();
    let address: string | undefined = `contacts?$select=${select.join(',')}`;
    while (address !== undefined) {
      const { data }: { data: string } = await dynamics.get(address, {
        headers: { Prefer: `odata.maxpagesize=${READ_PAGE}` },
      });
      const page = JSON.parse(data) as { value: Record<string, unknown>[]; '@odata.nextLink'?: string };
      yield* page.value;
      address = page['@odata.nextLink'];
    }
  }

  async function profiles(): Promise<{ count: number; digest: string }> {
    const { campaign } = await signedIn();
    let address: string | undefined =
      `profileAndServicesExt/profile?_lineCount=${LINE_COUNT}&_forcePagination=true`;
    let count = 0;
    // The sum of the records' hashes: independent of their order, and without holding a million of them.
    let sum = 0n;
    while (address !== undefined) {
      const { data }: { data: string } = await campaign.get(address);
      const page = JSON.parse(data) as { content: Record<string, unknown>[]; next?: { href: string } };
      for (const profile of page.content) sum = (sum + hashOf(profile)) % 2n ** 64n;
      count += page.content.length;
      address = page.next?.href;
    }
    return { count, digest: sum.toString(16).padStart(16, '0') };
  }

  return {
    ready,
    expireToken: async () => void (await desk.put('/faults', [{ system: 'dynamics', kind: 'expire-delta' }])),
    freshDatabase: () => postgres.ask<string>('freshDatabase'),
    reset,
    protectDynamics: async () => void (await desk.put('/limits', { dynamics: SERVICE_PROTECTION })),
    deliver: async (shares) => (await desk.post<Delivered>('/deliveries', shares)).data,
    updateContacts,
    contacts,
    profiles,
    died: Promise.race([sandbox.died, postgres.died]),
    resetStats: async () => void (await desk.post('/stats/reset')),
    async calls() {
      const { data } = await desk.get<SandboxStats>('/stats');
      const { dynamics, campaign } = data;
      const posts = Object.entries(campaign.byRoute).filter(([route]) => /^POST .*profile$/.test(route));
      return {
        dynamics: dynamics.total,
        campaign: campaign.total,
        created: posts.reduce((sum, [, byStatus]) => sum + (byStatus['201'] ?? 0), 0),
        duplicates: campaign.duplicates,
        throttled: Object.values(dynamics.byRoute).reduce((sum, byStatus) => sum + (byStatus['429'] ?? 0), 0),
      };
    },
  };
}

type ByRoute = Record<string, Record<string, number>>;
interface SandboxStats {
  dynamics: { total: number; byRoute: ByRoute };
  campaign: { total: number; duplicates: number; byRoute: ByRoute };
}

/** Of what was sent; keys, stamps and links are Campaign's own. */
function hashOf(profile: Record<string, unknown>): bigint {
  const { externalId, firstName, middleName, lastName, email, mobilePhone, phone, birthDate, gender } =
    profile;
  const { address1, city, zipCode } = (profile.location ?? {}) as Record<string, unknown>;
  const sent = [
    externalId,
    firstName,
    middleName,
    lastName,
    email,
    mobilePhone,
    phone,
    birthDate,
    gender,
    address1,
    city,
    zipCode,
  ];
  return createHash('sha256').update(JSON.stringify(sent)).digest().readBigUInt64BE();
}
