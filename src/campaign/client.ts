import { SyncError } from '../errors.js';
import type { CallOptions } from '../http/calls.js';
import { filterParameter, filterUrl, hrefOf, keyUrl, type Address } from './address.js';
import type { Refusal } from './engine-errors.js';
import { knownField } from './field-names.js';
import { notRead, readResource, type ResourceMetadata } from './metadata.js';
import {
  createRest,
  type CampaignSettings,
  type NotDone,
  type ReadAnswer,
  type WrittenAnswer,
} from './rest.js';

export type { Address } from './address.js';
export type { FieldMetadata, FilterMetadata, ResourceMetadata } from './metadata.js';
export type { CampaignSettings } from './rest.js';

export type WriteAnswer =
  | {
      kind: 'accepted';
      /** The server's clock when it answered, ISO 8601, where it told it. */
      at?: string;
    }
  /** Campaign's own words for an absent document, and only those. */
  | { kind: 'absent' }
  | { kind: 'duplicate' }
  /** The filter found more than one. */
  | { kind: 'several' }
  | Refusal
  /** It may or may not have taken effect. */
  | { kind: 'unknown'; error: SyncError };

export type Found =
  { kind: 'found'; record: Record<string, unknown> } | { kind: 'absent' } | { kind: 'several' };

export interface ListedPage {
  records: Record<string, unknown>[];
  nextLink?: string;
  countLink?: string;
  /** The server's clock when it answered, ISO 8601, where it told it. */
  at?: string;
}

/**
 * What the service asks of Adobe Campaign's REST API. An answer that concerns one record is returned; what concerns more than one is
 * thrown, with a code of errors.ts.
 */
export interface Campaign {
  /** A resource's address, fields and filters, as they are now. */
  resource(name: string, options?: CallOptions): Promise<ResourceMetadata>;
  create(resource: ResourceMetadata, payload: object, options?: CallOptions): Promise<WriteAnswer>;
  /** The key field is left out of what is sent: Campaign refuses to change what addresses the record. */
  update(
    resource: ResourceMetadata,
    address: Address,
    payload: object,
    options?: CallOptions,
  ): Promise<WriteAnswer>;
  remove(resource: ResourceMetadata, address: Address, options?: CallOptions): Promise<WriteAnswer>;
  /** Throws CAMPAIGN_REFUSED for a key that no URL can carry: whether such a record exists cannot be told. */
  find(resource: ResourceMetadata, address: Address, options?: CallOptions): Promise<Found>;
  /** A page of all records; `_forcePagination` always, since big tables otherwise end without a next link (campaign.md §3). */
  list(
    resource: ResourceMetadata,
    request: { link?: string; lineCount: number },
    options?: CallOptions,
  ): Promise<ListedPage>;
  /**
   * A page of the records that a filter of the operator's answers for a time (ISO 8601): those modified at or after it. In the server's
   * own order: what is modified while it is being read must not change its place. Throws CAMPAIGN_FILTER_MISSING.
   */
  changedSince(
    resource: ResourceMetadata,
    request: {
      filter: string;
      parameter?: string | undefined;
      since: string;
      link?: string;
      lineCount: number;
    },
    options?: CallOptions,
  ): Promise<ListedPage>;
  /** All records of the first page that a named filter answers for a key, whether they have it or not. */
  matches(
    resource: ResourceMetadata,
    filter: string,
    address: Address,
    options?: CallOptions,
  ): Promise<Record<string, unknown>[]>;
  /** Whether the account is let in, and the server's clock, ISO 8601, where it tells it. */
  serverTime(options?: CallOptions): Promise<string | undefined>;
  /** How many records there are, by the link that a list gave. */
  count(resource: ResourceMetadata, countLink: string | undefined, options?: CallOptions): Promise<number>;
}

const LIST_PAGE = 500;

