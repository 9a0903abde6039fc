import type { Migration } from './migrate.js';

/** Opt-outs: what both systems last agreed on, what is still to be settled, and the evidence of each decision. */
export const consent: Migration = {
  name: 'consent',
  statements: [
    `create table ledger.agreement (
      contact_id text collate "C" not null,
      flag text collate "C" not null,
      opted_out boolean not null,
      campaign_stamp text,
      row_version text,
      primary key (contact_id, flag)
    ) with (fillfactor = 70)`,
    `create table ledger.due_contact (
      contact_id text collate "C" primary key,
      code text,
      attempts integer not null default 0,
      since timestamptz not null default now(),
      next_at timestamptz not null default now()
    ) with (fillfactor = 70)`,
    `create index due_contact_next on ledger.due_contact (next_at)`,
    `create table ledger.consent_log (
      number bigint generated always as identity primary key,
      at timestamptz not null default now(),
      contact_id text collate "C" not null,
      flag text collate "C" not null,
      dynamics boolean,
      dynamics_at text,
      campaign boolean,
      campaign_at text,
      agreed_before boolean,
      agreed_after boolean,
      rule text not null,
      winner text not null,
      because text not null,
      result text not null,
      run_id text not null
    )`,
    `create index consent_log_contact on ledger.consent_log (contact_id, number)`,
    `create function ledger.refuse_change() returns trigger language plpgsql as $$
      begin raise exception 'the consent log is only added to'; end $$`,
    `create trigger consent_log_stays before update or delete or truncate on ledger.consent_log
      for each statement execute function ledger.refuse_change()`,
    `alter table ledger.run
      add column to_campaign bigint not null default 0,
      add column to_dynamics bigint not null default 0`,
  ],
};
