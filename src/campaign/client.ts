import { SyncError } from '../errors.js';
import type { CallOptions } from '../http/calls.js';
import { readResource, type ResourceMetadata } from './metadata.js';
import { createRest, type CampaignSettings, type RestAnswer } from './rest.js';

export type { FieldMetadata, FilterMetadata, ResourceMetadata } from './metadata.js';
export type { CampaignSettings } from './rest.js';

/** How a record is addressed by its key: in the URL, or through a named filter (campaign.md §2 "PKey and keys"). */
export interface Address {
  keyField: string;
  key: string;
  by: { kind: 'url' } | { kind: 'filter'; name: string };
}

export type WriteAnswer =
  | { kind: 'accepted' }
  /** Campaign's own words for an absent document, and only those. */
  | { kind: 'absent' }
  | { kind: 'duplicate' }
  /** The filter found more than one. */
  | { kind: 'several' }
  | {
      kind: 'refused';
      code: 'TEXT_TOO_LONG' | 'CHOICE_UNKNOWN' | 'FIELD_UNKNOWN' | 'CAMPAIGN_REFUSED';
      field?: string;
      vendorCode?: string;
    }
  /** It may or may not have taken effect. */
  | { kind: 'unknown'; error: SyncError };

export type Found =
  { kind: 'found'; record: Record<string, unknown> } | { kind: 'absent' } | { kind: 'several' };

/** What the service asks of Adobe Campaign's REST API. Errors that concern more than one record are thrown with their code. */
export interface Campaign {
  resource(name: string, options?: CallOptions): Promise<ResourceMetadata>;
  create(resource: ResourceMetadata, payload: object, options?: CallOptions): Promise<WriteAnswer>;
  update(
    resource: ResourceMetadata,
    address: Address,
    payload: object,
    options?: CallOptions,
  ): Promise<WriteAnswer>;
  remove(resource: ResourceMetadata, address: Address, options?: CallOptions): Promise<WriteAnswer>;
  find(resource: ResourceMetadata, address: Address, options?: CallOptions): Promise<Found>;
  /** A page of all records; `_forcePagination` always, since big tables otherwise end without a next link (campaign.md §3). */
  list(
    resource: ResourceMetadata,
    request: { link?: string; lineCount: number },
    options?: CallOptions,
  ): Promise<{ records: Record<string, unknown>[]; nextLink?: string; countLink?: string }>;
  count(resource: ResourceMetadata, countLink: string | undefined, options?: CallOptions): Promise<number>;
}

export function createCampaign(settings: CampaignSettings): Campaign {
  const rest = createRest(settings);

  async function addressed(
    resource: ResourceMetadata,
    address: Address,
    options: CallOptions | undefined,
    write: (at: string) => Promise<WriteAnswer>,
  ): Promise<WriteAnswer> {
    if (address.by.kind === 'url') {
      const at = keyUrl(resource, address);
      return at === undefined
        ? { kind: 'refused', code: 'CAMPAIGN_REFUSED', field: address.keyField }
        : write(at);
    }
    const found = await find(resource, address, options);
    if (found.kind !== 'found') return found;
    return write(hrefOf(resource, found.record));
  }

  async function find(resource: ResourceMetadata, address: Address, options?: CallOptions): Promise<Found> {
    if (address.by.kind === 'filter') {
      const answer = await rest.read(filterUrl(resource, address), options);
      if (answer.kind !== 'ok') throw faultOf(answer, resource);
      const [record, second] = recordsOf(answer.body).filter(
        (candidate) => String(candidate[address.keyField]) === address.key,
      );
      if (second) return { kind: 'several' };
      return record ? { kind: 'found', record } : { kind: 'absent' };
    }
    const at = keyUrl(resource, address);
    if (at === undefined) return { kind: 'absent' };
    const answer = await rest.read(at, options);
    if (answer.kind === 'not' && answer.verdict.kind === 'absent') return { kind: 'absent' };
    if (answer.kind !== 'ok') throw faultOf(answer, resource);
    // One page of the documentation wraps a single record in a list (campaign.md §2).
    const wrapped = Array.isArray(answer.body.content) ? recordsOf(answer.body) : [answer.body];
    if (wrapped.length > 1) return { kind: 'several' };
    return wrapped[0] ? { kind: 'found', record: wrapped[0] } : { kind: 'absent' };
  }

  return {
    resource: (name, options) => readResource(rest, name, options),
    create: async (resource, payload, options) =>
      written(await rest.write('POST', resource.path, payload, options), resource),
    update: (resource, address, payload, options) =>
      addressed(resource, address, options, async (at) =>
        written(
          await rest.write('PATCH', at, withoutKey(payload, address, settings.edition), options),
          resource,
        ),
      ),
    remove: (resource, address, options) =>
      addressed(resource, address, options, async (at) =>
        written(await rest.write('DELETE', at, undefined, options), resource),
      ),
    find,
    async list(resource, { link, lineCount }, options) {
      const address = link ?? `${resource.path}?_lineCount=${lineCount}&_forcePagination=true`;
      const answer = await rest.read(address, options);
      if (answer.kind !== 'ok') throw faultOf(answer, resource);
      const nextLink = hrefIn(answer.body.next);
      const countLink = hrefIn(answer.body.count);
      return {
        records: recordsOf(answer.body),
        ...(nextLink && { nextLink }),
        ...(countLink && { countLink }),
      };
    },
    async count(resource, countLink, options) {
      const answer = await rest.read(countLink ?? `${resource.path}/_count`, options);
      if (answer.kind !== 'ok') throw faultOf(answer, resource);
      return Number(answer.body.count);
    },
  };
}

