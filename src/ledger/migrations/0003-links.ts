import type { Migration } from './migrate.js';

/**
 * Where records of Campaign lead, so that none is left behind when what it leads to is deleted; which rows are called for that, each
 * call with a number of its own; and which records are about to go.
 */
export const links: Migration = {
  name: 'links',
  statements: [
    `create table ledger.link (
      flow text collate "C" not null,
      source_id text collate "C" not null,
      parent text collate "C" not null,
      hides boolean not null,
      primary key (flow, source_id, parent)
    )`,
    `create index link_parent on ledger.link (parent)`,
    `create sequence ledger.call`,
    `create table ledger.called (
      flow text collate "C" not null,
      source_id text collate "C" not null,
      number bigint not null,
      primary key (flow, source_id)
    )`,
    `alter table ledger.record add column leaving boolean not null default false`,
  ],
};
