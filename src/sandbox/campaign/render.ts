import { readDefault, type FieldDefinition, type ResourceDefinition } from './definitions.js';
import { isV8, isVisible, linkedId, type EngineCall } from './engine.js';
import type { CampaignRecord } from './record-table.js';

/** In which answer a record stands: they differ in what they carry (campaign.md §1, §2). */
export type Occasion = 'list' | 'single' | 'created';

/** A record as the API shows it: flat, with defaults for everything that is not set. */
export function renderRecord(
  call: EngineCall,
  record: CampaignRecord,
  occasion: Occasion,
): Record<string, unknown> {
  const { definition } = call;
  const shown: Record<string, unknown> = { PKey: call.resources.pkeys.mint(definition.name, record.id) };
  for (const name in definition.fields) {
    const field = definition.fields[name] as FieldDefinition;
    if (!isVisible(call, name, field)) continue;
    // The older engine does not repeat links in its answer to a POST.
    const silent = occasion === 'created' && field.type === 'link' && !isV8(call);
    shown[name] = silent ? null : renderField(call, record, name, field);
  }
  if (occasion !== 'single' || isV8(call)) shown['href'] = recordHref(call, definition, record.id);
  return shown;
}

/** One field of a record, computed ones included. */
export function renderField(
  call: EngineCall,
  record: CampaignRecord,
  name: string,
  field: FieldDefinition,
): unknown {
  switch (field.type) {
    case 'link':
      return renderLink(call, record, name, field);
    case 'collection':
      return { href: `${recordHref(call, call.definition, record.id)}/${name}/` };
    case 'object':
      return name === 'postalAddress'
        ? postalAddress(record, field)
        : renderObject(record.values[name], field);
    default:
      return record.values[name] ?? computed(call, record, name) ?? readDefault(field);
  }
}

/** The address of a record in answers; its token is another one than the record's own PKey. */
export function recordHref(call: EngineCall, definition: ResourceDefinition, id: number): string {
  const own = definition === call.definition ? call.collection : undefined;
  return `${own ?? `${call.base}/${definition.name}`}/${call.resources.pkeys.mint(definition.name, id, 'collection')}`;
}

/** What a person reads as the record's name. */
export function renderTitle(
  call: EngineCall,
  definition: ResourceDefinition,
  record: CampaignRecord,
): string {
  const text = (name: string) => String(record.values[name] ?? '');
  if (definition.name !== 'profile')
    return text('label') || text('name') || text(call.resources.identificationKey(definition) ?? '');
  const name = [text('firstName'), text('lastName')].filter((part) => part !== '').join(' ');
  const email = text('email');
  return email === '' ? name : `${name} (${email})`.trim();
}

function renderLink(call: EngineCall, record: CampaignRecord, name: string, field: FieldDefinition): unknown {
  const id = linkedId(call, field, name, record);
  const definition = call.resources.definition(field.target ?? '');
  const target = id === undefined || !definition ? undefined : call.resources.table(definition.name).get(id);
  if (!definition || !target) return null;
  return {
    PKey: call.resources.pkeys.mint(definition.name, target.id, 'link'),
    href: recordHref(call, definition, target.id),
    title: renderTitle(call, definition, target),
  };
}

function renderObject(stored: unknown, field: FieldDefinition): Record<string, unknown> {
  const values = (stored ?? {}) as Record<string, unknown>;
  const shown: Record<string, unknown> = {};
  for (const name in field.fields)
    shown[name] = values[name] ?? readDefault(field.fields[name] as FieldDefinition);
  return shown;
}

function postalAddress(record: CampaignRecord, field: FieldDefinition): Record<string, unknown> {
  const address = (record.values['location'] ?? {}) as Record<string, string | undefined>;
  const text = (value: unknown) => (typeof value === 'string' ? value : '');
  const name = `${text(record.values['firstName'])} ${text(record.values['lastName'])}`.trim();
  const place = `${text(address['zipCode'])} ${text(address['city'])}`.trim();
  const lines = [
    name,
    text(address['address1']),
    text(address['address2']),
    text(address['address3']),
    text(address['address4']),
    place,
  ];
  const shown = renderObject(undefined, field);
  for (const [position, line] of lines.entries()) shown[`line${position + 1}`] = line;
  shown['serialized'] = lines.filter((line) => line !== '').join('\n');
  shown['addrDefined'] = place !== '' || lines.slice(1).some((line) => line !== '');
  return shown;
}

function computed(call: EngineCall, record: CampaignRecord, name: string): unknown {
  if (name === 'createdBy' || name === 'modifiedBy') return 'API (api)';
  if (call.definition.name !== 'profile') return undefined;
  switch (name) {
    case 'age':
      return age(record.values['birthDate'], call.context.clock.nowMs());
    case 'cryptedId':
      return call.resources.pkeys.mint(call.definition.name, record.id).slice(-32);
    case 'domain':
      return String(record.values['email'] ?? '').split('@')[1] ?? '';
    case 'title':
      return renderTitle(call, call.definition, record);
    default:
      return undefined;
  }
}

/** Full years; 0 without a birth date. */
function age(birthDate: unknown, nowMs: number): number {
  if (typeof birthDate !== 'string' || birthDate === '') return 0;
  const born = new Date(`${birthDate}T00:00:00Z`);
  const now = new Date(nowMs);
  const years = now.getUTCFullYear() - born.getUTCFullYear();
  const birthday = Date.UTC(now.getUTCFullYear(), born.getUTCMonth(), born.getUTCDate());
  return Math.max(0, now.getTime() < birthday ? years - 1 : years);
}
