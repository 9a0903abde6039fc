import { canonical } from '../mapping/canonical.js';
import type { CompiledMapping, Payload, PayloadValue } from '../mapping/model.js';

/**
 * Names of the Campaign fields, nested ones dotted, that a record of Campaign holds otherwise than the payload: names only, no
 * value (P8). The key is not among them. What a link by PKey leads to does not show in a record: only whether it is set is compared.
 */
export function differingFields(
  { keyField, pkeyLinks, fromCampaign }: CompiledMapping,
  payload: Payload,
  record: Record<string, unknown>,
): string[] {
  const held = new Map(fieldsOf(fromCampaign(record).full));
  const links = new Set(pkeyLinks.map(({ field }) => field));
  return fieldsOf(payload).flatMap(([path, wanted]) => {
    if (path === keyField) return [];
    const there = held.get(path) ?? null;
    const isSame = links.has(path)
      ? (wanted === null) === (there === null)
      : canonical({ value: wanted }) === canonical({ value: there });
    return isSame ? [] : [path];
  });
}

function fieldsOf(payload: Payload, prefix = ''): [string, PayloadValue][] {
  return Object.entries(payload).flatMap(([name, value]): [string, PayloadValue][] =>
    typeof value === 'object' && value !== null
      ? fieldsOf(value, `${prefix}${name}.`)
      : [[prefix + name, value]],
  );
}
