import type { Migration } from './migrate.js';

/**
 * Ids compare by their bytes (`collate "C"`), so that both backends and JavaScript agree on "in id order".
 * Tables whose rows are rewritten again and again leave room in their pages, and no index touches what is rewritten:
 * such an update stays in its page and costs no index entry.
 */
export const firstTables: Migration = {
  name: 'first tables',
  statements: [
    `create table ledger.pair (
      only_row boolean primary key default true check (only_row),
      organization_id text not null,
      tenant text not null,
      key_check text not null
    )`,
    `create table ledger.mapping (
      version integer primary key,
      document text not null,
      published_at timestamptz not null default now()
    )`,
    `create table ledger.metadata (
      flow text collate "C" primary key,
      content text not null,
      saved_at timestamptz not null
    )`,
    `create table ledger.feed (
      flow text collate "C" primary key,
      version bigint not null default 0,
      position jsonb,
      lease_owner text,
      lease_process text,
      lease_until timestamptz,
      opened_at timestamptz,
      run_id text,
      survey integer not null default 0,
      survey_open boolean not null default false,
      managed bigint not null default 0,
      held bigint not null default 0,
      last_commit_at timestamptz,
      last_outcome text,
      last_error_code text
    ) with (fillfactor = 50)`,
    `create table ledger.record (
      flow text collate "C" not null,
      source_id text collate "C" not null,
      state text not null,
      managed boolean not null,
      full_print text,
      following_print text,
      source_version text,
      mapping_version integer,
      intent_at timestamptz,
      intent_version bigint,
      outcome text,
      outcome_version bigint,
      survey integer,
      survey_doubled boolean not null default false,
      primary key (flow, source_id)
    ) with (fillfactor = 70)`,
    `create table ledger.parked (
      flow text collate "C" not null,
      source_id text collate "C" not null,
      code text not null,
      field text,
      waits_for text collate "C",
      page_version bigint not null,
      attempts integer not null,
      first_at timestamptz not null,
      last_at timestamptz not null,
      next_at timestamptz,
      primary key (flow, source_id)
    ) with (fillfactor = 70)`,
    `create index parked_due on ledger.parked (flow, next_at) where next_at is not null`,
    `create index parked_waits_for on ledger.parked (waits_for) where waits_for is not null`,
    `create table ledger.swept (
      flow text collate "C" not null,
      source_id text collate "C" not null,
      primary key (flow, source_id)
    )`,
    `create table ledger.tally (
      flow text collate "C" not null,
      at timestamptz not null,
      deleted bigint not null,
      managed_change bigint not null
    )`,
    `create index tally_at on ledger.tally (flow, at)`,
    `create table ledger.run (
      flow text collate "C" not null,
      run_id text not null,
      started_at timestamptz not null,
      worked_from timestamptz,
      worked_until timestamptz,
      finished_at timestamptz,
      outcome text,
      error_code text,
      read bigint not null default 0,
      created bigint not null default 0,
      updated bigint not null default 0,
      unchanged bigint not null default 0,
      filtered bigint not null default 0,
      deleted bigint not null default 0,
      parked bigint not null default 0,
      held bigint not null default 0,
      primary key (flow, run_id)
    ) with (fillfactor = 50)`,
    `create table ledger.day (
      day date not null,
      system text not null,
      calls bigint not null,
      primary key (day, system)
    ) with (fillfactor = 50)`,
  ],
};
