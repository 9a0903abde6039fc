import axios, { type AxiosInstance } from 'axios';
import type { SandboxReady } from '../../src/sandbox/index.js';

/** A user of both simulated systems, with the vendors' own protocols, and the sandbox's control desk. */
export interface Systems {
  contacts: {
    create(values: object): Promise<string>;
    update(id: string, values: object): Promise<void>;
    remove(id: string): Promise<void>;
    all(select: string[]): Promise<Record<string, unknown>[]>;
    ids(): Promise<string[]>;
    merge(target: string, subordinate: string): Promise<void>;
  };
  profiles: {
    all(): Promise<Profile[]>;
    create(values: object): Promise<Profile>;
    update(profile: Profile, values: object): Promise<void>;
    remove(profile: Profile): Promise<void>;
  };
  /** Rows of any Dynamics table, by its entity set, and tables themselves. */
  rows: {
    create(entitySet: string, values: object): Promise<string>;
    update(entitySet: string, id: string, values: object): Promise<void>;
    remove(entitySet: string, id: string): Promise<void>;
    all(entitySet: string, select: string[]): Promise<Record<string, unknown>[]>;
  };
  metadata(path: string, definition: object): Promise<void>;
  removeColumn(table: string, column: string): Promise<void>;
  /** Records of any Campaign resource, by its path: profileAndServicesExt/cusOrder. */
  records: {
    all(path: string): Promise<Profile[]>;
    create(path: string, values: object): Promise<Profile>;
    update(path: string, record: Profile, values: object): Promise<void>;
    remove(path: string, record: Profile): Promise<void>;
    /** What a link leads to. */
    follow(link: unknown): Promise<Profile>;
  };
  sandbox: {
    dataModel(model: object): Promise<void>;
    stats(): Promise<SandboxStats>;
    resetStats(): Promise<void>;
    faults(faults: object[]): Promise<void>;
    clearFaults(): Promise<void>;
    limits(limits: object): Promise<void>;
    bulk(change: { change?: number; create?: number; delete?: number }): Promise<void>;
    advance(duration: string): Promise<void>;
    reset(contacts: number, seed?: number): Promise<void>;
  };
}
export type Profile = Record<string, unknown> & { PKey: string; externalId: string; href?: string };
export interface SandboxStats {
  dynamics: { total: number; byRoute: Record<string, Record<string, number>> };
  campaign: { total: number; byRoute: Record<string, Record<string, number>>; duplicates?: number };
}

const READ_PAGE = 5_000;
const PROFILES = 'profileAndServicesExt/profile';