export function createCampaign(settings: CampaignSettings): Campaign {
  const rest = createRest(settings);

  async function create(resource: ResourceMetadata, payload: object, options?: CallOptions) {
    return written(await rest.write('POST', resource.path, payload, options), resource, payload);
  }

  const update: Campaign['update'] = (resource, address, payload, options) =>
    addressed(resource, address, options, async (at) => {
      const sent = withoutKey(payload, address);
      return written(await rest.write('PATCH', at, sent, options), resource, payload);
    });

  const remove: Campaign['remove'] = (resource, address, options) =>
    addressed(resource, address, options, async (at) =>
      written(await rest.write('DELETE', at, undefined, options), resource),
    );

  async function addressed(
    resource: ResourceMetadata,
    address: Address,
    options: CallOptions | undefined,
    write: (at: string) => Promise<WriteAnswer>,
  ): Promise<WriteAnswer> {
    if (address.by.kind === 'href') return write(address.by.href);
    if (address.by.kind === 'url') {
      const at = keyUrl(resource, address.key);
      return at === undefined ? unaddressable(address) : write(at);
    }
    const found = await find(resource, address, options);
    if (found.kind !== 'found') return found;
    const at = hrefOf(resource, found.record);
    return at === undefined ? unaddressable(address) : write(at);
  }

  async function find(resource: ResourceMetadata, address: Address, options?: CallOptions): Promise<Found> {
    const { by, keyField, key } = address;
    if (by.kind === 'list') return findInList(resource, address, options);
    if (by.kind === 'filter') {
      const records = await matches(resource, by.name, address, options);
      // Some filters compare by beginnings, or without regard to case: the key decides.
      return theOne(records.filter((record) => String(record[keyField]) === key));
    }
    const at = by.kind === 'href' ? by.href : keyUrl(resource, key);
    if (at === undefined)
      throw new SyncError('CAMPAIGN_REFUSED', {
        system: 'campaign',
        subject: resource.name,
        field: keyField,
      });
    const answer = await rest.read(at, isAnything, options);
    if (answer.kind === 'absent') return { kind: 'absent' };
    if (answer.kind !== 'ok') throw notFound(answer, resource.name);
    // One page of the documentation wraps a single record in a list (campaign.md §2).
    return theOne(isList(answer.body) ? recordsOf(answer.body) : [answer.body]);
  }

  const matches: Campaign['matches'] = async (resource, filter, address, options) => {
    const answer = await rest.read(filterUrl(resource, filter, address), isList, options);
    if (answer.kind !== 'ok') throw notFound(answer, `${resource.name}/${filter}`);
    return recordsOf(answer.body);
  };

  async function serverTime(options?: CallOptions): Promise<string | undefined> {
    const answer = await rest.read('profileAndServicesExt/', isAnything, options);
    if (answer.kind === 'oops') throw notRead(answer, 'profileAndServicesExt');
    return answer.kind === 'ok' ? timeOf(answer.date) : undefined;
  }

  async function findInList(
    resource: ResourceMetadata,
    { keyField, key }: Address,
    options?: CallOptions,
  ): Promise<Found> {
    const matching: Record<string, unknown>[] = [];
    let page: ListedPage | undefined;
    do {
      const at = page?.nextLink === undefined ? {} : { link: page.nextLink };
      page = await list(resource, { lineCount: LIST_PAGE, ...at }, options);
      matching.push(...page.records.filter((record) => String(record[keyField]) === key));
    } while (page.nextLink !== undefined);
    return theOne(matching);
  }

  async function list(
    resource: ResourceMetadata,
    { link, lineCount }: { link?: string; lineCount: number },
    options?: CallOptions,
  ): Promise<ListedPage> {
    const address = link ?? `${resource.path}?_lineCount=${lineCount}&_forcePagination=true`;
    const answer = await rest.read(address, isList, options);
    if (answer.kind !== 'ok') throw notRead(answer, resource.name);
    return listed(resource, link, answer);
  }

  const changedSince: Campaign['changedSince'] = async (
    resource,
    { filter, parameter = filterParameter(resource, filter), since, link, lineCount },
    options,
  ) => {
    const query = `${encodeURIComponent(parameter)}=${encodeURIComponent(since)}&_lineCount=${lineCount}&_forcePagination=true`;
    const address = link ?? `${resource.path}/${encodeURIComponent(filter)}?${query}`;
    const answer = await rest.read(address, isList, options);
    if (answer.kind === 'oops') throw notRead(answer, resource.name);
    if (answer.kind !== 'ok')
      throw new SyncError('CAMPAIGN_FILTER_MISSING', {
        system: 'campaign',
        subject: `${resource.name}/${filter}`,
        status: answer.status,
      });
    return listed(resource, link, answer);
  };

  function listed(
    resource: ResourceMetadata,
    link: string | undefined,
    answer: Extract<ReadAnswer, { kind: 'ok' }>,
  ): ListedPage {
    const at = timeOf(answer.date);
    const nextLink = hrefIn(answer.body.next);
    const countLink = hrefIn(answer.body.count);
    // A list that leads back to its own page would be read for ever.
    if (nextLink !== undefined && nextLink === link)
      throw new SyncError('CAMPAIGN_LIST_TRUNCATED', { system: 'campaign', subject: resource.name });
    return {
      records: recordsOf(answer.body),
      ...(nextLink !== undefined && { nextLink }),
      ...(countLink !== undefined && { countLink }),
      ...(at !== undefined && { at }),
    };
  }

  async function count(resource: ResourceMetadata, countLink: string | undefined, options?: CallOptions) {
    const answer = await rest.read(countLink ?? `${resource.path}/_count`, isCount, options);
    if (answer.kind !== 'ok') throw notRead(answer, resource.name);
    return Number(answer.body.count);
  }

  return {
    resource: (name, options) => readResource(rest, name, settings.edition, options),
    create,
    update,
    remove,
    find,
    list,
    changedSince,
    matches,
    serverTime,
    count,
  };
}

