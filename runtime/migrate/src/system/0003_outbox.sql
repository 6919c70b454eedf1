-- system/0003_outbox
-- What was written, an event a row, in the transaction of the write. Events get their positions when they are read, so that
-- one whose transaction commits late is never behind a reader; `store/src/outbox.rs` and `events` are all that work on it.
-- Immutable once merged: to change it, make the next one.

set lock_timeout = '5s';
set statement_timeout = '1h';

begin;

create table cms.outbox (
  -- In the order of the writes of an entry: a writer has the lock of its entry when it takes a number.
  seq bigint generated always as identity,
  -- The order of all events, without holes; null until the event is committed and was seen.
  position bigint,
  at timestamptz not null default now(),
  -- created, updated, published, unpublished, deleted
  kind text not null,
  type text not null,
  entry uuid not null,
  revision bigint not null,
  -- Names of the fields that were changed, as the API has them.
  fields text[] not null default '{}',
  -- user, token, developer, system, anonymous
  actor_kind text not null,
  actor uuid,
  role text,
  -- Nothing fills these yet.
  tenant uuid,
  locale text,
  constraint outbox_pkey primary key (seq)
);
create unique index outbox_position_idx on cms.outbox (position) where position is not null;
create index outbox_new_idx on cms.outbox (seq) where position is null;
create index outbox_at_idx on cms.outbox using brin (at);

-- The last position that was given; whoever gives positions holds this row. It outlives the events.
create table cms.outbox_head (
  position bigint not null
);
insert into cms.outbox_head values (0);

-- Who follows the events. A row that is locked is at work.
create table cms.consumer (
  name text not null,
  -- Of the last event that it has handled.
  position bigint not null,
  -- In a row, since the last success.
  failures integer not null default 0,
  error text,
  -- It waits until then after a failure.
  retry_at timestamptz,
  moved_at timestamptz not null default now(),
  constraint consumer_pkey primary key (name)
);

commit;