export function connectSystems(ready: SandboxReady): Systems {
  const desk = axios.create({ baseURL: `${ready.dynamics}/_sandbox` });
  const dynamics = withToken(axios.create({ baseURL: `${ready.dynamics}/api/data/v9.2` }), () =>
    mint(ready.entra, {
      grant_type: 'client_credentials',
      client_id: ready.credentials.clientId,
      client_secret: ready.credentials.clientSecret,
      scope: `${ready.dynamics}/.default`,
    }),
  );
  const campaign = withToken(
    axios.create({ baseURL: ready.campaign, headers: { 'X-Api-Key': ready.credentials.adobeClientId } }),
    () =>
      mint(ready.ims, {
        grant_type: 'client_credentials',
        client_id: ready.credentials.adobeClientId,
        client_secret: ready.credentials.adobeClientSecret,
        scope: ready.credentials.adobeScopes,
      }),
  );

  const rows: Systems['rows'] = {
    async create(entitySet, values) {
      const { headers } = await dynamics.post(`/${entitySet}`, values);
      return /\(([^)]+)\)/.exec(String(headers['odata-entityid']))?.[1] ?? '';
    },
    async update(entitySet, id, values) {
      await dynamics.patch(`/${entitySet}(${id})`, values, { headers: { 'If-Match': '*' } });
    },
    async remove(entitySet, id) {
      await dynamics.delete(`/${entitySet}(${id})`);
    },
    all: (entitySet, select) => everyPage(dynamics, `/${entitySet}?$select=${select.join(',')}`),
  };
  const at = (path: string, { PKey }: Profile): string => `/${path}/${encodeURIComponent(PKey)}`;
  const records: Systems['records'] = {
    async all(path) {
      const found: Profile[] = [];
      let link: string | undefined = `${ready.campaign}/${path}?_lineCount=500&_forcePagination=true`;
      while (link) {
        const { data }: { data: { content: Profile[]; next?: { href: string } } } = await campaign.get(link);
        found.push(...data.content);
        link = data.next?.href;
      }
      return found;
    },
    create: async (path, values) => (await campaign.post<Profile>(`/${path}`, values)).data,
    update: async (path, record, values) => void (await campaign.patch(at(path, record), values)),
    remove: async (path, record) => void (await campaign.delete(at(path, record))),
    follow: async (link) => (await campaign.get<Profile>((link as { href: string }).href)).data,
  };

  return {
    rows,
    metadata: async (path, definition) => void (await dynamics.post(`/${path}`, definition)),
    async removeColumn(table, column) {
      await dynamics.delete(`/EntityDefinitions(LogicalName='${table}')/Attributes(LogicalName='${column}')`);
    },
    contacts: {
      create: (values) => rows.create('contacts', values),
      update: (id, values) => rows.update('contacts', id, values),
      remove: (id) => rows.remove('contacts', id),
      all: (select) => everyPage(dynamics, `/contacts?$select=${select.join(',')}`),
      ids: async () =>
        (await everyPage(dynamics, '/contacts?$select=contactid')).map((row) => String(row.contactid)),
      async merge(target, subordinate) {
        await dynamics.post('/Merge', {
          Target: { '@odata.type': 'Microsoft.Dynamics.CRM.contact', contactid: target },
          Subordinate: { '@odata.type': 'Microsoft.Dynamics.CRM.contact', contactid: subordinate },
          PerformParentingChecks: false,
        });
      },
    },
    profiles: {
      all: () => records.all(PROFILES),
      create: (values) => records.create(PROFILES, values),
      update: (profile, values) => records.update(PROFILES, profile, values),
      remove: (profile) => records.remove(PROFILES, profile),
    },
    records,
    sandbox: {
      dataModel: async (model) => void (await desk.put('/data-model', model)),
      stats: async () => (await desk.get<SandboxStats>('/stats')).data,
      resetStats: async () => void (await desk.post('/stats/reset')),
      faults: async (faults) => void (await desk.put('/faults', faults)),
      clearFaults: async () => void (await desk.delete('/faults')),
      limits: async (limits) => void (await desk.put('/limits', limits)),
      bulk: async (change) => void (await desk.post('/contacts', change)),
      advance: async (duration) => void (await desk.post('/clock', { advance: duration })),
      reset: async (contacts, seed) => void (await desk.post('/reset', { contacts, ...(seed && { seed }) })),
    },
  };
}

async function everyPage(dynamics: AxiosInstance, path: string): Promise<Record<string, unknown>[]> {
  const rows: Record<string, unknown>[] = [];
  let link: string | undefined = path;
  while (link) {
    const { data }: { data: { value: Record<string, unknown>[]; '@odata.nextLink'?: string } } =
      await dynamics.get(link, {
        headers: { Prefer: `odata.maxpagesize=${READ_PAGE}` },
      });
    rows.push(...data.value);
    link = data['@odata.nextLink'];
  }
  return rows;
}

/** Tests arm faults for the product; a user who meets one tries again. */
function withToken(client: AxiosInstance, mintToken: () => Promise<string>): AxiosInstance {
  let token: string | undefined;
  client.interceptors.request.use(async (request) => {
    token ??= await mintToken();
    request.headers.set('Authorization', `Bearer ${token}`);
    return request;
  });
  client.interceptors.response.use(undefined, async (error: unknown) => {
    if (!axios.isAxiosError(error) || error.response?.status !== 401 || !error.config) throw error;
    token = undefined;
    return client.request(error.config);
  });
  return client;
}

async function mint(endpoint: string, form: Record<string, string>): Promise<string> {
  const { data } = await axios.post<{ access_token: string }>(endpoint, new URLSearchParams(form));
  return data.access_token;
}
