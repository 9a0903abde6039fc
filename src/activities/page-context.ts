import type { CallOptions } from '../http/calls.js';
import type { TableInForce } from './mappings.js';

/** What a slice's pages share: the table, its mapping in force, and the terms on which calls may be made. */
export interface PageContext {
  table: string;
  inForce: TableInForce;
  options: CallOptions;
  /** Flows of the tables whose rows are children of this one's. */
  childFlows: string[];
  /** Those of them whose records Campaign ties to this table's: see `ParentRow`. */
  tiedFlows: string[];
  /** The rows are contacts whose opt-outs are kept in step. */
  keepsOptOuts: boolean;
  /** Is told of other flows whose parked rows have become due by what was written. */
  released(flows: string[]): void;
}
