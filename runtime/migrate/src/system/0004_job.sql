-- system/0004_job
-- Work to be done, now or later. A job that is done is deleted.
-- Immutable once merged: to change it, make the next one.

set lock_timeout = '5s';
set statement_timeout = '1h';

begin;

create table cms.job (
  id uuid not null,
  kind text not null,
  payload jsonb not null,
  -- waiting, running, parked
  state text not null default 'waiting',
  -- Of several that are due the greatest is first.
  priority smallint not null default 0,
  -- Of one that waits: not before. Of one that runs: its lease ends then, and another node takes it.
  due timestamptz not null default now(),
  -- Of one kind, a second job with the key of one that waits is the same job.
  key text,
  -- Those that have begun.
  attempts integer not null default 0,
  -- Names the attempt that is under way: who has another one may not finish the job.
  lease uuid,
  -- What went wrong last.
  error text,
  created_at timestamptz not null default now(),
  constraint job_pkey primary key (id),
  constraint job_state_check check (state in ('waiting', 'running', 'parked')),
  constraint job_lease_check check ((state = 'running') = (lease is not null))
);
create unique index job_key_idx on cms.job (kind, key) where state = 'waiting' and key is not null;
create index job_due_idx on cms.job (priority desc, due, id) where state <> 'parked';
create index job_next_idx on cms.job (due) where state <> 'parked';
create index job_parked_idx on cms.job (kind, created_at) where state = 'parked';

-- When the periodic jobs are due next; whoever enqueues one holds its row.
create table cms.schedule (
  kind text not null,
  due timestamptz not null,
  -- As the site declares it; another one sets `due` anew.
  rhythm text not null,
  constraint schedule_pkey primary key (kind)
);

commit;
