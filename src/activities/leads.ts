import { ingressFlow } from '../contracts.js';
import { nameOf, type Lead } from '../ledger/link-store.js';
import type { ParentRow } from '../mapping/model.js';

/** Names a parent in the ledger's `waitsFor` and in its links. */
export const waitsForOf = ({ table, id }: Pick<ParentRow, 'table' | 'id'>): string =>
  nameOf(ingressFlow(table), id);

/** Where a row's record leads, of the links that Campaign itself ties. */
export const leadsOf = (parents: ParentRow[]): Lead[] =>
  parents.flatMap((parent) =>
    parent.ties ? [{ parent: waitsForOf(parent), hides: parent.ties === 'child' }] : [],
  );