function written(answer: WrittenAnswer, resource: ResourceMetadata, payload: object = {}): WriteAnswer {
  switch (answer.kind) {
    case 'ok': {
      const at = timeOf(answer.date);
      return { kind: 'accepted', ...(at !== undefined && { at }) };
    }
    case 'absent':
    case 'duplicate':
      return { kind: answer.kind };
    case 'refused': {
      const { field, vendorCode } = answer;
      const known = field === undefined ? undefined : knownField(field, payload, resource);
      return {
        kind: 'refused',
        code: answer.code,
        ...(known !== undefined && { field: known }),
        ...(vendorCode !== undefined && { vendorCode }),
      };
    }
    // On a write the gateway's words for a wrong tenant may be a stumble after Campaign was reached.
    case 'oops':
      return unknown(`HTTP ${answer.status}`, answer.status);
    case 'unknown':
      return unknown(answer.reason);
    case 'address':
      throw notRead(answer, resource.name);
  }
}

function timeOf(date: string | undefined): string | undefined {
  const atMs = Date.parse(date ?? '');
  return Number.isNaN(atMs) ? undefined : new Date(atMs).toISOString();
}

const unknown = (vendorCode: string, status?: number): WriteAnswer => ({
  kind: 'unknown',
  error: new SyncError('CAMPAIGN_ANSWER_UNKNOWN', {
    system: 'campaign',
    vendorCode,
    ...(status !== undefined && { status }),
  }),
});

const unaddressable = ({ keyField }: Address): WriteAnswer => ({
  kind: 'refused',
  code: 'CAMPAIGN_REFUSED',
  field: keyField,
});

/** One record could not be looked up. A wrong tenant has shown itself before: here its words are a stumble. */
function notFound(answer: NotDone, subject: string): SyncError {
  if (answer.kind === 'oops')
    return new SyncError('CAMPAIGN_UNREACHABLE', { system: 'campaign', subject, status: answer.status });
  if (answer.kind === 'refused')
    return new SyncError('CAMPAIGN_REFUSED', { system: 'campaign', subject, status: answer.status });
  return notRead(answer, subject);
}

function theOne(records: Record<string, unknown>[]): Found {
  const [record, second] = records;
  if (second) return { kind: 'several' };
  return record ? { kind: 'found', record } : { kind: 'absent' };
}

function withoutKey(payload: object, { keyField }: Address): object {
  const { [keyField]: _key, ...rest } = payload as Record<string, unknown>;
  return rest;
}

const isAnything = (): boolean => true;
const isList = ({ content }: Record<string, unknown>): boolean => Array.isArray(content);
const isCount = ({ count }: Record<string, unknown>): boolean =>
  (typeof count === 'number' || typeof count === 'string') && /^\d+$/.test(String(count));

const recordsOf = ({ content }: Record<string, unknown>): Record<string, unknown>[] =>
  (content as unknown[]).filter(
    (record): record is Record<string, unknown> => typeof record === 'object' && record !== null,
  );

const hrefIn = (link: unknown): string | undefined => {
  const href = (link as { href?: unknown } | null | undefined)?.href;
  return typeof href === 'string' && href !== '' ? href : undefined;
};
