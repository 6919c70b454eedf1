-- system/0007_revisions
-- The history of entries: each save is a revision, and what is deleted stays in the bin until it is purged.
-- Immutable once merged: to change it, make the next one.

set lock_timeout = '5s';
set statement_timeout = '1h';

begin;

create table cms.revision (
  type text not null,
  entry uuid not null,
  revision bigint not null,
  at timestamptz not null default now(),
  -- user, token, developer, system, anonymous
  actor_kind text not null,
  actor uuid,
  role text,
  -- What the author says of it.
  note text,
  -- Names of the fields that differ from the revision before, as the API has them.
  fields text[] not null default '{}',
  -- The rows of the entry, by table; null while the draft holds them.
  content jsonb,
  constraint revision_pkey primary key (type, entry, revision)
);

-- Not every PostgreSQL is built with lz4; the other method compresses as well, in more time.
do $$
begin
  alter table cms.revision alter column content set compression lz4;
exception when feature_not_supported then
  null;
end
$$;

create table cms.bin (
  type text not null,
  entry uuid not null,
  -- The last one; its rows are in cms.revision.
  revision bigint not null,
  -- Entries that were deleted together have the same.
  deletion uuid not null,
  title text,
  at timestamptz not null default now(),
  actor_kind text not null,
  actor uuid,
  role text,
  -- What pointed at the entry and lost it: [{"type", "entry", "field", "child", "position"}].
  pointers jsonb not null default '[]',
  constraint bin_pkey primary key (type, entry)
);
create index bin_at_idx on cms.bin (at desc, entry);
create index bin_deletion_idx on cms.bin (deletion);

commit;
