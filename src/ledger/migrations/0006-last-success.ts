import type { Migration } from './migrate.js';

/** When a flow's last run had nothing left to do. */
export const lastSuccess: Migration = {
  name: 'last success',
  statements: [`alter table ledger.feed add column last_success_at timestamptz`],
};