function written(answer: RestAnswer, resource: ResourceMetadata): WriteAnswer {
  if (answer.kind === 'ok') return { kind: 'accepted' };
  if (answer.kind === 'unknown') return unknown(answer.reason);
  switch (answer.verdict.kind) {
    case 'absent':
    case 'duplicate':
    case 'refused':
      return answer.verdict;
    case 'unknown':
      return unknown(`HTTP ${answer.status}`);
    case 'address':
      throw faultOf(answer, resource);
  }
}

const unknown = (reason: string): WriteAnswer => ({
  kind: 'unknown',
  error: new SyncError('CAMPAIGN_ANSWER_UNKNOWN', { system: 'campaign', vendorCode: reason }),
});

/** What is wrong concerns the request and not the record. */
function faultOf(answer: Exclude<RestAnswer, { kind: 'ok' }>, resource: ResourceMetadata): SyncError {
  const evidence = {
    system: 'campaign' as const,
    subject: resource.name,
    ...(answer.kind === 'not' && { status: answer.status }),
  };
  if (answer.kind === 'unknown') return new SyncError('CAMPAIGN_UNREACHABLE', evidence);
  return new SyncError(
    answer.verdict.kind === 'address' ? 'CAMPAIGN_RESOURCE_UNKNOWN' : 'CAMPAIGN_REFUSED',
    evidence,
  );
}

/** Characters that Campaign cannot take in a path, however they are encoded, make a key that no URL addresses. */
function keyUrl({ path }: ResourceMetadata, { key }: Address): string | undefined {
  if (key === '' || key === '.' || key === '..' || /[/\\]/.test(key)) return undefined;
  return `${path}/${encodeURIComponent(key)}`;
}

/** Filters take `<parameter>_parameter` by default; the metadata's template knows better (campaign.md §3). */
function filterUrl({ path, filters }: ResourceMetadata, { by, key, keyField }: Address): string {
  const name = by.kind === 'filter' ? by.name : '';
  const template = filters[name]?.template;
  const parameter = template === undefined ? undefined : /[?&]([^=&]+)=\$value/.exec(template)?.[1];
  return `${path}/${encodeURIComponent(name)}?${parameter ?? `${keyField}_parameter`}=${encodeURIComponent(key)}`;
}

const hrefOf = ({ path }: ResourceMetadata, record: Record<string, unknown>): string =>
  typeof record.href === 'string' ? record.href : `${path}/${encodeURIComponent(String(record.PKey))}`;

const hrefIn = (link: unknown): string | undefined => {
  const href = (link as { href?: unknown } | null | undefined)?.href;
  return typeof href === 'string' && href !== '' ? href : undefined;
};

const recordsOf = (body: Record<string, unknown>): Record<string, unknown>[] =>
  Array.isArray(body.content) ? (body.content as Record<string, unknown>[]) : [];

/** The key field cannot be changed by PATCH when it is the address; v8 refuses `location` there (campaign.md §1, §2). */
function withoutKey(payload: object, { keyField, by }: Address, edition: 'standard' | 'v8'): object {
  const { location, ...rest } = payload as Record<string, unknown>;
  const kept = edition === 'v8' || location === undefined ? rest : { ...rest, location };
  if (by.kind === 'url') delete (kept as Record<string, unknown>)[keyField];
  return kept;
}
