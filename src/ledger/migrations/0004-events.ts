import type { Migration } from './migrate.js';

/** Email events: which are written, where a parked one stands in its source, and what of the source was missed. */
export const events: Migration = {
  name: 'events',
  statements: [
    `create table ledger.event (
      id uuid primary key,
      page_version bigint not null,
      written_at timestamptz not null default now()
    )`,
    `create index event_written_at on ledger.event (written_at)`,
    `create table ledger.gap (
      flow text collate "C" not null,
      missed_from timestamptz,
      missed_until timestamptz not null,
      noted_at timestamptz not null default now(),
      primary key (flow, missed_until)
    )`,
    `alter table ledger.parked add column place text`,
    `alter table ledger.run
      add column written bigint not null default 0,
      add column duplicates bigint not null default 0,
      add column reasons jsonb not null default '{}'`,
  ],
};
