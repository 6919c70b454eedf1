-- system/0014_review
-- How far entries are in the review before they are published.
-- Immutable once merged: to change it, make the next one.

set lock_timeout = '5s';
set statement_timeout = '1h';

begin;

-- A revision without a row is at the first stage, so that a save begins the review again.
create table cms.review (
  type text not null,
  entry uuid not null,
  revision bigint not null,
  stage text not null,
  constraint review_pkey primary key (type, entry, revision)
);

create table cms.review_step (
  id uuid not null,
  type text not null,
  entry uuid not null,
  revision bigint not null,
  -- move, approve
  kind text not null,
  from_stage text not null,
  -- Where it was moved to, or which stage was approved.
  to_stage text not null,
  -- Of an approval: it counts no more, since the entry was moved back.
  is_void boolean not null default false,
  comment text,
  actor_kind text not null,
  actor uuid,
  -- The user behind it: a token acts for the one who made it.
  person uuid,
  role text,
  at timestamptz not null default now(),
  constraint review_step_pkey primary key (id),
  constraint review_step_kind_check check (kind in ('move', 'approve'))
);
create index review_step_entry_idx on cms.review_step (type, entry, id);

commit;
