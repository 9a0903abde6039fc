import { converterFor, EMPTY } from './convert.js';
import { textAt } from './raw-file.js';
import { columnOf, fieldOf, placeOf, type CompiledField } from './fields.js';
import type {
  AddressBy,
  ParentRow,
  PayloadValue,
  PKeyLink,
  SourceRow,
  SourceTable,
  TargetResource,
} from './model.js';
import type { ConstantLink, LinkMapping, ParentLink, TableMapping } from './schema.js';

export interface CompiledLinks {
  fields: CompiledField[];
  pkeyLinks: PKeyLink[];
  parentTables: string[];
  hasTies: boolean;
  /** The parents that a row names, whichever way they are linked. */
  parentsOf: (row: SourceRow) => ParentRow[];
  /** Whether a row names no parent where it must have one. */
  lacksParent: (row: SourceRow) => boolean;
}

/**
 * The mapping's links (campaign.md §2). One that joins on a field of its own (`by: key`) sends the parent's id in that
 * field. One by PKey holds the parent's id, or the constant's key, until it is sent.
 */
export function compileLinks(
  { links }: TableMapping,
  source: SourceTable,
  target: TargetResource,
  problem: (text: string) => void,
): CompiledLinks {
  for (const link of links) checkKind(link, target, problem);
  const toParents = links.filter((link): link is ParentLink => 'table' in link);
  const constants = links.filter((link): link is ConstantLink => 'resource' in link);
  const ids = toParents.map((link) => ({ link, idOf: parentId(link, source) }));
  return {
    fields: [
      ...ids.map(({ link, idOf }) => parentField(link, idOf, source, target)),
      ...constants.map((link) => constantField(link, target)),
    ],
    pkeyLinks: [
      ...toParents.filter(({ by }) => by === 'pkey').map(parentByPKey),
      ...constants.map(constantByPKey),
    ],
    parentTables: [...new Set(toParents.map(({ table }) => table))],
    hasTies: toParents.some((link) => tieOf(link) !== undefined),
    lacksParent: (row) => ids.some(({ link, idOf }) => link.required && idOf(row) === undefined),
    parentsOf: (row) =>
      ids.flatMap(({ link, idOf }) => {
        const id = idOf(row);
        return id === undefined ? [] : [{ table: link.table, id, field: link.to, ...tieOf(link) }];
      }),
  };
}

/** What of the child is lost with the parent's record, if anything is. */
export function tieOf({ required, by }: ParentLink): { ties: 'child' | 'link' } | undefined {
  if (required) return { ties: 'child' };
  return by === 'pkey' ? { ties: 'link' } : undefined;
}

/** A link takes a PKey only, and a plain field never does. What Campaign's metadata does not name is left to Campaign. */
function checkKind(link: LinkMapping, target: TargetResource, problem: (text: string) => void): void {
  const { type } = fieldOf(link.to, target);
  const isByPKey = 'resource' in link || link.by === 'pkey';
  if (isByPKey && link.to.includes('.')) problem(`the link ${link.to}: by pkey takes no nested field`);
  else if (isByPKey && type !== 'link' && type !== 'other')
    problem(`the link ${link.to}: is a field and no link, which by pkey needs`);
  else if (!isByPKey && type === 'link') problem(`the link ${link.to}: takes a PKey: say by: pkey`);
}

/** `url`, or `filter:<name>`. */
export const readAddressBy = (text: string): AddressBy =>
  text === 'url' ? { kind: 'url' } : { kind: 'filter', name: text.slice('filter:'.length) };

/** The same, or `list`. */
export const readConstantAddress = (text: string): AddressBy | { kind: 'list' } =>
  text === 'list' ? { kind: 'list' } : readAddressBy(text);

/** A lookup that may lead to several tables says to which; a row of another table is no parent in this link. */
function parentId({ from, table }: ParentLink, source: SourceTable): (row: SourceRow) => string | undefined {
  const column = columnOf(from, source);
  if (!column) return () => undefined;
  return (row) => {
    const id = textAt(row, column.selectName);
    const target = textAt(row, `${column.selectName}@Microsoft.Dynamics.CRM.lookuplogicalname`);
    if (target !== undefined && target !== table) return undefined;
    return id === undefined || id === '' ? undefined : id.toLowerCase();
  };
}

function parentField(
  { from, to, by }: ParentLink,
  idOf: (row: SourceRow) => string | undefined,
  source: SourceTable,
  target: TargetResource,
): CompiledField {
  const column = columnOf(from, source);
  const convert =
    by === 'pkey' || !column
      ? (id: string | undefined) => ({ kind: 'value', value: id ?? null }) as const
      : converterFor(column, fieldOf(to, target), 'technical');
  return {
    ...placeOf(to, target, by === 'pkey' ? heldLink : undefined),
    followsUpdates: true,
    valueOf: column ? (row) => convert(idOf(row)) : () => EMPTY,
  };
}

const constantField = ({ to, value }: ConstantLink, target: TargetResource): CompiledField => ({
  ...placeOf(to, target, heldLink),
  followsUpdates: true,
  valueOf: () => ({ kind: 'value', value: String(value) }),
});

const parentByPKey = ({ to, table }: ParentLink): PKeyLink => ({ field: to, to: { kind: 'parent', table } });

const constantByPKey = ({ to, resource, keyField, addressBy }: ConstantLink): PKeyLink => ({
  field: to,
  to: {
    kind: 'constant',
    resource,
    keyField,
    addressBy: readConstantAddress(addressBy),
  },
});

/** Equal to no key: Campaign answers a link by a PKey of that answer's own, which does not tell what it leads to. */
const SOME_RECORD = '\u0000linked';
const heldLink = (value: unknown): PayloadValue =>
  value === null || value === undefined || value === '' ? null : SOME_RECORD;
