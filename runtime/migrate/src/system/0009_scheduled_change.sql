-- system/0009_scheduled_change
-- Entries that are to be published or unpublished later. A job fires each; this is what people see of it.
-- Immutable once merged: to change it, make the next one.

set lock_timeout = '5s';
set statement_timeout = '1h';

begin;

create table cms.scheduled_change (
  id uuid not null,
  type text not null,
  entry uuid not null,
  -- publish, unpublish
  action text not null,
  -- To publish this one; null for the latest at that time.
  revision bigint,
  at timestamptz not null,
  -- As it was asked for, if that was a local time.
  local_time timestamp,
  zone text,
  -- pending, done, failed, cancelled
  state text not null default 'pending',
  -- Why it failed: a list of problems.
  problems jsonb,
  -- It is done with the rights of this actor.
  actor_kind text not null,
  actor uuid,
  role text,
  created_at timestamptz not null default now(),
  ended_at timestamptz,
  constraint scheduled_change_pkey primary key (id),
  constraint scheduled_change_action_check check (action in ('publish', 'unpublish')),
  constraint scheduled_change_state_check check (state in ('pending', 'done', 'failed', 'cancelled'))
);
create index scheduled_change_entry_idx on cms.scheduled_change (entry, at, id) where state = 'pending';
create index scheduled_change_at_idx on cms.scheduled_change (at, id);

commit;
